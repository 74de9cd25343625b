//! Opening and making projects.

use std::path::{Path, PathBuf};

use olmix_core::{CoreError, Domain, DomainSet};
use olmix_fs::{StagedFile, remove_abandoned};
use olmix_io::project::with_domains;
use olmix_io::{ProjectConfig, ProjectDomain};
use olmix_ledger::{Cost, Ledger, NewRecord, Record, RecordKind};
use serde::de::DeserializeOwned;

use crate::content::DomainsContent;
use crate::domain_name::validate_domain_name;
use crate::{ProjectError, Provenance};

const CONFIG: &str = "olmix.yaml";
const LEDGER: &str = ".olmix/ledger.sqlite";

/// A folder with an `olmix.yaml` and a ledger.
#[derive(Debug)]
pub struct Project {
    /// The project's folder.
    pub root: PathBuf,
    /// The project's config, `olmix.yaml`.
    pub config: ProjectConfig,
    /// The history, `.olmix/ledger.sqlite`.
    pub ledger: Ledger,
}

/// What a new project is made of.
#[derive(Debug, Clone)]
pub struct Init {
    /// The text of its `olmix.yaml`, without domains.
    pub config: String,
    /// The domains of its first version.
    pub domains: Vec<ProjectDomain>,
    /// The title of the first version in the log.
    pub title: String,
}

impl Project {
    /// Opens the project of a folder, or of the nearest one above it. One that can't be written can be read.
    ///
    /// A block `domains` that shows an earlier version, as a crash leaves it, is brought up to date.
    ///
    /// # Errors
    /// [`ProjectError::Missing`]; those of the config and the ledger; [`ProjectError::Refused`] for domains that were
    /// changed by hand.
    pub fn open(folder: &Path) -> Result<Self, ProjectError> {
        let mut project = Self::open_to_read(folder)?;
        remove_abandoned(&project.root);
        project.check_domains()?;
        Ok(project)
    }

    /// Opens a project to read its history: `olmix.yaml` may show other domains than the newest version's.
    ///
    /// # Errors
    /// As [`Project::open`], but for domains that were changed by hand.
    pub fn open_to_read(folder: &Path) -> Result<Self, ProjectError> {
        let mut root = folder.to_owned();
        while !root.join(CONFIG).is_file() {
            if !root.pop() {
                return Err(ProjectError::Missing(folder.to_owned()));
            }
        }
        let config = ProjectConfig::load(&root.join(CONFIG))?;
        let ledger = root.join(LEDGER);
        if !ledger.exists() {
            return Err(ProjectError::refused(
                &ledger,
                "the project's history is not there",
                "restore a copy of it, or create the project again from an export (`olmix history import`)",
            ));
        }
        Ok(Self {
            ledger: Ledger::open_to_read(&ledger)?,
            root,
            config,
        })
    }

    /// Makes a project in a folder, which may hold other things.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] where there is one, and for domains that are none; those of writing.
    pub fn init(folder: &Path, init: &Init, by: &Provenance) -> Result<Self, ProjectError> {
        let path = folder.join(CONFIG);
        let ledger_path = folder.join(LEDGER);
        if path.exists() {
            return Err(ProjectError::refused(
                &path,
                "there is a project here",
                "continue it (`olmix log`), or choose another folder",
            ));
        }
        let unusable = |error: &CoreError| {
            ProjectError::core(&path, error, "correct the file that the domains come from")
        };
        domain_set(&init.domains).map_err(|error| unusable(&error))?;
        for domain in &init.domains {
            if let Err(flaw) = validate_domain_name(&domain.name) {
                return Err(ProjectError::refused(
                    &path,
                    format!("{:?} can't be the name of a domain: {flaw}", domain.name),
                    "rename it in the file that the domains come from",
                ));
            }
        }
        let text = with_domains(&init.config, &init.domains, "domains@1");
        let config = ProjectConfig::parse(&path, &path.display().to_string(), &text)?;
        // The ledger first: a config without one is not a project, a ledger without a config is found here again.
        let mut ledger = Ledger::open(&ledger_path)?;
        match ledger.newest("domains")? {
            None => {
                ledger.add(
                    &NewRecord {
                        number: Some(1),
                        ..domains_record(&init.title, &init.domains, by)
                    },
                    by.now,
                )?;
            }
            Some(found) => {
                let content: DomainsContent = parsed(&ledger, &found)?;
                if content.domains != init.domains {
                    return Err(ProjectError::refused(
                        &ledger_path,
                        "holds a history of other domains",
                        "choose another folder, or put that history's olmix.yaml back",
                    ));
                }
            }
        }
        StagedFile::new(&path, text.as_bytes())?.commit()?;
        Ok(Self {
            root: folder.to_owned(),
            config,
            ledger,
        })
    }

    /// The newest version of the domain set.
    ///
    /// # Errors
    /// Those of the ledger, and [`ProjectError::Refused`] for one without a version.
    pub fn version(&self) -> Result<(Record, DomainsContent), ProjectError> {
        let newest = self.ledger.newest("domains")?.ok_or_else(|| {
            ProjectError::refused(
                self.ledger.path(),
                "the history holds no domains",
                "restore a copy of the ledger, or import an export of it",
            )
        })?;
        let content = parsed(&self.ledger, &newest)?;
        Ok((newest, content))
    }

    /// The content of a record.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] for a record that was changed by hand.
    pub fn content<T: DeserializeOwned>(&self, record: &Record) -> Result<T, ProjectError> {
        parsed(&self.ledger, record)
    }

    /// The newest mixture of a line, or the mixture of any name.
    ///
    /// # Errors
    /// Those of the ledger, and [`ProjectError::Refused`] for the name of something else.
    pub fn mixture(&self, name: &str) -> Result<Record, ProjectError> {
        let record = self.ledger.record(name)?;
        if record.kind == RecordKind::Mixture {
            return Ok(record);
        }
        Err(ProjectError::refused(
            self.ledger.path(),
            format!("{} is a {}, not a mixture", record.name(), record.kind),
            "name a mixture, such as main or main@2; `olmix log` lists them",
        ))
    }

    /// Writes the block `domains` of `olmix.yaml`, and reads it back.
    pub(crate) fn show_domains(
        &mut self,
        domains: &[ProjectDomain],
        version: &str,
    ) -> Result<(), ProjectError> {
        let text = with_domains(&self.config.text, domains, version);
        let path = self.root.join(CONFIG);
        let config = ProjectConfig::parse(&path, &path.display().to_string(), &text)?;
        StagedFile::new(&path, text.as_bytes())?.commit()?;
        self.config = config;
        Ok(())
    }

    /// Whether `olmix.yaml` shows the newest version.
    fn check_domains(&mut self) -> Result<(), ProjectError> {
        let (newest, content) = self.version()?;
        if self.config.domains == content.domains {
            return Ok(());
        }
        let mut earlier = false;
        for record in self.ledger.records_of(RecordKind::Domains)? {
            let content: DomainsContent = self.content(&record)?;
            earlier |= content.domains == self.config.domains;
        }
        if earlier {
            return self.show_domains(&content.domains, &newest.name());
        }
        let path = self.root.join(CONFIG);
        let differs = first_difference(&content.domains, &self.config.domains);
        Err(ProjectError::refused(
            &path,
            format!("`domains` is not {}: {differs}", newest.name()),
            format!(
                "put it back as it was (`olmix show {}` says how), and make the change with `olmix update`, \
                 so that it is \
                 recorded",
                newest.name()
            ),
        ))
    }
}

fn first_difference(recorded: &[ProjectDomain], found: &[ProjectDomain]) -> String {
    for domain in recorded {
        match found.iter().find(|other| other.name == domain.name) {
            None => return format!("{} is missing", domain.quoted()),
            Some(other) if other != domain => {
                return format!("what it says of {} was changed by hand", domain.quoted());
            }
            Some(_) => {}
        }
    }
    let new = found
        .iter()
        .find(|domain| !recorded.iter().any(|other| other.name == domain.name));
    new.map_or("their order was changed".into(), |domain| {
        format!("{} is new", domain.quoted())
    })
}

/// The content of a record.
fn parsed<T: DeserializeOwned>(ledger: &Ledger, record: &Record) -> Result<T, ProjectError> {
    serde_json::from_value(record.content.clone()).map_err(|error| {
        ProjectError::refused(
            ledger.path(),
            format!("{} can't be read: {error}", record.name()),
            "the ledger was changed by hand: `olmix verify` says where; restore a copy, or import an export",
        )
    })
}

/// Content as JSON; contents consist of plain data, so that this can't fail.
pub(crate) fn to_json(content: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(content).unwrap_or(serde_json::Value::Null)
}

fn domains_record(title: &str, domains: &[ProjectDomain], by: &Provenance) -> NewRecord {
    NewRecord {
        content: to_json(&DomainsContent {
            domains: domains.to_vec(),
            changes: Vec::new(),
            undoes: None,
        }),
        ..new_record(RecordKind::Domains, "domains", title, by)
    }
}

/// A record without parents, files and content.
pub(crate) fn new_record(kind: RecordKind, line: &str, title: &str, by: &Provenance) -> NewRecord {
    NewRecord {
        kind,
        line: line.to_owned(),
        title: title.to_owned(),
        number: None,
        parents: Vec::new(),
        files: Vec::new(),
        content: serde_json::Value::Null,
        command: by.command.clone(),
        olmix: env!("CARGO_PKG_VERSION").to_owned(),
        cost: Cost::default(),
        gain: None,
    }
}

/// The domains as the method has them: names and tokens.
pub(crate) fn domain_set(domains: &[ProjectDomain]) -> Result<DomainSet, CoreError> {
    let domain = |domain: &ProjectDomain| Domain {
        name: domain.name.clone(),
        tokens: domain.tokens,
    };
    DomainSet::new(domains.iter().map(domain).collect())
}
