//! One Ray cluster of this machine for all tests of this process: a head on loopback.
#![cfg(target_os = "linux")]

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, RwLock};
use std::time::Instant;

use super::python;
use super::service::{PATIENCE, Turn, Turns, at_exit, port, wait_until, with_environment};

/// In the environment of everything that belongs to this Ray, with its folder.
const MARK: &str = "OLMIX_TEST_RAY";

/// The head, its folder and its ports.
struct Head {
    program: PathBuf,
    folder: PathBuf,
    ports: [u16; 4],
    /// Seconds that a job may wait for its place; Ray's own default where nothing is said.
    start_timeout: Option<u32>,
}

/// A test's turn at the cluster.
pub struct Ray {
    head: &'static Head,
    _turn: Option<Turn>,
}

static TURNS: Turns = RwLock::new(());

impl Head {
    /// `None`, with the reason printed, where Ray can't be installed.
    fn get() -> Option<&'static Self> {
        static HEAD: OnceLock<Option<Head>> = OnceLock::new();
        HEAD.get_or_init(|| Self::new(None)).as_ref()
    }

    /// Starts one that ends with this process.
    fn new(start_timeout: Option<u32>) -> Option<Self> {
        let head = Self {
            program: python::ray()?.with_file_name("ray"),
            folder: tempfile::tempdir().unwrap().keep(),
            ports: std::array::from_fn(|_| port()),
            start_timeout,
        };
        at_exit(&head.end());
        head.start();
        Some(head)
    }

    fn mark(&self) -> String {
        format!("{MARK}={}", self.folder.display())
    }

    /// The script that ends all that has its mark.
    fn end(&self) -> String {
        format!(
            "for file in $(grep -lsa '{}' /proc/[0-9]*/environ); do\n\
               pid=${{file#/proc/}}\n\
               kill -KILL \"${{pid%/environ}}\"\n\
             done\n\
             rm -rf '{}'\n",
            self.mark(),
            self.folder.display()
        )
    }

    fn start(&self) {
        let ports = [
            "dashboard-port",
            "port",
            "ray-client-server-port",
            "dashboard-agent-listen-port",
        ];
        let mut command = Command::new(&self.program);
        command
            .args([
                "start",
                "--head",
                "--node-ip-address=127.0.0.1",
                "--num-cpus=12",
                "--disable-usage-stats",
                "--include-dashboard=true",
                "--dashboard-host=127.0.0.1",
                "--object-store-memory=100000000",
            ])
            .args(
                ports
                    .iter()
                    .zip(self.ports)
                    .map(|(name, port)| format!("--{name}={port}")),
            )
            .arg(format!("--temp-dir={}", self.folder.display()))
            .env(MARK, &self.folder)
            .env("RAY_DISABLE_IMPORT_WARNING", "1")
            .env_remove("RAY_ADDRESS")
            .envs(
                self.start_timeout
                    .map(|seconds| ("RAY_JOB_START_TIMEOUT_SECONDS", seconds.to_string())),
            )
            .stdin(Stdio::null());
        // It gives up after half a minute, which is little on a machine at work on other things.
        let begin = Instant::now();
        loop {
            let done = command.output().unwrap();
            if done.status.success() {
                break;
            }
            let told = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(begin.elapsed() < PATIENCE, "{told}");
            self.kill();
        }
        wait_until("the dashboard answers", || {
            TcpStream::connect(("127.0.0.1", self.ports[0])).is_ok()
        });
    }
}

impl Head {
    /// Ends all its processes but those that runs had started, which nobody follows any more.
    fn kill(&self) {
        wait_until("the head is gone", || {
            let runs = with_environment("OLMIX_RUN_FOLDER=");
            let mut left = with_environment(&self.mark());
            left.retain(|pid| !runs.contains(pid));
            for pid in &left {
                super::swarm::signal(pid, "-KILL");
            }
            left.is_empty()
        });
    }
}

impl Ray {
    /// A turn beside other tests. `None`, with the reason printed, where Ray can't be installed.
    pub fn start() -> Option<Self> {
        Self::with(Turn::shared)
    }

    /// A turn while no other test has one: for those that stop the head.
    pub fn start_alone() -> Option<Self> {
        Self::with(Turn::alone)
    }

    /// A head of the test's own, which gives jobs that it can't place up after some seconds. How long it waits
    /// can't be set for one job.
    pub fn start_impatient() -> Option<Self> {
        let head = Box::leak(Box::new(Head::new(Some(6))?));
        Some(Self { head, _turn: None })
    }

    fn with(turn: fn(&'static Turns) -> Turn) -> Option<Self> {
        let turn = turn(&TURNS);
        let head = Head::get()?;
        Some(Self {
            head,
            _turn: Some(turn),
        })
    }

    /// The dashboard's address.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.head.ports[0])
    }

    pub fn start_head(&self) {
        self.head.start();
    }

    /// Ends the head and its node as a crash of the machine's Ray does.
    pub fn stop_head(&self) {
        self.head.kill();
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
