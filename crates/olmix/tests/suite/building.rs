//! A dependency has the same features whatever is built: otherwise Cargo compiles it, and all that use it,
//! once more for each crate that is tested alone, for the command and for the Python extension.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Features of each dependency, as Cargo resolves them for what is selected. A dependency of programs and of
/// macros may have two sets.
fn features(selected: &[&str], edges: &str) -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "--prefix", "none"])
        .args(["--format", "{p}|{f}", "--edges", edges])
        .args(selected)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "{said}");
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for line in String::from_utf8(tree.stdout).unwrap().lines() {
        let (package, features) = line.split_once('|').unwrap_or((line, ""));
        let features = features.trim_end_matches("(*)").trim();
        let sets = found.entry(package.to_owned()).or_default();
        sets.insert(features.to_owned());
    }
    found
}

#[test]
fn dependencies_have_the_same_features_whatever_is_built() {
    let all = features(&["--workspace"], "normal,build,dev");
    let members = all
        .keys()
        .filter_map(|package| package.split_whitespace().next());
    let members: Vec<&str> = members.filter(|name| name.starts_with("olmix")).collect();
    assert!(members.contains(&"olmix-python"), "{members:?}");
    let tested = members.iter().map(|name| (*name, "normal,build,dev"));
    let installed = ["olmix", "olmix-python"].map(|name| (name, "normal,build"));
    let mut missing = Vec::new();
    for (name, edges) in tested.chain(installed) {
        for (package, sets) in features(&["--package", name], edges) {
            let known = &all[&package];
            for set in sets.difference(known) {
                missing.push(format!(
                    "{package} of {name} has {set:?}, elsewhere {known:?}"
                ));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "Cargo.toml of olmix-features, or of the first crate with the dependency, lacks features:\n{}",
        missing.join("\n")
    );
}
