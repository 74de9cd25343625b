//! Processes of this machine: telling them apart, and ending all that belong to a run.
//!
//! A process's number may be given to another one later, so it is known by its number and the time
//! it began, and that time by the boot of the machine it counts from. Where the system does not say
//! (other systems than Linux), a process is known by its number alone.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use olmix_ledger::Process;

/// The environment variable that marks every process of a run: its folder.
pub const MARK: &str = "OLMIX_RUN_FOLDER";

/// Whether a process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// Its number is that of a process that began when it did.
    Alive,
    /// It has ended; its number may be another process's by now.
    Dead,
    /// It is of another machine or container; from here nobody can tell.
    Unknown,
}

/// A process of this machine.
#[must_use]
pub fn of_pid(pid: u32) -> Process {
    Process {
        host: gethostname::gethostname().to_string_lossy().into_owned(),
        pid,
        started: started(pid),
    }
}

/// This process, as others find it in the ledger.
#[must_use]
pub fn this() -> Process {
    of_pid(std::process::id())
}

/// Whether a recorded process lives.
#[must_use]
pub fn liveness(process: &Process) -> Liveness {
    let here = of_pid(process.pid);
    if here.host != process.host {
        return Liveness::Unknown;
    }
    let parts = |started: &str| {
        let mut parts = started.splitn(3, '/').map(str::to_owned);
        [(); 3].map(|()| parts.next().unwrap_or_default())
    };
    let [boot, space, ticks] = parts(&process.started);
    let [boot_now, space_now, ticks_now] = parts(&here.started);
    if boot != boot_now {
        return Liveness::Dead;
    }
    if space != space_now {
        return Liveness::Unknown;
    }
    let lives = stat(process.pid).map_or_else(
        || !has_proc() && kill(pid_of(process.pid), None).is_ok(),
        |stat| !stat.ended,
    );
    if lives && ticks == ticks_now {
        Liveness::Alive
    } else {
        Liveness::Dead
    }
}

/// When a process began: boot of the machine, space of process numbers, and ticks since the boot.
fn started(pid: u32) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let ticks = stat(pid).map_or_else(String::new, |stat| stat.ticks.to_string());
    let space = space.to_string_lossy().replace('/', "");
    format!("{}/{space}/{ticks}", boot.trim())
}

fn has_proc() -> bool {
    Path::new("/proc/self/stat").exists()
}

/// What the system says of a process.
struct Stat {
    /// It ended, and nobody has asked how.
    ended: bool,
    group: u32,
    ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses, and may hold any character.
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    Some(Stat {
        ended: matches!(*fields.first()?, "Z" | "X"),
        group: fields.get(2)?.parse().ok()?,
        ticks: fields.get(19)?.parse().ok()?,
    })
}

/// The living processes of a run: those of the process group that its leader began, and all that
/// carry the run's mark, whatever group they made for themselves.
#[must_use]
pub fn of_run(leader: Option<&Process>, folder: &Path) -> Vec<u32> {
    // A leader whose number was given to another process leads nothing of ours.
    let group = leader
        .filter(|leader| leader.host == this().host)
        .filter(|leader| {
            let again = of_pid(leader.pid);
            stat(leader.pid).is_none() || again.started == leader.started
        })
        .map(|leader| leader.pid);
    let mark = format!("{MARK}={}", folder.display());
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let own = std::process::id();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|&pid: &u32| pid != own)
        .filter(|&pid| {
            let Some(stat) = stat(pid).filter(|stat| !stat.ended) else {
                return false;
            };
            group == Some(stat.group) || marked(pid, &mark)
        })
        .collect()
}

/// Whether a process began with a variable in its environment.
fn marked(pid: u32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|&byte| byte == 0)
        .any(|variable| variable == mark.as_bytes())
}

fn signal(hard: bool) -> Signal {
    if hard {
        Signal::SIGKILL
    } else {
        Signal::SIGTERM
    }
}

/// Asks the process group of a leader that has not been waited for to end, or ends it when `hard`.
pub fn signal_group(leader: &Process, hard: bool) {
    // A group that has ended since is what we want.
    let _ = killpg(pid_of(leader.pid), signal(hard));
}

/// Asks all processes of a run to end, or ends them when `hard`. Returns how many there are.
pub fn end_run(leader: Option<&Process>, folder: &Path, hard: bool) -> usize {
    let signal = signal(hard);
    let pids = of_run(leader, folder);
    for &pid in &pids {
        // One that has ended since is what we want.
        let _ = kill(pid_of(pid), signal);
    }
    pids.len()
}

fn pid_of(pid: u32) -> Pid {
    // Numbers of processes are far below 2^31.
    Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    fn a_process_is_alive_until_it_ends_and_another_boot_or_host_is_told_apart() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = of_pid(child.id());
        assert_eq!(liveness(&process), Liveness::Alive);
        let mut other = process.clone();
        other.host += "-other";
        assert_eq!(liveness(&other), Liveness::Unknown);
        let mut before = process.clone();
        before.started = format!("boot{}", process.started);
        assert_eq!(liveness(&before), Liveness::Dead);
        let mut later = process.clone();
        later.started += "7";
        assert_eq!(liveness(&later), Liveness::Dead);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(liveness(&process), Liveness::Dead);
    }

    #[test]
    fn all_processes_of_a_run_are_ended_whatever_group_they_made() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sh")
            .args(["-c", "setsid sleep 60 & sleep 61 & wait"])
            .env(MARK, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let wait_for = |count: usize| {
            let begin = Instant::now();
            while of_run(None, folder.path()).len() != count {
                assert!(begin.elapsed() < Duration::from_secs(10));
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        wait_for(3);
        assert!(of_run(None, &folder.path().join("other")).is_empty());
        end_run(None, folder.path(), true);
        shell.wait().unwrap();
        wait_for(0);
    }
}
