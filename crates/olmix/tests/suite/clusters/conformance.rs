//! The conformance suite of engines, on real clusters.

use std::path::Path;
use std::time::Duration;

use crate::common::ray::Ray;
use crate::common::slurm::Slurm;
use olmix_io::{EngineConfig, EngineKind};
use olmix_launch::cluster::{ClusterEngine, Site};
use olmix_launch::testing::{Subject, check_all};
use olmix_launch::{Engine, SystemClock, registry};

/// Names the folder, and the partition after it, to the process that checks Slurm.
const FOLDER: &str = "OLMIX_TEST_CONFORMANCE";
const PARTITION: &str = "OLMIX_TEST_PARTITION";

/// Runs every check of the suite with the engine of these settings; `folder` is one that its nodes see.
fn check(settings: &EngineConfig, folder: &Path) {
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
        patience: Duration::from_mins(10),
    });
}

/// Not a test by itself: the process of the next one, which has the cluster in its environment.
#[test]
fn process_of_the_conformance_suite_on_slurm() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let settings = EngineConfig {
        kind: EngineKind::Slurm,
        time: Some("10".into()),
        partition: std::env::var(PARTITION).ok(),
        ..Default::default()
    };
    check(&settings, Path::new(&folder));
}

#[test]
fn slurm_passes_the_conformance_suite_of_engines() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let name = "clusters::conformance::process_of_the_conformance_suite_on_slurm";
    let done = slurm
        .command(this.to_str().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER, folder.path())
        .env(PARTITION, slurm.partition("low"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
    assert!(told.contains("conformance: "), "the checks ran: {told}");
}

#[test]
fn ray_passes_the_conformance_suite_of_engines() {
    let Some(ray) = Ray::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let settings = EngineConfig {
        kind: EngineKind::Ray,
        address: Some(ray.address()),
        cpus: Some(1),
        ..Default::default()
    };
    check(&settings, folder.path());
}
