//! What has become of runs: one question to the cluster, and what nodes left.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use olmix_ledger::{FailureKind, RunId, Time};

use super::tracked::{Tracked, lost};
use super::{POLLS, Remote, SELDOM, SOON};
use crate::LaunchError;
use crate::clock::now;
use crate::cluster::{Seen, SeenState};
use crate::engine::{Book, Outcome};

impl Remote {
    /// One question to the engine about all runs.
    pub(super) fn look(
        &mut self,
        book: &mut dyn Book,
    ) -> Result<Vec<(RunId, Outcome, Time)>, LaunchError> {
        let told = match self.cluster.look() {
            Ok(told) => told,
            Err(error) => return self.troubled(error, book).map(|()| Vec::new()),
        };
        if self.trouble.take().is_some() {
            book.say(format!("{} answers again", self.cluster.kind().word()));
            self.pace = SOON;
        }
        let found = by_ticket(&told, &self.runs);
        let mut ended = Vec::new();
        let (mut begun, mut named) = (Vec::new(), Vec::new());
        let mut vanished = Vec::new();
        let mut changed = false;
        let mut away = None;
        for (run, tracked) in &mut self.runs {
            if self.waiting.contains(run) {
                continue;
            }
            let Some(seen) = found.get(run) else {
                vanished.push(*run);
                continue;
            };
            if seen.task.is_some() && tracked.handle.as_ref() != Some(&seen.job) {
                tracked.handle = Some(seen.job.clone());
                tracked.doubtful = false;
                named.push((*run, seen.job.clone()));
            }
            match seen.state {
                SeenState::Waits => {
                    tracked.missing = 0;
                    if tracked.works {
                        tracked.works = false;
                        changed = true;
                        let cause = format!(
                            "its place was taken away ({}); it is begun again",
                            seen.note
                        );
                        book.waits_again(*run, &tracked.job.name, &cause);
                    }
                }
                SeenState::Works => {
                    tracked.missing = 0;
                    if !tracked.works {
                        tracked.works = true;
                        changed = true;
                        let since = seen.working.unwrap_or_default().as_millis();
                        begun.push((*run, now() - i64::try_from(since).unwrap_or(0)));
                    }
                }
                SeenState::Stuck => {
                    let cause = format!(
                        "{} holds it back: {}",
                        self.cluster.kind().word(),
                        seen.note
                    );
                    let _ = self.cluster.cancel(std::slice::from_ref(&seen.job), true);
                    let kind = FailureKind::Lost;
                    ended.push((*run, Outcome::Failed { kind, cause }, now()));
                }
                SeenState::Ended(how) => {
                    changed = true;
                    if away.is_some() {
                        continue;
                    }
                    match tracked.end(how, seen, self.cluster.as_mut(), &self.site) {
                        Ok(Some((outcome, at, began))) => {
                            // What ended between two polls has begun, too.
                            begun.extend(began.filter(|_| !tracked.works).map(|at| (*run, at)));
                            ended.push((*run, outcome, at));
                        }
                        Ok(None) => {}
                        Err(error) => away = Some(error),
                    }
                }
            }
        }
        book.known_as(&named);
        book.begun(&begun);
        let settled = match away {
            None => self.settle_vanished(&vanished),
            Some(error) => Err(error),
        };
        let away = settled.map(|settled| ended.extend(settled)).err();
        changed |= !ended.is_empty() || !vanished.is_empty();
        self.pace = if changed {
            SOON
        } else {
            (self.pace * 3 / 2).min(SELDOM)
        };
        self.next = Instant::now() + self.pace;
        if let Some(error) = away {
            self.storage_away(&error, book);
        }
        Ok(ended)
    }

    /// Runs that the engine does not know of: over by their own records or its accounts, or lost. Fails when the store does not
    /// answer.
    pub(super) fn settle_vanished(
        &mut self,
        vanished: &[RunId],
    ) -> Result<Vec<(RunId, Outcome, Time)>, LaunchError> {
        let mut ended = Vec::new();
        let mut unknown: Vec<(RunId, String)> = Vec::new();
        for run in vanished {
            let Some(tracked) = self.runs.get_mut(run) else {
                continue;
            };
            let record = tracked.record(&self.site)?;
            tracked.missing += 1;
            if let Some(record) = record {
                let outcome = match record.outcome() {
                    Outcome::Stopped if tracked.stop.is_none() => {
                        lost("it was stopped, and the engine does not know of it any more")
                    }
                    outcome => outcome,
                };
                ended.push((*run, outcome, record.ended));
            } else if tracked.missing >= POLLS {
                unknown.push((*run, tracked.handle.clone().unwrap_or_default()));
            }
        }
        let asked: Vec<String> = unknown
            .iter()
            .map(|(_, job)| job.clone())
            .filter(|job| !job.is_empty())
            .collect();
        let accounts = self.cluster.ask_after(&asked).unwrap_or_default();
        for (run, job) in unknown {
            let Some(tracked) = self.runs.get(&run) else {
                continue;
            };
            let account = accounts.iter().find(|seen| seen.job == job);
            let outcome = match account.map(|seen| (seen.state, seen)) {
                Some((SeenState::Ended(how), seen)) => {
                    tracked.by_engine(how, seen, None, None, &self.site)
                }
                _ if tracked.stop.is_some() => Outcome::Stopped,
                _ => lost(&format!(
                    "{} does not know of it any more, and it left no record of its end",
                    self.cluster.kind().word()
                )),
            };
            tracked.take_ticket_back(&self.site);
            ended.push((run, outcome, now()));
        }
        Ok(ended)
    }
}

/// What was told of each run, by its ticket.
fn by_ticket<'s>(told: &'s [Seen], runs: &BTreeMap<RunId, Tracked>) -> HashMap<RunId, &'s Seen> {
    let mut one: HashMap<(&str, usize), &Seen> = HashMap::new();
    let mut rest: HashMap<&str, &Seen> = HashMap::new();
    for seen in told {
        match seen.task {
            Some(task) => {
                // Of two jobs with one ticket the one that works, or else will, counts.
                let rank = |seen: &Seen| match seen.state {
                    SeenState::Works => 0,
                    SeenState::Waits => 1,
                    SeenState::Stuck => 2,
                    SeenState::Ended(_) => 3,
                };
                let place = one.entry((&seen.token, task)).or_insert(seen);
                if rank(seen) < rank(place) {
                    *place = seen;
                }
            }
            None => {
                rest.insert(&seen.token, seen);
            }
        }
    }
    let find = |tracked: &Tracked| {
        let (token, task) = tracked.ticket.rsplit_once('-')?;
        let own = one.get(&(token, task.parse().ok()?));
        own.or_else(|| rest.get(token)).copied()
    };
    let found = runs
        .iter()
        .filter_map(|(run, tracked)| Some((*run, find(tracked)?)));
    found.collect()
}
