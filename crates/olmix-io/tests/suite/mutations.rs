//! Whatever the files hold: no panic, and an error that names a file and says something.

use std::path::PathBuf;

use crate::common::{CONFIG, Case, METRICS, RATIOS};
use olmix_io::{MixtureFile, load_fit, load_runs};
use proptest::prelude::*;
use proptest::sample::Index;

/// A config with every kind of setting, to be mutated.
const RICH: &str = "\
eval: {type: offline, tasks: {f: [m1], g: [m2]}}
regression: {type: log_linear, seed: 3, n_test: 0, train_split: [1.0], ridge: auto,
  huber_delta: 0.02, dead_domains: hold, aggregate_task_families: true}
proposer: {type: exact, temperature: null, kl_reg: 0.05, fit_only: false, make_worst_mix: false}
constraints:
  enabled: true
  target_tokens: 1_000_000
  repetition_factor: 4.0
  bounds: {web: {min: 0.1, max: 0.9}}
  groups: {g: {domains: ['c*', math], max: 0.9}}
filtering:
  drop_metrics: []
  obj_weights: {f: 7/52.0, g: 2}
  directions: {m2: max}
diagnostics: {folds: 2, bootstrap: 3, confidence: 0.9}
";

/// Pieces that change the meaning of what they are put into.
const TOKENS: [&str; 28] = [
    "",
    "\n",
    "\r\n",
    ",",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "&a ",
    "*a",
    "<<: ",
    "---\n",
    "null",
    "nan",
    "inf",
    "-1",
    "0",
    "1e308",
    "18446744073709551615",
    "\0",
    "\u{feff}",
    "é",
    "%",
    "? ",
];

#[derive(Debug, Clone)]
enum Mutation {
    Flip(Index, u8),
    DropLine(Index),
    DoubleLine(Index),
    SwapLines(Index, Index),
    Insert(Index, &'static str),
    Replace(Index, Index, &'static str),
    Cut(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let token = || proptest::sample::select(&TOKENS[..]);
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Flip(at, byte)),
        any::<Index>().prop_map(Mutation::DropLine),
        any::<Index>().prop_map(Mutation::DoubleLine),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::SwapLines(a, b)),
        (any::<Index>(), token()).prop_map(|(at, token)| Mutation::Insert(at, token)),
        (any::<Index>(), any::<Index>(), token())
            .prop_map(|(at, length, token)| Mutation::Replace(at, length, token)),
        any::<Index>().prop_map(Mutation::Cut),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if bytes.is_empty() || lines.is_empty() {
        return;
    }
    match mutation {
        Mutation::Flip(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
            return;
        }
        Mutation::Insert(at, token) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, token.bytes());
            return;
        }
        Mutation::Replace(at, length, token) => {
            let at = at.index(bytes.len());
            let end = (at + length.index(6)).min(bytes.len());
            bytes.splice(at..end, token.bytes());
            return;
        }
        Mutation::Cut(at) => {
            bytes.truncate(at.index(bytes.len()));
            return;
        }
        Mutation::DropLine(at) => {
            lines.remove(at.index(lines.len()));
        }
        Mutation::DoubleLine(at) => {
            let at = at.index(lines.len());
            lines.insert(at, lines[at].clone());
        }
        Mutation::SwapLines(a, b) => {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            lines.swap(a, b);
        }
    }
    *bytes = lines.concat();
}

/// Loads the case; an error must name one of its files, and say what and what to do.
fn load(case: &Case) -> Result<(), TestCaseError> {
    let error = match load_fit(&case.path("fit.yaml")) {
        Ok(loaded) => {
            // Whatever loads can be used.
            prop_assert_eq!(loaded.config_hash().len(), 16);
            let _ = loaded.check_constraints();
            return Ok(());
        }
        Err(error) => error,
    };
    let message = case.shorten(&error.to_string());
    let (first, help) = message.split_once("\n  help: ").unwrap_or_default();
    let files = ["fit.yaml:", "ratios.csv:", "metrics.csv:"];
    let found = files.iter().find_map(|file| first.strip_prefix(file));
    prop_assert!(found.is_some_and(|rest| rest.len() > 5), "{message}");
    prop_assert!(help.len() > 5, "{message}");
    prop_assert_eq!(help, case.shorten(error.help()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_load_or_are_refused_with_a_message(
        file in 0..3_usize,
        mutations in prop::collection::vec(mutation(), 1..5),
    ) {
        let case = Case::new();
        let config = format!("{CONFIG}{RICH}");
        let name = ["fit.yaml", "ratios.csv", "metrics.csv"][file];
        let mut bytes = [config.as_str(), RATIOS, METRICS][file].as_bytes().to_vec();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        case.with(RICH);
        case.write(name, bytes);
        load(&case)?;
    }

    #[test]
    fn any_text_as_config_is_refused_with_a_message(
        text in "([a-z]{1,3}: |- |\\[|\\]|\\{|\\}|\n|  |\"|'|&a |\\*a |<<: |, |\\| |> |[a-z0-9]{1,4}|# |! \
            |\\?|%|\t){0,40}",
    ) {
        let case = Case::new();
        case.write("fit.yaml", &text);
        load(&case)?;
        case.with(&text);
        load(&case)?;
    }

    #[test]
    fn any_bytes_as_tables_are_refused_with_a_message(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let case = Case::new();
        case.write("ratios.csv", &bytes);
        load(&case)?;
        case.write("ratios.csv", RATIOS).write("metrics.csv", &bytes);
        load(&case)?;
    }

    #[test]
    fn mutated_runs_to_predict_are_read_or_refused(
        mutations in prop::collection::vec(mutation(), 1..4),
        ratios in any::<bool>(),
    ) {
        let case = Case::new();
        let loaded = case.load();
        let (name, text) = if ratios { ("ratios.csv", RATIOS) } else { ("metrics.csv", METRICS) };
        let mut bytes = text.as_bytes().to_vec();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        case.write(name, bytes);
        let path = |name: &str| -> PathBuf { case.path(name) };
        let swarm = &loaded.swarm;
        let (domains, tasks) = (swarm.domains(), swarm.tasks());
        match load_runs(&path("ratios.csv"), &path("metrics.csv"), domains, tasks, &loaded.members) {
            Ok(runs) => prop_assert_eq!(runs.ids.len(), runs.mixtures.rows()),
            Err(error) => prop_assert!(error.to_string().contains(".csv")),
        }
    }

    #[test]
    fn any_text_as_mixture_file_is_refused(text in "[\\[\\]{}\":,a-z0-9. ]{0,80}") {
        prop_assert!(MixtureFile::parse("mixture.json", &text).is_err());
    }
}
