//! Ctrl-C ends a command within a second, with a message, and leaves nothing behind.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A generation config of so many leaves, with a design that takes long.
fn config(leaves: usize) -> String {
    let mut text = "name: s\ndata:\n  sources:\n".to_owned();
    let mut counts = Vec::new();
    for j in 0..leaves {
        text += &format!("  - {{name: d{j}, paths: [\"x/{j}/*.npy\"]}}\n");
        counts.push(format!("d{j}: {}", 1000 + 7 * j));
    }
    text + &format!(
        "priors: {{token_counts: {{{}}}}}\nswarm: {{design: v_optimal, enable_bound: false}}\n",
        counts.join(", ")
    )
}

#[test]
fn an_interrupt_ends_a_command_at_once_with_130_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("g.yaml"), config(400)).unwrap();
    let before = super::contents(at);
    let run = Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args("generate --config g.yaml --output .".split(' '))
        .current_dir(at)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let asked = Instant::now();
    let kill = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success(), "it had ended before");
    let end = run.wait_with_output().unwrap();
    let took = asked.elapsed();
    let message = String::from_utf8_lossy(&end.stderr);
    assert_eq!(end.status.code(), Some(130), "{message}");
    assert!(
        message.contains("stopped") && message.contains("help: "),
        "{message}"
    );
    println!("ended {took:?} after it was asked to");
    assert_eq!(super::contents(at), before);
}
