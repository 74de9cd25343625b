//! `olmix update undo`: the last update that nothing was made of is taken back, and the history keeps it.

use std::fs;
use std::path::Path;

use super::by_hand;
use crate::common::{json, printed as ok, refused};
use serde_json::Value;

/// The newest domains, as the ledger and as olmix.yaml have them.
fn domains(at: &Path) -> (Value, String) {
    let text = fs::read_to_string(at.join("olmix.yaml")).unwrap();
    let lines = text.lines().filter(|line| !line.contains("domains@"));
    let shown = json(at, "show domains --json")["content"]["domains"].clone();
    (shown, lines.collect::<Vec<_>>().join("\n"))
}

fn records(at: &Path) -> usize {
    json(at, "log --all --json").as_array().unwrap().len()
}

/// Refused, and nothing changed.
fn kept(at: &Path, parts: &[&str]) {
    let before = (domains(at), records(at));
    let message = refused(at, "update undo");
    for part in parts.iter().chain(&["help:", "nothing was changed"]) {
        assert!(message.contains(part), "{part}\n{message}");
    }
    assert_eq!((domains(at), records(at)), before);
}

#[test]
fn undo_takes_back_every_kind_of_update_and_the_log_keeps_both() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.05, 0.05]);
    let at = folder.path();
    fs::write(
        at.join("changes.yaml"),
        "- add: {poems: {tokens: 5e7, tasks: [qa]}}\n- remove: [math]\n- revise: {books: {tokens: 7e8}}\n",
    )
    .unwrap();
    for update in [
        "add code:rust=2e8 code:go=1e8 --tasks code",
        "remove books",
        "partition math --into math:a=1e8 --rest math:b",
        "revise wikipedia=3e8",
        "apply changes.yaml",
    ] {
        let (before, had) = (domains(at), records(at));
        let updated = json(at, &format!("update {update} --json"));
        assert_ne!(domains(at), before, "{update}");
        let undone = json(at, "update undo --json");
        assert_eq!(undone["undone"], updated["version"], "{update}");
        assert_eq!(undone["domains"], updated["before"], "{update}");
        assert_eq!(domains(at), before, "{update}");
        assert_eq!(records(at), had + 2, "{update}: both stay in the history");
        // The mixture is of these domains, and nothing changed since.
        let told = ok(at, "plan");
        assert!(
            told.contains("nothing changed since: no run is needed"),
            "{told}"
        );
    }
    let log = ok(at, "log --all");
    for part in [
        "remove books",
        "take back domains@4: remove books",
        "domains@11",
    ] {
        assert!(log.contains(part), "{part}\n{log}");
    }
    ok(at, "verify --deep");
    // The plan of a later update knows nothing of those that were taken back.
    ok(at, "update add poems=1e8");
    let plan = json(at, "plan --method full-reuse --json");
    assert_eq!(
        plan["virtual_domains"][0]["members"]
            .as_object()
            .unwrap()
            .len(),
        6
    );
    assert_eq!(plan["free"].as_array().unwrap().len(), 1);
    // And the history means the same where it is imported.
    ok(at, "history export exported");
    ok(at, "history import exported again");
    let again = at.join("again");
    assert_eq!(
        json(&again, "plan --method full-reuse --json")["free"],
        plan["free"]
    );
    assert_eq!(json(&again, "update undo --json")["undone"], "domains@12");
}

#[test]
fn undo_repeated_takes_back_one_update_after_another_until_there_is_none() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.05, 0.05]);
    let at = folder.path();
    let first = domains(at);
    kept(at, &["domains@1 has no update that could be taken back"]);
    ok(at, "update add poems=1e8");
    let second = domains(at);
    ok(at, "update remove books");
    let told = ok(at, "update undo");
    assert!(
        told.contains(
            "Recorded as domains@4: take back domains@3: remove books (6 domains before, 7 now)"
        ),
        "{told}"
    );
    assert_eq!(domains(at), second);
    ok(at, "update undo -m not-yet");
    assert_eq!(domains(at), first);
    assert!(ok(at, "log").contains("not-yet"));
    kept(at, &["domains@5 has no update"]);
}

#[test]
fn undo_refuses_an_update_that_a_plan_or_a_mixture_was_made_of() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.05, 0.05]);
    let at = folder.path();
    ok(at, "update add poems=1e8");
    ok(at, "plan --method full-reuse --write second");
    kept(
        at,
        &[
            "the update of domains@2 (add poems)",
            "swarm@1 is of domains@2",
        ],
    );
    // A later update of which nothing was made can be taken back, and the one before still can't.
    ok(at, "update remove books");
    ok(at, "update undo");
    kept(at, &["the update of domains@2", "make the opposite change"]);
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.05, 0.05]);
    let at = folder.path();
    ok(at, "update remove books");
    ok(at, "commit");
    kept(at, &["main@2 is of domains@2"]);
    // Also of a version after it that has the update.
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.05, 0.05]);
    let at = folder.path();
    ok(at, "update remove books");
    ok(at, "update add poems=1e8");
    ok(at, "update undo");
    ok(at, "commit");
    kept(at, &["the update of domains@2", "main@2 is of domains@4"]);
}

#[test]
fn undo_refuses_to_take_a_domain_away_that_a_setting_names() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.05, 0.05]);
    let at = folder.path();
    ok(at, "update add poems=1e8");
    let path = at.join("olmix.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let bounded = text.replace(
        "constraints:\n",
        "constraints:\n  bounds: {poems: {max: 0.2}}\n",
    );
    assert_ne!(text, bounded);
    fs::write(&path, bounded).unwrap();
    kept(at, &["constraints.bounds.poems", "which would be gone"]);
}
