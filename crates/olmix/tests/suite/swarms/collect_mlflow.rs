//! What `olmix collect` promises of tracking servers.

use std::process::{Command, Stdio};

use super::collect::{RATIOS, collect, read, write};
use crate::common::python::{python, script};
use crate::common::server::Server;
use crate::common::{olmix, refused};

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
run("r000", [("loss", 0.5, 1)], start=4102444800000)
run("unknown", [("loss", 0.5, 0)])
"#;

#[test]
fn collect_reads_every_page_of_an_mlflow_server() {
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
    let server = Server::start(&python, &arguments, folder);
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
        "runs that were recorded several times: `r000` is run ",
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
        message.contains("is not an MLflow tracking server"),
        "{message}"
    );
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
