//! Gradients against finite differences, and what a sequence may depend on.

use super::*;
use crate::Size;

fn shape(context: usize, qk_norm: bool) -> Shape {
    Shape {
        size: "test".into(),
        vocab: 37,
        width: 24,
        layers: 2,
        heads: 3,
        hidden: 40,
        context,
        rope_theta: 10_000.0,
        norm_eps: 1e-5,
        qk_norm,
        init_std: 0.15,
    }
}

fn tokens(count: usize) -> Vec<u32> {
    (0..count as u32)
        .map(|i| (i * i * 7 + 3 * i) % 37)
        .collect()
}

const OBJECTIVE: Objective = Objective {
    scale: 0.01,
    z_loss: 1e-2,
};

/// The objective in double precision, from the logits.
fn objective(model: &Model, tokens: &[u32]) -> f64 {
    let mut space = Workspace::new(&model.shape, Use::Training);
    let logits = model.logits(&tokens[..tokens.len() - 1], &mut space);
    let rows = logits.chunks_exact(model.shape.vocab).zip(&tokens[1..]);
    rows.map(|(row, &target)| {
        let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        let normalizer = sum.ln();
        let loss = normalizer - f64::from(row[target as usize]);
        f64::from(OBJECTIVE.scale) * (loss + f64::from(OBJECTIVE.z_loss) * normalizer * normalizer)
    })
    .sum()
}

#[test]
fn gradients_of_every_tensor_agree_with_finite_differences() {
    // With and without norms of queries and keys; of one block of attention, and of several.
    for (context, qk_norm) in [(20, false), (20, true), (150, false), (600, false)] {
        let mut model = Model::initial(shape(context, qk_norm), 5);
        // Norms that are not ones, or their gradients could hide.
        for (i, weight) in model.weights.iter_mut().enumerate() {
            if *weight == 1.0 {
                *weight += 0.1 * (i as f32).sin();
            }
        }
        let tokens = tokens(context + 1);
        let mut space = Workspace::new(&model.shape, Use::Training);
        let mut gradient = vec![0.0; model.weights.len()];
        model.loss_and_gradient(
            &tokens,
            OBJECTIVE,
            &mut space,
            (&mut gradient, Update::Replace),
        );
        for tensor in model.tensors().to_vec() {
            // Along the gradient of the tensor, where a difference says most.
            let direction = gradient[tensor.range.clone()].to_vec();
            let norm = direction
                .iter()
                .map(|g| f64::from(*g).powi(2))
                .sum::<f64>()
                .sqrt();
            assert!(norm > 1e-6, "{}: {norm}", tensor.name);
            let before = model.weights.clone();
            let step = 2e-3;
            let mut at = |sign: f64| {
                for (i, g) in tensor.range.clone().zip(&direction) {
                    model.weights[i] = before[i] + (sign * step * f64::from(*g) / norm) as f32;
                }
                let value = objective(&model, &tokens);
                model.weights.clone_from(&before);
                value
            };
            // Fourth order, so that what is left is rounding.
            let slope = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step);
            let off = (slope / norm - 1.0).abs();
            assert!(
                off < 1e-3,
                "{} ({context}, {qk_norm}): {slope} {norm}",
                tensor.name
            );
        }
    }
}

#[test]
fn logits_of_a_token_depend_on_no_later_token() {
    let model = Model::initial(shape(150, true), 1);
    let mut space = Workspace::new(&model.shape, Use::Measuring);
    let mut tokens = tokens(150);
    let before = model.logits(&tokens, &mut space)[..100 * 37].to_vec();
    tokens[100..].fill(0);
    assert_eq!(model.logits(&tokens, &mut space)[..100 * 37], before);
}

#[test]
fn a_used_workspace_gives_the_same_results_as_a_new_one() {
    let model = Model::initial(shape(150, true), 1);
    let short = tokens(60);
    let run = |first: &[u32]| {
        let mut space = Workspace::new(&model.shape, Use::Training);
        let mut gradient = vec![0.0; model.weights.len()];
        let into = (&mut gradient[..], Update::Add);
        model.loss_and_gradient(first, OBJECTIVE, &mut space, into);
        let into = (&mut gradient[..], Update::Replace);
        let loss = model.loss_and_gradient(&short, OBJECTIVE, &mut space, into);
        (loss, gradient)
    };
    assert_eq!(run(&tokens(151)), run(&short));
}

#[test]
fn gradients_of_sequences_add_up() {
    let model = Model::initial(shape(60, true), 1);
    let mut space = Workspace::new(&model.shape, Use::Training);
    let sequences = [tokens(61), tokens(50)];
    let mut apart = vec![vec![7.0; model.weights.len()]; 2];
    for (sequence, gradient) in sequences.iter().zip(&mut apart) {
        let into = (&mut gradient[..], Update::Replace);
        model.loss_and_gradient(sequence, OBJECTIVE, &mut space, into);
    }
    let mut sum = vec![7.0; model.weights.len()];
    for (sequence, update) in sequences.iter().zip([Update::Replace, Update::Add]) {
        let into = (&mut sum[..], update);
        model.loss_and_gradient(sequence, OBJECTIVE, &mut space, into);
    }
    for (i, sum) in sum.iter().enumerate() {
        assert!((sum - apart[0][i] - apart[1][i]).abs() < 1e-6, "{i}");
    }
}

#[test]
fn likelihoods_follow_from_the_logits() {
    let model = Model::initial(shape(50, false), 1);
    let mut space = Workspace::new(&model.shape, Use::Measuring);
    let tokens = tokens(40);
    let logits = model.logits(&tokens[..39], &mut space).to_vec();
    let found = model.log_likelihoods(&tokens, 30, &mut space);
    assert_eq!(found.len(), 10);
    for (i, found) in found.iter().enumerate() {
        let row = &logits[(29 + i) * 37..][..37];
        let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        let expected = f64::from(row[tokens[30 + i] as usize]) - sum.ln();
        assert!((f64::from(*found) - expected).abs() < 1e-5);
    }
}

#[test]
fn initial_weights_are_a_function_of_the_seed() {
    let weights =
        |seed| Size::named("demo").map(|size| Model::initial(size.shape(257), seed).weights);
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
}
