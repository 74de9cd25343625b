//! Names from files never lead out of the folder that was named, and never reach a terminal as commands.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{contents, project};
use crate::common::{olmix, printed as ok, refused};

/// The files and folders of everything but the export that is tampered with.
fn around(at: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = contents(at);
    found.retain(|(name, _)| !name.starts_with("export") && !name.starts_with("fresh"));
    found
}

/// The record of an export that has files, and its path.
fn with_files(export: &Path) -> (std::path::PathBuf, Value) {
    let mut paths: Vec<_> = fs::read_dir(export.join("records"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| -> Value {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let found = paths.iter().map(|path| (path.clone(), read(path)));
    let mut found = found.filter(|(_, record)| !record["files"].as_array().unwrap().is_empty());
    found.next().unwrap()
}

/// A project with a fit's record, which has files.
fn with_fit() -> tempfile::TempDir {
    let folder = project();
    let at = folder.path();
    ok(
        at,
        "fit --config fit.yaml --output-dir out --ridge 1e-5 --folds 0 --bootstrap 0 --quiet",
    );
    ok(at, "commit out/mixture.json");
    ok(at, "history export export");
    folder
}

#[test]
fn an_export_whose_names_lead_elsewhere_is_refused_and_writes_nothing() {
    let folder = with_fit();
    let at = folder.path();
    let (path, record) = with_files(&at.join("export"));
    let before = around(at);
    let absolute = at.join("evil").display().to_string();
    for name in [
        "../evil",
        "..",
        ".",
        "",
        "a/../../evil",
        &absolute,
        "a\\..\\evil",
        "a\u{0}b",
        "a\nb",
        ".olmix-x",
        ".bashrc",
        "a//b",
        "c:evil",
    ] {
        let mut changed = record.clone();
        changed["files"][0]["name"] = json!(name);
        fs::write(&path, changed.to_string()).unwrap();
        let message = refused(at, "history import export fresh");
        assert!(
            message.contains("can't be that of a file"),
            "{name:?}: {message}"
        );
        assert!(
            message.contains(".json") && message.contains("help: "),
            "{message}"
        );
        assert!(!at.join("fresh/.olmix").exists(), "{name:?}");
    }
    for hash in [
        "/dev/zero",
        "../../../etc/passwd",
        "",
        "abc",
        &"G".repeat(64),
        &"../".repeat(22)[..64],
    ] {
        let mut changed = record.clone();
        changed["files"][0]["sha256"] = json!(hash);
        fs::write(&path, changed.to_string()).unwrap();
        let message = refused(at, "history import export fresh");
        assert!(
            message.contains("is not 64 hex digits"),
            "{hash:?}: {message}"
        );
    }
    assert_eq!(around(at), before);
    // As it was, it is imported.
    fs::write(&path, record.to_string()).unwrap();
    ok(at, "history import export fresh");
    ok(at, "verify --project fresh --deep");
}

#[cfg(unix)]
#[test]
fn links_and_pipes_in_an_export_are_not_read() {
    let folder = with_fit();
    let at = folder.path();
    let (_, record) = with_files(&at.join("export"));
    let file = at
        .join("export/files")
        .join(record["files"][0]["sha256"].as_str().unwrap());
    fs::rename(&file, at.join("moved")).unwrap();
    std::os::unix::fs::symlink(at.join("moved"), &file).unwrap();
    let message = refused(at, "history import export fresh");
    assert!(message.contains("a link or a device"), "{message}");
}

/// A ledger whose record has a file of another name, with all hashes made right: they are no signatures.
fn rename_in_ledger(ledger: &Path, name: &str) -> String {
    let connection = rusqlite::Connection::open(ledger).unwrap();
    connection
        .execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;")
        .unwrap();
    let (id, line): (i64, String) = connection
        .query_row(
            "SELECT id, line || '@' || number FROM records WHERE id IN (SELECT record FROM record_files) LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    connection
        .execute(
            "UPDATE record_files SET name = ?2 WHERE record = ?1 AND name = (SELECT min(name) FROM record_files \
             WHERE record = ?1)",
            rusqlite::params![id, name],
        )
        .unwrap();
    line
}

#[test]
fn a_project_that_was_made_to_write_elsewhere_is_refused_and_told_by_verify() {
    let folder = with_fit();
    let at = folder.path();
    let kept = fs::read(at.join(".olmix/ledger.sqlite")).unwrap();
    let absolute = at.join("evil").display().to_string();
    for name in ["../evil", &absolute, ".bashrc"] {
        fs::write(at.join(".olmix/ledger.sqlite"), &kept).unwrap();
        let record = rename_in_ledger(&at.join(".olmix/ledger.sqlite"), name);
        let before: Vec<String> = contents(at).into_iter().map(|(name, _)| name).collect();
        let message = refused(at, &format!("show {record} --files files"));
        assert!(message.contains("can't be that of a file"), "{message}");
        let message = refused(at, "verify");
        assert!(message.contains("can't be that of a file"), "{message}");
        refused(at, "history export other");
        let mut after: Vec<String> = contents(at).into_iter().map(|(name, _)| name).collect();
        after.retain(|name| !name.starts_with(".olmix/ledger.sqlite-"));
        assert_eq!(after, before);
    }
}

#[test]
fn names_with_control_characters_and_of_any_length_are_printed_plain() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let long = "x".repeat(5000);
    let text = format!("{{\"a\\u001b]0;title\\u0007\": 0.5, \"{long}\": 0.5}}");
    fs::write(at.join("m.json"), text).unwrap();
    for line in [
        "mix show m.json",
        "export --mixture m.json --format csv -o out.csv",
    ] {
        let run = olmix(at, line).output().unwrap();
        let printed = [run.stdout, run.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        let obeyed = |c: char| c.is_control() && c != '\n';
        assert!(!printed.contains(obeyed), "{line}: {printed:?}");
        assert!(!printed.contains(&long), "{line}");
    }
}

#[test]
fn a_name_that_a_spreadsheet_computes_is_told_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("m.json"), r#"{"=1+1": 0.5, "web": 0.5}"#).unwrap();
    let run = olmix(at, "export --mixture m.json --format csv")
        .output()
        .unwrap();
    let notes = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(notes.contains("takes \"=1+1\" for a formula"), "{notes}");
    assert!(String::from_utf8_lossy(&run.stdout).contains("\n=1+1,0.5"));
}

#[test]
fn three_imports_at_once_make_one_project_and_two_messages() {
    let folder = with_fit();
    let at = folder.path();
    let runs: Vec<_> = (0..3)
        .map(|_| {
            std::process::Command::new(env!("CARGO_BIN_EXE_olmix"))
                .args(["history", "import", "export", "fresh"])
                .current_dir(at)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let ends: Vec<_> = runs
        .into_iter()
        .map(|run| run.wait_with_output().unwrap())
        .collect();
    assert_eq!(
        ends.iter().filter(|end| end.status.success()).count(),
        1,
        "{ends:?}"
    );
    for end in ends.iter().filter(|end| !end.status.success()) {
        let message = String::from_utf8_lossy(&end.stderr);
        assert_eq!(end.status.code(), Some(2), "{message}");
        let told =
            message.contains("there is a project here") || message.contains("another import");
        assert!(told, "{message}");
    }
    ok(at, "verify --project fresh --deep");
}

#[test]
fn an_import_goes_on_where_a_killed_one_ended() {
    let folder = with_fit();
    let at = folder.path();
    ok(at, "history import export fresh");
    let whole = contents(&at.join("fresh"));
    // Between the ledger and olmix.yaml.
    fs::remove_file(at.join("fresh/olmix.yaml")).unwrap();
    ok(at, "history import export fresh");
    assert_eq!(contents(&at.join("fresh")), whole);
    // Before the ledger was whole.
    fs::remove_file(at.join("fresh/olmix.yaml")).unwrap();
    let ledger = at.join("fresh/.olmix/ledger.sqlite");
    let half = fs::read(&ledger).unwrap();
    fs::remove_file(&ledger).unwrap();
    fs::write(
        at.join("fresh/.olmix/importing.sqlite"),
        &half[..half.len() / 2],
    )
    .unwrap();
    ok(at, "history import export fresh");
    ok(at, "verify --project fresh --deep");
    // A history of something else is not overwritten.
    fs::remove_file(at.join("fresh/olmix.yaml")).unwrap();
    let other = project();
    fs::copy(other.path().join(".olmix/ledger.sqlite"), &ledger).unwrap();
    let message = refused(at, "history import export fresh");
    assert!(message.contains("of another project"), "{message}");
    let hash = |path: &Path| Sha256::digest(fs::read(path).unwrap());
    assert_eq!(
        hash(&ledger),
        hash(&other.path().join(".olmix/ledger.sqlite"))
    );
}
