//! `-o` writes into what is no plain file, and never replaces it.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{copy_demo, olmix, printed as ok, refused};

const CSV: &str = "domain,weight,tokens,epochs\nweb,0.750000000,,\ncode,0.250000000,,\n";

fn mixture() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("m.yaml"), "{web: 0.75, code: 0.25}\n").unwrap();
    folder
}

/// A pipe with a name, and a thread that reads it to its end.
fn pipe(path: &Path) -> std::thread::JoinHandle<String> {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let path = path.to_owned();
    std::thread::spawn(move || fs::read_to_string(path).unwrap())
}

#[test]
fn every_option_that_names_a_file_writes_into_a_pipe_and_leaves_it_one() {
    let folder = mixture();
    let at = folder.path();
    copy_demo(at);
    fs::create_dir(at.join("texts")).unwrap();
    fs::write(at.join("texts/a.jsonl"), "{\"text\": \"abc\"}\n").unwrap();
    let config = "name: c\ndata:\n  sources:\n  - {name: web, paths: [texts/*.jsonl]}\n";
    fs::write(at.join("count.yaml"), config).unwrap();
    ok(
        at,
        "fit --config fit.yaml --output-dir out --ridge 1e-5 --folds 0 --bootstrap 0 --quiet",
    );
    for (line, begins) in [
        ("export --mixture m.yaml --format csv -o", "domain,weight"),
        (
            "predict --mixture out/mixture.json --ratios ratios.csv --output",
            "run,average",
        ),
        (
            "priors compute --config count.yaml --no-cache --output",
            "priors:",
        ),
    ] {
        let path = at.join("pipe");
        let read = pipe(&path);
        ok(at, &format!("{line} pipe --quiet"));
        let text = read.join().unwrap();
        assert!(text.starts_with(begins), "{line}: {text}");
        assert!(
            fs::symlink_metadata(&path).unwrap().file_type().is_fifo(),
            "{line}"
        );
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn standard_output_by_its_name_is_written_into_and_gets_nothing_else() {
    if !Path::new("/proc/self/fd").exists() {
        println!("skipped: there is no /proc");
        return;
    }
    let folder = mixture();
    let at = folder.path();
    // The link is ours: the machine's own is not put at risk.
    symlink("/proc/self/fd/1", at.join("stdout")).unwrap();
    for name in ["stdout", "/proc/self/fd/1"] {
        // Into a pipe, and into a file that was begun.
        assert_eq!(
            ok(
                at,
                &format!("export --mixture m.yaml --format csv -o {name}")
            ),
            CSV
        );
        let file = at.join("redirected");
        fs::write(&file, "begun\n").unwrap();
        let appended = fs::File::options().append(true).open(&file).unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_olmix"))
            .args([
                "export",
                "--mixture",
                "m.yaml",
                "--format",
                "csv",
                "-o",
                name,
            ])
            .current_dir(at)
            .stdout(Stdio::from(appended))
            .status()
            .unwrap();
        assert!(run.success());
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("begun\n{CSV}"));
    }
    assert!(
        fs::symlink_metadata(at.join("stdout"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn a_device_takes_an_output_and_stays_a_device() {
    let folder = mixture();
    let at = folder.path();
    let made = Command::new("mknod")
        .args(["null", "c", "1", "3"])
        .current_dir(at)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        println!("skipped: no device can be made here");
        return;
    }
    let run = olmix(at, "export --mixture m.yaml --format csv -o null")
        .output()
        .unwrap();
    if String::from_utf8_lossy(&run.stderr).contains("Permission denied") {
        println!("skipped: the folder of temporary files is mounted without devices");
    } else {
        assert!(run.status.success());
    }
    let kind = fs::symlink_metadata(at.join("null")).unwrap().file_type();
    assert!(kind.is_char_device());
}

#[test]
fn a_folder_as_a_file_and_a_pipe_as_a_folder_are_refused() {
    let folder = mixture();
    let at = folder.path();
    fs::create_dir(at.join("folder")).unwrap();
    let message = refused(at, "export --mixture m.yaml --format csv -o folder");
    assert!(message.contains("folder: can't be written"), "{message}");
    copy_demo(at);
    assert!(
        Command::new("mkfifo")
            .arg(at.join("pipe"))
            .status()
            .unwrap()
            .success()
    );
    for line in [
        "fit --config fit.yaml --output-dir pipe --folds 0 --bootstrap 0",
        "tokenize --input m.yaml --tokenizer bytes --output pipe",
    ] {
        let message = refused(at, line);
        assert!(
            message.contains("pipe") && message.contains("can't be written"),
            "{message}"
        );
    }
    assert!(
        fs::symlink_metadata(at.join("pipe"))
            .unwrap()
            .file_type()
            .is_fifo()
    );
}

#[test]
fn the_next_command_removes_what_a_killed_one_left_and_keeps_other_files() {
    let folder = mixture();
    let at = folder.path();
    copy_demo(at);
    let fit = "fit --config fit.yaml --output-dir out --ridge 1e-5 --folds 0 --bootstrap 0 --quiet";
    ok(at, fit);
    let earlier = super::contents(&at.join("out"));
    // As `kill -9` leaves them: no process holds a lock on them. One moved the earlier result aside.
    let result = crate::common::result_in(&at.join("out"));
    let aside = at.join("out/.olmix-aaaaaa/replaced");
    fs::create_dir_all(&aside).unwrap();
    fs::rename(&result, aside.join(result.file_name().unwrap())).unwrap();
    fs::create_dir(at.join("out/.olmix-bbbbbb")).unwrap();
    fs::write(at.join("out/.olmix-cccccc"), "half").unwrap();
    fs::write(at.join("out/.olmix-mine.txt"), "mine").unwrap();
    ok(
        at,
        "export --mixture m.yaml --format csv -o out/m.csv --quiet",
    );
    fs::remove_file(at.join("out/m.csv")).unwrap();
    assert_eq!(
        fs::read_to_string(at.join("out/.olmix-mine.txt")).unwrap(),
        "mine"
    );
    fs::remove_file(at.join("out/.olmix-mine.txt")).unwrap();
    assert_eq!(super::contents(&at.join("out")), earlier);
}
