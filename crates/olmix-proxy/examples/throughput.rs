//! Tokens a second of training, and what the matrix products of it would take alone:
//! `throughput SIZE THREADS SECONDS`. Prints a line of JSON. `scripts/performance.py` runs it beside PyTorch.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_wrap,
    unsafe_code
)] // a benchmark

use std::path::Path;
use std::time::Instant;

use gemm::Parallelism;
use olmix_io::{MixLeaf, TrainingConfig};
use olmix_proxy::{
    DataPlan, EvaluationPlan, Hyperparameters, LeafPlan, LeafRequest, RunPlan, SequenceIndex,
    Shape, ShardPlan, StepRecord, read_journal, train,
};

const VOCAB: usize = 257;

fn main() {
    let mut args = std::env::args().skip(1);
    let size = args.next().unwrap_or_else(|| "demo".into());
    let threads: usize = args.next().map_or(2, |text| text.parse().unwrap());
    let seconds: f64 = args.next().map_or(10.0, |text| text.parse().unwrap());
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .unwrap();
    let training = TrainingConfig {
        size: size.clone(),
        chinchilla_multiple: 1.0,
        seed: 1,
        ..TrainingConfig::default()
    };
    let file = Path::new("throughput");
    let shape = Shape::of(file, &training, VOCAB).unwrap();
    let recipe = Hyperparameters::of(file, &training, &shape).unwrap();
    // Steps that fill a time at some rate. The first is cold, and tells little.
    let step = (recipe.batch as usize * shape.context) as f64;
    let fill = |rate: f64, seconds: f64| (rate * seconds / step).ceil() as u64;
    let rate = speed(&shape, &recipe, 1);
    let rate = speed(&shape, &recipe, fill(rate, 0.5));
    let steps = fill(rate, seconds).max(2);
    let rate = speed(&shape, &recipe, steps);
    let alone = products(&shape, threads, seconds / 3.0);
    let flops = flops(&shape);
    println!(
        "{{\"size\": \"{size}\", \"threads\": {threads}, \"steps\": {steps}, \"tokens_per_second\": \
         {rate:.0}, \"products_alone\": {alone:.0}, \"share_of_products\": {:.3}, \"gflops\": {:.1}}}",
        rate / alone,
        rate * flops / 1e9
    );
}

/// Median tokens a second of a run of so many steps on random tokens.
fn speed(shape: &Shape, recipe: &Hyperparameters, steps: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let tokens = 1_u64 << 20;
    let noise = (0..tokens).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8);
    let path = at.join("shard.bin");
    std::fs::write(&path, noise.collect::<Vec<u8>>()).unwrap();
    std::fs::write(at.join("tokenizer.json"), "{}").unwrap();
    let recipe = Hyperparameters {
        steps,
        warmup_steps: 0,
        decay_steps: 0,
        checkpoint_every: u64::MAX,
        log_every: 1,
        ..recipe.clone()
    };
    let sequences = steps * recipe.batch;
    let mix = MixLeaf {
        name: "noise".into(),
        weight: 1.0,
        repetition_factor: None,
    };
    let index = SequenceIndex::new(
        at,
        &[LeafRequest {
            mix,
            tokens,
            cut: None,
        }],
        sequences,
        shape.context,
        1,
    )
    .unwrap();
    index.write(at).unwrap();
    let shards = vec![ShardPlan {
        path,
        offset: 0,
        width: 1,
        big_endian: false,
        tokens,
        sums: None,
    }];
    let leaf = LeafPlan {
        name: "noise".into(),
        weight: 1.0,
        repetition_factor: None,
        sequences,
        cut_tokens: None,
        shards,
    };
    let data = DataPlan {
        leaves: vec![leaf],
        end_of_text: None,
        simulate_target_tokens: None,
    };
    let plan = RunPlan::new(
        "throughput".into(),
        None,
        shape.clone(),
        recipe,
        data,
        "tokenizer.json".into(),
        EvaluationPlan::default(),
    );
    plan.write(at).unwrap();
    train(at, &|_| {}, &|_, _| unreachable!("nothing asks for it")).unwrap();
    let lines: Vec<StepRecord> = read_journal(at);
    let mut rates: Vec<f64> = lines.iter().map(|line| line.tokens_per_second).collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// A product of a sequence: rows, columns and inner length, and whether it is `a bᵀ`, `a b` or `aᵀ b`.
type Product = (usize, usize, usize, char);

/// Every product of a sequence's way forward and back.
fn list(shape: &Shape) -> Vec<Product> {
    let (t, d, f, v) = (shape.context, shape.width, shape.hidden, shape.vocab);
    let mut list = Vec::new();
    let mut linear = |n, k| list.extend([(t, n, k, 't'), (t, k, n, 'n'), (n, k, t, 'a')]);
    for _ in 0..shape.layers {
        linear(3 * d, d);
        linear(d, d);
        linear(2 * f, d);
        linear(d, f);
    }
    linear(v, d);
    let h = shape.head_width();
    for _ in 0..shape.layers * shape.heads {
        for from in (0..t).step_by(64) {
            let (r, to) = (64.min(t - from), t.min(from + 64));
            list.extend([
                (r, to, h, 't'),
                (r, h, to, 'n'),
                (to, h, r, 'a'),
                (r, to, h, 't'),
                (r, h, to, 'n'),
                (to, h, r, 'a'),
            ]);
        }
    }
    list
}

/// Floating-point operations of a token, forward and back, of products alone.
fn flops(shape: &Shape) -> f64 {
    list(shape)
        .iter()
        .map(|(m, n, k, _)| 2.0 * (m * n * k) as f64)
        .sum::<f64>()
        / shape.context as f64
}

/// Tokens a second if training were its products and nothing else, on as many threads.
fn products(shape: &Shape, threads: usize, seconds: f64) -> f64 {
    let list = list(shape);
    let most = list
        .iter()
        .map(|&(m, n, k, _)| (m * n).max(m * k).max(n * k))
        .max()
        .unwrap();
    let one = || {
        let (a, b) = (vec![0.5_f32; most], vec![0.25_f32; most]);
        let mut c = vec![0.0_f32; most];
        let (start, mut sequences) = (Instant::now(), 0_u32);
        while start.elapsed().as_secs_f64() < seconds {
            for &(m, n, k, kind) in &list {
                // (row, column) strides, as the trainer has them.
                let (a_strides, b_strides) = match kind {
                    't' => ((k, 1), (1, k)),
                    'n' => ((k, 1), (n, 1)),
                    _ => ((1, m), (n, 1)),
                };
                // SAFETY: every slice has room for the largest matrix.
                unsafe {
                    gemm::gemm(
                        m,
                        n,
                        k,
                        c.as_mut_ptr(),
                        1,
                        n as isize,
                        kind == 'a',
                        a.as_ptr(),
                        a_strides.1 as isize,
                        a_strides.0 as isize,
                        b.as_ptr(),
                        b_strides.1 as isize,
                        b_strides.0 as isize,
                        1.0,
                        1.0,
                        false,
                        false,
                        false,
                        Parallelism::None,
                    );
                }
            }
            sequences += 1;
        }
        f64::from(sequences) / start.elapsed().as_secs_f64()
    };
    let rates: f64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    rates * shape.context as f64
}
