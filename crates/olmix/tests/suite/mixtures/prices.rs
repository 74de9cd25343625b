//! What `olmix fit` says of the price of constraints.

use std::path::Path;

use serde_json::Value;

use super::fit::fit;

/// What a fit prints, and its `mixture.json`.
fn fitted(folder: &Path, more: &[&str]) -> (String, Value) {
    let run = fit(folder, more)
        .args(["--bootstrap", "0"])
        .assert()
        .success();
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    let text = std::fs::read_to_string(folder.join("mixture.json")).unwrap();
    (printed, serde_json::from_str(&text).unwrap())
}

#[test]
fn fit_prices_a_floor_as_a_fit_without_it_would_find() {
    let folder = tempfile::tempdir().unwrap();
    let (printed, with) = fitted(folder.path(), &["--verbose", "--bound", "web:general=0.3:"]);
    let (_, looser) = fitted(folder.path(), &["--bound", "web:general=0.29:"]);
    let (_, without) = fitted(folder.path(), &[]);

    let prices = with["prices"].as_array().unwrap();
    let floor = prices.iter().find(|price| price["limit"] == "min").unwrap();
    assert_eq!(
        (&floor["domain"], &floor["bound"]),
        (&"web:general".into(), &0.3.into())
    );
    let number = |value: &Value| value.as_f64().unwrap();
    let close = |a: &Value, b: &Value| (number(a) - number(b)).abs() < 1e-7;
    assert!(
        close(&floor["without"]["predicted"], &without["predicted"]),
        "{floor}"
    );
    assert!(
        close(&floor["loosened"]["predicted"], &looser["predicted"]),
        "{floor}"
    );
    // The objective of a point less, by its slopes at either end.
    let objective = |fit: &Value| number(&fit["optimizer"]["objective"]);
    let fell = objective(&with) - objective(&looser);
    let slope = |fit: &Value| {
        let prices = fit["prices"].as_array().unwrap();
        let floor = prices.iter().find(|price| price["limit"] == "min").unwrap();
        number(&floor["loosening"])
    };
    assert!(
        0.01 * slope(&looser) < fell && fell < 0.01 * slope(&with),
        "{fell}"
    );

    let change = number(&without["predicted"]) / number(&with["predicted"]) - 1.0;
    let expected = format!(
        "  web:general, lower bound of 30 %: costs {:.2} % of the predicted loss; 1 percentage point less",
        -100.0 * change
    );
    assert!(printed.contains(&expected), "{expected}\n{printed}");
    let report = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(report.contains("The price of the constraints"));
}

#[test]
fn fit_has_no_prices_from_an_optimizer_that_knows_none() {
    let folder = tempfile::tempdir().unwrap();
    for optimizer in ["local", "unimax"] {
        let setting = format!("proposer={{type: {optimizer}}}");
        let mut more = vec!["--verbose", "--set", &setting];
        if optimizer == "unimax" {
            more.extend(["--set", "regression={type: search}"]);
        }
        let (printed, file) = fitted(folder.path(), &more);
        assert!(!printed.contains("Price of"), "{printed}");
        assert!(printed.contains("token cap"), "{printed}");
        assert!(file.get("prices").is_none());
        let report = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
        assert!(!report.contains("The price of the constraints"));
    }
}
