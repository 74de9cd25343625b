//! What the constraints that bind cost, in `mixture.json`.

use olmix_core::price::ConstraintPrice;
use olmix_core::{Binding, Fit};
use serde::{Deserialize, Serialize};

use super::Limit;
use super::build::finite;
use crate::swarm::loaded_fit::LoadedFit;

/// What a constraint that binds costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceEntry {
    /// The domain that it bounds; absent for a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The group that it bounds; absent for a domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Which constraint it is.
    pub limit: Limit,
    /// The weight that it bounds at.
    pub bound: f64,
    /// How fast the objective falls when the bound is loosened, loss per unit of weight; null where that is
    /// infinite.
    pub loosening: Option<f64>,
    /// How fast it rises when the bound is tightened; null where no mixture satisfies a tighter one.
    pub tightening: Option<f64>,
    /// The solution with the bound loosened by a little; null where there is none.
    pub loosened: Option<ResolvedEntry>,
    /// The solution without this constraint; null where there is none.
    pub without: Option<ResolvedEntry>,
}

/// A solution under other constraints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedEntry {
    /// The weight that the bound is loosened by; absent where the constraint is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<f64>,
    /// Weighted average of the predicted losses.
    pub predicted: f64,
    /// That loss over the one of the proposed mixture, minus 1.
    pub change: Option<f64>,
}

/// The prices of a fit, the dearest first; `None` for optimizers that know none.
pub(super) fn prices(loaded: &LoadedFit, fit: &Fit) -> Option<Vec<PriceEntry>> {
    let proposal = fit.proposal.as_ref()?;
    let resolved = |by: Option<f64>, predicted: f64| ResolvedEntry {
        by,
        predicted,
        change: finite(predicted / proposal.predicted_average - 1.0),
    };
    let domain = |j: usize| Some(loaded.swarm.domains().name(j).to_owned());
    let group = |g: usize| Some(loaded.spec.constraints.groups[g].name.clone());
    let entry = |price: &ConstraintPrice| {
        let (domain, group, limit) = match price.constraint {
            Binding::Cap(j) => (domain(j), None, Limit::Cap),
            Binding::Upper(j) => (domain(j), None, Limit::Max),
            Binding::Lower(j) => (domain(j), None, Limit::Min),
            Binding::Held(j) => (domain(j), None, Limit::Held),
            Binding::GroupUpper(g) => (None, group(g), Limit::Max),
            Binding::GroupLower(g) => (None, group(g), Limit::Min),
        };
        PriceEntry {
            domain,
            group,
            limit,
            bound: price.bound,
            loosening: finite(price.loosening),
            tightening: price.tightening.and_then(finite),
            loosened: price
                .loosened
                .map(|loosened| resolved(Some(loosened.by), loosened.predicted)),
            without: price.without.map(|predicted| resolved(None, predicted)),
        }
    };
    Some(proposal.prices.as_ref()?.iter().map(entry).collect())
}
