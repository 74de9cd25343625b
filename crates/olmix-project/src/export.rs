//! Export and import: the history as plain files, for people, other tools, and another machine.
//!
//! ```text
//! records/000001-domains@1.json   each record, whole
//! files/<sha256>                  the files of all of them
//! tags.json
//! olmix.yaml
//! ```

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use olmix_fs::{FileLock, StagedFile, StagedFolder};
use olmix_io::{IoError, ProjectConfig, sha256_hex};
use olmix_ledger::{Ledger, NewFile, NewRecord, Parent, Record, is_kept_name, is_sha256};

use crate::{Project, ProjectError};

impl Project {
    /// Writes the history to a folder, which appears whole or not at all. Gives the number of records.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] for a folder that holds something, and those of writing.
    pub fn export(&self, folder: &Path) -> Result<usize, ProjectError> {
        if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(ProjectError::refused(
                folder,
                "the folder is not empty",
                "name a new folder",
            ));
        }
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        let mut kept: HashSet<String> = HashSet::new();
        let records = self.ledger.records()?;
        for listed in &records {
            let record = self.ledger.record_by_id(listed.id)?;
            let record = record.ok_or_else(|| damaged(self.ledger.path()))?;
            for file in &record.files {
                if kept.insert(file.sha256.clone()) {
                    let content = self.ledger.file(&file.sha256)?;
                    let content = content.ok_or_else(|| damaged(self.ledger.path()))?;
                    files.push((format!("files/{}", file.sha256), content));
                }
            }
            let name = format!("records/{:06}-{}.json", record.id.0, record.name());
            files.push((name, pretty(&record)));
        }
        let names: BTreeMap<String, String> = self
            .ledger
            .tags()?
            .into_iter()
            .filter_map(|(tag, id)| {
                let record = records.iter().find(|record| record.id == id)?;
                Some((tag, record.name()))
            })
            .collect();
        files.push(("tags.json".into(), pretty(&names)));
        files.push(("olmix.yaml".into(), self.config.text.clone().into_bytes()));
        let staged = StagedFolder::new(folder)?;
        staged.write_all(&files)?;
        staged.commit()?;
        Ok(records.len())
    }

    /// Makes a project of an export, with the same records and hashes. One that was killed meanwhile goes on
    /// when it is given again.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] where there is a project, another ledger, or another import at work; and for
    /// an export that was changed, or has names that lead out of a folder. Nothing is left then.
    pub fn import(export: &Path, folder: &Path, now: i64) -> Result<Self, ProjectError> {
        let config_path = folder.join("olmix.yaml");
        let ledger_path = folder.join(".olmix/ledger.sqlite");
        let none_here = || {
            if config_path.exists() {
                return Err(ProjectError::refused(
                    &config_path,
                    "there is a project here",
                    "import into another folder",
                ));
            }
            Ok(())
        };
        none_here()?;
        let text = read(&export.join("olmix.yaml"))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        ProjectConfig::parse(
            &config_path,
            &export.join("olmix.yaml").display().to_string(),
            &text,
        )?;
        let contents = read_export(export)?;
        let hidden = folder.join(".olmix");
        let made_folder = !hidden.exists();
        fs::create_dir_all(&hidden).map_err(|error| IoError::write(&hidden, &error))?;
        let Some(_lock) = FileLock::try_take_folder(&hidden)? else {
            return Err(ProjectError::refused(
                folder,
                "another import into this folder is at work",
                "wait until it has ended, or import into another folder",
            ));
        };
        // Another import may have ended since.
        none_here()?;
        if ledger_path.exists() {
            // As a killed import leaves it, the ledger is whole.
            continues(&ledger_path, &contents)?;
        } else {
            // Made beside its place, so that an export which is not sound leaves nothing.
            let unfinished = hidden.join("importing.sqlite");
            remove(&unfinished);
            if let Err(error) = add_records(export, &contents, &unfinished, now) {
                remove(&unfinished);
                if made_folder {
                    let _ = fs::remove_dir(&hidden);
                }
                return Err(error);
            }
            fs::rename(&unfinished, &ledger_path)
                .map_err(|error| IoError::write(&ledger_path, &error))?;
        }
        StagedFile::new(&config_path, text.as_bytes())?.commit()?;
        Self::open(folder)
    }
}

/// The records of an export with their files' paths, in order, and its tags.
struct Contents {
    records: Vec<(PathBuf, Record)>,
    tags: BTreeMap<String, String>,
}

/// Reads an export. Names in it come from whoever made it: none is taken for a path before it is looked at.
fn read_export(export: &Path) -> Result<Contents, ProjectError> {
    let folder = export.join("records");
    let entries = fs::read_dir(&folder).map_err(|error| IoError::read(&folder, &error))?;
    let mut names: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    names.retain(|path| path.extension().is_some_and(|end| end == "json"));
    names.sort();
    let mut records = Vec::with_capacity(names.len());
    for path in names {
        let record: Record = serde_json::from_slice(&read(&path)?)
            .map_err(|error| changed(&path, &format!("no record: {error}")))?;
        for file in &record.files {
            if !is_kept_name(&file.name) {
                let name: String = file.name.chars().take(60).collect();
                return Err(changed(
                    &path,
                    &format!("it has a file whose name {name:?} can't be that of a file"),
                ));
            }
            if !is_sha256(&file.sha256) {
                let hash: String = file.sha256.chars().take(70).collect();
                return Err(changed(
                    &path,
                    &format!("sha256 {hash:?} of {} is not 64 hex digits", file.name),
                ));
            }
        }
        records.push((path, record));
    }
    let tags = export.join("tags.json");
    let named = serde_json::from_slice(&read(&tags)?)
        .map_err(|error| changed(&tags, &format!("no tags: {error}")))?;
    Ok(Contents {
        records,
        tags: named,
    })
}

/// Refuses a ledger that holds another history than an export.
fn continues(ledger: &Path, contents: &Contents) -> Result<(), ProjectError> {
    let hashes: Vec<String> = Ledger::open_existing(ledger)?
        .records()?
        .into_iter()
        .map(|record| record.hash)
        .collect();
    let expected = contents.records.iter().map(|(_, record)| &record.hash);
    if expected.eq(&hashes) {
        return Ok(());
    }
    Err(ProjectError::refused(
        ledger,
        "there is a history here, of another project",
        "import into another folder",
    ))
}

fn changed(path: &Path, what: &str) -> ProjectError {
    ProjectError::refused(
        path,
        what,
        "the export was changed; export again, or take another copy",
    )
}

/// Adds every record of an export to a new ledger, in order, and checks its hash.
fn add_records(
    export: &Path,
    contents: &Contents,
    ledger: &Path,
    now: i64,
) -> Result<(), ProjectError> {
    let mut into = Ledger::open(ledger)?;
    for (path, record) in &contents.records {
        let mut files = Vec::new();
        for file in &record.files {
            let from = export.join("files").join(&file.sha256);
            let content = read(&from)?;
            if sha256_hex(&content) != file.sha256 {
                return Err(changed(&from, "its content is not what its name says"));
            }
            files.push(NewFile {
                name: file.name.clone(),
                content,
            });
        }
        let new = NewRecord {
            kind: record.kind,
            line: record.line.clone(),
            title: record.title.clone(),
            number: Some(record.number),
            parents: record.parents.iter().map(|id| Parent::Known(*id)).collect(),
            files,
            content: record.content.clone(),
            command: record.command.clone(),
            olmix: record.olmix.clone(),
            cost: record.cost,
            gain: record.gain,
        };
        let added = into.add(&new, record.created)?;
        if added.hash != record.hash || added.id != record.id {
            return Err(changed(path, "its hash is not that of what it says"));
        }
    }
    for (tag, name) in &contents.tags {
        let record = into.record(name)?;
        into.tag(tag, record.id, now)?;
    }
    into.settle()?;
    Ok(())
}

/// Reads a file of an export. Links and devices in it are not followed: they would be read on whose machine it is.
fn read(path: &Path) -> Result<Vec<u8>, ProjectError> {
    let failed = |error| IoError::read(path, &error);
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if !found.is_file() && !found.is_dir() {
        return Err(changed(path, "it is a link or a device, not a file"));
    }
    Ok(fs::read(path).map_err(failed)?)
}

/// Removes an SQLite database with its write-ahead log and shared memory.
fn remove(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", path.display()));
    }
}

fn damaged(ledger: &Path) -> ProjectError {
    ProjectError::refused(
        ledger,
        "a record refers to something that is not there",
        "`olmix verify` says what is damaged; restore a copy",
    )
}

fn pretty(value: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
