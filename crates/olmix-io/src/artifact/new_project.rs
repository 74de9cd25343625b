//! The config of a new project, from files that a user has.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::artifact::mixture_file::MixtureFile;
use crate::config::fit::{FitConfig, PriorsConfig};
use crate::config::generation::{Content, GenerationConfig};
use crate::config::project::{ProjectDomain, SECTIONS};
use crate::config::yaml::{Document, Yaml};
use crate::error::{IoError, Location};
use crate::input::InputFile;

/// What the command line says of a new project.
#[derive(Debug, Clone, Copy)]
pub struct NewProject<'a> {
    /// The name that swarms are named after.
    pub name: &'a str,
    /// Tokens of the run its mixtures are for; `None` for what the files say.
    pub target_tokens: Option<f64>,
    /// How often that run may see a token; `None` for what the files say, or 4.
    pub repetition_factor: Option<f64>,
    /// Parameters of a proxy.
    pub proxy_parameters: Option<u64>,
}

/// What is gathered from files.
#[derive(Default)]
struct Gathered {
    domains: Vec<ProjectDomain>,
    /// Where each domain stands among them.
    places: HashMap<String, usize>,
    max_tokens: Option<u64>,
    sections: Vec<(&'static str, Yaml)>,
}

/// Makes the text of an `olmix.yaml` (without domains) and the domains from a generation config, a fit
/// config, a mixture.json, or several of them; of what two say, the first is taken.
///
/// # Errors
/// [`IoError`] for a file that can't be read or is none of these.
pub fn new_project(
    files: &[&Path],
    project: &NewProject<'_>,
) -> Result<(String, Vec<ProjectDomain>), IoError> {
    let mut gathered = Gathered::default();
    for file in files {
        gathered.take(file)?;
    }
    if let Some(target) = project.target_tokens {
        let mut constraints = Yaml::map([("enabled", Yaml::Scalar("true".into()))]);
        constraints.set("target_tokens", Yaml::number(target));
        let factor = project.repetition_factor.unwrap_or(4.0);
        constraints.set("repetition_factor", Yaml::number(factor));
        gathered.sections.retain(|(key, _)| *key != "constraints");
        gathered.sections.push(("constraints", constraints));
    }
    Ok((gathered.text(project), gathered.domains))
}

impl Gathered {
    fn take(&mut self, path: &Path) -> Result<(), IoError> {
        let input = InputFile::read(path, None)?;
        let text = input.text()?;
        if text.contains(&format!("\"{}\"", crate::artifact::mixture_file::FORMAT)) {
            self.mixture(&MixtureFile::parse(&input.name, text)?);
            return Ok(());
        }
        let document = Document::parse(&input.name, text)?;
        let root = document.root();
        let keys: Vec<&str> = root.entries()?.iter().map(|(key, _)| *key).collect();
        let section = |key: &'static str| {
            let mut section = root.section().ok()?;
            section.optional(key).map(|value| (key, value.to_yaml()))
        };
        if keys.contains(&"data") {
            let (config, _) = GenerationConfig::load(path)?;
            self.generation(&config);
            let data = section("data").map(|(key, mut data)| {
                if let Yaml::Map(entries) = &mut data {
                    entries.retain(|(key, _)| key != "sources");
                }
                (key, data)
            });
            let data = data.filter(|(_, data)| *data != Yaml::Map(Vec::new()));
            let swarm = section("swarm").map(|(key, mut swarm)| {
                // A plan says how many runs there are, and of which domains.
                if let Yaml::Map(entries) = &mut swarm {
                    entries.retain(|(key, _)| key != "variants" && key != "virtual_domains");
                }
                (key, swarm)
            });
            self.keep([data, swarm]);
            return Ok(());
        }
        if !keys.contains(&"priors") {
            return Err(IoError::input(
                &input.name,
                Location::File,
                "this is neither a generation config nor a fit config: it has no `data` and no `priors`",
                "give one of these, or a mixture.json",
            ));
        }
        let config = FitConfig::load(path)?;
        self.priors(&config.priors);
        let settings = SECTIONS
            .into_iter()
            .filter(|key| !matches!(*key, "data" | "swarm"));
        let settings = settings.map(section).map(|found| {
            found.map(|(key, mut section)| {
                // A plan says which domains keep their ratios.
                if let Yaml::Map(entries) = &mut section {
                    entries
                        .retain(|(key, _)| key != "frozen" && key != "expanded_kl_source_mixtures");
                }
                (key, section)
            })
        });
        self.keep(settings.collect::<Vec<_>>());
        Ok(())
    }

    /// Sections that are not there yet.
    fn keep(&mut self, sections: impl IntoIterator<Item = Option<(&'static str, Yaml)>>) {
        for (key, section) in sections.into_iter().flatten() {
            if !self.sections.iter().any(|(other, _)| *other == key) {
                self.sections.push((key, section));
            }
        }
    }

    fn domain(&mut self, name: &str) -> &mut ProjectDomain {
        let at = self.places.get(name).copied().unwrap_or_else(|| {
            self.places.insert(name.to_owned(), self.domains.len());
            self.domains.push(ProjectDomain {
                name: name.to_owned(),
                ..ProjectDomain::default()
            });
            self.domains.len() - 1
        });
        &mut self.domains[at]
    }

    fn generation(&mut self, config: &GenerationConfig) {
        self.max_tokens = self.max_tokens.or(config.max_tokens);
        for (name, source) in config.data.leaves() {
            let domain = self.domain(&name);
            if let Content::Paths(paths) = &source.content {
                domain.paths = paths
                    .iter()
                    .map(|path| placed(path, &config.folder))
                    .collect();
            }
            domain.format = source.format.as_ref().map(|format| format.value.clone());
        }
        if let Some(priors) = &config.priors {
            self.priors(priors);
        }
    }

    fn priors(&mut self, priors: &PriorsConfig) {
        let sizes = priors.relative_sizes.iter().flatten();
        let tokens = priors.token_counts.iter().flatten();
        self.sizes(
            sizes.map(|n| (n.name.as_str(), n.value)),
            tokens.map(|n| (n.name.as_str(), n.value)),
        );
    }

    fn mixture(&mut self, file: &MixtureFile) {
        let sizes: Vec<(&str, f64)> = file
            .domains
            .iter()
            .map(|d| (d.name.as_str(), d.prior))
            .collect();
        let tokens = file
            .domains
            .iter()
            .filter_map(|d| Some((d.name.as_str(), d.tokens?)));
        self.sizes(sizes.into_iter(), tokens);
        if let Some(target) = file.target_tokens {
            let mut constraints = Yaml::map([("enabled", Yaml::Scalar("true".into()))]);
            constraints.set("target_tokens", Yaml::number(target));
            if let Some(factor) = file.repetition_factor {
                constraints.set("repetition_factor", Yaml::number(factor));
            }
            self.keep([Some(("constraints", constraints))]);
        }
    }

    /// Tokens, and sizes where they are not the tokens' shares.
    fn sizes<'n>(
        &mut self,
        sizes: impl Iterator<Item = (&'n str, f64)>,
        tokens: impl Iterator<Item = (&'n str, u64)>,
    ) {
        for (name, tokens) in tokens {
            self.domain(name).tokens.get_or_insert(tokens);
        }
        let sizes: Vec<(&str, f64)> = sizes.collect();
        let all: f64 = sizes.iter().map(|(_, size)| size).sum();
        let counted: Option<Vec<f64>> = sizes
            .iter()
            .map(|(name, _)| self.domain(name).tokens.map(|tokens| tokens as f64))
            .collect();
        let by_tokens = counted.is_some_and(|counted| {
            let sum: f64 = counted.iter().sum();
            let pairs = sizes.iter().zip(&counted);
            pairs
                .into_iter()
                .all(|((_, size), n)| (size / all - n / sum).abs() < SAME)
        });
        for (name, size) in sizes {
            let domain = self.domain(name);
            if !by_tokens && domain.size.is_none() {
                domain.size = Some(size);
            }
        }
    }

    fn text(&self, project: &NewProject<'_>) -> String {
        let mut text = String::from(
            "# A project of olmix. Everything is yours to edit but `domains`, which `olmix update` \
             changes.\n",
        );
        let _ = writeln!(text, "name: {}", scalar(project.name));
        text +=
            "\n# Runs of a swarm: so many for each domain, and for one more.\nruns_per_domain: 3\n";
        text += "\n# Tokens that a proxy is trained on, and its parameters without embeddings: what runs \
            cost.\n";
        match self.max_tokens {
            Some(tokens) => {
                let _ = writeln!(text, "max_tokens: {tokens}");
            }
            None => text += "# max_tokens: 3_000_000_000\n",
        }
        match project.proxy_parameters {
            Some(parameters) => {
                let _ = writeln!(text, "proxy_parameters: {parameters}");
            }
            None => text += "# proxy_parameters: 30_000_000\n",
        }
        for (keys, comment) in [
            (
                &["data", "swarm"][..],
                "How the data is read, and how mixtures are drawn: as in a generation config.",
            ),
            (
                &[
                    "eval",
                    "filtering",
                    "regression",
                    "proposer",
                    "constraints",
                    "diagnostics",
                ][..],
                "Tasks, laws, and what the mixture is for: as in a fit config.",
            ),
        ] {
            let there: Vec<&(&str, Yaml)> = keys
                .iter()
                .filter_map(|key| self.sections.iter().find(|(other, _)| other == key))
                .collect();
            if !there.is_empty() {
                let _ = writeln!(text, "\n# {comment}");
                for (key, section) in there {
                    text += &Yaml::map([(*key, section.clone())]).to_file();
                }
            }
        }
        text += "\n# The data, as it is now.\n";
        text
    }
}

/// Shares that are the same up to how they are written.
const SAME: f64 = 1e-6;

fn scalar(text: &str) -> String {
    match Yaml::text(text) {
        Yaml::Scalar(text) => text,
        _ => text.to_owned(),
    }
}

/// A path as it is understood from anywhere.
fn placed(path: &str, folder: &Path) -> String {
    if path.contains("://") || Path::new(path).is_absolute() {
        return path.to_owned();
    }
    let beside = folder.join(path);
    std::path::absolute(&beside)
        .unwrap_or(beside)
        .display()
        .to_string()
}
