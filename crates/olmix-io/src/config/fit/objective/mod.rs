//! `objective`: what is minimized with the KL term, and guardrails of families and tasks.

mod over;

pub(crate) use over::loss_groups;

use std::path::Path;

use olmix_core::objective::Compare;
use olmix_core::optimize::OptimizerNeeds;
use serde::Serialize;

use super::as_written::list;
use super::tables::find_file;
use super::{Named, ProposerConfig, named, names};
use crate::artifact::domain_weights::DomainWeights;
use crate::config::yaml::{Section, Value};
use crate::error::{IoError, Location};

/// The losses that are minimized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Minimized {
    /// The weighted average of all tasks.
    #[default]
    Average,
    /// The largest of the families' losses, each compared with the baseline.
    WorstFamily,
    /// The same of the tasks.
    WorstTask,
}

/// Weights of domains that losses are compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct BaselineConfig {
    /// Domains and their weights, not negative and of any scale.
    #[serde(serialize_with = "super::as_written::map")]
    pub weights: Vec<Named<f64>>,
    /// What messages call them: the file, as written.
    #[serde(skip)]
    pub name: String,
    /// Where the config names them.
    #[serde(skip)]
    pub location: Location,
}

/// A bound on losses of families or tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GuardrailConfig {
    /// Names of families, in which `*` stands for any characters.
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<Named<()>>,
    /// Names of tasks, in the same way.
    #[serde(serialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Named<()>>,
    /// The increase allowed, as a share of the loss at the baseline; above −1.
    pub max_increase: f64,
    /// What losses are compared with; the prior where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineConfig>,
    /// What a unit of loss above the bound adds to the objective, above 0; without it the bound holds.
    pub penalty: Option<f64>,
}

/// The section `objective`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectiveConfig {
    /// The losses that are minimized.
    pub minimize: Minimized,
    /// How the losses of families or tasks are compared with the baseline; `None` for the average.
    #[serde(serialize_with = "compare", skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compare>,
    /// What they are compared with; the prior where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineConfig>,
    /// Bounds on losses.
    pub guardrails: Vec<GuardrailConfig>,
    /// Where the section is.
    #[serde(skip)]
    pub location: Location,
}

const COMPARE: [(&str, Compare); 2] = [
    ("ratio", Compare::Ratio),
    ("difference", Compare::Difference),
];

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref)] // serde hands over a reference to the field
fn compare<S: serde::Serializer>(
    compare: &Option<Compare>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let found = COMPARE.iter().find(|(_, one)| Some(*one) == *compare);
    serializer.serialize_str(found.map_or("", |(name, _)| name))
}

impl ObjectiveConfig {
    /// Whether it is the average loss alone.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.minimize == Minimized::Average && self.guardrails.is_empty()
    }

    /// Reads the section; mixtures are looked for in `folder` first.
    pub(super) fn read(mut section: Section<'_>, folder: &Path) -> Result<Self, IoError> {
        let location = section.location();
        let minimize = section.optional("minimize");
        let compare = section.optional("compare");
        let baseline = section.optional("baseline");
        let guardrails = section.optional("guardrails");
        section.finish()?;
        let choices = [
            ("average", Minimized::Average),
            ("worst_family", Minimized::WorstFamily),
            ("worst_task", Minimized::WorstTask),
        ];
        let minimize = minimize.map_or(Ok(Minimized::Average), |value| value.choice(&choices))?;
        for value in [&compare, &baseline].into_iter().flatten() {
            if minimize == Minimized::Average {
                return Err(value.error(
                    format!("`{}` is given, but the average loss is minimized", value.path()),
                    "set objective.minimize to `worst_family` or `worst_task`, or remove it; a guardrail has a \
                     `baseline` of its own",
                ));
            }
        }
        let guardrails = guardrails.map_or(Ok(Vec::new()), |value| value.items())?;
        let guardrails = guardrails.iter().map(|one| guardrail(one, folder));
        Ok(Self {
            minimize,
            compare: match (minimize, compare) {
                (Minimized::Average, _) => None,
                (_, None) => Some(Compare::Ratio),
                (_, Some(value)) => Some(value.choice(&COMPARE)?),
            },
            baseline: read_baseline(baseline.as_ref(), folder)?,
            guardrails: guardrails.collect::<Result<_, _>>()?,
            location,
        })
    }

    /// Refuses an objective that the optimizer would not honour.
    pub(super) fn check(&self, file: &str, proposer: &ProposerConfig) -> Result<(), IoError> {
        let exact = proposer.kind.needs() == OptimizerNeeds::ConvexLaws;
        if self.is_plain() || (exact && !proposer.make_worst_mix) {
            return Ok(());
        }
        let found = if proposer.make_worst_mix {
            "`proposer.make_worst_mix` is set".to_owned()
        } else {
            format!("proposer.type is `{}`", proposer.kind.name())
        };
        Err(IoError::input(
            file,
            self.location.clone(),
            format!(
                "`objective` needs the proposer `exact`, looking for the best mixture, but {found}"
            ),
            "set proposer.type to `exact` (with a convex law) and make_worst_mix to false, or remove `objective`",
        ))
    }
}

fn guardrail(value: &Value<'_>, folder: &Path) -> Result<GuardrailConfig, IoError> {
    let mut section = value.section()?;
    let families = section.optional("families");
    let tasks = section.optional("tasks");
    let max_increase = section.required("max_increase")?;
    let baseline = section.optional("baseline");
    let penalty = section.optional("penalty");
    section.finish()?;
    if let (Some(_), Some(tasks)) = (&families, &tasks) {
        return Err(tasks.error(
            format!("`{}` has both `families` and `tasks`", value.path()),
            "make two guardrails of it",
        ));
    }
    let listed = |value: Option<&Value<'_>>| -> Result<Vec<Named<()>>, IoError> {
        let Some(value) = value else {
            return Ok(Vec::new());
        };
        let names = names(value)?;
        if names.is_empty() {
            return Err(value.must_be("a list of at least one name or pattern"));
        }
        Ok(names)
    };
    let what = "a number above -1, such as 0.01 for 1 %";
    Ok(GuardrailConfig {
        families: listed(families.as_ref())?,
        tasks: listed(tasks.as_ref())?,
        max_increase: max_increase.number_that(what, |most| most > -1.0)?,
        baseline: read_baseline(baseline.as_ref(), folder)?,
        penalty: penalty
            .map(|value| value.number_that("a number above 0", |penalty| penalty > 0.0))
            .transpose()?,
    })
}

/// `prior`, a file with weights of domains, or the weights themselves.
fn read_baseline(
    value: Option<&Value<'_>>,
    folder: &Path,
) -> Result<Option<BaselineConfig>, IoError> {
    let Some(value) = value else { return Ok(None) };
    let location = value.location();
    let Ok(written) = value.text() else {
        let share = |one: &Value<'_>| {
            one.number_that("a number that is not negative", |share| share >= 0.0)
        };
        let weights = named(value, share)?;
        if weights.iter().all(|one| one.value <= 0.0) {
            return Err(value.must_be("`prior`, a file with a mixture, or weights of domains"));
        }
        let name = "the baseline".to_owned();
        return Ok(Some(BaselineConfig {
            weights,
            name,
            location,
        }));
    };
    if written == "prior" {
        return Ok(None);
    }
    // A run of a table is named behind a `#`.
    let found = match written.rsplit_once('#') {
        Some((file, run)) if !folder.join(written).exists() => {
            let beside = folder.join(file);
            let file = if beside.exists() { beside } else { file.into() };
            let mut name = file.into_os_string();
            name.push("#");
            name.push(run);
            name.into()
        }
        _ => find_file(value, folder)?,
    };
    let weights = DomainWeights::read(&found)?.weights;
    let entry = |(name, value): (String, f64)| Named {
        name,
        value,
        location: location.clone(),
    };
    Ok(Some(BaselineConfig {
        weights: weights.into_iter().map(entry).collect(),
        name: written.to_owned(),
        location: location.clone(),
    }))
}
