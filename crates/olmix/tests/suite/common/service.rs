//! What every service of the tests needs: ports of its own, an end with this process, and turns.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// How long tests wait for what must come: long enough for any machine at work on other things.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// Ports of one process of tests, the first of which it holds as long as it lives.
const BLOCK: u16 = 150;
const FIRST: u16 = 20_000;
/// Below the ports that systems hand out by themselves.
const LAST: u16 = 32_000;

/// A port of this machine that no other process of tests uses, and that nobody listened at just now.
pub fn port() -> u16 {
    static HELD: OnceLock<(TcpListener, u16)> = OnceLock::new();
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let claim = || {
        let blocks = (LAST - FIRST) / BLOCK;
        let begin = (std::process::id() % u32::from(blocks)) as u16;
        let bases = (0..blocks).map(|i| FIRST + (begin + i) % blocks * BLOCK);
        let mut held =
            bases.filter_map(|base| Some((TcpListener::bind(("0.0.0.0", base)).ok()?, base)));
        held.next()
            .unwrap_or_else(|| panic!("there is no free block of ports"))
    };
    let base = HELD.get_or_init(claim).1;
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(next < BLOCK, "a process of tests has {BLOCK} ports");
        if TcpListener::bind(("0.0.0.0", base + next)).is_ok() {
            return base + next;
        }
    }
}

/// Runs a shell script once this process has ended, even by a signal: services that all tests share have no
/// other end.
#[expect(clippy::zombie_processes, reason = "it ends after this process")]
pub fn at_exit(script: &str) {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            &format!("trap '' INT TERM HUP\ncat > /dev/null\n{script}"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child: Child = command.spawn().unwrap();
    // This end of the pipe is closed by the system, when it closes everything else.
    std::mem::forget(child.stdin.take());
}

/// Tests that share a service, and those that disturb it and so have it alone.
pub type Turns = RwLock<()>;

/// A test's turn, over when it is dropped. A turn that a failed test left is as good as any.
pub struct Turn {
    _shared: Option<RwLockReadGuard<'static, ()>>,
    _alone: Option<RwLockWriteGuard<'static, ()>>,
}

impl Turn {
    pub fn shared(turns: &'static Turns) -> Self {
        Self {
            _shared: Some(turns.read().unwrap_or_else(PoisonError::into_inner)),
            _alone: None,
        }
    }

    pub fn alone(turns: &'static Turns) -> Self {
        Self {
            _shared: None,
            _alone: Some(turns.write().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

/// Waits for what must come.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Processes of this machine whose environment has a text, zombies left out.
pub fn with_environment(text: &str) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(text)
            && state_and_parent(*pid).is_some_and(|(state, _)| state != 'Z')
    })
    .collect()
}

/// The state of a process as the system has it, and its parent.
pub fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}
