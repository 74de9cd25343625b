//! The blend of Megatron-LM and `NeMo`.

use super::{Blend, BlendDomain, Format};

pub(super) static FORMAT: Format = Format {
    name: "megatron",
    help: "the argument of --data-path in Megatron-LM and NeMo",
    extension: "txt",
    names_files: true,
    takes_globs: false,
    text: |blend| Ok(text(blend)),
};

/// A line of weights and prefixes. A domain of several prefixes gives each the same.
fn text(blend: &Blend) -> String {
    let mut words = Vec::new();
    for domain in &blend.domains {
        let n = domain.paths.len().max(1) as u64;
        for (i, path) in domain.paths.iter().enumerate() {
            // The first paths take the remainder of the division.
            let units = domain.billionths / n + u64::from((i as u64) < domain.billionths % n);
            let part = BlendDomain {
                billionths: units,
                ..domain.clone()
            };
            let prefix = path.strip_suffix(".bin").unwrap_or(path);
            words.push(format!("{} {prefix}", part.weight()));
        }
    }
    format!("{}\n", words.join(" "))
}
