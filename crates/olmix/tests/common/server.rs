//! Servers of this machine, for tests.
#![allow(dead_code)] // each test file uses a part
#![allow(clippy::unwrap_used)] // helpers of tests

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A server on this machine, stopped when it is dropped.
pub struct Server {
    process: Child,
    pub url: String,
}

impl Server {
    /// Starts a module of Python with a port as its last argument, and waits until it answers.
    pub fn start(python: &Path, arguments: &[&str], folder: &Path) -> Self {
        // A port that is free now; the server takes it at once.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = std::process::Command::new(python)
            .args(arguments)
            .arg(port.to_string())
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                begin.elapsed() < Duration::from_mins(1),
                "the server does not answer"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    /// An S3 server.
    pub fn s3(python: &Path, folder: &Path) -> Self {
        Self::start(python, &["-m", "moto.server", "-p"], folder)
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
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
