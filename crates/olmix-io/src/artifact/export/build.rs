//! From a mixture, a run and a data section to a blend.

use std::collections::BTreeMap;

use super::blend::{Blend, BlendDomain, BlendPath, Run};
use super::data::{Amount, Asked, DomainFiles};
use super::drawn;
use super::origin::Origin;
use super::round::{UNITS, apportion};
use super::{Format, text};
use crate::artifact::domain_weights::DomainWeights;
use crate::config::generation::{Content, DataConfig, Source};
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed};

/// What a blend is made of.
#[derive(Debug, Clone, Default)]
pub struct Inputs<'a> {
    /// The mixture's file, for messages.
    pub file: &'a str,
    /// Where the mixture comes from.
    pub origin: Option<Origin>,
    /// The run that it is for.
    pub run: Run,
    /// Where the data is.
    pub data: Option<&'a DataConfig>,
    /// Tokens of domains, where a config counts them.
    pub token_counts: BTreeMap<&'a str, u64>,
    /// The files of its domains, where they were listed.
    pub files: Option<&'a [DomainFiles]>,
}

impl Blend {
    /// Puts together a mixture, the run it is for, and the data, for a format.
    ///
    /// ```
    /// use olmix_io::DomainWeights;
    /// use olmix_io::export::{Blend, Format, Inputs, Run};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    ///
    /// let path = folder.path().join("mixture.yaml");
    /// std::fs::write(&path, "{web: 0.75, code: 0.25}")?;
    /// let mixture = DomainWeights::read(&path)?;
    /// let run = Run { target_tokens: Some(1e9), ..Run::default() };
    /// let csv = Format::named("csv").ok_or("no format is called csv")?;
    /// let inputs = Inputs { file: "mixture.yaml", run, ..Inputs::default() };
    /// let blend = Blend::new(csv, &mixture, &inputs)?;
    /// let expected = "domain,weight,tokens,epochs\nweb,0.750000000,750000000,\ncode,0.250000000,250000000,\n";
    /// assert_eq!(csv.text(&blend)?, expected);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Tokens of domains come from the mixture's file, else from the priors of the config, else from its files.
    /// The cap is checked where run, repetition factor and tokens are known: by the mixture, and by what the
    /// trainer draws of it.
    ///
    /// # Errors
    /// [`IoError::Input`] when a domain has no data in the config, when the trainer can't read its data or needs
    /// what is not known, when the run is not whole batches (where these are given), when a domain would be seen more often than the repetition factor allows, and when
    /// the trainer would draw nothing of one.
    pub fn new(
        format: &Format,
        mixture: &DomainWeights,
        inputs: &Inputs<'_>,
    ) -> Result<Self, IoError> {
        let shares: Vec<f64> = mixture.weights.iter().map(|(_, share)| *share).collect();
        let billionths = apportion(&shares, UNITS);
        if let Some(data) = inputs.data.filter(|_| format.names_files()) {
            refuse_shared(data)?;
        }
        let leaves = inputs.data.map(DataConfig::leaves).unwrap_or_default();
        let leaves: BTreeMap<&str, &Source> = leaves
            .iter()
            .map(|(name, source)| (name.as_str(), *source))
            .collect();
        let mut domains = Vec::new();
        for (i, (name, share)) in mixture.weights.iter().enumerate() {
            if billionths[i] == 0 {
                continue;
            }
            text::refuse_control(inputs.file, name)?;
            let asked = Domain {
                name,
                share: *share,
                billionths: billionths[i],
                counted: mixture.tokens.as_ref().map(|tokens| tokens[i]),
            };
            domains.push(asked.built(format, inputs, &leaves)?);
        }
        let blend = Self {
            domains,
            run: inputs.run,
            origin: inputs.origin.clone(),
            dtype: inputs.data.map_or("uint16", |data| data.dtype.name()),
        };
        whole_batches(&blend.run, inputs.file)?;
        within(&blend, inputs.file)?;
        format.require(&blend, inputs.file)?;
        drawn::check(format, &blend, inputs.file)?;
        Ok(blend)
    }
}

/// Refuses a run that ends within a batch, and a batch that ends within a sequence. OLMo-core's source mixture
/// fills the last batch up with the same amount of every file, whatever its weight; loaders drop a part of one.
pub(super) fn whole_batches(run: &Run, file: &str) -> Result<(), IoError> {
    let Some(batch) = run.batch_tokens else {
        return Ok(());
    };
    let refuse =
        |message: String, help: String| Err(IoError::input(file, Location::File, message, help));
    if let Some(length) = run
        .sequence_length
        .filter(|&length| batch % length.max(1) != 0)
    {
        return refuse(
            format!("a batch of {batch} tokens is not a whole number of sequences of {length}"),
            "give the tokens of a global batch: sequences of a step times the tokens of one".into(),
        );
    }
    let Some((tokens, batches)) = run.target_tokens.zip(run.batches()) else {
        return refuse(
            "--batch-tokens says how the tokens of a run are divided, and those are not known"
                .into(),
            "give --target-tokens, such as --target-tokens 100B".into(),
        );
    };
    if batches >= 1.0 && (batches - batches.round()).abs() < 1e-9 * batches {
        return Ok(());
    }
    let near = |count: f64| count.max(1.0) * batch as f64;
    refuse(
        format!(
            "a run of {tokens} tokens is {batches:.3} batches of {batch} tokens, not whole ones"
        ),
        format!(
            "use --target-tokens {:.0} or {:.0}",
            near(batches.floor()),
            near(batches.ceil().max(2.0))
        ),
    )
}

/// A domain of a mixture.
struct Domain<'a> {
    name: &'a str,
    share: f64,
    billionths: u64,
    /// Its tokens, as the mixture's file knows them.
    counted: Option<u64>,
}

impl Domain<'_> {
    fn built(
        &self,
        format: &Format,
        inputs: &Inputs<'_>,
        leaves: &BTreeMap<&str, &Source>,
    ) -> Result<BlendDomain, IoError> {
        let leaf = leaves.get(self.name).copied();
        if let (None, Some(data)) = (leaf, inputs.data) {
            return Err(self.no_leaf(data, leaves));
        }
        let files = inputs
            .files
            .and_then(|all| all.iter().find(|one| one.name == self.name));
        let prior = inputs.token_counts.get(self.name).copied();
        let held = || {
            let sample = leaf.and_then(|leaf| leaf.sample).unwrap_or(1.0);
            let files = files?.files.as_ref().ok()?.iter();
            let length = inputs.run.sequence_length;
            let tokens = files.map(|file| match file.amount {
                Amount::Tokens(n) => Some(n),
                Amount::Samples(n) => Some(n * length? as f64),
                Amount::Text(_) => None,
            });
            Some(tokens.sum::<Option<f64>>()? / sample)
        };
        let available = self.counted.or(prior).map(|n| n as f64).or_else(held);
        let tokens = inputs
            .run
            .target_tokens
            .map(|target| (self.share * target).round());
        let written = match leaf.map(|leaf| &leaf.content) {
            Some(Content::Paths(paths)) => paths.clone(),
            Some(Content::Parts(_)) => Vec::new(),
            None => vec![self.name.to_owned()],
        };
        let paths = match (format.reads, leaf) {
            (None, _) => Vec::new(),
            // A name stands for a path.
            (Some(_), None) => vec![BlendPath {
                path: self.name.to_owned(),
                billionths: self.billionths,
                tokens: available,
            }],
            (Some(reads), Some(_)) => reads.paths(&Asked {
                config: inputs.data.map_or("", |data| &data.file),
                domain: self.name,
                written: &written,
                files: files.map(|files| &files.files),
                billionths: self.billionths,
                trainer: format.name(),
            })?,
        };
        for path in &paths {
            text::refuse_control(inputs.data.map_or("", |data| &data.file), &path.path)?;
        }
        Ok(BlendDomain {
            name: self.name.to_owned(),
            billionths: self.billionths,
            tokens,
            available,
            // Of the tokens as they are rounded.
            epochs: tokens.zip(available).map(|(tokens, n)| tokens / n),
            paths,
        })
    }

    fn no_leaf(&self, data: &DataConfig, leaves: &BTreeMap<&str, &Source>) -> IoError {
        let names = || leaves.keys().copied();
        IoError::input(
            &data.file,
            Location::Field("data.sources".into()),
            format!("there is no leaf for the domain `{}`", excerpt(self.name)),
            did_you_mean(self.name, names(), || {
                format!("the leaves are {}", listed(names(), 8))
            }),
        )
    }
}

/// Refuses a path that two domains list: the trainer would draw it for both.
fn refuse_shared(data: &DataConfig) -> Result<(), IoError> {
    if data.allow_shared_files {
        return Ok(());
    }
    let leaves = data.leaves();
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, source) in &leaves {
        let Content::Paths(paths) = &source.content else {
            continue;
        };
        for path in paths {
            if let Some(owner) = owners.insert(path, name).filter(|owner| owner != name) {
                return Err(IoError::input(
                    &data.file,
                    source.location.clone(),
                    format!(
                        "`{}` and `{}` both list `{}`",
                        excerpt(owner),
                        excerpt(name),
                        excerpt(path)
                    ),
                    "list each path in one domain, or set data.allow_shared_files: true",
                ));
            }
        }
    }
    Ok(())
}

/// Refuses domains that the mixture itself repeats too often.
fn within(blend: &Blend, file: &str) -> Result<(), IoError> {
    // Mixtures at a cap are there up to rounding.
    const SLACK: f64 = 1e-6;
    let Some(most) = blend.run.repetition_factor else {
        return Ok(());
    };
    let over = blend.domains.iter().filter_map(|domain| {
        let seen = domain.epochs.filter(|seen| *seen > most * (1.0 + SLACK))?;
        Some(format!("`{}` {seen:.2} times", excerpt(&domain.name)))
    });
    let over: Vec<String> = over.collect();
    if over.is_empty() {
        return Ok(());
    }
    Err(IoError::input(
        file,
        Location::File,
        format!(
            "a run of {:e} tokens would see {}, more than the repetition factor {most}",
            blend.run.target_tokens.unwrap_or(0.0),
            over.join(", ")
        ),
        "fit for this run, lower --target-tokens, or raise --repetition-factor",
    ))
}
