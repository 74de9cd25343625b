//! A domain of which a part changed: old runs stay in the fit as weaker evidence, visibly.

use std::fs;

use super::{project, train};
use crate::common::{json, olmix, printed as ok, refused};
use serde_json::Value;

#[test]
fn old_runs_keep_a_weight_after_a_stated_change_from_update_to_mixture() {
    let folder = project();
    let at = folder.path();
    // Without a statement, runs on code are left out, and the plan says how to keep them.
    ok(at, "update revise code=950000000");
    let plan = json(at, "plan --json");
    let reasons = plan["reasons"].to_string();
    for part in [
        "nothing says how much of `code` changed",
        "--changed SHARE",
        "update undo",
    ] {
        assert!(reasons.contains(part), "{part}\n{reasons}");
    }
    ok(at, "update undo");
    ok(at, "update revise code=950000000 --changed 5%");
    assert!(ok(at, "log").contains("revise code (5 % of it)"));
    let plan = json(at, "plan --method swarm-reuse --write second --json");
    let weighted = &plan["earlier"][0]["weighted"];
    assert_eq!(plan["earlier"][0]["runs"], 40);
    assert_eq!(weighted["changed"][0]["domain"], "code");
    assert_eq!(weighted["changed"][0]["share"], 0.05);
    let (least, mean) = (
        weighted["least"].as_f64().unwrap(),
        weighted["mean"].as_f64().unwrap(),
    );
    assert!(least > 0.0 && least < mean && mean < 1.0, "{weighted}");
    let config = fs::read_to_string(at.join("second/fit.yaml")).unwrap();
    assert!(
        config.contains("changed:\n        code: 0.05\n"),
        "{config}"
    );
    train(at, "second");
    let line = "fit --config second/fit.yaml --output-dir second/out --ridge 1e-4 --folds 3 --bootstrap 10";
    let fitted = olmix(at, line).assert().success();
    let notes = String::from_utf8_lossy(&fitted.get_output().stderr).into_owned();
    assert!(
        notes.contains("because 5 % of `code` changed since"),
        "{notes}"
    );
    let text = fs::read_to_string(at.join("second/out/mixture.json")).unwrap();
    let mixture: Value = serde_json::from_str(&text).unwrap();
    let found = &mixture["weighted_runs"][0];
    assert_eq!(found["swarm"], "earlier-1");
    assert_eq!(found["weighted"], weighted["weighted"]);
    assert!((found["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!(mixture["notices"].to_string().contains("of `code` changed"));
    ok(at, "commit second/out/mixture.json");
    ok(at, "verify --deep");
}

#[test]
fn an_update_that_was_recorded_is_not_recorded_again_but_by_another_message() {
    let folder = project();
    let at = folder.path();
    let line = "update revise code=950000000 --changed 5%";
    ok(at, line);
    // As it is given again by someone whose command was killed after it had recorded the update.
    let message = refused(at, line);
    for part in [
        "recorded already, as domains@2",
        "--message",
        "nothing was changed",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(json(at, "show domains --json")["name"], "domains@2");
    ok(at, &format!("{line} --message again"));
    ok(at, "update revise code=950000000 --changed 4%");
    // What was taken back may be done again.
    ok(at, "update undo");
    ok(at, &format!("{line} --message again"));
}

#[test]
fn the_share_that_changed_is_measured_by_tokens_or_refused_where_it_can_not_be() {
    let folder = project();
    let at = folder.path();
    // 900M tokens before.
    ok(at, "update revise code=855000000 --changed tokens");
    let content = json(at, "show domains --json")["content"].clone();
    assert_eq!(content["changes"][0]["revise"]["changed"], 0.05);
    let message = refused(at, "update revise code=855000000 --changed tokens");
    assert!(message.contains("do not say how much changed"), "{message}");
    for bad in ["0", "1", "-0.1", "many", "120%"] {
        let message = refused(at, &format!("update revise code=8e8 --changed={bad}"));
        assert!(message.contains("above 0 and below 1"), "{bad}: {message}");
    }
    fs::write(
        at.join("changes.yaml"),
        "- revise: {math: {tokens: 2.9e8, changed: 0.2}}\n",
    )
    .unwrap();
    ok(at, "update apply changes.yaml");
    let content = json(at, "show domains --json")["content"].clone();
    assert_eq!(content["changes"][0]["revise"]["changed"], 0.2);
    fs::write(
        at.join("changes.yaml"),
        "- add: {poems: {tokens: 2.9e8, changed: 0.2}}\n",
    )
    .unwrap();
    assert!(refused(at, "update apply changes.yaml").contains("changed"));
}
