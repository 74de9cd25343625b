//! `phases`: a run whose mixture changes on the way.

use std::collections::HashSet;

use super::mix_of;
use crate::config::generation::MixLeaf;
use crate::config::yaml::Value;
use crate::error::IoError;
use crate::messages::excerpt;

/// A phase of a run: a part of its tokens with a mixture of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseConfig {
    /// Its name, unique in the run.
    pub name: String,
    /// Its share of the run's tokens, above 0; those of all phases sum to 1.
    pub fraction: f64,
    /// Its mixture, leaves with a weight above 0; weights sum to 1.
    pub mix: Vec<MixLeaf>,
}

/// How far the fractions may be from 1 in all.
const FRACTION_TOLERANCE: f64 = 1e-6;

/// Reads the phases, in the order in which they are trained.
pub(super) fn read(value: &Value<'_>) -> Result<Vec<PhaseConfig>, IoError> {
    let mut phases = Vec::new();
    let mut names = HashSet::new();
    for item in value.items()? {
        let mut section = item.section()?;
        let name = section.required("name")?;
        let fraction = section.required("fraction")?;
        let mix = section.required("mix")?;
        section.finish()?;
        let text = name.name()?;
        if text.is_empty() || !names.insert(text) {
            let what = if text.is_empty() {
                "a phase has an empty name".to_owned()
            } else {
                format!("two phases have the name `{}`", excerpt(text))
            };
            return Err(name.error(what, "give every phase a name of its own"));
        }
        let share = fraction.number_that("a share up to 1", |share| share <= 1.0)?;
        if share <= 0.0 {
            return Err(fraction.error(
                format!(
                    "the phase `{}` has the fraction {share} of the run's tokens: 0 steps",
                    excerpt(text)
                ),
                "give it a share above 0, or remove the phase",
            ));
        }
        phases.push(PhaseConfig {
            name: text.to_owned(),
            fraction: share,
            mix: mix_of(&mix)?,
        });
    }
    if phases.is_empty() {
        return Err(value.error(
            "`phases` has no phase",
            "give a list of them, each with name, fraction and mix",
        ));
    }
    let sum: f64 = phases.iter().map(|phase| phase.fraction).sum();
    if (sum - 1.0).abs() > FRACTION_TOLERANCE {
        return Err(value.error(
            format!("the fractions of `phases` sum to {sum}, not to 1"),
            "correct them: each is the phase's share of the run's tokens",
        ));
    }
    phases.iter_mut().for_each(|phase| phase.fraction /= sum);
    Ok(phases)
}

/// The mixture of a whole run: the leaves of all phases, in the order in which they first occur, and their
/// shares of the run's tokens. A leaf has one repetition factor, whichever phases name it.
pub(super) fn overall(value: &Value<'_>, phases: &[PhaseConfig]) -> Result<Vec<MixLeaf>, IoError> {
    let mut all: Vec<MixLeaf> = Vec::new();
    for phase in phases {
        for leaf in &phase.mix {
            let share = phase.fraction * leaf.weight;
            let Some(known) = all.iter_mut().find(|known| known.name == leaf.name) else {
                all.push(MixLeaf {
                    weight: share,
                    ..leaf.clone()
                });
                continue;
            };
            known.weight += share;
            match (known.repetition_factor, leaf.repetition_factor) {
                #[allow(clippy::float_cmp)] // the same number as it is written
                (Some(one), Some(other)) if one != other => {
                    return Err(value.error(
                        format!(
                            "`{}` has repetition_factor {one} in one phase and {other} in `{}`",
                            leaf.name, phase.name
                        ),
                        "give it one: it limits how often the whole run sees each token of the leaf",
                    ));
                }
                (None, factor) => known.repetition_factor = factor,
                _ => {}
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::launch::LaunchConfig;

    const HEAD: &str = "name: x\ntraining: {proxy_model_id: olmo3_30m}\n\
                        data: {dtype: uint16, sources: [{name: a, paths: [a.bin]}]}\n";

    fn parse(text: &str) -> Result<LaunchConfig, IoError> {
        LaunchConfig::parse("launch.yaml", &format!("{HEAD}{text}"), Path::new(""))
    }

    #[test]
    fn phases_have_their_mixtures_and_the_run_the_mean_of_them_by_their_tokens() {
        let config = parse(
            "phases:\n  - {name: pretraining, fraction: 0.75, mix: {web: {weight: 0.8, repetition_factor: 2}, \
             code: 0.2}}\n  - {name: cooldown, fraction: 0.25, mix: {math: 0.5, code: 0.5}}\n",
        )
        .unwrap();
        let leaf = |name: &str, weight, repetition_factor| MixLeaf {
            name: name.into(),
            weight,
            repetition_factor,
        };
        assert_eq!(config.phases[1].name, "cooldown");
        assert_eq!(
            config.phases[1].mix,
            [leaf("math", 0.5, None), leaf("code", 0.5, None)]
        );
        let weights: Vec<(&str, f64)> = config
            .mix
            .iter()
            .map(|leaf| (leaf.name.as_str(), leaf.weight))
            .collect();
        for ((name, weight), wanted) in weights.iter().zip([
            ("web", 0.6),
            ("code", 0.75 * 0.2 + 0.25 * 0.5),
            ("math", 0.125),
        ]) {
            assert_eq!(*name, wanted.0);
            assert!((weight - wanted.1).abs() < 1e-12, "{weights:?}");
        }
        assert_eq!(config.mix[0].repetition_factor, Some(2.0));
    }

    #[test]
    fn phases_that_can_not_be_meant_are_refused_with_their_place_and_numbers() {
        let phase = |name: &str, fraction: &str, mix: &str| {
            format!("  - {{name: {name}, fraction: {fraction}, mix: {{{mix}}}}}\n")
        };
        let two = |first: &str, second: &str| {
            format!(
                "phases:\n{}{}",
                phase("p", first, "a: 1"),
                phase("q", second, "a: 1")
            )
        };
        for (text, expected) in [
            (
                two("0.8", "0.3"),
                "the fractions of `phases` sum to 1.1, not to 1",
            ),
            (
                two("1", "0"),
                "the phase `q` has the fraction 0 of the run's tokens: 0 steps",
            ),
            (two("1.2", "-0.2"), "must be a share up to 1"),
            (
                two("0.8", "0.2").replace('q', "p"),
                "two phases have the name `p`",
            ),
            (
                two("0.8", "0.2").replace("a: 1", "a: 0.7"),
                "the weights of `phases[0].mix` sum to 0.7000",
            ),
            (
                format!(
                    "phases:\n{}{}",
                    phase("p", "0.5", "a: {weight: 1, repetition_factor: 2}"),
                    phase("q", "0.5", "a: {weight: 1, repetition_factor: 3}")
                ),
                "`a` has repetition_factor 2 in one phase and 3 in `q`",
            ),
            (
                two("0.8", "0.2") + "mix: {a: 1}\n",
                "`mix` and `phases` are both there",
            ),
            (String::new(), "`mix` is required and missing"),
            ("phases: []\n".to_owned(), "`phases` has no phase"),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(error.starts_with("launch.yaml"), "{error}");
            assert_eq!(error.matches("help: ").count(), 1, "{error}");
        }
    }
}
