//! Which metrics become columns.

use std::collections::{BTreeMap, BTreeSet};

use globset::{Glob, GlobSet, GlobSetBuilder};
use olmix_io::metrics_meta::Direction;

use super::run::{MeasuredRun, Trait};
use crate::LaunchError;

/// How names of our own metrics end of which more is better.
const ACCURACY: &str = ":accuracy";

/// How names of metrics begin that say in nats per token what others say in bits per byte: to a fit they
/// would be tasks that count twice.
const IN_NATS: &str = "validation_loss:";

/// Columns that readers of these tables do not take for metrics.
const RESERVED: [&str; 5] = ["", "run", "run_id", "name", "index"];

/// Which metrics are wanted.
#[derive(Debug)]
pub(super) struct Filter {
    include: Option<GlobSet>,
    exclude: GlobSet,
    traits: BTreeMap<String, Trait>,
    /// Whether scores are left out: there are metrics beside them.
    without_scores: bool,
}

impl Filter {
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, LaunchError> {
        Ok(Self {
            include: (!include.is_empty())
                .then(|| globs("--include", include))
                .transpose()?,
            exclude: globs("--exclude", exclude)?,
            traits: BTreeMap::new(),
            without_scores: false,
        })
    }

    /// Learns what the source knows about metrics, and tells what is left out without being asked for. Scores stay
    /// where nothing else is measured.
    pub fn learn(&mut self, traits: BTreeMap<String, Trait>, runs: &[MeasuredRun]) -> Vec<String> {
        self.traits = traits;
        let names: BTreeSet<&str> = runs
            .iter()
            .flat_map(|run| run.values.keys().map(String::as_str))
            .filter(|name| self.may_want(name))
            .collect();
        let (repeats, rest): (Vec<&str>, Vec<&str>) = names
            .into_iter()
            .filter(|name| !name.starts_with(IN_NATS))
            .partition(|name| self.repeats(name));
        let (scores, others): (Vec<&str>, Vec<&str>) =
            rest.into_iter().partition(|name| self.is_score(name));
        let mut notices = Vec::new();
        if self.include.is_some() {
            return notices;
        }
        let mut left_out = |what: &str, names: &[&str]| {
            if !names.is_empty() {
                let names = super::usable::listed(names.iter());
                notices.push(format!(
                    "{what} are left out (--include brings them): {names}"
                ));
            }
        };
        let without_scores = !others.is_empty();
        if without_scores {
            left_out("metrics of which more is better", &scores);
        }
        left_out("metrics that repeat others", &repeats);
        self.without_scores = without_scores;
        notices
    }

    /// Whether a metric becomes a column, where runs have it.
    pub fn wants(&self, name: &str) -> bool {
        let left_out = name.starts_with(IN_NATS)
            || self.repeats(name)
            || self.without_scores && self.is_score(name);
        self.may_want(name) && (self.include.is_some() || !left_out)
    }

    /// Whether metrics were asked for by their names.
    pub fn is_explicit(&self) -> bool {
        self.include.is_some()
    }

    /// Which way a metric is better, if that is known.
    pub fn direction(&self, name: &str) -> Option<Direction> {
        let known = self.traits.get(name).and_then(|known| known.direction);
        known.or(name.ends_with(ACCURACY).then_some(Direction::Max))
    }

    fn may_want(&self, name: &str) -> bool {
        let asked = self
            .include
            .as_ref()
            .is_none_or(|globs| globs.is_match(name));
        asked && !self.exclude.is_match(name) && !RESERVED.contains(&name)
    }

    fn is_score(&self, name: &str) -> bool {
        self.direction(name) == Some(Direction::Max)
    }

    fn repeats(&self, name: &str) -> bool {
        self.traits.get(name).is_some_and(|known| known.repeats)
    }
}

fn globs(option: &str, texts: &[String]) -> Result<GlobSet, LaunchError> {
    let refused = |error: globset::Error| {
        LaunchError::refused(
            format!("{option}: {error}"),
            "write a glob such as 'validation:*'",
        )
    };
    let mut builder = GlobSetBuilder::new();
    for text in texts {
        builder.add(Glob::new(text).map_err(refused)?);
    }
    builder.build().map_err(refused)
}
