//! A probe before the first runs: one small job that answers through the folder of runs. It finds out,
//! before anything of the swarm is submitted, whether nodes see that folder and can start this program.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::contract::{Cluster, ClusterError, ExitReason, JobState};
use super::results::scratch;
use super::submission::{
    JOB_SPECS_FILE, SUBMISSIONS, Site, SubmitOptions, submission_folder, submit_jobs,
};
use crate::engine::contract::RunRecorder;
use crate::host::clock::Clock;
use crate::protocol::{JobSpec, PROBE_ANSWER_FILE, ProbeAnswer, RecordStore};

/// How often the cluster is asked about it.
const POLL: Duration = Duration::from_secs(1);

/// Polls after its end in which an answer may still come.
const LATE: u32 = 5;

/// How far the probe is.
pub struct Probe {
    /// What it answered for; another engine or program is probed anew.
    subject: String,
    answer: PathBuf,
    state: State,
}

enum State {
    Unknown,
    Sent {
        token: String,
        job: String,
        asked: Duration,
        late: u32,
        said: String,
    },
    Passed,
}

impl Probe {
    pub fn new(site: &Site) -> Self {
        let settings = &site.settings;
        let subject = format!(
            "{} {} {} {}{}",
            settings.kind.word(),
            settings.partition.as_deref().unwrap_or_default(),
            site.program.display(),
            settings.setup.join("; "),
            site.storage
                .as_ref()
                .map_or_else(String::new, |storage| format!(" {}", storage.url()))
        );
        Self {
            subject,
            answer: site.out.join(SUBMISSIONS).join("probe.json"),
            state: State::Unknown,
        }
    }

    /// Whether it has passed; it is sent as needed. Never waits.
    pub fn passed(
        &mut self,
        cluster: &mut dyn Cluster,
        site: &Site,
        clock: &dyn Clock,
        recorder: &mut dyn RunRecorder,
    ) -> Result<bool, ClusterError> {
        match &mut self.state {
            State::Passed => return Ok(true),
            State::Unknown => {
                if self.passed_before() {
                    self.state = State::Passed;
                    return Ok(true);
                }
                let token = format!("probe{}", clock.now());
                let spec = match &site.storage {
                    Some(_) => {
                        let url = site.submission_store(&token).path_of("");
                        let url = url.to_string_lossy().into_owned();
                        JobSpec::probe(&scratch(&site.settings)?.unwrap_or_default(), Some(url))
                    }
                    None => JobSpec::probe(&submission_folder(&site.out, &token), None),
                };
                let with = SubmitOptions {
                    probe: true,
                    ..SubmitOptions::default()
                };
                let sent = submit_jobs(cluster, site, &token, &[spec], &with)?;
                let job = sent.into_iter().next().unwrap_or_default();
                recorder.notice(format!(
                    "job {job} finds out whether nodes can work in {}",
                    location(site)
                ));
                self.state = State::Sent {
                    token,
                    job,
                    asked: clock.elapsed(),
                    late: 0,
                    said: String::new(),
                };
                return Ok(false);
            }
            State::Sent { .. } => {}
        }
        self.check(cluster, site, clock, recorder)
    }

    /// Whether the answer is there; asks the cluster about the job where it is late.
    fn check(
        &mut self,
        cluster: &mut dyn Cluster,
        site: &Site,
        clock: &dyn Clock,
        recorder: &mut dyn RunRecorder,
    ) -> Result<bool, ClusterError> {
        let State::Sent {
            token,
            job,
            asked,
            late,
            said,
        } = &mut self.state
        else {
            return Ok(false);
        };
        let folder = submission_folder(&site.out, token);
        let records = site.submission_store(token);
        if clock.elapsed() < *asked + POLL && site.storage.is_some() {
            return Ok(false);
        }
        if let Ok(Some(bytes)) = records.get(PROBE_ANSWER_FILE)
            && let Ok(answer) = serde_json::from_slice::<ProbeAnswer>(&bytes)
        {
            remove_submission(&records, &folder);
            let saved = SavedAnswer {
                subject: self.subject.clone(),
                probed: answer,
            };
            let text = serde_json::to_vec_pretty(&saved).unwrap_or_default();
            // Should it not be kept, it is sent once more another time.
            let _ = olmix_fs::write_whole(&self.answer, &text);
            self.state = State::Passed;
            return Ok(true);
        }
        if clock.elapsed() < *asked + POLL {
            return Ok(false);
        }
        *asked = clock.elapsed();
        let listed = cluster.list_jobs()?;
        let found = listed.iter().find(|status| status.token == *token);
        let reason = match found.map(|status| (status.state, status)) {
            Some((JobState::Pending | JobState::Held, status)) => {
                if *said != status.note {
                    said.clone_from(&status.note);
                    recorder.notice(format!("job {job} waits: {}", status.note));
                }
                return Ok(false);
            }
            Some((JobState::Running, _)) => return Ok(false),
            Some((JobState::Blocked, status)) => {
                let _ = cluster.cancel(std::slice::from_ref(job), true);
                Some((ExitReason::Failure, status.note.clone()))
            }
            Some((JobState::Ended(reason), status)) => Some((reason, status.note.clone())),
            None => None,
        };
        *late += 1;
        if *late < LATE {
            return Ok(false);
        }
        let printed = cluster.job_output(job, &folder, 1);
        let ended = match reason {
            Some((ExitReason::Success, _)) => "ended well".to_owned(),
            Some((_, note)) => format!("ended with {note}"),
            None => "is not known to the engine any more".to_owned(),
        };
        let printed = printed.map_or_else(String::new, |line| format!(", and printed: {line}"));
        let message = format!(
            "{}: job {job}, which was to answer through this folder, {ended} without an answer{printed}",
            location(site)
        );
        remove_submission(&records, &folder);
        let _ = folder.parent().map(fs::remove_dir);
        let token = std::mem::take(token);
        self.state = State::Unknown;
        if site.storage.is_some() {
            return Err(ClusterError::refused(
                message,
                format!(
                    "nothing was submitted. Nodes must reach this store with a credential of their own or of \
                     engine.env, must be able to write to engine.scratch, and to start this program \
                     (engine.program names another path, engine.setup what has to be loaded). What the job \
                     printed is on its node, with Slurm in /tmp/olmix-{token}.1.log"
                ),
            ));
        }
        Err(ClusterError::refused(
            message,
            "nothing was submitted. Nodes must see this folder under the same path (give an --out on a \
             shared filesystem, or engine.storage), and be able to start this program (engine.program names \
             another path, engine.setup what has to be loaded)",
        ))
    }

    /// Whether an earlier launch has had the answer.
    fn passed_before(&self) -> bool {
        let kept = fs::read(&self.answer).ok();
        let kept = kept.and_then(|bytes| serde_json::from_slice::<SavedAnswer>(&bytes).ok());
        kept.is_some_and(|kept| kept.subject == self.subject)
    }
}

/// Where nodes are to work, for people.
fn location(site: &Site) -> String {
    let url = site
        .storage
        .as_ref()
        .map(|storage| storage.url().to_owned());
    url.unwrap_or_else(|| site.out.display().to_string())
}

/// Removes a probe's submission.
fn remove_submission(records: &RecordStore, folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    for name in [JOB_SPECS_FILE, PROBE_ANSWER_FILE] {
        let _ = records.remove(name);
    }
}

/// The answer of a probe, as a later launch finds it.
#[derive(serde::Serialize, serde::Deserialize)]
struct SavedAnswer {
    subject: String,
    probed: ProbeAnswer,
}
