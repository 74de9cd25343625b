//! Swarms keep to what their config says, and designs to what they minimize.
//!
//! Over 400 lines: all designs over the same trees of domains.

#![allow(clippy::unwrap_used)] // a failed step fails the test

use olmix_core::generate::{
    Criterion, Level, Node, Sampler, SamplerOptions, Tree, choose_runs, features, log_determinant,
    prediction_error, region, v_optimal,
};
use olmix_core::{Matrix, Purpose, generator};
use proptest::prelude::*;
use rand::RngExt;

fn leaf(name: &str, size: f64) -> Node {
    Node {
        name: name.into(),
        size,
        manual: false,
        pinned: None,
        tokens: None,
        children: Vec::new(),
    }
}

fn pinned(name: &str, size: f64, pin: f64) -> Node {
    Node {
        pinned: Some(pin),
        ..leaf(name, size)
    }
}

fn source(name: &str, children: Vec<Node>) -> Node {
    Node {
        size: children.iter().map(|child| child.size).sum(),
        children,
        ..leaf(name, 1.0)
    }
}

fn level(strength: f64, minimum: f64) -> Level {
    Level {
        strength: (strength, strength),
        temperature: 1.0,
        minimum,
    }
}

fn options(sources: Level, topics: Level) -> SamplerOptions {
    SamplerOptions {
        sources,
        topics,
        multiples_of: None,
        nonzero: Vec::new(),
        caps: None,
        existing: Vec::new(),
        seed: 7,
    }
}

/// Mean and variance of each coordinate must lie within four standard errors of the Dirichlet's.
fn assert_dirichlet(draws: &[Vec<f64>], coordinate: impl Fn(&[f64]) -> f64, mean: f64, s: f64) {
    let n = draws.len() as f64;
    let x: Vec<f64> = draws.iter().map(|p| coordinate(p)).collect();
    let found = x.iter().sum::<f64>() / n;
    let variance = mean * (1.0 - mean) / (s + 1.0);
    let squares = x.iter().map(|x| (x - mean).powi(2));
    let (spread, fourth) = squares.fold((0.0, 0.0), |(a, b), q| (a + q / n, b + q * q / n));
    let error = (variance / n).sqrt();
    assert!(
        (found - mean).abs() < 4.0 * error,
        "mean {found}, not {mean}"
    );
    let error = ((fourth - spread * spread) / n).sqrt();
    assert!(
        (spread - variance).abs() < 4.0 * error,
        "variance {spread}, not {variance}"
    );
}

#[test]
fn sampler_shares_of_sources_and_topics_have_the_moments_of_their_dirichlets() {
    let tree = Tree::new(&[
        source("a", vec![leaf("x", 3.0), leaf("y", 1.0), leaf("z", 2.0)]),
        leaf("b", 4.0),
    ])
    .unwrap();
    let options = options(level(6.0, 0.0), level(2.0, 0.0));
    let (draws, _) = Sampler::new(&tree, &options)
        .unwrap()
        .distinct(20_000, 40_000);
    assert_dirichlet(&draws, |p| p[3], 0.4, 6.0);
    for (topic, share) in [(0, 0.5), (1, 1.0 / 6.0), (2, 1.0 / 3.0)] {
        assert_dirichlet(&draws, |p| p[topic] / (p[0] + p[1] + p[2]), share, 2.0);
    }
}

#[test]
fn maximin_swarm_has_the_means_of_its_dirichlet_and_lies_further_apart_than_a_random_one() {
    let tree = Tree::new(&[leaf("a", 5.0), leaf("b", 3.0), leaf("c", 2.0)]).unwrap();
    let options = options(level(3.0, 0.0), level(1.0, 0.0));
    let sampler = Sampler::new(&tree, &options).unwrap();
    let (spread, _) = sampler.spread(300, 1);
    let (random, _) = sampler.distinct(300, 3000);
    assert_eq!((spread.len(), random.len()), (300, 300));
    let nearest = |draws: &[Vec<f64>]| -> f64 {
        let distance = |a: &[f64], b: &[f64]| -> f64 {
            let pairs = a.iter().zip(b);
            pairs.map(|(a, b)| (a.sqrt() - b.sqrt()).powi(2)).sum()
        };
        let pairs = (0..draws.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        let all = pairs.map(|(i, j)| distance(&draws[i], &draws[j]));
        all.fold(f64::INFINITY, f64::min)
    };
    assert!(nearest(&spread) > 10.0 * nearest(&random));
    for (j, share) in [0.5, 0.3, 0.2].into_iter().enumerate() {
        let mean = spread.iter().map(|p| p[j]).sum::<f64>() / 300.0;
        assert!((mean - share).abs() < 0.03, "{mean} is not {share}");
    }
}

#[test]
fn sampler_temperature_flattens_sizes_but_not_those_set_by_hand() {
    let by_hand = |name: &str, size| Node {
        manual: true,
        ..leaf(name, size)
    };
    let mut flat = options(level(1.0, 0.0), level(1.0, 0.0));
    flat.sources.temperature = 0.5;
    let center = |nodes: &[Node]| {
        let tree = Tree::new(nodes).unwrap();
        Sampler::new(&tree, &flat).unwrap().center()
    };
    let counted = center(&[leaf("a", 9.0), leaf("b", 1.0)]);
    assert!((counted[0] - 0.75).abs() < 1e-12);
    let by_hand = center(&[by_hand("a", 9.0), by_hand("b", 1.0)]);
    assert!((by_hand[0] - 0.9).abs() < 1e-12);
}

#[test]
fn sampler_draws_a_larger_swarm_that_begins_with_the_smaller_one() {
    let tree = Tree::new(&[
        source("a", vec![leaf("x", 3.0), leaf("y", 1.0)]),
        leaf("b", 4.0),
    ])
    .unwrap();
    let mut options = options(level(1.0, 0.0), level(1.0, 0.0));
    options.sources.strength = (0.1, 5.0);
    let on = |threads: usize, count: usize| {
        let pool = rayon::ThreadPoolBuilder::new();
        let pool = pool.num_threads(threads).build().unwrap();
        let sampler = Sampler::new(&tree, &options).unwrap();
        pool.install(|| (sampler.distinct(count, 10_000), sampler.spread(count, 0)))
    };
    assert_eq!(on(1, 70), on(3, 70));
    assert_eq!(on(1, 70).0.0, on(2, 200).0.0[..70]);
}

#[test]
fn sampler_draws_no_mixture_that_resembles_an_existing_swarm() {
    let tree = Tree::new(&[leaf("a", 1.0), leaf("b", 1.0)]).unwrap();
    let mut options = options(level(2.0, 0.0), level(1.0, 0.0));
    let (before, _) = Sampler::new(&tree, &options).unwrap().distinct(20, 200);
    options.existing.clone_from(&before);
    let (drawn, rejections) = Sampler::new(&tree, &options).unwrap().distinct(20, 2000);
    assert!(rejections.existing >= 20);
    for p in &drawn {
        for q in &before {
            let distance = ((p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2)).sqrt();
            assert!(distance > 0.01);
        }
    }
}

#[test]
fn source_tree_counts_only_unpinned_leaves_as_free() {
    let free = |nodes: &[Node]| Tree::new(nodes).unwrap().free_leaves();
    assert_eq!(free(&[leaf("a", 1.0), leaf("b", 1.0)]), 2);
    // The sources are fixed; of the topics two share what the pinned one leaves.
    let topics = vec![pinned("x", 1.0, 0.5), leaf("y", 1.0), leaf("z", 1.0)];
    let fixed = Node {
        pinned: Some(0.3),
        ..source("a", topics.clone())
    };
    assert_eq!(free(&[fixed, pinned("b", 1.0, 0.7)]), 2);
    // A free source frees its pinned topics too.
    assert_eq!(free(&[source("a", topics), leaf("b", 1.0)]), 4);
}

/// Trees of one to four sources of up to three topics of up to two quality buckets.
fn trees() -> impl Strategy<Value = Vec<Node>> {
    let size = 0.1..10.0;
    let tokens = 1_000_000_u64..100_000_000;
    let node = move |name: String, size: f64, tokens: u64| Node {
        tokens: Some(tokens),
        ..leaf(&name, size)
    };
    let bucket = (size, tokens).prop_map(move |(size, tokens)| (size, tokens));
    let buckets = prop::collection::vec(bucket, 1..3);
    let topics = prop::collection::vec((buckets, prop::option::of(0.0..0.3)), 1..4);
    prop::collection::vec(topics, 1..5).prop_map(move |sources| {
        let topic = |t: usize, (buckets, pin): &(Vec<(f64, u64)>, Option<f64>)| {
            let mut topic = match &buckets[..] {
                [(size, tokens)] => node(format!("t{t}"), *size, *tokens),
                several => source(
                    &format!("t{t}"),
                    several
                        .iter()
                        .enumerate()
                        .map(|(q, (size, tokens))| node(format!("q{q}"), *size, *tokens))
                        .collect(),
                ),
            };
            topic.pinned = *pin;
            topic
        };
        let of = |(s, topics): (usize, &Vec<_>)| {
            let mut topics: Vec<Node> = topics
                .iter()
                .enumerate()
                .map(|(t, b)| topic(t, b))
                .collect();
            // One must be left to take the rest.
            topics[0].pinned = None;
            source(&format!("s{s}"), topics)
        };
        sources.iter().enumerate().map(of).collect()
    })
}

proptest! {
    #[test]
    fn every_mixture_keeps_to_its_bounds_its_pins_and_its_minima(
        nodes in trees(),
        strengths in (0.05..2.0, 1.0..20.0),
        minima in (0.0..0.1, 0.0..0.2),
        common in prop::option::of(0.005..0.05),
        room in 1.05..5.0,
        seed in 0_u64..1000,
    ) {
        let tree = Tree::new(&nodes).unwrap();
        let tokens: Vec<f64> =
            tree.domains().iter().map(|leaf| leaf.tokens.unwrap_or(0) as f64).collect();
        let capacity = tree.capacity(&tokens);
        // As many tokens as leave `room` times what the mixture needs.
        let caps: Vec<f64> = tokens.iter().map(|n| n * room / capacity).collect();
        let level = |minimum| Level {
            strength: (strengths.0, strengths.0 + strengths.1),
            temperature: 0.8,
            minimum,
        };
        let mut options = options(level(minima.0), level(minima.1));
        options.multiples_of = common;
        options.nonzero = vec!["s0".into()];
        options.caps = Some(caps.clone());
        options.seed = seed;
        let sampler = Sampler::new(&tree, &options).unwrap();
        let (mixtures, rejections) = sampler.distinct(16, 320);
        prop_assert!(rejections.drawn >= mixtures.len());
        for p in &mixtures {
            prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for (p, cap) in p.iter().zip(&caps) {
                prop_assert!(*p >= 0.0 && *p <= cap + 1e-12, "{p} is over {cap}");
            }
            let within = |name: &str| p[tree.leaves_of(name).unwrap()].iter().sum::<f64>();
            prop_assert!(within("s0") > 0.0);
            for node in &nodes {
                let whole = within(&node.name);
                prop_assert!(common.is_some() || whole == 0.0 || whole >= minima.0 - 1e-12);
                for topic in node.children.iter().filter(|_| whole > 0.0) {
                    let share = within(&format!("{}:{}", node.name, topic.name)) / whole;
                    match topic.pinned {
                        Some(pin) => prop_assert!((share - pin).abs() < 1e-12, "{share} {pin}"),
                        None => prop_assert!(
                            common.is_some() || share < 1e-12 || share >= minima.1 * (1.0 - 1e-9)
                        ),
                    }
                }
            }
        }
    }
}

fn random_mixtures(count: usize, m: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut rng = generator(seed, Purpose::Example, 0);
    let mut one = || {
        let raw: Vec<f64> = (0..m).map(|_| -rng.random::<f64>().ln()).collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|x| x / sum).collect()
    };
    (0..count).map(|_| one()).collect()
}

/// `(ρI + XᵀX)⁻¹` by elimination: another way than the design's own.
fn inverse(x: &Matrix, ridge: f64) -> Vec<Vec<f64>> {
    let d = x.columns();
    let mut a: Vec<Vec<f64>> = (0..d)
        .map(|i| {
            let gram = |j: usize| {
                (0..x.rows())
                    .map(|k| x.get(k, i) * x.get(k, j))
                    .sum::<f64>()
            };
            let ridged = |j: usize| gram(j) + if i == j { ridge } else { 0.0 };
            let unit = |j: usize| if i == j { 1.0 } else { 0.0 };
            (0..d).map(ridged).chain((0..d).map(unit)).collect()
        })
        .collect();
    for i in 0..d {
        let pivot = a[i][i];
        a[i].iter_mut().for_each(|v| *v /= pivot);
        for k in (0..d).filter(|&k| k != i) {
            let factor = a[k][i];
            let row = a[i].clone();
            a[k].iter_mut().zip(row).for_each(|(v, r)| *v -= factor * r);
        }
    }
    a.into_iter().map(|row| row[d..].to_vec()).collect()
}

fn variance(inverse: &[Vec<f64>], point: &[f64]) -> f64 {
    let along = |row: &Vec<f64>| row.iter().zip(point).map(|(a, b)| a * b).sum::<f64>();
    inverse
        .iter()
        .zip(point)
        .map(|(row, p)| p * along(row))
        .sum()
}

#[test]
fn design_prediction_error_is_that_of_the_normal_equations() {
    let (swarm, region) = (random_mixtures(9, 4, 1), random_mixtures(50, 4, 2));
    let inverse = inverse(&features(&swarm), 3e-3);
    let points = features(&region);
    let sum: f64 = (0..50).map(|k| variance(&inverse, points.row(k))).sum();
    let error = prediction_error(&swarm, &region);
    assert!((error - (sum / 50.0).sqrt()).abs() < 1e-8 * error);
}

/// All ways to choose `count` of `n`.
fn subsets(n: usize, count: usize) -> Vec<Vec<usize>> {
    match count {
        0 => vec![Vec::new()],
        _ => (count - 1..n)
            .flat_map(|last| {
                let smaller = subsets(last, count - 1);
                smaller.into_iter().map(move |mut s| {
                    s.push(last);
                    s
                })
            })
            .collect(),
    }
}

#[test]
fn optimal_designs_are_as_good_as_the_best_of_all_subsets() {
    let points = features(&random_mixtures(100, 3, 99));
    let none = features::<Vec<f64>>(&[]);
    let mut found_best = [0, 0];
    for seed in 0..10 {
        let candidates = features(&random_mixtures(12, 3, seed));
        let determinant = |chosen: &[usize]| log_determinant(&candidates.select_rows(chosen));
        let spread = |chosen: &[usize]| -> f64 {
            let inverse = inverse(&candidates.select_rows(chosen), 3e-3);
            -(0..100)
                .map(|k| variance(&inverse, points.row(k)))
                .sum::<f64>()
                .ln()
        };
        let best = |value: &dyn Fn(&[usize]) -> f64| {
            let all = subsets(12, 6).into_iter().map(|s| value(&s));
            all.fold(f64::NEG_INFINITY, f64::max)
        };
        let chosen = choose_runs(&candidates, &none, Criterion::Determinant, 6, &|| ());
        let missed = best(&determinant) - determinant(&chosen);
        assert!(
            missed < 0.5,
            "seed {seed}: log-determinant {missed} below the best"
        );
        found_best[0] += usize::from(missed < 1e-9);
        let chosen = choose_runs(&candidates, &none, Criterion::Variance(&points), 6, &|| ());
        let missed = best(&spread) - spread(&chosen);
        assert!(
            missed < 0.3,
            "seed {seed}: variance {missed} above the best"
        );
        found_best[1] += usize::from(missed < 1e-9);
    }
    // Exchanges end where no single one helps; mostly that is the best there is.
    assert!(found_best[0] >= 7 && found_best[1] >= 6, "{found_best:?}");
}

#[test]
fn optimal_designs_choose_what_goes_best_with_the_runs_that_are_there() {
    let points = features(&random_mixtures(100, 3, 99));
    let mut differ = 0;
    for seed in 0..10 {
        let begun = features(&random_mixtures(5, 3, 50 + seed));
        let candidates = features(&random_mixtures(12, 3, seed));
        // All runs together, of which only the candidates can be chosen.
        let together = |chosen: &[usize]| {
            let rows: Vec<&[f64]> = (0..5)
                .map(|k| begun.row(k))
                .chain(chosen.iter().map(|&k| candidates.row(k)))
                .collect();
            Matrix::from_fn(rows.len(), 7, |k, j| rows[k][j])
        };
        let determinant = |chosen: &[usize]| log_determinant(&together(chosen));
        let spread = |chosen: &[usize]| -> f64 {
            let inverse = inverse(&together(chosen), 3e-3);
            let sum: f64 = (0..100).map(|k| variance(&inverse, points.row(k))).sum();
            -sum.ln()
        };
        let best = |value: &dyn Fn(&[usize]) -> f64| {
            let all = subsets(12, 3).into_iter().map(|s| value(&s));
            all.fold(f64::NEG_INFINITY, f64::max)
        };
        let by = |criterion, begun: &Matrix| choose_runs(&candidates, begun, criterion, 3, &|| ());
        let chosen = by(Criterion::Determinant, &begun);
        let missed = best(&determinant) - determinant(&chosen);
        assert!(missed < 0.3, "seed {seed}: log-determinant {missed}");
        let alone = by(Criterion::Determinant, &features::<Vec<f64>>(&[]));
        differ += usize::from(alone != chosen);
        let chosen = by(Criterion::Variance(&points), &begun);
        let missed = best(&spread) - spread(&chosen);
        assert!(missed < 0.3, "seed {seed}: variance {missed}");
    }
    assert!(differ >= 5, "{differ}: what is there makes no difference");
}

#[test]
fn v_optimal_swarm_predicts_better_than_a_random_one_of_the_same_size() {
    let prior = [0.3, 0.3, 0.2, 0.1, 0.05, 0.05];
    let leaves: Vec<Node> = prior
        .iter()
        .zip("abcdef".chars())
        .map(|(p, name)| leaf(&name.to_string(), *p))
        .collect();
    let region = region(&Tree::new(&leaves).unwrap(), (1.0, 1.0), None, 0).unwrap();
    let candidates = random_mixtures(400, 6, 5);
    let chosen: Vec<&Vec<f64>> = v_optimal(&candidates, &[], &region, 21, &|| ())
        .into_iter()
        .map(|k| &candidates[k])
        .collect();
    assert_eq!(chosen.len(), 21);
    let random = prediction_error(&candidates[..21], &region);
    assert!(prediction_error(&chosen, &region) < 0.8 * random);
}

#[test]
fn design_regions_lie_under_the_caps() {
    let caps = [0.25, 0.5, 0.3, 0.1];
    let tree = Tree::new(&[
        leaf("a", 4.0),
        leaf("b", 3.0),
        leaf("c", 2.0),
        leaf("d", 1.0),
    ])
    .unwrap();
    for p in region(&tree, (1.0, 1.0), Some(&caps), 3).unwrap() {
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(p.iter().zip(&caps).all(|(p, cap)| *p <= cap + 1e-9));
    }
}
