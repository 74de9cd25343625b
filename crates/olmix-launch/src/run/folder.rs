//! A run's folder: the names of files in it, and how it is made ready for an attempt.

use std::fs;
use std::io;
use std::path::Path;

use olmix_ledger::PhaseMixture;

use super::log;

/// The file of a run's mixture, as a JSON object of leaves and weights; of a run with phases, of its phases:
/// `{"phases": [{"name": …, "fraction": …, "mix": {leaf: weight}}, …]}`.
pub const MIXTURE_FILE: &str = "mix.json";

/// The subfolder of the records that launcher and node exchange about a run.
pub const RECORDS_FOLDER: &str = "job";

/// Makes the folder of a run as its first command expects it. What an earlier attempt may have left as
/// metrics is removed: metrics are always of the attempt that succeeded. With `fresh`, all else that an
/// earlier attempt left goes too, but for the log and the records.
///
/// # Errors
/// What the operating system said, with the path.
pub fn prepare(
    folder: &Path,
    fresh: bool,
    metrics: &Path,
    mixture: &[(String, f64)],
    phases: &[PhaseMixture],
) -> Result<(), String> {
    let failed = |path: &Path, error: &io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    if fresh {
        // The log goes on, and the records of a cluster's job are of this attempt.
        clear(folder, &[log::FILE, RECORDS_FOLDER]).map_err(|error| failed(folder, &error))?;
    }
    match fs::remove_file(metrics) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed(metrics, &error));
        }
        _ => {}
    }
    let pair = |(leaf, weight): &(String, f64)| (leaf.clone(), (*weight).into());
    let mixture: serde_json::Map<String, serde_json::Value> = mixture.iter().map(pair).collect();
    let content = if phases.is_empty() {
        mixture.into()
    } else {
        serde_json::json!({ "phases": phases })
    };
    let text = serde_json::to_string_pretty(&content).map_err(|error| error.to_string())?;
    olmix_fs::write_whole(&folder.join(MIXTURE_FILE), (text + "\n").as_bytes())
        .map_err(|error| error.to_string())
}

/// Removes what is in a folder, but for the names in `except`.
///
/// # Errors
/// The first thing that can't be removed; what was removed before stays so.
pub fn clear(folder: &Path, except: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if except.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preparing_removes_stale_metrics_and_keeps_a_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let metrics = file("metrics.json");
        for name in ["metrics.json", "checkpoint", log::FILE] {
            fs::write(file(name), "old").unwrap();
        }
        prepare(folder.path(), false, &metrics, &[("web".into(), 0.25)], &[]).unwrap();
        assert!(!metrics.exists());
        assert!(file("checkpoint").exists());
        let mixture = fs::read_to_string(file(MIXTURE_FILE)).unwrap();
        assert_eq!(mixture, "{\n  \"web\": 0.25\n}\n");
    }

    #[test]
    fn preparing_a_fresh_run_keeps_the_log_and_the_records_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::create_dir_all(file("checkpoints/step-1")).unwrap();
        fs::create_dir(file(RECORDS_FOLDER)).unwrap();
        fs::write(file(log::FILE), "old").unwrap();
        prepare(folder.path(), true, &file("metrics.json"), &[], &[]).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [RECORDS_FOLDER, log::FILE, MIXTURE_FILE]);
    }
}
