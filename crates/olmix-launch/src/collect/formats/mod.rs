//! Formats of files that trackers write, apart from what they write in them.

pub mod entries;
pub mod event_log;
pub mod log_file;
pub mod sqlite;
pub mod wire;
