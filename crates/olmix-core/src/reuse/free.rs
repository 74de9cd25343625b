//! Automatic PartialMixtureReuse: which unaffected domains should be free again after an update.

use super::Coupling;

/// A domain that is worth freeing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Freed {
    /// Its position.
    pub domain: usize,
    /// The coupling before it is freed.
    pub before: f64,
    /// The coupling after.
    pub after: f64,
}

/// When freeing stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FreeOptions {
    /// Domains to free at most: each costs the runs of one more domain.
    pub most: usize,
    /// The share by which the coupling has to fall for a domain to be worth its runs.
    pub worth: f64,
}

impl Default for FreeOptions {
    /// As many as it takes, while the coupling falls by a sixth each time.
    fn default() -> Self {
        Self {
            most: usize::MAX,
            worth: 1.0 / 6.0,
        }
    }
}

/// Frees domains one after another, each time the one after which the coupling is least: greedy by the fall in
/// coupling per extra run, as each domain costs as many. At least one domain stays frozen.
///
/// `coefficients` has a row of `m` per task; `frozen` says which domains the update leaves alone. What an update
/// touches is not frozen, so that its domains' coefficients count in the coupling: a frozen domain that acts on the
/// same tasks as they do is freed first. Cost `O(f n m)` for each domain freed, of `f` frozen ones.
#[must_use]
pub fn choose_free(coefficients: &[Vec<f64>], frozen: &[bool], options: FreeOptions) -> Vec<Freed> {
    let mut frozen = frozen.to_vec();
    let mut freed = Vec::new();
    let mut now = Coupling::new(coefficients, &frozen).kappa;
    while freed.len() < options.most && frozen.iter().filter(|f| **f).count() > 1 {
        let without = |j: usize| {
            let mut frozen = frozen.clone();
            frozen[j] = false;
            Coupling::new(coefficients, &frozen).kappa
        };
        let candidates = (0..frozen.len()).filter(|&j| frozen[j]);
        let best = candidates
            .map(|j| (without(j), j))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((after, domain)) = best else { break };
        if !(after <= (1.0 - options.worth) * now) {
            break;
        }
        freed.push(Freed {
            domain,
            before: now,
            after,
        });
        frozen[domain] = false;
        now = after;
    }
    freed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_that_acts_on_the_tasks_of_the_update_is_freed_and_no_other() {
        // Two tasks of prose, one of code; the last domain is new code.
        let rows = vec![
            vec![-1.0, -0.9, -1.1, -0.3, 0.1],
            vec![-0.8, -1.0, -0.9, -0.2, 0.2],
            vec![0.1, 0.2, 0.1, -6.0, -9.0],
        ];
        let frozen = [true, true, true, true, false];
        let freed = choose_free(&rows, &frozen, FreeOptions::default());
        assert_eq!(freed.iter().map(|f| f.domain).collect::<Vec<_>>(), [3]);
        assert!(freed[0].after < 0.3 * freed[0].before);
        let none = FreeOptions {
            most: 0,
            ..FreeOptions::default()
        };
        assert!(choose_free(&rows, &frozen, none).is_empty());
    }
}
