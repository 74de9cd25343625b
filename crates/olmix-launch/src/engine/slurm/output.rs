//! What Slurm's commands print about jobs.

use std::time::Duration;

use crate::engine::cluster::contract::{ExitReason, JobState, JobStatus, token_of};

/// A line of `squeue`: array, task, state, time, name and reason. `None` for a job that is not ours.
pub fn queued_job(line: &str) -> Option<JobStatus> {
    let mut parts = line.splitn(6, '|');
    let mut next = || parts.next().map(str::trim);
    let (array, task, state, time, name, reason) =
        (next()?, next()?, next()?, next()?, next()?, next()?);
    let token = token_of(name)?;
    // What is left of an array that was cancelled has no number of its own.
    let task: Option<usize> = task.parse().ok();
    let job = task.map_or_else(|| array.to_owned(), |task| format!("{array}_{task}"));
    let state = with_reason(listed_state(state), reason);
    Some(JobStatus {
        token,
        task,
        job,
        state,
        note: if reason == "None" {
            state_words(line)
        } else {
            reason.to_owned()
        },
        elapsed: elapsed(time),
    })
}

fn state_words(line: &str) -> String {
    line.split('|').nth(2).unwrap_or_default().trim().to_owned()
}

/// A line of `sacct`: `4711_3|CANCELLED by 1000|olmix-…|0:0`. A job that nobody cancelled and that is so
/// called is one that the controller forgot when it began without its memory: accounts know no more of it.
pub fn accounted_job(line: &str) -> Option<JobStatus> {
    let mut parts = line.splitn(4, '|');
    let (job, state, name) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, task) = job.split_once('_')?;
    let word = state.split_whitespace().next()?;
    if state == "CANCELLED" {
        return None;
    }
    Some(JobStatus {
        token: token_of(name)?,
        task: Some(task.parse().ok()?),
        job: job.to_owned(),
        state: state_of(word)?,
        note: state.to_owned(),
        elapsed: None,
    })
}

/// The state of a job that waits for a reason: some do not pass by themselves, and of these some are for
/// people to lift. Versions write them with blanks or underscores.
fn with_reason(state: JobState, reason: &str) -> JobState {
    if state != JobState::Pending {
        return state;
    }
    let reason = reason.to_ascii_lowercase().replace([' ', '_'], "");
    match reason.as_str() {
        "jobrequeuedinheldstate" | "jobhelduser" | "jobheldadmin" => JobState::Held,
        "dependencyneversatisfied" | "badconstraints" | "jobholdmaxrequeue" => JobState::Blocked,
        reason if reason.contains("requeuedheld") => JobState::Blocked,
        _ => JobState::Pending,
    }
}

/// Whether every line of `scancel` says that a job was over, or nearly.
pub fn says_it_has_ended(message: &str) -> bool {
    const WORDS: [&str; 3] = [
        "Invalid job id",
        "already completing or completed",
        "already finished",
    ];
    let mut lines = message.split("; ");
    lines.all(|line| WORDS.iter().any(|words| line.contains(words)))
}

/// Most tasks of a line of `scontrol`, more than any `MaxArraySize`.
const MAX_TASKS: usize = 4_000_001;

/// A line of `scontrol --oneliner show job`: a task of an array, or all of it that wait.
pub fn shown_jobs(line: &str) -> Vec<JobStatus> {
    // What the user chose, such as paths, may hold anything, and comes after these.
    let field = |name: &str| {
        let mut words = line.split_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let read = || {
        let (array, tasks) = (field("ArrayJobId")?, field("ArrayTaskId")?);
        let (token, reason) = (token_of(field("JobName")?)?, field("Reason")?);
        let word = field("JobState")?;
        let state = with_reason(listed_state(word), reason);
        let note = if reason == "None" { word } else { reason };
        let status = |task: usize| JobStatus {
            token: token.clone(),
            task: Some(task),
            job: format!("{array}_{task}"),
            state,
            note: note.to_owned(),
            elapsed: field("RunTime").and_then(elapsed),
        };
        Some(numbers(tasks)?.into_iter().map(status).collect())
    };
    read().unwrap_or_default()
}

/// Numbers of tasks as Slurm writes them: `7`, `1-8%4`, `3,5-6`.
fn numbers(text: &str) -> Option<Vec<usize>> {
    let list = text.split('%').next()?;
    let mut numbers = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        if last.checked_sub(first)? >= MAX_TASKS {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

/// The state of a job that the controller has. A word of a later version is none that a job ends with, as far as
/// is known: it is taken for one at work until it is not listed any more, and never for one that is lost.
fn listed_state(word: &str) -> JobState {
    state_of(word).unwrap_or(JobState::Running)
}

/// States of Slurm 22.05 to 25.11, of which `EXPEDITING` is the newest.
fn state_of(word: &str) -> Option<JobState> {
    Some(match word {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" | "RESV_DEL_HOLD"
        | "POWER_UP_NODE" | "LAUNCH_FAILED" | "RECONFIG_FAIL" | "EXPEDITING" => JobState::Pending,
        "REQUEUE_HOLD" | "SPECIAL_EXIT" => JobState::Held,
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "SIGNALING" | "STAGE_OUT" | "STOPPED"
        | "RESIZING" | "UPDATE_DB" => JobState::Running,
        "COMPLETED" => JobState::Ended(ExitReason::Success),
        "FAILED" => JobState::Ended(ExitReason::Failure),
        "CANCELLED" | "REVOKED" => JobState::Ended(ExitReason::Cancelled),
        "PREEMPTED" => JobState::Ended(ExitReason::Preempted),
        "NODE_FAIL" | "BOOT_FAIL" => JobState::Ended(ExitReason::NodeFailed),
        "TIMEOUT" | "DEADLINE" => JobState::Ended(ExitReason::TimedOut),
        "OUT_OF_MEMORY" => JobState::Ended(ExitReason::OutOfMemory),
        _ => return None,
    })
}

/// A time as squeue tells it: `M:S`, `H:M:S`, `D-H:M:S`.
fn elapsed(text: &str) -> Option<Duration> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let mut seconds: u64 = 0;
    for part in rest.split(':') {
        seconds = seconds * 60 + part.parse::<u64>().ok()?;
    }
    Some(Duration::from_secs(
        days.parse::<u64>().ok()? * 86_400 + seconds,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_squeue_becomes_the_status_of_a_job() {
        let read = |line: &str| {
            let job = queued_job(line)?;
            Some((job.token, job.task, job.job, job.state))
        };
        assert_eq!(
            read("12|5|PENDING|0:00|olmix-web-3f.k2x|Resources"),
            Some(("k2x".into(), Some(5), "12_5".into(), JobState::Pending))
        );
        assert_eq!(
            read("12|N/A|CANCELLED|0:00|olmix-web.v2.k2x|JobArrayTaskLimit"),
            Some((
                "k2x".into(),
                None,
                "12".into(),
                JobState::Ended(ExitReason::Cancelled)
            ))
        );
        assert_eq!(
            read("12|1|PENDING|0:00|olmix-a.k|launch failed requeued held").map(|job| job.3),
            Some(JobState::Blocked)
        );
        assert_eq!(read("12|1|RUNNING|0:00|someone-else|None"), None);
        let listed = queued_job("1|2|RUNNING|1-02:03:04|olmix-a.k|None");
        assert_eq!(
            listed.and_then(|job| job.elapsed),
            Some(Duration::from_secs(93_784))
        );
    }

    #[test]
    fn of_what_slurm_holds_back_people_are_told_and_what_never_begins_is_submitted_again() {
        let state = |reason: &str| {
            queued_job(&format!("12|1|PENDING|0:00|olmix-a.k|{reason}")).map(|job| job.state)
        };
        for (reason, expected) in [
            ("job requeued in held state", JobState::Held),
            ("job_requeued_in_held_state", JobState::Held),
            ("JobHeldUser", JobState::Held),
            ("JobHeldAdmin", JobState::Held),
            ("JobHoldMaxRequeue", JobState::Blocked),
            ("launch_failed_requeued_held", JobState::Blocked),
            ("DependencyNeverSatisfied", JobState::Blocked),
            ("JobArrayTaskLimit", JobState::Pending),
        ] {
            assert_eq!(state(reason), Some(expected), "{reason}");
        }
        for (word, expected) in [
            ("EXPEDITING", JobState::Pending),
            ("POWER_UP_NODE", JobState::Pending),
            ("OF_A_LATER_VERSION", JobState::Running),
        ] {
            let line = format!("12|1|{word}|0:00|olmix-a.k|None");
            assert_eq!(
                queued_job(&line).map(|job| job.state),
                Some(expected),
                "{word}"
            );
        }
        let held = queued_job("12|1|REQUEUE_HOLD|0:00|olmix-a.k|None").map(|job| job.state);
        assert_eq!(held, Some(JobState::Held));
    }

    #[test]
    fn a_line_of_scontrol_becomes_the_status_of_each_of_its_tasks() {
        let shown = |line: &str| -> Vec<(String, JobState)> {
            let jobs = shown_jobs(line).into_iter();
            jobs.map(|job| (job.job, job.state)).collect()
        };
        assert_eq!(
            shown(
                "JobId=14 ArrayJobId=12 ArrayTaskId=3 JobName=olmix-a.k UserId=u(1) Priority=1 \
                 JobState=RUNNING Reason=None Dependency=(null) RunTime=00:01:00 Command=/JobState=FAILED"
            ),
            [("12_3".to_owned(), JobState::Running)]
        );
        assert_eq!(
            shown(
                "JobId=12 ArrayJobId=12 ArrayTaskId=4,6-7%2 JobName=olmix-a.k JobState=PENDING \
                 Reason=job_requeued_in_held_state RunTime=00:00:00"
            ),
            ["12_4", "12_6", "12_7"].map(|job| (job.to_owned(), JobState::Held))
        );
        assert!(shown("JobId=9 JobName=other JobState=RUNNING Reason=None").is_empty());
        assert!(
            shown("JobId=9 ArrayJobId=9 ArrayTaskId=7-3 JobName=olmix-a.k JobState=RUNNING")
                .is_empty()
        );
    }

    #[test]
    fn a_job_that_is_over_or_nearly_is_told_apart_from_a_refusal() {
        let over = "scancel: error: Kill job error on job id 71_1: Job/step already completing or completed";
        let gone = "scancel: error: Kill job error on job id 9: Invalid job id specified";
        let refused = "scancel: error: Kill job error on job id 3: Access/permission denied";
        assert!(says_it_has_ended(over) && says_it_has_ended(&format!("{over}; {gone}")));
        assert!(
            !says_it_has_ended(&format!("{over}; {refused}"))
                && !says_it_has_ended("scancel: exit status: 1")
        );
    }

    #[test]
    fn a_line_of_sacct_becomes_the_status_of_a_job() {
        let told =
            accounted_job("12_7|CANCELLED by 1000|olmix-a.k|0:0").map(|job| (job.task, job.state));
        assert_eq!(
            told,
            Some((Some(7), JobState::Ended(ExitReason::Cancelled)))
        );
        assert_eq!(accounted_job("12_7|CANCELLED|olmix-a.k|0:0"), None);
        assert_eq!(accounted_job("12_[1-4]|PENDING|olmix-a.k|0:0"), None);
        for (state, reason) in [
            ("TIMEOUT", ExitReason::TimedOut),
            ("OUT_OF_MEMORY", ExitReason::OutOfMemory),
            ("NODE_FAIL", ExitReason::NodeFailed),
            ("PREEMPTED", ExitReason::Preempted),
        ] {
            let told = accounted_job(&format!("12_7|{state}|olmix-a.k|0:0"));
            assert_eq!(told.map(|job| job.state), Some(JobState::Ended(reason)));
        }
    }
}
