//! The command: what it prints, how it ends, what it refuses.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use super::{Page, fitted, fitted_copy};
use crate::common::refused;

#[test]
fn an_interrupt_ends_the_server_with_success_and_frees_the_port() {
    let mut page = Page::open(fitted(), "out");
    page.get("api/model");
    // A page that listens must not keep it.
    let mut listens = page.socket();
    let request = format!(
        "GET /{}/api/swarm/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n",
        page.token, page.port
    );
    std::io::Write::write_all(&mut listens, request.as_bytes()).unwrap();
    let kill = Command::new("kill")
        .args(["-INT", &page.process.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let end = page.process.wait().unwrap();
    assert_eq!(end.code(), Some(0));
    drop(listens);
    assert!(std::net::TcpStream::connect(("127.0.0.1", page.port)).is_err());
}

#[test]
fn a_port_that_is_taken_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let message = refused(fitted(), &format!("explore out --no-open --port {port}"));
    assert!(
        message.contains(&format!("port {port} is taken")) && message.contains("--port"),
        "{message}"
    );
}

#[test]
fn what_can_not_be_explored_is_refused_with_a_message() {
    let folder = fitted_copy();
    let at = folder.path();
    let text = fs::read_to_string(at.join("out/mixture.json")).unwrap();
    fs::write(
        at.join("newer.json"),
        text.replacen("\"version\": 2", "\"version\": 3", 1),
    )
    .unwrap();
    fs::write(at.join("changed.json"), text.replacen("0.05", "0.06", 1)).unwrap();
    fs::write(at.join("empty.json"), "").unwrap();
    fs::create_dir(at.join("empty")).unwrap();
    for (path, part) in [
        ("newer.json", "version 3 is newer than 2"),
        ("changed.json", "checksum"),
        ("empty.json", "can't be understood"),
        (
            "empty",
            "no mixture.json, no olmix.yaml and no ledger.sqlite",
        ),
        ("none", "no such file"),
        ("ratios.csv", "can't be understood"),
    ] {
        let message = refused(at, &format!("explore {path} --no-open"));
        assert!(
            message.contains(part) && message.contains("help: "),
            "{message}"
        );
    }
}
