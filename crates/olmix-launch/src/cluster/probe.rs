//! A probe before the first runs: one small job that answers through the folder of runs. It finds out, before anything of the
//! swarm is submitted, whether nodes see that folder and can start this program.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::submission::{ORDERS, Site, With, submit_orders};
use super::{Cluster, ClusterError, How, SUBMISSIONS, SeenState, submission_folder};
use crate::clock::now;
use crate::engine::Book;
use crate::work::{Home, Order, PROBE, Probed};

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
        asked: Instant,
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
        book: &mut dyn Book,
    ) -> Result<bool, ClusterError> {
        match &mut self.state {
            State::Passed => return Ok(true),
            State::Unknown => {
                if self.earlier() {
                    self.state = State::Passed;
                    return Ok(true);
                }
                let token = format!("probe{}", now());
                let order = match &site.storage {
                    Some(_) => {
                        let url = site.submission(&token).path_of("");
                        let url = url.to_string_lossy().into_owned();
                        Order::probe(
                            &super::scratch(&site.settings)?.unwrap_or_default(),
                            Some(url),
                        )
                    }
                    None => Order::probe(&submission_folder(&site.out, &token), None),
                };
                let with = With {
                    probe: true,
                    ..With::default()
                };
                let sent = submit_orders(cluster, site, &token, &[order], &with)?;
                let job = sent.into_iter().next().unwrap_or_default();
                book.say(format!(
                    "job {job} finds out whether nodes can work in {}",
                    place(site)
                ));
                self.state = State::Sent {
                    token,
                    job,
                    asked: Instant::now(),
                    late: 0,
                    said: String::new(),
                };
                return Ok(false);
            }
            State::Sent { .. } => {}
        }
        self.look(cluster, site, book)
    }

    fn look(
        &mut self,
        cluster: &mut dyn Cluster,
        site: &Site,
        book: &mut dyn Book,
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
        let home = site.submission(token);
        if asked.elapsed() < POLL && site.storage.is_some() {
            return Ok(false);
        }
        if let Ok(Some(bytes)) = home.get(PROBE)
            && let Ok(probed) = serde_json::from_slice::<Probed>(&bytes)
        {
            tidy(&home, &folder);
            let kept = Kept {
                subject: self.subject.clone(),
                probed,
            };
            let text = serde_json::to_vec_pretty(&kept).unwrap_or_default();
            // Should it not be kept, it is sent once more another time.
            let _ = olmix_fs::write_whole(&self.answer, &text);
            self.state = State::Passed;
            return Ok(true);
        }
        if asked.elapsed() < POLL {
            return Ok(false);
        }
        *asked = Instant::now();
        let told = cluster.look()?;
        let found = told.iter().find(|seen| seen.token == *token);
        let how = match found.map(|seen| (seen.state, seen)) {
            Some((SeenState::Waits, seen)) => {
                if *said != seen.note {
                    said.clone_from(&seen.note);
                    book.say(format!("job {job} waits: {}", seen.note));
                }
                return Ok(false);
            }
            Some((SeenState::Works, _)) => return Ok(false),
            Some((SeenState::Stuck, seen)) => {
                let _ = cluster.cancel(std::slice::from_ref(job), true);
                Some((How::Badly, seen.note.clone()))
            }
            Some((SeenState::Ended(how), seen)) => Some((how, seen.note.clone())),
            None => None,
        };
        *late += 1;
        if *late < LATE {
            return Ok(false);
        }
        let printed = cluster.printed(job, &folder, 1);
        let ended = match how {
            Some((How::Well, _)) => "ended well".to_owned(),
            Some((_, note)) => format!("ended with {note}"),
            None => "is not known to the engine any more".to_owned(),
        };
        let printed = printed.map_or_else(String::new, |line| format!(", and printed: {line}"));
        let message = format!(
            "{}: job {job}, which was to answer through this folder, {ended} without an answer{printed}",
            place(site)
        );
        tidy(&home, &folder);
        let token = std::mem::take(token);
        self.state = State::Unknown;
        if site.storage.is_some() {
            return Err(ClusterError::refused(
                message,
                format!(
                    "nothing was submitted. Nodes must reach this store with a credential of their own or of engine.env, must be able to \
                     write to engine.scratch, and to start this program (engine.program names another path, engine.setup what has to be \
                     loaded). What the job printed is on its node, with Slurm in /tmp/olmix-{token}.1.log"
                ),
            ));
        }
        Err(ClusterError::refused(
            message,
            "nothing was submitted. Nodes must see this folder under the same path (give an --out on a shared filesystem, or \
             engine.storage), and be able to start this program (engine.program names another path, engine.setup what has to be loaded)",
        ))
    }

    /// Whether an earlier launch has had the answer.
    fn earlier(&self) -> bool {
        let kept = fs::read(&self.answer).ok();
        let kept = kept.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        kept.is_some_and(|kept| kept.subject == self.subject)
    }
}

/// Where nodes are to work, for people.
fn place(site: &Site) -> String {
    let url = site
        .storage
        .as_ref()
        .map(|storage| storage.url().to_owned());
    url.unwrap_or_else(|| site.out.display().to_string())
}

/// Removes a probe's submission.
fn tidy(home: &Home, folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    for name in [ORDERS, PROBE] {
        let _ = home.remove(name);
    }
}

/// An answer that is kept.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    subject: String,
    probed: Probed,
}
