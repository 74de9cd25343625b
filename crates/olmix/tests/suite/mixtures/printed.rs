//! What people read on the terminal, as it is.

use std::collections::HashSet;
use std::path::Path;

use crate::common::newcomer;
use crate::common::python::python;
use assert_cmd::Command;

/// What a command prints on standard output, run in a folder with the examples.
fn printed(folder: &Path, arguments: &str) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("COLUMNS", "100")
        .assert()
        .success();
    let text = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    // The certificate's last digits are rounding.
    let at = text.find("duality gap ");
    at.map_or(text.clone(), |at| {
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        format!("{}duality gap …{}", &text[..at], &text[end..])
    })
}

#[test]
fn fit_prints_mixture_families_and_trust() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "fit --config examples/demo/fit.yaml"
    ));
}

#[test]
fn fit_verbose_prints_the_statistics_behind_the_summary() {
    let folder = newcomer();
    let all = printed(
        folder.path(),
        "fit --config examples/demo/fit.yaml --verbose",
    );
    let trust = all.find("Trust: ").unwrap();
    insta::assert_snapshot!(&all[trust..]);
}

#[test]
fn lines_on_a_terminal_fit_its_width_and_break_no_word() {
    let Some(python) = python() else { return };
    let folder = newcomer();
    let fit = ["fit", "--config", "examples/demo/fit.yaml", "--verbose"];
    let printed = printed(folder.path(), &fit.join(" "));
    let words: HashSet<&str> = printed.split_whitespace().collect();
    for columns in [60_usize, 80, 120] {
        let run = std::process::Command::new(&python)
            .args(["-c", IN_A_TERMINAL, &columns.to_string()])
            .arg(env!("CARGO_BIN_EXE_olmix"))
            .args(fit)
            .current_dir(folder.path())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .output()
            .unwrap();
        let shown = String::from_utf8(run.stdout).unwrap();
        // The bar's last trace, then the page.
        let page = shown.rsplit("\u{1b}[2K").next().unwrap();
        assert!(page.contains("\u{1b}[1mTrain on"), "{page}");
        let page = console::strip_ansi_codes(page).replace('\r', "");
        for line in page.lines() {
            assert!(
                console::measure_text_width(line) <= columns,
                "{columns}: {line}"
            );
        }
        // Digits of the certificate are rounding.
        let page = page.split("duality gap").next().unwrap();
        for word in page.split_whitespace() {
            assert!(words.contains(word), "{columns}: {word}");
        }
    }
}

/// Runs a command in a pseudo-terminal of so many columns, and prints what it shows there.
const IN_A_TERMINAL: &str = r#"
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    sys.stdout.buffer.write(read)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[test]
fn predict_prints_the_scores_of_every_task() {
    let folder = newcomer();
    printed(folder.path(), "fit --config examples/demo/fit.yaml --quiet");
    insta::assert_snapshot!(printed(
        folder.path(),
        "predict --mixture out/mixture.json --ratios examples/demo/ratios.csv --metrics \
         examples/demo/metrics.csv"
    ));
}

#[test]
fn predict_without_metrics_prints_every_run_by_family() {
    let folder = newcomer();
    printed(folder.path(), "fit --config examples/demo/fit.yaml --quiet");
    let ratios = folder.path().join("examples/demo/ratios.csv");
    let four: Vec<String> = std::fs::read_to_string(&ratios)
        .unwrap()
        .lines()
        .take(5)
        .map(String::from)
        .collect();
    std::fs::write(&ratios, four.join("\n")).unwrap();
    insta::assert_snapshot!(printed(
        folder.path(),
        "predict --mixture out/mixture.json --ratios examples/demo/ratios.csv"
    ));
    let csv = std::fs::read_to_string(folder.path().join("out/predictions.csv")).unwrap();
    assert!(csv.starts_with("run,average,math_algebra,"), "{csv}");
    assert_eq!(csv.lines().count(), 5);
}

#[test]
fn sweep_prints_every_cell_and_why_some_are_infeasible() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "sweep --config examples/demo/fit.yaml --target-tokens 1e10,4e10 --repetition 2,4 --kl 0,0.05"
    ));
}

#[test]
fn compare_prints_mixtures_side_by_side_and_every_gain() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "compare --config examples/demo/fit.yaml --presets olmixbase,bimix,unimax,natural"
    ));
}

#[test]
fn study_prints_its_table() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "study granularity --config examples/demo/fit.yaml --seeds 2"
    ));
}

#[test]
fn generate_prints_the_swarm_and_what_its_runs_buy() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "generate --config examples/swarm/generate.yaml --base examples/swarm/launch.yaml"
    ));
}

#[test]
fn help_pages_are_printed() {
    let folder = newcomer();
    let pages = [
        "--help",
        "priors compute --help",
        "generate --help",
        "fit --help",
        "sweep --help",
        "predict --help",
        "compare --help",
        "next --help",
        "study --help",
        "export --help",
        "mix diff --help",
    ];
    let all: Vec<String> = pages
        .iter()
        .map(|page| format!("$ olmix {page}\n{}", printed(folder.path(), page)))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn pipe_gets_no_colours_and_no_progress_bar() {
    let folder = newcomer();
    let run = Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(["fit", "--config", "examples/demo/fit.yaml"])
        .current_dir(folder.path())
        .assert()
        .success();
    let output = run.get_output();
    assert!(!output.stdout.contains(&0x1b));
    // A fit that takes a second or two says so in lines; a bar would return to their beginning.
    assert!(!output.stderr.contains(&0x1b) && !output.stderr.contains(&b'\r'));
}
