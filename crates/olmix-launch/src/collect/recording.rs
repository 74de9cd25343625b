//! Recordings of a tracker become runs: a tracker may hold a run in several pieces.
//!
//! A run that was preempted and begun again, or whose evaluation was logged later, has several recordings, of one
//! id or of one name. Those that finished are merged in the order of time, a later value over an earlier one of the
//! same metric. A value that was measured well before another of the same metric (by its step) never replaces it,
//! and a recording that did not finish adds nothing to one that did, but for an earlier piece of the same id, which
//! it continues.

use std::collections::{BTreeMap, HashMap};

use super::mixtures::Mixtures;
use super::run::{Cure, MeasuredRun, Mixture, SourceRuns, Values};
use super::short;

/// How many runs a notice names.
const NAMED: usize = 8;

/// What a tracker recorded from one beginning to one end.
#[derive(Debug, Clone)]
pub(super) struct Recording {
    /// Names that its run may go by, the most telling first; never empty.
    pub names: Vec<String>,
    /// What the tracker tells it apart by; the pieces of a resumed run share it.
    pub id: String,
    /// What it is called in messages.
    pub label: String,
    /// Why it does not count, where it did not finish or can't be read, and what would help.
    pub unfinished: Option<(String, Cure)>,
    /// The mixture in its configuration.
    pub mixture: Result<Option<Mixture>, String>,
    pub values: Values,
}

/// Merges recordings, which are in the order of time. A run takes the first of its names that mixtures are given
/// for, or else its first.
pub(super) fn merge(recordings: Vec<Recording>, given: Option<&Mixtures>) -> SourceRuns {
    let mut found = SourceRuns::default();
    let mut notes = Notes::default();
    for (name, group) in by_name(recordings, given) {
        let last_finished = last_finished(&group);
        let mut parts: Vec<Recording> = Vec::new();
        let mut unfinished: Vec<Recording> = Vec::new();
        for (place, recording) in group.into_iter().enumerate() {
            let last = last_finished.get(&recording.id);
            match recording.unfinished {
                Some(_) if last.is_none_or(|&last| last < place) => unfinished.push(recording),
                _ => parts.push(recording),
            }
        }
        if parts.is_empty() {
            if let Some(last) = unfinished.pop() {
                let (why, cure) = last.unfinished.unwrap_or((String::new(), Cure::Unknown));
                found.leave_out(name, why, cure);
            }
            continue;
        }
        for part in &unfinished {
            let why = part.unfinished.as_ref().map_or("", |(why, _)| why);
            let note = format!("`{name}`: {} is not counted: {why}", part.label);
            notes.unfinished.push(note);
        }
        match one(&name, parts, &mut notes) {
            Ok(run) => found.runs.push(run),
            Err(why) => found.leave_out(name, why, Cure::Unknown),
        }
    }
    found.notices.extend(notes.all());
    found
}

/// Where the last finished recording of each id is.
fn last_finished(group: &[Recording]) -> HashMap<String, usize> {
    let finished = group.iter().enumerate();
    let finished = finished.filter(|(_, recording)| recording.unfinished.is_none());
    finished
        .map(|(place, recording)| (recording.id.clone(), place))
        .collect()
}

/// Groups of recordings of one run, by its name. All of an id are of one run.
fn by_name(
    recordings: Vec<Recording>,
    given: Option<&Mixtures>,
) -> BTreeMap<String, Vec<Recording>> {
    let mut names: HashMap<String, String> = HashMap::new();
    let known = |name: &&String| given.is_some_and(|given| given.of.contains_key(*name));
    // The latest recording's names count, unless an earlier one has a name that is known.
    for recording in recordings.iter().rev() {
        let wanted = recording.names.iter().find(known);
        let taken = names.get(&recording.id);
        if taken.is_none() || wanted.is_some() && !taken.as_ref().is_some_and(known) {
            let name = wanted.or(recording.names.first()).cloned();
            names.insert(recording.id.clone(), name.unwrap_or_default());
        }
    }
    let mut groups: BTreeMap<String, Vec<Recording>> = BTreeMap::new();
    for recording in recordings {
        let name = names.get(&recording.id).cloned().unwrap_or_default();
        groups.entry(name).or_default().push(recording);
    }
    groups
}

/// One run of its parts, or why it can't be one.
fn one(name: &str, parts: Vec<Recording>, notes: &mut Notes) -> Result<MeasuredRun, String> {
    let labels: Vec<String> = parts.iter().map(|part| part.label.clone()).collect();
    let mut run = MeasuredRun {
        name: name.to_owned(),
        ..MeasuredRun::default()
    };
    let mut from: HashMap<String, usize> = HashMap::new();
    for (place, part) in parts.into_iter().enumerate() {
        run.configured = match (run.configured, part.mixture) {
            (Ok(Some(one)), Ok(Some(other))) if !same(&one, &other) => {
                return Err(format!(
                    "{} and {} have different mixtures",
                    labels[place - 1],
                    labels[place]
                ));
            }
            (Ok(None), other) => other,
            (one, _) => one,
        };
        let mut shorter = None;
        for (metric, value) in part.values {
            let earlier = run.values.get(&metric).map(|earlier| earlier.step);
            match (value.step, earlier.flatten()) {
                (Some(step), Some(earlier)) if short::is_short(step, earlier) => {
                    shorter = Some((step, earlier));
                }
                _ => {
                    from.insert(metric.clone(), place);
                    run.values.insert(metric, value);
                }
            }
        }
        if let Some((step, earlier)) = shorter {
            notes.shorter.push(format!(
                "`{name}`: {} stopped at step {step}, and replaces nothing that was measured later in training \
                 (step {earlier})",
                labels[place]
            ));
        }
    }
    if labels.len() > 1 {
        notes.tell_parts(name, &labels, from.values());
    }
    Ok(run)
}

/// Whether two mixtures are equal, but for rounding and the order of their domains.
pub(super) fn same(one: &Mixture, other: &Mixture) -> bool {
    let weights = |mixture: &Mixture| -> BTreeMap<String, f64> {
        let some = mixture.iter().filter(|(_, weight)| *weight != 0.0);
        some.cloned().collect()
    };
    let (one, other) = (weights(one), weights(other));
    one.len() == other.len()
        && one
            .iter()
            .zip(&other)
            .all(|((a, x), (b, y))| a == b && (x - y).abs() < 1e-6)
}

/// Notices of one kind, of which the first few are told.
#[derive(Debug, Default)]
struct Notes {
    merged: Vec<String>,
    replaced: Vec<String>,
    shorter: Vec<String>,
    unfinished: Vec<String>,
}

impl Notes {
    /// Of a run with several parts: how many metrics came from which.
    fn tell_parts<'p>(
        &mut self,
        name: &str,
        labels: &[String],
        places: impl Iterator<Item = &'p usize>,
    ) {
        let mut counts = vec![0; labels.len()];
        places.for_each(|&place| counts[place] += 1);
        let used = labels.iter().zip(counts).filter(|(_, count)| *count > 0);
        let used: Vec<(&String, usize)> = used.collect();
        if let [(only, _)] = used.as_slice() {
            self.replaced.push(format!("`{name}` is {only}"));
        } else {
            let part = |(label, count): &(&String, usize)| match count {
                1 => format!("1 metric of {label}"),
                count => format!("{count} metrics of {label}"),
            };
            let parts: Vec<String> = used.iter().map(part).collect();
            self.merged
                .push(format!("`{name}` has {}", parts.join(", ")));
        }
    }

    fn all(self) -> Vec<String> {
        let few = |texts: Vec<String>| olmix_io::first_few(texts, NAMED);
        let mut all = Vec::new();
        for (notes, what) in [
            (
                self.merged,
                "runs that were recorded in several parts are merged, later values over earlier ones: ",
            ),
            (self.replaced, "runs that were recorded several times: "),
            (self.shorter, ""),
            (self.unfinished, ""),
        ] {
            if !notes.is_empty() {
                all.push(format!("{what}{}", few(notes)));
            }
        }
        all
    }
}
