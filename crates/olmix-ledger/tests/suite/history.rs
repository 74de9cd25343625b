//! The history: records are found by any name, are never lost or doubled, and can't be changed unnoticed.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::path::Path;

use olmix_ledger::{Cost, Ledger, NewFile, NewRecord, Parent, RecordId, RecordKind};
use serde_json::json;

fn record(kind: RecordKind, line: &str, parents: &[RecordId]) -> NewRecord {
    NewRecord {
        kind,
        line: line.into(),
        title: format!("a {kind}"),
        number: None,
        parents: parents.iter().map(|id| Parent::Known(*id)).collect(),
        files: Vec::new(),
        content: json!({"weights": {"web": 0.75, "code": 0.25}, "seed": 7}),
        command: "olmix fit --config fit.yaml".into(),
        olmix: "0.1.0".into(),
        cost: Cost {
            runs: 64,
            tokens: 3_000_000,
            flops: 1.5e15,
        },
        gain: Some(0.1),
    }
}

/// Domains, a swarm, a fit and two mixtures of it.
fn history(ledger: &mut Ledger) -> RecordId {
    use RecordKind as Kind;
    let domains = ledger
        .add(&record(Kind::Domains, "domains", &[]), 1)
        .unwrap()
        .id;
    let swarm = ledger
        .add(&record(Kind::Swarm, "swarm", &[domains]), 2)
        .unwrap()
        .id;
    let fit = ledger
        .add(&record(Kind::Fit, "fit", &[swarm]), 3)
        .unwrap()
        .id;
    ledger
        .add(&record(Kind::Mixture, "main", &[fit, domains]), 4)
        .unwrap();
    ledger
        .add(&record(Kind::Mixture, "main", &[fit]), 5)
        .unwrap()
        .id
}

fn open(folder: &Path) -> Ledger {
    Ledger::open(&folder.join("ledger.sqlite")).unwrap()
}

#[test]
fn a_record_is_found_by_line_number_tag_and_hash() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open(folder.path());
    let last = history(&mut ledger);
    ledger.tag("v1", last, 6).unwrap();
    let newest = ledger.record("main").unwrap();
    assert_eq!((newest.id, newest.name().as_str()), (last, "main@2"));
    for name in ["main@2", "v1", &newest.hash, &newest.hash[..8]] {
        assert_eq!(ledger.record(name).unwrap(), newest);
    }
    let first = ledger.record("main@1").unwrap();
    assert_eq!(first.parents.len(), 2);
    assert_eq!(first.content["weights"]["web"], 0.75);
    assert_ne!(first.hash, newest.hash);
    // A listing has all but the contents.
    let all = ledger.records().unwrap();
    let names: Vec<String> = all.iter().map(olmix_ledger::Record::name).collect();
    assert_eq!(names, ["domains@1", "swarm@1", "fit@1", "main@1", "main@2"]);
    assert_eq!(all[3].parents, first.parents);
    // A tag moves.
    ledger.tag("v1", first.id, 7).unwrap();
    assert_eq!(ledger.record("v1").unwrap(), first);
}

#[test]
fn what_can_not_be_recorded_or_found_is_refused_and_nothing_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open(folder.path());
    assert!(
        ledger
            .record("main")
            .unwrap_err()
            .to_string()
            .contains("the history is empty")
    );
    let last = history(&mut ledger);
    let mut refused = |new: NewRecord| ledger.add(&new, 9).unwrap_err().to_string();
    let message = refused(record(RecordKind::Fit, "main", &[]));
    assert!(
        message.contains("`main` can't be the line of a fit"),
        "{message}"
    );
    let message = refused(record(RecordKind::Mixture, "swarm", &[]));
    assert!(
        message.contains("`swarm` can't be the line of a mixture"),
        "{message}"
    );
    let message = refused(record(RecordKind::Mixture, "main", &[RecordId(99)]));
    assert!(
        message.contains("a parent of the new record is not in this ledger"),
        "{message}"
    );
    for tag in ["main", "fit", "", "a b", "abcdef"] {
        let message = ledger.tag(tag, last, 9).unwrap_err().to_string();
        assert!(message.contains("can't be a tag"), "{message}");
    }
    let message = ledger.record("main@7").unwrap_err().to_string();
    assert!(
        message.contains("domains@1, fit@1, main@2, swarm@1"),
        "{message}"
    );
    assert_eq!(ledger.records().unwrap().len(), 5);
    assert!(ledger.verify(false).unwrap().is_empty());
}

#[test]
fn a_change_by_hand_is_found_wherever_it_was_made() {
    let edits = [
        (
            "UPDATE records SET content = json_set(content, '$.seed', 8) WHERE id = 1",
            "domains@1 is not what was recorded",
        ),
        (
            "UPDATE records SET gain = 0.2 WHERE id = 4",
            "main@1 is not what was recorded",
        ),
        (
            "UPDATE records SET title = 'better' WHERE id = 3",
            "fit@1 is not what was recorded",
        ),
        (
            "DELETE FROM parents WHERE record = 4 AND position = 1",
            "main@1 is not what was recorded",
        ),
        (
            "UPDATE parents SET parent = 1 WHERE record = 3",
            "fit@1 is not what was recorded",
        ),
        (
            "DELETE FROM parents WHERE record = 4; DELETE FROM records WHERE id = 4",
            "1 records before main@2 are gone",
        ),
        (
            "PRAGMA foreign_keys = OFF; DELETE FROM records WHERE id = 2",
            "fit@1 was made of something that is not there",
        ),
    ];
    for (edit, expected) in edits {
        let folder = tempfile::tempdir().unwrap();
        history(&mut open(folder.path()));
        let hand = rusqlite::Connection::open(folder.path().join("ledger.sqlite")).unwrap();
        hand.execute_batch(edit).unwrap();
        let flaws = open(folder.path()).verify(false).unwrap();
        assert!(
            flaws.iter().any(|flaw| flaw.contains(expected)),
            "{edit}: {flaws:?}"
        );
    }
}

#[test]
fn many_writers_at_once_number_every_record_once() {
    let folder = tempfile::tempdir().unwrap();
    history(&mut open(folder.path()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut ledger = open(folder.path());
                let fit = ledger.record("fit").unwrap().id;
                for _ in 0..10 {
                    ledger
                        .add(&record(RecordKind::Mixture, "main", &[fit]), 10)
                        .unwrap();
                }
            });
        }
    });
    let ledger = open(folder.path());
    assert_eq!(ledger.record("main").unwrap().number, 42);
    assert!(ledger.verify(false).unwrap().is_empty());
}

#[test]
fn a_ledger_of_version_1_keeps_its_runs_and_gets_a_history() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../src/schema/1.sql"))
        .unwrap();
    old.execute_batch(
        "INSERT INTO swarms (name, variants, out, created) VALUES ('first', 'launch', 'runs', 1);
         PRAGMA application_id = 0x6f6c6d78; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let mut ledger = open(folder.path());
    assert_eq!(ledger.swarms().unwrap()[0].name, "first");
    history(&mut ledger);
    assert!(ledger.verify(false).unwrap().is_empty());
}

#[test]
fn several_records_are_added_together_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open(folder.path());
    history(&mut ledger);
    let swarm = record(RecordKind::Swarm, "swarm", &[]);
    let mut fit = record(RecordKind::Fit, "fit", &[]);
    fit.parents = vec![Parent::Added(0)];
    let mut mixture = record(RecordKind::Mixture, "main", &[]);
    mixture.parents = vec![Parent::Added(1)];
    // Someone else added main@2: nothing of this goes in.
    mixture.number = Some(2);
    let refused = ledger.add_all(&[swarm.clone(), fit.clone(), mixture.clone()], 9);
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("main@2 was added meanwhile"), "{message}");
    assert_eq!(ledger.records().unwrap().len(), 5);
    mixture.number = Some(3);
    let added = ledger.add_all(&[swarm, fit, mixture], 9).unwrap();
    assert_eq!(added[2].name(), "main@3");
    assert_eq!(added[2].parents, [added[1].id]);
    assert_eq!(ledger.record("main").unwrap(), added[2]);
    assert!(ledger.verify(false).unwrap().is_empty());
}

#[test]
fn files_are_kept_once_and_damage_to_them_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open(folder.path());
    let file = |content: &str| NewFile {
        name: "ratios.csv".into(),
        content: content.as_bytes().to_vec(),
    };
    let with = |content| NewRecord {
        files: vec![file(content)],
        ..record(RecordKind::Swarm, "swarm", &[])
    };
    let first = ledger.add(&with("run,a\nx,1\n"), 1).unwrap();
    let again = ledger.add(&with("run,a\nx,1\n"), 2).unwrap();
    let other = ledger.add(&with("run,a\ny,1\n"), 3).unwrap();
    assert_eq!(first.files, again.files);
    assert_ne!(first.files[0].sha256, other.files[0].sha256);
    let content = ledger.file(&other.files[0].sha256).unwrap().unwrap();
    assert_eq!(content, b"run,a\ny,1\n");
    assert_eq!(ledger.file(&"0".repeat(64)).unwrap(), None);
    assert!(ledger.verify(false).unwrap().is_empty());
    let raw = rusqlite::Connection::open(folder.path().join("ledger.sqlite")).unwrap();
    let kept: i64 = raw
        .query_row("SELECT count(*) FROM files", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 2);
    raw.execute(
        "UPDATE files SET (content, packed_sha256) = (SELECT content, packed_sha256 FROM files LIMIT 1)",
        [],
    )
    .unwrap();
    // One who changes the hash of what is stored, too, is found where it is unpacked.
    assert!(ledger.verify(true).unwrap()[0].contains("is not what was kept"));
    assert!(ledger.verify(false).unwrap().is_empty());
    raw.execute("UPDATE files SET content = x'00'", []).unwrap();
    assert!(ledger.verify(false).unwrap()[0].contains("is not what was kept"));
    assert!(
        ledger
            .file(&other.files[0].sha256)
            .unwrap_err()
            .to_string()
            .contains("damaged")
    );
}
