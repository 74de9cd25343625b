//! What a config and a swarm become.

use crate::common::{CONFIG, Case, METRICS, RATIOS};
use olmix_core::optimize::{Exact, Optimizer};
use olmix_core::{Direction, LawKind, Ridge};
use olmix_io::{Overrides, Preset, load_fit_with, load_mixtures, load_runs};

#[test]
fn runs_are_joined_by_id_in_the_order_of_the_ratios() {
    let loaded = Case::new().load();
    let swarm = &loaded.swarm;
    assert_eq!(swarm.runs(), ["r1", "r2", "r3", "r4", "r5"]);
    assert_eq!(swarm.losses().column(0), [1.1, 1.2, 1.3, 1.4, 1.5]);
    assert_eq!(swarm.mixtures().row(1), [0.2, 0.6, 0.2]);
    assert_eq!(loaded.spec.prior.weights(), [0.5, 0.3, 0.2]);
    assert_eq!(
        swarm.domains().tokens(),
        Some(vec![500_000, 300_000, 200_000])
    );
    assert_eq!(swarm.task_weights(), [0.5, 0.5]);
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
    let Some(Optimizer::Exact(Exact { kl_reg, worst })) = loaded.spec.optimizer else {
        panic!("{:?}", loaded.spec.optimizer);
    };
    assert!((kl_reg - 0.05).abs() < 1e-15 && !worst);
    let roles: Vec<&str> = loaded.inputs.iter().map(|i| i.role.as_str()).collect();
    assert_eq!(roles, ["config", "ratios", "metrics"]);
}

#[test]
fn runs_in_one_file_only_are_left_out_and_named() {
    let case = Case::new();
    case.write("metrics.csv", METRICS.replace("r5,", "x5,"));
    assert_eq!(case.load().swarm.len(), 4);
    let notices = case.notices();
    assert_eq!(notices[0], "1 run is only in ratios.csv and left out: `r5`");
    assert_eq!(
        notices[1],
        "1 run is only in metrics.csv and left out: `x5`"
    );
}

#[test]
fn a_crashed_run_is_left_out_and_named_with_its_metric() {
    let case = Case::new();
    case.write("metrics.csv", METRICS.replace("1.3,0.3", "1.3,nan"));
    assert_eq!(case.load().swarm.runs(), ["r1", "r2", "r4", "r5"]);
    assert_eq!(
        case.notices()[0],
        "1 run of metrics.csv has a metric that is not a finite number and is left out: `r3` (m2)"
    );
    // A metric that is not in use drops no run.
    case.with("filtering: {drop_metrics: [m2]}\n");
    assert_eq!(case.load().swarm.len(), 5);
    // An empty ratio is a run that did not finish, not a zero.
    case.write("metrics.csv", METRICS)
        .write("ratios.csv", RATIOS.replace("0.1,0.1,0.8", "0.1,,0.8"));
    assert_eq!(case.load().swarm.len(), 4);
    assert!(case.notices()[0].contains("has a ratio that is not a finite number"));
}

#[test]
fn unknown_metric_names_in_filtering_are_noticed_with_the_nearest_name() {
    let case = Case::new();
    case.with("filtering: {drop_metrics: [m9x], obj_weights: {m11: 2, m2: 3}}\n");
    let notices = case.notices();
    assert!(
        notices[0]
            .starts_with("filtering.drop_metrics has a name that is not a task of metrics.csv")
    );
    assert!(
        notices[1].ends_with("without effect: `m11` (did you mean `m1`?)"),
        "{notices:?}"
    );
    assert_eq!(case.load().swarm.task_weights(), [0.25, 0.75]);
}

#[test]
fn scores_become_one_minus_score_and_negative_losses_are_shifted() {
    let case = Case::new();
    case.with("filtering: {directions: {m1: max}}\n");
    let loaded = case.load();
    let task = &loaded.swarm.tasks()[0];
    assert_eq!(task.direction, Direction::Max);
    // 1 − 1.5 is the least: all are shifted up by 0.5.
    assert!((task.offset - 0.5).abs() < 1e-12);
    let losses = loaded.swarm.losses().column(0);
    for (loss, expected) in losses.iter().zip([0.4, 0.3, 0.2, 0.1, 0.0]) {
        assert!((loss - expected).abs() < 1e-12, "{losses:?}");
    }
    assert!(case.notices()[0].contains("shifted up by their least value: `m1`"));
}

#[test]
fn families_come_from_the_config_and_may_be_the_tasks() {
    let case = Case::new();
    let eval = "eval: {type: offline, tasks: {both: [m2, m1], one: [m1x]}}\n";
    case.with(&eval.replace(", one: [m1x]", ""));
    let loaded = case.load();
    let names: Vec<_> = loaded
        .swarm
        .tasks()
        .iter()
        .map(|t| (t.name.as_str(), t.family.as_str()))
        .collect();
    assert_eq!(names, [("m2", "both"), ("m1", "both")]);
    case.with(&format!(
        "{}regression: {{aggregate_task_families: true}}\nfiltering: {{directions: {{m2: max}}}}\n",
        eval.replace("one: [m1x]", "one: [m1x, gone]")
            .replace("m1x", "m1")
            .replace("[m2, m1]", "[m2]")
    ));
    let loaded = case.load();
    assert_eq!(loaded.swarm.tasks()[0].name, "both");
    assert_eq!(loaded.swarm.losses().column(0)[3..], [0.6, 0.5]);
    assert_eq!(loaded.members[1].len(), 1);
    assert!(
        loaded.notices[0].contains("lists `gone` in family `one`"),
        "{:?}",
        loaded.notices
    );
}

#[test]
fn priors_may_come_from_counts_and_may_name_more_domains() {
    let case = Case::new();
    case.write(
        "fit.yaml",
        "swarm: {ratios: ratios.csv, metrics: metrics.csv}\n\
         priors: {token_counts: {web: 60, code: 20, math: 20, extra: 100}}\n",
    );
    assert_eq!(case.load().spec.prior.weights(), [0.6, 0.2, 0.2]);
    assert!(case.notices()[0].contains("left out and the others renormalized: `extra`"));
    // Without counts nothing is known of tokens, and nothing needs to be.
    case.write(
        "fit.yaml",
        CONFIG.replace(
            "  token_counts: {web: 500_000, code: 300_000, math: 200_000}\n",
            "",
        ),
    );
    assert_eq!(case.load().swarm.domains().tokens(), None);
}

#[test]
fn caps_bounds_and_groups_reach_the_constraints() {
    let case = Case::new();
    case.with(
        "constraints:\n  enabled: true\n  target_tokens: 1_000_000\n  repetition_factor: 2\n  \
         bounds: {web: {min: 0.1, max: 0.6}}\n  \
         groups: {m-or-c: {domains: ['m*', code, '*ode'], max: 0.7}}\n",
    );
    let constraints = case.load().spec.constraints;
    assert_eq!(constraints.caps, Some(vec![1.0, 0.6, 0.4]));
    assert_eq!((constraints.lower[0], constraints.upper[0]), (0.1, 0.6));
    assert_eq!(constraints.groups[0].members, [1, 2]);
    assert!((constraints.groups[0].upper - 0.7).abs() < 1e-15);
}

#[test]
fn runs_are_split_as_the_config_says() {
    let case = Case::new();
    for (settings, n_test, train) in [
        ("", 0, None),
        ("n_test: 2", 2, None),
        ("train_split: 0.5", 0, Some(2)),
        ("n_test: 1, train_split: 0.5", 1, Some(2)),
        ("train_split: [3]", 0, Some(3)),
        ("train_split: 5", 0, None),
    ] {
        case.with(&format!("regression: {{{settings}}}\n"));
        let loaded = case.load();
        assert_eq!(
            (loaded.spec.n_test, loaded.spec.train_runs),
            (n_test, train),
            "{settings}"
        );
        assert_eq!(loaded.spec.optimizer.is_none(), n_test > 0);
    }
}

#[test]
fn the_kl_reference_makes_the_kl_that_of_the_expanded_mixture() {
    let case = Case::new();
    case.write(
        "fit.yaml",
        CONFIG.replace(
            "  token_counts",
            "  expanded_relative_sizes: {w1: 3, w2: 1, w3: 1, code: 3, math: 2}\n  token_counts",
        ) + "proposer: {expanded_kl_source_mixtures: {web: {w1: 2, w2: 6, w3: 0}}}\n",
    );
    let reference = case.load().spec.kl_reference.unwrap();
    let p: [f64; 3] = [0.5, 0.2, 0.3];
    let collapsed: f64 = p
        .iter()
        .zip(&reference)
        .map(|(p, r)| p * (p / r).ln())
        .sum();
    let q: [f64; 4] = [0.125, 0.375, 0.2, 0.3];
    let prior = [0.3, 0.1, 0.3, 0.2];
    let expanded: f64 = q.iter().zip(prior).map(|(q, p0)| q * (q / p0).ln()).sum();
    assert!(
        (collapsed - expanded).abs() < 1e-12,
        "{collapsed} {expanded}"
    );
    for (shares, expected) in [
        (
            "web: {w9: 1}",
            "`w9` has no size in priors.expanded_relative_sizes",
        ),
        ("web: {code: 1}", "`code` is part of the mixture twice"),
        ("webb: {w1: 1}", "no domain is `webb`"),
        ("code: {w1: 1}", "domain `web` has no size there"),
        ("web: {w1: 0}", "sum to 0"),
    ] {
        let config = CONFIG.replace(
            "  token_counts",
            "  expanded_relative_sizes: {w1: 3, w2: 1, code: 3, math: 2}\n  token_counts",
        );
        case.write(
            "fit.yaml",
            format!("{config}proposer: {{expanded_kl_source_mixtures: {{{shares}}}}}\n"),
        );
        let message = case.refused();
        assert!(message.contains(expected), "{shares} gives {message}");
    }
}

#[test]
fn mixtures_to_predict_are_matched_by_name() {
    let case = Case::new();
    let loaded = case.load();
    let domains = loaded.swarm.domains();
    case.write("other.csv", "run,math,web,code\na,0.2,0.5,0.3\n");
    let runs = load_mixtures(&case.path("other.csv"), domains).unwrap();
    assert_eq!(runs.mixtures.row(0), [0.5, 0.3, 0.2]);
    for (text, expected) in [
        (
            "run,web,code\na,0.5,0.5\n",
            "the laws know domains that have no column here: `math`",
        ),
        (
            "run,maths,web,code\na,0.2,0.5,0.3\n",
            "did you mean `maths`?",
        ),
        (
            "run,math,web,code,wiki\na,0.2,0.5,0.3,0\n",
            "the laws do not know the domains of these columns: `wiki`",
        ),
        ("run,math,web,code\na,,0.5,0.5\n", "no run is left"),
    ] {
        case.write("other.csv", text);
        let error = load_mixtures(&case.path("other.csv"), domains).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn measured_runs_are_compared_on_the_tasks_that_are_there() {
    let case = Case::new();
    case.with("filtering: {directions: {m2: max}}\n");
    let loaded = case.load();
    let tasks = loaded.swarm.tasks();
    let read = |metrics: &str| {
        case.write("other.csv", metrics);
        load_runs(
            &case.path("ratios.csv"),
            &case.path("other.csv"),
            loaded.swarm.domains(),
            tasks,
            &loaded.members,
        )
    };
    let runs = read("run,m2,m7\nr2,0.25,1\nr1,0.75,x\nr9,1,1\n").unwrap();
    assert_eq!(runs.ids, ["r1", "r2"]);
    let measured = runs.measured.unwrap();
    assert_eq!(measured.tasks, [1]);
    assert_eq!(measured.losses.column(0), [0.25, 0.75]);
    assert_eq!(runs.notices.len(), 3, "{:?}", runs.notices);
    let error = read("run,m7\nr1,1\n").unwrap_err().to_string();
    assert!(
        error.contains("no task of the laws was measured: looked for `m1`, `m2`"),
        "{error}"
    );
}

#[test]
fn ridge_override_is_refused_for_a_law_that_takes_none() {
    let case = Case::new();
    case.with("regression: {type: gp}\n");
    let overrides = Overrides {
        ridge: Some(Ridge::Auto),
        ..Overrides::default()
    };
    let refused = |overrides: &Overrides| {
        let loaded = load_fit_with(&case.path("fit.yaml"), overrides);
        loaded.map(|_| ()).unwrap_err().to_string()
    };
    let message = refused(&overrides);
    let expected = "`--ridge` is given, but the law `gp` does not take it\n  help: remove it; of the laws \
                    `log_linear`, `saturating` and `effective_data` take it";
    assert!(message.contains(expected), "{message}");
    // What counts is the law that is fitted: that of the preset, or the one given in its place.
    let by_preset = Overrides {
        preset: Some(Preset::RegMix),
        ..overrides.clone()
    };
    assert!(refused(&by_preset).contains("the law `lightgbm` does not take it"));
    let by_law = Overrides {
        law: Some(LawKind::Saturating),
        ..overrides.clone()
    };
    let loaded = load_fit_with(&case.path("fit.yaml"), &by_law).unwrap();
    assert_eq!(loaded.spec.law, LawKind::Saturating);
    assert_eq!(loaded.spec.ridge, Some(Ridge::Auto));
}

#[test]
fn law_override_names_settings_of_the_config_that_it_does_not_take() {
    let case = Case::new();
    case.with("regression: {type: log_linear, ridge: 1e-5, huber_delta: 0.1}\n");
    let given = |law| Overrides {
        law: Some(law),
        ..Overrides::default()
    };
    let load = |law| load_fit_with(&case.path("fit.yaml"), &given(law)).unwrap();
    let loaded = load(LawKind::BiMix);
    assert_eq!((loaded.spec.ridge, loaded.spec.huber_delta), (None, None));
    assert_eq!(
        loaded.notices,
        [
            "regression.ridge has no effect: the law `bimix` does not take it",
            "regression.huber_delta has no effect: the law `bimix` does not take it"
        ]
    );
    let loaded = load(LawKind::Saturating);
    assert_eq!(loaded.spec.ridge, Some(Ridge::Fixed(1e-5)));
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
}
