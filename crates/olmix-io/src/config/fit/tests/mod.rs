//! What a fit config says and how wrong ones are refused.
//!
//! Over 400 lines: every section of the config, refused and accepted, from the same example.

use olmix_core::law::LawSetting;
use olmix_core::optimize::{OptimizerKind, OptimizerSetting};
use olmix_core::{DeadDomains, Direction, LawKind, Ridge};

use super::*;

/// A config that is in order, to which each test adds lines. Its swarm files exist.
const BASE: &str = "swarm: {ratios: Cargo.toml, metrics: Cargo.toml}\n\
    priors:\n  relative_sizes: {a: 0.6, b: 0.4}\n  token_counts: {a: 600_000, b: 4e5}\n";

fn parse(text: &str) -> Result<FitConfig, IoError> {
    FitConfig::parse("fit.yaml", text, Path::new(env!("CARGO_MANIFEST_DIR")))
}

fn with(lines: &str) -> FitConfig {
    parse(&format!("{BASE}{lines}")).unwrap()
}

fn refused(lines: &str) -> String {
    match parse(&format!("{BASE}{lines}")) {
        Ok(_) => panic!("accepted: {lines}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn defaults_are_the_recommended_configuration() {
    let config = with("");
    assert_eq!(config.regression.law, LawKind::Auto);
    assert_eq!(config.proposer.kind, OptimizerKind::Exact);
    assert_eq!(config.proposer.kl_reg, Some(KlReg::Fixed(0.05)));
    assert!((config.constraints.repetition_factor - 4.0).abs() < 1e-15);
    assert!(!config.constraints.enabled);
    assert_eq!(config.regression.huber_delta, None);
    assert_eq!(config.regression.ridge, None);
    assert_eq!(config.regression.train_split, TrainSplit::All);
    assert_eq!(config.regression.dead_domains, DeadDomains::Hold);
    assert_eq!(
        (config.diagnostics.folds, config.diagnostics.bootstrap),
        (5, 100)
    );
    assert!(config.eval.is_none() && config.notices.is_empty() && config.proposes());
    let tokens = config.priors.token_counts.unwrap();
    assert_eq!((tokens[0].value, tokens[1].value), (600_000, 400_000));
}

#[test]
fn every_setting_of_a_fit_config_is_read() {
    let config = with(
        "eval: {type: inloop, tasks: {math: {t1: m1}, code: {t2: m2, t3: m3}}}\n\
         regression: {type: log_linear, seed: 7, n_test: 3, train_split: [0.5], ridge: auto,\n  \
           huber_delta: 0.1, dead_domains: hold, aggregate_task_families: yes}\n\
         proposer: {type: simulation, temperature: 0.5, kl_reg: null, fit_only: true,\n  \
           make_worst_mix: on, use_natural_kl: false}\n\
         constraints: {enabled: true, target_tokens: 1_000_000_000_000, repetition_factor: 2,\n  \
           bounds: {a: {max: 0.5}}, groups: {g: {domains: ['a*'], min: 0.1}}}\n\
         filtering: {drop_metrics: [m3], obj_weights: {m1: 7/52.0, m2: 2},\n  \
           directions: {m2: max}, keep_sources: [], support_domains: null, fixed_weight: {}}\n\
         diagnostics: {folds: 0, bootstrap: 0, confidence: 0.8}\n",
    );
    let families = config.eval.as_ref().unwrap();
    assert_eq!(families.families[1].value[1].name, "m3");
    assert_eq!(config.regression.seed, 7);
    assert_eq!(config.regression.train_split, TrainSplit::Fraction(0.5));
    assert_eq!(config.regression.ridge, Some(Ridge::Auto));
    assert_eq!(config.proposer.kl_reg, None);
    assert!(config.proposer.make_worst_mix && !config.proposes());
    assert_eq!(config.constraints.target_tokens, Some(1e12));
    let bound = config.constraints.bounds[0].value;
    assert_eq!((bound.min, bound.max), (0.0, 0.5));
    assert_eq!(config.constraints.groups[0].value.domains[0].name, "a*");
    assert!((config.filtering.obj_weights[0].value - 7.0 / 52.0).abs() < 1e-15);
    assert_eq!(config.filtering.directions[0].value, Direction::Max);
    assert_eq!(config.diagnostics.folds, 0);
}

#[test]
fn regression_search_goes_with_proposer_search() {
    assert_eq!(
        with("regression: {type: search}\n").proposer.kind,
        OptimizerKind::Search
    );
    let message = refused("regression: {type: search}\nproposer: {type: exact}\n");
    assert!(
        message.contains("regression `search` needs proposer `search`"),
        "{message}"
    );
    let message = refused("proposer: {type: search}\n");
    assert!(
        message.starts_with("fit.yaml:5:18: proposer `search` needs"),
        "{message}"
    );
}

#[test]
fn fit_config_settings_that_contradict_each_other_are_refused() {
    for (lines, expected) in [
        (
            "constraints: {enabled: true}\n",
            "`constraints.target_tokens` is missing",
        ),
        (
            "constraints: {enabled: true, target_tokens: 0}\n",
            "fit.yaml:5:45: `constraints.target_tokens` must be a number of tokens above 0, \
             such as 1.5e12 or 2T, found the number 0",
        ),
        (
            "regression: {aggregate_task_families: true}\n",
            "fit.yaml:5:39: `regression.aggregate_task_families` is true but there is no",
        ),
        (
            "proposer: {type: simulation, kl_reg: 0.1}\n",
            "only the exact and the local proposer have a KL term",
        ),
        (
            "proposer: {type: simulation, expanded_kl_source_mixtures: {a: {x: 1}}}\n",
            "only the exact and the local proposer have a KL term",
        ),
        (
            "proposer: {expanded_kl_source_mixtures: {a: {x: 1}}}\n",
            "only one of them is given",
        ),
        (
            "regression: {type: autoscale}\n",
            "the law `autoscale` needs `constraints.target_tokens`",
        ),
        (
            "regression: {type: lightgbm}\nproposer: {type: exact}\n",
            "proposer `exact` needs a convex law, which `gp` and `lightgbm` are not",
        ),
        (
            "regression: {type: log_linear, law_per_task: true}\n",
            "`regression.law_per_task` is true, but the law is named",
        ),
        (
            "regression: {granularity: family}\n",
            "`regression.granularity` is `family` but there is no `eval.tasks`",
        ),
        (
            "proposer: {use_natural_kl: true}\n",
            "`proposer.use_natural_kl` is not supported",
        ),
        (
            "filtering: {fixed_weight: {a: 0.1}}\n",
            "`filtering.fixed_weight` is not supported",
        ),
        (
            "filtering: {keep_sources: [a]}\n",
            "`filtering.keep_sources` is not supported",
        ),
        (
            "filtering: {support_domains: [a]}\n",
            "`filtering.support_domains` is not supported",
        ),
    ] {
        let message = refused(lines);
        assert!(message.contains(expected), "{lines} gives {message}");
    }
}

#[test]
fn regression_settings_that_a_law_does_not_take_are_refused_with_key_and_law() {
    for kind in LawKind::words().into_iter().map(|(_, kind)| kind) {
        for (setting, line) in [
            (LawSetting::Ridge, "ridge: 1e-5"),
            (LawSetting::Ridge, "ridge: auto"),
            (LawSetting::HuberDelta, "huber_delta: 0.1"),
        ] {
            let law = kind.name();
            let lines = format!(
                "regression: {{type: {law}, {line}}}\nconstraints: {{target_tokens: 1e9}}\n"
            );
            if kind.takes(setting) {
                with(&lines);
                continue;
            }
            let key = setting.name();
            let message = refused(&lines);
            let expected = format!(
                "`regression.{key}` is given, but the law `{law}` does not take it\n  help: remove it; \
                 of the laws `log_linear`, `saturating` and `effective_data` take it"
            );
            assert!(
                message.starts_with("fit.yaml:5:") && message.contains(&expected),
                "{message}"
            );
            // Nothing is given by null, which is how an effective config says so.
            with(&lines.replace(line, &format!("{key}: null")));
        }
    }
}

#[test]
fn regression_laws_are_those_of_the_registry() {
    for (word, kind) in LawKind::words() {
        let lines = format!("regression: {{type: {word}}}\nconstraints: {{target_tokens: 1e9}}\n");
        let config = with(&lines);
        assert_eq!(config.regression.law, kind);
        let proposer = match kind {
            LawKind::Search => OptimizerKind::Search,
            LawKind::Gp | LawKind::LightGbm => OptimizerKind::Local,
            _ => OptimizerKind::Exact,
        };
        assert_eq!(config.proposer.kind, proposer, "{word}");
    }
    let message = refused("regression: {type: gp}\nproposer: {type: exact}\n");
    assert!(
        message.contains("needs a convex law, which `gp` and `lightgbm` are not"),
        "{message}"
    );
    let message = refused("regression: {type: autoscale}\n");
    assert!(
        message.contains("the law `autoscale` needs `constraints.target_tokens`"),
        "{message}"
    );
}

#[test]
fn proposers_are_those_of_the_registry() {
    for (word, kind) in OptimizerKind::ALL {
        let law = if *word == "search" {
            "search"
        } else {
            "log_linear"
        };
        let lines = format!("regression: {{type: {law}}}\nproposer: {{type: {word}}}\n");
        assert_eq!(with(&lines).proposer.kind, *kind);
        let given = lines.replace("}\nproposer: {", "}\nproposer: {temperature: 0.3, ");
        let said = with(&given)
            .notices
            .iter()
            .any(|notice| notice.contains("only the proposers simulation and temperature use it"));
        assert_eq!(said, !kind.takes(OptimizerSetting::Temperature), "{word}");
    }
}

/// Lines that are refused, and what is said of them.
const OUT_OF_RANGE: &[(&str, &str)] = &[
    (
        "regression: {type: log_liner}\n",
        "did you mean `log_linear`?",
    ),
    (
        "regression: {n_test: -1}\n",
        "must be a whole number that is not negative",
    ),
    (
        "regression: {seed: abc}\n",
        "`regression.seed` must be a whole number",
    ),
    (
        "regression: {train_split: 0}\n",
        "must be a share above 0 and up to 1",
    ),
    (
        "regression: {train_split: 1.5}\n",
        "must be a share above 0 and up to 1",
    ),
    ("regression: {train_split: [0.5, 0.5]}\n", "lists 2 numbers"),
    (
        "regression: {huber_delta: 0}\n",
        "must be a number above 0, found the number 0",
    ),
    (
        "regression: {ridge: -1}\n",
        "`auto` or a number that is not negative",
    ),
    (
        "regression: {dead_domains: keep}\n",
        "use one of `error`, `hold`",
    ),
    (
        "regression: [1]\n",
        "`regression` must be a mapping, found a list",
    ),
    (
        "proposer: {kl_reg: -0.1}\n",
        "must be `auto` or a number that is not negative",
    ),
    (
        "proposer: {kl_reg: .nan}\n",
        "must be `auto` or a number that is not negative, found `.nan`",
    ),
    ("proposer: {temperature: 0}\n", "must be a number above 0"),
    (
        "proposer: {fit_only: maybe}\n",
        "must be true or false, found `maybe`",
    ),
    (
        "constraints: {target_tokens: 1, repetition_factor: 0}\n",
        "must be a number above 0",
    ),
    (
        "constraints: {bounds: {a: {min: 0.5, max: 0.1}}}\n",
        "has min 0.5 above max 0.1",
    ),
    (
        "constraints: {bounds: {a: {max: 1.5}}}\n",
        "a weight between 0 and 1",
    ),
    (
        "constraints: {bounds: {a: {}}}\n",
        "neither `min` nor `max`",
    ),
    (
        "constraints: {groups: {g: {max: 0.5}}}\n",
        "`constraints.groups.g.domains` is required",
    ),
    (
        "constraints: {groups: {g: {domains: [], max: 0.5}}}\n",
        "at least one domain",
    ),
    (
        "filtering: {obj_weights: {m: -1}}\n",
        "must be a number that is not negative, or a",
    ),
    (
        "filtering: {obj_weights: {m: 1/0}}\n",
        "must be a number that is not negative, or a",
    ),
    (
        "filtering: {directions: {m: up}}\n",
        "use one of `min`, `max`",
    ),
    (
        "filtering: {drop_metrics: m}\n",
        "must be a list, found `m`",
    ),
    ("eval: {tasks: {}}\n", "at least one family"),
    ("eval: {tasks: {math: []}}\n", "at least one metric"),
    (
        "eval: {type: web, tasks: {a: [m]}}\n",
        "use one of `offline`, `inloop`",
    ),
    (
        "eval: {tasks: {math: [m], code: [m]}}\n",
        "`m` of family `code` is already in",
    ),
    ("diagnostics: {folds: 1}\n", "0 (no check) or at least 2"),
    ("diagnostics: {confidence: 1}\n", "between 0 and 1"),
    ("diagnostics: {bootstrap: 1e9}\n", "up to 100000"),
    (
        "regresion: {seed: 1}\n",
        "fit.yaml:5:1: unknown key `regresion`",
    ),
];

#[test]
fn values_out_of_range_or_of_the_wrong_type_are_refused_at_their_place() {
    for (lines, expected) in OUT_OF_RANGE {
        let message = refused(lines);
        assert!(message.contains(expected), "{lines} gives {message}");
        assert!(
            message.starts_with("fit.yaml:5:"),
            "{lines} gives {message}"
        );
    }
}

#[test]
fn a_prior_must_be_positive() {
    for (priors, expected) in [
        (
            "relative_sizes: {a: 0.6, b: 0}",
            "fit.yaml:2:38: `priors.relative_sizes.b` must be a number above 0, found the number 0",
        ),
        (
            "relative_sizes: {a: -1}",
            "must be a number above 0, found the number -1",
        ),
        (
            "relative_sizes: {a: .inf}",
            "must be a number above 0, found `.inf`",
        ),
        (
            "token_counts: {a: 0}",
            "must be a whole number of tokens above 0",
        ),
        (
            "token_counts: {a: 1.5}",
            "must be a whole number of tokens above 0",
        ),
        (
            "total_tokens: 5",
            "neither `relative_sizes` nor `token_counts`",
        ),
        ("relative_size: {a: 1}", "did you mean `relative_sizes`?"),
    ] {
        let text =
            format!("swarm: {{ratios: Cargo.toml, metrics: Cargo.toml}}\npriors: {{{priors}}}\n");
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.contains(expected), "{priors} gives {message}");
    }
}

#[test]
fn sizes_that_do_not_sum_to_one_are_accepted_and_said_so() {
    let config = with("").notices;
    assert!(config.is_empty());
    let text = "swarm: {ratios: Cargo.toml, metrics: Cargo.toml}\n\
                priors: {relative_sizes: {a: 3, b: 1}, total_tokens: 12}\n";
    let notices = parse(text).unwrap().notices;
    assert!(
        notices[0].contains("sum to 4.000000, not to 1"),
        "{notices:?}"
    );
}

#[test]
fn a_swarm_file_that_does_not_exist_is_named_with_where_it_was_looked_for() {
    let text = "swarm: {ratios: none.csv, metrics: Cargo.toml}\npriors: {token_counts: {a: 1}}\n";
    let message = parse(text).unwrap_err().to_string();
    assert!(
        message.starts_with("fit.yaml:1:17: `swarm.ratios` names a file"),
        "{message}"
    );
    assert!(
        message.contains("none.csv and none.csv; correct the path"),
        "{message}"
    );
}

#[test]
fn caps_need_token_counts() {
    let text = "swarm: {ratios: Cargo.toml, metrics: Cargo.toml}\n\
                priors: {relative_sizes: {a: 1}}\nconstraints: {enabled: true, target_tokens: 1e9}\n";
    let message = parse(text).unwrap_err().to_string();
    assert!(
        message.contains("there are no `priors.token_counts`"),
        "{message}"
    );
}

#[test]
fn an_empty_config_is_refused() {
    let message = parse("").unwrap_err().to_string();
    assert!(message.contains("the config is empty"), "{message}");
}
