//! `training.start_from`: the weights that a run begins with, where they are those of another run.

use super::PhaseConfig;
use crate::config::yaml::Value;
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt};

/// Where a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartConfig {
    /// The folder of a run, or of its model, as written.
    pub path: String,
    /// The phase after which the run's checkpoint stands, so that the phases up to it are left out. Without one the
    /// weights alone are taken, and the run is as long as ever.
    pub after: Option<String>,
    /// Where it is said.
    location: Location,
}

impl StartConfig {
    /// Reads a path, or a mapping with `checkpoint` and `after`.
    pub(super) fn read(value: &Value<'_>) -> Result<Self, IoError> {
        if let Ok(path) = value.text() {
            return Ok(Self {
                path: path.to_owned(),
                after: None,
                location: value.location(),
            });
        }
        let mut section = value.section()?;
        let path = section.required("checkpoint")?.text()?.to_owned();
        let after = section.required("after")?;
        section.finish()?;
        Ok(Self {
            path,
            after: Some(after.text()?.to_owned()),
            location: after.location(),
        })
    }

    /// Refuses a start that a run with these phases can't have.
    pub(super) fn check(
        &self,
        file: &str,
        custom: bool,
        phases: &[PhaseConfig],
    ) -> Result<(), IoError> {
        let refused = |message: String, help: &str| {
            Err(IoError::input(file, self.location.clone(), message, help))
        };
        if custom {
            return refused(
                "training.start_from is of no effect with a trainer of your own".into(),
                "name the checkpoint in trainer.command",
            );
        }
        let Some(after) = &self.after else {
            return Ok(());
        };
        let names = || phases.iter().map(|phase| phase.name.as_str());
        match names().position(|name| name == after) {
            _ if phases.is_empty() => refused(
                format!(
                    "training.start_from.after names the phase `{}`, and there are no `phases`",
                    excerpt(after)
                ),
                "give the phases of the whole run, or the path alone, whose weights a run with one mixture begins with",
            ),
            None => {
                let help = did_you_mean(after, names(), || "name one of `phases`".to_owned());
                refused(
                    format!(
                        "training.start_from.after: there is no phase `{}`",
                        excerpt(after)
                    ),
                    &help,
                )
            }
            Some(place) if place + 1 == phases.len() => refused(
                format!(
                    "nothing is left to train after `{}`, the last phase",
                    excerpt(after)
                ),
                "name an earlier phase",
            ),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::launch::LaunchConfig;

    #[test]
    fn a_start_is_a_path_or_a_checkpoint_after_a_phase_that_others_follow() {
        let parse = |start: &str, mixture: &str| {
            let text = format!(
                "name: x\ntraining: {{proxy_model_id: demo, start_from: {start}}}\n\
                 data: {{sources: [{{name: a, paths: [a.bin]}}]}}\n{mixture}\n"
            );
            LaunchConfig::parse("launch.yaml", &text, Path::new(""))
        };
        let phases = "phases: [{name: p, fraction: 0.5, mix: {a: 1}}, {name: q, fraction: 0.5, mix: {a: 1}}]";
        let of =
            |start: &str, mixture: &str| parse(start, mixture).unwrap().training.start.unwrap();
        assert_eq!(of("runs/first", "mix: {a: 1}").after, None);
        let start = of("{checkpoint: runs/first, after: p}", phases);
        assert_eq!(
            (start.path.as_str(), start.after.as_deref()),
            ("runs/first", Some("p"))
        );
        for (start, mixture, expected) in [
            (
                "{checkpoint: x, after: p}",
                "mix: {a: 1}",
                "and there are no `phases`",
            ),
            ("{checkpoint: x, after: r}", phases, "there is no phase `r`"),
            (
                "{checkpoint: x, after: q}",
                phases,
                "nothing is left to train after `q`",
            ),
            (
                "{checkpoint: x}",
                phases,
                "`training.start_from.after` is required",
            ),
            (
                "x",
                "mix: {a: 1}\ntrainer: {command: train}",
                "of no effect with a trainer of your own",
            ),
        ] {
            let message = parse(start, mixture).unwrap_err().to_string();
            assert!(
                message.starts_with("launch.yaml:2:") && message.contains(expected),
                "{message}"
            );
        }
    }
}
