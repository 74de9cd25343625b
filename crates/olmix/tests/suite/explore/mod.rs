//! `olmix explore`: the real server, asked over a real socket.

mod commands;
mod guards;
mod projects;
mod saving;
mod solving;
mod swarms;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{copy_demo, printed};

/// A folder with the demo and a fit of it in `out`, made once. Tests only read it.
fn fitted() -> &'static Path {
    static FITTED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        fit(folder.path());
        folder
    };
    FITTED.get_or_init(make).path()
}

/// Fits the demo in a folder, with few resamples.
fn fit(at: &Path) {
    copy_demo(at);
    let bounds = "\n  bounds: {math: {min: 0.01, max: 0.11}} # of the shelf\n  groups: {web: {domains: [\"web*\"], min: 0.2}}\n";
    let config = std::fs::read_to_string(at.join("fit.yaml")).unwrap();
    let start = config.find("constraints:").unwrap();
    let rest = format!(
        "# What fits into the run.\nconstraints:\n  target_tokens: 10_000_000_000\n  repetition_factor: 4{bounds}"
    );
    std::fs::write(
        at.join("fit.yaml"),
        config[..start].to_owned() + &rest + "diagnostics: {folds: 3, bootstrap: 12}\n",
    )
    .unwrap();
    printed(at, "fit --config fit.yaml --output-dir out --quiet");
}

/// A folder of one's own with the same.
fn fitted_copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = fitted();
    std::fs::create_dir(folder.path().join("out")).unwrap();
    for file in ["fit.yaml", "ratios.csv", "metrics.csv", "out/mixture.json"] {
        std::fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    folder
}

/// A server, which ends with this.
struct Page {
    process: Child,
    _output: BufReader<ChildStdout>,
    port: u16,
    token: String,
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Page {
    /// Starts a server in a folder.
    fn open(folder: &Path, path: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_olmix"))
            .args(["explore", path, "--no-open", "--json"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let url = told["url"].as_str().unwrap();
        let rest = url.strip_prefix("http://127.0.0.1:").unwrap();
        let (port, token) = rest.trim_end_matches('/').split_once('/').unwrap();
        Self {
            process,
            _output: output,
            port: port.parse().unwrap(),
            token: token.to_owned(),
        }
    }

    /// Sends a request as it is, and reads the answer to its end.
    fn raw(&self, request: &str) -> Answer {
        let mut socket = self.socket();
        socket.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        Answer {
            status,
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    fn socket(&self) -> TcpStream {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        socket
    }

    /// A request of the page: `path` is below the token.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let (port, token) = (self.port, &self.token);
        self.raw(&format!(
            "{method} /{token}/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}Content-Length: \
             {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, "", "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// The answer to a request with JSON.
    fn send(&self, path: &str, body: &Value) -> Answer {
        self.ask(
            "POST",
            path,
            "Content-Type: application/json\r\n",
            &body.to_string(),
        )
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.send(path, body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// The message of a request that is refused with a status.
    fn refused(&self, status: u16, path: &str, body: &Value) -> String {
        let answer = self.send(path, body);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        let error = &answer.json()["error"];
        format!(
            "{} / {}",
            error["message"].as_str().unwrap(),
            error["help"].as_str().unwrap_or_default()
        )
    }

    /// The settings of the file.
    fn settings(&self) -> Value {
        self.get("api/model")["settings"].clone()
    }
}

/// What a server answered.
struct Answer {
    status: u16,
    /// In small letters.
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// The weights of a mixture file.
fn weights_of(file: &Path) -> Vec<f64> {
    let text = std::fs::read_to_string(file).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let domains = file["domains"].as_array().unwrap();
    domains
        .iter()
        .map(|domain| domain["weight"].as_f64().unwrap())
        .collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

/// Settings with other fields in them.
fn with(settings: &Value, fields: &Value) -> Value {
    let mut settings = settings.clone();
    for (name, value) in fields.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let all = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter();
    all.map(|entry| entry.unwrap().path().to_owned()).collect()
}

/// A domain at a weight, and nothing else.
fn fixed(name: &str, weight: f64) -> Value {
    json!({"fixed": {name: weight}})
}
