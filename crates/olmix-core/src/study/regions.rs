//! Do laws that are chosen by regions held out, too, predict better where mixtures are proposed?
//!
//! A region of the swarm is set aside. Among the other runs a law is chosen twice, by random folds alone and by folds and
//! regions (as [`crate::trust::choose`] does), and each choice predicts the runs that were set aside. The choice is among
//! all laws that the config's optimizer can work with, whatever law the config names.

use super::{Cell, Study};
use crate::law::{Law, LawOptions};
use crate::swarm::dot;
use crate::trust::{CandidateScore, best_of_each, choose, refinements, regions, score_candidates};
use crate::{CoreError, FitSpec, LawKind, Swarm};

const REGIONS: [&str; 2] = ["densest fifth", "lowest losses"];
const FOLDS: usize = 5;

pub(super) fn settings() -> Vec<Vec<String>> {
    REGIONS.map(|name| vec![name.to_owned()]).to_vec()
}

pub(super) fn run(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let swarm = study.swarm;
    let region = REGIONS.iter().position(|name| *name == cell.keys[0]);
    let aside = &regions(swarm)[region.unwrap_or_default()];
    let rest: Vec<usize> = (0..swarm.len())
        .filter(|row| aside.binary_search(row).is_err())
        .collect();
    let (rest, aside) = (swarm.subset(&rest), swarm.subset(aside));
    let prior = study.spec.prior.weights();
    let score = |candidates: &[LawOptions]| {
        score_candidates(&rest, prior, candidates, FOLDS, cell.seed, &|| ())
    };
    let every_law = FitSpec {
        law: LawKind::Auto,
        ridge: None,
        huber_delta: None,
        ..study.spec.clone()
    };
    let mut tried = score(&every_law.candidates())?;
    tried.extend(score(&refinements(&tried))?);
    let by_folds: Vec<CandidateScore> = tried
        .iter()
        .map(|tried| CandidateScore {
            regions: None,
            ..tried.clone()
        })
        .collect();
    let mut numbers = Vec::new();
    for tried in [&by_folds, &tried] {
        let Some(chosen) = choose(tried) else {
            return Ok(vec![f64::NAN; 4]);
        };
        let expected = best_of_each(tried)
            .into_iter()
            .find(|tried| tried.options == chosen);
        numbers.push(expected.map_or(f64::NAN, |tried| tried.average));
        numbers.push(rmse(&chosen, &rest, &aside, prior)?);
    }
    Ok(numbers)
}

/// RMSE of the average loss of the runs `aside`, by laws of the `rest`.
fn rmse(
    options: &LawOptions,
    rest: &Swarm,
    aside: &Swarm,
    prior: &[f64],
) -> Result<f64, CoreError> {
    let laws = options.fit(rest, prior, &|| ())?;
    let weights = aside.task_weights();
    let measured = aside.average_losses();
    let squares = measured.iter().enumerate().map(|(run, y)| {
        let mixture = aside.mixtures().row(run);
        let losses: Vec<f64> = laws.iter().map(|(law, _)| law.predict(mixture)).collect();
        (dot(&losses, &weights) - y).powi(2)
    });
    Ok((squares.sum::<f64>() / measured.len().max(1) as f64).sqrt())
}
