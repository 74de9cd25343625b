//! What a library does with a file that nobody foresaw: it may panic. That is an error like any other here.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught and told by [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics that are told otherwise from being printed, on whichever thread they are.
fn quiet_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
}

/// Calls a library on this thread; what it says when it panics is the error. What `call` changes must not be
/// used after an error.
///
/// # Errors
/// The words of the panic.
pub fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    quiet_hook();
    let outer = GUARDED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outer);
    done.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        text.unwrap_or("it says nothing").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_library_is_an_error_with_its_words_and_later_calls_work() {
        assert_eq!(guarded(|| 1), Ok(1));
        let fails = |text: &str| guarded(|| -> u8 { panic!("no token {text}") });
        assert_eq!(fails("a"), Err("no token a".to_owned()));
        assert_eq!(guarded(|| -> u8 { panic!("plain") }), Err("plain".into()));
        assert_eq!(guarded(|| 2), Ok(2));
        assert!(!GUARDED.get());
        let other = std::thread::spawn(|| guarded(|| -> u8 { panic!("elsewhere") }));
        assert_eq!(other.join().unwrap(), Err("elsewhere".to_owned()));
    }
}
