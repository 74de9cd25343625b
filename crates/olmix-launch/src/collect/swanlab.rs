//! Local run folders of `SwanLab`: `swanlog/run-DATE_TIME-ID`.

use std::path::Path;

/// Whether a run's folder is one of these.
pub(super) fn is_run(folder: &Path) -> bool {
    folder.join("files/swanlab-metadata.json").is_file()
}
