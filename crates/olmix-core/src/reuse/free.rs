//! Automatic `PartialMixtureReuse`: which unaffected domains should be free again after an update.
//!
//! Ratios within the frozen domains have to change where an update moves tasks on which the frozen domains
//! act differently: new code makes web pages about code worth less, and leaves cooking and sports as they
//! were to each other. So the coupling *with the update* counts, over tasks `i` and frozen domains `j`,
//!
//! ```text
//! √ Σ_i e_i² Σ_j (A_ij − A_i·p̃)²
//! ```
//!
//! with `e_i` the effect of the update's domains as a group, against the frozen ones in their ratios `p̃`. It
//! differs from `κ` ([`super::Coupling`]) in two ways that make it useful with few runs: what all frozen
//! domains do alike does not count, as no ratio among them could change it; and the update counts by one
//! number per task, which a pilot of a few runs determines, where coefficients of each of its domains are
//! mostly noise.

/// A domain that is worth freeing, as [`choose_free`] finds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Freed {
    /// Its position in the set of `m` domains.
    pub domain: usize,
    /// The coupling of the frozen domains with the update before this one is freed.
    pub before: f64,
    /// The coupling after; less than [`Freed::before`].
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
    /// As many as it takes, while the coupling falls by a tenth each time.
    fn default() -> Self {
        Self {
            most: usize::MAX,
            worth: 0.1,
        }
    }
}

/// Frees domains one after another, each time the one after which the coupling with the update is least:
/// greedy by the fall in coupling per extra run, as each domain costs as many. At least one domain stays
/// frozen.
///
/// `coefficients` has a row of `m` per task; `frozen` says which domains the update leaves alone; `shares`
/// (length `m`) are the ratios of the frozen domains, and of the others those at which they are thought of as
/// a group, such as the prior's. Cost `O(f² n)` for each domain freed, of `f` frozen ones.
#[must_use]
pub fn choose_free(
    coefficients: &[Vec<f64>],
    frozen: &[bool],
    shares: &[f64],
    options: FreeOptions,
) -> Vec<Freed> {
    let mut left: Vec<usize> = (0..frozen.len()).filter(|&j| frozen[j]).collect();
    let others: Vec<usize> = (0..frozen.len()).filter(|&j| !frozen[j]).collect();
    let effects: Vec<f64> = coefficients
        .iter()
        .map(|row| mean(row, &others, shares) - mean(row, &left, shares))
        .collect();
    let coupling = |left: &[usize]| -> f64 {
        let tasks = coefficients.iter().zip(&effects);
        let squares = tasks.map(|(row, effect)| {
            let mean = mean(row, left, shares);
            let spread: f64 = left.iter().map(|&j| (row[j] - mean).powi(2)).sum();
            effect * effect * spread
        });
        squares.sum::<f64>().sqrt()
    };
    let mut freed = Vec::new();
    let mut now = coupling(&left);
    while freed.len() < options.most && left.len() > 1 {
        let without = |at: usize| {
            let mut left = left.clone();
            left.remove(at);
            coupling(&left)
        };
        let best = (0..left.len())
            .map(|at| (without(at), at))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((after, at)) = best.filter(|(after, _)| *after < (1.0 - options.worth) * now)
        else {
            break;
        };
        freed.push(Freed {
            domain: left.remove(at),
            before: now,
            after,
        });
        now = after;
    }
    freed
}

/// The mean of a row over some domains, by their shares; a plain mean where they have none.
fn mean(row: &[f64], domains: &[usize], shares: &[f64]) -> f64 {
    let sum: f64 = domains.iter().map(|&j| shares[j]).sum();
    if sum > 0.0 {
        domains.iter().map(|&j| shares[j] * row[j]).sum::<f64>() / sum
    } else {
        domains.iter().map(|&j| row[j]).sum::<f64>() / domains.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choose_free_frees_the_domain_that_acts_on_the_tasks_of_the_update_and_no_more_than_allowed()
    {
        // Two tasks of prose, one of code; the last domain is new code.
        let rows = vec![
            vec![-1.0, -0.9, -1.1, -0.3, -0.5],
            vec![-0.8, -1.0, -0.9, -0.2, -0.4],
            vec![0.1, 0.2, 0.1, -6.0, -9.0],
        ];
        let frozen = [true, true, true, true, false];
        let shares = [0.3, 0.3, 0.2, 0.1, 0.1];
        let free = |options| choose_free(&rows, &frozen, &shares, options);
        let freed = free(FreeOptions::default());
        assert_eq!(freed.iter().map(|f| f.domain).collect::<Vec<_>>()[0], 3);
        assert!(freed[0].after < 0.1 * freed[0].before);
        let one = FreeOptions {
            most: 1,
            ..FreeOptions::default()
        };
        assert_eq!(free(one).len(), 1);
        assert!(
            free(FreeOptions {
                most: 0,
                worth: 0.2
            })
            .is_empty()
        );
    }

    #[test]
    fn choose_free_takes_the_first_of_equally_coupled_domains_and_keeps_one_frozen() {
        // The first two frozen domains are alike, and unlike the third.
        let rows = vec![vec![-4.0, -4.0, 0.0, -2.0]];
        let frozen = [true, true, true, false];
        let shares = [0.25, 0.25, 0.4, 0.1];
        let options = FreeOptions {
            most: usize::MAX,
            worth: 0.0,
        };
        let freed = choose_free(&rows, &frozen, &shares, options);
        let order: Vec<usize> = freed.iter().map(|f| f.domain).collect();
        assert_eq!(order, [2], "the two that stay differ in nothing");
        let rows = vec![vec![-4.0, 4.0, 0.0, -2.0]];
        let even = [0.3, 0.3, 0.3, 0.1];
        let one = FreeOptions {
            most: 1,
            ..FreeOptions::default()
        };
        assert_eq!(choose_free(&rows, &frozen, &even, one)[0].domain, 0);
        let single = choose_free(&rows, &[true, false, false, false], &even, options);
        assert_eq!(single, []);
    }
}
