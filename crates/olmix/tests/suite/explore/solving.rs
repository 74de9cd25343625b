//! Solves and predictions: the same as those of `olmix fit`.

use serde_json::{Value, json};

use super::{Page, fitted, fixed, numbers, weights_of, with};
use crate::common::printed;

#[test]
fn a_solve_with_a_files_own_settings_is_its_mixture_to_the_bit() {
    let page = Page::open(fitted(), "out");
    let model = page.get("api/model");
    assert_eq!(
        (&model["runs_known"], &model["notices"]),
        (&true.into(), &json!([]))
    );
    let solved = page.post("api/solve", &model["settings"]);
    let file = &model["mixture"];
    assert_eq!(
        numbers(&solved["weights"]),
        weights_of(&fitted().join("out/mixture.json"))
    );
    assert_eq!(
        (&solved["gain"], &solved["average"]),
        (&file["gain"], &file["predicted"])
    );
    assert_eq!(solved["status"], "optimal");
    let limits = solved["binding"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bound| format!("{} {}", bound["domain"], bound["limit"]));
    assert_eq!(
        limits.collect::<Vec<_>>().len(),
        file["prices"].as_array().unwrap().len()
    );
    // And the prices of constraints are the file's.
    let prices = page.post("api/prices", &model["settings"])["prices"].clone();
    for (own, of_file) in prices
        .as_array()
        .unwrap()
        .iter()
        .zip(file["prices"].as_array().unwrap())
    {
        for key in ["domain", "group", "limit"] {
            assert_eq!(own[key], *of_file.get(key).unwrap_or(&Value::Null));
        }
        for key in ["bound", "loosening", "tightening"] {
            assert_eq!(own[key], of_file[key]);
        }
        assert_eq!(own["without"]["predicted"], of_file["without"]["predicted"]);
    }
}

#[test]
fn other_settings_give_what_a_fit_with_them_gives() {
    let at = fitted();
    let page = Page::open(at, "out");
    let out = tempfile::tempdir().unwrap();
    let line = format!(
        "fit --config fit.yaml --output-dir {} --bootstrap 0 --folds 0 --quiet --kl 0.02 --target-tokens 20e9 --repetition 5 \
         --bound code=0.05:0.12 --bound books=0.15:0.15",
        out.path().display()
    );
    printed(at, &line);
    let settings = with(
        &page.settings(),
        &json!({
            "kl": 0.02, "target_tokens": 20e9, "repetition": 5,
            "bounds": {"code": [0.05, 0.12], "math": [0.01, 0.11]}, "fixed": {"books": 0.15},
        }),
    );
    let solved = page.post("api/solve", &settings);
    assert_eq!(
        numbers(&solved["weights"]),
        weights_of(&out.path().join("mixture.json"))
    );
    let books = json!({"domain": "books", "limit": "fixed"});
    assert!(
        solved["binding"].as_array().unwrap().contains(&books),
        "{}",
        solved["binding"]
    );
    assert!((solved["epochs"][4].as_f64().unwrap() - 0.15 * 20e9 / 8e8).abs() < 1e-9);
}

#[test]
fn the_weight_of_a_task_moves_the_mixture_towards_what_helps_it() {
    let page = Page::open(fitted(), "out");
    let own = page.settings();
    let free = with(
        &own,
        &json!({"target_tokens": null, "bounds": {}, "groups": {}}),
    );
    let before = page.post("api/solve", &free);
    let code = json!({"task_weights": {"code_python": 5.0, "code_shell": 5.0, "code_sql": 5.0}});
    let after = page.post("api/solve", &with(&free, &code));
    assert!(after["weights"][2].as_f64() > before["weights"][2].as_f64());
    // Factors that are all the same change nothing.
    let tasks = page.get("api/model")["mixture"]["law"]["tasks"].clone();
    let all: serde_json::Map<String, Value> = tasks
        .as_array()
        .unwrap()
        .iter()
        .map(|task| (task["name"].as_str().unwrap().to_owned(), json!(3.0)))
        .collect();
    let same = page.post("api/solve", &with(&free, &json!({"task_weights": all})));
    for (a, b) in numbers(&same["weights"])
        .iter()
        .zip(numbers(&before["weights"]))
    {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
}

#[test]
fn settings_that_do_not_fit_are_refused_by_name() {
    let page = Page::open(fitted(), "out");
    let own = page.settings();
    for (fields, parts) in [
        (
            fixed("cod", 0.1),
            vec!["no domain `cod`", "reset the settings"],
        ),
        (
            json!({"bounds": {"x": [0, 1], "y": [0, 1]}}),
            vec!["no domains `x`, `y`"],
        ),
        (
            json!({"bounds": {"code": [0.5, 0.2]}}),
            vec!["`code`", "at least 0.5 and at most 0.2"],
        ),
        (
            json!({"bounds": {"code": [-0.5, 0.2]}}),
            vec!["`code` is -0.5", "from 0 to 1"],
        ),
        (json!({"groups": {"w": [0, 1]}}), vec!["no group `w`"]),
        (
            json!({"groups": {"b*k*": [0.5, 1]}}),
            vec!["group `b*k*`", "at least 0.5"],
        ),
        (
            json!({"task_weights": {"poetry": 2}}),
            vec!["no task `poetry`"],
        ),
        (
            json!({"task_weights": {"qa_history": -2}}),
            vec!["`qa_history` is -2"],
        ),
        (json!({"kl": -1}), vec!["λ is -1"]),
        (json!({"kl": "much"}), vec!["can't be understood"]),
        (json!({"horizon": 3}), vec!["unknown field `horizon`"]),
        (
            json!({"target_tokens": 1e15}),
            vec!["domain `math`", "its token cap allows at most"],
        ),
        (json!({"target_tokens": -1}), vec!["target tokens are -1"]),
    ] {
        let told = page.refused(422, "api/solve", &with(&own, &fields));
        assert!(
            parts.iter().all(|part| told.contains(part)),
            "{fields}: {told}"
        );
    }
    let zero: serde_json::Map<String, Value> = page.get("api/model")["mixture"]["law"]["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| (task["name"].as_str().unwrap().to_owned(), json!(0)))
        .collect();
    let told = page.refused(
        422,
        "api/solve",
        &with(&own, &json!({"task_weights": zero})),
    );
    assert!(told.contains("no task has a weight"), "{told}");
}

#[test]
fn a_prediction_has_the_interval_of_the_fit_and_what_other_laws_say() {
    let page = Page::open(fitted(), "out");
    let model = page.get("api/model");
    let file = &model["mixture"];
    let weights: Vec<Value> = file["domains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|domain| domain["weight"].clone())
        .collect();
    let asked = json!({"weights": weights, "settings": model["settings"]});
    let begin = std::time::Instant::now();
    let found = loop {
        let found = page.post("api/predict", &asked);
        if found["interval"]["ready"] == true {
            break found;
        }
        assert!(begin.elapsed().as_secs() < 60, "{}", found["interval"]);
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    // The resamples are those of the fit.
    assert_eq!(file["bootstrap"]["failed"], 0);
    for end in ["low", "high"] {
        assert_eq!(found["interval"][end], file["gain_interval"][end]);
    }
    let rivals = file["rivals"].as_array().unwrap();
    assert!(!rivals.is_empty());
    for (own, of_file) in found["alternatives"].as_array().unwrap().iter().zip(rivals) {
        assert_eq!(own["average"], of_file["predicted"]);
        assert_eq!(own["gain"], of_file["gain"]);
    }
    assert_eq!(found["average"], file["predicted"]);
    // A corner that no run is near is said to be one; a run itself is near.
    let corner = json!({"weights": [0, 0, 0, 0, 0, 1], "settings": model["settings"]});
    let corner = page.post("api/predict", &corner);
    assert_eq!(corner["extrapolates"], true);
    assert!(
        corner["sentence"]
            .as_str()
            .unwrap()
            .contains("extrapolated"),
        "{corner}"
    );
    let run = page.get("api/swarm")["runs"][3].clone();
    let run = page.post(
        "api/predict",
        &json!({"weights": run["weights"], "settings": model["settings"]}),
    );
    assert_eq!(run["extrapolates"], false);
    for bad in [
        json!([0.5, 0.5]),
        json!([1, 1, 0, 0, 0, 0]),
        json!([1.5, -0.5, 0, 0, 0, 0]),
        json!("x"),
    ] {
        let told = page.refused(
            422,
            "api/predict",
            &json!({"weights": bad, "settings": model["settings"]}),
        );
        assert!(told.contains("weights"), "{told}");
    }
}

#[test]
fn two_tabs_at_once_each_get_the_mixture_that_they_asked_for() {
    let page = Page::open(fitted(), "out");
    let own = page.settings();
    let (page, own) = (&page, &own);
    let ask = |tab: usize, k: usize| {
        let weight = 0.05 + 0.002 * (tab + 2 * k) as f64;
        let body = with(own, &fixed("code", weight)).to_string();
        let headers =
            format!("Content-Type: application/json\r\nX-Tab: tab-{tab}\r\nX-Sequence: {k}\r\n");
        let answer = page.ask("POST", "api/solve", &headers, &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let found = answer.json()["weights"][2].as_f64().unwrap();
        assert!((found - weight).abs() < 1e-12, "{found} {weight}");
    };
    let ask = &ask;
    std::thread::scope(|scope| {
        for tab in 0..2 {
            scope.spawn(move || (1..=25).for_each(|k| ask(tab, k)));
        }
    });
    // What a tab asked before is not answered any more.
    let headers = "Content-Type: application/json\r\nX-Tab: tab-0\r\nX-Sequence: 3\r\n";
    assert_eq!(
        page.ask("POST", "api/solve", headers, &own.to_string())
            .status,
        409
    );
}
