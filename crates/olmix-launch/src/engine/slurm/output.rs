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
    let state = match (state_of(state)?, reason) {
        (JobState::Pending, reason) if is_permanent(reason) => JobState::Blocked,
        (state, _) => state,
    };
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

/// A line of `sacct`: `4711_3|CANCELLED by 1000|olmix-…|0:0`.
pub fn accounted_job(line: &str) -> Option<JobStatus> {
    let mut parts = line.splitn(4, '|');
    let (job, state, name) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, task) = job.split_once('_')?;
    let word = state.split_whitespace().next()?;
    Some(JobStatus {
        token: token_of(name)?,
        task: Some(task.parse().ok()?),
        job: job.to_owned(),
        state: state_of(word)?,
        note: state.to_owned(),
        elapsed: None,
    })
}

/// Reasons to wait that do not pass by themselves.
fn is_permanent(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase().replace([' ', '_'], "");
    reason.contains("requeuedheld")
        || reason == "dependencyneversatisfied"
        || reason == "badconstraints"
}

fn state_of(word: &str) -> Option<JobState> {
    Some(match word {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" | "RESV_DEL_HOLD" => {
            JobState::Pending
        }
        "REQUEUE_HOLD" | "SPECIAL_EXIT" => JobState::Blocked,
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "SIGNALING" | "STAGE_OUT" | "STOPPED"
        | "RESIZING" => JobState::Running,
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
    fn a_line_of_sacct_becomes_the_status_of_a_job() {
        let told =
            accounted_job("12_7|CANCELLED by 1000|olmix-a.k|0:0").map(|job| (job.task, job.state));
        assert_eq!(
            told,
            Some((Some(7), JobState::Ended(ExitReason::Cancelled)))
        );
        assert_eq!(accounted_job("12_[1-4]|PENDING|olmix-a.k|0:0"), None);
    }
}
