//! What rounding, spreadsheets and other tools leave in numbers and names.

use std::path::Path;

use serde_json::Value as Json;

use crate::common::{copy_demo, measured, newcomer, olmix, tiny};

fn weights(file: &Path) -> Vec<f64> {
    let file: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let domains = file["domains"].as_array().unwrap();
    domains
        .iter()
        .map(|domain| domain["weight"].as_f64().unwrap())
        .collect()
}

/// Fits the demo's swarm after a change of its ratios.
fn fitted(change: impl Fn(&str) -> String) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    copy_demo(folder.path());
    let ratios = folder.path().join("ratios.csv");
    let text = std::fs::read_to_string(&ratios).unwrap();
    std::fs::write(&ratios, change(&text)).unwrap();
    olmix(folder.path(), "fit --config fit.yaml --quiet")
        .assert()
        .success();
    weights(&folder.path().join("out/mixture.json"))
}

#[test]
fn what_rounding_leaves_below_zero_of_a_share_is_zero() {
    let zero = |text: &str, zero: &str| {
        text.replace(
            ",0.370294,0.012858,0.001164",
            &format!(",0.370294,0.014022,{zero}"),
        )
    };
    assert_eq!(
        fitted(|text| zero(text, "-5.55e-17")),
        fitted(|text| zero(text, "0"))
    );
    let folder = tempfile::tempdir().unwrap();
    let mix = |weight: &str| {
        let text = format!(
            "name: r\ntraining: {{}}\ntrainer: {{command: t}}\nmix: {{a: 1.0, b: {weight}}}\n"
        );
        let folder = folder.path().join("launch");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("r.yaml"), text).unwrap();
    };
    mix("-1e-17");
    olmix(folder.path(), "launch preview --variants launch")
        .assert()
        .success();
    mix("-0.1");
    let run = olmix(folder.path(), "launch preview --variants launch")
        .assert()
        .code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("must be a share that is not negative"),
        "{message}"
    );
}

#[test]
fn weights_of_sources_that_sum_to_1_but_for_rounding_are_divided_by_their_sum() {
    let folder = newcomer();
    let config = |a: &str, b: &str| {
        let text = format!(
            "name: s\ndata:\n  sources:\n  - name: web\n    topics:\n    - {{name: a, paths: [a.npy], weight: {a}}}\n    - {{name: \
             b, paths: [b.npy], weight: {b}}}\n  - {{name: code, paths: [c.npy]}}\npriors: {{token_counts: {{'web:a': 400, \
             'web:b': 200, code: 300}}}}\nswarm: {{variants: 4, repetition_factor: 100}}\nmax_tokens: 100\n"
        );
        std::fs::write(folder.path().join("g.yaml"), text).unwrap();
    };
    config("0.333", "0.666");
    let run = olmix(folder.path(), "generate --config g.yaml --output s --json")
        .assert()
        .success();
    let drawn: Json = serde_json::from_slice(&run.get_output().stdout).unwrap();
    for variant in drawn["variants"].as_array().unwrap() {
        let weight = |leaf: &str| variant["mixture"][leaf].as_f64().unwrap();
        let sum = weight("web:a") + weight("web:b") + weight("code");
        assert!((sum - 1.0).abs() < 1e-9, "{variant}");
        assert!(
            (2.0 * weight("web:a") - weight("web:b")).abs() < 1e-9,
            "{variant}"
        );
    }
    config("0.3", "0.6");
    let run = olmix(folder.path(), "generate --config g.yaml --output t")
        .assert()
        .code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("weights of the parts of `web` sum to 0.89999"),
        "{message}"
    );
}

#[test]
fn tables_of_excel_are_fitted_as_the_tables_they_were_exported_from() {
    let excel = |text: &str| {
        format!(
            "sep=;\r\n{}",
            text.replace('.', "\u{1}")
                .replace(',', ";")
                .replace('\u{1}', ",")
                .replace('\n', "\r\n")
        )
    };
    assert_eq!(fitted(excel), fitted(str::to_owned));
    assert_eq!(
        fitted(|text| text.replace(',', "\t")),
        fitted(str::to_owned)
    );
}

#[test]
fn names_that_ratios_can_not_have_are_refused_by_generate() {
    let folder = newcomer();
    for (name, why) in [
        (
            "'Unnamed: 0'",
            "readers of ratios.csv take that for a column without a name",
        ),
        (
            "'a '",
            "readers of ratios.csv drop the white space around names",
        ),
        ("index", "ratios.csv has a column of that name"),
    ] {
        let text = format!(
            "name: s\ndata: {{sources: [{{name: {name}, paths: [a]}}, {{name: b, paths: [b]}}]}}\npriors: {{token_counts: \
             {{{name}: 1, b: 2}}}}\n"
        );
        std::fs::write(folder.path().join("g.yaml"), text).unwrap();
        let run = olmix(folder.path(), "generate --config g.yaml --output s")
            .assert()
            .code(2);
        let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(message.contains(why), "{name}: {message}");
    }
}

#[test]
fn names_that_only_look_alike_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    copy_demo(folder.path());
    let change = |file: &str, from: &str, to: &str| {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap().replace(from, to);
        std::fs::write(path, text).unwrap();
    };
    change("fit.yaml", "books", "caf\u{e9}");
    change("ratios.csv", "books", "cafe\u{301}");
    let run = olmix(folder.path(), "fit --config fit.yaml")
        .assert()
        .code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("The two look alike, but one is written with combining accents"),
        "{message}"
    );
}

#[test]
fn a_decimal_comma_in_a_list_of_numbers_is_refused() {
    let folder = newcomer();
    let line = "sweep --config examples/demo/fit.yaml --kl 0,05";
    let run = olmix(folder.path(), line).assert().code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("write decimals with a point, such as 0.05"),
        "{message}"
    );
}

#[test]
fn files_that_are_a_sample_count_for_all_of_their_data() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, size) in [("web", 6000), ("a", 2000), ("b", 400)] {
        std::fs::write(folder.join(format!("{name}.bin")), vec![0; size]).unwrap();
    }
    let config = "name: test\ndata:\n  dtype: uint16\n  sources:\n  - {name: web, paths: [web.bin]}\n  - name: code\n    sample: 0.1\n    \
                  topics:\n    - {name: a, paths: [a.bin]}\n    - {name: b, paths: [b.bin], sample: 0.5}\n";
    std::fs::write(folder.join("g.yaml"), config).unwrap();
    let run = olmix(folder, "priors compute --config g.yaml --json")
        .assert()
        .success();
    let counted: Json = serde_json::from_slice(&run.get_output().stdout).unwrap();
    let tokens = |leaf: &str| counted["leaves"][leaf]["tokens"].as_u64().unwrap();
    assert_eq!(
        (tokens("web"), tokens("code:a"), tokens("code:b")),
        (3000, 10_000, 400)
    );
    std::fs::write(folder.join("g.yaml"), config.replace("0.1", "0")).unwrap();
    let run = olmix(folder, "priors compute --config g.yaml")
        .assert()
        .code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message
            .contains("`data.sources[1].sample` must be the share of the data that the files are"),
        "{message}"
    );
}

#[test]
fn a_run_may_see_a_sample_as_often_as_makes_the_same_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    tiny::data(folder.path());
    let mix = "{prose: {weight: 1.0, repetition_factor: 1.0}}";
    let config = tiny::config("r", mix, "");
    std::fs::write(folder.path().join("whole.yaml"), &config).unwrap();
    let run = olmix(
        folder.path(),
        "proxy prepare --config whole.yaml --out whole",
    )
    .assert()
    .code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("the mixture asks for more data than there is"),
        "{message}"
    );
    let sample = config.replace("{name: prose, ", "{name: prose, sample: 0.01, ");
    assert_ne!(sample, config);
    std::fs::write(folder.path().join("sample.yaml"), sample).unwrap();
    olmix(
        folder.path(),
        "proxy prepare --config sample.yaml --out sample",
    )
    .assert()
    .success();
}

#[test]
fn published_tables_of_regmix_are_fitted_as_they_are() {
    let Some(regmix) = measured("regmix") else {
        return;
    };
    let table = std::fs::read_to_string(regmix.join("train_mixture_1m.csv")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sizes = table.lines().next().unwrap().split(',').skip(1);
    let sizes: Vec<String> = sizes.map(|domain| format!("    {domain}: 1\n")).collect();
    let at = |file: &str| {
        regmix
            .join(file)
            .canonicalize()
            .unwrap()
            .display()
            .to_string()
    };
    let config = format!(
        "swarm: {{ratios: {}, metrics: {}}}\npriors:\n  relative_sizes:\n{}eval:\n  tasks: {{all: \
         [metric/the_pile_pile_cc_val_loss, metric/the_pile_arxiv_val_loss]}}\nregression: {{type: saturating}}\ndiagnostics: \
         {{folds: 0, bootstrap: 0}}\n",
        at("train_mixture_1m.csv"),
        at("train_pile_loss_1m.csv"),
        sizes.concat()
    );
    std::fs::write(folder.path().join("fit.yaml"), config).unwrap();
    olmix(folder.path(), "fit --config fit.yaml --quiet")
        .assert()
        .success();
    let line = format!(
        "predict --mixture out/mixture.json --ratios {} --metrics {} --json",
        at("test_mixture_1m.csv"),
        at("test_pile_loss_1m.csv")
    );
    let run = olmix(folder.path(), &line).assert().success();
    let printed: Json = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(printed["runs"].as_array().unwrap().len(), 256);
    let scores = printed["scores"].as_array().unwrap();
    let pile_cc = scores
        .iter()
        .find(|one| one["task"] == "metric/the_pile_pile_cc_val_loss")
        .unwrap();
    let spearman = pile_cc["scores"]["spearman"].as_f64().unwrap();
    assert!((spearman - 0.992).abs() < 0.002, "{spearman}");
}
