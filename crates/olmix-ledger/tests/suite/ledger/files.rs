//! The file of a ledger: where it may be, and what is refused.

use std::path::Path;

use olmix_ledger::{Ledger, LedgerError, State, SwarmId};

use super::{finished, ledger, process};

#[test]
fn a_folder_with_its_ledger_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old");
    std::fs::create_dir(&old).unwrap();
    drop(ledger(&old, 2));
    let new = folder.path().join("new");
    std::fs::rename(&old, &new).unwrap();
    let (ledger, swarm) = ledger(&new, 2);
    assert_eq!(ledger.swarms().unwrap().len(), 1);
    let found = ledger.swarms().unwrap().remove(0);
    assert_eq!(found.id, swarm);
    assert_eq!(found.variants, new.canonicalize().unwrap().join("launch"));
    assert_eq!(ledger.runs(swarm).unwrap().len(), 2);
}

#[test]
fn a_run_that_is_not_what_was_recorded_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs/ledger.sqlite");
    let (mut opened, swarm) = ledger(folder.path(), 2);
    opened.register("me", "local", &process(1), 0).unwrap();
    let run = opened.claim(swarm, "me", 1).unwrap().unwrap();
    assert!(opened.finish(run.id, "me", &finished(), 2).unwrap());
    assert_eq!(opened.runs(swarm).unwrap().len(), 2);
    opened.check_runs().unwrap();
    drop(opened);
    let whole = std::fs::read(&path).unwrap();
    let damaged = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let opened = Ledger::open_existing(&path).unwrap();
        let checked = opened.check_runs();
        checked.and_then(|()| opened.runs(swarm)).map(|_| ())
    };
    let places = |text: &[u8]| -> Vec<usize> {
        let windows = whole.windows(text.len()).enumerate();
        windows
            .filter(|(_, w)| *w == text)
            .map(|(at, _)| at)
            .collect()
    };
    // Digits of a weight, of one in a phase and of a metric: the row is as good as any other. Some places are of rows that were moved.
    for (text, says) in [
        (
            &b"0.30000000000000004"[..],
            "the mixture of the run `run-000",
        ),
        (
            &b"0.7999999999999999"[..],
            "the mixture of the run `run-000",
        ),
        (
            &b"0.3333333333333333"[..],
            "the metrics of the run `run-0000`",
        ),
    ] {
        let found = places(text)
            .into_iter()
            .filter_map(|at| damaged(at + 5).err());
        let found: Vec<String> = found.map(|error| error.to_string()).collect();
        let as_it_should =
            |message: &String| message.contains(says) && message.contains("restore a copy");
        assert!(
            !found.is_empty() && found.iter().all(as_it_should),
            "{found:?}"
        );
    }
    // The names of a run in its row and in an index.
    let found = places(b"run-0001").into_iter();
    assert!(found.filter(|at| damaged(at + 7).is_err()).count() >= 2);
}

#[test]
fn what_is_no_ledger_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("text"), "run,a\nx,1\n".repeat(1000)).unwrap();
    let other = rusqlite::Connection::open(path("other")).unwrap();
    other.execute("CREATE TABLE t (x)", []).unwrap();
    drop(other);
    drop(Ledger::open(&path("newer")).unwrap());
    let newer = rusqlite::Connection::open(path("newer")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    for (name, expected) in [
        ("text", "text: not a ledger of olmix: no SQLite database"),
        (
            "other",
            "other: not a ledger of olmix: a SQLite database of something else",
        ),
        (
            "newer",
            "newer: this ledger has version 99, and this olmix knows versions up to 6",
        ),
        ("", "not a ledger of olmix: a folder"),
    ] {
        let file = path(name);
        let before = std::fs::read(&file).ok();
        let message = Ledger::open(&file).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("\n  help: "), "{message}");
        assert_eq!(std::fs::read(&file).ok(), before);
    }
    let missing = Ledger::open_existing(&path("missing")).unwrap_err();
    assert!(matches!(missing, LedgerError::Missing(_)));
    assert!(!path("missing").exists());
}

#[test]
fn a_ledger_of_the_version_before_keeps_its_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let before = rusqlite::Connection::open(&path).unwrap();
    for part in ["1", "2", "3"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/schema/{part}.sql"));
        before
            .execute_batch(&std::fs::read_to_string(file).unwrap())
            .unwrap();
    }
    before
        .execute_batch(
            "PRAGMA application_id = 1869376888; PRAGMA user_version = 3;
             INSERT INTO swarms VALUES (1, 's', 'launch', '.', 0);
             INSERT INTO launchers VALUES ('me', 'local', 'here', 1, 'boot/1', 0, 0, NULL);
             INSERT INTO runs (id, swarm, name, config, config_sha256, mixture, state, attempt, launcher, queued, started, metrics, milliseconds)
             VALUES (7, 1, 'a', 'a.yaml', 'x', '{\"web\": 1}', 'finished', 2, 'me', 0, 5, '{\"loss\": 0.5}', 1500);",
        )
        .unwrap();
    drop(before);
    let ledger = Ledger::open_existing(&path).unwrap();
    let run = ledger.runs(SwarmId(1)).unwrap().remove(0);
    assert_eq!(
        (run.state, run.attempt, run.seconds),
        (State::Finished, 2, 1.5)
    );
    assert_eq!(run.metrics, Some(vec![("loss".into(), 0.5)]));
    assert_eq!(
        (run.engine_job, run.losses, run.gpu_seconds),
        (None, 0, 0.0)
    );
}
