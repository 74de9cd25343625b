//! Which mixtures to train, told by the mixtures alone?
//!
//! A design chooses among four fifths of the measured runs, by their mixtures only. Laws are fitted
//! to the runs it chose and propose a mixture; saturating laws of the runs that it did not choose
//! judge it, and the mixture that laws of all runs propose.

use rand::seq::SliceRandom;

use super::{Cell, Study};
use crate::generate::{Node, Tree, d_optimal, farthest, region, v_optimal};
use crate::law::{FittedLaw, LawOptions, SaturatingOptions, average_loss};
use crate::random::{Purpose, generator};
use crate::{CoreError, DomainSet, Swarm};

const DESIGNS: [&str; 4] = ["random", "maximin", "d_optimal", "v_optimal"];
/// Runs chosen, in units of `m + 1`.
const C: [f64; 5] = [1.0, 1.5, 2.0, 3.0, 4.0];
/// The share of the runs that a design chooses from.
const POOL: f64 = 0.8;
/// At least this share of the runs is left to judge by.
const LEFT: f64 = 0.4;

pub(super) fn settings(study: &Study<'_>) -> Vec<Vec<String>> {
    let (runs, m) = (study.swarm.len() as f64, study.swarm.domains().len() as f64);
    let sizes = C.iter().map(|c| (c * (m + 1.0)).ceil());
    let sizes: Vec<f64> = sizes.filter(|k| *k <= (1.0 - LEFT) * runs).collect();
    let mut settings = Vec::new();
    for design in DESIGNS {
        settings.extend(sizes.iter().map(|k| vec![design.to_owned(), k.to_string()]));
    }
    settings
}

pub(super) fn run(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let Ok(count) = cell.keys[1].parse::<usize>() else {
        return Err(CoreError::Unsupported("a cell of another study".into()));
    };
    let swarm = study.swarm;
    let prior = study.spec.prior.weights();
    let mut pool: Vec<usize> = (0..swarm.len()).collect();
    pool.shuffle(&mut generator(cell.seed, Purpose::Study, 4_000_000));
    pool.truncate((POOL * swarm.len() as f64) as usize);
    let mixtures = swarm.mixtures();
    let candidates: Vec<&[f64]> = pool.iter().map(|&k| mixtures.row(k)).collect();
    let places = match cell.keys[0].as_str() {
        "maximin" => farthest(&candidates, count),
        "d_optimal" => d_optimal(&candidates, &[], count, &|| ()),
        "v_optimal" => {
            let tree = flat(swarm.domains(), prior)?;
            let caps = &study.spec.constraints.upper;
            let region = region(&tree, (1.0, 1.0), Some(caps), cell.seed)?;
            v_optimal(&candidates, &[], &region, count, &|| ())
        }
        _ => (0..count).collect(),
    };
    let chosen: Vec<usize> = places.into_iter().map(|place| pool[place]).collect();
    let left: Vec<usize> = (0..swarm.len()).filter(|k| !chosen.contains(k)).collect();
    let judges = {
        let judge = LawOptions::Saturating(SaturatingOptions::default());
        laws(&judge, &swarm.subset(&left), prior)?
    };
    let weights = swarm.task_weights();
    let gain = |p: &[f64]| {
        1.0 - average_loss(&judges, &weights, p) / average_loss(&judges, &weights, prior)
    };
    let options = study.law()?;
    let proposed = |swarm: &Swarm| -> Result<Vec<f64>, CoreError> {
        let optimizer = study.optimizer(&options);
        let laws = laws(&options, swarm, prior)?;
        let constraints = &study.spec.constraints;
        Ok(study
            .spec
            .solve(swarm, &optimizer, &laws, constraints, &|| ())?
            .weights)
    };
    let own = swarm.subset(&chosen);
    let gained = if chosen.len() < options.needed(own.live_domains().len()) {
        f64::NAN
    } else {
        gain(&proposed(&own)?)
    };
    Ok(vec![gained, gained / gain(&proposed(swarm)?)])
}

/// Domains without sources above them, with their prior.
pub(super) fn flat(domains: &DomainSet, prior: &[f64]) -> Result<Tree, CoreError> {
    let leaf = |(name, share): (&str, &f64)| Node {
        name: name.to_owned(),
        // Sizes are above 0; what has no prior is next to never drawn.
        size: share.max(1e-12),
        manual: false,
        pinned: None,
        tokens: None,
        children: Vec::new(),
    };
    let leaves: Vec<Node> = domains.names().zip(prior).map(leaf).collect();
    Tree::new(&leaves)
}

fn laws(options: &LawOptions, swarm: &Swarm, prior: &[f64]) -> Result<Vec<FittedLaw>, CoreError> {
    let fitted = options.fit(swarm, prior, &|| ())?;
    Ok(fitted.into_iter().map(|(law, _)| law).collect())
}
