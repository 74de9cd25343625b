//! A Ray cluster of this machine: a head on loopback.
#![allow(dead_code)] // each test file uses a part
#![allow(clippy::unwrap_used, clippy::print_stderr)] // helpers of tests

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::python;

/// A head at work.
pub struct Ray {
    program: PathBuf,
    folder: tempfile::TempDir,
    ports: Vec<u16>,
}

impl Ray {
    /// Starts one. `None`, with the reason printed, where Ray can't be installed.
    pub fn start() -> Option<Self> {
        let python = python::with("ray", "ray[default]==2.60.0\n")?;
        let held: Vec<TcpListener> = (0..4)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let ports = held
            .iter()
            .map(|held| held.local_addr().unwrap().port())
            .collect();
        drop(held);
        let ray = Self {
            program: python.with_file_name("ray"),
            folder: tempfile::tempdir().unwrap(),
            ports,
        };
        ray.start_head();
        Some(ray)
    }

    /// The dashboard's address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    pub fn start_head(&self) {
        let port = |name: &str, i: usize| format!("--{name}={}", self.ports[i]);
        let done = self
            .command()
            .args([
                "start",
                "--head",
                "--node-ip-address=127.0.0.1",
                "--num-cpus=4",
                "--disable-usage-stats",
            ])
            .args([
                "--include-dashboard=true",
                "--dashboard-host=127.0.0.1",
                "--object-store-memory=100000000",
            ])
            .args([
                port("dashboard-port", 0),
                port("port", 1),
                port("ray-client-server-port", 2),
                port("dashboard-agent-listen-port", 3),
            ])
            .arg(format!("--temp-dir={}", self.folder.path().display()))
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.ports[0])).is_err() {
            assert!(
                begin.elapsed() < Duration::from_mins(2),
                "the dashboard does not answer"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends every process of Ray.
    pub fn stop_head(&self) {
        let _ = self
            .command()
            .args(["stop", "--force", "--grace-period=2"])
            .output();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("RAY_DISABLE_IMPORT_WARNING", "1")
            .env_remove("RAY_ADDRESS")
            .stdin(Stdio::null());
        command
    }

    /// A launcher in the background.
    pub fn launch(&self, folder: &Path, line: &str) -> std::process::Child {
        super::swarm::start_with(folder, line, &[("RAY_ADDRESS", &self.address())])
    }

    /// A command of ours, for this cluster.
    pub fn olmix(&self, folder: &Path, line: &str) -> assert_cmd::Command {
        let mut command = super::olmix(folder, line);
        command.env("RAY_ADDRESS", self.address());
        command
    }
}

impl Drop for Ray {
    fn drop(&mut self) {
        self.stop_head();
    }
}
