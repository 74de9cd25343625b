//! Giving runs to a cluster, all of an array or none.

use std::collections::HashSet;

use olmix_ledger::RunId;

use super::Remote;
use super::tracked::Second;
use crate::LaunchError;
use crate::clock::now;
use crate::cluster::ClusterError;
use crate::cluster::submission::{Site, With, submit_orders};
use crate::engine::Book;
use crate::work;

impl Remote {
    /// Gives what waits to the cluster.
    pub(super) fn submit(&mut self, book: &mut dyn Book) -> Result<(), LaunchError> {
        let most = match self.cluster.most_tasks() {
            Ok(most) => most,
            Err(error) => {
                return self.troubled(error, book);
            }
        };
        let waiting = std::mem::take(&mut self.waiting);
        let parts: Vec<&[RunId]> = waiting.chunks(most).collect();
        let at_once = self.site.settings.jobs.map(|jobs| jobs as usize);
        let mut given: Vec<RunId> = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            // Each array has its part of what may run at once.
            let share = at_once.map(|most| (most * part.len()).div_ceil(waiting.len()).max(1));
            match self.submit_part(part, share, book) {
                Ok(mut submitted) => given.append(&mut submitted),
                Err(ClusterError::Unreachable(message)) => {
                    // Those of this part are looked for; the rest waits.
                    self.waiting = parts[i + 1..].concat();
                    return self.troubled(ClusterError::Unreachable(message), book);
                }
                Err(error) => {
                    self.take_back(&given);
                    self.waiting = waiting;
                    return Err(error.into());
                }
            }
        }
        self.trouble = None;
        Ok(())
    }

    pub(super) fn submit_part(
        &mut self,
        part: &[RunId],
        at_once: Option<usize>,
        book: &mut dyn Book,
    ) -> Result<Vec<RunId>, ClusterError> {
        let token = self.token();
        let gpus = self.site.settings.gpus_of_run();
        let ticket = |task: usize| format!("{token}-{}", task + 1);
        let tickets: Vec<(RunId, String)> = part
            .iter()
            .enumerate()
            .map(|(task, run)| (*run, ticket(task)))
            .collect();
        let engine = self.cluster.kind().word();
        let ours: HashSet<RunId> = book.ticketed(engine, gpus, &tickets).into_iter().collect();
        for (run, ticket) in &tickets {
            if !ours.contains(run) {
                self.runs.remove(run);
            } else if let Some(tracked) = self.runs.get_mut(run) {
                tracked.ticket.clone_from(ticket);
                tracked.doubtful = true;
            }
        }
        if ours.is_empty() {
            return Ok(Vec::new());
        }
        // Numbers of tasks are lines of the file: none may be left out.
        if ours.len() < tickets.len() {
            let left = part.iter().filter(|run| self.runs.contains_key(run));
            self.waiting.extend(left);
            return Ok(Vec::new());
        }
        let container = self.site.settings.container.as_deref();
        let apart = self.site.settings.evaluation.as_deref();
        let (mut orders, mut seconds) = (Vec::new(), Vec::new());
        for (run, ticket) in &tickets {
            let Some(tracked) = self.runs.get(run) else {
                continue;
            };
            let mut order = work::order(&tracked.job, ticket, container);
            let storage = self.site.storage.as_ref();
            order.storage = storage.map(|storage| storage.url_of(&tracked.job.name));
            let second = apart
                .and_then(|apart| order.split_evaluation(apart.container.as_deref(), &tracked.job));
            seconds.extend(second);
            orders.push(order);
        }
        let cluster = self.cluster.as_mut();
        let handles = submit_orders(
            cluster,
            &self.site,
            &token,
            &orders,
            &With {
                at_once,
                ..With::default()
            },
        )?;
        let follow = match (apart, handles.first()) {
            (Some(apart), Some(first)) if seconds.len() == orders.len() => {
                let site = Site {
                    settings: apart.clone(),
                    ..self.site.clone()
                };
                let token = format!("{token}{}", work::EVALUATION);
                let with = With {
                    after: Some(first),
                    ..With::default()
                };
                let done = submit_orders(cluster, &site, &token, &seconds, &with);
                if matches!(done, Err(ClusterError::Refused { .. })) {
                    let _ = cluster.cancel(&handles, true);
                }
                done?
            }
            _ => Vec::new(),
        };
        let mut jobs = Vec::new();
        for (i, (run, ticket)) in tickets.iter().enumerate() {
            if let (Some(tracked), Some(handle)) = (self.runs.get_mut(run), handles.get(i)) {
                tracked.handle = Some(handle.clone());
                tracked.doubtful = false;
                tracked.second = follow.get(i).map(|handle| Second {
                    ticket: work::evaluation_ticket(ticket),
                    handle: Some(handle.clone()),
                });
                jobs.push((*run, handle.clone()));
            }
        }
        book.known_as(&jobs);
        self.soon();
        Ok(jobs.into_iter().map(|(run, _)| run).collect())
    }

    /// Takes a part of a swarm back from the cluster, since another part was refused.
    pub(super) fn take_back(&mut self, given: &[RunId]) {
        let handles = given
            .iter()
            .filter_map(|run| self.runs.get(run)?.handle.clone());
        let handles: Vec<String> = handles.collect();
        let _ = self.cluster.cancel(&handles, true);
        for run in given {
            if let Some(tracked) = self.runs.get(run) {
                tracked.take_ticket_back(&self.site);
            }
        }
    }

    fn token(&mut self) -> String {
        self.made += 1;
        let mut number =
            now().unsigned_abs() * 1000 + u64::from(std::process::id() % 1000 + self.made) % 1000;
        let mut token = String::new();
        while number > 0 {
            token.push(char::from(
                b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize],
            ));
            number /= 36;
        }
        format!("{}{}", token.chars().rev().collect::<String>(), self.made)
    }
}
