//! Virtual domains: what is frozen.

use serde::{Deserialize, Serialize};

use crate::{CoreError, Mixture};

/// Several domains whose ratios are fixed, as one domain. As JSON: `{"name": …, "members": [["web", 0.7],
/// …]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VirtualDomain {
    /// The name among the collapsed domains.
    pub name: String,
    /// The domains, and the share of each within the virtual domain, `p̃`; the shares sum to 1.
    pub members: Vec<(String, f64)>,
}

impl VirtualDomain {
    /// Freezes domains at the ratios that a mixture has among them.
    ///
    /// # Errors
    /// [`CoreError::MissingDomain`] for a domain that the mixture does not have; [`CoreError::Infeasible`]
    /// when it gives all of them nothing, so that there are no ratios.
    pub fn frozen(name: &str, domains: &[&str], mixture: &Mixture) -> Result<Self, CoreError> {
        let mut members = Vec::with_capacity(domains.len());
        for &domain in domains {
            let weight = mixture.weight(domain);
            let weight = weight.ok_or_else(|| CoreError::MissingDomain(domain.to_owned()))?;
            members.push((domain.to_owned(), weight));
        }
        let sum: f64 = members.iter().map(|(_, weight)| weight).sum();
        if !(sum > 0.0 && sum.is_finite()) {
            return Err(CoreError::Infeasible(format!(
                "the mixture gives nothing to any of the domains of `{name}`, so that there are no ratios to \
                 keep"
            )));
        }
        members.iter_mut().for_each(|(_, share)| *share /= sum);
        Ok(Self {
            name: name.to_owned(),
            members,
        })
    }
}
