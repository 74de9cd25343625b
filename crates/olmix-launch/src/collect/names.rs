//! Names that trackers allow and that no table, script or configuration can hold: with line breaks or control
//! characters.

use std::collections::BTreeSet;

use olmix_io::names::{escaped, has_control};

use super::run::{Cure, LeftOut, Mixture, SourceRuns};
use super::usable::listed;

/// Leaves out runs and metrics with such names, and runs of such domains; all are named with their characters
/// escaped.
pub(super) fn leave_out(found: &mut SourceRuns) {
    for run in &mut found.left_out {
        run.name = escaped(&run.name);
    }
    let mut metrics = BTreeSet::new();
    let mut runs = Vec::with_capacity(found.runs.len());
    for mut run in std::mem::take(&mut found.runs) {
        run.values.retain(|name, _| {
            if has_control(name) {
                metrics.insert(escaped(name));
            }
            !has_control(name)
        });
        let domain = run.mixture.as_ref().and_then(odd);
        let why = if has_control(&run.name) {
            "its name has a line break or control character: rename it in its tracker".to_owned()
        } else if let Some(domain) = domain {
            of_domain(&domain)
        } else {
            if let Ok(Some(mixture)) = &run.configured
                && let Some(domain) = odd(mixture)
            {
                run.configured = Err(of_domain(&domain));
            }
            runs.push(run);
            continue;
        };
        found.left_out.push(LeftOut {
            name: escaped(&run.name),
            why,
            cure: Cure::Unknown,
        });
    }
    found.runs = runs;
    if !metrics.is_empty() {
        found.notices.push(format!(
            "metrics whose names have a line break or control character are left out: {}",
            listed(metrics.iter())
        ));
    }
}

/// A domain of a mixture whose name can't be written.
fn odd(mixture: &Mixture) -> Option<String> {
    let found = mixture.iter().find(|(name, _)| has_control(name));
    found.map(|(name, _)| escaped(name))
}

fn of_domain(name: &str) -> String {
    format!("its mixture has a domain `{name}`, whose name has a line break or control character")
}
