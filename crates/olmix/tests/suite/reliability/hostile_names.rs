//! Names from outside are data: nothing of them is executed, and nothing is written outside the folder that was
//! named. Each test lists the files before and after.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{json, olmix, printed, result_in};

/// Names that mean something to a shell, a path, a table, a page or a configuration. What a shell would execute
/// makes a file `executed`.
pub const NAMES: [&str; 34] = [
    "it's",
    "say \"hi\"",
    "`>executed`",
    "$(>executed)",
    "; >executed ;",
    "' ; >executed ; '",
    "\" ; >executed ; \"",
    "| cat >executed",
    "../../outside",
    "/tmp/outside",
    "a\\b",
    "C:\\x",
    "-o",
    "--help",
    "%s%n",
    "{out}",
    "~/x",
    "${HOME}",
    "a b",
    "a,b",
    "a=b",
    "[x]",
    "#x",
    "!x",
    "&x",
    "@x",
    "<script>alert(1)</script>",
    "=1+1",
    "null",
    "1e3",
    ".",
    "..",
    "olmix.yaml",
    "'''",
];

/// A folder to work in, inside another, so that a way out would be seen; the home of the commands is beside it.
struct Place {
    root: tempfile::TempDir,
    work: PathBuf,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let work = root.path().join("a/b/work");
        std::fs::create_dir_all(&work).unwrap();
        std::fs::create_dir(root.path().join("home")).unwrap();
        Self { root, work }
    }

    /// Every path below the root, without those in the working folder.
    fn outside(&self) -> BTreeSet<PathBuf> {
        let all = walkdir::WalkDir::new(self.root.path()).into_iter();
        let paths = all.map(|entry| entry.unwrap().path().to_owned());
        paths.filter(|path| !path.starts_with(&self.work)).collect()
    }

    /// Every path in the working folder, with the bytes of files.
    fn inside(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let all = walkdir::WalkDir::new(&self.work).sort_by_file_name();
        let paths = all
            .into_iter()
            .map(|entry| entry.unwrap().path().to_owned());
        paths
            .map(|path| (path.clone(), std::fs::read(path).ok()))
            .collect()
    }

    /// Runs a command with these words, the home set to a folder of the test.
    fn run(&self, words: &[&str]) -> std::process::Output {
        let mut command = olmix(&self.work, "");
        command
            .env("HOME", self.root.path().join("home"))
            .args(words);
        command.output().unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.work.join(name), text).unwrap();
    }

    fn nothing_was_executed(&self, before: &BTreeSet<PathBuf>) {
        assert_eq!(&self.outside(), before);
        for (path, _) in self.inside() {
            assert_ne!(path.file_name().unwrap(), "executed", "{}", path.display());
        }
    }
}

/// A field of a CSV table.
fn field(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A row of a CSV table.
fn row<T: ToString>(name: &str, values: impl Iterator<Item = T>) -> String {
    let mut line = field(name);
    for value in values {
        line += ",";
        line += &value.to_string();
    }
    line + "\n"
}

/// Tables of a swarm and its config in a folder, with these names for domains, tasks and runs.
pub fn swarm(folder: &Path, names: &[&str]) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let m = names.len();
    let columns: Vec<String> = names.iter().map(|name| field(name)).collect();
    let tasks: Vec<String> = names
        .iter()
        .map(|name| field(&format!("t-{name}")))
        .collect();
    let mut ratios = format!("run,{}\n", columns.join(","));
    let mut metrics = format!("run,{}\n", tasks.join(","));
    // Twice as many runs as domains, each with more of one domain than of the others.
    for i in 0..2 * m {
        let run = names
            .get(i)
            .map_or_else(|| format!("run-{i}"), |name| (*name).to_owned());
        let share = |j: usize| {
            if j == i % m {
                0.3 + 0.1 * (i / m) as f64
            } else {
                0.0
            }
        };
        let rest = (1.0 - share(i % m)) / (m - 1) as f64;
        let share = |j| if j == i % m { share(j) } else { rest };
        ratios += &row(&run, (0..m).map(share));
        metrics += &row(
            &run,
            (0..m).map(|t| 2.0 - share(t) + 0.01 * ((i * 7 + t * 3) % 11) as f64),
        );
    }
    write("ratios.csv", &ratios);
    write("metrics.csv", &metrics);
    let mut config =
        "swarm: {ratios: ratios.csv, metrics: metrics.csv}\npriors:\n  token_counts:\n".to_owned();
    for (i, name) in names.iter().enumerate() {
        writeln!(
            config,
            "    {}: {}",
            serde_json::json!(name),
            1_000_000_000 + i * 1_000
        )
        .unwrap();
    }
    let group = serde_json::json!(names[2]);
    let member = serde_json::json!(names[0]);
    write!(
        config,
        "regression: {{type: log_linear, ridge: 1e-3}}\nconstraints: {{enabled: true, target_tokens: 1e10, \
         repetition_factor: 4, groups: {{{group}: {{domains: [{member}], max: 0.9}}}}}}\n"
    )
    .unwrap();
    write("fit.yaml", &config);
}

/// Fits the swarm of a place, and returns the path of its mixture.
fn fitted(place: &Place, folds: &str) -> PathBuf {
    let words = "fit --config fit.yaml --bootstrap 0 --folds";
    let words: Vec<&str> = words.split(' ').chain([folds]).collect();
    let fit = place.run(&words);
    let message = String::from_utf8_lossy(&fit.stderr);
    assert!(fit.status.success(), "{message}");
    result_in(&place.work.join("out")).join("mixture.json")
}

#[test]
fn names_that_mean_something_to_a_shell_or_a_path_are_data_in_every_command() {
    let place = Place::new();
    let before = place.outside();
    swarm(&place.work, &NAMES);
    let mixture = fitted(&place, "3");
    let mixture = mixture.to_str().unwrap();

    let read = json(&place.work, &format!("mix show {mixture} --json"));
    let text = read.to_string();
    for name in NAMES {
        let quoted = serde_json::json!(name).to_string();
        assert!(text.contains(&quoted), "{quoted}");
    }
    // What a trainer can't take is refused with one message; nothing is a defect.
    let mut written = 0;
    for format in olmix_io::export::Format::ALL {
        let file = format!("blend.{}", format.name());
        let done = place.run(&[
            "export",
            "--mixture",
            mixture,
            "--format",
            format.name(),
            "--sequence-length",
            "4096",
            "-o",
            &file,
        ]);
        let code = done.status.code();
        assert!(matches!(code, Some(0 | 2)), "{}: {code:?}", format.name());
        assert_eq!(code == Some(0), place.work.join(&file).exists());
        written += usize::from(code == Some(0));
    }
    assert!(written >= 10, "{written} formats were written");

    for words in [
        &["predict", "--mixture", mixture, "--ratios", "ratios.csv"][..],
        &[
            "compare",
            "--config",
            "fit.yaml",
            "--presets",
            "unimax,natural",
        ],
        &["sweep", "--config", "fit.yaml", "--repetition", "4,5"],
        &["init", "--from", "fit.yaml", "house", "--name", "house"],
        &[
            "commit",
            mixture,
            "-m",
            "$(>executed)",
            "--project",
            "house",
        ],
        &[
            "update",
            "add",
            "../../added=1000000",
            "-m",
            "`>executed`",
            "--project",
            "house",
        ],
        &["update", "remove", "../../outside", "--project", "house"],
        &["plan", "--write", "next", "--project", "house"],
        &["show", "fit@1", "--files", "shown", "--project", "house"],
        &["history", "export", "exported", "--project", "house"],
        &["history", "import", "exported", "copy"],
        &["verify", "--deep", "--project", "copy"],
    ] {
        let done = place.run(words);
        let message = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{words:?}: {message}");
    }
    for name in NAMES {
        for words in [
            ["tag", "--project", "house", "--", name, "main"],
            ["commit", "--project", "house", "--line", name, mixture],
            ["init", "--from", "fit.yaml", "other", "--name", name],
        ] {
            let code = place.run(&words).status.code();
            assert!(matches!(code, Some(0 | 2)), "{words:?}: {code:?}");
        }
    }
    place.nothing_was_executed(&before);
}

#[test]
fn settings_of_engines_are_data_in_the_script_that_is_submitted() {
    for name in NAMES.iter().filter(|name| !name.starts_with('-')) {
        let place = Place::new();
        let before = place.outside();
        let quoted = serde_json::json!(name);
        std::fs::create_dir(place.work.join("v")).unwrap();
        let launch = format!(
            "name: one\ngroup_id: {quoted}\ntrainer: {{command: 'true'}}\nmix: {{{quoted}: 1}}\nengine: {{type: slurm, \
             partition: {quoted}, account: {quoted}, qos: {quoted}, env: {{A: {quoted}}}, program: /nowhere/olmix}}\n"
        );
        place.write("v/one.yaml", &launch);
        let preview = place.run(&["launch", "preview", "--variants", "v"]);
        let message = String::from_utf8_lossy(&preview.stderr);
        match preview.status.code() {
            Some(0) => {}
            Some(2) => {
                assert!(message.starts_with("error: "), "{message}");
                continue;
            }
            code => panic!("{name}: {code:?}: {message}"),
        }
        // The script as it is shown, executed where no program is found: what is executed all the same is made
        // by the shell.
        let page = String::from_utf8(preview.stdout).unwrap();
        let script = page.split_once("#!/bin/bash\n").unwrap().1;
        let script = script.split_once("\n$ sbatch").unwrap().0;
        place.write("submit.sh", script);
        Command::new("/bin/bash")
            .arg("submit.sh")
            .current_dir(&place.work)
            .env_clear()
            .env("PATH", "/nowhere")
            .env("SLURM_ARRAY_TASK_ID", "1")
            .output()
            .unwrap();
        place.nothing_was_executed(&before);
    }
}

/// Characters that end a line or a text, or command a terminal.
fn controls() -> impl Iterator<Item = char> {
    let ascii = ('\u{1}'..='\u{1f}').chain(['\u{7f}']);
    ascii.chain(['\u{85}', '\u{9b}', '\u{2028}', '\u{2029}', '\u{feff}'])
}

#[test]
fn names_with_control_characters_are_refused_by_every_command_that_reads_them() {
    let place = Place::new();
    swarm(&place.work, &["web", "code", "math"]);
    std::fs::create_dir(place.work.join("v")).unwrap();
    printed(&place.work, "init --from fit.yaml house --name house");
    let fit = std::fs::read_to_string(place.work.join("fit.yaml")).unwrap();
    let ratios = std::fs::read_to_string(place.work.join("ratios.csv")).unwrap();
    let metrics = std::fs::read_to_string(place.work.join("metrics.csv")).unwrap();
    let mut tried = 0;
    for c in controls() {
        let bad = format!("a{c}b");
        let quoted = serde_json::json!(bad).to_string();
        let source = format!("data: {{sources: [{{name: {quoted}, paths: [\"x/*.bin\"]}}]}}\n");
        let engine = |key: &str| {
            format!("name: one\ntrainer: {{command: 'true'}}\nmix: {{web: 1}}\n{key}\n")
        };
        // What is written where, and the command that reads it.
        let cases: [(&str, String, &[&str]); 9] = [
            (
                "ratios.csv",
                ratios.replacen("\"web\"", &field(&bad), 1),
                &["fit", "--config", "fit.yaml"],
            ),
            (
                "metrics.csv",
                metrics.replacen("\"t-web\"", &field(&bad), 1),
                &["fit", "--config", "fit.yaml"],
            ),
            (
                "metrics.csv",
                metrics.replacen("\"code\"", &field(&bad), 1),
                &["fit", "--config", "fit.yaml"],
            ),
            (
                "fit.yaml",
                fit.replacen("\"web\"", &quoted, 1),
                &["fit", "--config", "fit.yaml"],
            ),
            (
                "generate.yaml",
                format!("name: x\n{source}"),
                &["generate", "--config", "generate.yaml"],
            ),
            (
                "v/one.yaml",
                engine(&format!("group_id: {quoted}")),
                &["launch", "preview", "--variants", "v"],
            ),
            (
                "v/one.yaml",
                engine(&format!("engine: {{type: slurm, partition: {quoted}}}")),
                &["launch", "preview", "--variants", "v"],
            ),
            (
                "mix.json",
                format!("{{{quoted}: 0.5, \"web\": 0.5}}"),
                &["mix", "show", "mix.json"],
            ),
            (
                "mix.csv",
                format!("domain,weight\n{},0.5\nweb,0.5\n", field(&bad)),
                &[
                    "export",
                    "--mixture",
                    "mix.csv",
                    "--format",
                    "json",
                    "-o",
                    "x",
                ],
            ),
        ];
        for (file, text, words) in cases {
            let whole = std::fs::read(place.work.join(file)).ok();
            place.write(file, &text);
            let before = (place.outside(), place.inside());
            let done = place.run(words);
            let message = String::from_utf8_lossy(&done.stderr);
            assert_eq!(
                done.status.code(),
                Some(2),
                "{file} with {bad:?}: {message}"
            );
            assert!(message.contains("error: "), "{message}");
            // Messages, too, show it and do not send it to the terminal.
            assert!(
                !message.contains(c) || c == '\n',
                "{file} with {bad:?}: {message:?}"
            );
            assert_eq!(
                (place.outside(), place.inside()),
                before,
                "{file} with {bad:?}"
            );
            match whole {
                Some(whole) => std::fs::write(place.work.join(file), whole).unwrap(),
                None => std::fs::remove_file(place.work.join(file)).unwrap(),
            }
            tried += 1;
        }
        let before = place.inside();
        let name = format!("{bad}=1000000");
        for words in [
            ["update", "add", &name, "--project", "house"],
            ["tag", &bad, "domains@1", "--project", "house"],
        ] {
            assert_eq!(place.run(&words).status.code(), Some(2), "{words:?}");
            assert_eq!(place.inside().len(), before.len(), "{words:?}");
            tried += 1;
        }
    }
    println!("{tried} commands refused a name");
}

#[test]
fn a_domain_of_three_hundred_letters_is_fitted_and_written() {
    let place = Place::new();
    let long = "x".repeat(300);
    swarm(&place.work, &["web", &long, "math"]);
    let before = place.outside();
    let mixture = fitted(&place, "3");
    assert!(mixture.is_file());
    place.nothing_was_executed(&before);
}
