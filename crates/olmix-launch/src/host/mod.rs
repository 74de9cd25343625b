//! The machine that this process runs on: its clock, processes, signals and shell.

pub mod clock;
pub mod interrupt;
pub mod process;
pub mod shell;
