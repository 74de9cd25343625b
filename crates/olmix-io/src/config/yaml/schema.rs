//! The schema of a config, taken from its parser: the keys that it asks for.
//!
//! Parsers ask for every key that they know ([`super::Section::optional`]) and refuse all others, so the keys
//! asked for are exactly those that are accepted. The tests of the documentation compare them with its
//! tables.

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static RECORDED: RefCell<Option<BTreeSet<String>>> = const { RefCell::new(None) };
}

/// Runs `parse` and returns its result with the keys that it asked for, whether or not the document has them,
/// as paths such as `constraints.bounds.code.min`. Positions in lists are left out.
///
/// Only keys asked for on the calling thread are recorded.
///
/// ```
/// use std::path::Path;
///
/// let text = "name: p\ndomains: {web: {tokens: 1000}}\n";
/// let path = Path::new("olmix.yaml");
/// let (project, keys) =
///     olmix_io::yaml::recorded_keys(|| olmix_io::ProjectConfig::parse(path, "olmix.yaml", text));
/// assert!(project.is_ok() && keys.contains("domains.web.tasks") && keys.contains("max_tokens"));
/// ```
pub fn recorded_keys<T>(parse: impl FnOnce() -> T) -> (T, BTreeSet<String>) {
    let outer = RECORDED.replace(Some(BTreeSet::new()));
    let result = parse();
    let keys = RECORDED.replace(outer).unwrap_or_default();
    (result, keys)
}

/// Records a key of the section at `path`, where someone records.
pub(super) fn record(path: &str, key: &str) {
    RECORDED.with_borrow_mut(|recorded| {
        let Some(keys) = recorded else { return };
        let mut full = String::new();
        let mut in_list = false;
        for c in path.chars() {
            match c {
                '[' => in_list = true,
                ']' => in_list = false,
                c if !in_list => full.push(c),
                _ => {}
            }
        }
        if !full.is_empty() {
            full.push('.');
        }
        keys.insert(full + key);
    });
}
