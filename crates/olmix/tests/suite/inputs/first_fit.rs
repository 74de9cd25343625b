//! The first fit.yaml that `generate` and `collect` write.

use std::path::Path;

use super::from_table::{export, mixture};
use crate::common::{newcomer, olmix};

#[test]
fn a_first_config_fits_however_few_the_runs_are() {
    let demo = export(",", |x| x.to_string());
    let few = demo.lines().take(5).collect::<Vec<_>>().join("\n");
    for (table, proposed) in [(&demo, "a law"), (&few, "the best run")] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), table).unwrap();
        olmix(
            folder.path(),
            "collect --swarm t.csv --mix data.mix.* --output data",
        )
        .assert()
        .success();
        olmix(folder.path(), "fit --config data/fit.yaml --quiet")
            .assert()
            .success();
        let weights: f64 = mixture(folder.path(), "out")
            .iter()
            .map(|(_, weight)| weight)
            .sum();
        assert!((weights - 1.0).abs() < 1e-9, "{proposed}");
        // It is the user's from then on.
        let config = folder.path().join("data/fit.yaml");
        let mine = std::fs::read_to_string(&config).unwrap() + "# mine\n";
        std::fs::write(&config, &mine).unwrap();
        let again = "collect --swarm t.csv --mix data.mix.* --output data";
        let run = olmix(folder.path(), again).assert().success();
        assert!(String::from_utf8_lossy(&run.get_output().stderr).contains("is kept"));
        assert_eq!(std::fs::read_to_string(&config).unwrap(), mine);
        let run = olmix(folder.path(), &format!("{again} --tokens t.csv"))
            .assert()
            .code(2);
        assert!(!run.get_output().stderr.is_empty());
    }
}

/// Invents metrics of the runs in a ratios.csv: losses that fall with the logarithm of some shares.
fn measure(folder: &Path) {
    let ratios = std::fs::read_to_string(folder.join("ratios.csv")).unwrap();
    let mut metrics = "run,math,code\n".to_owned();
    for line in ratios.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let share = |i: usize| cells[i].parse::<f64>().unwrap();
        let loss = |i: usize| 2.0 - 0.1 * (share(i) + 0.02).ln();
        metrics += &format!("{},{},{}\n", cells[0], loss(1), loss(2));
    }
    std::fs::write(folder.join("metrics.csv"), metrics).unwrap();
}

#[test]
fn generate_writes_a_config_that_fits_once_the_runs_are_measured() {
    // A source whose topics keep their ratios is one domain of the fit.
    let pinned = "name: s\ndata:\n  sources:\n  - name: web\n    topics:\n    - {name: a, paths: [a.npy], weight: 0.25}\n    \
                  - {name: b, paths: [b.npy], weight: 0.75}\n  - {name: code, paths: [c.npy]}\n  - {name: math, paths: \
                  [d.npy]}\npriors:\n  relative_sizes: {'web:a': 0.4, 'web:b': 0.2, code: 0.3, math: 0.1}\n  token_counts: \
                  {'web:a': 400, 'web:b': 200, code: 300, math: 100}\nswarm: {seed: 1, variants: 20, repetition_factor: \
                  100}\nmax_tokens: 100\n";
    let folder = newcomer();
    std::fs::write(folder.path().join("pinned.yaml"), pinned).unwrap();
    for (config, out, domains) in [
        ("examples/swarm/generate.yaml", "swarm", 6),
        ("pinned.yaml", "pinned", 3),
    ] {
        let line = format!("generate --config {config} --output {out} --quiet");
        olmix(folder.path(), &line).assert().success();
        measure(&folder.path().join(out));
        let line = format!("fit --config {out}/fit.yaml --output-dir {out}/out --quiet");
        olmix(folder.path(), &line).assert().success();
        let found = mixture(folder.path(), &format!("{out}/out"));
        assert_eq!(found.len(), domains, "{found:?}");
        let text = std::fs::read_to_string(folder.path().join(out).join("fit.yaml")).unwrap();
        assert_eq!(
            text.contains("virtual_domains:\n  web:\n    web:a: 0.25\n    web:b: 0.75\n"),
            out == "pinned",
            "{text}"
        );
        assert_eq!(
            text.contains("token_counts:\n    web: 600\n"),
            out == "pinned",
            "{text}"
        );
        // Another draw into the same folder keeps the config.
        let config = folder.path().join(out).join("fit.yaml");
        std::fs::write(&config, "mine").unwrap();
        let line = format!(
            "generate --config {} --output {out} --quiet",
            if out == "swarm" {
                "examples/swarm/generate.yaml"
            } else {
                "pinned.yaml"
            }
        );
        olmix(folder.path(), &line).assert().success();
        assert_eq!(std::fs::read_to_string(config).unwrap(), "mine");
    }
}

#[test]
fn a_first_config_knows_scores_by_their_names_and_tokens_as_people_write_them() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..12).map(|i| {
        let a = f64::from(i) / 11.0;
        format!("r{i},{a},{},{},{}\n", 1.0 - a, 2.0 - a, 0.2 + 0.5 * a)
    });
    let table = format!(
        "run,m.a,m.b,code_bpb,hellaswag/acc\n{}",
        rows.collect::<Vec<_>>().concat()
    );
    std::fs::write(folder.path().join("t.csv"), table).unwrap();
    std::fs::write(folder.path().join("counts.yaml"), "{a: 2T, b: 800B}\n").unwrap();
    let line = "collect --swarm t.csv --mix m.* --metrics code_bpb --metrics *acc --tokens counts.yaml --output data";
    olmix(folder.path(), line).assert().success();
    let config = std::fs::read_to_string(folder.path().join("data/fit.yaml")).unwrap();
    assert!(config.contains("hellaswag/acc: max"), "{config}");
    assert!(
        config.contains("    a: 2000000000000\n    b: 800000000000\n"),
        "{config}"
    );
    olmix(folder.path(), "fit --config data/fit.yaml --quiet")
        .assert()
        .success();
    // Both are better with more of `a`.
    let found = mixture(folder.path(), "out");
    assert!(found[0].1 > 0.8, "{found:?}");
}
