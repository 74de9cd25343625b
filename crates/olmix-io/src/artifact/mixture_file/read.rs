//! Reading `mixture.json` back, and writing its bytes.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use olmix_core::law::FittedLaw;
use olmix_core::{
    Constraints, CoreError, Domain, DomainSet, FixedSum, GroupBound, LawKind, Matrix, Mixture, Task,
};
use serde::Deserialize;

use super::{FORMAT, MixtureFile, VERSION, checksum};
use crate::error::{IoError, Location};
use crate::input::InputFile;
use crate::messages::excerpt;
use crate::swarm::tasks::task_columns::Member;

/// What every version of the format begins with.
#[derive(Deserialize)]
struct Preamble {
    format: Option<String>,
    version: Option<u64>,
}

impl MixtureFile {
    /// The file's bytes: JSON, indented, with its checksum as the last field and a newline at the end.
    ///
    /// # Errors
    /// [`IoError::Input`] for content that JSON can't hold, which [`MixtureFile::new`] never
    /// makes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, IoError> {
        let checked = || {
            let mut content = serde_json::to_value(self)?;
            let sum = checksum::of(&content);
            content[checksum::FIELD] = sum.into();
            serde_json::to_vec_pretty(&content)
        };
        let mut bytes = checked().map_err(|error| {
            IoError::input(
                "mixture.json",
                Location::File,
                format!("the result can't be written: {error}"),
                "this is a defect; please report it",
            )
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a file and checks that its parts fit together.
    ///
    /// # Errors
    /// [`IoError::Read`] when it can't be read; [`IoError::Input`] when it is not JSON, not of
    /// this format, of a newer version, other than its checksum says, or inconsistent.
    pub fn read(path: &Path) -> Result<Self, IoError> {
        let input = InputFile::read(path, None)?;
        Self::parse(&input.name, input.text()?)
    }

    /// This file, where its mixture is not of phases; `what` is the command that knows none, `file` the file.
    ///
    /// # Errors
    /// [`IoError::Input`] with the phases.
    pub fn without_phases(self, file: &Path, what: &str) -> Result<Self, IoError> {
        let Some(of) = &self.phases else {
            return Ok(self);
        };
        let phases = of.phases.len();
        Err(IoError::input(
            file.display().to_string(),
            Location::Field("phases".into()),
            format!(
                "this mixture and its laws are of {phases} phases, and `{what}` knows one mixture only"
            ),
            "give the result of a fit without phases",
        ))
    }

    /// As [`MixtureFile::read`], from text; `file` names it in messages.
    ///
    /// # Errors
    /// As [`MixtureFile::read`].
    pub fn parse(file: &str, text: &str) -> Result<Self, IoError> {
        let help = "give a mixture.json that `olmix fit` wrote";
        let preamble: Preamble =
            serde_json::from_str(text).map_err(|error| json_error(file, &error, help))?;
        if preamble.format.as_deref() != Some(FORMAT) {
            let found = preamble.format.as_deref().map_or_else(
                || "no `format`".to_owned(),
                |found| format!("the format `{}`", excerpt(found)),
            );
            let message = format!("this is not a mixture file: it has {found}, not `{FORMAT}`");
            return Err(IoError::input(
                file,
                Location::Field("format".into()),
                message,
                help,
            ));
        }
        match preamble.version {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) if version > u64::from(VERSION) => {
                return Err(IoError::input(
                    file,
                    Location::Field("version".into()),
                    format!("version {version} is newer than {VERSION}, the newest known here"),
                    "read it with the olmix that wrote it, or a newer one",
                ));
            }
            Some(1) => {
                return Err(IoError::input(
                    file,
                    Location::Field("version".into()),
                    "version 1 was written before olmix had more than two laws",
                    "create it again with `olmix fit`",
                ));
            }
            _ => {
                return Err(IoError::input(
                    file,
                    Location::Field("version".into()),
                    "the version is missing or not one that ever was",
                    help,
                ));
            }
        }
        let mut content: Self =
            serde_json::from_str(text).map_err(|error| json_error(file, &error, help))?;
        content.share_mixtures();
        match content.inconsistency() {
            None => checksum::verify(file, text).map(|()| content),
            Some((field, message)) => Err(IoError::input(
                file,
                Location::Field(field),
                message,
                "the file was changed after it was written; create it again with `olmix fit`",
            )),
        }
    }

    /// Gives laws that predict by likeness to runs the mixtures that the file holds once for all.
    fn share_mixtures(&mut self) {
        let rows = &self.law.mixtures;
        let columns = rows.first().map_or(0, Vec::len);
        let cell = |i: usize, j: usize| rows[i].get(j).copied().unwrap_or(f64::NAN);
        let runs = Arc::new(Matrix::from_fn(rows.len(), columns, cell));
        for task in &mut self.law.tasks {
            if let Some(law) = &mut task.law {
                law.share_runs(&runs);
            }
        }
    }

    /// The first field that contradicts another, with what is wrong.
    fn inconsistency(&self) -> Option<(String, String)> {
        let m = self.domains.len();
        let mut names = HashSet::new();
        if m == 0 {
            return Some(("domains".into(), "there is no domain".into()));
        }
        for (j, domain) in self.domains.iter().enumerate() {
            let field = |name: &str| format!("domains[{j}].{name}");
            if !names.insert(domain.name.as_str()) {
                let name = excerpt(&domain.name);
                return Some((field("name"), format!("domain `{name}` occurs twice")));
            }
            if domain.prior <= 0.0 {
                return Some((field("prior"), format!("{} is not above 0", domain.prior)));
            }
            if domain.weight.is_none() != self.optimizer.is_none() {
                let message = "weights are there for some domains only, or without optimizer";
                return Some((field("weight"), message.into()));
            }
        }
        let sums = [
            ("prior", Some(self.domains.iter().map(|d| d.prior).sum())),
            (
                "weight",
                self.domains.iter().map(|d| d.weight).sum::<Option<f64>>(),
            ),
        ];
        for (name, sum) in sums {
            if let Some(sum) = sum.filter(|sum: &f64| (sum - 1.0).abs() > 1e-6) {
                let field = format!("domains[..].{name}");
                return Some((field, format!("they sum to {sum:.6}, not to 1")));
            }
        }
        if self
            .domains
            .iter()
            .any(|d| d.weight.is_some_and(|w| w < 0.0))
        {
            return Some(("domains[..].weight".into(), "one is negative".into()));
        }
        if let Some(of) = &self.phases
            && (of.phases.is_empty() || !m.is_multiple_of(of.phases.len()))
        {
            let phases = of.phases.len();
            let message = format!("{phases} phases do not share {m} domains of phases evenly");
            return Some(("phases".into(), message));
        }
        if self.law.tasks.is_empty() && self.law.kind != LawKind::Search {
            return Some(("law.tasks".into(), "there is no task".into()));
        }
        for (i, task) in self.law.tasks.iter().enumerate() {
            if let Some((field, message)) = self.check_law(task, m) {
                return Some((format!("law.tasks[{i}].{field}"), message));
            }
            if task.weight < 0.0 {
                return Some((format!("law.tasks[{i}].weight"), "it is negative".into()));
            }
        }
        None
    }

    /// What is wrong with the law of a task over `m` domains, and where.
    fn check_law(&self, task: &super::TaskEntry, m: usize) -> Option<(String, String)> {
        let Some(law) = &task.law else {
            let needed = self.law.kind != LawKind::Search;
            return needed.then(|| ("law".to_owned(), "it is missing".to_owned()));
        };
        law.validate(m).err().map(|why| ("law".to_owned(), why))
    }

    /// The domains, in order.
    ///
    /// # Errors
    /// [`CoreError`] when a name occurs twice; not for a file that was read.
    pub fn domain_set(&self) -> Result<DomainSet, CoreError> {
        let domain = |entry: &super::DomainEntry| Domain {
            name: entry.name.clone(),
            tokens: entry.tokens,
        };
        DomainSet::new(self.domains.iter().map(domain).collect())
    }

    /// The constraints that the mixture was solved under.
    ///
    /// # Errors
    /// As [`MixtureFile::domain_set`].
    pub fn constraints(&self) -> Result<Constraints, CoreError> {
        let domains = self.domain_set()?;
        let group = |group: &super::GroupEntry| GroupBound {
            name: group.name.clone(),
            members: group
                .domains
                .iter()
                .filter_map(|name| domains.position(name))
                .collect(),
            lower: group.min,
            upper: group.max,
        };
        Ok(Constraints {
            caps: self.domains.iter().map(|domain| domain.cap).collect(),
            lower: self.domains.iter().map(|domain| domain.min).collect(),
            upper: self.domains.iter().map(|domain| domain.max).collect(),
            groups: self.groups.iter().map(group).collect(),
            sums: self.sums(),
        })
    }

    /// The sum of each phase's domains.
    fn sums(&self) -> Vec<FixedSum> {
        let Some(of) = &self.phases else {
            return Vec::new();
        };
        let m = self.domains.len() / of.phases.len().max(1);
        let sum = |(s, phase): (usize, &super::PhaseEntry)| FixedSum {
            name: phase.name.clone(),
            members: (s * m..(s + 1) * m).collect(),
            total: phase.fraction,
        };
        of.phases.iter().enumerate().map(sum).collect()
    }

    /// The natural distribution.
    ///
    /// # Errors
    /// [`CoreError`] when priors are negative or don't sum to 1; not for a file that was read.
    pub fn prior(&self) -> Result<Mixture, CoreError> {
        let weights = self.domains.iter().map(|domain| domain.prior).collect();
        Mixture::new(self.domain_set()?, weights)
    }

    /// The proposed mixture; `None` when none was asked for.
    ///
    /// # Errors
    /// [`CoreError`] when weights are negative or don't sum to 1; not for a file that was read.
    pub fn mixture(&self) -> Result<Option<Mixture>, CoreError> {
        let weights: Option<Vec<f64>> = self.domains.iter().map(|domain| domain.weight).collect();
        weights
            .map(|weights| Mixture::new(self.domain_set()?, weights))
            .transpose()
    }

    /// The tasks, in order.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        let task = |entry: &super::TaskEntry| Task {
            name: entry.name.clone(),
            family: entry.family.clone(),
            weight: entry.weight,
            direction: entry.direction,
            offset: entry.offset,
        };
        self.law.tasks.iter().map(task).collect()
    }

    /// What each task is averaged from, aligned with [`MixtureFile::tasks`].
    #[must_use]
    pub fn members(&self) -> Vec<Vec<Member>> {
        let tasks = self.law.tasks.iter();
        tasks.map(|task| task.members.clone()).collect()
    }

    /// The laws, aligned with [`MixtureFile::tasks`]; `None` for a result of the law `search`,
    /// which predicts nothing.
    #[must_use]
    pub fn laws(&self) -> Option<Vec<FittedLaw>> {
        let laws = self.law.tasks.iter().map(|task| task.law.clone());
        laws.collect()
    }
}

fn json_error(file: &str, error: &serde_json::Error, help: &str) -> IoError {
    let text = error.to_string();
    // serde_json ends its messages with the place, which `InputError` has a field for.
    let message = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    IoError::input(
        file,
        Location::Position {
            line: error.line() as u64,
            column: error.column() as u64,
        },
        format!("can't be understood: {}", excerpt(message)),
        help,
    )
}
