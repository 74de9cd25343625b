//! Servers of this machine, for tests.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::service::{PATIENCE, at_exit, port};

/// A server on this machine, stopped with all its workers when it is dropped.
pub struct Server {
    process: Child,
    pub url: String,
}

impl Server {
    /// Starts a Python with a port as its last argument, and waits until it answers. What it prints is in
    /// `server.log`.
    pub fn start(python: &Path, arguments: &[&str], folder: &Path) -> Self {
        let port = port();
        let log = std::fs::File::create(folder.join("server.log")).unwrap();
        let mut command = Command::new(python);
        command
            .args(arguments)
            .arg(port.to_string())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn().unwrap();
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = process.try_wait().unwrap();
            let log = || std::fs::read_to_string(folder.join("server.log")).unwrap();
            assert!(ended.is_none() && begin.elapsed() < PATIENCE, "{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        let url = format!("http://127.0.0.1:{port}");
        Self { process, url }
    }

    /// The S3 server that all tests of this process share, each with buckets of its own.
    pub fn s3(python: &Path) -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap().keep();
            let server = Self::start(python, &["-m", "moto.server", "-p"], &folder);
            let group = server.process.id();
            at_exit(&format!(
                "kill -KILL -- -{group}\nrm -r '{}'",
                folder.display()
            ));
            server
        })
    }

    /// What a client of an S3 server needs.
    pub fn environment(&self) -> [(&str, &str); 4] {
        s3(&self.url)
    }
}

/// The environment of a client of the S3 server of a URL.
pub fn s3(url: &str) -> [(&str, &str); 4] {
    [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", url),
    ]
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}
