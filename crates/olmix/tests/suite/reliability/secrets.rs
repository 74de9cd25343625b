//! Values of `engine.env` are in no file that others can read, and are not shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::common::{olmix, printed as ok, tiny};

const SECRET: &str = "hunter2-hunter2";

/// The files under a folder that hold the secret, with their modes.
fn holders(folder: &Path) -> Vec<(String, u32)> {
    let holds = |bytes: &[u8]| {
        bytes
            .windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes())
    };
    super::contents(folder)
        .into_iter()
        .filter(|(_, bytes)| holds(bytes))
        .map(|(name, _)| {
            let mode = fs::metadata(folder.join(&name))
                .unwrap()
                .permissions()
                .mode();
            (name, mode & 0o777)
        })
        .collect()
}

#[test]
fn a_previewed_swarm_masks_values_of_the_environment_and_its_configs_are_private() {
    let folder = crate::common::newcomer();
    let at = folder.path().join("examples/swarm");
    let base = fs::read_to_string(at.join("launch.yaml")).unwrap();
    let engine = format!(
        "engine: {{type: slurm, env: {{API_TOKEN: {SECRET}}}, evaluation: {{env: {{OTHER: {SECRET}}}}}}}\n"
    );
    let base = base.lines().filter(|line| !line.starts_with("engine"));
    let base: Vec<&str> = base.chain([engine.as_str()]).collect();
    fs::write(at.join("base.yaml"), base.join("\n")).unwrap();
    fs::set_permissions(at.join("base.yaml"), fs::Permissions::from_mode(0o600)).unwrap();
    ok(
        &at,
        "generate --config generate.yaml --base base.yaml --output drawn --variants 12 --quiet",
    );
    let found = holders(&at.join("drawn"));
    assert_eq!(found.len(), 12);
    assert!(found.iter().all(|(_, mode)| *mode == 0o600), "{found:?}");
    for options in ["", " --json"] {
        let run = olmix(
            &at,
            &format!("launch preview --variants drawn/launch{options}"),
        )
        .output()
        .unwrap();
        let shown = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
        assert!(!shown.contains(SECRET), "{shown}");
        if run.status.success() {
            assert!(
                shown.contains("API_TOKEN='***'") || shown.contains("API_TOKEN=***"),
                "{shown}"
            );
        }
    }
}

#[test]
fn a_ledger_of_a_swarm_with_an_environment_is_its_owners_alone_with_all_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    tiny::data(at);
    fs::create_dir(at.join("launch")).unwrap();
    // A run that fails at once: the ledger is what is looked at.
    let config = tiny::config("one", tiny::MIX, "")
        + &format!(
            "trainer: {{command: \"false\"}}\nengine: {{type: local, env: {{API_TOKEN: {SECRET}}}}}\n"
        );
    fs::write(at.join("launch/one.yaml"), config).unwrap();
    fs::create_dir(at.join("runs")).unwrap();
    // One that was there, and that others could read.
    let earlier = fs::File::create(at.join("runs/ledger.sqlite")).unwrap();
    earlier
        .set_permissions(fs::Permissions::from_mode(0o644))
        .unwrap();
    let run = olmix(
        at,
        "launch run --variants launch --out runs --retries 0 --quiet",
    )
    .output()
    .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    let ledger = at.join("runs/ledger.sqlite");
    assert_eq!(
        fs::metadata(&ledger).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        holders(&at.join("runs"))
            .iter()
            .all(|(_, mode)| *mode == 0o600)
    );
    // What SQLite has beside it has its permissions.
    let connection = rusqlite::Connection::open(&ledger).unwrap();
    connection
        .execute("UPDATE swarms SET name = 'x'", [])
        .unwrap();
    for end in ["-wal", "-shm"] {
        let beside = fs::metadata(at.join(format!("runs/ledger.sqlite{end}"))).unwrap();
        assert_eq!(beside.permissions().mode() & 0o777, 0o600, "{end}");
    }
}
