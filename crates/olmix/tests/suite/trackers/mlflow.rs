//! Runs of `MLflow`: behind its server, in its database, in its folder.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::made_by;
use crate::common::python::python;
use crate::common::server::Server;
use crate::common::{olmix, refused};
use crate::swarms::collect::{RATIOS, collect, read, write};

/// `mlflow.db`, `store/mlruns` and the id of a run in both, written once for all tests.
fn runs() -> Option<&'static Path> {
    static RUNS: OnceLock<Option<TempDir>> = OnceLock::new();
    let made = RUNS.get_or_init(|| made_by("make_mlflow.py")).as_ref();
    made.map(TempDir::path)
}

/// The mixtures of all runs, by their names, and by the id of one.
fn ratios(id: &str, copies: usize) -> String {
    let mut ratios = "run,web,code\n".to_owned();
    for i in 0..4 {
        let web = f64::from(i) / 128.0;
        ratios += &format!("r{i:03},{web},{}\n", 1.0 - web);
    }
    for i in 0..copies {
        ratios += &format!("copy{i},1,0\n");
    }
    ratios
        + &format!(
            "nan,1,0\ninf,1,0\nstill,1,0\nbroken,1,0\nshort,1,0\ndeleted,1,0\n{id},0.25,0.75\n"
        )
}

/// Collects from a store of `MLflow`, and holds it against what was written there; `copies` are of one of its runs.
fn assert_collected(swarm: &str, id: &str, copies: usize) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "ratios.csv", &ratios(id, copies));
    let told = collect(
        folder,
        &format!("--swarm {swarm} --experiment proxies --ratios ratios.csv"),
    );
    let metrics = read(folder, "out/metrics.csv");
    assert_eq!(metrics.lines().count(), 6 + copies);
    // The latest run of a name, but none that stopped earlier; the value of the last step; an id as a name.
    for row in [
        "r000,0.25,0.5",
        "r001,0.25,1.125",
        "r003,0.75,1.375",
        &format!("{id},2,0.125"),
    ] {
        assert!(
            metrics.lines().any(|line| line == row),
            "{row} in {metrics}"
        );
    }
    assert!(metrics.starts_with("run,eval/arc easy,loss\n"), "{metrics}");
    assert!(read(folder, "out/ratios.csv").contains("\nr000,0,1\n"));
    for expected in [
        "still is left out: running",
        "broken is left out: failed",
        "nan is left out: `loss` is not a finite number",
        "inf is left out: `loss` is not a finite number",
        "unknown is left out: its mixture is not known",
        "deleted is left out: nothing was measured of it",
        "short is left out: it stopped short: `eval/arc easy` was last measured at step 80, and in most runs at 100",
        "runs that were recorded several times: `r000` is run ",
        "`r001`: run ",
        "stopped at step 3, and replaces nothing",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    // Names that do not match are told with those that are there.
    write(folder, "names.csv", "run,web\nA,1\n");
    let line =
        format!("collect --output none --swarm {swarm} --experiment proxies --ratios names.csv");
    let message = refused(folder, &line);
    assert!(
        message.contains("capable-fish-7 (its mixture is not known"),
        "{message}"
    );
    let told = collect(folder, &format!("--swarm {swarm} --experiment configured"));
    assert_eq!(
        read(folder, "out/ratios.csv"),
        "run,code,web\ndict,0.5,0.5\nkeys,0.25,0.75\ntag,0.75,0.25\n"
    );
    assert!(
        told.contains("twice is left out: its mixture is not known: its config has two mixtures"),
        "{told}"
    );
    let message = refused(folder, &format!("collect --output none --swarm {swarm}"));
    assert!(message.contains("which experiment?"), "{message}");
    let message = refused(
        folder,
        &format!("collect --output none --swarm {swarm} --experiment proxy"),
    );
    assert!(
        message.contains("there is no experiment `proxy`"),
        "{message}"
    );
    assert!(message.contains("proxies"), "{message}");
}

fn id_of(runs: &Path) -> String {
    fs::read_to_string(runs.join("by-id.txt")).unwrap()
}

#[test]
fn collect_reads_every_page_of_an_mlflow_server() {
    let (Some(python), Some(runs)) = (python(), runs()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::copy(runs.join("mlflow.db"), folder.join("mlflow.db")).unwrap();
    let connection = rusqlite::Connection::open(folder.join("mlflow.db")).unwrap();
    let id: String = connection
        .query_row(
            "SELECT run_uuid FROM runs WHERE name = 'capable-fish-7'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    // More runs than fit on a page of the server's answers.
    let copies = 1100;
    connection
        .execute_batch(&format!(
            "CREATE TEMP TABLE one AS SELECT * FROM runs WHERE name = 'r003';
             CREATE TEMP TABLE places AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {copies} - 1)
                SELECT i, printf('%032x', i) AS id FROM n;
             INSERT INTO runs (run_uuid, name, user_id, source_type, status, start_time, lifecycle_stage, artifact_uri, experiment_id)
                SELECT p.id, 'copy' || p.i, o.user_id, o.source_type, o.status, o.start_time, o.lifecycle_stage, o.artifact_uri, o.experiment_id
                FROM one o, places p;
             INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
                SELECT m.key, m.value, m.timestamp, m.step, m.is_nan, p.id
                FROM latest_metrics m JOIN one o ON o.run_uuid = m.run_uuid, places p;"
        ))
        .unwrap();
    drop(connection);
    let arguments = [
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--workers",
        "1",
        "--backend-store-uri",
        "sqlite:///mlflow.db",
        "--port",
    ];
    // Its queues of jobs are eight processes more, with all of MLflow in each.
    let without = [("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")];
    let server = Server::start_with(&python, &arguments, folder, &without);
    assert_collected(&format!("{}/", server.url), &id, copies);
    let line = format!("collect --output none --swarm {}/nothing", server.url);
    let message = refused(folder, &line);
    assert!(
        message.contains("is not an MLflow tracking server"),
        "{message}"
    );
}

#[test]
fn collect_reads_mlflow_runs_from_the_database_and_from_the_folder() {
    let Some(runs) = runs() else { return };
    let database = runs.join("mlflow.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let id: String = connection
        .query_row(
            "SELECT run_uuid FROM runs WHERE name = 'capable-fish-7'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(connection);
    assert_collected(&database.display().to_string(), &id, 0);
    assert_collected(&runs.display().to_string(), &id, 0);
    assert_collected(&runs.join("store").display().to_string(), &id_of(runs), 0);
    assert_collected(
        &runs.join("store/mlruns").display().to_string(),
        &id_of(runs),
        0,
    );
}

#[test]
fn an_mlflow_database_in_use_or_of_another_version_is_refused_with_a_way_out() {
    let Some(runs) = runs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mlflow.db");
    fs::copy(runs.join("mlflow.db"), &path).unwrap();
    let line = "collect --swarm mlflow.db --experiment proxies --output none";
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let message = refused(folder.path(), line);
    assert!(
        message.contains("mlflow.db: the database is in use: another program writes to it"),
        "{message}"
    );
    connection
        .execute_batch("ROLLBACK; ALTER TABLE latest_metrics RENAME COLUMN is_nan TO nan")
        .unwrap();
    let message = refused(folder.path(), line);
    for expected in [
        "a database of MLflow of a version that this olmix does not know: its table `latest_metrics` has no column \
         `is_nan`",
        "mlflow server --backend-store-uri sqlite:///mlflow.db",
    ] {
        assert!(message.contains(expected), "{expected} in {message}");
    }
    assert!(!folder.path().join("none").exists());
}

#[test]
fn collect_sends_mlflow_credentials_of_the_environment() {
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
