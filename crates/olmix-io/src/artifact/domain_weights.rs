//! Weights of domains, out of any file that holds some: mixtures, priors, configs, runs.

use std::path::Path;

use serde::Serialize;

use crate::artifact::mixture_file::MixtureFile;
use crate::config::generation::mix;
use crate::config::yaml::{Document, Value};
use crate::error::{IoError, Location};
use crate::input::InputFile;
use crate::messages::{excerpt, listed};
use crate::swarm::tables::csv_table::Table;
use crate::swarm::tables::table_reader::TableReader;

/// Weights of domains, as a file has them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainWeights {
    /// What the file is: `mixture`, `weights`, `priors`, `run`, or `mix of a launch config`.
    pub kind: &'static str,
    /// Domains and their weights, which sum to 1, in the order of the file.
    #[serde(rename = "shares")]
    pub weights: Vec<(String, f64)>,
    /// Tokens of each domain, where the file has them for every domain.
    pub tokens: Option<Vec<u64>>,
    /// Tokens of the run that a mixture was made for.
    pub target_tokens: Option<f64>,
    /// How often that run may see a token.
    pub repetition_factor: Option<f64>,
}

/// Files that can be read, for messages.
const KNOWN: &str = "give a mixture.json, a list or mapping of domains and weights (JSON, YAML or CSV), a \
                     config with `priors` or `mix`, or a run of a ratios.csv as ratios.csv#RUN";

impl DomainWeights {
    /// Reads the weights in a file: a `mixture.json`, a list or mapping of domains and weights (JSON, YAML,
    /// CSV), a config with `priors` or `mix`, or one run of a ratios file, which is named behind a `#`.
    /// Weights are divided by their sum.
    ///
    /// # Errors
    /// [`IoError::Read`] when the file can't be read; [`IoError::Input`] when it holds no weights, or
    /// weights that are negative or sum to 0.
    pub fn read(path: &Path) -> Result<Self, IoError> {
        let text = path.to_string_lossy();
        let (file, run) = match text.rsplit_once('#') {
            Some((file, run)) if !path.exists() => (Path::new(file), Some(run)),
            _ => (path, None),
        };
        let is_csv = file
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        let found = if is_csv || run.is_some() {
            csv(file, run)?
        } else {
            let input = InputFile::read(file, None)?;
            let text = input.text()?;
            if text.contains(&format!("\"{}\"", crate::artifact::mixture_file::FORMAT)) {
                mixture(&input.name, text)?
            } else {
                document(&input.name, text)?
            }
        };
        found.normalized(&file.display().to_string())
    }

    fn normalized(mut self, file: &str) -> Result<Self, IoError> {
        let sum: f64 = self.weights.iter().map(|(_, share)| share).sum();
        let bad = self
            .weights
            .iter()
            .find(|(_, share)| !(*share >= 0.0 && share.is_finite()));
        let message = match bad {
            Some((name, share)) => format!("the share of `{}` is {share}", excerpt(name)),
            None if sum > 0.0 && sum.is_finite() => {
                self.weights.iter_mut().for_each(|(_, share)| *share /= sum);
                return Ok(self);
            }
            None => "no domain has a share".to_owned(),
        };
        let help = "shares are numbers that are not negative, some of them above 0";
        Err(IoError::input(file, Location::File, message, help))
    }
}

fn mixture(file: &str, text: &str) -> Result<DomainWeights, IoError> {
    let read = MixtureFile::parse(file, text)?;
    let expanded = read.expanded.iter();
    let expanded: Vec<(String, f64)> = expanded
        .map(|entry| (entry.domain.clone(), entry.share))
        .collect();
    let shares = read
        .domains
        .iter()
        .map(|domain| Some((domain.name.clone(), domain.weight?)));
    let shares: Option<Vec<(String, f64)>> = if expanded.is_empty() {
        shares.collect()
    } else {
        Some(expanded)
    };
    Ok(DomainWeights {
        kind: "mixture",
        weights: shares.ok_or_else(|| {
            IoError::input(
                file,
                Location::Field("domains".into()),
                "the fit proposed no mixture",
                "fit without `fit_only` and `n_test`",
            )
        })?,
        // Tokens of what a virtual domain stands for are not in the file.
        tokens: if read.expanded.is_empty() {
            read.domains.iter().map(|domain| domain.tokens).collect()
        } else {
            None
        },
        target_tokens: read.target_tokens,
        repetition_factor: read.repetition_factor,
    })
}

/// YAML, and JSON, which is YAML too.
fn document(file: &str, text: &str) -> Result<DomainWeights, IoError> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    if let Ok(items) = root.items() {
        return list(&items);
    }
    let entries = root.entries().map_err(|_| {
        IoError::input(
            file,
            Location::File,
            "this file holds no shares of domains",
            KNOWN,
        )
    })?;
    let get = |key: &str| entry(&entries, key);
    if let Some(mix) = get("mix") {
        let leaves = mix::leaves(mix, &|weight| weight.number())?;
        let shares = leaves.into_iter().map(|leaf| (leaf.name, leaf.weight));
        return Ok(plain("mix of a launch config", shares.collect()));
    }
    if let Some(priors) = get("priors") {
        return priors_of(&priors.entries()?, priors);
    }
    if get("relative_sizes").or(get("token_counts")).is_some() {
        return priors_of(&entries, &root);
    }
    let numbers = entries
        .iter()
        .map(|(name, value)| Ok(((*name).to_owned(), value.number()?)));
    let numbers: Result<Vec<(String, f64)>, IoError> = numbers.collect();
    numbers.map(|shares| plain("weights", shares)).map_err(|_| {
        let keys = entries.iter().map(|(name, _)| *name);
        let message = format!(
            "this file holds no shares of domains, but {}",
            listed(keys, 5)
        );
        IoError::input(file, Location::File, message, KNOWN)
    })
}

fn plain(kind: &'static str, weights: Vec<(String, f64)>) -> DomainWeights {
    DomainWeights {
        kind,
        weights,
        tokens: None,
        target_tokens: None,
        repetition_factor: None,
    }
}

/// The reference's `[{domain, weight}, …]`.
fn list(items: &[Value<'_>]) -> Result<DomainWeights, IoError> {
    let entry = |item: &Value<'_>| {
        let mut section = item.section()?;
        let (domain, weight) = (section.required("domain")?, section.required("weight")?);
        Ok((domain.text()?.to_owned(), weight.number()?))
    };
    let shares: Result<Vec<(String, f64)>, IoError> = items.iter().map(entry).collect();
    Ok(plain("mixture", shares?))
}

/// The value of a key.
fn entry<'e, 'd>(entries: &'e [(&str, Value<'d>)], key: &str) -> Option<&'e Value<'d>> {
    let found = entries.iter().find(|(name, _)| *name == key);
    found.map(|(_, value)| value)
}

fn priors_of(entries: &[(&str, Value<'_>)], at: &Value<'_>) -> Result<DomainWeights, IoError> {
    let get = |key: &str| entry(entries, key);
    let sizes = get("relative_sizes")
        .or(get("token_counts"))
        .ok_or_else(|| {
            at.error(
                "`priors` has neither `relative_sizes` nor `token_counts`",
                KNOWN,
            )
        })?;
    let shares: Result<Vec<(String, f64)>, IoError> = sizes
        .entries()?
        .into_iter()
        .map(|(name, value)| Ok((name.to_owned(), value.number()?)))
        .collect();
    let shares = shares?;
    let counts = get("token_counts").map(Value::entries).transpose()?;
    let tokens = counts.and_then(|counts| {
        let count = |(name, _): &(String, f64)| {
            let found = counts.iter().find(|(other, _)| other == name);
            found.and_then(|(_, value)| value.whole().ok())
        };
        shares.iter().map(count).collect()
    });
    Ok(DomainWeights {
        kind: "priors",
        weights: shares,
        tokens,
        target_tokens: None,
        repetition_factor: None,
    })
}

fn csv(path: &Path, run: Option<&str>) -> Result<DomainWeights, IoError> {
    let input = InputFile::read(path, None)?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(input.text()?.as_bytes());
    let bad = |line: u64, message: String| {
        IoError::input(&input.name, Location::Line(line), message, KNOWN)
    };
    let header = reader
        .headers()
        .map_err(|error| bad(1, error.to_string()))?
        .clone();
    let column = |name: &str| header.iter().position(|cell| cell == name);
    if let (Some(domain), Some(weight), None) = (column("domain"), column("weight"), run) {
        let mut shares = Vec::new();
        for record in reader.records() {
            let line = shares.len() as u64 + 2;
            let record = record.map_err(|error| bad(line, error.to_string()))?;
            let number: Option<f64> = record.get(weight).and_then(|cell| cell.parse().ok());
            let number = number.ok_or_else(|| bad(line, "the weight is no number".to_owned()))?;
            shares.push((record.get(domain).unwrap_or_default().to_owned(), number));
        }
        return Ok(plain("mixture", shares));
    }
    let table = Table::read(path, "ratios")?;
    let row = match run {
        Some(run) => (0..table.len()).find(|&row| table.id(row) == run),
        None => (table.len() == 1).then_some(0),
    };
    let row = row.ok_or_else(|| {
        let ids = listed((0..table.len()).map(|row| table.id(row)), 5);
        let message = match run {
            Some(run) => format!("there is no run `{}`, but {ids}", excerpt(run)),
            None => format!("there are {} runs: {ids}", table.len()),
        };
        let help = format!("name a run: {}#{}", path.display(), table.id(0));
        IoError::input(&input.name, Location::File, message, help)
    })?;
    let columns: Vec<usize> = (0..table.columns().len()).collect();
    let weights = TableReader::default().mixtures(&table, &[row], &columns)?;
    let weights = weights.into_iter().flatten().next().ok_or_else(|| {
        let message = format!(
            "run `{}` has a ratio that is not a number",
            excerpt(table.id(row))
        );
        bad(table.line(row), message)
    })?;
    Ok(plain(
        "run",
        table.columns().iter().cloned().zip(weights).collect(),
    ))
}
