//! Bits per byte of the answers and texts of tasks.

use rayon::prelude::*;

use super::{Item, Meter, Task, definition};
use crate::ProxyError;

impl Meter<'_> {
    /// Bits per byte of a task: the mean over its gold answers, or of all its texts; and its accuracy.
    pub(super) fn task(&self, task: &Task, prefix: &str) -> Result<(f64, f64), ProxyError> {
        if task.rolling {
            return Ok((self.texts(task)?, 0.0));
        }
        let one = |item: &Item| {
            let bits: Result<Vec<f64>, ProxyError> = item
                .choices
                .iter()
                .map(|answer| self.answer(task, item, prefix, answer))
                .collect();
            let bits = bits?;
            // Of equal ones the first is chosen.
            let better = |best: usize, i: usize| if bits[i] < bits[best] { i } else { best };
            let chosen = (0..bits.len()).fold(0, better);
            (self.observe)(1);
            Ok((bits[item.gold], chosen == item.gold))
        };
        let scored: Result<Vec<(f64, bool)>, ProxyError> = task.items.par_iter().map(one).collect();
        let scored = scored?;
        let count = scored.len() as f64;
        let bits: f64 = scored.iter().map(|(bits, _)| bits).sum();
        let right = scored.iter().filter(|(_, right)| *right).count();
        Ok((bits / count, right as f64 / count))
    }

    /// Bits per byte of an answer behind its context.
    fn answer(
        &self,
        task: &Task,
        item: &Item,
        prefix: &str,
        answer: &str,
    ) -> Result<f64, ProxyError> {
        let (tokens, measured) = self.items.answer(task, item, prefix, answer)?;
        let nats = self.nats(&tokens, measured);
        Ok(nats / std::f64::consts::LN_2 / answer.len() as f64)
    }

    /// Bits per byte of all texts of a task.
    fn texts(&self, task: &Task) -> Result<f64, ProxyError> {
        let one = |item: &Item| {
            let tokens = self.items.text(task, item)?;
            let windows = definition::windows(tokens.len() - 1, self.model.shape.context);
            let nats: f64 = windows
                .into_iter()
                .map(|window| self.nats(&tokens[window.tokens], window.measured))
                .sum();
            (self.observe)(1);
            Ok(nats)
        };
        let nats: Result<Vec<f64>, ProxyError> = task.items.par_iter().map(one).collect();
        let bytes: usize = task.items.iter().map(|item| item.choices[0].len()).sum();
        Ok(nats?.iter().sum::<f64>() / std::f64::consts::LN_2 / bytes as f64)
    }

    /// Nats of the last `measured` of some tokens.
    fn nats(&self, tokens: &[u32], measured: usize) -> f64 {
        let from = tokens.len() - measured;
        let logs = self.with_space(|space| self.model.log_likelihoods(tokens, from, space));
        logs.iter().map(|log| -f64::from(*log)).sum()
    }
}
