//! `olmix sweep --objective`: the Pareto front of several families or tasks.

use olmix_core::{Front, FrontPoint, FrontRequest, Observer, fit, pareto_front};
use olmix_fs::{check_writable, write_whole};
use olmix_io::tables::{csv_bytes, csv_number};
use olmix_io::{Overrides, fit_warnings, load_fit_with};
use olmix_report::{Figure, Lines, Series, lines};
use serde_json::{Map, Value, json};

use super::super::{on_threads, refuse_measured_repetition, write_figure};
use crate::args::SweepArgs;
use crate::failure::Failure;
use crate::output;
use crate::progress::Bar;
use crate::table::{number, signed_percent, table};

/// Fits once, solves every weighting, writes and prints.
pub fn run(args: &SweepArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        let overrides = Overrides {
            ridge: args.laws.ridge,
            dead_domains: args.laws.dead_domains,
            ..Overrides::default()
        };
        let mut loaded = load_fit_with(&args.config, &overrides)?.without_phases("olmix sweep")?;
        refuse_measured_repetition(&loaded, "a front has the caps of its config")?;
        let objectives = loaded.loss_groups(&args.objective);
        let objectives = objectives
            .map_err(|(what, help)| Failure::usage(format!("--objective: {what}"), help))?;
        if objectives.len() < 2 {
            return Err(Failure::usage(
                format!(
                    "--objective {}: a front takes at least two",
                    args.objective.join(",")
                ),
                "name two families or tasks, such as --objective math,code",
            ));
        }
        let kl_reg = strength(args)?;
        loaded.check_constraints()?;
        check_writable(&args.output_dir)?;
        loaded.spec.optimizer = None;
        let quiet = args.common.quiet || args.common.json;
        if !quiet {
            output::notices(&loaded.notices);
        }
        let bar = Bar::new(quiet);
        let fitted = fit(&loaded.swarm, &loaded.spec, &bar).map_err(|e| loaded.core_error(e))?;
        let swarm = loaded.swarm.subset(&fitted.train);
        let request = FrontRequest {
            objectives,
            points: args.points,
            kl_reg,
            constraints: loaded.spec.constraints_holding(&fitted.dead),
        };
        bar.begin("tracing the front", request.weightings());
        let front = pareto_front(&swarm, &loaded.spec, &fitted, &request, &|| bar.step())
            .map_err(|e| loaded.core_error(e))?;
        drop(bar);
        if !args.common.quiet {
            output::warnings(&fit_warnings(&fitted, &swarm, &loaded.spec));
        }
        let names = &args.objective;
        let mut header: Vec<String> = names.iter().map(|name| format!("weight {name}")).collect();
        header.extend(names.iter().map(|name| format!("loss {name}")));
        header.extend(["kl_reg".to_owned(), "predicted".to_owned()]);
        header.extend(swarm.domains().names().map(str::to_owned));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let csv = args.output_dir.join("front.csv");
        let rows: Vec<Vec<String>> = front.points.iter().map(|one| row(one, kl_reg)).collect();
        write_whole(&csv, &csv_bytes(&csv.display().to_string(), &header, rows)?)?;
        write_figure(&args.output_dir, "front", &figure(names, &front))?;
        if args.common.json {
            let points: Vec<Value> = front.points.iter().map(|one| as_json(names, one)).collect();
            let whole = json!({
                "kl_reg": kl_reg,
                "natural": named(names, &front.prior),
                "left_out": front.left_out,
                "points": points,
            });
            output::print_json(&whole.to_string())?;
        } else if !quiet {
            print(names, &front)?;
            output::print(format!("Written: {}, front.svg, front.png", csv.display()))?;
        }
        Ok(())
    })
}

/// λ: the one given, or 0.
fn strength(args: &SweepArgs) -> Result<f64, Failure> {
    match args.kl.as_slice() {
        [] => Ok(0.0),
        [kl] => Ok(*kl),
        _ => Err(Failure::usage(
            "--kl: a front is traced for one λ",
            "give one number",
        )),
    }
}

fn row(point: &FrontPoint, kl_reg: f64) -> Vec<String> {
    let numbers = point.weights.iter().chain(&point.losses).copied();
    let numbers = numbers.chain([kl_reg, point.predicted]);
    let numbers = numbers.chain(point.mixture.weights().iter().copied());
    numbers.map(csv_number).collect()
}

fn named(names: &[String], values: &[f64]) -> Value {
    let pairs = names.iter().zip(values);
    let map: Map<String, Value> = pairs
        .map(|(name, value)| (name.clone(), (*value).into()))
        .collect();
    map.into()
}

fn as_json(names: &[String], point: &FrontPoint) -> Value {
    let domains: Vec<String> = point.mixture.domains().names().map(str::to_owned).collect();
    json!({
        "weights": named(names, &point.weights),
        "losses": named(names, &point.losses),
        "predicted": point.predicted,
        "duality_gap": point.solution.duality_gap,
        "mixture": named(&domains, point.mixture.weights()),
    })
}

/// Losses of the second objective over those of the first; further ones are in the table.
fn figure(names: &[String], front: &Front) -> Figure {
    let mut points: Vec<(f64, f64, f64)> = front
        .points
        .iter()
        .map(|one| (one.losses[0], one.losses[1], 0.0))
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let series = [
        Series {
            name: "not dominated".to_owned(),
            points,
        },
        Series {
            name: "prior".to_owned(),
            points: vec![(front.prior[0], front.prior[1], 0.0)],
        },
    ];
    lines(&Lines {
        title: "Pareto front",
        subtitle: "predicted losses of the best mixtures for weighted sums",
        x: &format!("loss of {}", names[0]),
        y: &format!("loss of {}", names[1]),
        logarithmic: false,
        joined: names.len() == 2,
        series: &series,
    })
}

fn print(names: &[String], front: &Front) -> Result<(), Failure> {
    let mut header: Vec<String> = names
        .iter()
        .map(|name| format!("weight of {name}"))
        .collect();
    header.extend(names.iter().map(|name| format!("loss of {name}")));
    header.push("average".to_owned());
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let printed = |point: &FrontPoint| {
        let weights = point.weights.iter().map(|w| format!("{w:.2}"));
        let losses = point.losses.iter().zip(&front.prior).map(|(loss, prior)| {
            format!(
                "{} ({})",
                number(Some(*loss), 4),
                signed_percent(loss / prior - 1.0)
            )
        });
        let mut row: Vec<String> = weights.chain(losses).collect();
        row.push(number(Some(point.predicted), 4));
        row
    };
    let rows: Vec<Vec<String>> = front.points.iter().map(printed).collect();
    output::print(table(&header, &rows))?;
    let losses = names.iter().zip(&front.prior);
    let losses = losses.map(|(name, loss)| format!("{name} {}", number(Some(*loss), 4)));
    let losses: Vec<String> = losses.collect();
    output::print(format!("Prior: {}", losses.join(", ")))?;
    match front.left_out {
        0 => Ok(()),
        1 => {
            output::print("1 weighting is left out: its mixture is dominated, or is there already")
        }
        many => output::print(format!(
            "{many} weightings are left out: their mixtures are dominated, or are there already"
        )),
    }
}
