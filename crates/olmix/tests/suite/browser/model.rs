//! The laws of the pages against the laws here, at random mixtures.

use std::fmt::Write as _;

use olmix_core::LawKind;
use olmix_core::law::{Law as _, LawOptions, Repeats};
use olmix_io::{MixtureFile, load_fit};
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use super::in_browser;
use crate::common::{copy_demo, demo_config};

/// Mixtures over `m` domains: drawn from the whole simplex, with weights of exactly 0 among them.
fn mixtures(m: usize, count: usize) -> Vec<Vec<f64>> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let one = |i: usize| {
        let mut p: Vec<f64> = (0..m).map(|_| -random.random::<f64>().ln()).collect();
        if i.is_multiple_of(3) {
            p[i % m] = 0.0;
        }
        let sum: f64 = p.iter().sum();
        p.iter().map(|p| p / sum).collect()
    };
    (0..count).map(one).collect()
}

#[test]
fn laws_in_the_page_predict_what_the_laws_here_do() {
    let folder = tempfile::tempdir().unwrap();
    copy_demo(folder.path());
    // Trees need more runs than the demo has: each twice.
    for table in ["ratios.csv", "metrics.csv"] {
        let path = folder.path().join(table);
        let mut rows = std::fs::read_to_string(&path).unwrap();
        for row in rows.clone().lines().skip(1) {
            writeln!(rows, "b{row}").unwrap();
        }
        std::fs::write(&path, rows).unwrap();
    }
    let mut cases = Vec::new();
    for &kind in LawKind::FITTED {
        let config = demo_config()
            .replace("log_linear", kind.name())
            .replace("proposer: {type: exact, kl_reg: 0.05}\n", "")
            + "diagnostics: {folds: 0, bootstrap: 0}\n";
        assert!(config.contains(kind.name()));
        let path = folder.path().join("fit.yaml");
        std::fs::write(&path, config).unwrap();
        let loaded = load_fit(&path).unwrap();
        let mut fit = olmix_core::fit_only(&loaded.swarm, &loaded.spec, &()).unwrap();
        let takes_repeats = fit.options.as_ref().is_some_and(LawOptions::takes_repeats);
        for name in [
            kind.name().to_owned(),
            format!("{}, repeated", kind.name()),
            format!("{}, calibrated", kind.name()),
        ] {
            if name.ends_with("repeated") {
                if !takes_repeats {
                    continue;
                }
                let repeats = Repeats {
                    r_star: 3.0,
                    epochs: std::iter::successors(Some(0.25), |epochs| Some(4.0 * epochs))
                        .take(loaded.swarm.domains().len())
                        .collect(),
                };
                let laws = std::mem::take(&mut fit.laws).into_iter();
                fit.laws = laws.map(|law| law.with_repeats(&repeats)).collect();
            }
            let file = MixtureFile::new(&loaded, &fit).to_bytes().unwrap();
            let points = mixtures(loaded.swarm.domains().len(), 100);
            let losses = points.iter().map(|p| -> Vec<f64> {
                let laws = fit.laws.iter();
                laws.map(|law| law.predict(p)).collect()
            });
            cases.push(json!({
                "kind": name,
                "mixture": String::from_utf8(file).unwrap(),
                "losses": losses.collect::<Vec<_>>(),
                "mixtures": points,
            }));
            if name.ends_with("repeated") || !takes_repeats {
                let calibrated = fit.laws.iter().map(|law| law.calibrated(0.7, 0.2));
                fit.laws = calibrated.collect();
            }
        }
    }
    let laws = folder.path().join("laws.json");
    std::fs::write(&laws, serde_json::to_vec(&cases).unwrap()).unwrap();
    in_browser(&["model.test.mjs"], &[("OLMIX_LAWS", &laws)]);
}
