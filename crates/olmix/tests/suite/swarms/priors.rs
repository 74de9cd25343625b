//! What `olmix priors` promises, run as a user runs it.

use std::path::Path;

use crate::common::python::python;
use crate::common::server::Server;
use assert_cmd::Command;

fn olmix(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_olmix"));
    command.args(line.split_whitespace()).current_dir(folder);
    command.env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

fn config(folder: &Path, sources: &str) {
    let text = format!("name: test\ndata:\n  dtype: uint16\n  sources:\n{sources}");
    std::fs::write(folder.join("gen.yaml"), text).unwrap();
}

#[test]
fn priors_compute_writes_what_generate_needs() {
    let folder = tempfile::tempdir().unwrap();
    for (name, size) in [("web", 6000), ("wiki", 2000)] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("a.bin"), vec![0; size]).unwrap();
    }
    let sources = "  - {name: web, paths: [web/*.bin]}\n  - {name: wiki, paths: [wiki/*.bin]}\n";
    config(folder.path(), sources);
    let run = olmix(folder.path(), "priors compute --config gen.yaml")
        .assert()
        .success();
    let printed = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    assert_eq!(
        printed,
        "priors:\n  relative_sizes:\n    web: 0.75\n    wiki: 0.25\n  token_counts:\n    web: 3000\n    \
         wiki: 1000\n"
    );
    let path = folder.path().join("gen.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{printed}max_tokens: 1000\n")).unwrap();
    olmix(folder.path(), "generate --config gen.yaml --variants 5")
        .assert()
        .success();
    let run = olmix(folder.path(), "priors show gen.yaml")
        .assert()
        .success();
    let shown = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    assert!(shown.starts_with(" web    75.00 %  3.00K  ████"), "{shown}");
}

#[test]
fn priors_compute_refuses_an_uncountable_shard_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("odd.bin"), [0; 3]).unwrap();
    std::fs::write(folder.path().join("fine.bin"), [0; 4]).unwrap();
    config(folder.path(), "  - {name: web, paths: [\"*.bin\"]}\n");
    let line = "priors compute --config gen.yaml --output priors.yaml";
    let run = olmix(folder.path(), line).assert().code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("odd.bin (`web`): 3 bytes are not a multiple of 2"),
        "{message}"
    );
    assert!(!folder.path().join("priors.yaml").exists());
    config(
        folder.path(),
        "  - {name: web, format: tockens, paths: [\"*.bin\"]}\n",
    );
    let run = olmix(folder.path(), line).assert().code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(message.starts_with("error: gen.yaml:5:"), "{message}");
    assert!(
        message.contains("`tockens`") && message.contains("`tokens`"),
        "{message}"
    );
}

/// 1,201 shards of two tokens; shards with an NPY header, alone and among others without; a text.
const FILL: &str = r#"
import gzip, io, os
import boto3
import numpy as np
from concurrent.futures import ThreadPoolExecutor
s3 = boto3.client("s3")
s3.create_bucket(Bucket="data")
def put(key, body): s3.put_object(Bucket="data", Key=key, Body=body)
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda i: put(f"web/{i % 7}/part-{i:05}.npy", bytes(4)), range(1201)))
for i in range(4):
    file = io.BytesIO()
    np.save(file, np.arange(100, dtype=np.uint16))
    put(f"headed/{i}.npy", file.getvalue())
    put(f"mixed/{i}.npy", bytes(2))
    put(f"mixed/9{i}.npy", file.getvalue())
put("text/a b.jsonl.gz", gzip.compress(b'{"text": "12345"}\n'))
put("web/readme.md", b"no shard")
s3.put_object(Bucket="data", Key="public/a.bin", Body=bytes(6), ACL="public-read")
put("mega/x.bin", bytes(40))
number = lambda n, width=8: n.to_bytes(width, "little")
put("mega/x.idx", b"MMIDIDX\x00\x00" + number(1) + b"\x04" + number(1) + number(2) + number(10, 4) + number(0) + number(0) + number(1))
"#;

#[test]
fn priors_compute_counts_every_page_of_an_s3_listing() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::s3(&python);
    let environment = server.environment();
    let mut fill = std::process::Command::new(&python);
    let done = fill.args(["-c", FILL]).envs(environment).output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let sources = "  - {name: mixed, paths: [\"s3://data/mixed/*\"]}\n  \
                   - {name: web, paths: [\"s3://data/web/**/*.npy\"]}\n  \
                   - {name: headed, paths: [\"s3://data/headed/*\"]}\n  \
                   - {name: text, paths: [\"s3://data/text/*\"]}\n  \
                   - {name: mega, paths: [\"s3://data/mega/*\"]}\n";
    config(folder.path(), sources);
    let count = |line: &str| {
        let run = olmix(folder.path(), line)
            .envs(environment)
            .assert()
            .success();
        let printed: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
        let of = |leaf: &str| printed["leaves"][leaf]["tokens"].as_u64().unwrap();
        ["web", "headed", "text", "mega", "mixed"].map(of)
    };
    let counted = [2402, 400, 5, 10, 404];
    assert_eq!(count("priors compute --config gen.yaml --json"), counted);
    assert_eq!(count("priors compute --config gen.yaml --json"), counted);
    config(
        folder.path(),
        "  - {name: none, paths: [\"s3://data/none/*.npy\"]}\n",
    );
    let line = "priors compute --config gen.yaml";
    let run = olmix(folder.path(), line)
        .envs(environment)
        .assert()
        .code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("`none`: `s3://data/none/*.npy` matches nothing"),
        "{message}"
    );
}

#[test]
fn priors_compute_counts_files_of_a_web_server_without_ranges() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.npy"), [0; 10_000]).unwrap();
    std::fs::write(folder.path().join("b.jsonl"), "{\"text\": \"12345\"}\n").unwrap();
    let Ok(version) = std::process::Command::new("python3")
        .arg("--version")
        .output()
    else {
        println!("skipped: there is no python3 to serve files");
        return;
    };
    assert!(version.status.success());
    let arguments = ["-m", "http.server", "--bind", "127.0.0.1"];
    let server = Server::start(Path::new("python3"), &arguments, folder.path());
    let url = &server.url;
    let sources = format!(
        "  - {{name: a, paths: [\"{url}/a.npy\"]}}\n  - {{name: b, paths: [\"{url}/b.jsonl\"]}}\n"
    );
    config(folder.path(), &sources);
    let run = olmix(folder.path(), "priors compute --config gen.yaml --json")
        .assert()
        .success();
    let printed: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(printed["leaves"]["a"]["tokens"], 5000);
    assert_eq!(printed["leaves"]["b"]["tokens"], 5);
}
