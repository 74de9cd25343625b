//! Earlier swarms over the domains of today.

use std::collections::BTreeSet;

use olmix_core::LawKind;
use olmix_core::law::LawSettings;
use olmix_core::reuse::{MOST_OLD_SWARMS, Origin, VirtualDomain};
use olmix_io::tables::carry_ratios;
use olmix_ledger::{Record, RecordId, RecordKind};

use super::context::PlanningContext;
use crate::content::SwarmContent;
use crate::{Project, ProjectError, ReusableSwarm};

/// Whether the law that a project names lets runs have weights in the fit; `auto` chooses among those that do.
pub(super) fn takes_run_weights(law: LawKind) -> bool {
    let options = law.options(&LawSettings::default());
    law == LawKind::Auto || options.is_some_and(|options| options.takes_run_weights())
}

impl Project {
    /// The newest measured swarms behind a mixture, oldest first, with their ratios over the domains of today. A swarm
    /// whose files or whose version are not known is left out.
    pub(crate) fn reusable_swarms(
        &self,
        context: &PlanningContext,
        base: &Record,
    ) -> Result<Vec<ReusableSwarm>, ProjectError> {
        // Newest first: a record is made of older ones.
        let mut open: BTreeSet<i64> = BTreeSet::from([base.id.0]);
        let mut swarms: Vec<Record> = Vec::new();
        while let Some(id) = open.pop_last().filter(|_| swarms.len() < MOST_OLD_SWARMS) {
            let Some(record) = self.ledger.record_by_id(RecordId(id))? else {
                continue;
            };
            open.extend(record.parents.iter().map(|parent| parent.0));
            if record.kind == RecordKind::Swarm
                && record.files.iter().any(|file| file.name == "ratios.csv")
            {
                swarms.push(record);
            }
        }
        swarms.reverse();
        let mut reusable = Vec::new();
        for swarm in &swarms {
            if let SwarmContent::Measured { .. } = self.content(swarm)? {
                reusable.extend(self.over_todays_domains(context, swarm)?);
            }
        }
        Ok(reusable)
    }

    /// A measured swarm over the domains of today.
    fn over_todays_domains(
        &self,
        context: &PlanningContext,
        swarm: &Record,
    ) -> Result<Option<ReusableSwarm>, ProjectError> {
        let file = |name: &str| -> Result<Option<Vec<u8>>, ProjectError> {
            match swarm.files.iter().find(|file| file.name == name) {
                Some(recorded) => Ok(self.ledger.file(&recorded.sha256)?),
                None => Ok(None),
            }
        };
        let (Some(ratios), Some(metrics)) = (file("ratios.csv")?, file("metrics.csv")?) else {
            return Ok(None);
        };
        let (mut version, mut virtuals): (_, Vec<VirtualDomain>) = (None, Vec::new());
        for id in &swarm.parents {
            match self.ledger.record_by_id(*id)? {
                Some(parent) if parent.kind == RecordKind::Domains => version = Some(parent),
                Some(parent) if parent.kind == RecordKind::Swarm => {
                    if let SwarmContent::Planned(planned) = self.content(&parent)? {
                        virtuals = planned.virtuals;
                    }
                }
                _ => {}
            }
        }
        let Some(version) = version else {
            return Ok(None);
        };
        let mut lineage = self.lineage(&version, &context.version)?;
        let unstated = lineage.origins.iter().zip(&lineage.changed);
        let unstated = unstated.zip(lineage.new.names());
        let unstated: Vec<String> = unstated
            .filter(|((origin, changed), _)| {
                matches!(origin, Origin::Revised(_)) && changed.is_none()
            })
            .map(|(_, name)| name.to_owned())
            .collect();
        if !takes_run_weights(self.config.law) {
            lineage.changed.fill(None);
        }
        let name = format!("ratios.csv of {}", swarm.name());
        let found = carry_ratios(&name, ratios, &virtuals, &lineage, &context.prior)?;
        Ok(Some(ReusableSwarm {
            swarm: swarm.name(),
            runs: found.runs,
            lost: found.lost.len(),
            changed: lineage
                .changed
                .iter()
                .zip(lineage.new.names())
                .filter_map(|(changed, name)| Some((name.to_owned(), (*changed)?)))
                .filter(|_| !found.weights.is_empty())
                .collect(),
            weights: found.weights,
            unstated,
            mixtures: found.mixtures,
            files: (found.csv, metrics),
        }))
    }
}
