//! Which engines there are, and how each is opened.

use olmix_io::{EngineConfig, EngineKind};

use super::cluster::Cluster;
use super::ray::Ray;
use super::slurm::Slurm;
use crate::LaunchError;

/// A cluster's engine, with what it is set up to.
///
/// # Errors
/// [`LaunchError::Refused`] when what it needs on this machine is missing.
pub fn open(settings: &EngineConfig) -> Result<Box<dyn Cluster>, LaunchError> {
    let cluster = create(settings)?;
    cluster.check()?;
    if settings.evaluation.is_some() && !cluster.supports_dependencies() {
        return Err(LaunchError::refused(
            format!(
                "{} has no jobs that begin after others, and engine.evaluation asks for that",
                settings.kind.word()
            ),
            "remove engine.evaluation: each run then measures itself at its end",
        ));
    }
    Ok(cluster)
}

/// As [`open`], to look at what would be submitted: from any machine.
///
/// # Errors
/// [`LaunchError::Refused`] for settings that name no cluster.
pub fn create(settings: &EngineConfig) -> Result<Box<dyn Cluster>, LaunchError> {
    match settings.kind {
        EngineKind::Slurm => Ok(Box::new(Slurm::new())),
        EngineKind::Ray => Ok(Box::new(Ray::at(settings)?)),
        EngineKind::Local => Err(LaunchError::refused(
            "the local engine is no cluster",
            "give --engine slurm or ray",
        )),
    }
}
