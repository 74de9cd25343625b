//! Averages of laws: weights by errors for runs that the laws were not fitted to.
//!
//! The weights minimize the mean squared error of the average loss of the weighted average, half of it in random folds and
//! half in the regions held out, over the simplex. They are chosen from the errors that they are judged by, so an average is
//! judged by weights that were chosen without the errors that it is judged by.

use super::choice::{CandidateScore, TIE, both, root_mean_square};
use crate::law::LawOptions;

/// An average of laws that is better than the best single one.
#[derive(Debug, Clone, PartialEq)]
pub struct Stacked {
    /// The average.
    pub options: LawOptions,
    /// RMSE of the average loss in random folds, the weights chosen anew for each fold from the other folds and the regions.
    pub folds: f64,
    /// The root of the mean of its square and of the squared error in regions, for which the weights are chosen by the folds.
    pub error: f64,
}

/// Laws in an average at most.
const MOST: usize = 4;
/// Laws whose error is this many times that of the chosen one are no part of it: weights are chosen from few runs, and
/// would take from a law that is far off elsewhere what it has right by chance.
const FAR: f64 = 1.3;
/// Weights below this are no part of it.
const LEAST: f64 = 0.05;
/// Rounds of the descent along pairs of weights, and the change that ends it.
const ROUNDS: usize = 1000;
const PRECISION: f64 = 1e-10;

/// The best average of the laws that were tried, where its error is below that of the `chosen` one by more than [`TIE`], and
/// `None` elsewhere: then the simpler single law is as good. Costs no fit.
#[must_use]
pub fn stack(tried: &[CandidateScore], chosen: &LawOptions) -> Option<Stacked> {
    let known = tried.iter().find(|tried| tried.options == *chosen)?;
    let regions = known.regions.is_some();
    let usable = |tried: &&CandidateScore| {
        let of_regions = tried.regions.iter().flat_map(|regions| &regions.errors);
        let errors = tried.errors.iter().chain(of_regions);
        let close = tried.error() <= FAR * known.error();
        close && tried.regions.is_some() == regions && errors.copied().all(f64::is_finite)
    };
    let tried: Vec<&CandidateScore> = tried.iter().filter(usable).collect();
    let fold_of = &known.fold_of;
    let of_folds = |keep: &dyn Fn(usize) -> bool| -> Vec<Vec<f64>> {
        let errors = |tried: &&CandidateScore| {
            let errors = tried.errors.iter().zip(fold_of);
            errors
                .filter(|(_, fold)| keep(**fold))
                .map(|(e, _)| *e)
                .collect()
        };
        tried.iter().map(errors).collect()
    };
    let of_regions: Vec<Vec<f64>> = tried
        .iter()
        .map(|tried| {
            tried
                .regions
                .as_ref()
                .map_or_else(Vec::new, |r| r.errors.clone())
        })
        .collect();
    let all = of_folds(&|_| true);
    let mut weights = few(&[&all, &of_regions]);
    let folds = 1 + fold_of.iter().max()?;
    let mut unseen = Vec::with_capacity(fold_of.len());
    for fold in 0..folds {
        let chosen = few(&[&of_folds(&|other| other != fold), &of_regions]);
        unseen.extend(mixed(&chosen, &of_folds(&|other| other == fold)));
    }
    let in_folds = root_mean_square(unseen.into_iter());
    let in_regions = regions.then(|| {
        let chosen = few(&[&all]);
        root_mean_square(mixed(&chosen, &of_regions).into_iter())
    });
    let error = both(in_folds, in_regions);
    let count = weights.iter().filter(|w| **w > 0.0).count();
    if count < 2 || error > (1.0 - TIE) * known.error() {
        return None;
    }
    let mut order: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= sum);
    Some(Stacked {
        options: LawOptions::Averaged {
            weights: order.iter().map(|&i| weights[i]).collect(),
            laws: order.iter().map(|&i| tried[i].options.clone()).collect(),
        },
        folds: in_folds,
        error,
    })
}

/// Errors of the weighted average, from those of each law.
fn mixed(weights: &[f64], errors: &[Vec<f64>]) -> Vec<f64> {
    let runs = errors.first().map_or(0, Vec::len);
    let of = |run: usize| weights.iter().zip(errors).map(|(w, e)| w * e[run]).sum();
    (0..runs).map(of).collect()
}

/// The best weights of at most [`MOST`] laws, each at least [`LEAST`] or 0.
fn few(parts: &[&Vec<Vec<f64>>]) -> Vec<f64> {
    let count = parts.first().map_or(0, |errors| errors.len());
    let product = |i: usize, j: usize| -> f64 {
        let of = |errors: &&&Vec<Vec<f64>>| {
            let sum: f64 = errors[i].iter().zip(&errors[j]).map(|(a, b)| a * b).sum();
            sum / errors[i].len().max(1) as f64
        };
        parts.iter().map(|errors| of(&errors)).sum()
    };
    let products: Vec<Vec<f64>> = (0..count)
        .map(|i| (0..count).map(|j| product(i, j)).collect())
        .collect();
    let mut among: Vec<usize> = (0..count).collect();
    loop {
        let weights = on_simplex(&products, &among);
        let mut kept: Vec<usize> = among
            .iter()
            .copied()
            .filter(|&i| weights[i] >= LEAST)
            .collect();
        kept.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        kept.truncate(MOST);
        kept.sort_unstable();
        if kept.len() == among.len() || kept.is_empty() {
            return weights;
        }
        among = kept;
    }
}

/// Minimizes `wᵀ G w` over weights of the laws `among` that are at least 0 and sum to 1: a descent that moves weight from one
/// law to another, each time to the minimum along the pair.
fn on_simplex(products: &[Vec<f64>], among: &[usize]) -> Vec<f64> {
    let mut weights = vec![0.0; products.len()];
    let best = among.iter().copied();
    let Some(first) = best.min_by(|&a, &b| products[a][a].total_cmp(&products[b][b])) else {
        return weights;
    };
    weights[first] = 1.0;
    for _ in 0..ROUNDS {
        let mut furthest = 0.0_f64;
        for &i in among {
            for &j in among.iter().filter(|&&j| j != i) {
                let slope: f64 = among
                    .iter()
                    .map(|&k| (products[i][k] - products[j][k]) * weights[k])
                    .sum();
                let bend = products[i][i] - 2.0 * products[i][j] + products[j][j];
                // From j to i; laws with the same errors change nothing.
                if slope < 0.0 && bend > 0.0 {
                    let step = (-slope / bend).min(weights[j]);
                    weights[i] += step;
                    weights[j] -= step;
                    furthest = furthest.max(step);
                }
            }
        }
        if furthest < PRECISION {
            break;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::{LogLinearOptions, SaturatingOptions};

    fn candidate(options: LawOptions, errors: Vec<f64>) -> CandidateScore {
        CandidateScore {
            options,
            average: root_mean_square(errors.iter().copied()),
            tasks: Vec::new(),
            regions: None,
            fold_of: (0..errors.len()).map(|run| run % 5).collect(),
            errors,
        }
    }

    #[test]
    fn weights_on_the_simplex_are_those_of_the_closed_form() {
        // Uncorrelated errors of variances 1 and 4: weights by their inverses, 0.8 and 0.2; the third is left out.
        let products = vec![
            vec![1.0, 0.0, 1.5],
            vec![0.0, 4.0, 4.5],
            vec![1.5, 4.5, 9.0],
        ];
        let weights = on_simplex(&products, &[0, 1, 2]);
        for (found, expected) in weights.iter().zip([0.8, 0.2, 0.0]) {
            assert!((found - expected).abs() < 1e-8, "{weights:?}");
        }
    }

    #[test]
    fn average_of_laws_that_err_apart_is_taken_and_of_laws_that_err_alike_is_not() {
        let a: Vec<f64> = (0..50).map(|k| f64::from(k * 7 % 11) - 5.0).collect();
        let b: Vec<f64> = (0..50).map(|k| f64::from(k * 5 % 13) - 6.0).collect();
        let (first, second) = (
            LawOptions::from(LogLinearOptions::default()),
            LawOptions::from(SaturatingOptions::default()),
        );
        let apart = [
            candidate(first.clone(), a.clone()),
            candidate(second.clone(), b),
        ];
        let stacked = stack(&apart, &first).unwrap();
        assert!(stacked.error < 0.9 * apart[0].error());
        let LawOptions::Averaged { weights, laws } = stacked.options else {
            panic!("no average");
        };
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12 && weights[0] >= weights[1]);
        assert_eq!(laws.len(), 2);
        let alike: Vec<f64> = a.iter().map(|e| 1.01 * e).collect();
        let alike = [candidate(first.clone(), a), candidate(second, alike)];
        assert_eq!(stack(&alike, &first), None);
    }
}
