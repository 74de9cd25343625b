//! The block `domains` of an `olmix.yaml`: put in place of the one that is there, with everything around it
//! as it was.

use super::ProjectDomain;

const KEY: &str = "domains:";

/// The text of a project's config with other domains. `version` is their record, such as `domains@3`.
#[must_use]
pub fn with_domains(text: &str, domains: &[ProjectDomain], version: &str) -> String {
    let mut block = format!("{KEY}  # {version}; kept by `olmix update`\n");
    for domain in domains {
        block += &format!("  {}\n", domain.line());
    }
    let mut lines = text.split_inclusive('\n');
    let mut before = String::new();
    for line in lines.by_ref() {
        if line.starts_with(KEY) {
            break;
        }
        before += line;
    }
    if !before.is_empty() && !before.ends_with('\n') {
        before.push('\n');
    }
    // What is indented belongs to the block, and so do empty lines within it.
    let mut empty = String::new();
    let mut after = String::new();
    for line in lines.by_ref() {
        if line.trim().is_empty() {
            empty += line;
        } else if line.starts_with([' ', '\t']) {
            empty.clear();
        } else {
            after = empty.clone() + line;
            break;
        }
    }
    after.extend(lines);
    if text.contains("\r\n") {
        block = block.replace('\n', "\r\n");
    }
    before + &block + &after
}
