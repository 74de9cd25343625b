//! Where the records of runs and submissions are, and how results come to the launcher's folder.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use olmix_io::EngineConfig;

use super::submission::{SUBMISSIONS, Site, submission_folder};
use crate::LaunchError;
use crate::object_store::{self, Storage};
use crate::protocol::{Job, MIXTURE_FILE, RECORDS_FOLDER, RecordStore, end_file};
use crate::run::log;

/// What of a run is downloaded from a store, besides its metrics and records. Checkpoints and models stay
/// there.
const DOWNLOADED_FILES: [&str; 6] = [
    log::FILE,
    MIXTURE_FILE,
    "metrics.json",
    "metrics.jsonl",
    "evaluations.jsonl",
    "run.json",
];

/// The folder in a system's temporary one that runs work in where none is named: of each user their own.
const SCRATCH: &str = "/tmp/olmix";

/// Makes the folder of a user's own under the system's temporary one, where a run's folder on a node is in
/// that: others must not be able to put anything there beforehand.
///
/// # Errors
/// [`LaunchError::Refused`] for one that is not this user's alone.
pub fn make_scratch(folder: &Path) -> Result<(), LaunchError> {
    let start = format!("{SCRATCH}-");
    let own = |path: &&Path| {
        let text = path.to_str().and_then(|text| text.strip_prefix(&start));
        text.is_some_and(|rest| !rest.contains('/'))
    };
    folder.ancestors().find(own).map_or(Ok(()), make_private)
}

fn make_private(folder: &Path) -> Result<(), LaunchError> {
    let refused = |what: String| {
        LaunchError::refused(
            format!("{}: {what}", folder.display()),
            "remove it, or set engine.scratch to a folder of your own on the nodes",
        )
    };
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(refused(format!("can't be made: {error}"))),
    }
    let found = fs::symlink_metadata(folder).map_err(|error| refused(error.to_string()))?;
    if !found.is_dir() {
        return Err(refused("is no folder".into()));
    }
    if found.uid() != nix::unistd::geteuid().as_raw() || found.mode() & 0o022 != 0 {
        return Err(refused(
            "is not this user's alone, and runs would work in it".into(),
        ));
    }
    Ok(())
}

impl Site {
    /// Where a run's records are.
    pub(super) fn record_store(&self, job: &Job) -> RecordStore {
        match &self.storage {
            Some(storage) => RecordStore::Store(storage.subfolder(&job.name)),
            None => RecordStore::Folder(job.folder.clone()),
        }
    }

    /// Where orders and the answers of probes are.
    pub(super) fn submission_store(&self, token: &str) -> RecordStore {
        match &self.storage {
            Some(storage) => RecordStore::Store(submission_in(storage, token)),
            None => RecordStore::Folder(submission_folder(&self.out, token)),
        }
    }

    /// What a node left about its run's end; with a store, an error is that it does not answer.
    pub(super) fn end_record(
        &self,
        job: &Job,
        ticket: &str,
    ) -> Result<Option<Vec<u8>>, LaunchError> {
        let found = self.record_store(job).get(&end_file(ticket));
        match &self.storage {
            Some(_) => found,
            None => Ok(found.unwrap_or_default()),
        }
    }

    /// Downloads what is small of a run's results to its folder here; nothing to do on a shared filesystem.
    ///
    /// # Errors
    /// [`LaunchError`] when the store does not answer; what was downloaded before stays.
    pub(super) fn download_results(&self, job: &Job) -> Result<(), LaunchError> {
        let Some(storage) = &self.storage else {
            return Ok(());
        };
        let storage = storage.subfolder(&job.name);
        let metrics = job.metrics.strip_prefix(&job.folder);
        let metrics = metrics.ok().and_then(Path::to_str).unwrap_or_default();
        let records = format!("{RECORDS_FOLDER}/");
        let listed = storage.list()?;
        if !metrics.is_empty() && !listed.iter().any(|name| name == metrics) {
            // Those of an earlier attempt are not this one's.
            let _ = fs::remove_file(&job.metrics);
        }
        for name in listed {
            if DOWNLOADED_FILES.contains(&name.as_str())
                || name == metrics
                || name.starts_with(&records)
            {
                storage.download(&name, &job.folder.join(&name))?;
            }
        }
        Ok(())
    }
}

/// The folder of a submission in a store.
fn submission_in(storage: &Storage, token: &str) -> Storage {
    storage.subfolder(&format!("{SUBMISSIONS}/{token}"))
}

/// The store that an engine's section names, if it does.
///
/// # Errors
/// [`LaunchError::Refused`] for one that can't be used.
pub fn storage(settings: &EngineConfig) -> Result<Option<Storage>, LaunchError> {
    let url = settings.storage.as_deref();
    url.map(|url| Storage::open(url, object_store::LAUNCHER_TIMEOUT))
        .transpose()
}

/// The folder on a node that a swarm's runs work in, where they are kept in a store.
///
/// # Errors
/// [`LaunchError::Refused`] for one that is not absolute.
pub fn scratch(settings: &EngineConfig) -> Result<Option<PathBuf>, LaunchError> {
    const PART: usize = 12;
    let Some(url) = &settings.storage else {
        return Ok(None);
    };
    let folder = match &settings.scratch {
        Some(folder) if !folder.starts_with('/') => {
            return Err(LaunchError::refused(
                format!("engine.scratch is {folder}, which nodes can't know"),
                "give an absolute path, such as /tmp or a local disk of the nodes",
            ));
        }
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(format!("{SCRATCH}-{}", nix::unistd::geteuid())),
    };
    let own = olmix_io::sha256_hex(url.trim_end_matches('/').as_bytes());
    Ok(Some(folder.join(&own[..PART])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_scratch_folder_that_others_may_write_to_or_that_is_a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        make_private(&at("new")).unwrap();
        make_private(&at("new")).unwrap();
        let mode = fs::metadata(at("new")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::set_permissions(at("new"), fs::Permissions::from_mode(0o777)).unwrap();
        symlink(at("elsewhere"), at("link")).unwrap();
        fs::write(at("file"), "").unwrap();
        for (name, expected) in [
            ("new", "is not this user's alone"),
            ("link", "is no folder"),
            ("file", "is no folder"),
        ] {
            let message = make_private(&at(name)).unwrap_err().to_string();
            assert!(
                message.contains(expected) && message.contains("engine.scratch"),
                "{message}"
            );
        }
        // A folder that the config names is the user's to choose.
        make_scratch(&at("link/0123456789ab/run-1")).unwrap();
    }
}
