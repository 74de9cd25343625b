//! The laws of a mixture file, ready to be solved with: what is read once and shared by all requests.

use std::collections::HashMap;

use olmix_core::law::{FittedLaw, Law as _, Shape};
use olmix_core::reuse::VirtualDomain;
use olmix_core::{DomainSet, GroupBound, LawKind};
use olmix_io::MixtureFile;
use olmix_io::fit_config::matches;

use crate::error::ApiError;

/// What solving needs of a mixture file.
#[derive(Debug)]
pub struct Model {
    /// The file.
    pub file: MixtureFile,
    /// The domains, `m`.
    pub domains: DomainSet,
    /// One law per task, `n`.
    pub laws: Vec<FittedLaw>,
    /// The weights of the tasks in the average, summing to 1.
    pub task_weights: Vec<f64>,
    /// The natural distribution, length `m`.
    pub prior: Vec<f64>,
    /// `q` of the KL term, length `m`.
    pub reference: Vec<f64>,
    /// Losses at the prior, length `n`.
    pub natural: Vec<f64>,
    /// Domains that no run sampled.
    pub dead: Vec<usize>,
    /// Domains that keep their ratios in the solve, where the config is at hand and says so.
    pub frozen: Vec<VirtualDomain>,
    /// Whether every law is convex, so that a solve is exact.
    pub convex: bool,
    tasks: HashMap<String, usize>,
}

impl Model {
    /// The model of a file.
    ///
    /// # Errors
    /// A message for a file without laws, or of a defect.
    pub fn new(file: MixtureFile) -> Result<Self, String> {
        let laws = file.laws().filter(|laws| !laws.is_empty());
        let laws =
            laws.ok_or("it has no laws to explore: it is the result of a search or of a rule")?;
        let domains = file.domain_set().map_err(|error| error.to_string())?;
        let prior = file
            .prior()
            .map_err(|error| error.to_string())?
            .weights()
            .to_vec();
        let pulls = |(domain, prior): (&olmix_io::mixture_file::DomainEntry, &f64)| {
            domain.kl_reference.unwrap_or(*prior)
        };
        let reference = file.domains.iter().zip(&prior).map(pulls).collect();
        let dead = file
            .dead_domains
            .iter()
            .filter_map(|name| domains.position(name))
            .collect();
        let tasks = file.law.tasks.iter().enumerate();
        Ok(Self {
            task_weights: file.law.tasks.iter().map(|task| task.weight).collect(),
            natural: laws.iter().map(|law| law.predict(&prior)).collect(),
            convex: laws.iter().all(|law| law.shape() == Shape::Convex),
            tasks: tasks.map(|(i, task)| (task.name.clone(), i)).collect(),
            frozen: Vec::new(),
            domains,
            laws,
            prior,
            reference,
            dead,
            file,
        })
    }

    /// The position of a domain.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<usize> {
        self.domains.position(name)
    }

    /// The position of a task.
    #[must_use]
    pub fn task(&self, name: &str) -> Option<usize> {
        self.tasks.get(name).copied()
    }

    /// The domains of a group of the file, or those that match a pattern with `*`.
    ///
    /// # Errors
    /// [`ApiError`] for any other name.
    pub fn group(&self, name: &str) -> Result<Vec<usize>, ApiError> {
        let known = self.file.groups.iter().find(|group| group.name == name);
        if let Some(group) = known {
            return Ok(group
                .domains
                .iter()
                .filter_map(|domain| self.domain(domain))
                .collect());
        }
        let members: Vec<usize> = if name.contains('*') {
            let matching = self.domains.names().enumerate();
            matching
                .filter(|(_, domain)| matches(name, domain))
                .map(|(j, _)| j)
                .collect()
        } else {
            Vec::new()
        };
        if members.is_empty() {
            return Err(ApiError::refused(
                format!(
                    "this mixture has no group `{name}`, and no domain matches it as a pattern"
                ),
                "name a group of the fit config, or a pattern such as `code*`",
            ));
        }
        Ok(members)
    }

    /// Puts groups in the order that the file has them in, others behind: the order of sums decides the last bits.
    pub fn in_the_order_of_the_file(&self, groups: &mut [GroupBound]) {
        let place = |group: &GroupBound| {
            let found = self
                .file
                .groups
                .iter()
                .position(|known| known.name == group.name);
            found.unwrap_or(usize::MAX)
        };
        groups.sort_by_key(place);
    }

    /// Refuses other tokens of the run than those that the laws themselves were fitted for.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn check_target(&self, tokens: f64) -> Result<(), ApiError> {
        let options = self.file.law.options.as_ref();
        let scales = options.is_some_and(|options| options.name() == LawKind::AutoScale.name());
        let (alone, law) = match &self.file.repetition {
            Some(_) => (true, "law with the value of repeats"),
            None => (scales, "law autoscale"),
        };
        match self.file.target_tokens {
            Some(fitted) if alone && fitted != tokens => Err(ApiError::refused(
                format!(
                    "the {law} was fitted for a run of {fitted:e} tokens, and predicts that run alone"
                ),
                "fit again with the other number: olmix fit --target-tokens",
            )),
            _ => Ok(()),
        }
    }
}
