//! The joint law on runs of three sizes that others measured.
#![allow(clippy::unwrap_used)] // helpers of tests

use olmix_core::law::{Law, LawOptions, SaturatingOptions};
use olmix_core::scaling::{Scale, ScalingLaw, without_largest};
use olmix_core::trust::{Interval, interval, score};
use olmix_core::{DomainSet, Matrix, Swarm};

use crate::common;

/// The runs with their sizes: 60 mixtures of 7 domains, 8 losses.
fn measured() -> Option<(Swarm, Vec<Scale>)> {
    let file = common::data_folder()?.join("swarms/sizes-and-tokens/runs.csv");
    let text = std::fs::read_to_string(file).ok()?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next()?.split(',').collect();
    let rows: Vec<Vec<f64>> = lines
        .map(|line| {
            line.split(',')
                .skip(1)
                .map(|cell| cell.parse().unwrap())
                .collect()
        })
        .collect();
    let scales = rows.iter().map(|row| Scale {
        parameters: row[0],
        tokens: row[1],
    });
    let domains = DomainSet::from_names(names[3..10].iter().copied()).unwrap();
    let mixtures = Matrix::from_fn(rows.len(), 7, |i, j| rows[i][2 + j]);
    let losses = Matrix::from_fn(rows.len(), 8, |i, t| rows[i][9 + t]);
    let scales = scales.collect();
    Some((common::swarm(domains, mixtures, losses), scales))
}

/// The rows of these sizes, up to so many tokens.
fn part(swarm: &Swarm, scales: &[Scale], sizes: &[f64], most: f64) -> (Swarm, Vec<Scale>) {
    let rows: Vec<usize> = (0..swarm.len())
        .filter(|&i| sizes.contains(&scales[i].parameters) && scales[i].tokens <= most)
        .collect();
    let kept = rows.iter().map(|&i| scales[i]).collect();
    (swarm.subset(&rows), kept)
}

/// Predicted average losses of runs by laws fitted to a swarm.
fn predictions(swarm: &Swarm, runs: &Swarm) -> Vec<f64> {
    let options = LawOptions::Saturating(SaturatingOptions::default());
    let laws = options.fit(swarm, &[1.0 / 7.0; 7], &|| ()).unwrap();
    let average = |p: &[f64]| laws.iter().map(|(law, _)| law.predict(p)).sum::<f64>() / 8.0;
    (0..runs.len())
        .map(|i| average(runs.mixtures().row(i)))
        .collect()
}

/// Interval (90 %) of the mean over the runs of `there`, by draws from the joint law at their size.
fn drawn(law: &ScalingLaw, there: &(Swarm, Vec<Scale>)) -> Interval {
    let same = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
    let of_there = |swarm: &Swarm| -> Vec<usize> {
        let has = |p: &[f64]| (0..there.0.len()).any(|k| same(there.0.mixtures().row(k), p));
        (0..swarm.len())
            .filter(|&i| has(swarm.mixtures().row(i)))
            .collect()
    };
    let means: Vec<f64> = (0..200)
        .map(|number| {
            let swarm = law.draw(there.1[0], 0, number).unwrap().swarm;
            mean(&swarm.subset(&of_there(&swarm)))
        })
        .collect();
    interval(&means, 0.9)
}

fn mean(swarm: &Swarm) -> f64 {
    swarm.average_losses().iter().sum::<f64>() / swarm.len() as f64
}

const ALL: [f64; 3] = [1.22e8, 3.1e8, 6.8e8];

#[test]
fn scaling_law_of_measured_sizes_predicts_a_size_left_out_and_more_tokens() {
    let Some((swarm, scales)) = measured() else {
        return;
    };
    let at = |parameters: f64, tokens: f64| {
        let here = |i: &usize| scales[*i] == Scale { parameters, tokens };
        let rows: Vec<usize> = (0..swarm.len()).filter(here).collect();
        let kept: Vec<Scale> = rows.iter().map(|&i| scales[i]).collect();
        (swarm.subset(&rows), kept)
    };
    let end = at(6.8e8, 2.592e10);
    for (sizes, most, of) in [
        (&ALL[..2], 1e12, &end),
        (&ALL[..2], 1e12, &at(6.8e8, 2.0734e10)),
        (&[ALL[0], ALL[2]], 1e12, &at(3.1e8, 2e10)),
        (&ALL[1..], 1e12, &at(1.22e8, 2e10)),
        (&ALL[..], 1.4e10, &end),
        (&ALL[..2], 1.4e10, &end),
    ] {
        let fitted = part(&swarm, &scales, sizes, most);
        let law = ScalingLaw::fit(&fitted.0, &fitted.1).unwrap();
        let target = of.1[0];
        let found = score(
            &predictions(&law.at(target).unwrap(), &of.0),
            &of.0.average_losses(),
        );
        assert!(found.rmse < 0.01, "{sizes:?} to {target}: {found:?}");
        let (within, measured) = (drawn(&law, of), mean(&of.0));
        assert!(
            within.low < measured && measured < within.high,
            "{sizes:?} to {target}: {measured} in {within:?}"
        );
    }
}

#[test]
fn scaling_law_ranks_a_larger_size_no_worse_than_the_nearest_sizes_own_law() {
    let Some((swarm, scales)) = measured() else {
        return;
    };
    let at = |parameters: f64, tokens: f64| {
        let here = |i: &usize| scales[*i] == Scale { parameters, tokens };
        swarm.subset(&(0..swarm.len()).filter(here).collect::<Vec<_>>())
    };
    let end = at(6.8e8, 2.592e10);
    let ranks = |of: &Swarm| {
        score(&predictions(of, &end), &end.average_losses())
            .spearman
            .unwrap()
    };
    let smaller = part(&swarm, &scales, &ALL[..2], 1e12);
    let law = ScalingLaw::fit(&smaller.0, &smaller.1).unwrap();
    let target = Scale {
        parameters: 6.8e8,
        tokens: 2.592e10,
    };
    let (joint, nearest) = (ranks(&law.at(target).unwrap()), ranks(&at(3.1e8, 2e10)));
    assert!(joint >= nearest, "{joint} {nearest}");
    let check = without_largest(&swarm, &scales).unwrap().unwrap();
    assert_eq!((check.size, check.mixtures), (target, 40));
    assert!(check.average.rmse < 0.01, "{check:?}");
    assert!(check.average.spearman.unwrap() > 0.98, "{check:?}");
}
