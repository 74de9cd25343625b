//! The report of a fit in the browser: what its sliders show is what `olmix fit` finds.

use std::path::Path;

use serde_json::{Value, json};

use super::in_browser;
use crate::common::{copy_demo, demo_config, json as run_json, olmix};
use crate::reliability::hostile_names;

/// What a fit with these words prints as JSON: weights of the domains, and the predicted loss.
fn solved(folder: &Path, words: &str) -> Value {
    let line = format!("fit --config fit.yaml --folds 0 --json --output-dir other {words}");
    run_json(folder, &line)
}

/// Every field of the page's data stands in docs/report.md.
fn fields_are_documented(report: &Path) {
    let page = std::fs::read_to_string(report).unwrap();
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let data: Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/report.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let fields = [&data, &data["answers"]].into_iter();
    let names: Vec<&String> = fields.flat_map(|o| o.as_object().unwrap().keys()).collect();
    assert!(names.len() >= 11);
    for name in names {
        assert!(
            docs.contains(&format!("`{name}`")),
            "docs/report.md: `{name}`"
        );
    }
}

#[test]
fn a_report_answers_as_olmix_fit_does_and_shows_every_name_as_text() {
    let place = tempfile::tempdir().unwrap();
    let (demo, trees, hostile) = (
        place.path().join("demo"),
        place.path().join("trees"),
        place.path().join("hostile"),
    );
    for folder in [&demo, &trees, &hostile] {
        std::fs::create_dir(folder).unwrap();
    }
    copy_demo(&demo);
    olmix(&demo, "fit --config fit.yaml").assert().success();
    let floor = solved(&demo, "--bound web:general=0.1:");
    let larger = solved(&demo, "--target-tokens 20B");
    let pulled = solved(&demo, "--kl 0.1");

    copy_demo(&trees);
    let config = demo_config()
        .replace("log_linear", "gp")
        .replace("type: exact, kl_reg: 0.05", "type: local");
    std::fs::write(trees.join("fit.yaml"), config).unwrap();
    olmix(&trees, "fit --config fit.yaml --folds 0")
        .assert()
        .success();

    hostile_names::swarm(&hostile, &hostile_names::NAMES);
    olmix(&hostile, "fit --config fit.yaml --folds 2 --bootstrap 0")
        .assert()
        .success();

    fields_are_documented(&demo.join("out/report.html"));

    let answer = |found: &Value, words: &str| {
        json!({
            "words": words,
            "domains": found["domains"],
            "predicted": found["predicted"],
            "domain": "web:general",
        })
    };
    let fit = std::fs::read(demo.join("out/mixture.json")).unwrap();
    let fit: Value = serde_json::from_slice(&fit).unwrap();
    let questions = json!({
        "fit": answer(&fit, ""),
        "floor": answer(&floor, "10.0\u{a0}%"),
        "larger": answer(&larger, "20B"),
        "pulled": answer(&pulled, "0.1"),
        "hostile": hostile_names::NAMES.as_slice(),
    });
    let file = place.path().join("solved.json");
    std::fs::write(&file, questions.to_string()).unwrap();
    in_browser(
        &["report.test.mjs"],
        &[
            ("OLMIX_REPORT", &demo.join("out/report.html")),
            ("OLMIX_REPORT_HOSTILE", &hostile.join("out/report.html")),
            ("OLMIX_REPORT_TREES", &trees.join("out/report.html")),
            ("OLMIX_SOLVED", &file),
        ],
    );
}
