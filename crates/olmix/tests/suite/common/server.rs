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
        Self::start_with(python, arguments, folder, &[])
    }

    /// As [`Server::start`], of any program, with further variables.
    pub fn start_with(
        program: &Path,
        arguments: &[&str],
        folder: &Path,
        environment: &[(&str, &str)],
    ) -> Self {
        let port = port();
        let log = std::fs::File::create(folder.join("server.log")).unwrap();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(port.to_string())
            .envs(environment.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        // Stopped, too, where it never answers.
        let mut server = Self {
            process: command.spawn().unwrap(),
            url: format!("http://127.0.0.1:{port}"),
        };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.process.try_wait().unwrap();
            let log = || std::fs::read_to_string(folder.join("server.log")).unwrap();
            assert!(ended.is_none() && begin.elapsed() < PATIENCE, "{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// The S3 server that all tests of this process share, each with buckets of its own.
    pub fn s3(python: &Path) -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Self::shared(python, &["-m", "moto.server", "-p"], &[]))
    }

    /// The server of Azure's blobs that all tests of this process share, of a folder with npm's packages.
    pub fn azure(packages: &Path) -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| {
            let main = packages.join("node_modules/azurite/dist/src/blob/main.js");
            let arguments = [
                &main.display().to_string(),
                "--inMemoryPersistence",
                "--silent",
                "--disableTelemetry",
                // Its releases come after those of clients.
                "--skipApiVersionCheck",
                "--blobPort",
            ];
            let accounts = format!("{AZURE_ACCOUNT}:{AZURE_KEY}");
            let environment = [("AZURITE_ACCOUNTS", accounts.as_str())];
            Self::shared(&packages.join("node"), &arguments, &environment)
        })
    }

    /// A server that ends with this process.
    fn shared(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let server = Self::start_with(program, arguments, &folder, environment);
        let group = server.process.id();
        at_exit(&format!(
            "kill -s KILL -- -{group}\nrm -r '{}'",
            folder.display()
        ));
        server
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

/// The account of Azurite, and its key.
const AZURE_ACCOUNT: &str = "tests";
const AZURE_KEY: &str = "a2V5IG9mIHRlc3Rz";

/// The environment of a client of the Azurite of a URL.
pub fn azure(url: &str) -> Vec<(String, String)> {
    [
        ("AZURE_STORAGE_ACCOUNT_NAME", AZURE_ACCOUNT.to_owned()),
        ("AZURE_STORAGE_ACCOUNT_KEY", AZURE_KEY.to_owned()),
        ("AZURE_STORAGE_ENDPOINT", format!("{url}/{AZURE_ACCOUNT}")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}
