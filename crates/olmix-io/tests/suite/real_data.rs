//! The published swarms load as they are.

use std::collections::HashMap;
use std::fs;

use crate::common::real_data;
use olmix_io::load_fit;
use olmix_io::tables::Table;

#[test]
fn the_published_swarms_load_with_their_counts() {
    for (name, runs, domains, tasks) in [
        ("dclm", 127, 24, 52),
        ("full_recomputation", 512, 64, 52),
        ("update5", 64, 22, 52),
    ] {
        let Some(folder) = real_data(name) else {
            return;
        };
        let loaded = load_fit(&folder.join("fit.yaml")).unwrap_or_else(|error| panic!("{error}"));
        let swarm = &loaded.swarm;
        assert_eq!(
            (swarm.len(), swarm.domains().len(), swarm.tasks().len()),
            (runs, domains, tasks),
            "{name}"
        );
        let tasks = swarm.tasks();
        assert_eq!(tasks[tasks.len() - 1].name, "mmlu_humanities");
        let families: HashMap<&str, usize> =
            tasks.iter().fold(HashMap::new(), |mut families, task| {
                *families.entry(task.family.as_str()).or_default() += 1;
                families
            });
        assert_eq!(families.get("other"), None, "{name}");
        assert_eq!(families[&"math"], 7);
        assert_eq!(families[&"code"], 19);
        // Two of the metrics it drops are not in the file.
        assert_eq!(loaded.notices.len(), 1, "{:?}", loaded.notices);
        assert!(loaded.notices[0].contains("`ultrachat_masked_ppl`, `wildchat_masked_ppl`"));
        loaded.check_constraints().unwrap();
        let row: f64 = swarm.mixtures().row(0).iter().sum();
        assert!((row - 1.0).abs() < 0.01);
        assert!(swarm.losses().row(0).iter().all(|loss| *loss > 0.0));
    }
}

#[test]
fn mmlu_groups_weigh_subjects_as_the_reference_does() {
    let Some(path) = real_data("mmlu_groups.json") else {
        return;
    };
    let Some(folder) = real_data("dclm") else {
        return;
    };
    let groups: HashMap<String, HashMap<String, f64>> =
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(groups.len(), 4);
    let table = Table::read(&folder.join("metrics.csv"), "metrics").unwrap();
    let columns = table.columns();
    let loaded = load_fit(&folder.join("fit.yaml")).unwrap();
    let task_of = |name: &str| {
        let tasks = loaded.swarm.tasks();
        tasks.iter().position(|task| task.name == name).unwrap()
    };
    let row_of: HashMap<&str, usize> = table.ids().zip(0..).collect();
    for (group, weights) in &groups {
        for (i, run) in loaded.swarm.runs().iter().enumerate() {
            let row = row_of[run.as_str()];
            let value = |subject: &String| {
                let column = columns.iter().position(|column| column == subject).unwrap();
                match table.cell(row, column) {
                    olmix_io::tables::Cell::Number(number) => number,
                    other => panic!("{other:?}"),
                }
            };
            let expected: f64 = weights.iter().map(|(subject, w)| w * value(subject)).sum();
            let found = loaded.swarm.losses().get(i, task_of(group));
            assert!((found - expected).abs() <= 1e-14 * expected, "{group}");
        }
    }
}

#[test]
fn the_same_files_give_the_same_hash_and_others_another() {
    let Some(folder) = real_data("update5") else {
        return;
    };
    let copy = tempfile::tempdir().unwrap();
    let location = |name: &str| copy.path().join(name);
    for name in ["fit.yaml", "ratios.csv", "metrics.csv"] {
        fs::copy(folder.join(name), location(name)).unwrap();
    }
    let hash = |path: &std::path::Path| load_fit(path).unwrap().config_hash();
    let first = hash(&folder.join("fit.yaml"));
    assert_eq!(first.len(), 16);
    assert_eq!(first, hash(&location("fit.yaml")));
    let text = fs::read_to_string(folder.join("fit.yaml")).unwrap();
    fs::remove_file(location("fit.yaml")).unwrap();
    fs::write(location("fit.yaml"), format!("# a comment\n{text}")).unwrap();
    assert_eq!(first, hash(&location("fit.yaml")));
    fs::write(location("fit.yaml"), text.replace("seed: 0", "seed: 1")).unwrap();
    assert_ne!(first, hash(&location("fit.yaml")));
}
