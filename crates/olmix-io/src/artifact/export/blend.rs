//! A mixture with what a trainer needs to know of each domain.

use olmix_core::epochs;

use super::round::{UNITS, billionths};
use crate::artifact::domain_weights::DomainWeights;
use crate::config::generation::{Content, GenerationConfig};
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed};

/// A domain of a blend.
#[derive(Debug, Clone, PartialEq)]
pub struct BlendDomain {
    /// The domain, as the mixture names it.
    pub name: String,
    /// Its share, a whole number of billionths above 0.
    pub billionths: u64,
    /// Tokens a run takes from it, a whole number.
    pub tokens: Option<f64>,
    /// How often a run sees each of its tokens.
    pub epochs: Option<f64>,
    /// Where its data is; its name, where nothing says.
    pub paths: Vec<String>,
}

impl BlendDomain {
    /// The share as it is written: nine decimals, those of all domains sum to 1.
    #[must_use]
    pub fn weight(&self) -> String {
        let (whole, rest) = (self.billionths / UNITS, self.billionths % UNITS);
        format!("{whole}.{rest:09}")
    }
}

/// A mixture, rounded; domains without weight are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Blend {
    /// The domains, in the order of the mixture.
    pub domains: Vec<BlendDomain>,
    /// Tokens of the run, where they are known.
    pub target_tokens: Option<f64>,
}

impl Blend {
    /// Puts together a mixture, the run it is for, and the places of the data.
    ///
    /// ```
    /// use olmix_io::DomainWeights;
    /// use olmix_io::export::{Blend, Format};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    ///
    /// let path = folder.path().join("mixture.yaml");
    /// std::fs::write(&path, "{web: 0.75, code: 0.25}")?;
    /// let mixture = DomainWeights::read(&path)?;
    /// let blend = Blend::new("mixture.yaml", &mixture, Some(1e9), None, None)?;
    /// let csv = Format::named("csv").map(|format| format.text(&blend)).transpose()?;
    /// let expected = "domain,weight,tokens,epochs\nweb,0.750000000,750000000,\ncode,0.250000000,250000000,\n";
    /// assert_eq!(csv.as_deref(), Some(expected));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Tokens of domains come from the mixture's file, else from the priors of `data`. Caps are
    /// checked where run, repetition factor and tokens are known.
    ///
    /// # Errors
    /// [`IoError::Input`] when a domain has no data in `data`, and when a domain would be seen more
    /// often than `repetition_factor` allows.
    pub fn new(
        file: &str,
        mixture: &DomainWeights,
        target_tokens: Option<f64>,
        repetition_factor: Option<f64>,
        data: Option<&GenerationConfig>,
    ) -> Result<Self, IoError> {
        let weights: Vec<f64> = mixture.weights.iter().map(|(_, share)| *share).collect();
        let rounded = billionths(&weights);
        let leaves = data.map(|config| config.data.leaves()).unwrap_or_default();
        let counts = data.and_then(|data| data.priors.as_ref()?.token_counts.as_ref());
        let mut domains = Vec::new();
        for (i, (name, share)) in mixture.weights.iter().enumerate() {
            if rounded[i] == 0 {
                continue;
            }
            let paths = match leaves.iter().find(|(leaf, _)| leaf == name) {
                Some((_, source)) => match &source.content {
                    Content::Paths(paths) => paths.clone(),
                    Content::Parts(_) => Vec::new(),
                },
                None if leaves.is_empty() => vec![name.clone()],
                None => {
                    let names = || leaves.iter().map(|(leaf, _)| leaf.as_str());
                    return Err(IoError::input(
                        data.map_or("", |data| &data.file),
                        Location::Field("data.sources".into()),
                        format!("there is no leaf for the domain `{}`", excerpt(name)),
                        did_you_mean(name, names(), || {
                            format!("the leaves are {}", listed(names(), 8))
                        }),
                    ));
                }
            };
            let counted = counts.and_then(|counts| counts.iter().find(|n| n.name == *name));
            let available = mixture.tokens.as_ref().map(|tokens| tokens[i]);
            let available = available.or(counted.map(|n| n.value));
            let tokens = target_tokens.map(|target| (share * target).round());
            domains.push(BlendDomain {
                name: name.clone(),
                billionths: rounded[i],
                tokens,
                // Of the tokens as they are rounded.
                epochs: tokens
                    .zip(available)
                    .map(|(tokens, n)| epochs(1.0, tokens, n)),
                paths,
            });
        }
        let blend = Self {
            domains,
            target_tokens,
        };
        match repetition_factor {
            Some(most) => blend.within(file, most),
            None => Ok(blend),
        }
    }

    fn within(self, file: &str, most: f64) -> Result<Self, IoError> {
        // Mixtures at a cap are there up to rounding.
        const SLACK: f64 = 1e-6;
        let over = |d: &&BlendDomain| d.epochs.is_some_and(|seen| seen > most * (1.0 + SLACK));
        let over: Vec<String> = self
            .domains
            .iter()
            .filter(over)
            .map(|d| {
                format!(
                    "`{}` {:.2} times",
                    excerpt(&d.name),
                    d.epochs.unwrap_or(0.0)
                )
            })
            .collect();
        if over.is_empty() {
            return Ok(self);
        }
        Err(IoError::input(
            file,
            Location::File,
            format!(
                "a run of {:e} tokens would see {}, more than the repetition factor {most}",
                self.target_tokens.unwrap_or(0.0),
                over.join(", ")
            ),
            "fit for this run, lower --target-tokens, or raise --repetition-factor",
        ))
    }
}
