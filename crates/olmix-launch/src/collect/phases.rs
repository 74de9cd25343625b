//! Phases of the runs of one table: all have the same, or none has any.

use olmix_io::metrics_meta::PhaseShare;
use olmix_ledger::PhaseMixture;

use super::mixtures::Mixtures;
use super::run::MeasuredRun;
use super::usable::listed;
use crate::LaunchError;

/// How far two fractions may differ and be the same: a plan has whole steps, a config what was asked for.
const ROUNDING: f64 = 1e-6;

/// The phases of a run: those that go with the mixture that counts.
pub(super) fn of_run(run: &MeasuredRun, given: Option<&Mixtures>) -> Vec<PhaseMixture> {
    if run.mixture.is_some() {
        return run.phases.clone();
    }
    let given = given.and_then(|given| given.phases.get(&run.name));
    given.cloned().unwrap_or_default()
}

/// The phases that all runs have; none where no run has any.
///
/// # Errors
/// [`LaunchError::Refused`] for runs with phases beside runs without, and for different phases.
pub(super) fn common<'r>(
    runs: impl Iterator<Item = (&'r str, &'r [PhaseMixture])>,
) -> Result<Vec<PhaseShare>, LaunchError> {
    let (with, without): (Vec<_>, Vec<_>) = runs.partition(|(_, phases)| !phases.is_empty());
    let Some((first, phases)) = with.first() else {
        return Ok(Vec::new());
    };
    if !without.is_empty() {
        return Err(LaunchError::refused(
            format!(
                "some runs have phases and others one mixture: {} have phases, {} have none",
                listed(with.iter().map(|(name, _)| name)),
                listed(without.iter().map(|(name, _)| name))
            ),
            "collect them apart: a table has a row for each phase of a run, or one for each run",
        ));
    }
    let same = |other: &[PhaseMixture]| {
        let pairs = phases.iter().zip(other);
        phases.len() == other.len()
            && pairs
                .into_iter()
                .all(|(a, b)| a.name == b.name && (a.fraction - b.fraction).abs() < ROUNDING)
    };
    if let Some((name, other)) = with.iter().find(|(_, other)| !same(other)) {
        return Err(LaunchError::refused(
            format!(
                "the runs have different phases: {first} has {}, {name} has {}",
                told(phases),
                told(other)
            ),
            "collect runs with the same phases together: the same names, with the same fractions",
        ));
    }
    let share = |phase: &PhaseMixture| PhaseShare {
        name: phase.name.clone(),
        fraction: phase.fraction,
    };
    Ok(phases.iter().map(share).collect())
}

/// Phases in a few words.
fn told(phases: &[PhaseMixture]) -> String {
    let one = |phase: &PhaseMixture| format!("{} ({})", phase.name, phase.fraction);
    listed(phases.iter().map(one))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use super::*;

    fn phases(fractions: [f64; 2]) -> Vec<PhaseMixture> {
        let names = ["pretraining", "cooldown"].into_iter().zip(fractions);
        let phase = |(name, fraction): (&str, f64)| PhaseMixture {
            name: name.to_owned(),
            fraction,
            mixture: vec![("web".to_owned(), 1.0)],
        };
        names.map(phase).collect()
    }

    #[test]
    fn runs_of_one_table_have_the_same_phases_or_none() {
        let (two, other) = (phases([0.8, 0.2]), phases([0.9, 0.1]));
        let shares = common([("a", &two[..]), ("b", &two)].into_iter()).unwrap();
        assert_eq!(shares[1].name, "cooldown");
        assert!(
            common([("a", &[][..]), ("b", &[])].into_iter())
                .unwrap()
                .is_empty()
        );
        let message =
            |runs: [(&str, &[PhaseMixture]); 2]| common(runs.into_iter()).unwrap_err().to_string();
        let mixed = message([("a", &two), ("b", &[])]);
        assert!(mixed.contains("a have phases, b have none"), "{mixed}");
        let differ = message([("a", &two), ("b", &other)]);
        let expected =
            "a has pretraining (0.8), cooldown (0.2), b has pretraining (0.9), cooldown (0.1)";
        assert!(differ.contains(expected), "{differ}");
    }
}
