//! Submitting runs to a cluster: all tasks of an array, or none.

use std::collections::HashSet;

use olmix_ledger::RunId;

use super::cluster_engine::ClusterEngine;
use super::contract::ClusterError;
use super::submission::{Site, SubmitOptions, submit_jobs};
use super::tracked_run::EvaluationJob;
use crate::LaunchError;
use crate::engine::contract::RunRecorder;
use crate::protocol::{self, JobSpec, Outcome};

impl ClusterEngine {
    /// Submits the runs that wait.
    pub(super) fn submit(&mut self, recorder: &mut dyn RunRecorder) -> Result<(), LaunchError> {
        let most = match self.cluster.max_tasks() {
            Ok(most) => most,
            Err(error) => {
                return self.on_cluster_error(error, recorder);
            }
        };
        let waiting = std::mem::take(&mut self.waiting);
        let parts: Vec<&[RunId]> = waiting.chunks(most).collect();
        let max_parallel = self.site.settings.jobs.map(|jobs| jobs as usize);
        let mut submitted: Vec<RunId> = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            // Each array has its part of what may run at once.
            let share = max_parallel.map(|most| (most * part.len()).div_ceil(waiting.len()).max(1));
            match self.submit_part(part, share, recorder) {
                Ok(part) => submitted.extend(part),
                Err(ClusterError::Unreachable(message)) => {
                    // Those of this part are looked for; the rest waits.
                    self.waiting = parts[i + 1..].concat();
                    return self.on_cluster_error(ClusterError::Unreachable(message), recorder);
                }
                Err(error) => {
                    self.cancel_submitted(&submitted);
                    self.waiting = waiting;
                    return Err(error.into());
                }
            }
        }
        self.cluster_error = None;
        Ok(())
    }

    /// Submits some of the runs that wait, as one array. Returns those that the cluster has; none where the
    /// launcher does not hold all of them any more.
    fn submit_part(
        &mut self,
        part: &[RunId],
        max_parallel: Option<usize>,
        recorder: &mut dyn RunRecorder,
    ) -> Result<Vec<RunId>, ClusterError> {
        let token = self.token();
        let gpus = self.site.settings.gpus_of_run();
        let ticket = |task: usize| format!("{token}-{}", task + 1);
        let tickets: Vec<(RunId, String)> = part
            .iter()
            .enumerate()
            .map(|(task, run)| (*run, ticket(task)))
            .collect();
        let engine = self.cluster.name();
        let ours: HashSet<RunId> = recorder
            .tickets_issued(engine, gpus, &tickets)
            .into_iter()
            .collect();
        for (run, ticket) in &tickets {
            if !ours.contains(run) {
                let now = self.clock.now();
                let removed = self.runs.remove(run);
                self.not_ours
                    .extend(removed.map(|tracked| tracked.ended(Outcome::Stopped, now)));
            } else if let Some(tracked) = self.runs.get_mut(run) {
                tracked.ticket.clone_from(ticket);
                tracked.unconfirmed = true;
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
        let (mut specs, mut evaluations) = (Vec::new(), Vec::new());
        for (run, ticket) in &tickets {
            let Some(tracked) = self.runs.get(run) else {
                continue;
            };
            let mut spec = JobSpec::new(&tracked.job, ticket, container);
            let storage = self.site.storage.as_ref();
            spec.storage = storage.map(|storage| storage.url_of(&tracked.job.name));
            let evaluation = apart
                .and_then(|apart| spec.split_evaluation(apart.container.as_deref(), &tracked.job));
            evaluations.extend(evaluation);
            specs.push(spec);
        }
        let cluster = self.cluster.as_mut();
        let handles = submit_jobs(
            cluster,
            &self.site,
            &token,
            &specs,
            &SubmitOptions {
                max_parallel,
                ..SubmitOptions::default()
            },
        )?;
        let follow = match (apart, handles.first()) {
            (Some(apart), Some(first)) if evaluations.len() == specs.len() => {
                let site = Site {
                    settings: apart.clone(),
                    ..self.site.clone()
                };
                let token = format!("{token}{}", protocol::EVALUATION_SUFFIX);
                let with = SubmitOptions {
                    after: Some(first),
                    ..SubmitOptions::default()
                };
                let done = submit_jobs(cluster, &site, &token, &evaluations, &with);
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
                tracked.unconfirmed = false;
                tracked.evaluation = follow.get(i).map(|handle| EvaluationJob {
                    ticket: protocol::evaluation_ticket(ticket),
                    handle: Some(handle.clone()),
                });
                jobs.push((*run, handle.clone()));
            }
        }
        recorder.jobs_named(&jobs);
        self.poll_soon();
        Ok(jobs.into_iter().map(|(run, _)| run).collect())
    }

    /// Cancels a part of a swarm, since another part was refused.
    fn cancel_submitted(&mut self, submitted: &[RunId]) {
        let handles = submitted
            .iter()
            .filter_map(|run| self.runs.get(run)?.handle.clone());
        let handles: Vec<String> = handles.collect();
        let _ = self.cluster.cancel(&handles, true);
        for run in submitted {
            if let Some(tracked) = self.runs.get(run) {
                tracked.revoke_own_ticket(&self.site);
            }
        }
    }

    /// A token that no other submission has: the time in milliseconds and the process, in base 36.
    fn token(&mut self) -> String {
        self.submissions += 1;
        let mut number = self.clock.now().unsigned_abs() * 1000
            + u64::from(std::process::id() % 1000 + self.submissions) % 1000;
        let mut token = String::new();
        while number > 0 {
            token.push(char::from(
                b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize],
            ));
            number /= 36;
        }
        format!(
            "{}{}",
            token.chars().rev().collect::<String>(),
            self.submissions
        )
    }
}
