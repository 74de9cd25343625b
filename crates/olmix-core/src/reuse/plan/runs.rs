//! How many runs a swarm has, and which mixture its draws are centred on.

/// How a number of runs becomes whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// The next whole number: what `olmix plan` does. Never fewer runs than were asked for.
    #[default]
    Up,
    /// The nearest power of two, the smaller of two as near, and at least 4: the numbers of runs of the
    /// paper's case study.
    PowerOfTwo,
}

/// The rule for the size of a swarm: `c (d + 1)` runs over `d` domains (Olmix, section 3.2), a virtual domain
/// as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunRule {
    /// `c`, runs per domain: above 0, 3 by default in a project.
    pub per_domain: f64,
    /// How `c (d + 1)` becomes whole.
    pub rounding: Rounding,
}

/// The smallest swarm under [`Rounding::PowerOfTwo`].
const SMALLEST_POWER: usize = 4;

impl RunRule {
    /// The rule of `olmix plan`: `c (d + 1)`, rounded up.
    #[must_use]
    pub fn new(per_domain: f64) -> Self {
        Self {
            per_domain,
            rounding: Rounding::Up,
        }
    }

    /// Runs of a swarm that samples `domains` domains.
    #[must_use]
    pub fn runs(self, domains: usize) -> usize {
        let wanted = self.per_domain * (domains + 1) as f64;
        match self.rounding {
            Rounding::Up => wanted.ceil() as usize,
            Rounding::PowerOfTwo => {
                let below = 2_f64.powf(wanted.log2().floor());
                let nearest = if wanted - below <= 2.0 * below - wanted {
                    below
                } else {
                    2.0 * below
                };
                (nearest as usize).max(SMALLEST_POWER)
            }
        }
    }

    /// New runs beside `old_runs` earlier ones, in one law over all `m` domains: as many as full reuse trains
    /// for `affected` domains, and enough that old and new runs together are `m + 2`.
    #[must_use]
    pub fn runs_beside(self, old_runs: usize, affected: usize, m: usize) -> usize {
        self.runs(affected + 1)
            .max((m + 2).saturating_sub(old_runs))
    }

    /// Domains that can be freed beyond the `affected` ones within a budget of runs; no limit without one.
    #[must_use]
    pub fn affordable_frees(self, affected: usize, budget: Option<usize>) -> usize {
        let needed = self.runs(affected + 1);
        budget.map_or(usize::MAX, |budget| {
            (budget.saturating_sub(needed) as f64 / self.per_domain) as usize
        })
    }
}

/// Draws for each run of a designed swarm. With 5 and with 20 draws the study of reuse found the same gains
/// (`docs/study-reuse.md`); with 40 a design consists of extremes.
pub const CANDIDATES_PER_RUN: usize = 10;

/// New domains are drawn around this share together at least, as in the swarm of the paper's last update:
/// beside all that was there before, they would hardly be sampled.
const LEAST_NEW_SHARE: f64 = 0.3;
/// Of its equal part of that share, each new domain has this fraction at least, so that some run samples it.
const LEAST_FRACTION_OF_EQUAL: f64 = 0.1;

/// The mixture that the draws of a swarm are centred on: the prior, with the new domains raised where they
/// are small.
///
/// `prior` (length `m`) sums to 1; `is_new[j]` says that no earlier swarm knows domain `j` as it is. The
/// result sums to 1. The prior comes back unchanged where no domain is new, where all are, and where the new
/// ones have no weight.
///
/// # Panics
/// When the lengths differ.
#[must_use]
pub fn sampling_center(prior: &[f64], is_new: &[bool]) -> Vec<f64> {
    assert_eq!(prior.len(), is_new.len(), "one flag per domain");
    let new_weight = |weights: &[f64]| -> f64 {
        let new = weights.iter().zip(is_new).filter(|(_, new)| **new);
        new.map(|(weight, _)| weight).sum()
    };
    let mut center = prior.to_vec();
    let count = is_new.iter().filter(|new| **new).count();
    let share = new_weight(prior);
    if count == 0 || count == prior.len() || share <= 0.0 {
        return center;
    }
    let together = share.max(LEAST_NEW_SHARE);
    let least = LEAST_FRACTION_OF_EQUAL * share / count as f64;
    for (weight, _) in center.iter_mut().zip(is_new).filter(|(_, new)| **new) {
        *weight = weight.max(least);
    }
    let raised = new_weight(&center);
    for (weight, new) in center.iter_mut().zip(is_new) {
        *weight *= if *new {
            together / raised
        } else {
            (1.0 - together) / (1.0 - share)
        };
    }
    center
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_rule_rounds_up_to_the_runs_of_a_plan() {
        let rule = RunRule::new(3.0);
        assert_eq!([24, 39, 64].map(|d| rule.runs(d)), [75, 120, 195]);
        assert_eq!(RunRule::new(2.5).runs(2), 8);
        assert_eq!(RunRule::new(0.5).runs(0), 1);
    }

    #[test]
    fn run_rule_by_powers_of_two_gives_the_runs_of_the_paper() {
        let rule = RunRule {
            per_domain: 3.0,
            rounding: Rounding::PowerOfTwo,
        };
        let full = [24, 39, 45, 45, 44, 64].map(|m| rule.runs(m));
        assert_eq!(full, [64, 128, 128, 128, 128, 256]);
        let reuse = [24, 16, 7, 2, 22].map(|m| rule.runs(m));
        assert_eq!(reuse, [64, 64, 16, 8, 64]);
        // As near to 32 as to 64: the smaller one. And never fewer than 4.
        assert_eq!(rule.runs(15), 32);
        assert_eq!(rule.runs(0), 4);
    }

    #[test]
    fn runs_beside_old_ones_are_those_of_full_reuse_and_determine_a_law() {
        let rule = RunRule::new(1.0);
        // Enough old runs: as many as full reuse over two new domains and one virtual domain.
        assert_eq!(rule.runs_beside(50, 2, 20), 4);
        // Few old runs: 22 for a law over 20 domains.
        assert_eq!(rule.runs_beside(5, 2, 20), 17);
        assert_eq!(rule.runs_beside(0, 2, 20), 22);
    }

    #[test]
    fn affordable_frees_are_what_a_budget_leaves_for_further_domains() {
        let rule = RunRule::new(3.0);
        assert_eq!(rule.affordable_frees(2, None), usize::MAX);
        // 12 runs are needed for two domains and the virtual one; each further domain takes 3.
        assert_eq!(rule.affordable_frees(2, Some(20)), 2);
        assert_eq!(rule.affordable_frees(2, Some(12)), 0);
        assert_eq!(rule.affordable_frees(2, Some(5)), 0);
    }

    #[test]
    fn sampling_center_raises_small_new_domains_and_leaves_all_else_alone() {
        let prior = [0.6, 0.39, 0.0001, 0.0099];
        let center = sampling_center(&prior, &[false, false, true, true]);
        assert!((center.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((center[2] + center[3] - 0.3).abs() < 1e-12, "{center:?}");
        // A tenth of an equal part of the new domains' weight, before they are raised together.
        assert!((center[2] / center[3] - 0.0005 / 0.0099).abs() < 1e-12);
        assert!((center[0] / center[1] - 0.6 / 0.39).abs() < 1e-12);
        let large = [0.5, 0.5];
        assert_eq!(sampling_center(&large, &[false, true]), large);
        assert_eq!(sampling_center(&prior, &[false; 4]), prior);
        assert_eq!(sampling_center(&prior, &[true; 4]), prior);
        assert_eq!(sampling_center(&[1.0, 0.0], &[false, true]), [1.0, 0.0]);
    }
}
