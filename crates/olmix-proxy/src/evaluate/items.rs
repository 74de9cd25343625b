//! The tokens of tasks' items, as a model is given them.

use rayon::prelude::*;

use super::{Encode, Item, Task, definition};
use crate::{EvaluationPlan, ProxyError};

/// Makes tokens of items for a model of some shape, which need not be there yet.
pub(crate) struct ItemEncoder<'a> {
    pub encode: &'a Encode<'a>,
    /// The token that ends a document, which also begins one.
    pub end_of_text: Option<u32>,
    /// Whether it goes before every context.
    pub add_bos_token: bool,
    /// Tokens that the model sees.
    pub context: usize,
    /// Tokens of its vocabulary.
    pub vocab: usize,
}

impl ItemEncoder<'_> {
    /// Refuses items that can't be measured, before a model is trained for them.
    ///
    /// # Errors
    /// [`ProxyError::File`] and [`ProxyError::Input`], with the line of the item.
    pub fn check(&self, evaluation: &EvaluationPlan) -> Result<(), ProxyError> {
        for file in &evaluation.tasks {
            let task = Task::read(file)?;
            let prefix = prefix(evaluation, &task)?;
            let one = |item: &Item| {
                if task.rolling {
                    return self.text(&task, item).map(|_| ());
                }
                let mut answers = item.choices.iter();
                answers.try_for_each(|answer| self.answer(&task, item, &prefix, answer).map(|_| ()))
            };
            // The first in the file is told, whatever thread finds one first.
            let found: Vec<Result<(), ProxyError>> = task.items.par_iter().map(one).collect();
            found.into_iter().collect::<Result<(), ProxyError>>()?;
        }
        Ok(())
    }

    /// The tokens of an answer behind its context, of which the beginning is cut off where both are longer than
    /// what the model can see; and how many of them, at the end, are the answer's.
    pub fn answer(
        &self,
        task: &Task,
        item: &Item,
        prefix: &str,
        answer: &str,
    ) -> Result<(Vec<u32>, usize), ProxyError> {
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
        let seen = self.context;
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
        Ok((tokens, after.len()))
    }

    /// The tokens of a text, behind the one that begins it.
    pub fn text(&self, task: &Task, item: &Item) -> Result<Vec<u32>, ProxyError> {
        let begin = self.end_of_text.ok_or_else(|| {
            bad(
                task,
                item,
                "the tokenizer has no end-of-text token to begin a text with",
                "use a tokenizer with one",
            )
        })?;
        let mut tokens = vec![begin];
        tokens.extend(self.tokens(task, item, &item.choices[0])?);
        Ok(tokens)
    }

    /// The tokens of a text of an item, all of which the model has.
    fn tokens(&self, task: &Task, item: &Item, text: &str) -> Result<Vec<u32>, ProxyError> {
        let tokens = (self.encode)(text).map_err(|error| {
            let problem = format!("can't be tokenized: {error}");
            bad(task, item, &problem, "correct the text")
        })?;
        let vocab = self.vocab;
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

/// What goes before every context of a task.
pub(super) fn prefix(evaluation: &EvaluationPlan, task: &Task) -> Result<String, ProxyError> {
    let named = |name: &str| evaluation.few_shot.iter().find(|(task, _)| task == name);
    match named(&task.name).or_else(|| named("*")) {
        None => Ok(String::new()),
        Some((_, file)) => {
            std::fs::read_to_string(file).map_err(|error| ProxyError::unreadable(file, &error))
        }
    }
}

/// What is wrong with an item of a task.
fn bad(task: &Task, item: &Item, problem: &str, help: &str) -> ProxyError {
    ProxyError::input(&task.file, format!("line {}: {problem}", item.line), help)
}
