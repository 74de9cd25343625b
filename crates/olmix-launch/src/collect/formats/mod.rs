//! Formats of files that trackers write, apart from what they write in them.

pub mod entries;
pub mod event_log;
pub mod log_file;
pub mod sqlite;
pub mod wire;

/// How the records of a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// After a whole record.
    Whole,
    /// Within a record that begins at this byte.
    Cut(u64),
    /// At a record that is not as it was written, which begins at this byte.
    Damaged(u64),
}
