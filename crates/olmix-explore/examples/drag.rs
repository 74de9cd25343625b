//! How long a drag takes, and whether memory grows: `cargo run --release -p olmix-explore --example drag -- out 20000`.
//!
//! Solves with one domain's weight, λ and the tokens of the run going up and down, and makes the JSON of each answer, as a
//! request does.
#![allow(clippy::print_stdout)] // it is what it is for

use std::path::Path;
use std::time::Instant;

use olmix_explore::{Explorer, Settings, solve};

/// Resident memory in MB, where the system tells.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1024.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let path = words.next().unwrap_or_else(|| "out".into());
    let count: usize = words.next().map_or(Ok(20_000), |count| count.parse())?;
    let begin = Instant::now();
    let explorer = Explorer::open(Path::new(&path))?;
    println!("opened in {:.0} ms", 1e3 * begin.elapsed().as_secs_f64());
    let model = explorer.laws().map_err(|error| error.message)?;
    println!(
        "{} domains, {} tasks",
        model.domains.len(),
        model.laws.len()
    );
    let own = Settings::of_file(&model.file);
    let name = model.domains.name(0).to_owned();
    let mut times = Vec::with_capacity(count);
    let mut refused = 0;
    let mut bytes = 0;
    for k in 0..count {
        let phase = 0.5 - 0.5 * (k as f64 * 0.01).cos();
        let mut settings = own.clone();
        settings.fixed.insert(name.clone(), 0.02 + 0.1 * phase);
        settings.kl = own.kl * (0.5 + phase);
        settings.target_tokens = own.target_tokens.map(|tokens| tokens * (0.5 + 0.5 * phase));
        let begin = Instant::now();
        match solve(&model, explorer.runs.as_deref(), &settings) {
            Ok(solved) => bytes += serde_json::to_vec(&solved)?.len(),
            Err(_) => refused += 1,
        }
        times.push(1e3 * begin.elapsed().as_secs_f64());
        if k == 100 || k + 1 == count || (k + 1) % 5000 == 0 {
            println!("{:>6} solves: {:.1} MB resident", k + 1, memory());
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "solve and JSON: {:.3} ms median, {:.3} ms p99, {:.3} ms at most",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!(
        "{refused} refused, {} bytes an answer",
        bytes / count.max(1)
    );
    Ok(())
}
