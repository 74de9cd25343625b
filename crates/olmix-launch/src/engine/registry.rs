//! Which engines there are, and how each is opened.
//!
//! The list itself is `for_each_engine!` of `olmix-io`, where configs are read: a line for each engine, which
//! names the module here that has it.

use olmix_io::EngineConfig;

use super::cluster::Cluster;
use super::entry::EngineEntry;
use super::{local, ray, slurm};
use crate::LaunchError;

/// Makes the registry of a list of engines: a function from names to entries.
macro_rules! registry {
    ($( #[doc = $summary:literal] $kind:ident = $name:literal => $module:ident; )+) => {
        /// How the engine of a name is opened; `None` where no engine has it.
        #[must_use]
        pub fn entry(name: &str) -> Option<EngineEntry> {
            match name {
                $( $name => Some($module::ENGINE), )+
                _ => None,
            }
        }
    };
}

olmix_io::for_each_engine!(registry);

/// Whether the engine of these settings is a cluster: its runs go on without a launcher.
#[must_use]
pub fn is_cluster(settings: &EngineConfig) -> bool {
    matches!(entry(settings.kind.word()), Some(EngineEntry::Cluster(_)))
}

/// The cluster of an engine's settings, with what it needs on this machine checked.
///
/// # Errors
/// [`LaunchError::Refused`] when something is missing, when it can't do what the settings ask for, and for
/// settings that name no cluster.
pub fn open_cluster(settings: &EngineConfig) -> Result<Box<dyn Cluster>, LaunchError> {
    let cluster = cluster_to_preview(settings)?;
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

/// As [`open_cluster`], to look at what would be submitted: from any machine.
///
/// # Errors
/// [`LaunchError::Refused`] for settings that name no cluster.
pub fn cluster_to_preview(settings: &EngineConfig) -> Result<Box<dyn Cluster>, LaunchError> {
    match entry(settings.kind.word()) {
        Some(EngineEntry::Cluster(open)) => open(settings),
        _ => Err(LaunchError::refused(
            format!("the engine {} is not a cluster", settings.kind.word()),
            "give --engine slurm or ray",
        )),
    }
}

#[cfg(test)]
mod tests {
    use olmix_io::EngineKind;

    use super::*;

    #[test]
    fn every_engine_that_a_config_may_name_is_registered_with_a_summary() {
        for kind in EngineKind::ALL {
            assert!(entry(kind.word()).is_some(), "{}", kind.word());
            assert!(kind.summary().len() > 20, "{}", kind.word());
        }
        assert!(entry("nomad").is_none());
    }

    /// An engine is added by its file and its line: here to the list of all.
    mod with_one_more {
        use super::super::EngineEntry;
        use crate::engine::{fake, local, ray, slurm};

        olmix_io::for_each_engine!(registry; #[doc = "Runs that do what a test says."] Fake = "fake" => fake;);
    }

    #[test]
    fn an_engine_is_added_by_a_file_and_a_line_of_the_registry() {
        use crate::protocol::Outcome;
        use crate::testing::MemoryRecorder;

        let Some(EngineEntry::Processes(open)) = with_one_more::entry("fake") else {
            unreachable!("the line registers it");
        };
        assert!(entry("fake").is_none(), "users do not have it");
        let mut engine = open(3);
        assert_eq!((engine.name(), engine.capacity()), ("fake", 3));
        let folder = tempfile::tempdir().unwrap();
        let job = crate::testing::shell_job(folder.path(), 1, "exit 3");
        engine.start(job);
        let mut recorder = MemoryRecorder::default();
        let mut ended = Vec::new();
        while ended.is_empty() {
            ended = engine.poll(&mut recorder).unwrap();
        }
        assert!(matches!(ended[0].outcome, Outcome::Failed { .. }));
        for kind in EngineKind::ALL {
            assert!(with_one_more::entry(kind.word()).is_some());
        }
    }
}
