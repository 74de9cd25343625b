//! How long it takes to draw swarms and to count shards.
//!
//! The floor of the random swarm is its Gamma variates, that of the count one `stat` and one read per
//! file; the D-optimal design values every candidate twice for each of its runs in every sweep.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a program for developers

use std::fs;
use std::time::Instant;

use olmix_core::generate::{
    Design, DrawOptions, Level, Node, Sampler, SamplerOptions, Tree, draw_swarm,
};
use olmix_core::{Purpose, generator};
use olmix_data::{CountOptions, Leaf, Unit, count};
use rand::RngExt;

/// Sources of `topics` topics each, of log-uniform size.
fn tree(leaves: usize, topics: usize) -> Tree {
    let mut rng = generator(0, Purpose::Example, 0);
    let mut node = |name: String| Node {
        name,
        size: 0.0,
        manual: false,
        pinned: None,
        tokens: Some((21.0 + 2.0 * rng.random::<f64>()).exp() as u64),
        children: Vec::new(),
    };
    let source = |s: usize| {
        let mut children: Vec<Node> = (0..topics).map(|t| node(format!("t{t}"))).collect();
        for child in &mut children {
            child.size = child.tokens.unwrap() as f64;
        }
        Node {
            name: format!("s{s}"),
            size: children.iter().map(|child| child.size).sum(),
            manual: false,
            pinned: None,
            tokens: None,
            children,
        }
    };
    Tree::new(&(0..leaves / topics).map(source).collect::<Vec<_>>()).unwrap()
}

fn draw(leaves: usize, topics: usize, design: Design, count: usize, candidates: usize) {
    let tree = tree(leaves, topics);
    let level = Level {
        strength: (0.1, 5.0),
        temperature: 1.0,
        minimum: 0.0,
    };
    let tokens = tree.domains().tokens().unwrap();
    let options = SamplerOptions {
        sources: level,
        topics: level,
        multiples_of: Some(0.002),
        nonzero: Vec::new(),
        caps: Some(tokens.iter().map(|&n| 4.0 * n as f64 / 3e9).collect()),
        existing: Vec::new(),
        seed: 0,
    };
    let sampler = Sampler::new(&tree, &options).unwrap();
    let wanted = DrawOptions {
        count,
        design,
        candidates,
        draws_each: 100,
        solve_caps: None,
    };
    let begin = Instant::now();
    let drawn = draw_swarm(&sampler, &wanted, &|| ()).unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(drawn.mixtures.len(), count);
    let gained = drawn.information_gained;
    let gained = gained.map_or_else(String::new, |g| {
        format!(", log-determinant {g:.1} over random")
    });
    println!(
        "{count} × {leaves} {}: {seconds:.3} s{gained}",
        design.name()
    );
}

fn main() {
    draw(64, 8, Design::Random, 128, 0);
    draw(64, 8, Design::Maximin, 128, 0);
    draw(1000, 10, Design::Random, 10_000, 0);
    // With the designs of half and of twice as many runs, which say what runs buy.
    draw(64, 8, Design::DOptimal, 200, 20_000);
    draw(64, 8, Design::VOptimal, 200, 20_000);

    let folder = tempfile::tempdir().unwrap();
    for part in 0..100 {
        let part = folder.path().join(format!("{part:03}"));
        fs::create_dir(&part).unwrap();
        for shard in 0..1000 {
            fs::write(part.join(format!("{shard:04}.npy")), [0; 64]).unwrap();
        }
    }
    let leaves = [Leaf {
        name: "all".into(),
        paths: vec!["**/*.npy".into()],
        format: None,
    }];
    let options = CountOptions {
        width: 4,
        unit: Unit::Bytes,
        text_field: "text".into(),
        shared: false,
        folder: folder.path().to_owned(),
        cache: None,
        on_bad_line: olmix_data::OnBadLine::Stop,
    };
    let begin = Instant::now();
    let counted = count(&leaves, &options, &|_, _| ()).unwrap();
    assert_eq!(counted[0].tokens, 1_600_000);
    println!(
        "100,000 local shards: {:.3} s",
        begin.elapsed().as_secs_f64()
    );
}
