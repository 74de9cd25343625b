//! Targets that are no plain files: devices, pipes, terminals, what a descriptor of this process names.
//!
//! They are written into and never replaced: a rename over `/dev/stdout` or `/dev/null` would put a plain
//! file there for the whole machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::WriteError;
use crate::temporary::parent;

/// What a path that is to be written to names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A plain file, or nothing yet: the path to be replaced, links followed.
    Plain(PathBuf),
    /// Something that takes a stream of bytes.
    Stream(PathBuf),
}

/// Links that are followed, as the operating system does.
const MOST_LINKS: usize = 40;

impl Target {
    /// Looks at what is there.
    ///
    /// # Errors
    /// [`WriteError`] for a folder, and for what can't be written as a stream: sockets and disks.
    pub fn of(path: &Path) -> Result<Self, WriteError> {
        let failed = WriteError::at(path);
        // A descriptor is written into even where it names a plain file: whoever redirected it holds that file.
        if is_descriptor(path) {
            return Ok(Self::Stream(path.to_owned()));
        }
        let Ok(found) = fs::metadata(path) else {
            // Nothing there, or a link that names nothing, which gives way to the file.
            return Ok(Self::Plain(path.to_owned()));
        };
        if found.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if found.is_file() {
            let linked = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
            let real = if linked {
                fs::canonicalize(path).ok()
            } else {
                None
            };
            return Ok(Self::Plain(real.unwrap_or_else(|| path.to_owned())));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt as _;
            let kind = found.file_type();
            let what = match () {
                () if kind.is_socket() => "it is a socket",
                () if kind.is_block_device() => "it is a disk",
                () => return Ok(Self::Stream(path.to_owned())),
            };
            Err(failed(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{what}; name a file, a pipe or a terminal"),
            )))
        }
        #[cfg(not(unix))]
        Ok(Self::Stream(path.to_owned()))
    }
}

/// Whether a path, or the links that it stands for, name a descriptor of a process.
fn is_descriptor(path: &Path) -> bool {
    descriptor(path).is_some()
}

/// The entry of `/proc/…/fd` or `/dev/fd` that a path stands for.
fn descriptor(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let folder = fs::canonicalize(parent(&path)).ok()?;
        let name = path.file_name()?;
        let entry = folder.join(name);
        let of_process = folder.starts_with("/proc") && folder.ends_with("fd");
        if of_process || folder == Path::new("/dev/fd") {
            return fs::symlink_metadata(&entry).is_ok().then_some(entry);
        }
        let link = fs::read_link(&entry).ok()?;
        path = folder.join(link);
    }
    None
}

/// Whether writing to a path is writing to this process's standard output.
#[must_use]
pub fn is_standard_output(path: &Path) -> bool {
    standard(path) == Some(1)
}

/// 1 or 2 where a path names this process's standard output or error.
fn standard(path: &Path) -> Option<u32> {
    let entry = descriptor(path)?;
    let own = format!("/proc/{}/", std::process::id());
    let here = entry.starts_with(&own) || entry.starts_with("/dev/fd");
    let number = entry.file_name()?.to_str()?.parse().ok()?;
    (here && matches!(number, 1 | 2)).then_some(number)
}

/// Writes into what is no plain file. A reader that has gone is no error, as for standard output.
///
/// A pipe that nobody reads yet is waited for, as every program does that opens one.
pub(crate) fn write_into(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let written = open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.flush()
    });
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(WriteError::new(path, error))
        }
        _ => Ok(()),
    }
}

fn open(path: &Path) -> io::Result<File> {
    // Opened again, a redirected plain file would be written from its beginning.
    #[cfg(unix)]
    if let Some(number) = standard(path) {
        use std::os::fd::AsFd as _;
        let own = match number {
            1 => io::stdout().as_fd().try_clone_to_owned(),
            _ => io::stderr().as_fd().try_clone_to_owned(),
        };
        return Ok(File::from(own?));
    }
    let append = fs::metadata(path).is_ok_and(|found| found.is_file());
    OpenOptions::new().write(true).append(append).open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, symlink};
    use std::thread;

    use super::*;
    use crate::write_whole;

    #[test]
    fn a_pipe_gets_all_bytes_and_stays_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        make_node(&pipe, rustix::fs::FileType::Fifo, 0).unwrap();
        // A link to it is followed, and stays.
        let link = folder.path().join("link");
        symlink("pipe", &link).unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|i| i as u8).collect();
        for path in [&pipe, &link] {
            let reader = thread::spawn({
                let pipe = pipe.clone();
                move || fs::read(pipe).unwrap()
            });
            write_whole(path, &bytes).unwrap();
            assert_eq!(reader.join().unwrap(), bytes);
            assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }
        assert_eq!(
            crate::temporary::tests::names(folder.path()),
            ["link", "pipe"]
        );
    }

    #[test]
    fn a_device_is_written_into_and_stays_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("null");
        // 1, 3: a device of its own that takes everything, as /dev/null does.
        let number = rustix::fs::makedev(1, 3);
        if make_node(&device, rustix::fs::FileType::CharacterDevice, number).is_err() {
            println!("skipped: only root may make a device");
            return;
        }
        match write_whole(&device, b"x") {
            Ok(()) => {}
            // A folder on a disk that is mounted without devices.
            Err(error) if error.error.kind() == io::ErrorKind::PermissionDenied => {
                println!("skipped: {error}");
            }
            Err(error) => panic!("{error}"),
        }
        let kind = fs::symlink_metadata(&device).unwrap().file_type();
        assert!(kind.is_char_device());
        assert_eq!(crate::temporary::tests::names(folder.path()), ["null"]);
    }

    #[test]
    fn folders_sockets_and_disks_are_refused_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = write_whole(&socket, b"x").unwrap_err();
        assert!(error.to_string().contains("it is a socket"), "{error}");
        assert!(
            fs::symlink_metadata(&socket)
                .unwrap()
                .file_type()
                .is_socket()
        );
        let error = write_whole(folder.path(), b"x").unwrap_err();
        assert_eq!(error.error.kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn a_link_to_a_descriptor_is_a_stream_and_a_link_to_a_file_is_that_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (file, link) = (root.join("file"), root.join("link"));
        fs::write(&file, b"x").unwrap();
        symlink("file", &link).unwrap();
        assert_eq!(Target::of(&link).unwrap(), Target::Plain(file.clone()));
        if !Path::new("/proc/self/fd").exists() {
            println!("skipped: there is no /proc");
            return;
        }
        let open = File::options().append(true).open(&file).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        let descriptor = root.join("descriptor");
        symlink(format!("/proc/self/fd/{number}"), &descriptor).unwrap();
        write_whole(&descriptor, b"y").unwrap();
        assert!(fs::symlink_metadata(&descriptor).unwrap().is_symlink());
        // Whoever holds the file sees what was written.
        assert_eq!(open.metadata().unwrap().len(), 2);
        assert_eq!(fs::read(&file).unwrap(), b"xy");
    }

    fn make_node(path: &Path, kind: rustix::fs::FileType, device: u64) -> rustix::io::Result<()> {
        let mode = rustix::fs::Mode::from_raw_mode(0o666);
        rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, device)
    }
}
