//! Runs of several sizes become a swarm at the size that a config names.

use crate::common::{CONFIG, Case};

/// Three sizes by three numbers of tokens, six mixtures.
fn tables() -> (String, String) {
    let mixtures = [
        [0.5, 0.3, 0.2],
        [0.2, 0.6, 0.2],
        [0.1, 0.1, 0.8],
        [1.0, 0.0, 0.0],
        [0.0, 0.5, 0.5],
        [0.7, 0.1, 0.2],
    ];
    let mut ratios = String::from("run,parameters,D,web,code,math\n");
    let mut metrics = String::from("run,m1,m2\n");
    for (k, p) in mixtures.iter().enumerate() {
        for (share, parameters) in [(1.0, "100M"), (0.8, "200M"), (0.64, "400M")] {
            for tokens in [4.0, 7.0, 10.0] {
                let level = 2.0 + 0.8 * share + 2.0 / tokens;
                let loss = |slope: f64| level * (1.0 + slope * p[0] - 0.1 * p[1]);
                let run = format!("r{k}-{parameters}-{tokens}");
                let [web, code, math] = p;
                ratios += &format!("{run},{parameters},{tokens}e9,{web},{code},{math}\n");
                metrics += &format!("{run},{},{}\n", loss(0.2), loss(-0.1));
            }
        }
    }
    (ratios, metrics)
}

const SIZED: &str = "scale: {parameters: 800M, tokens: 20B}\n";

/// The config with the column of tokens, and lines added.
fn config(lines: &str) -> String {
    let swarm = "metrics: metrics.csv, tokens: D}";
    CONFIG.replace("metrics: metrics.csv}", swarm) + lines
}

fn case() -> Case {
    let case = Case::new();
    let (ratios, metrics) = tables();
    case.write("ratios.csv", ratios)
        .write("metrics.csv", metrics)
        .write("fit.yaml", config(SIZED));
    case
}

#[test]
fn runs_of_several_sizes_become_one_run_a_mixture_at_the_target() {
    let case = case();
    let loaded = case.load();
    let swarm = &loaded.swarm;
    let names: Vec<&str> = swarm.domains().names().collect();
    assert_eq!((swarm.len(), loaded.runs_given), (6, 54));
    assert_eq!(names, ["web", "code", "math"]);
    assert_eq!(swarm.tasks().len(), 2);
    assert_eq!(swarm.runs()[0], "r0-400M-10");
    // A larger model and a longer run are better than all that was measured: 2.5 is the least level.
    for k in 0..6 {
        let loss = swarm.losses().get(k, 0);
        let shape = 1.0 + 0.2 * swarm.mixtures().get(k, 0) - 0.1 * swarm.mixtures().get(k, 1);
        assert!(2.3 < loss / shape && loss / shape < 2.65, "{loss}");
    }
    assert_eq!(
        case.notices(),
        [
            "losses are those that the joint law of 3 sizes predicts for 800M parameters, 20B tokens: 54 of the 54 \
          rows count"
        ]
    );
    let scaled = loaded.spec.scaling.unwrap();
    assert_eq!(scaled.law.sizes().len(), 3);
    let check = loaded.size_check.unwrap();
    assert!(check.average.rmse < 0.1, "{check:?}");
    // A target far away is fitted, with a word.
    let far = config("scale: {parameters: 8B, tokens: 50B}\n");
    case.write("fit.yaml", far);
    let told = case.notices().join("\n");
    assert!(
        told.contains("the target has 20.0 times the most parameters"),
        "{told}"
    );
    assert!(
        told.contains("the target has 5.0 times the most tokens"),
        "{told}"
    );
}

#[test]
fn a_law_that_fails_on_the_largest_size_is_doubted() {
    let case = case();
    let (_, metrics) = tables();
    // The largest model ranks the mixtures the other way round.
    let turned = metrics.lines().map(|line| {
        let (run, cells) = line.split_once(',').unwrap();
        let turn = |cell: &str| cell.parse::<f64>().map(|loss| format!("{}", 5.0 - loss));
        match cells.split(',').map(turn).collect::<Result<Vec<_>, _>>() {
            Ok(cells) if run.contains("400M") => format!("{run},{}", cells.join(",")),
            _ => line.to_owned(),
        }
    });
    case.write("metrics.csv", turned.collect::<Vec<_>>().join("\n"));
    let told = case.notices().join("\n");
    assert!(
        told.contains(
            "the law of the smaller sizes fails on 400M parameters, 10B tokens: its average losses"
        ),
        "{told}"
    );
}

#[test]
fn a_rule_that_looks_at_no_run_needs_no_size() {
    let case = case();
    let rule = "regression: {type: search}\nproposer: {type: uniform}\n";
    case.write("fit.yaml", config(&(SIZED.to_owned() + rule)));
    assert!(case.load().spec.scaling.is_none());
    assert_eq!(
        case.notices(),
        ["scale has no effect: the proposer uniform looks at no run"]
    );
}

#[test]
fn what_is_said_of_another_target_is_another_result() {
    let case = case();
    let hash = |case: &Case| case.load().config_hash();
    let (first, again) = (hash(&case), hash(&case));
    assert_eq!(first, again);
    case.write(
        "fit.yaml",
        config("scale: {parameters: 800M, tokens: 21B}\n"),
    );
    assert_ne!(hash(&case), first);
}

#[test]
fn a_scale_that_can_not_be_fitted_is_refused_with_the_reason() {
    let refused = |text: &str, ratios: &dyn Fn(&str) -> String| {
        let case = case();
        let (table, _) = tables();
        case.write("fit.yaml", config(text))
            .write("ratios.csv", ratios(&table));
        case.refused()
    };
    let same = |text: &str| text.to_owned();
    let only = |which: &'static str| {
        move |text: &str| -> String {
            let kept = |(i, line): &(usize, &str)| *i == 0 || line.contains(which);
            let lines = text.lines().enumerate().filter(kept);
            lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
        }
    };
    for (text, ratios, expected) in [
        (
            "",
            &same as &dyn Fn(&str) -> String,
            "`swarm.tokens` names a column of sizes, but the config has no `scale`",
        ),
        (
            "scale: {parameters: 800M}\n",
            &same,
            "`scale.tokens` is required and missing",
        ),
        (
            "scale: {tokens: 20B}\n",
            &same,
            "`scale.parameters` is required and missing",
        ),
        (
            "scale: {parameters: large, tokens: 20B}\n",
            &same,
            "`scale.parameters` must be a number of parameters above 0",
        ),
        (
            SIZED,
            &|text: &str| text.replace("run,parameters", "run,size"),
            "ratios.csv:1: there is no column `parameters`, here or in metrics.csv: `scale` needs the parameters of \
             every run",
        ),
        (
            SIZED,
            &|text: &str| text.replacen("r1-200M-7,200M", "r1-200M-7,", 1),
            "run `r1-200M-7` has no number of parameters above 0 in column `parameters`",
        ),
        (
            SIZED,
            &only("200M"),
            "scale: all runs have 200M parameters: what a size changes can't be known from one size",
        ),
        (
            SIZED,
            &only(",7e9,"),
            "scale: all runs have 7B tokens: what tokens change can't be known from one number of them",
        ),
        (
            SIZED,
            &|text: &str| {
                let apart = |line: &&str| {
                    let late = ["r2-", "r3-", "r4-", "r5-"]
                        .iter()
                        .any(|run| line.starts_with(run));
                    line.contains("400M") != late || line.starts_with("run")
                };
                text.lines().filter(apart).collect::<Vec<_>>().join("\n")
            },
            "scale: sizes do not overlap in mixtures: the runs of 400M parameters have 0 in common",
        ),
        (
            "scale: {parameters: 800M, tokens: 20B}\nregression: {type: search}\n",
            &same,
            "`scale` needs a law",
        ),
    ] {
        let told = refused(text, ratios);
        assert!(told.contains(expected), "{told}\n  for {expected}");
        assert!(told.contains("\n  help: "), "{told}");
    }
    let case = case();
    let earlier = "tokens: D, earlier: [{ratios: ratios.csv, metrics: metrics.csv}]}";
    case.write("fit.yaml", config(SIZED).replace("tokens: D}", earlier));
    let told = case.refused();
    assert!(
        told.contains("`scale` and `swarm.earlier` are both given"),
        "{told}"
    );
}
