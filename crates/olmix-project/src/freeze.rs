//! What keeps its ratios in a plan, and how much of a mixture that can be.

use std::collections::HashSet;

use olmix_core::Mixture;
use olmix_core::reuse::{Collapse, Origin, VirtualDomain};

use crate::ground::Ground;
use crate::{Free, PlanOptions, Project, ProjectError};

impl Project {
    /// Everything that is not free at its old ratios: in the groups asked for, and the rest as `existing`.
    pub(crate) fn virtuals(
        &self,
        ground: &Ground,
        options: &PlanOptions,
        mixture: &Mixture,
        free: &[Free],
    ) -> Result<Vec<VirtualDomain>, ProjectError> {
        let free: HashSet<&str> = free.iter().map(|free| free.domain.as_str()).collect();
        let frozen = |j: usize| {
            let kept = matches!(ground.lineage.origins[j], Origin::Kept(_));
            kept && !free.contains(ground.set.name(j))
        };
        let mut left: Vec<usize> = (0..ground.set.len()).filter(|&j| frozen(j)).collect();
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        for (name, pattern) in &options.groups {
            let inside = self.matching(ground, "--freeze", pattern)?;
            let members: Vec<usize> = left
                .iter()
                .copied()
                .filter(|j| inside.contains(j))
                .collect();
            if members.is_empty() {
                return Err(ProjectError::refused(
                    &self.config.path,
                    format!(
                        "--freeze {name}={pattern}: all of these are free or in another virtual domain"
                    ),
                    "freeze domains that the update left alone, each once",
                ));
            }
            left.retain(|j| !members.contains(j));
            groups.push((name.clone(), members));
        }
        if !left.is_empty() {
            let mut name = ground.free_name();
            while groups.iter().any(|(other, _)| *other == name) {
                name.push('_');
            }
            groups.insert(0, (name, left));
        }
        if groups.is_empty() {
            return Err(ProjectError::refused(
                &self.config.path,
                "every domain is free: no ratio is left to reuse",
                "free fewer, or use --method swarm-reuse or recompute",
            ));
        }
        let freeze = |(name, members): &(String, Vec<usize>)| {
            let names: Vec<&str> = members.iter().map(|&j| ground.set.name(j)).collect();
            VirtualDomain::frozen(name, &names, mixture).map_err(|error| {
                let base = ground.base.as_ref().map_or_else(String::new, |(record, _)| record.name());
                ProjectError::core(
                    &self.config.path,
                    &error,
                    format!("{base} has to have these domains, and a weight for some of them; use --method swarm-reuse or recompute"),
                )
            })
        };
        groups.iter().map(freeze).collect()
    }

    /// The greatest weight of each virtual domain.
    pub(crate) fn caps(
        &self,
        ground: &Ground,
        virtuals: &[VirtualDomain],
    ) -> Result<Vec<Option<f64>>, ProjectError> {
        let told = |error: &olmix_core::CoreError| {
            ProjectError::core(
                &self.config.path,
                error,
                "free the domain that is named with --free, remove it (`olmix update remove`), or plan with --method swarm-reuse or recompute",
            )
        };
        let collapse = Collapse::new(&ground.set, virtuals).map_err(|error| told(&error))?;
        let constraints = collapse
            .constraints(&ground.constraints)
            .map_err(|error| told(&error))?;
        Ok((0..virtuals.len())
            .map(|v| constraints.caps.as_ref().map(|caps| caps[v].min(1.0)))
            .collect())
    }
}
