//! The conformance suite, on the engines that need nothing else.

use std::sync::Arc;
use std::time::Duration;

use olmix_io::EngineConfig;

use super::{CHECKS, FakeClock, FakeCluster, FakeEngine, FakeService, Subject, check_all};
use crate::engine::cluster::{ClusterEngine, Site};
use crate::engine::contract::Engine;
use crate::engine::local::Local;
use crate::host::clock::{Clock, SystemClock};

#[test]
fn the_local_engine_passes_the_conformance_suite() {
    let folder = tempfile::tempdir().unwrap();
    check_all(&Subject {
        open: &|| Box::new(Local::new(8)),
        clock: &*SystemClock::shared(),
        folder: folder.path(),
        patience: Duration::from_mins(1),
    });
}

/// Checks a fake engine, each check on a service of its own.
fn check_fake(open: &dyn Fn(&Arc<FakeService>) -> FakeEngine) {
    for (promise, check) in CHECKS {
        let folder = tempfile::tempdir().unwrap();
        let clock = FakeClock::shared();
        let service = FakeService::new(clock.clone());
        let open = || -> Box<dyn Engine> { Box::new(open(&service)) };
        let subject = Subject {
            open: &open,
            clock: &*clock,
            folder: folder.path(),
            patience: Duration::from_mins(2),
        };
        check(&subject);
        assert!(service.jobs().is_empty(), "{promise}: runs are left");
    }
}

#[test]
fn a_fake_engine_of_processes_passes_the_conformance_suite() {
    check_fake(&|service| FakeEngine::of_processes(service, 8));
}

#[test]
fn a_fake_engine_of_a_queue_passes_the_conformance_suite() {
    check_fake(&FakeEngine::of_queue);
}

#[test]
fn the_engine_of_clusters_passes_the_conformance_suite_on_a_fake_cluster() {
    for (_, check) in CHECKS {
        let folder = tempfile::tempdir().unwrap();
        let clock = FakeClock::shared();
        let cluster = FakeCluster::new().automatic();
        let open = || -> Box<dyn Engine> {
            let site = Site {
                swarm: "swarm".into(),
                out: folder.path().to_owned(),
                storage: None,
                workdir: folder.path().to_owned(),
                program: "olmix".into(),
                settings: EngineConfig::default(),
            };
            let clock: Arc<dyn Clock> = clock.clone();
            Box::new(ClusterEngine::new(Box::new(cluster.clone()), site, clock))
        };
        check(&Subject {
            open: &open,
            clock: &*clock,
            folder: folder.path(),
            patience: Duration::from_mins(10),
        });
    }
}
