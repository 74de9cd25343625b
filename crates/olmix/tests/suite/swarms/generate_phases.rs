//! Swarms of runs in phases: what `olmix generate` draws, and that a fit reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::common::{json, newcomer, olmix, printed, refused};
use olmix_io::LaunchConfig;

const GENERATE: &str = "generate --config examples/swarm/generate.yaml";
const TWO: &str =
    "phases:\n  - {name: pretraining, fraction: 0.8}\n  - {name: cooldown, fraction: 0.2}\n";
const BOUNDED: &str = "phases:\n  - {name: pretraining, fraction: 0.8}\n  - name: cooldown\n    fraction: 0.2\n    \
                       bounds: {math: {min: 0.15}, \"web:general\": {max: 0.5}}\n";

/// The examples with phases, and with other settings of the swarm.
fn phased(phases: &str, swarm: &str) -> tempfile::TempDir {
    let folder = newcomer();
    let path = folder.path().join("examples/swarm/generate.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("v_optimal ", "random ");
    let text = text.replace("swarm:\n", &format!("swarm:\n{swarm}"));
    std::fs::write(path, format!("{text}{phases}")).unwrap();
    folder
}

/// The mixture of each run in each phase, by leaf.
type Runs = Vec<(String, Vec<BTreeMap<String, f64>>)>;

fn read(folder: &Path) -> Runs {
    let text = std::fs::read_to_string(folder.join("swarm/ratios.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    assert_eq!(header[..2], ["run", "phase"]);
    let mut runs: Runs = Vec::new();
    for line in lines {
        let weights = header[2..].iter().zip(&line[2..]);
        let mixture = weights.map(|(name, weight)| ((*name).to_owned(), weight.parse().unwrap()));
        let mixture: BTreeMap<String, f64> = mixture.collect();
        if let Some((_, phases)) = runs.last_mut().filter(|(run, _)| run == line[0]) {
            assert_eq!(line[1], "cooldown");
            phases.push(mixture);
        } else {
            assert_eq!(line[1], "pretraining");
            runs.push((line[0].to_owned(), vec![mixture]));
        }
    }
    runs
}

fn amount(phases: &[BTreeMap<String, f64>], leaf: &str) -> f64 {
    0.8 * phases[0][leaf] + 0.2 * phases[1][leaf]
}

#[test]
fn runs_in_phases_are_pairs_of_the_same_amounts_within_the_caps_and_tied_runs() {
    let folder = phased(TWO, "");
    let told = printed(folder.path(), GENERATE);
    for part in [
        "Phases: pretraining (80 %), cooldown (20 %)",
        "26 runs in 13 pairs",
        "2 tied runs",
        "Timing varies in 5 of 5 directions",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let runs = read(folder.path());
    // 4 (m + 1) for m = 6 leaves.
    assert_eq!(runs.len(), 28);
    let leaves: Vec<String> = runs[0].1[0].keys().cloned().collect();
    for pair in runs[..26].chunks(2) {
        for leaf in &leaves {
            let (one, other) = (amount(&pair[0].1, leaf), amount(&pair[1].1, leaf));
            assert!((one - other).abs() < 1e-9, "{leaf}: {one} {other}");
        }
        assert_ne!(pair[0].1, pair[1].1);
    }
    for (_, phases) in &runs[26..] {
        assert_eq!(phases[0], phases[1]);
    }
    // 4 times 200 million tokens of 3 billion, over all phases together.
    for (run, phases) in &runs {
        let wikipedia = amount(phases, "wikipedia");
        assert!(wikipedia <= 4.0 * 0.2 / 3.0 + 1e-9, "{run}: {wikipedia}");
        for mixture in phases {
            let sum: f64 = mixture.values().sum();
            assert!((sum - 1.0).abs() < 1e-9);
        }
    }
    assert!(
        runs.iter()
            .any(|(_, phases)| phases[1]["wikipedia"] > phases[0]["wikipedia"] + 0.01)
    );
}

#[test]
fn bounds_of_a_phase_hold_in_every_run_and_amounts_stay_those_of_the_pair() {
    let folder = phased(BOUNDED, "");
    let told = printed(folder.path(), GENERATE);
    assert!(told.contains("Bounds of phases moved "), "{told}");
    let runs = read(folder.path());
    assert_eq!(runs.len(), 28);
    for (run, phases) in &runs {
        let cooldown = &phases[1];
        assert!(cooldown["math"] >= 0.15 - 1e-9, "{run}: {cooldown:?}");
        assert!(cooldown["web:general"] <= 0.5 + 1e-9, "{run}: {cooldown:?}");
    }
    for pair in runs[..24].chunks(2) {
        for leaf in ["math", "web:general", "books"] {
            let (one, other) = (amount(&pair[0].1, leaf), amount(&pair[1].1, leaf));
            assert!((one - other).abs() < 1e-7, "{leaf}: {one} {other}");
        }
    }
    let fit = std::fs::read_to_string(folder.path().join("swarm/fit.yaml")).unwrap();
    assert!(
        fit.contains("min: 0.15") && fit.contains("fraction: 0.8"),
        "{fit}"
    );
}

#[test]
fn a_swarm_in_phases_has_the_same_bytes_on_any_threads_and_launch_configs_with_its_phases() {
    let folder = phased(TWO, "");
    let at = folder.path();
    let files = |threads: usize| {
        let line = format!(
            "{GENERATE} --base examples/swarm/launch.yaml --replicates 2 --quiet --threads {threads}"
        );
        olmix(at, &line).assert().success();
        std::fs::read(at.join("swarm/ratios.csv")).unwrap()
    };
    assert_eq!(files(1), files(3));
    let runs = read(at);
    assert_eq!(runs.len(), 30);
    for (name, phases) in &runs {
        let path = at.join(format!("swarm/launch/{name}.yaml"));
        let (config, _) = LaunchConfig::load(&path).unwrap();
        assert_eq!(config.phases.len(), 2);
        assert_eq!(config.phases[1].name, "cooldown");
        for (phase, drawn) in config.phases.iter().zip(phases) {
            for leaf in &phase.mix {
                assert!((leaf.weight - drawn[&leaf.name]).abs() < 1e-9);
            }
        }
    }
    // The prior is run twice, as a tied run.
    assert_eq!(runs[28].1, runs[29].1);
    assert_eq!(runs[28].1[0], runs[28].1[1]);
    let told = json(at, &format!("{GENERATE} --replicates 2 --json"));
    assert_eq!(told["phases"]["tied_runs"], 2);
    assert_eq!(told["phases"]["contrast"]["directions"], 5);
    let shown = told["variants"][3]["phases"]["cooldown"]["math"]
        .as_f64()
        .unwrap();
    assert!((shown - runs[3].1[1]["math"]).abs() < 1e-12);
}

#[test]
fn a_generated_swarm_in_phases_is_fitted_once_its_runs_are_measured() {
    let folder = phased(BOUNDED, "");
    let at = folder.path();
    olmix(at, &format!("{GENERATE} --quiet")).assert().success();
    // Math is worth three times as much late.
    let mut metrics = "run,gsm8k (BPB v2),arc (BPB v2)\n".to_owned();
    for (run, phases) in read(at) {
        let seen = |leaf: &str, late: f64| 0.8 * phases[0][leaf] + late * 0.2 * phases[1][leaf];
        let one = 0.6 + (-2.0 * seen("math", 3.0) - seen("code", 1.0)).exp();
        let other = 0.7 + (-seen("books", 1.0) - 1.5 * seen("web:science", 1.0)).exp();
        writeln!(metrics, "{run},{one},{other}").unwrap();
    }
    std::fs::write(at.join("swarm/metrics.csv"), metrics).unwrap();
    let config = at.join("swarm/fit.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    let run = "constraints: {target_tokens: 20B, repetition_factor: 4}\n";
    std::fs::write(&config, text + run).unwrap();
    let line = "fit --config swarm/fit.yaml --output-dir out --bootstrap 0 --set regression.type=log_linear";
    let told = printed(at, line);
    assert!(
        told.contains("6 domains in 2 phases, 2 tasks, 28 of 28 runs"),
        "{told}"
    );
    assert!(told.contains("When data is seen matters"), "{told}");
    let file = std::fs::read_to_string(at.join("out/mixture.json")).unwrap();
    let mixture: serde_json::Value = serde_json::from_str(&file).unwrap();
    let cooldown = mixture["phases"]["phases"][1]["mixture"]
        .as_array()
        .unwrap();
    let math = cooldown.iter().find(|one| one["domain"] == "math").unwrap();
    assert!(math["share"].as_f64().unwrap() >= 0.15 - 1e-9);
    exports_of_phases(at);
}

/// A mixture in phases goes to trainers with its phases, and one phase by its name.
fn exports_of_phases(at: &Path) {
    let export = |rest: &str| format!("export --mixture out/mixture.json {rest}");
    let run = "--sequence-length 1000 --batch-tokens 1M --repetition-factor 4.01";
    let levanter = printed(at, &export(&format!("--format levanter {run}")));
    // Of 20,000 batches, four fifths are before the second phase.
    for part in [
        "# For a run of 2e10 tokens in 2 phases:",
        "cooldown: 0.2 of the run, 4.0000e9 tokens, from step 16000",
        "- 16000",
    ] {
        assert!(levanter.contains(part), "{levanter}");
    }
    for (rest, expected) in [
        (
            "--format levanter",
            "levanter needs the steps at which the phases begin",
        ),
        ("--format levanter", "out/mixture.json#pretraining"),
        (
            "--format megatron",
            "megatron has a file for each phase, 2 of them",
        ),
        (
            "--format csv --target-tokens 40B",
            "all phases together would see",
        ),
        (
            "--format megatron --check examples/swarm/generate.yaml",
            "--check looks at one mixture",
        ),
    ] {
        let message = refused(at, &export(rest));
        assert!(message.contains(expected), "{message}");
        assert_eq!(message.matches("help: ").count(), 1, "{message}");
    }
    olmix(at, &export("--format megatron --output blend.txt"))
        .assert()
        .success();
    let one = "export --mixture out/mixture.json#cooldown --format megatron --quiet";
    let of_phase = std::fs::read_to_string(at.join("blend.cooldown.txt")).unwrap();
    assert_eq!(printed(at, one), of_phase);
    assert!(at.join("blend.pretraining.txt").is_file() && !at.join("blend.txt").exists());
    let told = json(at, &export("--format mix --json"));
    assert_eq!(told[1]["phase"], "cooldown");
    assert_eq!(told[1]["fraction"], 0.2);
}

#[test]
#[allow(clippy::too_many_lines)] // a list of cases
fn what_does_not_go_with_phases_is_refused_with_one_message_and_nothing_is_written() {
    let pinned = "{name: general, paths: [\"/data/web/general/**/*.npy\"]";
    for (phases, swarm, from, to, expected) in [
        (TWO, "", "fraction: 0.2", "fraction: 0.3", "sum to 1.1"),
        (
            TWO,
            "",
            ", fraction: 0.2",
            "",
            "`phases[1].fraction` is required",
        ),
        (
            TWO,
            "",
            "random ",
            "v_optimal ",
            "the design v_optimal chooses runs of one mixture each",
        ),
        (
            TWO,
            "  variants: 21\n",
            "",
            "",
            "21 runs in phases are asked for, and they are drawn in pairs",
        ),
        (
            TWO,
            "  virtual_domains: {old: {books: 1, code: 2}}\n",
            "",
            "",
            "swarm.virtual_domains is given",
        ),
        (TWO, "  tied: 0.5\n", "", "", "a share from 0 to a third"),
        (
            "",
            "  tied: 0.2\n",
            "",
            "",
            "swarm.tied is of no effect: the runs have no phases",
        ),
        (
            "",
            "  phase_strength: 2\n",
            "",
            "",
            "swarm.phase_strength is of no effect",
        ),
        (
            "phases: [{name: all, fraction: 1}]\n",
            "",
            "",
            "",
            "`all` is the only phase: there is no timing to vary",
        ),
        (
            TWO,
            "",
            "name: cooldown",
            "name: cooldown, groups: {g: {domains: [math], max: 0.5}}",
            "`groups` of phases bound no draws, and `g` is one",
        ),
        (
            TWO,
            "",
            "{name: math,",
            "{name: phase,",
            "a leaf can't be called `phase` with phases",
        ),
        (
            TWO,
            "",
            "name: cooldown",
            "name: cooldown, bounds: {maths: {min: 0.1}}",
            "no domain is `maths`",
        ),
        // 4 times 300 million tokens are 0.4 of a run, and the phase alone needs 0.72.
        (
            TWO,
            "",
            "name: pretraining",
            "name: pretraining, bounds: {math: {min: 0.9}}",
            "domain `math` must have at least 0.7200 in `pretraining`",
        ),
        // Within the caps, and out of reach of draws around a prior of 3 % (in dense shares).
        (
            TWO,
            "  min_source_strength: 500\n  max_source_strength: 500\n",
            "name: cooldown",
            "name: cooldown, bounds: {math: {min: 0.9}}",
            "have less than 18.00 % of `math`, which its least shares of the phases need",
        ),
        (
            TWO,
            "  tied: 0.3\n",
            "name: cooldown",
            "name: cooldown, bounds: {math: {max: 0.001}}",
            "swarm.tied asks for 8 runs of 28 with the same mixture in every phase",
        ),
        (
            TWO,
            "",
            pinned,
            "{name: general, weight: 0.5, paths: [\"x.npy\"]",
            "",
        ),
    ] {
        let folder = phased(phases, swarm);
        let at = folder.path();
        let path = at.join("examples/swarm/generate.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        let mut text = text.replace(from, to);
        let mut expected = expected;
        if from == pinned {
            text = text.replace("{name: science,", "{name: science, weight: 0.5,");
            expected = "all parts of `web` have a fixed weight";
        }
        if text.contains("{name: phase,") {
            text = text.replace("    math: ", "    phase: ");
        }
        std::fs::write(&path, text).unwrap();
        let message = refused(at, &format!("{GENERATE} --quiet"));
        assert!(message.contains(expected), "{expected}: {message}");
        assert_eq!(message.matches("help: ").count(), 1, "{message}");
        assert!(!at.join("swarm").exists());
    }
}
