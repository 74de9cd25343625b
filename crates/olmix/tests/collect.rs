//! What `olmix collect` promises of metrics that were recorded elsewhere. Those of ledgers are tested
//! with `olmix launch`.
#![allow(clippy::unwrap_used)] // helpers of tests

mod common;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::python::{python, script};
use common::{olmix, refused};

const RATIOS: &str = "run,web,code\na,0.75,0.25\nb,0.5,0.5\nc,0.25,0.75\nd,0,1\n";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Collects into `out` and returns what is said on standard error.
fn collect(folder: &Path, line: &str) -> String {
    let mut run = olmix(folder, &format!("collect --output out {line}"));
    let run = run.assert().success();
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

#[test]
fn a_folder_of_metrics_is_collected_and_what_can_not_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "ratios.csv", RATIOS);
    write(
        folder,
        "m/b.json",
        r#"{"loss": 2, "acc:accuracy": 0.5, "eval": {"x": 1.5}}"#,
    );
    write(
        folder,
        "m/a.json",
        r#"{"metrics": {"loss": 1, "eval/x": 0.1, "rare": 1}}"#,
    );
    write(folder, "m/c.json", r#"{"loss": NaN, "eval/x": 3}"#);
    write(folder, "m/e.json", r#"{"loss": 3, "eval/x": 3}"#);
    write(folder, "m/f.json", "oops");
    write(folder, "m/notes.txt", "nothing of ours");
    let told = collect(folder, "--swarm m --ratios ratios.csv");
    assert_eq!(
        read(folder, "out/ratios.csv"),
        "run,web,code\na,0.75,0.25\nb,0.5,0.5\n"
    );
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,eval/x,loss\na,0.1,1\nb,1.5,2\n"
    );
    for expected in [
        "note: metrics of which more is better are left out (--include brings them): acc:accuracy",
        "note: metrics that few runs have are left out (--include brings them): rare (1 of 2 runs)",
        "c is left out: `loss` is not a finite number",
        "d is left out: nothing was measured of it",
        "e is left out: its mixture is not known",
        "f is left out: not JSON",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    // A metric that is not wanted can't spoil a run, and one that is asked for comes.
    collect(
        folder,
        "--swarm m --ratios ratios.csv --include eval/* --include rare",
    );
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,eval/x,rare\na,0.1,1\nb,1.5,\nc,3,\n"
    );
    collect(folder, "--swarm m --ratios ratios.csv --exclude *oss");
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,eval/x\na,0.1\nb,1.5\nc,3\n"
    );
    // The same again is the same.
    let before = (
        read(folder, "out/ratios.csv"),
        read(folder, "out/metrics.csv"),
    );
    collect(folder, "--swarm m --ratios ratios.csv --exclude *oss");
    let after = (
        read(folder, "out/ratios.csv"),
        read(folder, "out/metrics.csv"),
    );
    assert_eq!(before, after);
}

#[test]
fn run_folders_tell_their_mixtures_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (run, mix, loss) in [
        ("b", r#"{"web": 1}"#, 2.0),
        ("a", r#"{"code": 0.5, "web": 0.5}"#, 1.0),
    ] {
        write(folder, &format!("runs/{run}/mix.json"), mix);
        let metrics = format!(
            "{{\"format\": \"olmix metrics\", \"version\": 1, \"metrics\": {{\"loss\": {loss}}}}}"
        );
        write(folder, &format!("runs/{run}/metrics.json"), &metrics);
    }
    write(folder, "runs/c/mix.json", "{\"web\": 1}");
    let told = collect(folder, "--swarm runs");
    assert_eq!(
        read(folder, "out/ratios.csv"),
        "run,code,web\na,0.5,0.5\nb,0,1\n"
    );
    assert_eq!(read(folder, "out/metrics.csv"), "run,loss\na,1\nb,2\n");
    assert!(
        told.contains("c is left out: it has no metrics.json"),
        "{told}"
    );
    // Or launch configs do.
    for (run, mix) in [("a", "{web: 0.2, code: 0.8}"), ("b", "{math: 1}")] {
        let text = format!("name: {run}\ntraining: {{}}\ntrainer: {{command: x}}\nmix: {mix}\n");
        write(folder, &format!("launch/{run}.yaml"), &text);
    }
    // What a run was trained on counts, whatever its config says since.
    collect(folder, "--swarm runs --variants launch");
    assert_eq!(
        read(folder, "out/ratios.csv"),
        "run,code,web\na,0.5,0.5\nb,0,1\n"
    );
    for run in ["a", "b"] {
        fs::remove_file(folder.join(format!("runs/{run}/mix.json"))).unwrap();
    }
    collect(folder, "--swarm runs --variants launch");
    assert_eq!(
        read(folder, "out/ratios.csv"),
        "run,code,math,web\na,0.8,0,0.2\nb,0,1,0\n"
    );
}

#[test]
fn local_runs_of_weights_and_biases_are_found_by_name_or_id() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "ratios.csv", RATIOS);
    let summary = |run: &str, text: &str| {
        write(
            folder,
            &format!("wandb/{run}/files/wandb-summary.json"),
            text,
        );
    };
    let config = |run: &str, text: &str| {
        write(folder, &format!("wandb/{run}/files/config.yaml"), text);
    };
    let first = "run-20260101_100000-x1y2";
    config(
        first,
        "_wandb:\n  desc: null\n  value: {cli_version: 0.21}\nname:\n  desc: null\n  value: a\n",
    );
    summary(
        first,
        r#"{"_step": 9, "_runtime": 3.5, "_wandb": {"runtime": 3}, "loss": 1, "eval": {"x": {"min": 4}}}"#,
    );
    // A run whose id is its name, one that is offline, one begun again, one that did not finish.
    summary(
        "run-20260101_110000-b",
        r#"{"loss": 2, "eval/x/min": 5, "table": {"_type": "table-file"}}"#,
    );
    config("offline-run-20260101_120000-z", "name: {value: c}\n");
    summary(
        "offline-run-20260101_120000-z",
        r#"{"loss": 7, "eval/x/min": 6}"#,
    );
    config("run-20260102_120000-zz", "name: c\n");
    summary("run-20260102_120000-zz", r#"{"loss": 3, "eval/x/min": 6}"#);
    config("run-20260103_120000-w", "name: d\n");
    let told = collect(folder, "--swarm . --ratios ratios.csv");
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,eval/x/min,loss\na,4,1\nb,5,2\nc,6,3\n"
    );
    assert!(
        told.contains("`c` was run several times; the latest is taken (run-20260102"),
        "{told}"
    );
    assert!(
        told.contains("d is left out: it has no wandb-summary.json"),
        "{told}"
    );
    summary(
        "run-20260103_120000-w",
        r#"{"loss": "NaN", "eval/x/min": 1}"#,
    );
    let told = collect(folder, "--swarm wandb --ratios ratios.csv");
    assert!(
        told.contains("d is left out: `loss` is not a finite number"),
        "{told}"
    );
}

#[test]
fn what_can_not_be_collected_is_told_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "m/a.json", "{\"loss\": 1}");
    write(folder, "empty/readme.md", "");
    write(folder, "file", "not a ledger");
    write(folder, "ratios.csv", "run,web\na,1\n");
    for (line, expected) in [
        (
            "--swarm nowhere",
            "nowhere: there is no such file or folder",
        ),
        ("--swarm empty", "empty: holds no ledger.sqlite"),
        ("--swarm file", "file: not a ledger of olmix"),
        ("--swarm m", "no run is left: a (its mixture is not known)"),
        ("--swarm m --ratios ratios.csv --include [", "--include: "),
        (
            "--swarm m --ratios ratios.csv --include x*",
            "no run is left: a (it has no metric that is wanted)",
        ),
        (
            "--swarm m --ratios ratios.csv --experiment x",
            "--experiment is of an MLflow server",
        ),
        (
            "--swarm http://127.0.0.1:1",
            "http://127.0.0.1:1: does not answer: ",
        ),
    ] {
        let message = refused(folder, &format!("collect --output out {line}"));
        assert!(message.contains(expected), "{line}: {message}");
        assert!(message.contains("\n  help: "), "{message}");
    }
    assert!(!folder.join("out").exists());
}

/// Runs in the server's own database, written by its own client: more than fit on a page of the server's
/// answers.
const FILL: &str = r#"
import math
from mlflow.entities import Metric, RunStatus
from mlflow.tracking import MlflowClient
client = MlflowClient("sqlite:///mlflow.db")
experiment = client.create_experiment("proxies")
client.create_experiment("other")
def run(name, metrics, status="FINISHED", start=None):
    run = client.create_run(experiment, run_name=name, start_time=start)
    client.log_batch(run.info.run_id, [Metric(k, v, 0, s) for k, v, s in metrics])
    if status:
        client.set_terminated(run.info.run_id, status)
for i in range(104):
    run(f"r{i:03}", [("loss", 9.0, 0), ("loss", 1 + i / 8, 1), ("system/cpu", 0.5, 0)])
run("still", [("loss", 1.0, 0)], status=None)
run("broken", [("loss", 1.0, 0)], status="FAILED")
run("nan", [("loss", math.nan, 0)])
run("inf", [("loss", math.inf, 0)])
run("r000", [("loss", 0.5, 0)], start=4102444800000)
run("unknown", [("loss", 0.5, 0)])
"#;

/// A server on this machine, stopped with all its workers when it is dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(python: &Path, folder: &Path) -> Self {
        // A port that is free now; the server takes it at once.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let log = fs::File::create(folder.join("server.log")).unwrap();
        let mut command = Command::new(python);
        command
            .args([
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--workers",
                "1",
            ])
            .args([
                "--backend-store-uri",
                "sqlite:///mlflow.db",
                "--port",
                &port.to_string(),
            ])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(log);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn().unwrap();
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || read(folder, "server.log");
            assert!(begin.elapsed() < Duration::from_mins(2), "{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
        Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}

#[test]
fn runs_of_a_tracking_server_are_collected_beyond_one_page() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    script(&python, FILL, folder);
    let mut ratios = "run,web,code\n".to_owned();
    for i in 0..104 {
        let web = f64::from(i) / 128.0;
        ratios += &format!("r{i:03},{web},{}\n", 1.0 - web);
    }
    ratios += "nan,1,0\ninf,1,0\nstill,1,0\nbroken,1,0\n";
    write(folder, "ratios.csv", &ratios);
    let server = Server::start(&python, folder);
    let url = &server.url;
    let told = collect(
        folder,
        &format!("--swarm {url}/ --experiment proxies --ratios ratios.csv"),
    );
    let metrics = read(folder, "out/metrics.csv");
    assert_eq!(metrics.lines().count(), 105);
    assert!(
        metrics.starts_with("run,loss\nr000,0.5\nr001,1.125\n"),
        "{metrics}"
    );
    assert!(metrics.ends_with("r103,13.875\n"));
    assert!(read(folder, "out/ratios.csv").starts_with("run,web,code\nr000,0,1\n"));
    for expected in [
        "still is left out: running",
        "broken is left out: failed",
        "nan is left out: `loss` is not a finite number",
        "inf is left out: `loss` is not a finite number",
        "unknown is left out: its mixture is not known",
        "`r000` was run several times; the latest is taken",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    let line = format!("collect --output out --swarm {url} --ratios ratios.csv");
    let message = refused(folder, &line);
    assert!(message.contains("which experiment?"), "{message}");
    let message = refused(folder, &format!("{line} --experiment proxy"));
    assert!(
        message.contains("there is no experiment `proxy`"),
        "{message}"
    );
    assert!(message.contains("proxies"), "{message}");
    let message = refused(folder, &line.replace(url, &format!("{url}/nothing")));
    assert!(
        message.contains("is no MLflow tracking server"),
        "{message}"
    );
}

#[test]
fn credentials_of_the_environment_are_sent() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    // A gate in front of a server, as sites put there: it lets one token pass.
    let gate = r#"
import http.server, json, sys
class Gate(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        word = self.headers.get("authorization", "")
        allowed = word in ("Bearer secret", "Basic dXNlcjpwYXNz")
        if "experiments" in self.path:
            body = {"experiments": [{"experiment_id": "1", "name": "x"}]}
        else:
            body = {"runs": [{"info": {"run_name": "a", "status": "FINISHED"}, "data": {"metrics": [{"key": "loss", "value": 1.5}]}}]}
        text = json.dumps(body if allowed else {"message": "no"}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Gate)
print(server.server_port, flush=True)
server.serve_forever()
"#;
    let mut process = Command::new(&python)
        .args(["-c", gate])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    let output = process.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut port).unwrap();
    write(folder.path(), "ratios.csv", RATIOS);
    let line = format!(
        "collect --swarm http://127.0.0.1:{} --ratios ratios.csv --output out",
        port.trim()
    );
    let message = refused(folder.path(), &line);
    assert!(message.contains("refuses access (401"), "{message}");
    assert!(message.contains("MLFLOW_TRACKING_TOKEN"), "{message}");
    olmix(folder.path(), &line)
        .env("MLFLOW_TRACKING_TOKEN", "secret")
        .assert()
        .success();
    olmix(folder.path(), &line)
        .env("MLFLOW_TRACKING_USERNAME", "user")
        .env("MLFLOW_TRACKING_PASSWORD", "pass")
        .assert()
        .success();
    process.kill().unwrap();
    process.wait().unwrap();
}
