//! Columns of a metrics table that are scores, records of the run, in another unit, or not losses at all.

use crate::common::{CONFIG, Case};
use olmix_core::Direction;

/// A metrics table whose columns are functions of the run's number, 0 to 4.
fn metrics(columns: &[(&str, fn(f64) -> f64)]) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut text = format!("run,{}\n", names.join(","));
    for run in 0..5u8 {
        let cells: Vec<String> = columns
            .iter()
            .map(|(_, value)| value(f64::from(run)).to_string())
            .collect();
        text += &format!("r{},{}\n", run + 1, cells.join(","));
    }
    text
}

fn loss(run: f64) -> f64 {
    1.1 + 0.1 * run
}

fn other_loss(run: f64) -> f64 {
    1.6 - 0.05 * run * run
}

fn accuracy(run: f64) -> f64 {
    0.4 + 0.05 * run
}

fn case(columns: &[(&str, fn(f64) -> f64)]) -> Case {
    let case = Case::new();
    case.write("metrics.csv", metrics(columns));
    case
}

fn tasks(case: &Case) -> Vec<(String, Direction)> {
    let loaded = case.load();
    let tasks = loaded.swarm.tasks().iter();
    tasks
        .map(|task| (task.name.clone(), task.direction))
        .collect()
}

#[test]
fn a_score_without_a_direction_is_refused_with_the_line_to_add() {
    let case = case(&[("math_acc", accuracy), ("code_acc", accuracy), ("qa", loss)]);
    let message = case.refused();
    assert_eq!(
        message,
        "fit.yaml: filtering.directions: metrics.csv has scores by their names (higher is better) without a \
         direction: `math_acc`, `code_acc`\n  \
         help: add `directions: {\"math_acc\": max, \"code_acc\": max}` to `filtering` (`*` stands for any \
         characters; `min` if lower is better), or leave them out with drop_metrics"
    );
    case.with("filtering: {directions: {\"*_acc\": max}}\n");
    let (min, max) = (Direction::Min, Direction::Max);
    let expected = [("math_acc", max), ("code_acc", max), ("qa", min)];
    let expected = expected.map(|(name, direction)| (name.to_owned(), direction));
    assert_eq!(tasks(&case), expected);
    case.with("filtering: {drop_metrics: [\"*_acc\"]}\n");
    assert_eq!(tasks(&case), [("qa".to_owned(), min)]);
}

#[test]
fn the_direction_of_a_metric_in_full_counts_before_a_pattern() {
    let case = case(&[("math_acc", accuracy), ("code_acc", loss)]);
    case.with("filtering: {directions: {\"*_acc\": max, code_acc: min}}\n");
    let directions: Vec<Direction> = tasks(&case).into_iter().map(|(_, d)| d).collect();
    assert_eq!(directions, [Direction::Max, Direction::Min]);
    case.with("filtering: {directions: {\"*_acc\": max, \"code*\": min}}\n");
    let message = case.refused();
    assert!(
        message
            .contains("`*_acc` and `code*` both match `code_acc` and state different directions"),
        "{message}"
    );
}

#[test]
fn directions_that_collect_wrote_beside_the_table_count_unless_the_config_states_others() {
    let case = case(&[("math_acc", accuracy), ("hits", accuracy), ("qa", loss)]);
    case.write(
        "metrics.meta.json",
        r#"{"format": "olmix-metrics-1", "metrics": {"math_acc": {"direction": "max"}, "hits": {"direction": "max"}}}"#,
    );
    let (min, max) = (Direction::Min, Direction::Max);
    let directions = |case: &Case| -> Vec<Direction> {
        tasks(case)
            .into_iter()
            .map(|(_, direction)| direction)
            .collect()
    };
    assert_eq!(directions(&case), [max, max, min]);
    let roles: Vec<String> = case.load().inputs.into_iter().map(|i| i.role).collect();
    assert_eq!(roles, ["config", "ratios", "metrics", "metrics metadata"]);
    case.with("filtering: {directions: {hits: min}}\n");
    assert_eq!(directions(&case), [max, min, min]);
    case.write("metrics.meta.json", "{");
    let message = case.refused();
    assert!(
        message.starts_with("metrics.meta.json: not the metadata of metrics"),
        "{message}"
    );
}

#[test]
fn a_pattern_or_direction_that_matches_nothing_is_refused() {
    let case = case(&[("m1", loss), ("m2", other_loss)]);
    for (lines, expected) in [
        (
            "filtering: {directions: {\"*_acc\": max}}\n",
            "filtering.directions: the pattern `*_acc` matches no metric of metrics.csv\n  \
             help: the metrics are `m1`, `m2`",
        ),
        (
            "filtering: {drop_metrics: [\"x*\"]}\n",
            "filtering.drop_metrics: the pattern `x*` matches no metric",
        ),
        (
            "filtering: {obj_weights: {\"x*\": 2}}\n",
            "filtering.obj_weights: the pattern `x*` matches no task\n  help: the tasks are `m1`, `m2`",
        ),
        (
            "eval: {tasks: {f: [\"x*\"]}}\n",
            "eval.tasks: the pattern `x*` matches no metric",
        ),
        (
            "filtering: {directions: {m3: max}}\n",
            "filtering.directions: `m3` is not a metric of metrics.csv\n  help: did you mean `m1`?",
        ),
    ] {
        case.with(lines);
        let message = case.refused();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn patterns_choose_and_weigh_tasks() {
    let case = case(&[
        ("eval/a/bpb", loss),
        ("eval/b/bpb", other_loss),
        ("eval/seed", accuracy),
        ("train", loss),
    ]);
    case.with(
        "eval: {tasks: {all: [\"eval/*\"]}}\nfiltering: {obj_weights: {\"eval/*\": 1, eval/b/bpb: 3}}\n",
    );
    let loaded = case.load();
    let names: Vec<&str> = loaded
        .swarm
        .tasks()
        .iter()
        .map(|t| t.name.as_str())
        .collect();
    assert_eq!(names, ["eval/a/bpb", "eval/b/bpb"]);
    assert_eq!(loaded.swarm.task_weights(), [0.25, 0.75]);
    // The seed matches, and is not a task.
    assert!(
        case.notices()[0].contains("left out: `eval/seed`"),
        "{:?}",
        case.notices()
    );
    case.with("eval: {tasks: {a: [\"eval/a*\"], rest: [\"eval/*\"]}}\n");
    let message = case.refused();
    assert!(
        message.contains("matches `eval/a/bpb`, which is in family `a` already"),
        "{message}"
    );
    // Who is listed in full belongs to that family alone.
    case.with("eval: {tasks: {rest: [\"eval/*\"], a: [eval/a/bpb]}}\n");
    let families = case
        .load()
        .swarm
        .tasks()
        .iter()
        .map(|t| t.family.clone())
        .collect::<Vec<_>>();
    assert_eq!(families, ["rest", "a"]);
}

#[test]
fn records_of_a_run_are_left_out_by_name_unless_they_are_listed() {
    let case = case(&[
        ("m1", loss),
        ("_step", other_loss),
        ("_runtime", other_loss),
        ("seed", other_loss),
        ("grad_norm", other_loss),
        ("m1__MIN", loss),
        ("m1.1", loss),
        ("m1_stderr", accuracy),
    ]);
    assert_eq!(case.load().swarm.tasks().len(), 1);
    assert_eq!(
        case.notices()[0],
        "metrics.csv has columns that are not tasks, which are left out: `_step`, `_runtime`, `seed`, \
         `grad_norm`, `m1__MIN`, `m1.1`, `m1_stderr` (to fit a column, list it under eval.tasks)"
    );
    case.with("eval: {tasks: {f: [m1, grad_norm]}}\n");
    assert_eq!(case.load().swarm.tasks().len(), 2);
    assert!(case.notices().is_empty());
}

#[test]
fn metrics_that_are_negative_everywhere_need_a_direction() {
    let case = case(&[("m1", loss), ("loglik", |run| -5.0 - loss(run))]);
    let message = case.refused();
    assert!(
        message.contains(
            "negative in every run, and losses are not: `loglik`\n  help: if they are log-likel"
        ),
        "{message}"
    );
    assert!(
        message.contains("add `directions: {\"loglik\": max}` to `filtering`"),
        "{message}"
    );
    case.with("filtering: {directions: {loglik: max}}\n");
    let column = case.load().swarm.losses().column(1);
    // Higher is better: the run with the greatest log-likelihood, the first, has the least loss.
    assert!(
        column.windows(2).all(|pair| pair[0] < pair[1]),
        "{column:?}"
    );
}

#[test]
fn a_metric_in_another_unit_is_refused_unless_it_is_named() {
    let case = case(&[
        ("a", loss),
        ("b", other_loss),
        ("speed", |run| 1e8 + 1e7 * run),
    ]);
    let message = case.refused();
    assert!(
        message.contains(
            "metrics in another unit than the others, which would decide the average alone: `speed`"
        ),
        "{message}"
    );
    assert!(
        message.contains("add `drop_metrics: [\"speed\"]`"),
        "{message}"
    );
    case.with("eval: {tasks: {f: [a, b, speed]}}\n");
    assert_eq!(case.load().swarm.tasks().len(), 3);
    let notices = case.notices();
    assert!(
        notices[0].contains("task `speed` holds 100 % of the variance"),
        "{notices:?}"
    );
}

#[test]
fn equal_columns_are_named() {
    let case = case(&[("a", loss), ("b", other_loss), ("c", loss)]);
    assert_eq!(
        case.notices(),
        ["tasks with the same values in every run, which count twice in the average: `a` and `c`"]
    );
}

#[test]
fn a_metric_with_values_of_a_score_that_falls_where_all_others_rise_is_noticed() {
    let case = Case::new();
    let (mut ratios, mut metrics) = (
        "run,web,code,math\n".to_owned(),
        "run,a,b,c,d,hits\n".to_owned(),
    );
    for run in 0..12u8 {
        let x = f64::from(run) / 12.0;
        let wiggle = 0.01 * f64::from(run * 5 % 7);
        let losses: Vec<String> = (1..5u8)
            .map(|task| (1.0 + f64::from(task) * x + wiggle).to_string())
            .collect();
        ratios += &format!("r{run},{},{},{}\n", x / 2.0, 0.5 - x / 4.0, 0.5 - x / 4.0);
        metrics += &format!("r{run},{},{}\n", losses.join(","), 0.9 - 0.5 * x + wiggle);
    }
    case.write("ratios.csv", ratios)
        .write("metrics.csv", metrics);
    let notices = case.notices();
    assert!(
        notices[0]
            .starts_with("tasks that fall where the others rise, with values as scores have them;")
            && notices[0].contains("`hits` (correlation -"),
        "{notices:?}"
    );
    for way in ["max", "min"] {
        case.with(&format!("filtering: {{directions: {{hits: {way}}}}}\n"));
        assert!(case.notices().is_empty());
    }
}

#[test]
fn a_cap_that_stands_in_the_config_applies() {
    let case = Case::new();
    let capped =
        "constraints: {target_tokens: 1e6, repetition_factor: 4, bounds: {code: {min: 0.05}}}\n";
    case.with(capped);
    assert!(case.load().config.constraints.enabled);
    // 4 · 200,000 / 1e6
    let upper = case.load().spec.constraints.caps.unwrap();
    assert!((upper[2] - 0.8).abs() < 1e-12, "{upper:?}");
    case.with("constraints: {enabled: false, target_tokens: 1e6, repetition_factor: 4}\n");
    assert!(case.load().spec.constraints.caps.is_none());
    case.with("constraints: {repetition_factor: 4}\n");
    let message = case.refused();
    assert!(
        message.contains("`constraints.repetition_factor` asks for token caps, but `constraints.target_tokens` is missing"),
        "{message}"
    );
    let without_counts = CONFIG.lines().filter(|line| !line.contains("token_counts"));
    let without_counts: Vec<&str> = without_counts.collect();
    case.write(
        "fit.yaml",
        format!("{}\n{capped}", without_counts.join("\n")),
    );
    let message = case.refused();
    assert!(
        message.contains("`constraints` asks for token caps, but there are no"),
        "{message}"
    );
}

#[test]
fn numbers_of_tokens_are_read_as_people_write_them() {
    let case = Case::new();
    case.write(
        "fit.yaml",
        CONFIG
            .replace("500_000", "0.5M")
            .replace("300_000", "\"300,000\"")
            .replace("200_000", "2e5")
            + "constraints: {target_tokens: 1M}\n",
    );
    let loaded = case.load();
    let tokens = loaded.swarm.domains().tokens();
    assert_eq!(tokens, Some(vec![500_000, 300_000, 200_000]));
    assert_eq!(loaded.config.constraints.target_tokens, Some(1e6));
}
