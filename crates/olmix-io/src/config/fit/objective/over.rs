//! Where the objective meets domains and tasks: names and patterns become positions.

use olmix_core::objective::{Baseline, Compare, Guardrail, LossGroup, Minimize, Objective};
use olmix_core::{Mixture, Task};

use super::{BaselineConfig, Minimized, Named, ObjectiveConfig};
use crate::config::fit::matches;
use crate::error::IoError;
use crate::messages::{did_you_mean, excerpt, listed};

impl ObjectiveConfig {
    /// The objective over the tasks and the domains of `prior`; `file` names the config in messages.
    pub(crate) fn over(
        &self,
        file: &str,
        prior: &Mixture,
        tasks: &[Task],
    ) -> Result<Objective, IoError> {
        let families = families(tasks);
        let single = |(i, task): (usize, &Task)| LossGroup {
            name: task.name.clone(),
            tasks: vec![i],
        };
        let singles: Vec<LossGroup> = tasks.iter().enumerate().map(single).collect();
        let mut objective = Objective::default();
        for guardrail in &self.guardrails {
            let groups = if guardrail.tasks.is_empty() {
                chosen(file, &guardrail.families, &families, "family")?
            } else {
                chosen(file, &guardrail.tasks, &singles, "task")?
            };
            let baseline = baseline(file, guardrail.baseline.as_ref(), prior)?;
            objective
                .guardrails
                .extend(groups.into_iter().map(|group| Guardrail {
                    group,
                    max_increase: guardrail.max_increase,
                    baseline: baseline.clone(),
                    penalty: guardrail.penalty,
                }));
        }
        let groups = match self.minimize {
            Minimized::Average => return Ok(objective),
            Minimized::WorstFamily => families,
            Minimized::WorstTask => singles,
        };
        objective.minimize = Minimize::Largest {
            groups,
            compare: self.compare.unwrap_or(Compare::Ratio),
            baseline: baseline(file, self.baseline.as_ref(), prior)?,
        };
        Ok(objective)
    }
}

/// The family of each name, or else the task.
///
/// # Errors
/// For a name that is neither, and one that is there twice: what is wrong, and what helps.
pub(crate) fn loss_groups(
    names: &[String],
    tasks: &[Task],
) -> Result<Vec<LossGroup>, (String, String)> {
    let mut known = families(tasks);
    let apart = |task: &&Task| known.iter().all(|family| family.name != task.name);
    let single = |task: &Task| LossGroup {
        name: task.name.clone(),
        tasks: tasks
            .iter()
            .position(|one| one == task)
            .into_iter()
            .collect(),
    };
    let singles: Vec<LossGroup> = tasks.iter().filter(apart).map(single).collect();
    let families = known.len();
    known.extend(singles);
    let mut found: Vec<LossGroup> = Vec::new();
    for name in names {
        if found.iter().any(|one| one.name == *name) {
            let text = format!("`{}` is given twice", excerpt(name));
            return Err((text, "name each family or task once".into()));
        }
        let Some(group) = known.iter().find(|one| one.name == *name) else {
            let all = || known.iter().map(|one| one.name.as_str());
            return Err((
                format!("no family and no task is `{}`", excerpt(name)),
                did_you_mean(name, all(), || {
                    format!("the families are {}", listed(all().take(families), 8))
                }),
            ));
        };
        found.push(group.clone());
    }
    Ok(found)
}

/// The families in the order of their first tasks.
fn families(tasks: &[Task]) -> Vec<LossGroup> {
    let mut families: Vec<LossGroup> = Vec::new();
    for (i, task) in tasks.iter().enumerate() {
        match families
            .iter_mut()
            .find(|family| family.name == task.family)
        {
            Some(family) => family.tasks.push(i),
            None => families.push(LossGroup {
                name: task.family.clone(),
                tasks: vec![i],
            }),
        }
    }
    families
}

/// Those that a pattern describes, in their order; all where there is no pattern.
fn chosen(
    file: &str,
    patterns: &[Named<()>],
    groups: &[LossGroup],
    noun: &str,
) -> Result<Vec<LossGroup>, IoError> {
    let names = || groups.iter().map(|group| group.name.as_str());
    for pattern in patterns {
        if !names().any(|name| matches(&pattern.name, name)) {
            return Err(IoError::input(
                file,
                pattern.location.clone(),
                format!(
                    "objective.guardrails: no {noun} is `{}`",
                    excerpt(&pattern.name)
                ),
                did_you_mean(&pattern.name, names(), || {
                    let plural = if noun == "family" {
                        "families"
                    } else {
                        "tasks"
                    };
                    format!("the {plural} are {}", listed(names(), 8))
                }),
            ));
        }
    }
    let is_chosen = |group: &&LossGroup| {
        patterns.is_empty() || patterns.iter().any(|one| matches(&one.name, &group.name))
    };
    Ok(groups.iter().filter(is_chosen).cloned().collect())
}

/// The mixture over the domains; those that it does not name have the weight 0.
fn baseline(
    file: &str,
    config: Option<&BaselineConfig>,
    prior: &Mixture,
) -> Result<Baseline, IoError> {
    let Some(config) = config else {
        return Ok(Baseline::prior());
    };
    let domains = prior.domains();
    let mut weights = vec![0.0; domains.len()];
    for one in config.weights.iter().filter(|one| one.value > 0.0) {
        let Some(j) = domains.position(&one.name) else {
            let name = excerpt(&one.name);
            return Err(IoError::input(
                file,
                one.location.clone(),
                format!(
                    "{} has weight on `{name}`, which is no domain of the swarm",
                    config.name
                ),
                did_you_mean(&one.name, domains.names(), || {
                    format!("the domains are {}", listed(domains.names(), 8))
                }),
            ));
        };
        weights[j] += one.value;
    }
    let mixture = Mixture::proportional_to(domains.clone(), weights);
    Ok(Baseline {
        name: config.name.clone(),
        mixture: Some(mixture.map_err(|error| IoError::core(file, error))?),
    })
}
