//! How the names and patterns of a config find the metrics of a table.

use std::collections::{BTreeSet, HashMap, HashSet};

use olmix_core::Direction;

use super::metric_kind::{MetricKind, kind_of};
use super::mmlu::{self, OfferedMetrics};
use crate::config::fit::{FitConfig, Named, matches};
use crate::error::IoError;
use crate::messages::{did_you_mean, excerpt, listed, nearest};
use crate::swarm::tables::csv_table::Table;
use crate::swarm::tables::run_join::Metric;

/// The metrics that a table offers to a config.
pub(super) struct MetricNames<'l> {
    pub config: &'l FitConfig,
    pub table: &'l Table,
    /// The metrics that the table offers; single subjects are added where the config asks for them.
    pub offered: OfferedMetrics,
}

impl MetricNames<'_> {
    pub fn offers(&self, name: &str) -> bool {
        self.names().any(|offered| offered == name)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.offered
            .metrics
            .iter()
            .map(|metric| metric.name.as_str())
    }

    /// What each metric is, by its name, in the order of the table.
    pub fn kinds(&self) -> Vec<(String, MetricKind)> {
        let all: HashSet<&str> = self.names().collect();
        let kind = |name: &str| (name.to_owned(), kind_of(name, &all));
        self.names().map(kind).collect()
    }

    /// The metrics that an entry of a config means: the one of that name, or those that match it as a
    /// pattern. None for a plain name that the table does not have.
    ///
    /// # Errors
    /// [`IoError::Input`] for a pattern that matches nothing.
    pub fn meant_by<T>(&self, key: &str, entry: &Named<T>) -> Result<Vec<String>, IoError> {
        if self.offers(&entry.name) {
            return Ok(vec![entry.name.clone()]);
        }
        if !is_pattern(&entry.name) {
            return Ok(Vec::new());
        }
        let matching = self.names().filter(|name| matches(&entry.name, name));
        let found: Vec<String> = matching.map(str::to_owned).collect();
        if found.is_empty() {
            return Err(IoError::input(
                &self.config.file,
                entry.location.clone(),
                format!(
                    "{key}: the pattern `{}` matches no metric of {}",
                    excerpt(&entry.name),
                    self.table.file()
                ),
                format!(
                    "the metrics are {}",
                    listed(self.names().collect::<Vec<_>>(), 8)
                ),
            ));
        }
        Ok(found)
    }

    /// The metrics that several entries mean, and the plain names that mean nothing.
    pub fn all_meant_by<'n, T>(
        &self,
        key: &str,
        entries: &'n [Named<T>],
    ) -> Result<(Vec<(String, &'n Named<T>)>, Vec<&'n str>), IoError> {
        let (mut meant, mut unknown) = (Vec::new(), Vec::new());
        for entry in entries {
            let found = self.meant_by(key, entry)?;
            if found.is_empty() {
                unknown.push(entry.name.as_str());
            }
            meant.extend(found.into_iter().map(|name| (name, entry)));
        }
        Ok((meant, unknown))
    }

    /// The direction of each metric of which the config states one. A metric's own entry counts before
    /// patterns.
    ///
    /// # Errors
    /// [`IoError::Input`] for an entry that means no metric, and for patterns that disagree.
    pub fn stated_directions(&self) -> Result<HashMap<String, Direction>, IoError> {
        let key = "filtering.directions";
        let entries = &self.config.filtering.directions;
        let (meant, unknown) = self.all_meant_by(key, entries)?;
        if let Some(first) = unknown.first() {
            let entry = entries.iter().find(|entry| entry.name == **first);
            let location = entry.map(|entry| entry.location.clone());
            return Err(IoError::input(
                &self.config.file,
                location.unwrap_or_else(|| crate::Location::Field(key.into())),
                format!(
                    "{key}: `{}` is not a metric of {}{}",
                    excerpt(first),
                    self.table.file(),
                    self.inside_group(&unknown)
                ),
                did_you_mean(first, self.names(), || {
                    "correct or remove the name; `*` stands for any characters".into()
                }),
            ));
        }
        let mut stated: HashMap<String, (Direction, &Named<Direction>)> = HashMap::new();
        for (name, entry) in meant {
            let known = stated.get(&name).copied();
            let own = |entry: &Named<Direction>| entry.name == name;
            match known {
                Some((_, other)) if own(other) => {}
                Some((direction, other)) if direction != entry.value && !own(entry) => {
                    return Err(IoError::input(
                        &self.config.file,
                        entry.location.clone(),
                        format!(
                            "{key}: `{}` and `{}` both match `{}` and state different directions",
                            excerpt(&other.name),
                            excerpt(&entry.name),
                            excerpt(&name)
                        ),
                        "state the direction of that metric under its full name",
                    ));
                }
                _ => {
                    stated.insert(name, (entry.value, entry));
                }
            }
        }
        let direction = |(name, (direction, _))| (name, direction);
        Ok(stated.into_iter().map(direction).collect())
    }

    /// A notice of plain names of a config that mean nothing here; `None` where there are none.
    pub fn unknown_notice(
        &self,
        key: &str,
        unknown: &[&str],
        known: &HashSet<String>,
    ) -> Option<String> {
        let first = unknown.first()?;
        let mut hint = self.inside_group(unknown);
        if hint.is_empty() {
            let in_order: BTreeSet<&str> = known.iter().map(String::as_str).collect();
            hint = nearest(first, in_order)
                .map(|near| format!(" (did you mean `{}`?)", excerpt(near)))
                .unwrap_or_default();
        }
        let what = if unknown.len() == 1 {
            "a name that is not a task"
        } else {
            "names that are not tasks"
        };
        Some(format!(
            "{key} has {what} of {}, without effect: {}{hint}",
            self.table.file(),
            listed(unknown.iter().copied(), 5)
        ))
    }

    /// That a name is one of the subjects that a group took the place of.
    fn inside_group(&self, unknown: &[&str]) -> String {
        let subject = unknown.iter().find(|name| mmlu::subject(name).is_some());
        let subject = subject.filter(|_| !self.offered.replaced.is_empty());
        let hint = |subject: &&str| {
            format!(
                " (`{}` is part of an MMLU group and can't be named alone)",
                excerpt(subject)
            )
        };
        subject.map(hint).unwrap_or_default()
    }

    /// `eval.tasks` lists a metric that the table does not have.
    pub fn no_such_metric(&self, metric: &Named<()>) -> IoError {
        let replaced = self.offered.replaced.iter().map(String::as_str);
        let offered = self.names().chain(replaced);
        IoError::input(
            &self.config.file,
            metric.location.clone(),
            format!(
                "eval.tasks lists the metric `{}`, which {} does not have",
                excerpt(&metric.name),
                self.table.file()
            ),
            did_you_mean(&metric.name, offered, || {
                "remove it, or add its column to the metrics file".to_owned()
            }),
        )
    }

    /// Offers a single subject beside the groups that took its place.
    pub fn offer_subject(&mut self, name: &str) {
        if self.offers(name) || !self.offered.replaced.iter().any(|one| one == name) {
            return;
        }
        let column = self
            .table
            .columns()
            .iter()
            .position(|column| column == name);
        let metric = column.map(|column| Metric {
            name: name.to_owned(),
            sources: vec![(column, 1.0)],
        });
        self.offered.metrics.extend(metric);
    }
}

/// Whether a name of a config is meant as a pattern.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains('*')
}
