//! Pythons with what the tests use, and packages of npm, made once and kept in the target folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The interpreter that has `scripts/test-requirements.txt`; `None`, with the reason printed, where there
/// is no Python 3 or no package index.
pub fn python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    PYTHON
        .get_or_init(|| with("python", "test-requirements.txt"))
        .clone()
}

/// As [`python`], with the packages of Ray.
pub fn ray() -> Option<PathBuf> {
    static RAY: OnceLock<Option<PathBuf>> = OnceLock::new();
    RAY.get_or_init(|| with("ray", "test-requirements-ray.txt"))
        .clone()
}

/// A folder with the packages of `scripts/test-requirements-node.txt`, and `node`; `None`, with the reason
/// printed, where neither npm nor Python has them.
pub fn node() -> Option<PathBuf> {
    static NODE: OnceLock<Option<PathBuf>> = OnceLock::new();
    NODE.get_or_init(|| {
        let made = make("test-node.sh", "node", "test-requirements-node.txt");
        let wanted = std::env::var_os("OLMIX_TEST_SERVICES").is_some();
        assert!(!wanted || made.is_ok(), "{made:?}");
        made.map_err(|why| eprintln!("skipped, without Azurite: {why}"))
            .ok()
    })
    .clone()
}

/// Node, where `web/` has the packages that its pages are built and tested with; `None`, with the reason printed,
/// where neither npm nor Python has them.
pub fn web_packages() -> Option<PathBuf> {
    static NODE: OnceLock<Option<PathBuf>> = OnceLock::new();
    NODE.get_or_init(|| {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
        let made = make_in("test-node.sh", "web", &web.join("package-lock.json"), &web);
        let wanted = std::env::var_os("OLMIX_TEST_SERVICES").is_some();
        assert!(!wanted || made.is_ok(), "{made:?}");
        made.map(|web| web.join("node_modules/node"))
            .map_err(|why| eprintln!("skipped, without the packages of web/: {why}"))
            .ok()
    })
    .clone()
}

fn with(name: &str, list: &str) -> Option<PathBuf> {
    make("test-python.sh", name, list)
        .map(|folder| folder.join("bin/python"))
        .map_err(|why| eprintln!("skipped, without Python packages: {why}"))
        .ok()
}

fn make(script: &str, name: &str, list: &str) -> Result<PathBuf, String> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../scripts")
        .join(list);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    make_in(script, name, &list, &folder)
}

/// The script makes nothing where all is there. One process at a time does it, whatever else tests this
/// clone.
fn make_in(script: &str, name: &str, list: &Path, folder: &Path) -> Result<PathBuf, String> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = File::create(target.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let done = Command::new("bash")
        .arg(scripts.join(script))
        .args([list, folder])
        .output()
        .map_err(|error| format!("scripts/{script}: {error}"))?;
    if done.status.success() {
        return Ok(folder.to_owned());
    }
    Err(String::from_utf8_lossy(&done.stderr).into_owned())
}

/// Runs a script and returns what it prints.
pub fn script(python: &Path, text: &str, folder: &Path) -> String {
    let done = Command::new(python)
        .args(["-c", text])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}
