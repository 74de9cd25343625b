//! The history of a project, and what can be done next in it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{copy_demo, json, printed as ok};

use super::{Page, numbers};

#[test]
fn a_projects_history_mixtures_and_plans_are_those_of_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("house");
    fs::create_dir_all(at.join("first")).unwrap();
    copy_demo(&at.join("first"));
    ok(
        &at,
        "init --from first/fit.yaml --name house --proxy-parameters 1000000",
    );
    let page = Page::open(&at, ".");
    let model = page.get("api/model");
    assert_eq!(
        (&model["mixture"], &model["project"]),
        (&Value::Null, &true.into())
    );
    let told = page.refused(409, "api/solve", &serde_json::json!({"kl": 0.05}));
    assert!(told.contains("no mixture.json here yet"), "{told}");

    // A first mixture, while the page is open.
    ok(
        &at,
        "fit --config first/fit.yaml --output-dir out --ridge 1e-5 --folds 0 --bootstrap 0 --quiet",
    );
    ok(&at, "commit out/mixture.json");
    let settings = page.settings();
    let solved = page.post("api/solve", &settings);
    ok(&at, "update add poetry=50000000");

    history_is_that_of_log(&page, &at);
    let mixture = page.get("api/project/mixture/main%401");
    let weights: Vec<f64> = mixture["domains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["weight"].as_f64().unwrap())
        .collect();
    assert_eq!(weights, numbers(&solved["weights"]));
    assert_eq!(mixture["domains"][0]["origin"]["record"], "fit@1");
    let answer = page.ask("GET", "api/project/mixture/main%409", "", "");
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert!(answer.body.contains("main@9"), "{}", answer.body);
    let answer = page.ask("GET", "api/project/mixture/fit%401", "", "");
    assert!(answer.body.contains("not a mixture"), "{}", answer.body);
    plans_are_those_of_plan(&page, &at);
    a_lock_holds_up_the_history_alone(&page, &at, &settings);

    // The project moves away: one message, and the laws that were read are solved with as before.
    fs::rename(&at, folder.path().join("moved")).unwrap();
    for path in [
        "api/project",
        "api/project/plans",
        "api/project/mixture/main",
    ] {
        let answer = page.ask("GET", path, "", "");
        assert_eq!(answer.status, 409, "{}", answer.body);
        assert!(
            answer.body.contains("was moved or removed"),
            "{}",
            answer.body
        );
    }
    page.post("api/solve", &settings);
}

fn history_is_that_of_log(page: &Page, at: &Path) {
    let found = page.get("api/project");
    let log = json(at, "log --json --all");
    let names: Vec<&str> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["name"].as_str().unwrap())
        .collect();
    let records = found["records"].as_array().unwrap();
    assert_eq!(
        records
            .iter()
            .map(|record| record["id"].as_str().unwrap())
            .collect::<Vec<_>>(),
        names
    );
    for record in records {
        let own = log
            .as_array()
            .unwrap()
            .iter()
            .find(|other| other["name"] == record["id"])
            .unwrap();
        for key in ["kind", "hash", "parents", "cost", "gain", "over"] {
            assert_eq!(record[key], own[key], "{key} of {}", record["id"]);
        }
    }
    assert_eq!(
        (&found["head"], &found["domains"]),
        (&"main@1".into(), &"domains@2".into())
    );
}

fn plans_are_those_of_plan(page: &Page, at: &Path) {
    let plans = page.get("api/project/plans");
    let plans = plans["plans"].as_array().unwrap();
    let chosen = &plans[0];
    let mut own = json(at, "plan --json");
    for key in ["cost", "expected"] {
        own.as_object_mut().unwrap().remove(key);
    }
    let mut plan = chosen["plan"].clone();
    plan.as_object_mut().unwrap().remove("cost");
    assert_eq!(plan, own);
    assert_eq!(chosen["plan"]["cost"]["runs"], chosen["plan"]["runs"]);
    assert_eq!(plans.len(), 4, "one for each method");
    let recompute = plans
        .iter()
        .find(|plan| plan["method"] == "recompute")
        .unwrap();
    assert!(
        recompute["plan"]["runs"].as_u64() > chosen["plan"]["runs"].as_u64(),
        "{recompute}"
    );
}

fn a_lock_holds_up_the_history_alone(page: &Page, at: &Path, settings: &Value) {
    // Another process locks the history: one message, while solving goes on.
    let lock = rusqlite::Connection::open(at.join(".olmix/ledger.sqlite")).unwrap();
    lock.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;")
        .unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| page.ask("GET", "api/project", "", ""));
        page.post("api/solve", settings);
        let answer = waits.join().unwrap();
        assert_eq!(answer.status, 409, "{}", answer.body);
        assert!(answer.body.contains("lock"), "{}", answer.body);
    });
    lock.execute_batch("ROLLBACK; PRAGMA locking_mode = NORMAL;")
        .unwrap();
    drop(lock);
    page.get("api/project");
}
