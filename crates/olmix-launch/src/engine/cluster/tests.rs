//! The engine of clusters, on a fake one: what it makes of everything that a scheduler may say.
//!
//! Over 400 lines: every answer of a scheduler, on one fake cluster.

use std::sync::Arc;
use std::time::Duration;

use olmix_io::EngineConfig;
use olmix_ledger::{EngineJob, FailureKind, RunId, Stage};

use super::{ClusterEngine, ExitReason, JobState, Site};
use crate::LaunchError;
use crate::engine::contract::Engine as _;
use crate::protocol::{Job, Outcome, Step};
use crate::testing::{FakeClock, FakeCluster, MemoryRecorder};

struct Rig {
    folder: tempfile::TempDir,
    cluster: FakeCluster,
    clock: Arc<FakeClock>,
    engine: ClusterEngine,
    recorder: MemoryRecorder,
    ended: Vec<(i64, Outcome)>,
}

fn name(run: i64) -> String {
    format!("run-{run}")
}

impl Rig {
    fn new(settings: EngineConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = FakeCluster::new();
        let clock = FakeClock::shared();
        let site = Site {
            swarm: "swarm".into(),
            out: folder.path().to_owned(),
            storage: None,
            workdir: folder.path().to_owned(),
            program: "olmix".into(),
            settings,
        };
        let engine = ClusterEngine::new(Box::new(cluster.clone()), site, clock.clone());
        Self {
            folder,
            cluster,
            clock,
            engine,
            recorder: MemoryRecorder::default(),
            ended: Vec::new(),
        }
    }

    /// A rig whose runs, numbered from 1, are submitted.
    fn submitted(runs: i64) -> Self {
        let mut rig = Self::new(EngineConfig::default());
        (1..=runs).for_each(|run| rig.start(run));
        rig.poll();
        assert_eq!(i64::try_from(rig.cluster.jobs().len()), Ok(runs));
        assert!(rig.engine.all_submitted());
        rig
    }

    /// A rig with one run that is at work.
    fn at_work() -> Self {
        let mut rig = Self::submitted(1);
        rig.cluster.set("run-1", JobState::Running, "");
        rig.poll();
        assert_eq!(rig.recorder.started, [RunId(1)]);
        rig
    }

    fn job(&self, run: i64) -> Job {
        let folder = self.folder.path().join(name(run));
        std::fs::create_dir_all(&folder).unwrap();
        let step = |stage| Step {
            stage,
            program: "sh".into(),
            arguments: vec!["-c".into(), "true".into()],
            environment: Vec::new(),
        };
        Job {
            run: RunId(run),
            name: name(run),
            attempt: 1,
            metrics: folder.join("metrics.json"),
            folder,
            mixture: Vec::new(),
            phases: Vec::new(),
            steps: vec![step(Stage::Train), step(Stage::Evaluate)],
            timeout: None,
            previous_process: None,
            fresh: false,
            remote: None,
        }
    }

    fn start(&mut self, run: i64) {
        let job = self.job(run);
        self.engine.start(job);
    }

    /// Polls after so long that the engine asks the cluster for sure.
    fn poll(&mut self) {
        self.try_poll().unwrap();
    }

    fn try_poll(&mut self) -> Result<(), LaunchError> {
        self.clock.advance(Duration::from_mins(1));
        // Once to submit, after the probe was sent, and once to list.
        for _ in 0..3 {
            let ended = self.engine.poll(&mut self.recorder)?;
            let ended = ended
                .into_iter()
                .map(|ended| (ended.job.run.0, ended.outcome));
            self.ended.extend(ended);
        }
        Ok(())
    }

    fn kind_of_end(&self) -> Option<FailureKind> {
        match self.ended.as_slice() {
            [(1, Outcome::Failed { kind, cause })] => {
                assert!(!cause.is_empty());
                Some(*kind)
            }
            [] => None,
            other => unreachable!("one run ends once: {other:?}"),
        }
    }

    /// Whether the ticket of a run's first job can't be used any more.
    fn ticket_is_revoked(&self, run: i64) -> bool {
        let jobs = self.cluster.jobs();
        let job = jobs.iter().find(|job| job.spec.run == name(run)).unwrap();
        let claim = job.spec.folder.join("job");
        let claim = claim.join(format!("claim-{}", job.spec.ticket));
        std::fs::read_to_string(claim).is_ok_and(|text| text.contains(r#""job":"""#))
    }
}

#[test]
fn runs_are_submitted_as_one_batch_after_a_probe_that_is_sent_once() {
    let rig = Rig::submitted(3);
    assert_eq!(rig.cluster.batches(), [(3, None)]);
    let tickets: Vec<&EngineJob> = rig.recorder.engine_jobs.values().collect();
    let jobs = rig.cluster.jobs();
    for (known, job) in tickets.iter().zip(&jobs) {
        assert_eq!(known.ticket, job.spec.ticket);
        assert_eq!(known.job.as_ref(), Some(&job.id));
    }
    let probes = |rig: &Rig| {
        let notices = rig.recorder.notices.iter();
        notices
            .filter(|line| line.contains("finds out whether nodes"))
            .count()
    };
    assert_eq!(probes(&rig), 1);
    assert!(rig.folder.path().join("submissions/probe.json").exists());
}

#[test]
fn a_swarm_above_the_limit_of_an_array_is_several_that_share_what_may_run_at_once() {
    let mut rig = Rig::new(EngineConfig {
        jobs: Some(4),
        ..EngineConfig::default()
    });
    rig.cluster.limit_tasks(4);
    (1..=6).for_each(|run| rig.start(run));
    rig.poll();
    assert_eq!(rig.cluster.batches(), [(4, Some(3)), (2, Some(2))]);
}

#[test]
fn a_run_ends_as_its_node_recorded_whatever_the_cluster_says() {
    for kind in [
        FailureKind::Exited,
        FailureKind::Diverged,
        FailureKind::NoMetrics,
    ] {
        let mut rig = Rig::at_work();
        let cause = "because".to_owned();
        rig.cluster
            .finish("run-1", &Outcome::Failed { kind, cause });
        rig.cluster
            .set("run-1", JobState::Ended(ExitReason::OutOfMemory), "");
        rig.poll();
        assert_eq!(rig.kind_of_end(), Some(kind));
    }
    let mut rig = Rig::at_work();
    rig.cluster.finish("run-1", &Outcome::Done);
    rig.cluster.forget("run-1", Some(ExitReason::Failure));
    rig.poll();
    assert_eq!(rig.ended, [(1, Outcome::Done)]);
}

#[test]
fn of_a_run_that_a_signal_ended_the_cluster_tells_the_reason() {
    for (reason, expected) in [
        (ExitReason::OutOfMemory, FailureKind::OutOfMemory),
        (ExitReason::TimedOut, FailureKind::Timeout),
        (ExitReason::Preempted, FailureKind::Preempted),
        (ExitReason::Failure, FailureKind::Killed),
    ] {
        let mut rig = Rig::at_work();
        let killed = Outcome::Failed {
            kind: FailureKind::Killed,
            cause: "ended by SIGKILL".into(),
        };
        rig.cluster.finish("run-1", &killed);
        rig.cluster.set("run-1", JobState::Ended(reason), "");
        rig.poll();
        assert_eq!(rig.kind_of_end(), Some(expected), "{reason:?}");
    }
}

#[test]
fn without_a_record_each_reason_of_the_cluster_is_a_kind_of_failure() {
    for (reason, expected) in [
        (ExitReason::Success, FailureKind::Exited),
        (ExitReason::Failure, FailureKind::Killed),
        (ExitReason::Preempted, FailureKind::Preempted),
        (ExitReason::NodeFailed, FailureKind::Lost),
        (ExitReason::TimedOut, FailureKind::Timeout),
        (ExitReason::OutOfMemory, FailureKind::OutOfMemory),
        (ExitReason::NotPlaced, FailureKind::NotStarted),
    ] {
        let mut rig = Rig::at_work();
        rig.cluster.set("run-1", JobState::Ended(reason), "why");
        rig.poll();
        rig.poll();
        assert_eq!(rig.kind_of_end(), Some(expected), "{reason:?}");
        assert!(rig.ticket_is_revoked(1), "{reason:?}");
    }
    let mut rig = Rig::at_work();
    rig.cluster
        .set("run-1", JobState::Ended(ExitReason::Cancelled), "");
    rig.poll();
    assert!(matches!(
        &rig.ended[..],
        [(1, Outcome::CancelledExternally(_))]
    ));
}

#[test]
fn a_record_that_a_shared_filesystem_shows_late_counts() {
    let mut rig = Rig::at_work();
    rig.cluster
        .set("run-1", JobState::Ended(ExitReason::Success), "");
    rig.clock.advance(Duration::from_mins(1));
    assert!(rig.engine.poll(&mut rig.recorder).unwrap().is_empty());
    rig.cluster.finish("run-1", &Outcome::Done);
    rig.poll();
    assert_eq!(rig.ended, [(1, Outcome::Done)]);
}

#[test]
fn a_run_that_vanishes_is_lost_after_two_polls_and_its_ticket_is_revoked() {
    let mut rig = Rig::at_work();
    rig.cluster.forget("run-1", None);
    rig.clock.advance(Duration::from_mins(1));
    assert!(rig.engine.poll(&mut rig.recorder).unwrap().is_empty());
    assert!(!rig.ticket_is_revoked(1));
    rig.poll();
    assert_eq!(rig.kind_of_end(), Some(FailureKind::Lost));
    assert!(rig.ticket_is_revoked(1));
}

#[test]
fn a_run_that_vanishes_ends_as_the_history_of_the_cluster_says() {
    for (reason, expected) in [
        (ExitReason::OutOfMemory, FailureKind::OutOfMemory),
        (ExitReason::NodeFailed, FailureKind::Lost),
    ] {
        let mut rig = Rig::at_work();
        rig.cluster.forget("run-1", Some(reason));
        rig.poll();
        rig.poll();
        assert_eq!(rig.kind_of_end(), Some(expected));
    }
}

#[test]
fn a_run_that_is_listed_again_was_not_lost() {
    let mut rig = Rig::at_work();
    rig.cluster.set_reachable(false);
    rig.poll();
    rig.cluster.set_reachable(true);
    rig.poll();
    assert!(rig.ended.is_empty());
    let told = rig.recorder.notices.join("\n");
    assert_eq!(told.matches("does not answer").count(), 1, "{told}");
    assert_eq!(told.matches("answers again").count(), 1, "{told}");
    rig.cluster.finish("run-1", &Outcome::Done);
    rig.poll();
    assert_eq!(rig.ended, [(1, Outcome::Done)]);
}

#[test]
fn a_preempted_run_is_requeued_and_its_next_start_is_recorded() {
    let mut rig = Rig::at_work();
    rig.cluster.set("run-1", JobState::Pending, "Preempted");
    rig.poll();
    let requeued = &rig.recorder.requeued;
    assert!(matches!(&requeued[..], [(RunId(1), cause)] if cause.contains("Preempted")));
    rig.cluster.set("run-1", JobState::Running, "");
    rig.poll();
    assert_eq!(rig.recorder.started, [RunId(1), RunId(1)]);
    assert!(rig.ended.is_empty());
}

#[test]
fn a_run_that_would_wait_for_ever_is_cancelled_and_lost() {
    let mut rig = Rig::submitted(1);
    rig.cluster
        .set("run-1", JobState::Blocked, "launch failed requeued held");
    rig.poll();
    assert_eq!(rig.kind_of_end(), Some(FailureKind::Lost));
    let cancelled = rig.cluster.cancelled();
    assert_eq!(cancelled, [(rig.cluster.jobs()[0].id.clone(), true)]);
}

#[test]
fn a_stop_is_gentle_first_and_by_force_after_its_grace() {
    let mut rig = Rig::at_work();
    rig.cluster.ignore_cancel();
    rig.engine.stop(RunId(1), false);
    rig.engine.poll(&mut rig.recorder).unwrap();
    let id = rig.cluster.jobs()[0].id.clone();
    assert_eq!(rig.cluster.cancelled(), [(id.clone(), false)]);
    rig.clock.advance(Duration::from_secs(44));
    rig.engine.poll(&mut rig.recorder).unwrap();
    assert_eq!(rig.cluster.cancelled().len(), 1);
    rig.clock.advance(Duration::from_secs(2));
    rig.poll();
    assert_eq!(
        rig.cluster.cancelled()[..2],
        [(id.clone(), false), (id, true)]
    );
    assert_eq!(rig.ended, [(1, Outcome::Stopped)]);
}

#[test]
fn a_submission_whose_answer_is_lost_is_found_and_not_made_twice() {
    let mut rig = Rig::new(EngineConfig::default());
    rig.cluster.lose_answers(true);
    rig.start(1);
    rig.poll();
    assert_eq!(rig.cluster.jobs().len(), 1);
    rig.cluster.lose_answers(false);
    rig.poll();
    assert_eq!(rig.cluster.jobs().len(), 1);
    let known = &rig.recorder.engine_jobs[&RunId(1)];
    assert_eq!(known.job.as_ref(), Some(&rig.cluster.jobs()[0].id));
    assert!(rig.engine.all_submitted());
}

#[test]
fn a_submission_that_did_not_arrive_is_lost_after_two_polls() {
    let mut rig = Rig::new(EngineConfig::default());
    rig.cluster.lose_answers(true);
    rig.start(1);
    rig.poll();
    rig.cluster.lose_answers(false);
    rig.cluster.forget("run-1", None);
    rig.poll();
    rig.poll();
    assert_eq!(rig.kind_of_end(), Some(FailureKind::Lost));
}

#[test]
fn a_cluster_that_refuses_ends_the_poll_and_every_run_can_be_withdrawn() {
    let mut rig = Rig::new(EngineConfig::default());
    rig.cluster.refuse();
    rig.start(1);
    rig.start(2);
    let error = rig.try_poll().unwrap_err().to_string();
    assert!(error.contains("the fake cluster refuses"), "{error}");
    assert_eq!(rig.engine.withdraw().len(), 2);
    assert!(rig.cluster.jobs().is_empty());
    let left: Vec<_> = std::fs::read_dir(rig.folder.path().join("submissions"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 1, "the answer of the probe alone: {left:?}");
}

#[test]
fn while_nothing_changes_the_cluster_is_asked_ever_less_often() {
    let mut rig = Rig::at_work();
    let before = rig.cluster.lists();
    for _ in 0..3600 {
        rig.clock.advance(Duration::from_secs(1));
        rig.engine.poll(&mut rig.recorder).unwrap();
    }
    let lists = rig.cluster.lists() - before;
    assert!((180..=200).contains(&lists), "{lists} in an hour");
}

#[test]
fn an_evaluation_of_its_own_follows_the_training_under_a_ticket_of_its_own() {
    let evaluation = EngineConfig::default();
    let mut rig = Rig::new(EngineConfig {
        evaluation: Some(Box::new(evaluation)),
        ..EngineConfig::default()
    });
    rig.start(1);
    rig.poll();
    let jobs = rig.cluster.jobs();
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs[1].spec.after.as_ref(), Some(&jobs[0].spec.ticket));
    let stages = |at: usize| -> Vec<&str> {
        let steps = jobs[at].spec.steps.iter();
        steps.map(|step| step.stage.as_str()).collect()
    };
    assert_eq!((stages(0), stages(1)), (vec!["train"], vec!["evaluate"]));
    // The training ends: the run goes on with its evaluation.
    rig.cluster.finish("run-1", &Outcome::Done);
    rig.poll();
    rig.poll();
    assert!(rig.ended.is_empty());
    let evaluations = &rig.recorder.evaluations;
    assert_eq!(evaluations.len(), 1);
    assert_eq!(evaluations[0].1.ticket, jobs[1].spec.ticket);
    rig.cluster.finish("run-1", &Outcome::Done);
    rig.poll();
    assert_eq!(rig.ended, [(1, Outcome::Done)]);
}

#[test]
fn a_run_that_another_launcher_took_is_given_back_and_the_others_are_submitted() {
    let mut rig = Rig::new(EngineConfig::default());
    rig.recorder.not_ours.insert(RunId(1));
    rig.start(1);
    rig.start(2);
    rig.poll();
    assert_eq!(rig.ended, [(1, Outcome::Stopped)]);
    let names: Vec<String> = rig
        .cluster
        .jobs()
        .into_iter()
        .map(|job| job.spec.run)
        .collect();
    assert_eq!(names, ["run-2"]);
}

#[test]
fn a_run_that_the_list_hides_is_asked_for_in_another_way_and_never_submitted_twice() {
    let mut rig = Rig::submitted(1);
    rig.cluster.hide("run-1");
    for _ in 0..30 {
        rig.poll();
    }
    assert!(rig.ended.is_empty() && !rig.ticket_is_revoked(1));
    rig.cluster.set("run-1", JobState::Running, "");
    rig.poll();
    rig.poll();
    assert_eq!(rig.recorder.started, [RunId(1)]);
    rig.cluster.finish("run-1", &Outcome::Done);
    rig.poll();
    assert_eq!(rig.ended, [(1, Outcome::Done)]);
    assert_eq!(rig.cluster.jobs().len(), 1);
}

#[test]
fn of_a_run_that_was_stopped_and_forgotten_the_history_tells_why() {
    for (reason, expected) in [
        (ExitReason::TimedOut, FailureKind::Timeout),
        (ExitReason::Preempted, FailureKind::Preempted),
        (ExitReason::OutOfMemory, FailureKind::OutOfMemory),
    ] {
        let mut rig = Rig::at_work();
        rig.cluster.finish("run-1", &Outcome::Stopped);
        rig.cluster.forget("run-1", Some(reason));
        rig.poll();
        assert_eq!(rig.kind_of_end(), Some(expected), "{reason:?}");
    }
    let mut rig = Rig::at_work();
    rig.cluster.finish("run-1", &Outcome::Stopped);
    rig.cluster.forget("run-1", Some(ExitReason::Cancelled));
    rig.poll();
    let told = &rig.ended[..];
    assert!(
        matches!(told, [(1, Outcome::CancelledExternally(_))]),
        "{told:?}"
    );
    // Where nobody knows, it is lost.
    let mut rig = Rig::at_work();
    rig.cluster.finish("run-1", &Outcome::Stopped);
    rig.cluster.forget("run-1", None);
    rig.poll();
    assert_eq!(rig.kind_of_end(), Some(FailureKind::Lost));
}

#[test]
fn a_run_that_was_cancelled_from_outside_has_not_finished_though_its_shell_ended_well() {
    let mut rig = Rig::at_work();
    rig.cluster.finish("run-1", &Outcome::Done);
    let cancelled = JobState::Ended(ExitReason::Cancelled);
    rig.cluster.set("run-1", cancelled, "CANCELLED by 0");
    rig.poll();
    let told = &rig.ended[..];
    assert!(
        matches!(told, [(1, Outcome::CancelledExternally(_))]),
        "{told:?}"
    );
}

#[test]
fn a_run_that_is_held_back_is_told_once_and_goes_on_when_it_is_released() {
    let mut rig = Rig::at_work();
    for _ in 0..3 {
        let reason = "job requeued in held state";
        rig.cluster.set("run-1", JobState::Held, reason);
        rig.poll();
    }
    let told = rig.recorder.notices.join("\n");
    assert_eq!(
        told.matches("job requeued in held state").count(),
        1,
        "{told}"
    );
    assert!(
        told.contains("released") && told.contains("run-1"),
        "{told}"
    );
    assert_eq!(rig.recorder.requeued.len(), 1);
    rig.cluster.finish("run-1", &Outcome::Done);
    rig.poll();
    assert_eq!(rig.ended, [(1, Outcome::Done)]);
}

#[test]
fn a_cancellation_that_is_refused_is_told_once_and_other_runs_go_on() {
    let mut rig = Rig::submitted(2);
    rig.cluster.refuse_cancel(true);
    rig.engine.stop(RunId(1), true);
    for _ in 0..5 {
        rig.poll();
    }
    let told = rig.recorder.notices.join("\n");
    assert_eq!(told.matches("ends no job").count(), 1, "{told}");
    rig.cluster.finish("run-2", &Outcome::Done);
    rig.poll();
    assert_eq!(rig.ended, [(2, Outcome::Done)]);
    rig.cluster.refuse_cancel(false);
    rig.poll();
    rig.poll();
    assert_eq!(rig.ended.last(), Some(&(1, Outcome::Stopped)));
}

#[test]
fn whether_another_poll_decides_is_known() {
    let mut rig = Rig::at_work();
    assert!(!rig.engine.is_undecided());
    rig.cluster.forget("run-1", None);
    rig.clock.advance(Duration::from_mins(1));
    rig.engine.poll(&mut rig.recorder).unwrap();
    assert!(rig.engine.is_undecided());
    rig.poll();
    assert!(!rig.engine.is_undecided() && rig.ended.len() == 1);
}
