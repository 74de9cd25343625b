//! What is read is bounded, and a bound that is exceeded is named with its variable.

use std::fs;
use std::path::Path;

use crate::common::{copy_demo, olmix, refused};

fn refused_under(at: &Path, variable: &str, bound: &str, line: &str) -> String {
    let run = olmix(at, line).env(variable, bound).assert().code(2);
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

#[test]
fn a_line_beyond_the_bound_is_refused_however_it_is_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config = |name: &str| {
        let text = format!("name: c\ndata:\n  sources:\n  - {{name: web, paths: [{name}]}}\n");
        fs::write(at.join("count.yaml"), text).unwrap();
    };
    // Some kilobytes that become 64 MiB.
    let zeros = vec![0_u8; 1 << 20];
    let mut packed = Vec::new();
    for _ in 0..64 {
        packed.extend(zstd::bulk::compress(&zeros, 3).unwrap());
    }
    let mut packed_line = zstd::bulk::compress(b"{\"text\": \"a\"}\n", 3).unwrap();
    packed_line.extend(&packed);
    fs::write(at.join("bomb.jsonl.zst"), &packed_line).unwrap();
    fs::write(
        at.join("plain.jsonl"),
        [&b"{\"text\": \"a\"}\n"[..], &zeros, b"\n"].concat(),
    )
    .unwrap();
    fs::write(at.join("whole.txt"), vec![b'a'; 1 << 20]).unwrap();
    for (file, place) in [
        ("bomb.jsonl.zst", "line 2: it has more than 65536 bytes"),
        ("plain.jsonl", "line 2: it has more than 65536 bytes"),
        ("whole.txt", "the file has more than 65536 bytes"),
    ] {
        config(file);
        let count = "priors compute --config count.yaml --no-cache";
        let message = refused_under(at, "OLMIX_MAX_DOCUMENT", "64K", count);
        for part in [file, place, "OLMIX_MAX_DOCUMENT"] {
            assert!(message.contains(part), "{part} is not in {message}");
        }
        let tokenize = format!("tokenize --input {file} --tokenizer bytes --output out");
        let message = refused_under(at, "OLMIX_MAX_DOCUMENT", "64K", &tokenize);
        assert!(message.contains(place), "{message}");
    }
    // Within the bound, it is read.
    config("whole.txt");
    olmix(at, "priors compute --config count.yaml --no-cache")
        .env("OLMIX_MAX_DOCUMENT", "2M")
        .assert()
        .success();
}

#[test]
fn files_that_are_read_whole_are_bounded_and_a_device_without_an_end_ends() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(
        at.join("m.yaml"),
        format!("{{web: 0.5, code: 0.5}}{}", " ".repeat(5000)),
    )
    .unwrap();
    fs::write(
        at.join("m.csv"),
        format!("domain,weight\nweb,1\n{}", "\n".repeat(5000)),
    )
    .unwrap();
    for file in ["m.yaml", "m.csv"] {
        let message = refused_under(at, "OLMIX_MAX_FILE", "4K", &format!("mix show {file}"));
        assert!(
            message.contains("larger than 4096 bytes") && message.contains("OLMIX_MAX_FILE"),
            "{message}"
        );
        olmix(at, &format!("mix show {file}")).assert().success();
    }
    // A quote that is never closed.
    let text = format!("domain,weight\nweb,\"1\n{}", "x".repeat(1 << 20));
    fs::write(at.join("open.csv"), text).unwrap();
    let message = refused(at, "mix show open.csv");
    assert!(
        message.contains("open.csv:2: a cell has") && message.contains("quotes"),
        "{message}"
    );
    assert!(message.len() < 1000, "{message}");
    if Path::new("/dev/zero").exists() {
        let message = refused_under(at, "OLMIX_MAX_FILE", "512M", "mix show /dev/zero");
        assert!(
            message.contains("/dev/zero:1: not a text file"),
            "{message}"
        );
    }
}

#[test]
fn losses_with_which_nothing_can_be_computed_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    copy_demo(at);
    let text = fs::read_to_string(at.join("metrics.csv")).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let huge = lines.map(|line| {
        let (run, losses) = line.split_once(',').unwrap();
        let losses: Vec<String> = losses
            .split(',')
            .map(|loss| format!("{loss}e300"))
            .collect();
        format!("{run},{}\n", losses.join(","))
    });
    let huge: String = std::iter::once(format!("{header}\n")).chain(huge).collect();
    fs::write(at.join("metrics.csv"), huge).unwrap();
    let message = refused(
        at,
        "fit --config fit.yaml --output-dir out --folds 0 --bootstrap 0",
    );
    assert!(
        message.contains("metrics.csv: has values beyond 1e100"),
        "{message}"
    );
    assert!(!at.join("out").exists());
}

#[test]
fn names_of_metrics_of_any_length_become_names_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    copy_demo(at);
    let long = "math_algebra".repeat(20);
    for file in ["metrics.csv", "fit.yaml"] {
        let text = fs::read_to_string(at.join(file)).unwrap();
        fs::write(at.join(file), text.replace("math_algebra", &long)).unwrap();
    }
    let fit = "fit --config fit.yaml --output-dir out --ridge 1e-5 --folds 0 --bootstrap 0 --quiet";
    olmix(at, fit).assert().success();
}

#[test]
fn a_bound_that_is_no_size_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    for variable in ["OLMIX_MAX_FILE", "OLMIX_MAX_DOCUMENT"] {
        for bound in ["much", "0", "-1", "1.5G"] {
            let message = refused_under(folder.path(), variable, bound, "mix show none");
            assert!(
                message.contains(variable) && message.contains("no size"),
                "{message}"
            );
        }
    }
}
