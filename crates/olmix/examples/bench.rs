//! Times fit and solve on the measured swarms: `cargo run --release -p olmix --example bench`.
#![allow(clippy::print_stdout)] // printing is what a benchmark is for
use std::path::PathBuf;
use std::time::Instant;

use olmix_core::fit;
use olmix_io::load_fit;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::var_os("OLMIX_DATA").map(PathBuf::from);
    let data = given.unwrap_or_else(|| PathBuf::from("../shared/data"));
    for name in ["dclm", "full_recomputation"] {
        let config = data.join("olmix").join(name).join("fit.yaml");
        if !config.is_file() {
            println!("skipped: no {}", config.display());
            continue;
        }
        let mut loaded = load_fit(&config)?;
        (loaded.spec.folds, loaded.spec.bootstrap) = (0, 0);
        let mut times: Vec<f64> = Vec::new();
        for _ in 0..11 {
            let start = Instant::now();
            fit(&loaded.swarm, &loaded.spec, &())?;
            times.push(1e3 * start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{name}: fit and solve, median {:.1} ms (min {:.1}, max {:.1})",
            times[5], times[0], times[10]
        );
    }
    Ok(())
}
