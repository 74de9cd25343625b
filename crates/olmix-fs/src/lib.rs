//! Files and folders that are written whole or not at all, and paths in one spelling.
//!
//! | what | with |
//! | --- | --- |
//! | one file, its bytes at hand | [`write_whole`], [`write_private`] where others must not read it |
//! | one file, written as a stream | [`AtomicFile`] |
//! | several files, none of which appears if one can't be written | [`StagedFile`] |
//! | a folder of files | [`StagedFolder`] |
//! | files and folders beside each other, all in one state | [`StagedSet`] |
//! | a file read, of any size | [`read_bounded`], [`Bound`] |
//! | one process at a time | [`FileLock`] |
//! | names of files from other names | [`file_safe`] |
//! | the same path for two spellings | [`canonical_parent`], [`canonical_prefix`] |
//!
//! Content goes to a temporary file or folder on the same disk, is flushed to the disk (`fsync`), and is
//! then renamed, or exchanged with an earlier folder. After a crash at any moment, the target is what it was
//! or what it is to be. Temporary names begin with `.olmix-`, and their process holds a lock on them;
//! [`remove_abandoned`] removes those that a killed process left, and the next write in their folder does so
//! too. Devices, pipes and descriptors are written into and never replaced.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("results/summary.txt");
//! olmix_fs::write_whole(&path, b"first")?; // makes the folder
//! olmix_fs::write_whole(&path, b"second")?; // replaces the file
//! assert_eq!(std::fs::read(&path)?, b"second");
//!
//! // A file that is dropped before its commit leaves the target as it was.
//! use std::io::Write as _;
//! let mut unfinished = olmix_fs::AtomicFile::create_in(folder.path())?;
//! unfinished.write_all(b"half of the third")?;
//! drop(unfinished);
//! assert_eq!(std::fs::read(&path)?, b"second");
//! # Ok(())
//! # }
//! ```

mod abandoned;
mod atomic;
mod bounds;
mod canonical;
mod error;
mod exchange;
mod lock;
mod names;
mod special;
mod staging;
mod temporary;
mod together;

pub use abandoned::{remove_abandoned, remove_unfinished};
pub use atomic::{AtomicFile, StagedFile, remove_if_exists, write_private, write_whole};
pub use bounds::{Bound, DOCUMENT, FILE, read_bounded, read_text_bounded};
pub use canonical::{canonical_parent, canonical_prefix};
pub use error::WriteError;
pub use lock::FileLock;
pub use names::file_safe;
pub use special::is_standard_output;
pub use staging::StagedFolder;
pub use temporary::{check_file, check_writable, is_temporary};
pub use together::StagedSet;
