//! Tokens a second that the sampler feeds from a warm page cache: `sampler CONTEXT THREADS`. Prints a line of
//! JSON. `scripts/performance.py` runs it.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a benchmark

use std::path::Path;
use std::time::Instant;

use olmix_io::MixLeaf;
use olmix_proxy::{Batches, LeafRequest, SequenceIndex, ShardPlan, Tokens};

/// Domains, and tokens of each: two bytes a token, 256 MiB in all, far beyond any cache.
const LEAVES: u64 = 16;
const TOKENS: u64 = 8 << 20;
const VOCAB: usize = 50_304;

fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|text| text.parse::<usize>().unwrap());
    let (context, threads) = (args.next().unwrap_or(1024), args.next().unwrap_or(1));
    let folder = tempfile::tempdir().unwrap();
    let shards: Vec<ShardPlan> = (0..LEAVES).map(|j| shard(folder.path(), j)).collect();
    let requests: Vec<LeafRequest> = (0..LEAVES).map(request).collect();
    // Two epochs of all there is.
    let sequences = 2 * LEAVES * TOKENS / context as u64 - 2 * LEAVES;

    let clock = Instant::now();
    let index = SequenceIndex::new(folder.path(), &requests, sequences, context, 1).unwrap();
    let drawn = clock.elapsed().as_secs_f64();

    let leaves = shards
        .iter()
        .map(|shard| Tokens::open(std::slice::from_ref(shard)).unwrap());
    let batches = Batches::new(leaves.collect(), index, 1, context, VOCAB);
    // Once to warm the maps.
    let mut seconds = f64::INFINITY;
    for _ in 0..3 {
        let clock = Instant::now();
        std::thread::scope(|scope| {
            for worker in 0..threads {
                let batches = &batches;
                scope.spawn(move || {
                    let mut into = vec![0; context + 1];
                    for step in (worker as u64..batches.steps()).step_by(threads) {
                        batches.sequence(step, 0, &mut into).unwrap();
                        std::hint::black_box(&into);
                    }
                });
            }
        });
        seconds = seconds.min(clock.elapsed().as_secs_f64());
    }
    let tokens = (sequences * context as u64) as f64;
    println!(
        "{{\"context\": {context}, \"threads\": {threads}, \"tokens\": {tokens}, \"tokens_per_second\": \
         {:.0}, \"tokens_drawn_per_second\": {:.0}}}",
        tokens / seconds,
        tokens / drawn
    );
}

fn request(j: u64) -> LeafRequest {
    let mix = MixLeaf {
        name: format!("leaf-{j}"),
        weight: 1.0 / LEAVES as f64,
        repetition_factor: Some(4.0),
    };
    LeafRequest {
        mix,
        tokens: TOKENS,
        cut: None,
    }
}

fn shard(folder: &Path, j: u64) -> ShardPlan {
    let path = folder.join(format!("{j}.bin"));
    let tokens = (0..TOKENS).flat_map(|i| {
        let token = (i * 7919 + j) % VOCAB as u64;
        (token as u16).to_le_bytes()
    });
    std::fs::write(&path, tokens.collect::<Vec<u8>>()).unwrap();
    ShardPlan {
        path,
        offset: 0,
        width: 2,
        big_endian: false,
        tokens: TOKENS,
        sums: None,
    }
}
