//! A disk that is soon full.
#![cfg(target_os = "linux")]

use std::path::PathBuf;

/// A file system of a few megabytes, gone when it is dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(&at)
            .output();
        match mount {
            Ok(done) if done.status.success() => Some(Self(at)),
            _ => {
                eprintln!("skipped: a small file system can't be mounted here");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}
