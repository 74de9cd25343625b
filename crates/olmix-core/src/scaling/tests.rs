use super::*;
use crate::{CoreError, Direction, DomainSet, Matrix, Swarm, Task};

const MIXTURES: usize = 24;

/// Tokens of the checkpoints of a run of `last` tokens: tenths of it.
fn checkpoints(parameters: f64, last: f64) -> Vec<Scale> {
    let tokens = (1..=10).map(|k| last * f64::from(k) / 10.0);
    tokens.map(|tokens| Scale { parameters, tokens }).collect()
}

fn mixture(k: usize) -> [f64; 3] {
    let size = |j: usize| 0.1 + ((k + 1) * (7 * j + 3) % (11 + 2 * j)) as f64;
    let sum: f64 = (0..3).map(size).sum();
    [size(0) / sum, size(1) / sum, size(2) / sum]
}

/// What mixtures do to a task, from about −0.1 to 0.2.
fn effect(task: usize, p: &[f64]) -> f64 {
    let slope = [[-1.0, 0.4, 0.1], [0.3, -1.4, 0.2]][task];
    let sum: f64 = slope.iter().zip(p).map(|(t, p)| t * p).sum();
    0.3 * sum.exp() - 0.25
}

fn level(task: usize, scale: Scale) -> f64 {
    let [floor, of_parameters, of_tokens] = [[1.2, 0.5, 0.4], [0.8, 0.7, 0.3]][task];
    floor
        + of_parameters * (scale.parameters / 1e8).powf(-0.25)
        + of_tokens * (scale.tokens / 1e10).powf(-0.35)
}

fn loss(task: usize, p: &[f64], scale: Scale) -> f64 {
    level(task, scale) * (1.0 + effect(task, p))
}

fn swarm_of(rows: &[(usize, Scale)]) -> (Swarm, Vec<Scale>) {
    let task = |name: &str| Task {
        name: name.into(),
        family: "all".into(),
        weight: 0.5,
        direction: Direction::Min,
        offset: 0.0,
    };
    let swarm = Swarm::new(
        DomainSet::from_names(["a", "b", "c"]).unwrap(),
        vec![task("x"), task("y")],
        (0..rows.len()).map(|i| format!("r{i}")).collect(),
        Matrix::from_fn(rows.len(), 3, |i, j| mixture(rows[i].0)[j]),
        Matrix::from_fn(rows.len(), 2, |i, t| {
            loss(t, &mixture(rows[i].0), rows[i].1)
        }),
    );
    let scales = rows.iter().map(|(_, scale)| *scale).collect();
    (swarm.unwrap(), scales)
}

fn planted() -> Vec<(usize, Scale)> {
    let scales = [(5e7, 8e9), (1e8, 1.2e10), (2e8, 2e10)];
    let scales = scales.map(|(parameters, last)| checkpoints(parameters, last));
    let all: Vec<Scale> = scales.concat();
    (0..MIXTURES)
        .flat_map(|k| all.iter().map(move |scale| (k, *scale)))
        .collect()
}

const TARGET: Scale = Scale {
    parameters: 4e8,
    tokens: 4e10,
};

#[test]
fn scaling_law_of_planted_powers_predicts_a_size_twice_as_large() {
    let (swarm, scales) = swarm_of(&planted());
    let law = ScalingLaw::fit(&swarm, &scales).unwrap();
    let found = law.at(TARGET).unwrap();
    assert_eq!(found.len(), MIXTURES);
    for k in 0..found.len() {
        for task in 0..2 {
            let expected = loss(task, found.mixtures().row(k), TARGET);
            let predicted = found.losses().get(k, task);
            // The priors of the exponents are not those planted, so the level is not exact.
            assert!(
                (predicted / expected - 1.0).abs() < 0.01,
                "{predicted} {expected}"
            );
        }
    }
    let (alpha, beta) = law.exponents(0.9);
    assert!(alpha.low < 0.25 && 0.25 < alpha.high, "{alpha:?}");
    assert!(beta.low < 0.35 && 0.35 < beta.high, "{beta:?}");
    let sizes: Vec<f64> = law.sizes().iter().map(|size| size.last.tokens).collect();
    assert_eq!(sizes, [8e9, 1.2e10, 2e10]);
    assert_eq!(law.left_out(), 2 * 3 * MIXTURES);
}

#[test]
fn scaling_law_at_a_measured_size_has_its_losses() {
    let (swarm, scales) = swarm_of(&planted());
    let law = ScalingLaw::fit(&swarm, &scales).unwrap();
    let measured = Scale {
        parameters: 1e8,
        tokens: 1.2e10,
    };
    let found = law.at(measured).unwrap();
    for k in 0..found.len() {
        let expected = loss(1, found.mixtures().row(k), measured);
        let predicted = found.losses().get(k, 1);
        assert!(
            (predicted / expected - 1.0).abs() < 2e-3,
            "{predicted} {expected}"
        );
    }
}

#[test]
fn scaling_law_counts_a_checkpoint_once_however_often_it_is_written() {
    let rows = planted();
    let (swarm, scales) = swarm_of(&rows);
    let once = ScalingLaw::fit(&swarm, &scales).unwrap();
    // Every checkpoint again after 0.01 % more tokens, and in another order.
    let again = rows.iter().map(|(k, scale)| {
        let tokens = scale.tokens * (1.0 - 1e-4);
        (*k, Scale { tokens, ..*scale })
    });
    let mut twice: Vec<(usize, Scale)> = rows.iter().copied().chain(again).collect();
    twice.reverse();
    let (mut swarm, scales) = swarm_of(&twice);
    // The copies have the losses of the originals.
    let of = |i: usize| {
        let (k, scale) = twice[i];
        let own = rows.iter().find(|(other, one)| {
            *other == k
                && one.parameters == scale.parameters
                && (one.tokens / scale.tokens - 1.0).abs() < 1e-3
        });
        (mixture(k), own.unwrap().1)
    };
    let losses = Matrix::from_fn(twice.len(), 2, |i, t| loss(t, &of(i).0, of(i).1));
    swarm = Swarm::new(
        swarm.domains().clone(),
        swarm.tasks().to_vec(),
        swarm.runs().to_vec(),
        swarm.mixtures().clone(),
        losses,
    )
    .unwrap();
    let law = ScalingLaw::fit(&swarm, &scales).unwrap();
    for (a, b) in law.levels(TARGET).iter().zip(once.levels(TARGET)) {
        assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    }
}

#[test]
fn scaling_law_of_losses_in_another_unit_is_in_that_unit() {
    let (swarm, scales) = swarm_of(&planted());
    let law = ScalingLaw::fit(&swarm, &scales).unwrap();
    let scaled = Swarm::new(
        swarm.domains().clone(),
        swarm.tasks().to_vec(),
        swarm.runs().to_vec(),
        swarm.mixtures().clone(),
        Matrix::from_fn(swarm.len(), 2, |i, t| 1000.0 * swarm.losses().get(i, t)),
    );
    let in_unit = ScalingLaw::fit(&scaled.unwrap(), &scales).unwrap();
    let (plain, other) = (law.at(TARGET).unwrap(), in_unit.at(TARGET).unwrap());
    for (i, t) in [(0, 0), (5, 1), (23, 0)] {
        let ratio = other.losses().get(i, t) / plain.losses().get(i, t);
        assert!((ratio / 1000.0 - 1.0).abs() < 1e-9, "{ratio}");
    }
}

#[test]
fn scaling_draws_repeat_and_surround_the_expected_level() {
    let (swarm, scales) = swarm_of(&planted());
    let law = ScalingLaw::fit(&swarm, &scales).unwrap();
    let average = |swarm: &Swarm| swarm.average_losses().iter().sum::<f64>() / swarm.len() as f64;
    let draw = |number| law.draw(TARGET, 7, number).unwrap();
    assert_eq!(draw(3).swarm, draw(3).swarm);
    let drawn: Vec<f64> = (0..200)
        .map(|number| average(&draw(number).swarm))
        .collect();
    let found = crate::trust::interval(&drawn, 0.9);
    let expected = average(&law.at(TARGET).unwrap());
    let truth: f64 = (0..MIXTURES)
        .map(|k| (0..2).map(|t| loss(t, &mixture(k), TARGET)).sum::<f64>() / 2.0)
        .sum::<f64>()
        / MIXTURES as f64;
    assert!(found.low < expected && expected < found.high, "{found:?}");
    assert!(found.low < truth && truth < found.high, "{found:?} {truth}");
    // Farther away less is known.
    let far = Scale {
        parameters: 4e9,
        tokens: 4e11,
    };
    let drawn: Vec<f64> = (0..200)
        .map(|number| average(&law.draw(far, 7, number).unwrap().swarm))
        .collect();
    let wide = crate::trust::interval(&drawn, 0.9);
    assert!(wide.high - wide.low > 1.5 * (found.high - found.low));
    assert_eq!(law.beyond(far), (20.0, 20.0));
    // At a size that was measured more is known than between sizes.
    let width = |parameters: f64| {
        let there = Scale {
            parameters,
            tokens: 2e10,
        };
        let levels: Vec<f64> = (0..200)
            .map(|number| average(&law.draw(there, 7, number).unwrap().swarm))
            .collect();
        let found = crate::trust::interval(&levels, 0.9);
        found.high - found.low
    };
    assert!(
        width(2e8) < 0.5 * width(1.5e8),
        "{} {}",
        width(2e8),
        width(1.5e8)
    );
}

#[test]
fn scaling_check_predicts_the_largest_size_from_the_others() {
    let (swarm, scales) = swarm_of(&planted());
    let check = without_largest(&swarm, &scales).unwrap().unwrap();
    assert_eq!((check.size.parameters, check.mixtures), (2e8, MIXTURES));
    assert!(check.average.rmse < 0.02, "{:?}", check.average);
    assert!(check.average.spearman.unwrap() > 0.99);
    let two = planted()
        .into_iter()
        .filter(|(_, scale)| scale.parameters < 2e8);
    let (swarm, scales) = swarm_of(&two.collect::<Vec<_>>());
    assert_eq!(without_largest(&swarm, &scales).unwrap(), None);
}

#[test]
fn scaling_law_refuses_what_tells_it_nothing_of_sizes() {
    let refused = |rows: Vec<(usize, Scale)>| {
        let (swarm, scales) = swarm_of(&rows);
        let fitted = ScalingLaw::fit(&swarm, &scales);
        fitted.map(|_| ()).unwrap_err().to_string()
    };
    let rows = planted();
    let one_size = rows.iter().filter(|(_, scale)| scale.parameters == 1e8);
    assert!(refused(one_size.copied().collect()).starts_with("all runs have 100M parameters: "),);
    let same = |(k, scale): &(usize, Scale)| {
        (
            *k,
            Scale {
                tokens: 1e10,
                ..*scale
            },
        )
    };
    assert!(refused(rows.iter().map(same).collect()).starts_with("all runs have 10B tokens: "));
    let apart = rows
        .iter()
        .filter(|(k, scale)| (*k < 14) == (scale.parameters < 2e8) || *k < 2);
    let told = refused(apart.copied().collect());
    assert!(
        told.starts_with(
            "sizes do not overlap in mixtures: the runs of 200M parameters have 2 in common"
        ),
        "{told}"
    );
    let (swarm, mut scales) = swarm_of(&rows);
    scales[4].tokens = 0.0;
    let told = ScalingLaw::fit(&swarm, &scales).unwrap_err();
    assert!(matches!(told, CoreError::OutOfRange { value: 0.0, .. }));
}
