//! Shows a page in the reader's browser.

use std::ffi::OsStr;

/// Starts the program that the desktop has for `target`, a file or an address, and does not wait for it.
///
/// # Errors
/// Why there is none: no display, or no program.
pub fn open(target: impl AsRef<OsStr>) -> Result<(), String> {
    check()?;
    open::that_detached(target).map_err(|error| error.to_string())
}

/// Whether a page could be shown here.
///
/// # Errors
/// Why not: there is no display.
pub fn check() -> Result<(), String> {
    if cfg!(target_os = "linux") && std::env::var_os("BROWSER").is_none() && !has_display() {
        return Err("there is no display here".to_owned());
    }
    Ok(())
}

/// Without one, programs that would show the page fail after they were started, and unseen.
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
