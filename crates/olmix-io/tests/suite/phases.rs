//! Runs in phases are read as what they are, or refused with one message.

use crate::common::Case;
use olmix_io::{DomainWeights, MixtureFile};

const RATIOS: &str = "\
run,phase,web,code,math
r1,pretraining,0.5,0.3,0.2
r1,cooldown,0.2,0.6,0.2
r2,pretraining,0.2,0.6,0.2
r2,cooldown,0.5,0.3,0.2
r3,cooldown,0.1,0.1,0.8
r3,pretraining,0.6,0.2,0.2
r4,pretraining,1,0,0
r4,cooldown,0.3,0.3,0.4
r5,pretraining,0,0.5,0.5
r5,cooldown,0.4,0.3,0.3
";
const PHASES: &str =
    "phases: [{name: pretraining, fraction: 0.8}, {name: cooldown, fraction: 0.2}]\n";

fn case(lines: &str) -> Case {
    let case = Case::new();
    case.with(lines).write("ratios.csv", RATIOS);
    case
}

#[test]
fn rows_of_phases_become_runs_over_the_domains_of_phases() {
    let loaded = case(PHASES).load();
    assert_eq!(loaded.swarm.runs(), ["r1", "r2", "r3", "r4", "r5"]);
    let names: Vec<&str> = loaded.swarm.domains().names().collect();
    assert_eq!(names[0], "pretraining/web");
    assert_eq!(names[5], "cooldown/math");
    // A run's rows are in any order.
    let of_r3 = loaded.swarm.mixtures().row(2);
    let expected = [
        0.8 * 0.6,
        0.8 * 0.2,
        0.8 * 0.2,
        0.2 * 0.1,
        0.2 * 0.1,
        0.2 * 0.8,
    ];
    for (a, b) in of_r3.iter().zip(expected) {
        assert!((a - b).abs() < 1e-12, "{of_r3:?}");
    }
    let phases = loaded.spec.phases.as_ref().unwrap();
    assert_eq!(phases.phases.fractions(), [0.8, 0.2]);
    assert_eq!(loaded.spec.constraints.sums.len(), 2);
    let prior: f64 = loaded.spec.prior.weights()[..3].iter().sum();
    assert!((prior - 0.8).abs() < 1e-12);
}

#[test]
fn caps_count_the_tokens_of_all_phases_and_bounds_those_of_one() {
    let lines = "\
phases:
  - {name: pretraining, fraction: 0.8}
  - {name: cooldown, fraction: 0.2, bounds: {web: {max: 0.25}}}
constraints: {target_tokens: 2e6, repetition_factor: 4}
";
    let loaded = case(lines).load();
    let constraints = &loaded.spec.constraints;
    assert!(constraints.caps.is_none());
    // 4 · 200,000 / 2,000,000 of math in all phases; web and code have enough for the whole run or more than half.
    let group = |name: &str| constraints.groups.iter().find(|group| group.name == name);
    let math = group("math in all phases").unwrap();
    assert_eq!(math.members, [2, 5]);
    assert!((math.upper - 0.4).abs() < 1e-12);
    assert!(group("web in all phases").is_none());
    assert!((constraints.upper[3] - 0.05).abs() < 1e-12);
}

#[test]
fn phases_that_collect_recorded_need_no_section() {
    let case = case("");
    case.write(
        "metrics.meta.json",
        r#"{"format": "olmix-metrics-1", "phases": [{"name": "pretraining", "fraction": 0.75}, {"name": "cooldown", "fraction": 0.25}]}"#,
    );
    let loaded = case.load();
    let phases = loaded.spec.phases.as_ref().unwrap();
    assert_eq!(phases.phases.fractions(), [0.75, 0.25]);
}

#[test]
fn runs_in_phases_that_can_not_be_used_are_refused_with_one_message() {
    for (lines, ratios, expected) in [
        (
            "",
            RATIOS,
            "nothing says which share of the tokens each phase has",
        ),
        (
            "phases: [{name: pretraining, fraction: 0.8}, {name: cooldown, fraction: 0.1}]\n",
            RATIOS,
            "the fractions of the phases sum to 0.9",
        ),
        (
            "phases: [{name: pretraining, fraction: 1}, {name: cooldown, fraction: 0}]\n",
            RATIOS,
            "phase `cooldown` has the fraction 0",
        ),
        (
            "phases: [{name: pretraining, fraction: 0.8}, {name: anneal, fraction: 0.2}]\n",
            RATIOS,
            "ratios.csv:3: the phase is `cooldown`, which is none of the phases",
        ),
        (
            PHASES,
            crate::common::RATIOS,
            "there is no column `phase`: runs with one mixture say nothing of `phases`",
        ),
        (
            PHASES,
            "run,phase,web,code,math\nr1,pretraining,0.5,0.3,0.2\nr1,cooldown,0.5,0.3,0.2\nr2,cooldown,0.5,0.3,0.2\n",
            "a run has no row for the phase `pretraining`: `r2`",
        ),
        (
            PHASES,
            "run,phase,web,code,math\nr1,cooldown,0.5,0.3,0.2\nr1,cooldown,0.5,0.3,0.2\n",
            "run `r1` occurs twice",
        ),
        (
            "phases: [{name: pretraining, fraction: 0.8}, {name: cooldown, fraction: 0.2}]\nproposer: {type: simulation}\n",
            RATIOS,
            "mixtures of phases are found by the exact optimizer only",
        ),
        (
            "phases:\n- {name: pretraining, fraction: 0.8}\n- {name: cooldown, fraction: 0.2, bounds: {wb: {max: 0.5}}}\n",
            RATIOS,
            "phases[1].bounds: no domain is `wb`",
        ),
        (
            "phases:\n- {name: pretraining, fraction: 0.8, bounds: {math: {min: 0.6}}}\n- {name: cooldown, fraction: 0.2}\nconstraints: {target_tokens: 2e6}\n",
            RATIOS,
            "domain `math` must have at least 0.4800 in `pretraining` of the run's tokens, 0.4800 in all, and its token cap \
             over all phases allows at most 0.4000",
        ),
    ] {
        let case = case(lines);
        case.write("ratios.csv", ratios);
        let message = case.refused();
        assert!(message.contains(expected), "{lines:?} gives {message}");
        assert!(message.contains("\n  help: "), "{message}");
    }
}

#[test]
fn a_column_named_phase_of_numbers_is_a_domain_as_ever() {
    let case = Case::new();
    case.write(
        "fit.yaml",
        "swarm: {ratios: ratios.csv, metrics: metrics.csv}\npriors: {relative_sizes: {phase: 1, code: 1}}\n",
    );
    case.write(
        "ratios.csv",
        "run,phase,code\nr1,0.5,0.5\nr2,0.2,0.8\nr3,0.9,0.1\n",
    );
    let loaded = case.load();
    assert_eq!(loaded.swarm.domains().name(0), "phase");
    case.write(
        "ratios.csv",
        "run,phase,code\nr1,0.5,0.5\nr2,0.2,0.8\nr1,0.9,0.1\n",
    );
    assert!(
        case.refused()
            .contains("run `r1` occurs twice, first on line 2")
    );
}

/// A swarm of 24 runs, large enough for every law.
fn measured() -> (String, String) {
    let mut ratios = String::from("run,phase,web,code,math\n");
    let mut metrics = String::from("run,m1\n");
    for run in 0..24_u32 {
        let share = |k: u32| f64::from((run * k + 3 * k) % 11 + 1);
        let mixture = |a: f64, b: f64, c: f64| {
            let sum = a + b + c;
            [a / sum, b / sum, c / sum]
        };
        let first = mixture(share(3), share(5), share(7));
        let second = mixture(share(2), share(8), share(6));
        for (name, p) in [("pretraining", first), ("cooldown", second)] {
            ratios += &format!("r{run},{name},{},{},{}\n", p[0], p[1], p[2]);
        }
        let z = |j: usize| 0.8 * 0.8 * first[j] + 0.2 * 1.8 * second[j];
        metrics += &format!("r{run},{}\n", 0.8 + (0.2 - z(0) * 0.3 - z(2) * 0.9).exp());
    }
    (ratios, metrics)
}

#[test]
fn a_mixture_of_phases_is_read_back_and_asked_for_by_phase() {
    let case = case(PHASES);
    let (ratios, metrics) = measured();
    case.write("ratios.csv", ratios)
        .write("metrics.csv", metrics);
    let loaded = case.load();
    let fit = olmix_core::fit(&loaded.swarm, &loaded.spec, &()).unwrap();
    let file = MixtureFile::new(&loaded, &fit);
    let text = String::from_utf8(file.to_bytes().unwrap()).unwrap();
    let back = MixtureFile::parse("mixture.json", &text).unwrap();
    assert_eq!(back, file);
    assert_eq!(back.constraints().unwrap(), loaded.spec.constraints);
    let entry = back.phases.as_ref().unwrap();
    let sum: f64 = entry.phases[1].mixture.iter().map(|one| one.share).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    case.write("mixture.json", &text);
    let whole = DomainWeights::read(&case.path("mixture.json")).unwrap_err();
    assert!(
        whole
            .to_string()
            .contains("this mixture is of 2 phases: `pretraining`, `cooldown`"),
        "{whole}"
    );
    let one = DomainWeights::read(&case.path("mixture.json#cooldown")).unwrap();
    assert_eq!(one.weights[0].0, "web");
    let other = DomainWeights::read(&case.path("mixture.json#anneal")).unwrap_err();
    assert!(
        other.to_string().contains("no phase is named `anneal`"),
        "{other}"
    );
}
