//! Swarms of 24 runs on a cluster, with each fault that a scheduler, a disk or a launcher may have: they end
//! with the metrics of a swarm left alone, no run works twice at once, and none is stuck.

use std::time::Duration;

use olmix_io::EngineConfig;
use olmix_ledger::{Ledger, RerunPolicy, State};

use super::{RERUN, Rig, name};
use crate::engine::cluster::{ClusterEngine, ExitReason, JobState, Site};
use crate::host::interrupt::StopRequest;
use crate::launcher::{LaunchEnd, Until};
use crate::swarm::{SwarmPaths, load_variants};
use crate::testing::FakeCluster;

const RUNS: usize = 24;

/// What goes wrong in a round of the launcher's loop, from 1.
type Fault = fn(&FakeCluster, &Ledger, usize);

const FAULTS: [(&str, Fault); 13] = [
    ("nothing", |_, _, _| {}),
    ("the list hides jobs", |cluster, _, _| {
        (0..RUNS)
            .step_by(3)
            .for_each(|run| cluster.try_hide(&name(run)));
    }),
    ("jobs are forgotten", |cluster, _, round| {
        forget(cluster, round, None);
    }),
    ("nodes fail and are forgotten", |cluster, _, round| {
        forget(cluster, round, Some(ExitReason::NodeFailed));
    }),
    (
        "jobs are over their time while nobody looks",
        |cluster, _, round| {
            forget(cluster, round, Some(ExitReason::TimedOut));
        },
    ),
    ("jobs take too much memory", |cluster, _, round| {
        end(cluster, round, JobState::Ended(ExitReason::OutOfMemory));
    }),
    ("jobs are cancelled from outside", |cluster, _, round| {
        end(cluster, round, JobState::Ended(ExitReason::Cancelled));
    }),
    ("jobs are preempted", |cluster, _, round| {
        end(cluster, round, JobState::Ended(ExitReason::Preempted));
    }),
    (
        "jobs are held and released",
        |cluster, _, round| match round {
            60 => (0..6).for_each(|run| cluster.try_set(&name(run), JobState::Held)),
            400 => (0..6).for_each(|run| cluster.try_set(&name(run), JobState::Pending)),
            _ => {}
        },
    ),
    ("jobs will never begin", |cluster, _, round| {
        end(cluster, round, JobState::Blocked);
    }),
    (
        "the answer to the submission is lost",
        |cluster, _, round| {
            cluster.lose_answers(round < 100);
        },
    ),
    (
        "the scheduler does not answer for a while",
        |cluster, _, round| {
            cluster.set_reachable(!(50..900).contains(&round));
        },
    ),
    (
        "the ledger can't be written for a moment",
        |_, ledger, round| {
            let full = "CREATE TRIGGER full AFTER UPDATE OF state ON runs
                    BEGIN SELECT raise(ABORT, 'database or disk is full'); END";
            let raw = rusqlite::Connection::open(ledger.path()).unwrap();
            if round == 70 {
                raw.execute_batch(full).unwrap();
            }
        },
    ),
];

fn forget(cluster: &FakeCluster, round: usize, history: Option<ExitReason>) {
    if round == 60 {
        (0..6).for_each(|run| cluster.try_forget(&name(run), history));
    }
}

fn end(cluster: &FakeCluster, round: usize, state: JobState) {
    if round == 60 {
        (0..6).for_each(|run| cluster.try_set(&name(run), state));
    }
}

/// Launches again and again, as people do, until all runs have finished. Returns their metrics, the attempts of
/// all runs together, and how many launches ended by an error of the ledger.
fn metrics(fault: Fault) -> (Vec<Option<Vec<(String, f64)>>>, u32, u32) {
    let mut errors = 0;
    let mut rig = Rig::new(RUNS);
    let cluster = FakeCluster::new().automatic().slow();
    for launch in 0..5 {
        let site = Site {
            swarm: "swarm".into(),
            out: rig.swarm.out.clone(),
            storage: None,
            workdir: rig.folder.path().to_owned(),
            program: "olmix".into(),
            settings: EngineConfig::default(),
        };
        let mut engine = ClusterEngine::new(Box::new(cluster.clone()), site, rig.clock.clone());
        let after = cluster.clone();
        let stop = move |ledger: &Ledger, round: usize| {
            if launch == 0 {
                fault(&after, ledger, round);
            }
            assert!(round < 200_000, "a run is stuck");
            StopRequest::None
        };
        let end = rig.launch_with(&mut engine, Until::Complete, stop);
        if let Err(error) = &end {
            errors += 1;
            assert!(error.to_string().contains("disk is full"), "{error}");
            let raw = rusqlite::Connection::open(rig.ledger.path()).unwrap();
            raw.execute_batch("DROP TRIGGER full").unwrap();
        } else {
            assert_eq!(end.unwrap(), LaunchEnd::Complete);
        }
        if rig.states() == [State::Finished; RUNS] {
            break;
        }
        // What failed or was cancelled for a stated reason is run again when someone asks for that.
        let variants = &rig.swarm.variants;
        let paths = SwarmPaths::new(variants, None, None).unwrap();
        let loaded = load_variants(variants).unwrap();
        let all = RerunPolicy { all: true, ..RERUN };
        paths.register(&mut rig.ledger, &loaded, all).unwrap();
        rig.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(rig.states(), [State::Finished; RUNS]);
    assert_eq!(cluster.overlaps(), 0, "a run works twice at once");
    let runs = rig.runs();
    let attempts = runs.iter().map(|run| run.attempt).sum();
    let metrics = runs.into_iter().map(|run| run.metrics).collect();
    (metrics, attempts, errors)
}

#[test]
fn swarms_with_each_fault_end_with_the_metrics_of_one_left_alone() {
    let (quiet, attempts, _) = metrics(FAULTS[0].1);
    assert!(quiet.iter().all(Option::is_some));
    assert_eq!(attempts as usize, RUNS);
    for (what, fault) in &FAULTS[1..] {
        let (found, attempts, errors) = metrics(*fault);
        assert_eq!(found, quiet, "{what}");
        println!("{what}: {attempts} attempts of {RUNS} runs");
        assert_eq!(errors, u32::from(what.contains("ledger")), "{what}");
        // What is only not seen is not begun again.
        let again = !["the list hides jobs", "jobs are held and released"].contains(what);
        assert!(again || attempts as usize <= RUNS + 6, "{what}: {attempts}");
    }
}
