//! A mixture with what a trainer needs to know of each domain.

use super::origin::Origin;
use super::round::UNITS;

/// A path of a domain, as the trainer takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct BlendPath {
    /// A file, a folder, a prefix or a glob, as the trainer takes them.
    pub path: String,
    /// Its share, in billionths; 0 where the trainer takes the paths of a domain together.
    pub billionths: u64,
    /// Tokens that it holds, where they are known.
    pub tokens: Option<f64>,
}

impl BlendPath {
    /// The share as it is written: nine decimals.
    #[must_use]
    pub fn weight(&self) -> String {
        weight(self.billionths)
    }
}

/// A domain of a blend.
#[derive(Debug, Clone, PartialEq)]
pub struct BlendDomain {
    /// The domain, as the mixture names it.
    pub name: String,
    /// Its share, a whole number of billionths above 0.
    pub billionths: u64,
    /// Tokens a run takes from it, a whole number.
    pub tokens: Option<f64>,
    /// Tokens it holds, where they are known.
    pub available: Option<f64>,
    /// How often a run sees each of its tokens.
    pub epochs: Option<f64>,
    /// Where its data is; its name, where nothing says; none in formats that name no files.
    pub paths: Vec<BlendPath>,
}

impl BlendDomain {
    /// The share as it is written: nine decimals, those of all domains sum to 1.
    #[must_use]
    pub fn weight(&self) -> String {
        weight(self.billionths)
    }

    /// The share, above 0 and up to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.billionths as f64 / UNITS as f64
    }
}

fn weight(billionths: u64) -> String {
    let (whole, rest) = (billionths / UNITS, billionths % UNITS);
    format!("{whole}.{rest:09}")
}

/// The run that a mixture is exported for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Run {
    /// Tokens of the run.
    pub target_tokens: Option<f64>,
    /// How often it may see a token.
    pub repetition_factor: Option<f64>,
    /// Tokens of a sequence.
    pub sequence_length: Option<u64>,
    /// Tokens of a global batch, of which the run must be whole ones.
    pub batch_tokens: Option<u64>,
}

impl Run {
    /// Batches of the run, where its tokens and those of a batch are known.
    #[must_use]
    pub fn batches(&self) -> Option<f64> {
        let (tokens, batch) = self.target_tokens.zip(self.batch_tokens)?;
        Some(tokens / batch as f64)
    }
}

/// A mixture, rounded; domains without weight are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Blend {
    /// The domains, in the order of the mixture.
    pub domains: Vec<BlendDomain>,
    /// The run.
    pub run: Run,
    /// Where the mixture comes from.
    pub origin: Option<Origin>,
    /// Bytes of a token in flat files without a header, as numpy calls them: `uint16`.
    pub dtype: &'static str,
}

impl Blend {
    /// Sequences of the run, rounded down, where tokens and length are known.
    #[must_use]
    pub fn sequences(&self) -> Option<u64> {
        let (tokens, length) = self.run.target_tokens.zip(self.run.sequence_length)?;
        Some((tokens / length as f64).floor() as u64)
    }

    /// Every path, with its domain.
    pub fn paths(&self) -> impl Iterator<Item = (&BlendDomain, &BlendPath)> {
        let of = |domain| move |path| (domain, path);
        self.domains
            .iter()
            .flat_map(move |domain: &BlendDomain| domain.paths.iter().map(of(domain)))
    }
}
