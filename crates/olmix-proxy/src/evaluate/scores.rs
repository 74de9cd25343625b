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

    /// Bits per byte of an answer behind its context, of which the beginning is cut off where both are longer
    /// than what the model can see.
    fn answer(
        &self,
        task: &Task,
        item: &Item,
        prefix: &str,
        answer: &str,
    ) -> Result<f64, ProxyError> {
        let whole = format!("{prefix}{}{answer}", item.context);
        let context = definition::without_space(&whole[..whole.len() - answer.len()]);
        let before = if context.is_empty() {
            Vec::new()
        } else {
            self.tokens(task, item, context)?
        };
        let all = self.tokens(task, item, &whole)?;
        let after = all.get(before.len()..).unwrap_or_default();
        let begins = self.add_bos_token || before.is_empty();
        let begin = self.end_of_text.filter(|_| begins);
        let seen = self.model.shape.context;
        if begins && begin.is_none() {
            return Err(bad(
                task,
                item,
                "the tokenizer has no end-of-text token to begin with",
                "give a context, and leave out add_bos_token",
            ));
        }
        if after.is_empty() {
            return Err(bad(
                task,
                item,
                "context and answer together have no more tokens than the context alone, so that the answer \
                 has no bits",
                "end the context where a word ends",
            ));
        }
        if after.len() > seen {
            let problem = format!(
                "an answer of {} tokens, for a model that sees {seen}",
                after.len()
            );
            return Err(bad(
                task,
                item,
                &problem,
                "give answers that fit into training.sequence_length, or a text: {\"text\": …}",
            ));
        }
        let tokens: Vec<u32> = begin.into_iter().chain(before).collect();
        // The last token is only a target.
        let kept = tokens.len().min(seen + 1 - after.len());
        let tokens = [&tokens[tokens.len() - kept..], after].concat();
        let nats = self.nats(&tokens, after.len());
        Ok(nats / std::f64::consts::LN_2 / answer.len() as f64)
    }

    /// Bits per byte of all texts of a task.
    fn texts(&self, task: &Task) -> Result<f64, ProxyError> {
        let one = |item: &Item| {
            let text = &item.choices[0];
            let begin = self.end_of_text.ok_or_else(|| {
                bad(
                    task,
                    item,
                    "the tokenizer has no end-of-text token to begin a text with",
                    "use a tokenizer with one",
                )
            })?;
            let mut tokens = vec![begin];
            tokens.extend(self.tokens(task, item, text)?);
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

    /// The tokens of a text of an item, all of which the model has.
    fn tokens(&self, task: &Task, item: &Item, text: &str) -> Result<Vec<u32>, ProxyError> {
        let tokens = (self.encode)(text).map_err(|error| {
            let problem = format!("can't be tokenized: {error}");
            bad(task, item, &problem, "correct the text")
        })?;
        let vocab = self.model.shape.vocab;
        if let Some(token) = tokens.iter().find(|&&token| token as usize >= vocab) {
            let problem = format!("has the token {token}, and the model's vocabulary has {vocab}");
            return Err(bad(
                task,
                item,
                &problem,
                "use the tokenizer that the model was trained with",
            ));
        }
        Ok(tokens)
    }
}

/// What is wrong with an item of a task.
fn bad(task: &Task, item: &Item, problem: &str, help: &str) -> ProxyError {
    ProxyError::input(&task.file, format!("line {}: {problem}", item.line), help)
}
