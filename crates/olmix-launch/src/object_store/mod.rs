//! Folders of runs in an object store, for clusters whose nodes share no filesystem with the launcher.

mod client;
mod error;
mod folder_sync;
mod transfer;

pub use client::{LAUNCHER_TIMEOUT, NODE_TIMEOUT, Storage};
pub use folder_sync::FileStamps;
