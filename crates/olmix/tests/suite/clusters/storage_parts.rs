//! Uploads in parts that are cut off: by a gateway before a real server that refuses one of the parts.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ON_SLURM;
use super::storage::Setting;
use crate::common::swarm::{assert_as_quiet, held_by, log, release, runs};

/// A gateway before the server of a URL, which answers requests with a text in their first line with 403 while
/// it is closed; its URL, and how often it has done so. Each connection is for one request.
fn gateway(server: &str, refused: &'static str, opened: &Path) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let refusals = Arc::new(AtomicUsize::new(0));
    let (server, opened) = (
        server.trim_start_matches("http://").to_owned(),
        opened.to_owned(),
    );
    let told = Arc::clone(&refusals);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (server, opened) = (server.clone(), opened.clone());
            let refusals = Arc::clone(&refusals);
            std::thread::spawn(move || {
                // Either side may go away.
                let _ = pass(&stream, &server, |line| {
                    let refuses = line.contains(refused) && !opened.exists();
                    refusals.fetch_add(usize::from(refuses), Ordering::Relaxed);
                    refuses
                });
            });
        }
    });
    (url, told)
}

/// Passes one request on, and what it is answered.
fn pass(
    mut client: &TcpStream,
    server: &str,
    refuses: impl Fn(&str) -> bool,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    let mut length = 0;
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let name = line.to_ascii_lowercase();
        if let Some(value) = name.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            head += "connection: close\r\n";
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if refuses(head.lines().next().unwrap_or_default()) {
        let text = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        return write!(
            client,
            "HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
    }
    let mut to = TcpStream::connect(server)?;
    to.write_all(head.as_bytes())?;
    to.write_all(&body)?;
    std::io::copy(&mut to, &mut client)?;
    Ok(())
}

#[test]
fn upload_in_parts_that_is_refused_half_way_leaves_nothing_and_is_made_again() {
    let Some(setting) = Setting::new("parts") else {
        return;
    };
    let folder = setting.path();
    // The third part of a checkpoint is refused for a while.
    let opened = folder.join("opened");
    let (url, refusals) = gateway(&setting.store.server.url, "partNumber=3", &opened);
    let command = format!(
        "mkdir -p {{out}}/checkpoints && seq 1 3000000 > {{out}}/.step && mv {{out}}/.step \
         {{out}}/checkpoints/step && {}",
        held_by("go")
    );
    setting.swarm(1, &command, &setting.bucket);
    let mut launcher = setting.launch_with(ON_SLURM, &[("AWS_ENDPOINT_URL", &url)]);
    let refused = || refusals.load(Ordering::Relaxed);
    setting
        .slurm
        .wait_for("a part is refused", |_| refused() > 0);
    setting.slurm.wait_for("its upload is given up", |_| {
        setting.store.uploads(&setting.bucket) == 0
    });
    let kept = |name: &str| {
        let name = format!("some/swarm/run-00/{name}");
        setting.objects().contains(&name)
    };
    assert!(!kept("checkpoints/step"));
    fs::write(&opened, "").unwrap();
    release(folder, "go");
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, 1);
    assert!(
        runs(folder).iter().all(|run| run.attempt == 1),
        "{}",
        log(folder)
    );
    let name = "some/swarm/run-00/checkpoints/step";
    assert_eq!(setting.store.parts(&setting.bucket, name), 3);
    assert_eq!(setting.store.uploads(&setting.bucket), 0);
    let told = fs::read_to_string(folder.join("swarm/runs/run-00/log.txt")).unwrap();
    assert_eq!(
        told.matches("not kept yet, tried again").count(),
        1,
        "{told}"
    );
    assert!(refused() > 0 && !told.contains("attempt 2"), "{told}");
}
