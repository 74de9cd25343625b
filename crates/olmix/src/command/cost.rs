//! What runs cost, and what they buy, before they are trained.

use std::path::Path;

use olmix_core::generate::{ASSUMED_NOISE, ExpectedRegret};
use olmix_io::{LaunchConfig, TrainerKind};
use olmix_proxy::{Hyperparameters, Shape, skipped_steps};
use serde_json::{Value, json};

use crate::args::CostArgs;
use crate::bars::tokens_text;
use crate::device::UTILIZATION;
use crate::failure::Failure;
use crate::table::percent;

/// What is to be trained.
#[derive(Debug)]
pub struct Work {
    /// Runs.
    pub runs: usize,
    /// Their tokens, where they are known.
    pub tokens: Option<u64>,
    /// The floating-point operations of their training, or why these are not known.
    pub flops: Result<f64, &'static str>,
    /// What finished runs took.
    pub measured: Option<Measured>,
}

/// What runs that finished took.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// How many.
    pub runs: usize,
    /// Floating-point operations of their training.
    pub flops: f64,
    /// Hours of their devices: of GPUs, or of the runs themselves where they had none.
    pub hours: f64,
    /// Whether they had GPUs.
    pub on_gpus: bool,
}

/// What it costs.
#[derive(Debug)]
pub struct Cost {
    work: Work,
    /// Device-hours, what they are hours of, and where the number comes from.
    hours: Option<(f64, String, &'static str)>,
    money: Option<f64>,
}

/// What work costs.
///
/// # Errors
/// An option that can't be honoured: `--device` where the operations are not known, `--price` without
/// device-hours.
pub fn cost(args: &CostArgs, work: Work) -> Result<Cost, Failure> {
    let hours = match (args.device, work.measured) {
        (Some(device), _) => {
            let flops = work.flops.map_err(|why| {
                Failure::usage(
                    format!("--device can't be used: {why}, so device-hours are not known"),
                    "state what is missing, or leave --device out",
                )
            })?;
            let share = args.utilization.unwrap_or(UTILIZATION);
            let name = device.name.unwrap_or("device");
            let assumed = match args.utilization {
                Some(_) => "",
                None => ", an assumption (--utilization)",
            };
            let of = format!(
                "{name}-hours at {} % of {} TFLOP/s{assumed}",
                round(100.0 * share),
                round(device.peak / 1e12)
            );
            Some((flops / (share * device.peak) / 3600.0, of, "peak"))
        }
        (None, Some(measured)) if measured.flops > 0.0 => work.flops.ok().map(|flops| {
            let of = if measured.on_gpus {
                "GPU-hours"
            } else {
                "run-hours"
            };
            let runs = measured.runs;
            let of = format!("{of}, as {runs} finished runs took");
            (flops * measured.hours / measured.flops, of, "measured")
        }),
        (None, _) => None,
    };
    let money = match (args.price, &hours) {
        (Some(price), Some((hours, ..))) => Some(price * hours),
        (Some(_), None) => {
            return Err(Failure::usage(
                "--price can't be used: device-hours are not known",
                "give --device, such as --device H100",
            ));
        }
        (None, _) => None,
    };
    Ok(Cost { work, hours, money })
}

impl Cost {
    /// Whether the operations are known.
    pub fn has_flops(&self) -> bool {
        self.work.flops.is_ok()
    }

    /// In a line.
    pub fn line(&self) -> String {
        let plural = if self.work.runs == 1 { "" } else { "s" };
        let mut text = format!("Cost: {} run{plural}", self.work.runs);
        if let Some(tokens) = self.work.tokens {
            text += &format!(", {} tokens", tokens_text(tokens));
        }
        if let Ok(flops) = self.work.flops {
            text += &format!(", {flops:.1e} FLOPs");
        }
        match &self.hours {
            Some((hours, of, _)) => text += &format!(", {} {of}", significant(*hours)),
            None if self.work.flops.is_ok() => {
                text += "; --device H100 shows device-hours, --price their price";
            }
            None => {}
        }
        if let Some(money) = self.money {
            text += &format!("; price {money:.2}");
        }
        text + "\n"
    }

    /// As JSON; what is not known is null.
    pub fn json(&self) -> Value {
        json!({
            "runs": self.work.runs,
            "tokens": self.work.tokens,
            "flops": self.work.flops.ok(),
            "device_hours": self.hours.as_ref().map(|hours| hours.0),
            "device_hours_from": self.hours.as_ref().map(|hours| hours.2),
            "money": self.money,
        })
    }
}

/// Tokens and floating-point operations of the training of a launch config, without steps that a checkpoint has done, 6 operations per non-embedding
/// parameter and token; `None` for trainers of which nothing is known.
pub fn training(config: &LaunchConfig) -> Option<(u64, f64)> {
    if matches!(config.trainer, TrainerKind::Command { .. }) {
        return None;
    }
    let file = Path::new(&config.file);
    // Parameters of the embedding are left out, so the vocabulary does not matter.
    let shape = Shape::of(file, &config.training, 1).ok()?;
    let recipe = Hyperparameters::of(file, &config.training, &shape).ok()?;
    let steps = recipe.steps - skipped_steps(config, recipe.steps);
    let tokens = steps * recipe.batch * shape.context as u64;
    let flops = 6.0 * shape.non_embedding_parameters() as f64 * tokens as f64;
    Some((tokens, flops))
}

/// What numbers of runs are expected to buy: the swarm's own number first, then the others; nothing where
/// nothing was simulated.
pub fn worth(expected: &[ExpectedRegret], own: usize) -> String {
    let Some(first) = expected.iter().find(|one| one.runs == own) else {
        return String::new();
    };
    let others = expected.iter().filter(|one| one.runs != own);
    let others = others.map(|one| format!("; {}: {}", runs(one.runs), percent(one.regret)));
    let (own, beside) = match first.beside {
        0 => (format!("{own} runs"), String::new()),
        1 => (format!("{own} new runs"), "with the old one, ".to_owned()),
        old => (
            format!("{own} new runs"),
            format!("with the {old} old ones, "),
        ),
    };
    format!(
        "{own}: {beside}the mixture's loss is expected within {} of the best that a solve can give{}\n(loss with KL \
         term; the KL term by itself costs {}. Simulated, with laws and a noise of {} % like those of two measured \
         swarms: an assumption)\n",
        percent(first.regret),
        others.collect::<String>(),
        percent(first.pull),
        round(100.0 * ASSUMED_NOISE)
    )
}

/// A number of runs.
fn runs(count: usize) -> String {
    match count {
        0 => "none".into(),
        1 => "1 run".into(),
        count => format!("{count} runs"),
    }
}

/// The same as JSON.
pub fn worth_json(expected: &[ExpectedRegret]) -> Vec<Value> {
    let one = |one: &ExpectedRegret| {
        json!({
            "runs": one.runs, "beside": one.beside, "regret": one.regret, "standard_error": one.standard_error,
            "in_all": one.in_all, "pull": one.pull,
        })
    };
    expected.iter().map(one).collect()
}

/// Up to two decimals, as many as it needs.
fn round(value: f64) -> f64 {
    (100.0 * value).round() / 100.0
}

/// Hours to two significant digits or to the hour.
fn significant(hours: f64) -> String {
    match hours {
        hours if hours >= 9.95 => format!("{hours:.0}"),
        hours if hours >= 0.995 => format!("{hours:.1}"),
        hours if hours >= 0.01 => format!("{hours:.2}"),
        hours => format!("{hours:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> Work {
        Work {
            runs: 3,
            tokens: Some(3_000_000),
            flops: Ok(1.8e14),
            measured: Some(Measured {
                runs: 2,
                flops: 1.2e14,
                hours: 4.0,
                on_gpus: true,
            }),
        }
    }

    #[test]
    fn cost_without_a_device_is_that_of_the_runs_that_finished() {
        let priced = CostArgs {
            price: Some(2.0),
            ..CostArgs::default()
        };
        let found = cost(&priced, work()).unwrap();
        let json = found.json();
        assert_eq!(
            (
                &json["device_hours"],
                &json["money"],
                &json["device_hours_from"]
            ),
            (&json!(6.0), &json!(12.0), &json!("measured"))
        );
        let expected = "Cost: 3 runs, 3.00M tokens, 1.8e14 FLOPs, 6.0 GPU-hours, as 2 finished runs took; \
                        price 12.00\n";
        assert_eq!(found.line(), expected);
    }

    #[test]
    fn cost_refuses_a_price_without_hours_and_a_device_without_flops() {
        let priced = CostArgs {
            price: Some(2.0),
            ..CostArgs::default()
        };
        let unknown = || Work {
            flops: Err("nothing is known"),
            ..work()
        };
        assert!(cost(&priced, unknown()).is_err());
        let device = CostArgs {
            device: crate::device::device("A100").ok(),
            ..CostArgs::default()
        };
        assert!(cost(&device, unknown()).is_err());
        assert_eq!(
            cost(&CostArgs::default(), unknown()).unwrap().json()["flops"],
            Value::Null
        );
    }
}
