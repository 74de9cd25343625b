//! `swarm`: how the mixtures of a swarm are drawn.

use olmix_core::generate::{Design, Level};

use crate::config::fit::{Named, named, names, read_virtuals};
use crate::config::yaml::{Section, Value};

use super::sources::word;
use crate::error::{IoError, Location};

/// Strengths and a minimum that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    /// Few parts at a time: strengths 0.1 to 5, shares below 0.02 are zero.
    Sparse,
    /// Most parts, near the prior: strengths 1 to 20, shares below 0.0001 are zero.
    Dense,
}

/// The section `swarm`.
#[derive(Debug, Clone, PartialEq)]
pub struct SwarmConfig {
    /// Seed of all draws.
    pub seed: u64,
    /// Mixtures asked for; `None` leaves it to the number of domains.
    pub variants: Option<usize>,
    /// Runs of the prior beside them, which show the noise of a run.
    pub replicates: usize,
    /// How they are chosen.
    pub design: Design,
    /// Draws that a `d_optimal` or `v_optimal` design chooses from; `None` leaves it to the number of
    /// variants.
    pub candidates: Option<usize>,
    /// How shares of sources are drawn.
    pub sources: Level,
    /// How shares of topics and of quality buckets are drawn.
    pub topics: Level,
    /// One minimum for all leaves, which become its multiples.
    pub multiples_of: Option<f64>,
    /// Sources, topics or leaves that every mixture must have.
    pub nonzero: Vec<Named<()>>,
    /// Shares of the sources, in place of their sizes.
    pub manual_prior: Vec<Named<f64>>,
    /// Shares of topics within their sources, in place of their sizes, by full name.
    pub manual_topic_prior: Vec<Named<f64>>,
    /// Draws per variant, at most.
    pub sample_multiplier: usize,
    /// Ratios files of mixtures that are not to be drawn again, and that an optimal design goes with, as
    /// written, with their places.
    pub existing_mix_file: Vec<Named<String>>,
    /// Virtual domains, with the shares (not negative, of any scale) of the leaves inside: these are sampled
    /// as one, and keep their ratios in every mixture.
    pub virtual_domains: Vec<Named<Vec<Named<f64>>>>,
    /// How often a token may be seen.
    pub repetition_factor: f64,
    /// Whether that is kept to.
    pub enable_bound: bool,
    /// Tokens of the run that the swarm is made for, and how often it may see a token.
    pub target: Option<(f64, f64)>,
    /// How far the phases of a run go from its amounts; 1 where not given.
    pub phase_strength: Option<f64>,
    /// Share of the runs with the same mixture in every phase; a tenth where not given.
    pub tied: Option<f64>,
    /// Where the section stands.
    pub location: Location,
}

const MOST_VARIANTS: usize = 1_000_000;
/// The most runs of the prior.
const MOST_REPLICATES: usize = 1000;

impl SwarmConfig {
    pub(crate) fn read(mut section: Section<'_>) -> Result<Self, IoError> {
        let common = Settings::read(
            &mut section,
            [
                "min_strength",
                "max_strength",
                "mix_temperature",
                "minimum_weight",
                "preset",
            ],
        )?;
        let sources = Settings::read(
            &mut section,
            [
                "min_source_strength",
                "max_source_strength",
                "source_mix_temperature",
                "minimum_source_weight",
                "source_preset",
            ],
        )?;
        let topics = Settings::read(
            &mut section,
            [
                "min_topic_strength",
                "max_topic_strength",
                "topic_mix_temperature",
                "minimum_topic_weight",
                "topic_preset",
            ],
        )?;
        let by_level = [common.spread, sources.spread, topics.spread]
            .iter()
            .any(Option::is_some)
            || sources.minimum.is_some()
            || topics.minimum.is_some();
        let unit = common.minimum.unwrap_or(MINIMUM);
        let tokens = above_zero(&mut section, "target_tokens", "a number of tokens above 0")?;
        let repetition = above_zero(&mut section, "target_repetition_factor", "a number above 0")?;
        let config = Self {
            target: tokens.map(|tokens| (tokens, repetition.unwrap_or(4.0))),
            seed: whole(&mut section, "seed", 42)?,
            variants: section
                .optional("variants")
                .map(|v| positive(&v, MOST_VARIANTS))
                .transpose()?,
            replicates: section
                .optional("replicates")
                .map_or(Ok(0), |v| v.count(MOST_REPLICATES))?,
            design: section
                .optional("design")
                .map_or(Ok(Design::Random), |v| v.choice(&Design::ALL))?,
            candidates: section
                .optional("candidates")
                .map(|v| positive(&v, MOST_VARIANTS))
                .transpose()?,
            sources: sources.level(&common, &section, "source")?,
            topics: topics.level(&common, &section, "topic")?,
            multiples_of: (!by_level && unit > 0.0).then_some(unit),
            nonzero: list(&mut section, "nonzero_weight")?,
            manual_prior: shares(&mut section, "manual_prior")?,
            manual_topic_prior: shares(&mut section, "manual_topic_prior")?,
            sample_multiplier: section
                .optional("sample_multiplier")
                .map_or(Ok(10), |v| positive(&v, 1_000_000))?,
            existing_mix_file: section
                .optional("existing_mix_file")
                .map_or(Ok(Vec::new()), |v| word_or_words(&v))?,
            virtual_domains: section
                .optional("virtual_domains")
                .map_or(Ok(Vec::new()), |v| read_virtuals(&v))?,
            repetition_factor: above_zero(&mut section, "repetition_factor", "a number above 0")?
                .unwrap_or(1.0),
            enable_bound: section
                .optional("enable_bound")
                .map_or(Ok(true), |v| v.boolean())?,
            phase_strength: above_zero(&mut section, "phase_strength", "a number above 0")?,
            tied: section
                .optional("tied")
                .map(|v| {
                    v.number_that("a share from 0 to a third", |share| {
                        (0.0..=0.3334).contains(&share)
                    })
                })
                .transpose()?,
            location: section.location(),
        };
        section.finish()?;
        Ok(config)
    }
}

const MINIMUM: f64 = 0.002;
const STRENGTHS: (f64, f64) = (0.1, 5.0);

/// What may be said of both levels, or of one.
struct Settings {
    least: Option<f64>,
    most: Option<f64>,
    temperature: Option<f64>,
    minimum: Option<f64>,
    spread: Option<Spread>,
}

impl Settings {
    /// Least and greatest strength, temperature, minimum and preset, under these keys.
    fn read(section: &mut Section<'_>, keys: [&'static str; 5]) -> Result<Self, IoError> {
        let [least, most, temperature, minimum, spread] = keys;
        let words = [("sparse", Spread::Sparse), ("dense", Spread::Dense)];
        let temperature = section.optional(temperature);
        let minimum = section.optional(minimum);
        let spread = section.optional(spread);
        Ok(Self {
            least: above_zero(section, least, "a number above 0")?,
            most: above_zero(section, most, "a number above 0")?,
            temperature: temperature
                .map(|v| v.number_that("a number that is not negative", |t| t >= 0.0))
                .transpose()?,
            minimum: minimum
                .map(|v| v.number_that("a share from 0 to below 1", |w| (0.0..1.0).contains(&w)))
                .transpose()?,
            spread: spread.map(|v| v.choice(&words)).transpose()?,
        })
    }

    /// A level's own settings, else those of its preset, else those of both levels, else the
    /// defaults.
    fn level(&self, common: &Self, section: &Section<'_>, what: &str) -> Result<Level, IoError> {
        let (strength, minimum) = match self.spread.or(common.spread) {
            Some(Spread::Sparse) => (STRENGTHS, 0.02),
            Some(Spread::Dense) => ((1.0, 20.0), 1e-4),
            None => (STRENGTHS, MINIMUM),
        };
        // A level's own preset is nearer than what is said of both.
        let both = |value: Option<f64>| value.filter(|_| self.spread.is_none());
        let strength = (
            self.least.or(both(common.least)).unwrap_or(strength.0),
            self.most.or(both(common.most)).unwrap_or(strength.1),
        );
        if strength.0 > strength.1 {
            return Err(section.error(
                format!(
                    "the {what} strengths go from {} to {}",
                    strength.0, strength.1
                ),
                "write the smaller one as the minimum, or both alike for a single strength",
            ));
        }
        Ok(Level {
            strength,
            temperature: self.temperature.or(common.temperature).unwrap_or(1.0),
            minimum: self.minimum.or(both(common.minimum)).unwrap_or(minimum),
        })
    }
}

fn above_zero(
    section: &mut Section<'_>,
    key: &'static str,
    what: &str,
) -> Result<Option<f64>, IoError> {
    let value = section.optional(key);
    value.map(|v| v.number_that(what, |x| x > 0.0)).transpose()
}

fn whole(section: &mut Section<'_>, key: &'static str, default: u64) -> Result<u64, IoError> {
    section.optional(key).map_or(Ok(default), |v| v.whole())
}

fn positive(value: &Value<'_>, most: usize) -> Result<usize, IoError> {
    match value.count(most) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(value.must_be(&format!("a whole number from 1 to {most}"))),
    }
}

/// A text, or a list of them.
fn word_or_words(value: &Value<'_>) -> Result<Vec<Named<String>>, IoError> {
    match value.items() {
        Ok(items) => items.iter().map(word).collect(),
        Err(_) => Ok(vec![word(value)?]),
    }
}

fn list(section: &mut Section<'_>, key: &'static str) -> Result<Vec<Named<()>>, IoError> {
    section.optional(key).map_or(Ok(Vec::new()), |v| names(&v))
}

fn shares(section: &mut Section<'_>, key: &'static str) -> Result<Vec<Named<f64>>, IoError> {
    let share = |value: &Value<'_>| value.number_that("a number above 0", |size| size > 0.0);
    section
        .optional(key)
        .map_or(Ok(Vec::new()), |v| named(&v, share))
}
