//! The conformance suite of engines, on a real cluster.
#![allow(dead_code)] // each test file uses a part
#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::time::Duration;

use olmix_io::EngineConfig;
use olmix_launch::cluster::{ClusterEngine, Site};
use olmix_launch::testing::{Subject, check_all};
use olmix_launch::{Engine, SystemClock, registry};

/// Runs every check of the suite with the engine of these settings; `folder` is one that its nodes see.
pub fn check(settings: &EngineConfig, folder: &Path) {
    let clock = SystemClock::shared();
    let open = || -> Box<dyn Engine> {
        let cluster = registry::open_cluster(settings).unwrap();
        let site = Site {
            swarm: "conformance".into(),
            out: folder.to_owned(),
            storage: None,
            workdir: folder.to_owned(),
            program: env!("CARGO_BIN_EXE_olmix").into(),
            settings: settings.clone(),
        };
        Box::new(ClusterEngine::new(cluster, site, SystemClock::shared()))
    };
    check_all(&Subject {
        open: &open,
        clock: &*clock,
        folder,
        patience: Duration::from_mins(3),
    });
}
