//! The pages of the documentation against the program: every key and field is listed, every example is
//! accepted.
//!
//! Over 400 lines: one test a page, which share the reading of tables.

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::{newcomer, runs_of_three_sizes};
use assert_cmd::Command;
use olmix_io::project::read_changes;
use olmix_io::yaml::recorded_keys;
use olmix_io::{FitConfig, GenerationConfig, IoError, LaunchConfig, ProjectConfig};

/// A file of the repository.
fn page(path: &str) -> String {
    std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(path),
    )
    .unwrap()
}

/// Fenced blocks of a page in one language.
fn blocks_of(page: &str, language: &str) -> Vec<String> {
    let mut parts = page.split("```");
    let mut found = Vec::new();
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        if let Some(body) = block.strip_prefix(&format!("{language}\n")) {
            found.push(body.to_owned());
        }
    }
    found
}

/// The names in the first column of the tables that are headed by `column`, each with the section that the
/// heading above it names: below "## `swarm`", `seed` is `swarm.seed`.
fn documented(page: &str, column: &str) -> BTreeSet<String> {
    let (mut section, mut listed, mut fenced) = (String::new(), false, false);
    let mut found = BTreeSet::new();
    for line in page.lines() {
        fenced ^= line.starts_with("```");
        if fenced {
            continue;
        }
        if line.starts_with('#') {
            let heading = line.trim_start_matches('#').trim();
            let name = heading
                .strip_prefix('`')
                .and_then(|heading| heading.strip_suffix('`'));
            section = name.map_or_else(String::new, |name| format!("{name}."));
        }
        if !line.starts_with('|') {
            listed = false;
            continue;
        }
        let first = line.split('|').nth(1).unwrap_or_default().trim();
        if first == column {
            listed = true;
        } else if listed {
            let names = first.split('`').skip(1).step_by(2);
            found.extend(names.map(|name| format!("{section}{name}")));
        }
    }
    found
}

/// Keys that a parser accepts, from a config that it reads.
fn accepted<T>(parse: impl FnOnce() -> Result<T, IoError>) -> BTreeSet<String> {
    let (parsed, keys) = recorded_keys(parse);
    if let Err(error) = parsed {
        panic!("{error}");
    }
    keys
}

/// Compares the tables of a page with the keys that a parser accepts, both ways.
fn assert_lists(path: &str, accepted: &BTreeSet<String>) {
    let documented = documented(&page(path), "key");
    let missing: Vec<_> = accepted.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(accepted).collect();
    assert!(accepted.len() > 8, "{accepted:?}");
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "{path} lacks {missing:?} and lists {unknown:?}, which are not accepted"
    );
}

/// A folder with the swarm files that examples name.
fn swarm_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("earlier/1")).unwrap();
    for part in ["", "earlier/1/"] {
        for file in ["ratios.csv", "metrics.csv"] {
            std::fs::write(folder.path().join(part).join(file), "run,a\n").unwrap();
        }
    }
    folder
}

#[test]
fn fit_config_page_lists_exactly_the_keys_that_are_accepted() {
    let folder = swarm_files();
    let text = "swarm: {ratios: ratios.csv, metrics: metrics.csv, \
                  earlier: [{ratios: ratios.csv, metrics: metrics.csv}]}\n\
                target: {ratios: ratios.csv, metrics: metrics.csv}\n\
                priors: {token_counts: {a: 1}}\n\
                phases: [{name: all, fraction: 1, bounds: {NAME: {min: 0.1}}, \
                  groups: {NAME: {domains: [a], max: 1}}}]\n\
                eval: {tasks: {family: [metric]}}\n\
                objective: {minimize: worst_task, guardrails: [{max_increase: 0.1}]}\n\
                constraints: {bounds: {NAME: {min: 0.1}}, groups: {NAME: {domains: [a], max: 1}}}\n";
    let mut keys = accepted(|| FitConfig::parse("fit.yaml", text, folder.path()));
    // Sizes do not go together with earlier swarms.
    let sized = "swarm: {ratios: ratios.csv, metrics: metrics.csv, tokens: seen}\n\
                 scale: {parameters: 1B, tokens: 20B}\npriors: {token_counts: {a: 1}}\n";
    keys.extend(accepted(|| {
        FitConfig::parse("fit.yaml", sized, folder.path())
    }));
    assert_lists("docs/fit-config.md", &keys);
}

#[test]
fn generation_config_page_lists_exactly_the_keys_that_are_accepted() {
    let text = "name: n\npriors: {token_counts: {a: 1}}\n\
                phases: [{name: all, fraction: 1, bounds: {NAME: {min: 0.1}}}]\ndata:\n  sources:\n\
                \x20   - {name: a, topics: [{name: t, quality: [{name: q, paths: [x]}]}]}\n\
                \x20   - {name: b, quality: [{name: q, paths: [x]}]}\n";
    let keys = accepted(|| GenerationConfig::parse("generate.yaml", text, Path::new("")));
    // Topics and quality buckets stand in the table of sources, `priors` on the page of the fit config.
    let keys = keys.iter().filter(|key| !key.starts_with("priors."));
    let keys = keys.map(|key| {
        ["topics.quality.", "topics.", "quality."]
            .iter()
            .find_map(|part| key.strip_prefix(&format!("data.sources.{part}")))
            .map_or_else(|| key.clone(), |key| format!("data.sources.{key}"))
    });
    assert_lists("docs/generation-config.md", &keys.collect());
}

/// Keys of a launch config with every section, and of its trainer.
fn launch_keys() -> BTreeSet<String> {
    let text = "name: n\ntraining: {}\ndata: {sources: [{name: a, paths: [x]}]}\nmix: {a: 1}\n\
                eval: {tasks: tasks/}\nengine: {type: slurm, evaluation: {gpus: 0}}\n\
                trainer: {command: train}\n";
    let mut keys = accepted(|| LaunchConfig::parse("launch.yaml", text, Path::new("")));
    let phased = "name: n\ndata: {sources: [{name: a, paths: [x]}]}\n\
                  training: {proxy_model_id: 1m, start_from: {checkpoint: x, after: p}}\n\
                  phases: [{name: p, fraction: 0.5, mix: {a: 1}}, {name: q, fraction: 0.5, mix: {a: 1}}]\n";
    keys.extend(accepted(|| {
        LaunchConfig::parse("launch.yaml", phased, Path::new(""))
    }));
    keys
}

#[test]
fn launch_config_page_lists_exactly_the_keys_that_are_accepted() {
    let elsewhere = ["data.", "engine."];
    let keys = launch_keys().into_iter();
    let keys = keys.filter(|key| !elsewhere.iter().any(|part| key.starts_with(part)));
    assert_lists("docs/launch-config.md", &keys.collect());
}

#[test]
fn engines_page_lists_exactly_the_keys_that_are_accepted() {
    let keys = launch_keys();
    let (nested, keys): (BTreeSet<_>, BTreeSet<_>) = keys
        .into_iter()
        .filter(|key| key.starts_with("engine."))
        .partition(|key| key.starts_with("engine.evaluation."));
    assert_lists("docs/engines.md", &keys);
    for key in nested {
        let own = key.replace(".evaluation", "");
        assert!(keys.contains(&own), "{key} is no setting of an engine");
    }
}

#[test]
fn project_page_lists_exactly_the_keys_that_are_accepted() {
    let text = "name: p\nengine: local\ndata: {}\ndomains: {NAME: {tokens: 1}}\n";
    let path = Path::new("olmix.yaml");
    let keys = accepted(|| ProjectConfig::parse(path, "olmix.yaml", text));
    // The keys of these sections stand on the pages of the other configs.
    let elsewhere = keys.iter().filter_map(|key| key.split_once('.'));
    let elsewhere: BTreeSet<&str> = elsewhere.map(|(section, _)| section).collect();
    let keys = keys.iter().filter(|key| {
        key.split_once('.')
            .is_none_or(|(section, _)| section == "domains" || !elsewhere.contains(section))
    });
    assert_lists("docs/project.md", &keys.cloned().collect());
}

/// A block of a page, with those lines of `base` whose keys it does not have itself.
fn completed(block: &str, base: &[&str]) -> String {
    let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let own: BTreeSet<String> = block.lines().map(key).collect();
    let added = base.iter().filter(|line| !own.contains(&key(line)));
    let added: Vec<&str> = added.copied().collect();
    format!("{}\n{block}", added.join("\n"))
}

/// Reads a config, which is dropped.
type Reader<'a> = &'a dyn Fn(&str) -> Result<(), IoError>;

#[test]
fn every_example_of_a_config_page_is_accepted() {
    let folder = swarm_files();
    let folder = folder.path();
    let fit = |block: &str| {
        let base = [
            "swarm: {ratios: ratios.csv, metrics: metrics.csv}",
            "priors: {token_counts: {a: 1}}",
        ];
        FitConfig::parse("fit.yaml", &completed(block, &base), folder).map(drop)
    };
    let generation = |block: &str| {
        let base = ["name: n", "data: {sources: [{name: a, paths: [x]}]}"];
        GenerationConfig::parse("generate.yaml", &completed(block, &base), folder).map(drop)
    };
    let launch = |block: &str| {
        let base = [
            "name: n",
            "training: {proxy_model_id: 1m}",
            "data: {sources: [{name: a, paths: [x]}]}",
            "mix: {a: 1}",
        ];
        let phased = block.lines().any(|line| line == "phases:");
        let base = &base[..base.len() - usize::from(phased)];
        LaunchConfig::parse("launch.yaml", &completed(block, base), folder).map(drop)
    };
    let changes = |block: &str| {
        let path = folder.join("changes.yaml");
        std::fs::write(&path, block).unwrap();
        read_changes(&path).map(drop)
    };
    let pages: [(&str, &[Reader<'_>]); 5] = [
        ("docs/fit-config.md", &[&fit]),
        ("docs/generation-config.md", &[&generation]),
        ("docs/launch-config.md", &[&launch]),
        ("docs/engines.md", &[&launch]),
        ("docs/project.md", &[&generation, &fit, &changes]),
    ];
    for (path, readers) in pages {
        let blocks = blocks_of(&page(path), "yaml");
        assert!(!blocks.is_empty(), "{path} has no example");
        for block in blocks {
            let read: Vec<_> = readers.iter().map(|read| read(&block)).collect();
            assert!(
                read.iter().any(Result::is_ok),
                "{path} has the example\n{block}\nwhich is refused: {read:?}"
            );
        }
    }
}

/// Every key of a JSON value, at any depth.
fn keys(value: &serde_json::Value, into: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                into.insert(key.clone());
                keys(value, into);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, into)),
        _ => {}
    }
}

/// Gives every run a second phase: the mixture of the run before it.
fn runs_in_two_phases(demo: &Path) {
    let table = std::fs::read_to_string(demo.join("ratios.csv")).unwrap();
    let rows: Vec<(&str, &str)> = table
        .lines()
        .map(|line| line.split_once(',').unwrap())
        .collect();
    let mut text = format!("{},phase,{}\n", rows[0].0, rows[0].1);
    for (k, (run, mixture)) in rows.iter().enumerate().skip(1) {
        let before = rows[if k == 1 { rows.len() - 1 } else { k - 1 }].1;
        text += &format!("{run},first,{mixture}\n{run},last,{before}\n");
    }
    std::fs::write(demo.join("ratios.csv"), text).unwrap();
}

/// Configs of the demo swarm that fill every field of a mixture file: each law, and what is optional.
fn fits_of_every_kind(demo: &str) -> Vec<String> {
    let regression = "regression: {type: log_linear, seed: 0}";
    let proposer = "proposer: {type: exact, kl_reg: 0.05}";
    let checks = "diagnostics: {folds: 0, bootstrap: 0}\n";
    assert!(demo.contains(regression) && demo.contains(proposer));
    let mut fits = vec![
        demo.to_owned(),
        demo.replace(regression, "regression: {n_test: 5}") + checks,
        demo.replace("kl_reg: 0.05", "kl_reg: auto") + checks,
        demo.to_owned() + "objective: {minimize: worst_family, guardrails: [{max_increase: 0.1}]}\n" + checks,
        demo.to_owned() + "target: {ratios: ratios.csv, metrics: metrics.csv}\n",
        demo.replace(regression, "regression: {granularity: family}") + checks,
        demo.replace(regression, "regression: {type: saturating}")
            .replace("swarm: {", "swarm: {simulate_target_tokens: 10B, ")
            .replace("repetition_factor: 4.0", "repetition: measured")
            + checks,
        demo.replace(
            "repetition_factor: 4.0",
            "repetition_factor: 4.0, groups: {web: {domains: [\"web:*\"], max: 0.3}}",
        ) + checks,
        demo.replace(
            "swarm: {",
            "swarm: {earlier: [{ratios: ratios.csv, metrics: metrics.csv, changed: {code: 0.05}}], ",
        ) + checks,
        demo.replace(
            proposer,
            "proposer: {expanded_kl_source_mixtures: {math: {algebra: 0.5, geometry: 0.5}}}",
        )
        .replace(
            "priors:\n",
            "priors:\n  expanded_relative_sizes: {\"web:general\": 60, \"web:science\": 15, code: 9, books: \
             8, \
             wikipedia: 2, algebra: 2, geometry: 1}\n",
        ) + checks,
    ];
    for law in ["saturating", "bimix", "autoscale", "gp", "lightgbm"] {
        let law = format!("regression: {{type: {law}, granularity: all}}");
        fits.push(
            demo.replace(regression, &law)
                .replace(proposer, "proposer: {}")
                + checks,
        );
    }
    fits
}

#[test]
fn mixture_file_page_lists_exactly_the_fields_that_are_written() {
    let folder = newcomer();
    let demo = folder.path().join("examples/demo");
    // Boosted trees need more runs than the demo has; each again, with another last loss, shows the noise.
    for (file, digit) in [("ratios.csv", ""), ("metrics.csv", "1")] {
        let table = std::fs::read_to_string(demo.join(file)).unwrap();
        let again = table
            .lines()
            .skip(1)
            .map(|row| format!("again-{row}{digit}\n"));
        std::fs::write(demo.join(file), table.clone() + &again.collect::<String>()).unwrap();
    }
    let config = std::fs::read_to_string(demo.join("fit.yaml")).unwrap();
    let mut found = BTreeSet::new();
    let mut fitted = |fit: String| {
        std::fs::write(demo.join("fit.yaml"), fit).unwrap();
        Command::new(env!("CARGO_BIN_EXE_olmix"))
            .args(["fit", "--config", "examples/demo/fit.yaml", "--quiet"])
            .current_dir(folder.path())
            .assert()
            .success();
        let written = std::fs::read_to_string(folder.path().join("out/mixture.json")).unwrap();
        keys(&serde_json::from_str(&written).unwrap(), &mut found);
    };
    fits_of_every_kind(&config)
        .into_iter()
        .for_each(&mut fitted);
    let ratios = std::fs::read(demo.join("ratios.csv")).unwrap();
    runs_in_two_phases(&demo);
    fitted(
        config.clone()
            + "phases: [{name: first, fraction: 0.8}, {name: last, fraction: 0.2}]\n\
               diagnostics: {folds: 0, bootstrap: 10}\n",
    );
    std::fs::write(demo.join("ratios.csv"), ratios).unwrap();
    runs_of_three_sizes(&demo);
    fitted(
        config + "scale: {parameters: 400M, tokens: 30B}\ndiagnostics: {folds: 0, bootstrap: 10}\n",
    );
    let page = page("docs/mixture-json.md");
    assert!(found.len() > 50, "{found:?}");
    for key in &found {
        assert!(
            page.contains(&format!("`{key}`")),
            "`{key}` is not documented"
        );
    }
    for field in documented(&page, "field") {
        let name = field.rsplit('.').next().unwrap_or_default();
        assert!(found.contains(name), "`{field}` is never written");
    }
}

/// Pages that people read: the root's, and those in `docs/`, by their paths from the root.
fn pages() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages: Vec<String> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .map(String::from)
        .to_vec();
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if Path::new(&name)
            .extension()
            .is_some_and(|kind| kind == "md")
        {
            pages.push(format!("docs/{name}"));
        }
    }
    pages
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let slug = |heading: &str| -> String {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

#[test]
fn every_link_of_the_documentation_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut links = 0;
    for name in pages() {
        let text = page(&name);
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&name).parent().unwrap();
            let target = match file {
                "" => root.join(&name),
                file => root.join(folder).join(file),
            };
            assert!(
                target.exists(),
                "{name} links to {link}, which is not there"
            );
            if !anchor.is_empty() {
                let found = anchors(&std::fs::read_to_string(&target).unwrap());
                assert!(found.contains(anchor), "{name}: {link} is not in {found:?}");
            }
            links += 1;
        }
    }
    assert!(links > 50, "only {links} links were found");
}

/// Whether a word in backticks is a path of the repository. Capital letters stand for names that a reader chooses.
fn is_path(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-./".contains(c);
    let source = [".rs", ".py", ".md", ".yaml"];
    let inside = !word.starts_with("..");
    inside
        && word.chars().all(plain)
        && (word.contains('/') || source.iter().any(|end| word.ends_with(end)))
}

#[test]
fn every_path_that_the_maps_of_the_code_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = 0;
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        for line in page(name).lines() {
            let words: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
            // Folders of a crate, where the line is about one; files beside what the line named last.
            let mut bases = vec![root.clone(), root.join("crates")];
            let own = words.first().map(|first| root.join("crates").join(first));
            bases.extend(own.map(|own| own.join("src")));
            for word in words.into_iter().filter(|word| is_path(word)) {
                let found = bases.iter().rev().map(|base| base.join(word));
                let found = found.into_iter().find(|path| path.exists());
                let Some(found) = found else {
                    panic!("{name} names `{word}`, which is not there: {line}");
                };
                let folder = if found.is_dir() {
                    found
                } else {
                    found.parent().unwrap().to_owned()
                };
                bases.push(folder);
                paths += 1;
            }
        }
    }
    assert!(paths > 40, "only {paths} paths were found");
}
