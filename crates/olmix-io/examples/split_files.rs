//! How long it takes to share the weights of 64 domains out over 100,000 files whose sizes are known.
//!
//! ```sh
//! cargo run --release -p olmix-io --example split_files
//! ```
#![allow(clippy::print_stdout)] // a benchmark

use std::time::Instant;

use olmix_io::DomainWeights;
use olmix_io::export::{Amount, Blend, DataFile, DomainFiles, Format, Inputs};
use olmix_io::generation_config::GenerationConfig;

const DOMAINS: usize = 64;
const FILES: usize = 100_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = String::from("name: split\ndata:\n  sources:\n");
    let mut files = Vec::new();
    for domain in 0..DOMAINS {
        let name = format!("domain-{domain}");
        config += &format!("  - {{name: {name}, paths: [\"{name}/*.bin\"]}}\n");
        let of = (domain..FILES).step_by(DOMAINS).map(|file| DataFile {
            path: format!("{name}/{file}.bin"),
            kind: "megatron".into(),
            amount: Amount::Tokens(1e6 + (file * 7919 % 1_000_003) as f64),
        });
        let of = of.collect();
        files.push(DomainFiles {
            name,
            files: Ok(of),
        });
    }
    let config = GenerationConfig::parse("split.yaml", &config, std::path::Path::new(""))?;
    let weights = (0..DOMAINS).map(|domain| (format!("domain-{domain}"), 1.0 / DOMAINS as f64));
    let weights = DomainWeights::of(weights.collect());
    let format = Format::named("megatron").ok_or("no format is called megatron")?;
    let inputs = Inputs {
        file: "mixture.yaml",
        data: Some(&config.data),
        files: Some(&files),
        ..Inputs::default()
    };
    let start = Instant::now();
    let text = format.text(&Blend::new(format, &weights, &inputs)?)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{FILES} files of {DOMAINS} domains: {seconds:.3} s, {} bytes",
        text.len()
    );
    Ok(())
}
