//! Properties of a ledger under random sequences of what launchers do.

use std::collections::HashMap;

use olmix_ledger::{FailureKind, RerunPolicy, RunSelection, State};
use proptest::prelude::*;

use super::{failed, finished, ledger, new_runs, process};

#[derive(Debug, Clone, Copy)]
enum Step {
    Claim(usize),
    Finish(usize, usize),
    Fail(usize, usize, FailureKind),
    PutBack(usize, usize),
    Abandon(usize),
    Cancel(usize),
    Sync(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let (launcher, run) = (0..3_usize, 0..4_usize);
    let kind = prop::sample::select(FailureKind::ALL);
    prop_oneof![
        4 => launcher.clone().prop_map(Step::Claim),
        2 => (launcher.clone(), run.clone()).prop_map(|(l, r)| Step::Finish(l, r)),
        2 => (launcher.clone(), run.clone(), kind).prop_map(|(l, r, k)| Step::Fail(l, r, k)),
        1 => (launcher.clone(), run.clone()).prop_map(|(l, r)| Step::PutBack(l, r)),
        1 => launcher.prop_map(Step::Abandon),
        1 => run.prop_map(Step::Cancel),
        1 => any::<bool>().prop_map(Step::Sync),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_launchers_do_a_run_has_one_holder_and_what_finished_stays(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, swarm) = ledger(folder.path(), 4);
        let mut generation = [0; 3];
        let id = |launcher: usize, generation: &[u32; 3]| {
            format!("{launcher}.{}", generation[launcher])
        };
        for launcher in 0..3 {
            ledger.register(&id(launcher, &generation), "local", &process(1), 0).unwrap();
        }
        // Who holds a run, by the book.
        let mut held: HashMap<usize, String> = HashMap::new();
        for step in steps {
            let before = ledger.runs(swarm).unwrap();
            match step {
                Step::Claim(l) => {
                    let launcher = id(l, &generation);
                    if let Some(run) = ledger.claim(swarm, &launcher, 0).unwrap() {
                        let place = before.iter().position(|b| b.id == run.id).unwrap();
                        prop_assert!(held.insert(place, launcher).is_none());
                    }
                }
                Step::Finish(l, r) => {
                    let launcher = id(l, &generation);
                    let mine = held.get(&r) == Some(&launcher);
                    let done = ledger.finish(before[r].id, &launcher, &finished(), 0).unwrap();
                    prop_assert_eq!(done, mine);
                    if mine { held.remove(&r); }
                }
                Step::Fail(l, r, kind) => {
                    let launcher = id(l, &generation);
                    let mine = held.get(&r) == Some(&launcher);
                    let state = ledger.fail(before[r].id, &launcher, &failed(kind), 2, 0).unwrap();
                    prop_assert_eq!(state.is_some(), mine);
                    if mine { held.remove(&r); }
                }
                Step::PutBack(l, r) => {
                    let launcher = id(l, &generation);
                    let mine = held.get(&r) == Some(&launcher);
                    let done = ledger.release(before[r].id, &launcher, "x", 0).unwrap();
                    prop_assert_eq!(done, mine);
                    if mine { held.remove(&r); }
                }
                Step::Abandon(l) => {
                    let launcher = id(l, &generation);
                    let mine = held.values().filter(|holder| **holder == launcher).count();
                    prop_assert_eq!(ledger.abandon(&launcher, 0, 0).unwrap(), mine);
                    held.retain(|_, holder| *holder != launcher);
                    generation[l] += 1;
                    ledger.register(&id(l, &generation), "local", &process(1), 0).unwrap();
                }
                Step::Cancel(r) => {
                    ledger.cancel(swarm, RunSelection::Named(&[before[r].name.clone()]), 0).unwrap();
                }
                Step::Sync(all) => {
                    let rerun = RerunPolicy { retries: 2, all };
                    ledger.sync(swarm, &new_runs(4), rerun, 0).unwrap();
                }
            }
            for (place, (old, new)) in before.iter().zip(ledger.runs(swarm).unwrap()).enumerate() {
                prop_assert_eq!(new.state == State::Running, held.contains_key(&place));
                prop_assert!(old.state != State::Finished || new.state == State::Finished);
                prop_assert!(new.attempt >= old.attempt);
                prop_assert!(new.failures <= 3);
            }
        }
    }
}
