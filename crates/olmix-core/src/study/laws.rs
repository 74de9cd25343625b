//! RQ4: which law predicts unseen runs best, and how does that change with the number of runs?
//!
//! Laws are fitted to a random part of the runs and score on all others.

use rand::seq::SliceRandom;

use super::{Cell, Study};
use crate::CoreError;
use crate::law::LawOptions;
use crate::random::{Purpose, generator};
use crate::trust::held_out;

/// Runs fitted to, in units of `m + 1`.
const C: [f64; 5] = [1.5, 2.0, 3.0, 4.0, 6.0];
/// At least this share of the runs is left to score on.
const LEFT: f64 = 0.2;

fn laws(study: &Study<'_>) -> Vec<(&'static str, LawOptions)> {
    study.spec.every_law()
}

pub(super) fn settings(study: &Study<'_>) -> Vec<Vec<String>> {
    let (runs, m) = (study.swarm.len() as f64, study.swarm.domains().len() as f64);
    let sizes = C.iter().map(|c| (c * (m + 1.0)).ceil());
    let sizes: Vec<f64> = sizes.filter(|k| *k <= (1.0 - LEFT) * runs).collect();
    let mut settings = Vec::new();
    for (name, _) in laws(study) {
        settings.extend(sizes.iter().map(|k| vec![name.to_owned(), k.to_string()]));
    }
    settings
}

pub(super) fn run(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let nothing = Ok(vec![f64::NAN; 3]);
    let (Some((_, options)), Ok(size)) = (
        laws(study)
            .into_iter()
            .find(|(name, _)| *name == cell.keys[0]),
        cell.keys[1].parse::<usize>(),
    ) else {
        return Err(CoreError::Unsupported("a cell of another study".into()));
    };
    let swarm = study.swarm;
    // The same runs for every law.
    let mut order: Vec<usize> = (0..swarm.len()).collect();
    order.shuffle(&mut generator(cell.seed, Purpose::Study, size as u64));
    let (train, test) = order.split_at(size);
    let train = swarm.subset(train);
    if train.len() < options.needed(train.live_domains().len()) {
        return nothing;
    }
    let fitted = options.fit(&train, study.spec.prior.weights(), &|| ())?;
    let laws: Vec<_> = fitted.into_iter().map(|(law, _)| law).collect();
    let scores = held_out(&laws, &swarm.subset(test)).average;
    let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
    Ok(vec![
        number(scores.pearson),
        number(scores.spearman),
        scores.rmse,
    ])
}
