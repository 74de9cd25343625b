//! Drawing a swarm by a design, and what its runs will be worth.

use super::design::{Design, d_optimal, prediction_errors, region, v_optimal, with_region};
use super::regret::{ExpectedRegret, RegretProblem, expected_regret};
use super::sampler::{Rejections, Sampler};
use super::{features, log_determinant};
use crate::CoreError;

/// How many mixtures, and by which design.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawOptions<'a> {
    /// Mixtures asked for.
    pub count: usize,
    /// How they are chosen.
    pub design: Design,
    /// Draws that an optimal design chooses from, at least `count`.
    pub candidates: usize,
    /// Draws per mixture before the search is given up.
    pub draws_each: usize,
    /// The greatest weights that the solve may propose, of each leaf; length `m`.
    pub solve_caps: Option<&'a [f64]>,
}

/// A swarm that was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The mixtures; fewer than asked for where too many draws were rejected.
    pub mixtures: Vec<Vec<f64>>,
    /// Why draws were rejected.
    pub rejections: Rejections,
    /// What numbers of runs buy, ascending: the standard error of a law's predictions where a solve
    /// may propose from, in units of one run's noise. With [`SamplerOptions::existing`] runs (which are in
    /// these fits), from none on. Empty where that would cost more than the swarm.
    ///
    /// [`SamplerOptions::existing`]: super::SamplerOptions::existing
    pub worth: Vec<(usize, f64)>,
    /// How far above the best the mixture that will be solved for is expected to be, by the numbers of
    /// runs of [`Drawn::worth`]; without those that are too few for a law.
    pub regret: Vec<ExpectedRegret>,
    /// Log-determinant of the information, less that of as many random draws; for optimal designs.
    pub information_gained: Option<f64>,
}

impl Drawn {
    /// Mixtures of which nothing else is known than why others were rejected.
    #[must_use]
    pub fn only(mixtures: Vec<Vec<f64>>, rejections: Rejections) -> Self {
        Self {
            mixtures,
            rejections,
            worth: Vec::new(),
            regret: Vec::new(),
            information_gained: None,
        }
    }
}

/// Weights in a swarm up to which its worth is computed for other numbers of runs too.
const WORTH_LIMIT: usize = 500_000;

/// Each swarm with the runs that there are already.
fn beside<'a>(begun: &'a [Vec<f64>], swarms: &[Vec<&'a Vec<f64>>]) -> Vec<Vec<&'a [f64]>> {
    let all = |swarm: &Vec<&'a Vec<f64>>| {
        let drawn = swarm.iter().map(|p| p.as_slice());
        begun.iter().map(Vec::as_slice).chain(drawn).collect()
    };
    swarms.iter().map(all).collect()
}

/// How often the `progress` of [`draw_swarm`] is called, for a swarm over `m` domains.
#[must_use]
pub fn steps(options: &DrawOptions<'_>, m: usize) -> usize {
    let count = options.count;
    match options.design {
        Design::Random | Design::Maximin => 0,
        _ if count * m <= WORTH_LIMIT => count / 2 + count + 2 * count,
        _ => count,
    }
}

/// Draws a swarm, which an optimal design chooses to go with the existing runs of the sampler's options.
/// Deterministic, on any number of threads.
///
/// `progress` is called once for each mixture that an optimal design has chosen, [`steps`] times in
/// all.
///
/// # Errors
/// [`CoreError::Infeasible`] when no mixture meets `solve_caps`.
pub fn draw_swarm(
    sampler: &Sampler<'_>,
    options: &DrawOptions<'_>,
    progress: &dyn Fn(),
) -> Result<Drawn, CoreError> {
    let DrawOptions { count, design, .. } = *options;
    let settings = sampler.options();
    let temperatures = (settings.sources.temperature, settings.topics.temperature);
    let weights = count * sampler.tree().domains().len();
    let (tree, caps) = (sampler.tree(), options.solve_caps);
    // Other designs draw it when the swarm is there, a part at a time.
    let held = if design == Design::VOptimal {
        region(tree, temperatures, caps, settings.seed)?
    } else if weights <= WORTH_LIMIT {
        with_region(tree, temperatures, caps, settings.seed, |_, _| Vec::new())?
    } else {
        Vec::new()
    };
    let most = |count: usize| count.saturating_mul(options.draws_each);
    let begun = settings.existing.as_slice();
    // Half as many runs, as many, and twice as many; beside others, none too.
    let mut sizes = vec![count / 2, count, 2 * count];
    sizes.extend((!begun.is_empty()).then_some(0));
    sizes.sort_unstable();
    sizes.dedup();
    sizes.retain(|&size| size > 0 || !begun.is_empty());
    let (pool, rejections) = match design {
        Design::Maximin => sampler.spread(count, settings.seed),
        Design::Random if weights <= WORTH_LIMIT => {
            let (mut pool, rejections) = sampler.distinct(count, most(count));
            if pool.len() == count {
                // A larger swarm begins with the smaller one.
                pool = sampler.distinct(2 * count, most(2 * count)).0;
            }
            (pool, rejections)
        }
        Design::Random => sampler.distinct(count, most(count)),
        Design::DOptimal | Design::VOptimal => {
            let candidates = options.candidates.max(count);
            sampler.distinct(candidates, most(candidates))
        }
    };
    let choose = |count: usize, progress: &dyn Fn()| -> Vec<usize> {
        match design {
            Design::DOptimal => d_optimal(&pool, begun, count, progress),
            Design::VOptimal => v_optimal(&pool, begun, &held, count, progress),
            Design::Random | Design::Maximin => (0..count.min(pool.len())).collect(),
        }
    };
    let chosen = choose(count, progress);
    let of = |places: &[usize]| -> Vec<&Vec<f64>> { places.iter().map(|&k| &pool[k]).collect() };
    let with_begun = |places: &[usize]| -> Vec<&Vec<f64>> {
        let chosen = places.iter().map(|&k| &pool[k]);
        begun.iter().chain(chosen).collect()
    };
    let mut worth = Vec::new();
    let mut swarms = Vec::new();
    if weights <= WORTH_LIMIT && chosen.len() == count {
        for size in sizes {
            let places = match design {
                _ if size == count => chosen.clone(),
                // A part of a space-filling swarm is none.
                Design::Maximin if size > 0 => continue,
                _ => choose(size, progress),
            };
            if places.len() == size {
                worth.push((size, f64::NAN));
                swarms.push(of(&places));
            }
        }
    }
    if !swarms.is_empty() {
        let all = beside(begun, &swarms);
        let errors = if held.is_empty() {
            with_region(tree, temperatures, caps, settings.seed, |count, draw| {
                prediction_errors(&all, count, draw)
            })?
        } else {
            prediction_errors(&all, held.len(), &|k| held[k].clone())
        };
        for (worth, error) in worth.iter_mut().zip(errors) {
            worth.1 = error;
        }
    }
    let problem = RegretProblem {
        domains: sampler.tree().domains(),
        prior: &sampler.center(),
        caps: options.solve_caps,
        earlier: begun,
        earlier_weights: &[],
        seed: settings.seed,
    };
    // Caps that leave no mixture were refused with the region; a swarm is there without this number too.
    let regret = expected_regret(&problem, &swarms).unwrap_or_default();
    let optimal = matches!(design, Design::DOptimal | Design::VOptimal);
    let information_gained = (optimal && chosen.len() == count).then(|| {
        let random: Vec<usize> = (0..count).collect();
        let of = |places: &[usize]| log_determinant(&features(&with_begun(places)));
        of(&chosen) - of(&random)
    });
    Ok(Drawn {
        mixtures: chosen.into_iter().map(|k| pool[k].clone()).collect(),
        rejections,
        worth,
        regret,
        information_gained,
    })
}
