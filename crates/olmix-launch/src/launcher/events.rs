//! What a launch tells while it goes on, and what it is asked.

use olmix_ledger::Ledger;

use crate::host::interrupt::StopRequest;

/// Something that happened to a run, or to the launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A run was given to the engine: its name, and which attempt it is, from 1.
    Started(String, u32),
    /// The run of a name finished.
    Finished(String),
    /// The run of a name failed; whether it is tried again, and why it failed.
    Failed(String, bool, String),
    /// The run of a name was cancelled while it ran.
    Cancelled(String),
    /// So many runs were taken from a launcher that died.
    Recovered(usize),
    /// So many runs that an engine has are followed from here on.
    Adopted(usize),
    /// The engine preempted the run of a name and will begin it again by itself; why.
    Requeued(String, String),
    /// A line from the engine for people.
    Notice(String),
}

/// Hears of a launch while it goes on, and may end it.
pub trait Watcher {
    /// Called once for each event, in the order that they happen.
    fn event(&mut self, event: &Event);

    /// Called once in each round of the loop, some forty times a second: whether the launch is to end. The
    /// ledger is there to be read.
    fn stop_request(&mut self, ledger: &Ledger) -> StopRequest;
}

/// How a launch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaunchEnd {
    /// No run is left that waits or runs.
    Complete,
    /// It was stopped; so many runs that ran are queued again.
    Stopped(usize),
    /// It ended while so many runs go on with their engine.
    Detached(usize),
}

/// When a launch ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When no run is left that waits or runs.
    Complete,
    /// When the engine has all of them.
    Submitted,
    /// When those that someone asked to cancel have ended; none is begun.
    Cancelled,
    /// After one poll of the engine, or as many as decide what became of runs that it does not list; none is
    /// begun.
    Polled,
}
