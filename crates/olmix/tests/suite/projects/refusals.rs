//! What projects refuse: one message that names the place, exit code 2, and nothing changed.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::by_hand;
use crate::common::{copy_demo, json, printed as ok, refused};

/// Everything that a refused command must leave as it was.
fn state(at: &Path) -> (String, String) {
    let log = ok(at, "log --all --json");
    (log, fs::read_to_string(at.join("olmix.yaml")).unwrap())
}

/// Refused with all of the parts, and nothing changed.
fn unchanged(at: &Path, line: &str, parts: &[&str]) {
    let before = state(at);
    let message = refused(at, line);
    for part in parts {
        assert!(message.contains(part), "{line}: {part}\n{message}");
    }
    assert!(message.contains("help:"), "{line}\n{message}");
    assert_eq!(state(at), before, "{line}");
}

#[test]
fn update_refuses_impossible_changes_and_changes_nothing() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.1, 0.0]);
    let at = folder.path();
    unchanged(
        at,
        "update remove wiki",
        &["no domain `wiki`", "there is `wikipedia`"],
    );
    unchanged(at, "update revise webs=10", &["no domain `webs`"]);
    unchanged(
        at,
        "update add books=10",
        &["there is a domain `books` already", "olmix update revise"],
    );
    unchanged(
        at,
        "update partition web --into a=1 b=2",
        &["no domain `web`"],
    );
    unchanged(
        at,
        "update partition math --into math:a=2e8 math:b=2e8",
        &[
            "400000000 tokens together and `math` has 300000000",
            "may not overlap",
        ],
    );
    unchanged(
        at,
        "update partition math --into math:a=1e8 math:b=1e8",
        &["100000000 are in no part", "name a part for the rest"],
    );
    unchanged(
        at,
        "update partition math --into math:a=1e8",
        &["at least two parts"],
    );
    unchanged(
        at,
        "update remove web:general web:science code math books wikipedia",
        &["removes every domain"],
    );
    unchanged(
        at,
        "update revise books",
        &["`books`", "how many tokens it has now"],
    );
    fs::write(at.join("update.yaml"), "- add:\n    new: {tokens: many}\n").unwrap();
    unchanged(at, "update apply update.yaml", &["update.yaml:2", "tokens"]);
    fs::write(at.join("update.yaml"), "- rename: {a: b}\n").unwrap();
    unchanged(
        at,
        "update apply update.yaml",
        &["`rename` is not a kind of change"],
    );
    assert!(refused(at, "update add code=many").contains("not a number of tokens"));
    unchanged(
        at,
        "update add poems",
        &["nothing says how many tokens `poems` holds"],
    );
    unchanged(
        at,
        "update partition math --into math:a math:b",
        &["how many tokens"],
    );
    unchanged(at, "update add a::b=10", &["can't be the name of a domain"]);
    unchanged(at, "update add run=10", &["tables of runs"]);
    fs::write(
        at.join("update.yaml"),
        "add: {a: {tokens: 5, paths: [x.bin]}, b: {tokens: 5, paths: [x.bin]}}\n",
    )
    .unwrap();
    unchanged(
        at,
        "update apply update.yaml",
        &["`a` and `b` both have the files x.bin"],
    );
}

#[test]
fn update_remove_names_the_setting_that_mentions_the_domain() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.1, 0.0]);
    let at = folder.path();
    let path = at.join("olmix.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let bounded = text.replace(
        "constraints:\n",
        "constraints:\n  bounds: {books: {max: 0.2}}\n",
    );
    assert_ne!(text, bounded);
    fs::write(&path, bounded).unwrap();
    unchanged(
        at,
        "update remove books",
        &["constraints.bounds.books", "line ", "would be gone"],
    );
}

#[test]
fn commit_refuses_mixtures_of_another_version() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.1, 0.0]);
    let at = folder.path();
    fs::write(
        at.join("few.json"),
        r#"{"web:general": 0.5, "code": 0.5, "poems": 0.1}"#,
    )
    .unwrap();
    unchanged(
        at,
        "commit few.json",
        &[
            "does not belong to domains@1",
            "`poems`",
            "lacks `web:science`",
            "and 1 more",
        ],
    );
    fs::write(at.join("bad.json"), r#"{"web:general": -1}"#).unwrap();
    unchanged(at, "commit bad.json", &["`web:general` is -1"]);
    unchanged(at, "commit", &["nothing changed since"]);
    unchanged(
        at,
        "commit first.json --line fit",
        &["can't be the line of a mixture"],
    );
    // A fit of the swarm of version 1 says nothing of version 2.
    ok(at, "fit --config fit.yaml --folds 0 --bootstrap 0 --quiet");
    ok(at, "update add poems=1e6");
    unchanged(
        at,
        "commit out/mixture.json",
        &["does not belong to domains@2", "lacks `poems`"],
    );
    unchanged(at, "commit", &["a fit has to say the mixture"]);
}

#[test]
fn fit_refuses_a_swarm_with_other_ratios_than_its_plan_froze() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.1, 0.0]);
    let at = folder.path();
    ok(at, "update add poems=1e8");
    ok(at, "plan --method full-reuse --write second");
    ok(
        at,
        "generate --config second/generate.yaml --output second --quiet",
    );
    let ratios = fs::read_to_string(at.join("second/ratios.csv")).unwrap();
    let mut metrics = String::from(
        "run,math_algebra,math_geometry,math_word_problems,code_python,code_shell,code_sql,qa_science,qa_history,qa_commonsense\n",
    );
    let mut wrong = String::from("run,web:general,web:science,code,math,books,wikipedia,poems\n");
    for (i, line) in ratios.lines().skip(1).enumerate() {
        let run = line.split(',').next().unwrap();
        let losses: Vec<String> = (0..9).map(|task| format!("1.{i}{task}")).collect();
        metrics += &format!("{run},{}\n", losses.join(","));
        wrong += &format!("{run},0.2,0.3,0.1,0.1,0.1,0.0,0.2\n");
    }
    fs::write(at.join("second/metrics.csv"), metrics).unwrap();
    fs::write(at.join("second/ratios.csv"), wrong).unwrap();
    let message = refused(at, "fit --config second/fit.yaml --output-dir second/out");
    for part in [
        "second/ratios.csv",
        "where the ratios of `existing` ask for",
        "does not belong to this fit",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!at.join("second/out").exists());
}

#[test]
fn plan_names_the_domain_that_leaves_a_virtual_domain_without_weight() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.1, 0.0]);
    let at = folder.path();
    // Code is kept at a tenth, and has no tokens any more that a run could see.
    ok(at, "update add poems=1e8 empty=0");
    fs::write(
        at.join("second.json"),
        r#"{"web:general": 0.5, "web:science": 0.2, "code": 0.1, "math": 0.05, "books": 0.05, "wikipedia": 0, "poems": 0.05, "empty": 0.05}"#,
    )
    .unwrap();
    ok(at, "commit second.json");
    ok(at, "update add songs=1e8");
    unchanged(
        at,
        "plan --method full-reuse",
        &[
            "`existing` can have no weight",
            "`empty`, which has no tokens",
            "--free",
        ],
    );
    // Free, it leaves the others their weight, and no swarm could sample it.
    unchanged(
        at,
        "plan --method partial-reuse --freeze rest=web:* --free empty,code,math,books,wikipedia,poems",
        &[
            "`olmix generate` would refuse the config of this plan",
            "priors.relative_sizes.empty",
            "or with `olmix update`",
        ],
    );
    unchanged(
        at,
        "plan --method partial-reuse --free web",
        &["--free `web`", "no such domain"],
    );
    unchanged(
        at,
        "plan --freeze a=songs",
        &["free or in another virtual domain"],
    );
    unchanged(at, "plan --from main@7", &["no record `main@7`"]);
    unchanged(at, "plan --from domains@1", &["not a mixture"]);
}

#[test]
fn plan_refuses_options_its_method_does_not_take() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.1, 0.0]);
    let at = folder.path();
    ok(at, "update add poems=1e8");
    for (line, part) in [
        (
            "plan --method recompute --free code",
            "recompute has no use for --free",
        ),
        (
            "plan --method full-reuse --free code",
            "full-reuse has no use for --free",
        ),
        (
            "plan --method swarm-reuse --freeze a=web:*",
            "swarm-reuse has no use for --freeze",
        ),
        (
            "plan --method recompute --old-runs",
            "recompute has no use for --old-runs",
        ),
    ] {
        unchanged(at, line, &[part]);
    }
}

#[test]
fn project_without_a_mixture_says_what_to_do_first() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    copy_demo(at);
    assert!(refused(at, "log").contains("no olmix.yaml"));
    ok(at, "init --from fit.yaml --name house");
    assert!(refused(at, "init --from fit.yaml").contains("there is a project here"));
    unchanged(at, "plan --method full-reuse", &["no mixture yet"]);
    assert_eq!(json(at, "plan --json")["runs"], 21);
    unchanged(at, "commit", &["no mixture yet"]);
    unchanged(at, "show main", &["no record `main`"]);
    unchanged(at, "diff domains nothing", &["no record `nothing`"]);
}

#[test]
fn domains_edited_by_hand_are_refused_and_a_stale_block_is_updated() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.1, 0.0]);
    let at = folder.path();
    let path = at.join("olmix.yaml");
    let first = fs::read_to_string(&path).unwrap();
    ok(at, "update add poems=1e6");
    let second = fs::read_to_string(&path).unwrap();
    // As a crash after the record and before the file leaves it.
    fs::write(&path, &first).unwrap();
    ok(at, "verify");
    assert_eq!(fs::read_to_string(&path).unwrap(), second);
    let edited = second.replace(
        "\"poems\": {tokens: 1000000}",
        "\"poems\": {tokens: 2000000}",
    );
    assert_ne!(edited, second);
    fs::write(&path, &edited).unwrap();
    ok(at, "log");
    for line in ["verify", "plan", "update remove poems"] {
        let message = refused(at, line);
        assert!(message.contains("`poems` was changed by hand"), "{message}");
    }
    fs::write(&path, &second).unwrap();
    ok(at, "verify");
}

#[test]
fn ledger_edited_by_hand_is_refused_by_every_command_that_reads_it() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.1, 0.0]);
    let at = folder.path();
    ok(at, "update add poems=1e6");
    let ledger = at.join(".olmix/ledger.sqlite");
    let edit = |sql: &str| {
        let raw = rusqlite::Connection::open(&ledger).unwrap();
        raw.execute_batch(sql).unwrap();
    };
    edit(
        "UPDATE records SET content = json_set(content, '$.weights[0][1]', 0.9) WHERE line = 'main'",
    );
    for line in ["verify", "plan", "show main", "plan --write second"] {
        let message = refused(at, line);
        assert!(
            message.contains("main@1 is not what was recorded"),
            "{line}: {message}"
        );
    }
    assert!(!at.join("second").exists());
}

#[test]
fn concurrent_updates_number_every_version_once() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.1, 0.0]);
    let at = folder.path();
    let children: Vec<_> = (0..8)
        .map(|i| {
            std::process::Command::new(env!("CARGO_BIN_EXE_olmix"))
                .args(["update", "add", &format!("d{i}=1000000")])
                .current_dir(at)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
        })
        .collect();
    let mut done = 0;
    for child in children {
        let output = child.unwrap().wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        // One that lost is told so, and may try again.
        assert!(
            output.status.success() || message.contains("was added meanwhile"),
            "{message}"
        );
        done += usize::from(output.status.success());
    }
    assert!(done > 0);
    let records = json(at, "log --all --json");
    let versions = records
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| record["kind"] == "domains");
    assert_eq!(versions.count(), 1 + done);
    ok(at, "verify");
}
