//! Azure's store of blobs, as Azurite serves it: a swarm whose runs are evaluated by jobs of their own, what it
//! refuses, and data in it.

use std::fs;

use super::ON_SLURM;
use super::slurm_trainer::tiny_swarm;
use super::storage::Setting;
use crate::common::olmix;
use crate::common::store::Store;
use crate::common::swarm::{count, tables};

#[test]
fn swarm_in_azure_is_evaluated_by_jobs_of_their_own() {
    let Some(store) = Store::azure() else { return };
    let Some(setting) = Setting::with(store, "evaluated-apart") else {
        return;
    };
    let folder = setting.path();
    let url = setting.store.url(&setting.bucket);
    let engine = format!(
        ", storage: \"{url}/some/swarm\", scratch: \"{}\", evaluation: {{partition: {}, time: 7}}",
        folder.join("nodes").display(),
        setting.slurm.partition("high")
    );
    tiny_swarm(&setting.slurm, folder, 2, "", &engine);
    let rename = |from: &str, to: &str| {
        for entry in fs::read_dir(folder.join("swarm/launch")).unwrap().flatten() {
            let text = fs::read_to_string(entry.path()).unwrap();
            fs::write(entry.path(), text.replace(from, to)).unwrap();
        }
    };
    let refused = |key: Option<&str>| {
        let mut command = setting.olmix(ON_SLURM);
        command.envs(key.map(|key| ("AZURE_STORAGE_ACCOUNT_KEY", key)));
        let done = command.assert().code(2);
        let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert_eq!(setting.slurm.all_jobs("%j"), "", "{told}");
        told
    };
    rename(&url, "az://nowhere");
    let told = refused(None);
    assert!(
        told.contains("az://nowhere/some/swarm: ContainerNotFound")
            && told.contains("make the bucket"),
        "{told}"
    );
    rename("az://nowhere", &url);
    let told = refused(Some("b3RoZXI="));
    assert!(
        told.contains("some/swarm: Auth") && told.contains("AZURE_STORAGE_ACCOUNT_KEY"),
        "{told}"
    );
    setting.olmix(ON_SLURM).assert().success();
    assert_eq!(count(folder, "finished"), 2);
    let objects = setting.objects();
    let model = "some/swarm/run-01/model/model.safetensors".to_owned();
    assert!(objects.contains(&model), "{objects:?}");
    assert!(!folder.join("swarm/runs/run-01/model").exists());
    let jobs = setting.slurm.all_jobs("%P");
    let evaluating = setting.slurm.partition("high");
    let evaluating = jobs.lines().filter(|line| **line == evaluating).count();
    assert_eq!(evaluating, 2, "{jobs}");
    let log = fs::read_to_string(folder.join("swarm/runs/run-01/log.txt")).unwrap();
    let of = |stage: &str| log.matches(&format!(", {stage}, ")).count();
    assert_eq!((of("train"), of("evaluate")), (1, 1), "{log}");
    // As on this machine alone.
    let through = tables(folder);
    let line = "launch run --variants swarm/launch --engine local --out here";
    olmix(folder, line).assert().success();
    olmix(folder, "collect --swarm here --output here")
        .assert()
        .success();
    let read = |name: &str| fs::read_to_string(folder.join("here").join(name)).unwrap();
    assert_eq!(through, (read("ratios.csv"), read("metrics.csv")));
    // Data are counted where they are.
    let config = format!(
        "name: test\ndata:\n  dtype: uint16\n  sources:\n  - {{name: order, paths: [\"{url}/some/swarm/*/\
         sequences.bin\"]}}\n"
    );
    fs::write(folder.join("count.yaml"), config).unwrap();
    let done = setting
        .olmix("priors compute --config count.yaml --json")
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .assert()
        .success();
    let told: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    let sizes = (0..2).map(|i| {
        let path = folder.join(format!("here/run-{i:02}/sequences.bin"));
        fs::metadata(path).unwrap().len()
    });
    assert_eq!(
        told["leaves"]["order"]["tokens"],
        sizes.sum::<u64>() / 2,
        "{told}"
    );
}
