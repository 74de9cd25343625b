//! The files of a config's domains, as exports take them.

use std::path::Path;

use olmix_data::{Amount, Format, Leaf, LeafFiles, inventory};
use olmix_io::export::{self, DataFile, DomainFiles};
use olmix_io::generation_config::DataConfig;

/// Lists and measures the files of the domains that `is_needed` says yes to, given a domain and its paths. A
/// domain whose files can't be seen says why in its place. Relative paths start at `folder`.
///
/// # Errors
/// A sentence, for a format that is not known and for a file of two domains.
pub fn domain_files(
    data: &DataConfig,
    folder: &Path,
    is_needed: impl Fn(&str, &[String]) -> bool,
) -> Result<Vec<DomainFiles>, String> {
    let leaves = data
        .leaf_paths(&Format::ALL)
        .map_err(|error| error.to_string())?;
    let leaves = leaves
        .into_iter()
        .filter(|(name, paths, _)| is_needed(name, paths));
    let leaf = |(name, paths, format)| Leaf {
        name,
        paths,
        format,
    };
    let leaves: Vec<Leaf> = leaves.map(leaf).collect();
    if leaves.is_empty() {
        return Ok(Vec::new());
    }
    let listed = inventory(&leaves, data.dtype.bytes(), folder, data.allow_shared_files);
    let listed = listed.map_err(|error| format!("{}: {error}", data.file))?;
    let file = |file: olmix_data::DataFile| DataFile {
        path: file.path,
        kind: file.kind.to_owned(),
        amount: match file.amount {
            Amount::Tokens(n) => export::Amount::Tokens(n as f64),
            Amount::Samples(n) => export::Amount::Samples(n as f64),
            Amount::Text(n) => export::Amount::Text(n as f64),
        },
    };
    let files = |leaf: LeafFiles| DomainFiles {
        name: leaf.name,
        files: leaf
            .files
            .map(|files| files.into_iter().map(file).collect()),
    };
    Ok(listed.into_iter().map(files).collect())
}
