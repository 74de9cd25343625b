//! What laws, presets, comparisons and studies promise, run as a user runs them.

use crate::common::{copy_demo, demo_config, json, olmix, printed, refused};

/// A folder with the demo, whose config is changed.
fn changed(changes: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_demo(folder.path());
    let mut config = demo_config();
    for (from, to) in changes {
        assert!(config.contains(from), "{from}");
        config = config.replace(from, to);
    }
    std::fs::write(folder.path().join("fit.yaml"), config).unwrap();
    folder
}

#[test]
fn every_law_predicts_the_same_from_mixture_json_as_when_fitted() {
    for law in [
        "log_linear",
        "saturating",
        "bimix",
        "autoscale",
        "gp",
        "auto",
    ] {
        let proposer = if law == "gp" { "local" } else { "exact" };
        let folder = changed(&[
            ("type: log_linear", &format!("type: {law}")),
            ("type: exact", &format!("type: {proposer}")),
        ]);
        let fit = "fit --config fit.yaml --json --bootstrap 10 --folds 3";
        let fitted = json(folder.path(), fit);
        assert_eq!(fitted["law"]["kind"], law);
        // The proposed mixture as a run of its own.
        let domains = fitted["domains"].as_array().unwrap();
        let names: Vec<&str> = domains
            .iter()
            .map(|d| d["name"].as_str().unwrap())
            .collect();
        let weights: Vec<String> = domains.iter().map(|d| d["weight"].to_string()).collect();
        let csv = format!("run,{}\nproposed,{}\n", names.join(","), weights.join(","));
        std::fs::write(folder.path().join("one.csv"), csv).unwrap();
        let line = "predict --json --mixture out/mixture.json --ratios one.csv";
        let predicted = &json(folder.path(), line)["predicted_average"][0];
        let apart = predicted.as_f64().unwrap() - fitted["predicted"].as_f64().unwrap();
        assert!(
            apart.abs() < 1e-9,
            "{law}: {predicted} for {}",
            fitted["predicted"]
        );
    }
}

#[test]
fn boosted_trees_refuse_too_few_runs_and_say_how_many_they_need() {
    let folder = changed(&[
        ("type: log_linear", "type: lightgbm"),
        ("type: exact", "type: local"),
    ]);
    let message = refused(folder.path(), "fit --config fit.yaml");
    assert!(message.contains("40 runs are too few"), "{message}");
    assert!(message.contains("at least 50 are needed"), "{message}");
}

#[test]
fn every_preset_sets_its_law_optimizer_and_tasks() {
    let folder = changed(&[]);
    for (preset, law, optimizer, tasks) in [
        ("olmixbase", "log_linear", "exact", 9),
        ("data-mixing-laws", "log_linear", "exact", 9),
        ("bimix", "bimix", "exact", 9),
        ("autoscale", "autoscale", "exact", 1),
        ("admire", "gp", "local", 1),
        ("unimax", "search", "unimax", 0),
        ("natural", "search", "natural", 0),
        ("uniform", "search", "uniform", 0),
        ("temperature", "search", "temperature", 0),
    ] {
        let line = format!("fit --config fit.yaml --bootstrap 0 --json --preset {preset}");
        let fitted = json(folder.path(), &line);
        assert_eq!(fitted["law"]["kind"], law, "{preset}");
        assert_eq!(fitted["optimizer"]["kind"], optimizer, "{preset}");
        assert_eq!(
            fitted["law"]["tasks"].as_array().unwrap().len(),
            tasks,
            "{preset}"
        );
    }
    let message = refused(folder.path(), "fit --config fit.yaml --preset regmx");
    assert!(
        message.contains("a similar value exists: 'regmix'"),
        "{message}"
    );
}

#[test]
fn rules_work_without_a_swarm_and_laws_refuse() {
    let folder = changed(&[("swarm: {ratios: ratios.csv, metrics: metrics.csv}\n", "")]);
    let uniform = json(
        folder.path(),
        "fit --config fit.yaml --json --preset uniform",
    );
    for domain in uniform["domains"].as_array().unwrap() {
        assert!((domain["weight"].as_f64().unwrap() - 1.0 / 6.0).abs() < 1e-12);
    }
    // Caps: code 0.36, math 0.12, books 0.32, wikipedia 0.08 of a run of 1e10 at k = 4.
    let unimax = json(
        folder.path(),
        "fit --config fit.yaml --json --preset unimax",
    );
    let weight = |name: &str| {
        let domains = unimax["domains"].as_array().unwrap();
        let domain = domains
            .iter()
            .find(|domain| domain["name"] == name)
            .unwrap();
        domain["weight"].as_f64().unwrap()
    };
    assert!((weight("wikipedia") - 0.08).abs() < 1e-9);
    assert!((weight("math") - 0.12).abs() < 1e-9);
    assert!((weight("books") - 0.2).abs() < 1e-9);
    let message = refused(folder.path(), "fit --config fit.yaml");
    assert!(message.contains("`swarm` is missing"), "{message}");
}

#[test]
fn compare_predicts_every_mixture_by_every_law() {
    let folder = changed(&[]);
    let presets = "--presets olmixbase,bimix,unimax";
    let compared = json(
        folder.path(),
        &format!("compare --config fit.yaml --json {presets}"),
    );
    let methods = compared.as_array().unwrap();
    let names: Vec<&str> = methods
        .iter()
        .map(|m| m["method"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["the config", "olmixbase", "bimix", "unimax"]);
    for method in methods {
        let judges: Vec<&String> = method["by_law_of"].as_object().unwrap().keys().collect();
        assert_eq!(judges, ["the config", "olmixbase", "bimix"]);
        let weights = method["mixture"].as_object().unwrap().values();
        let sum: f64 = weights.map(|weight| weight.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }
    // The caps of the demo allow four passes, and the natural distribution needs one and a bit.
    let epochs = |method: usize| methods[method]["most_epochs"].as_f64().unwrap();
    assert!(
        (epochs(1) - 4.0).abs() < 1e-6 && epochs(3) <= 4.0 + 1e-6,
        "{}",
        epochs(3)
    );
    // A law sees no mixture within the same constraints that is better than its own.
    let gain = |method: usize, judge: &str| methods[method]["by_law_of"][judge]["gain"].as_f64();
    assert!(gain(1, "olmixbase") > gain(3, "olmixbase"));
    assert!(gain(2, "bimix") > gain(3, "bimix"));
    for file in [
        "compare.csv",
        "compare-crossed.csv",
        "compare.svg",
        "compare.png",
    ] {
        assert!(folder.path().join("out").join(file).is_file(), "{file}");
    }
}

#[test]
fn stopped_study_resumes_to_the_same_table_and_journal() {
    let folder = changed(&[]);
    let study = "study solver --config fit.yaml --seeds 2 --law saturating --quiet";
    olmix(folder.path(), study).assert().success();
    let out = folder.path().join("out/study");
    let table = || std::fs::read_to_string(out.join("solver.csv")).unwrap();
    let (whole, journal) = (table(), out.join("solver.journal"));
    let lines = std::fs::read_to_string(&journal).unwrap();
    // Stopped in the middle of a line.
    std::fs::write(&journal, &lines[..lines.len() / 2]).unwrap();
    olmix(folder.path(), study).assert().success();
    assert_eq!(table(), whole);
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), lines);
    // Anew on one thread: the same bytes, though cells end in another order.
    std::fs::remove_file(&journal).unwrap();
    olmix(folder.path(), &format!("{study} --threads 1"))
        .assert()
        .success();
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), lines);
    // Another law is another study: nothing of the first is taken over.
    let other = study.replace("saturating", "log_linear");
    olmix(folder.path(), &other).assert().success();
    assert_ne!(table(), whole);
    olmix(folder.path(), study).assert().success();
    assert_eq!(table(), whole);
}

#[test]
fn every_study_writes_a_table_and_a_figure() {
    let folder = changed(&[]);
    for question in [
        "swarm-size",
        "swarm-distribution",
        "laws",
        "granularity",
        "constraints",
        "solver",
    ] {
        let line = format!("study {question} --config fit.yaml --seeds 1 --law saturating --json");
        let rows = json(folder.path(), &line);
        assert!(rows.as_array().unwrap().len() >= 3, "{question}");
        for extension in ["csv", "md", "svg", "png"] {
            let file = folder
                .path()
                .join(format!("out/study/{question}.{extension}"));
            assert!(file.is_file(), "{}", file.display());
        }
    }
    // A swarm ranks mixtures as itself.
    let line = "study proxy-size --config fit.yaml --against metrics.csv --json";
    let rows = json(folder.path(), line);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 10);
    assert!(
        rows.iter()
            .all(|row| row["spearman"] == 1.0 && row["runs"] == 40)
    );
}

#[test]
fn kl_reg_auto_chooses_from_a_grid_and_reports_it() {
    let folder = changed(&[("kl_reg: 0.05", "kl_reg: auto")]);
    let fitted = json(folder.path(), "fit --config fit.yaml --json --bootstrap 0");
    let choice = &fitted["kl_choice"];
    assert_eq!(fitted["optimizer"]["kl_reg"], choice["chosen"]);
    assert_eq!(choice["grid"].as_array().unwrap().len(), 9);
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(report.contains("Gain of mixtures proposed from half of the runs"));
    assert!(report.contains("What other laws, fitted to the same runs"));
}

#[test]
fn methods_without_their_inputs_are_refused_with_one_message() {
    let without_tokens = ", target_tokens: 10_000_000_000";
    let folder = changed(&[
        ("type: log_linear", "type: autoscale"),
        (without_tokens, ""),
        ("enabled: true", "enabled: false"),
    ]);
    let message = refused(folder.path(), "fit --config fit.yaml");
    assert!(
        message.contains("`autoscale` needs `constraints.target_tokens`"),
        "{message}"
    );

    let folder = changed(&[("type: log_linear", "type: gp")]);
    let message = refused(folder.path(), "fit --config fit.yaml");
    assert!(message.contains("needs a convex law"), "{message}");

    let folder = changed(&[]);
    let ratios = std::fs::read_to_string(folder.path().join("ratios.csv")).unwrap();
    let few: Vec<&str> = ratios.lines().take(9).collect();
    std::fs::write(folder.path().join("ratios.csv"), few.join("\n")).unwrap();
    let message = refused(folder.path(), "study laws --config fit.yaml");
    assert!(
        message.contains("needs at least 10 runs over 6 domains"),
        "{message}"
    );

    let folder = changed(&[]);
    let message = refused(folder.path(), "study proxy-size --config fit.yaml");
    assert!(message.contains("--against"), "{message}");
    let metrics = std::fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
    let renamed: Vec<String> = metrics
        .lines()
        .enumerate()
        .map(|(i, line)| {
            if i == 0 {
                line.to_owned()
            } else {
                format!("other-{line}")
            }
        })
        .collect();
    std::fs::write(folder.path().join("other.csv"), renamed.join("\n")).unwrap();
    let message = refused(
        folder.path(),
        "study proxy-size --config fit.yaml --against other.csv",
    );
    assert!(message.contains("no run is in both files"), "{message}");
}

/// The run is counted among those that were fitted, and named among all.
#[test]
fn search_among_some_of_the_runs_names_the_run_whose_mixture_it_proposes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (mut ratios, mut metrics) = ("run,a,b\n".to_owned(), "run,x_bpb\n".to_owned());
    for i in 1..9 {
        let share = f64::from(i) / 10.0;
        ratios += &format!("r{i},{share},{}\n", 1.0 - share);
        metrics += &format!("r{i},{}\n", 2.0 - share);
    }
    std::fs::write(at.join("ratios.csv"), ratios).unwrap();
    std::fs::write(at.join("metrics.csv"), metrics).unwrap();
    let config = "swarm: {ratios: ratios.csv, metrics: metrics.csv}\npriors: {token_counts: {a: 100, b: 100}}\n\
                  regression: {type: search, train_split: 4}\nproposer: {type: search}\n";
    std::fs::write(at.join("fit.yaml"), config).unwrap();
    let told = printed(at, "fit --config fit.yaml --output-dir out");
    let text = std::fs::read_to_string(at.join("out/mixture.json")).unwrap();
    let mixture: serde_json::Value = serde_json::from_str(&text).unwrap();
    let share = mixture["domains"][0]["weight"].as_f64().unwrap();
    assert_eq!(mixture["optimizer"]["run"], format!("r{:.0}", 10.0 * share));
    // No law predicted it.
    let measured = format!("measured average loss {:.4}", 2.0 - share);
    assert!(
        told.contains(&measured) && !told.contains("Predicted"),
        "{told}"
    );
    let told = printed(
        at,
        "fit --config fit.yaml --output-dir none --set proposer.fit_only=true",
    );
    assert!(
        told.starts_with("No mixture is proposed: proposer.fit_only is set."),
        "{told}"
    );
}
