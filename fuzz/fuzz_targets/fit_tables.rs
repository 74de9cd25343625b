//! ratios.csv and metrics.csv of a swarm: the two files are parted by a NUL byte.
#![no_main]

use libfuzzer_sys::fuzz_target;

const CONFIG: &str = "swarm: {ratios: ratios.csv, metrics: metrics.csv}\n\
    priors: {token_counts: {web: 6000, code: 900, math: 300}}\nregression: {type: log_linear}\n";

fuzz_target!(|data: &[u8]| {
    let Some(at) = data.iter().position(|byte| *byte == 0) else {
        return;
    };
    let folder = olmix_fuzz::fresh("swarm");
    olmix_fuzz::file(&folder, "ratios.csv", &data[..at]);
    olmix_fuzz::file(&folder, "metrics.csv", &data[at + 1..]);
    let config = olmix_fuzz::file(&folder, "fit.yaml", CONFIG.as_bytes());
    olmix_fuzz::said(olmix_io::load_fit(&config));
});
