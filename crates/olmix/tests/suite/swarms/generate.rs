//! What `olmix generate` promises, run as a user runs it.

use std::path::Path;

use crate::common::{json, newcomer, olmix, refused};
use olmix_core::DomainSet;
use olmix_io::load_mixtures;

const GENERATE: &str = "generate --config examples/swarm/generate.yaml";

fn rewrite(folder: &Path, from: &str, to: &str) {
    let path = folder.join("examples/swarm/generate.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn generated_mixtures_are_read_back_exactly() {
    for design in ["random", "maximin", "d_optimal", "v_optimal"] {
        let folder = newcomer();
        let drawn = json(
            folder.path(),
            &format!("{GENERATE} --json --design {design}"),
        );
        let variants = drawn["variants"].as_array().unwrap();
        assert_eq!(variants.len(), 21);
        let first = variants[0]["mixture"].as_object().unwrap();
        let domains = DomainSet::from_names(first.keys().map(String::as_str)).unwrap();
        let read = load_mixtures(&folder.path().join("swarm/ratios.csv"), &domains).unwrap();
        assert_eq!(read.ids.len(), 21);
        for (k, variant) in variants.iter().enumerate() {
            assert_eq!(read.ids[k], variant["run"].as_str().unwrap());
            for (j, name) in domains.names().enumerate() {
                let written = variant["mixture"][name].as_f64().unwrap();
                assert_eq!(read.mixtures.get(k, j).to_bits(), written.to_bits());
            }
        }
    }
}

#[test]
fn generate_gives_the_same_bytes_on_any_threads_and_again_in_its_place() {
    let folder = newcomer();
    let with_base = format!("{GENERATE} --base examples/swarm/launch.yaml --quiet");
    let ratios = folder.path().join("swarm/ratios.csv");
    olmix(folder.path(), &format!("{with_base} --threads 1"))
        .assert()
        .success();
    let once = std::fs::read(&ratios).unwrap();
    olmix(folder.path(), &format!("{with_base} --threads 3"))
        .assert()
        .success();
    assert_eq!(once, std::fs::read(&ratios).unwrap());
    let launched = std::fs::read_dir(folder.path().join("swarm/launch")).unwrap();
    // Its runs, and their checksums.
    assert_eq!(launched.count(), 22);
}

#[test]
fn generate_refuses_to_overwrite_another_swarm() {
    let folder = newcomer();
    olmix(folder.path(), &format!("{GENERATE} --quiet"))
        .assert()
        .success();
    let ratios = folder.path().join("swarm/ratios.csv");
    let before = std::fs::read(&ratios).unwrap();
    let message = refused(folder.path(), &format!("{GENERATE} --seed 1 --quiet"));
    assert!(
        message.contains("swarm/ratios.csv: holds another swarm"),
        "{message}"
    );
    assert_eq!(before, std::fs::read(&ratios).unwrap());
}

#[test]
fn generate_refuses_infeasible_bounds_with_the_largest_feasible() {
    let folder = newcomer();
    rewrite(
        folder.path(),
        "max_tokens: 3_000_000_000 ",
        "max_tokens: 5e10 ",
    );
    let message = refused(folder.path(), GENERATE);
    assert!(
        message.contains("the largest max_tokens that can be met is 38800000000;"),
        "{message}"
    );
    assert!(!folder.path().join("swarm").exists());
}

#[test]
fn generate_names_bounds_that_reject_most_draws() {
    let folder = newcomer();
    rewrite(
        folder.path(),
        "max_tokens: 3_000_000_000 ",
        "max_tokens: 20_000_000_000 ",
    );
    let run = olmix(folder.path(), &format!("{GENERATE} --design random")).assert();
    let output = run.get_output();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("candidates"), "{message}");
    assert!(message.contains("had more of `"), "{message}");
}

#[test]
fn generate_keeps_existing_swarm_and_draws_others() {
    let folder = newcomer();
    olmix(
        folder.path(),
        &format!("{GENERATE} --design random --quiet"),
    )
    .assert()
    .success();
    rewrite(
        folder.path(),
        "  seed: 42\n",
        "  seed: 42\n  existing_mix_file: ../../swarm/ratios.csv\n",
    );
    let line = format!("{GENERATE} --design random --output more --quiet");
    olmix(folder.path(), &line).assert().success();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (before, after) = (read("swarm/ratios.csv"), read("more/ratios.csv"));
    let weights = |text: &str| -> Vec<String> {
        let row = |line: &str| line.split_once(',').unwrap().1.to_owned();
        text.lines().skip(1).map(row).collect()
    };
    let before = weights(&before);
    assert!(weights(&after).iter().all(|row| !before.contains(row)));
}

#[test]
fn generate_names_domains_that_no_run_samples_and_runs_that_are_too_few() {
    let folder = tempfile::tempdir().unwrap();
    let config = |variants: u32, more: &str| {
        format!(
            "name: test\ndata: {{sources: [{{name: web, paths: [a]}}, {{name: code, paths: [b]}}, {{name: rare, \
             paths: [c]}}]}}\npriors: {{token_counts: {{web: 9e11, code: 9e10, rare: 1.5e8}}}}\nswarm: \
             {{variants: {variants}{more}}}\nmax_tokens: 1e9\n"
        )
    };
    let told = |text: String, output: &str| {
        std::fs::write(folder.path().join("gen.yaml"), text).unwrap();
        let line = format!("generate --config gen.yaml --json --output {output}");
        let run = olmix(folder.path(), &line).assert().success();
        let output = run.get_output();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (json, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (json, message) = told(config(30, ""), "a");
    assert_eq!(json["never_sampled"], serde_json::json!(["rare"]));
    for says in [
        "`rare` is 0 in all 30 mixtures",
        "its share of the prior is 1.51e-4",
        "swarm.minimum_weight",
        "swarm.mix_temperature",
    ] {
        assert!(message.contains(says), "{says}: {message}");
    }
    let (json, message) = told(config(3, ", mix_temperature: 0.3"), "b");
    assert_eq!(json["never_sampled"], serde_json::json!([]));
    assert_eq!(json["runs_needed"], 4);
    let says = "3 runs are fewer than the 4 that a log-linear law over 3 domains needs";
    assert!(message.contains(says), "{message}");
    let (_, message) = told(config(4, ", mix_temperature: 0.3"), "c");
    assert!(!message.contains("warning"), "{message}");
}

/// Topics whose ratios are pinned are one domain of the law, as in the fit config that is written beside.
#[test]
fn runs_needed_count_a_source_of_pinned_topics_once() {
    let folder = tempfile::tempdir().unwrap();
    let topics = "[{name: a, paths: [a], weight: 0.3}, {name: b, paths: [b], weight: 0.3}, \
                  {name: c, paths: [c], weight: 0.4}]";
    let config = format!(
        "name: g\ndata: {{sources: [{{name: old, topics: {topics}}}, {{name: new, paths: [n]}}]}}\n\
         priors: {{token_counts: {{\"old:a\": 1e6, \"old:b\": 1e6, \"old:c\": 1e6, new: 1e6}}}}\n\
         swarm: {{variants: 4, min_strength: 5, max_strength: 20}}\nmax_tokens: 100000\n"
    );
    std::fs::write(folder.path().join("g.yaml"), config).unwrap();
    let line = "generate --config g.yaml --json --output o";
    let run = olmix(folder.path(), line).assert().success();
    let drawn: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(drawn["runs_needed"], 3);
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(!said.contains("runs are fewer"), "{said}");
    let fit = std::fs::read_to_string(folder.path().join("o/fit.yaml")).unwrap();
    assert!(fit.contains("virtual_domains"), "{fit}");
}

#[test]
fn generated_runs_of_the_prior_are_the_last_and_train_with_seeds_of_their_own() {
    let folder = newcomer();
    let line = format!("{GENERATE} --replicates 3 --base examples/swarm/launch.yaml --json");
    let drawn = json(folder.path(), &line);
    let variants = drawn["variants"].as_array().unwrap();
    assert_eq!((variants.len(), &drawn["replicates"]), (24, &3.into()));
    let seed = |run: &serde_json::Value| {
        let name = format!("swarm/launch/{}.yaml", run["run"].as_str().unwrap());
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let line = text.lines().find(|line| line.contains("seed:")).unwrap();
        line.trim().to_owned()
    };
    let base = seed(&variants[0]);
    let seeds: Vec<String> = variants[21..].iter().map(seed).collect();
    assert_eq!(seeds[0], base);
    assert!(seeds[1] != base && seeds[2] != base && seeds[1] != seeds[2]);
    assert!(variants[..21].iter().all(|run| seed(run) == base));
    for run in &variants[21..] {
        assert_eq!(run["mixture"], variants[21]["mixture"]);
    }
    let without = json(folder.path(), &format!("{GENERATE} --json --output o"));
    let mixtures = |drawn: &serde_json::Value| -> Vec<serde_json::Value> {
        let variants = drawn["variants"].as_array().unwrap()[..21].iter();
        variants.map(|run| run["mixture"].clone()).collect()
    };
    assert_eq!(mixtures(&drawn), mixtures(&without));
}
