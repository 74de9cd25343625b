//! One function per trainer.

use super::{Blend, BlendDomain, Trainer};
use crate::config::yaml::Yaml;
use crate::{IoError, csv_bytes, csv_number};

impl Blend {
    /// The text of the trainer's configuration.
    ///
    /// # Errors
    /// As [`csv_bytes`], for tables.
    pub fn text(&self, trainer: Trainer) -> Result<String, IoError> {
        let yaml = |value: Yaml| Ok(format!("{}{}", self.comment("#"), value.to_file()));
        match trainer {
            Trainer::OlmoCore => yaml(self.olmo_core()),
            Trainer::Megatron => Ok(self.megatron()),
            Trainer::HuggingFace => Ok(self.hugging_face()),
            Trainer::LitGpt => Ok(self.litgpt()),
            Trainer::Streaming => yaml(self.streaming()),
            Trainer::Levanter => yaml(self.levanter()),
            Trainer::Mix => yaml(self.mix()),
            Trainer::Csv => self.csv(),
            Trainer::Json => Ok(self.json()),
            Trainer::Yaml => yaml(self.plain()),
        }
    }

    /// What each domain gives, as comments.
    fn comment(&self, mark: &str) -> String {
        let Some(target) = self.target_tokens else {
            return String::new();
        };
        let mut text = format!("{mark} For a run of {target:e} tokens:\n");
        for domain in &self.domains {
            let epochs = domain
                .epochs
                .map_or_else(String::new, |e| format!(", {e:.2} epochs"));
            let tokens = domain.tokens.unwrap_or(0.0);
            text += &format!("{mark}   {}: {tokens:.3e} tokens{epochs}\n", domain.name);
        }
        text
    }

    fn olmo_core(&self) -> Yaml {
        let source = |domain: &BlendDomain| {
            Yaml::map([
                ("source_name", Yaml::text(&domain.name)),
                ("target_ratio", weight(domain)),
                ("paths", list(&domain.paths)),
                ("max_repetition_ratio", Yaml::number(repetition(domain))),
            ])
        };
        Yaml::map([(
            "sources",
            Yaml::List(self.domains.iter().map(source).collect()),
        )])
    }

    /// A line for `--data-path`: weights and prefixes. A domain of several prefixes gives each the same.
    fn megatron(&self) -> String {
        let mut words = Vec::new();
        for domain in &self.domains {
            let n = domain.paths.len().max(1) as u64;
            for (i, path) in domain.paths.iter().enumerate() {
                // The first ones take what is left of the division.
                let units = domain.billionths / n + u64::from((i as u64) < domain.billionths % n);
                let part = BlendDomain {
                    billionths: units,
                    ..domain.clone()
                };
                let prefix = path.strip_suffix(".bin").unwrap_or(path);
                words.push(format!("{} {prefix}", part.weight()));
            }
        }
        format!("{}\n", words.join(" "))
    }

    fn hugging_face(&self) -> String {
        let mut text = self.comment("#");
        text += "# Probabilities are of examples: they are shares of tokens where examples are alike in length (packed).\n";
        text += "from datasets import interleave_datasets, load_dataset\n\nDOMAINS = [\n";
        for domain in &self.domains {
            let files = quoted_list(&domain.paths);
            let name = quoted(&domain.name);
            let builder = quoted(builder(&domain.paths));
            text += &format!("    ({name}, {}, {builder}, {files}),\n", domain.weight());
        }
        text += "]\n\n\ndef load(seed=0, streaming=True):\n";
        text += "    parts = [\n";
        text += "        load_dataset(builder, data_files=files, split=\"train\", streaming=streaming)\n";
        text += "        for _, _, builder, files in DOMAINS\n    ]\n";
        text += "    return interleave_datasets(\n        parts,\n";
        text += "        probabilities=[weight for _, weight, _, _ in DOMAINS],\n";
        text += "        seed=seed,\n        stopping_strategy=\"all_exhausted\",\n    )\n";
        text
    }

    fn litgpt(&self) -> String {
        let mut text = self.comment("#");
        text += "from litdata import CombinedStreamingDataset, StreamingDataset, TokensLoader\n\nDOMAINS = [\n";
        for domain in &self.domains {
            for path in &domain.paths {
                let share = domain.billionths as f64 / domain.paths.len() as f64 / 1e9;
                text += &format!(
                    "    ({}, {share}, {}),\n",
                    quoted(&domain.name),
                    quoted(path)
                );
            }
        }
        text += "]\n\n\ndef load(block_size, seed=42):\n";
        text += "    parts = [\n        StreamingDataset(\n            input_dir=folder,\n";
        text += "            item_loader=TokensLoader(block_size=block_size),\n";
        text += "            shuffle=True,\n            drop_last=True,\n        )\n";
        text += "        for _, _, folder in DOMAINS\n    ]\n";
        text += "    weights = [weight for _, weight, _ in DOMAINS]\n";
        text += "    return CombinedStreamingDataset(\n";
        text +=
            "        datasets=parts, seed=seed, weights=weights, iterate_over_all=False\n    )\n";
        text
    }

    /// Streams by name, each the arguments of a `streaming.Stream`.
    fn streaming(&self) -> Yaml {
        let mut streams = Vec::new();
        for domain in &self.domains {
            let n = domain.paths.len();
            for (i, path) in domain.paths.iter().enumerate() {
                let name = match n {
                    1 => domain.name.clone(),
                    _ => format!("{}-{i}", domain.name),
                };
                let place = if path.contains("://") {
                    "remote"
                } else {
                    "local"
                };
                let share = domain.billionths as f64 / n as f64 / 1e9;
                let proportion = if n == 1 {
                    weight(domain)
                } else {
                    Yaml::number(share)
                };
                let stream = [(place, Yaml::text(path)), ("proportion", proportion)];
                streams.push((name, Yaml::map(stream)));
            }
        }
        Yaml::map([("streams", Yaml::map(streams))])
    }

    fn levanter(&self) -> Yaml {
        let config = |domain: &BlendDomain| {
            let urls = Yaml::map([("train_urls", list(&domain.paths))]);
            (domain.name.clone(), urls)
        };
        let weights = self
            .domains
            .iter()
            .map(|domain| (domain.name.clone(), weight(domain)));
        Yaml::map([(
            "data",
            Yaml::map([
                ("configs", Yaml::map(self.domains.iter().map(config))),
                ("train_weights", Yaml::map(weights)),
            ]),
        )])
    }

    fn mix(&self) -> Yaml {
        let leaf = |domain: &BlendDomain| {
            let entry = [
                ("weight", weight(domain)),
                ("repetition_factor", Yaml::number(repetition(domain))),
            ];
            (domain.name.clone(), Yaml::map(entry))
        };
        Yaml::map([("mix", Yaml::map(self.domains.iter().map(leaf)))])
    }

    fn csv(&self) -> Result<String, IoError> {
        let optional = |value: Option<f64>| value.map_or_else(String::new, csv_number);
        let rows = self.domains.iter().map(|domain| {
            let (tokens, epochs) = (optional(domain.tokens), optional(domain.epochs));
            [domain.name.clone(), domain.weight(), tokens, epochs]
        });
        let bytes = csv_bytes(
            "mixture.csv",
            &["domain", "weight", "tokens", "epochs"],
            rows,
        )?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn json(&self) -> String {
        let rows = self.domains.iter().map(|domain| {
            let (name, weight) = (quoted(&domain.name), domain.weight());
            let optional = |value: Option<f64>| serde_json::Value::from(value).to_string();
            let (tokens, epochs) = (optional(domain.tokens), optional(domain.epochs));
            format!(
                "  {{\"domain\": {name}, \"weight\": {weight}, \"tokens\": {tokens}, \"epochs\": {epochs}}}"
            )
        });
        format!("[\n{}\n]\n", rows.collect::<Vec<_>>().join(",\n"))
    }

    fn plain(&self) -> Yaml {
        let weights = self
            .domains
            .iter()
            .map(|domain| (domain.name.clone(), weight(domain)));
        Yaml::map(weights)
    }
}

fn weight(domain: &BlendDomain) -> Yaml {
    Yaml::Scalar(domain.weight())
}

/// How often a trainer must be allowed to see the data: what the mixture needs, rounded up so that
/// the trainer's own rounding stays below.
fn repetition(domain: &BlendDomain) -> f64 {
    let needed = domain.epochs.unwrap_or(1.0);
    ((needed * 1.001 * 1e3).ceil() / 1e3).max(1.0)
}

fn list(texts: &[String]) -> Yaml {
    Yaml::List(texts.iter().map(|text| Yaml::text(text)).collect())
}

/// Text as a literal of Python and JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn quoted_list(texts: &[String]) -> String {
    let all: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", all.join(", "))
}

/// The Hugging Face loader for files of these names.
fn builder(paths: &[String]) -> &'static str {
    let any = |end: &str| paths.iter().any(|path| path.contains(end));
    match () {
        () if any(".parquet") => "parquet",
        () if any(".csv") => "csv",
        () if any(".txt") => "text",
        () => "json",
    }
}
