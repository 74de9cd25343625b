//! Earlier swarms, told over the domains of today.

use std::collections::BTreeSet;

use olmix_io::carry_ratios;
use olmix_ledger::{Record, RecordId, RecordKind};

use crate::content::SwarmContent;
use crate::ground::Ground;
use crate::{Carried, Project, ProjectError};

/// Swarms behind a mixture that are fitted again, the newest: each has a level of its own to be determined.
const MOST_EARLIER: usize = 16;

impl Project {
    /// Earlier swarms behind the mixture, told over the domains of today; those that can't be told are left out.
    pub(crate) fn carried(
        &self,
        ground: &Ground,
        base: &Record,
    ) -> Result<Vec<Carried>, ProjectError> {
        // Newest first: a record is made of older ones.
        let mut open: BTreeSet<i64> = BTreeSet::from([base.id.0]);
        let mut swarms: Vec<Record> = Vec::new();
        while let Some(id) = open.pop_last().filter(|_| swarms.len() < MOST_EARLIER) {
            let id = RecordId(id);
            let Some(record) = self.ledger.record_by_id(id)? else {
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
        let mut carried = Vec::new();
        for swarm in &swarms {
            if let SwarmContent::Measured { .. } = self.content(swarm)? {
                carried.extend(self.carry(ground, swarm)?);
            }
        }
        Ok(carried)
    }

    fn carry(&self, ground: &Ground, swarm: &Record) -> Result<Option<Carried>, ProjectError> {
        let file = |name: &str| -> Result<Option<Vec<u8>>, ProjectError> {
            match swarm.files.iter().find(|file| file.name == name) {
                Some(kept) => Ok(self.ledger.file(&kept.sha256)?),
                None => Ok(None),
            }
        };
        let (Some(ratios), Some(metrics)) = (file("ratios.csv")?, file("metrics.csv")?) else {
            return Ok(None);
        };
        let (mut version, mut virtuals) = (None, Vec::new());
        for id in &swarm.parents {
            match self.ledger.record_by_id(*id)? {
                Some(parent) if parent.kind == RecordKind::Domains => version = Some(parent),
                Some(parent) if parent.kind == RecordKind::Swarm => {
                    if let SwarmContent::Planned(planned) = self.content(&parent)? {
                        virtuals = planned
                            .virtuals
                            .iter()
                            .map(crate::Frozen::to_virtual)
                            .collect();
                    }
                }
                _ => {}
            }
        }
        let Some(version) = version else {
            return Ok(None);
        };
        let lineage = self.lineage(&version, &ground.version)?;
        let name = format!("ratios.csv of {}", swarm.name());
        let found = carry_ratios(&name, ratios, &virtuals, &lineage, &ground.prior)?;
        Ok(Some(Carried {
            swarm: swarm.name(),
            runs: found.runs,
            lost: found.lost.len(),
            files: (found.csv, metrics),
        }))
    }
}
