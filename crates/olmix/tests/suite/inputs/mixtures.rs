//! Mixtures as other tools and spreadsheets write them.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::common::{newcomer, olmix};

/// The shares that `mix show` reads from a file.
fn shares(folder: &Path, text: &str, file: &str, more: &[&str]) -> Json {
    std::fs::write(folder.join(file), text).unwrap();
    let run = olmix(folder, "mix show --json")
        .arg(file)
        .args(more)
        .assert()
        .success();
    let printed: Json = serde_json::from_slice(&run.get_output().stdout).unwrap();
    printed["shares"].clone()
}

fn refused(folder: &Path, text: &str, file: &str, more: &[&str]) -> String {
    std::fs::write(folder.join(file), text).unwrap();
    let run = olmix(folder, "mix show")
        .arg(file)
        .args(more)
        .assert()
        .code(2);
    String::from_utf8(run.get_output().stderr.clone()).unwrap()
}

#[test]
fn mixtures_of_other_tools_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let expected = json!([["web", 0.75], ["code", 0.25]]);
    for (file, text) in [
        // RegMix's mixture of a model, with its validation sets.
        (
            "regmix.yaml",
            "train:\n  web: 0.75\n  code: 0.25\nvalid:\n  v: 1.0\nmodel_name: tinyllama_1_1b\n",
        ),
        // DoReMi's weights.
        (
            "doremi.json",
            r#"{"train_domain_weights": {"web": 0.75, "code": 0.25}, "eval_domain_weights": {"web": 1}}"#,
        ),
        ("plain.json", r#"{"web": 0.75, "code": 0.25}"#),
        (
            "nested.json",
            r#"{"step": 100, "domain_weights": {"web": 3, "code": 1}}"#,
        ),
        // Megatron's blend, on one line, on several, and as NeMo lists it.
        ("blend.txt", "0.75 web 0.25 code\n"),
        ("lines.txt", "0.75 web\n0.25 code\n"),
        ("argument.txt", "--data-path 3 web 1 code\n"),
        ("nemo.yaml", "[0.75, web, 0.25, code]\n"),
        // Spreadsheets: other cases, separators, decimal commas, percents, empty lines.
        ("excel.csv", "Domain;Weight\r\nweb;0,75\r\ncode;0,25\r\n"),
        ("sep.csv", "sep=;\nDomain;Share\nweb;75 %\ncode;25 %\n"),
        ("tabs.tsv", "domain\tweight\nweb\t0.75\ncode\t0.25\n"),
        ("percent.csv", "Source,Ratio\nweb,75\ncode,25\n"),
        ("blank.csv", "\ndomain,weight\n\nweb,0.75\n\ncode,0.25\n"),
        // Tokens stand for shares, as people write them.
        ("tokens.csv", "domain,tokens\nweb,3T\ncode,1000000000000\n"),
        ("tokens.yaml", "{web: 3T, code: \"1,000,000,000,000\"}\n"),
        // Rounding is not an error.
        (
            "rounded.csv",
            "domain,weight\nweb,0.75\ncode,0.25\nwiki,-5.55e-17\n",
        ),
    ] {
        let found = shares(folder, text, file, &[]);
        let found: Vec<Json> = found.as_array().unwrap().iter().take(2).cloned().collect();
        assert_eq!(json!(found), expected, "{file}");
    }
}

#[test]
fn paths_of_a_blend_become_the_domains_that_list_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = "name: s\ndata:\n  sources:\n  - {name: web, paths: [/data/web/a.bin, /data/web/b.bin]}\n  \
                - name: code\n    topics:\n    - {name: py, paths: ['/data/py/*.bin']}\n";
    std::fs::write(folder.join("generate.yaml"), data).unwrap();
    let over = ["--data", "generate.yaml"];
    let blend = "0.3 /data/web/a 0.45 /data/web/b 0.25 /data/py/x_text_document\n";
    let found = shares(folder, blend, "blend.txt", &over);
    assert_eq!(found, json!([["web", 0.75], ["code:py", 0.25]]));
    let message = refused(
        folder,
        "0.3 /data/web/a 0.7 /data/wiki\n",
        "blend.txt",
        &over,
    );
    assert!(
        message.contains("blend.txt: no domain of generate.yaml lists `/data/wiki`"),
        "{message}"
    );
    // What `export` writes comes back.
    let mixture = "domain,weight\nweb,0.6\ncode:py,0.4\n";
    std::fs::write(folder.join("m.csv"), mixture).unwrap();
    let export = "export --mixture m.csv --format megatron --data generate.yaml";
    let one = data
        .replace("'/data/py/*.bin'", "/data/py/x.bin")
        .replace(", /data/web/b.bin", "");
    std::fs::write(folder.join("generate.yaml"), one).unwrap();
    let run = olmix(folder, export).assert().success();
    let text = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    let found = shares(folder, &text, "again.txt", &over);
    for (entry, expected) in found
        .as_array()
        .unwrap()
        .iter()
        .zip([("web", 0.6), ("code:py", 0.4)])
    {
        assert_eq!(entry[0], expected.0);
        assert!(
            (entry[1].as_f64().unwrap() - expected.1).abs() < 1e-8,
            "{found}"
        );
    }
}

#[test]
fn mixtures_that_can_not_be_read_are_refused_at_their_line() {
    let folder = tempfile::tempdir().unwrap();
    for (text, expected) in [
        (
            "domain,weight\nweb,0.5\nweb,0.5\n",
            "m.csv:3: domain `web` occurs twice",
        ),
        (
            "\ndomain,weight\n\nweb,x\n",
            "m.csv:4: the weight of `web` is `x`, not a number",
        ),
        (
            "domain,weight\nweb,-0.1\ncode,1.1\n",
            "m.csv: the share of `web` is -0.1",
        ),
        (
            "Domain;Weight\nweb;0,75\ncode;0.25\n",
            "m.csv:2: `0,75` has a decimal comma",
        ),
    ] {
        let message = refused(folder.path(), text, "m.csv", &[]);
        assert!(message.contains(expected), "{text:?} gives {message}");
    }
}

#[test]
fn predict_reads_every_mixture_that_mix_show_reads() {
    let folder = newcomer();
    olmix(folder.path(), "fit --config examples/demo/fit.yaml --quiet")
        .assert()
        .success();
    let predicted = |file: &str, text: &str| {
        std::fs::write(folder.path().join(file), text).unwrap();
        let line = format!("predict --mixture out/mixture.json --ratios {file} --json");
        let run = olmix(folder.path(), &line).assert().success();
        let printed: Json = serde_json::from_slice(&run.get_output().stdout).unwrap();
        (
            printed["runs"].clone(),
            printed["predicted_average"][0].as_f64().unwrap(),
        )
    };
    let table = std::fs::read_to_string(folder.path().join("examples/demo/ratios.csv")).unwrap();
    let header = table.lines().next().unwrap();
    let domains: Vec<&str> = header.split(',').skip(1).collect();
    let row = |first: f64| {
        let others = domains.iter().skip(2).map(|_| ",0");
        format!(
            "{header}\nx,{first},{}{}\n",
            1.0 - first,
            others.collect::<String>()
        )
    };
    let of_table = predicted("t.csv", &row(0.25));
    let weights = format!("{}: 1\n'{}': 3\n", domains[0], domains[1]);
    let of_weights = predicted("w.yaml", &weights);
    assert_eq!(of_weights.0, json!(["w"]));
    assert!(
        (of_table.1 - of_weights.1).abs() < 1e-12,
        "{of_table:?} {of_weights:?}"
    );
}

#[test]
fn token_counts_beside_priors_are_those_of_the_priors() {
    let folder = tempfile::tempdir().unwrap();
    let text = "priors: {relative_sizes: {a: 0.5, b: 0.5}}\ntoken_counts: {a: 100, b: 300}\n";
    std::fs::write(folder.path().join("fit.yaml"), text).unwrap();
    let run = olmix(folder.path(), "priors show fit.yaml --json")
        .assert()
        .success();
    let printed: Json = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(printed["tokens"], json!([100, 300]));
    assert_eq!(printed["shares"], json!([["a", 0.5], ["b", 0.5]]));
}
