//! Long work beside the interpreter: without its lock, with progress, and stopped by Ctrl-C.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use olmix_core::{FitStage, Observer};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::internal;

/// How often signals are looked for and progress is shown.
const EVERY: Duration = Duration::from_millis(50);

/// What the work says of itself, and whether it is to stop.
#[derive(Default)]
pub struct Watch {
    stage: Mutex<&'static str>,
    steps: AtomicUsize,
    done: AtomicUsize,
    stopped: AtomicBool,
}

/// Unwinds the threads of work that is to stop. It is no panic: nothing is printed.
struct Stopped;

impl Watch {
    /// Begins a stage of `steps` steps.
    pub fn begin(&self, what: &'static str, steps: usize) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = what;
        self.done.store(0, Ordering::Relaxed);
        self.steps.store(steps, Ordering::Relaxed);
    }

    /// One step is done. Does not return where the work is to stop.
    pub fn advance(&self) {
        if self.stopped.load(Ordering::Relaxed) {
            resume_unwind(Box::new(Stopped));
        }
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

impl Observer for Watch {
    fn stage(&self, stage: FitStage, steps: usize) {
        let what = match stage {
            FitStage::Choice => "choosing the law",
            FitStage::Laws => "fitting laws",
            FitStage::Repeats => "measuring repeats",
            FitStage::OutOfFold => "checking out of fold",
            FitStage::Kl => "choosing λ",
            FitStage::Solve => "solving",
            FitStage::Bootstrap => "resampling runs",
        };
        self.begin(what, steps);
    }

    fn step(&self) {
        self.advance();
    }
}

/// The threads of this process. One that was forked has none of its parent's, and gets its own.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

fn pool() -> PyResult<Arc<ThreadPool>> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    match &*pool {
        Some((of, threads)) if *of == process => Ok(Arc::clone(threads)),
        _ => {
            let threads = ThreadPoolBuilder::new().build();
            let threads = threads.map_err(|error| internal(&format!("no threads: {error}")))?;
            let threads = Arc::new(threads);
            // Threads of a parent process can't be joined here.
            if let Some(inherited) = pool.replace((process, Arc::clone(&threads))) {
                std::mem::forget(inherited);
            }
            Ok(threads)
        }
    }
}

/// Does `work` on the threads of this process, without the interpreter's lock. `progress` is called with stage, steps
/// done and steps in all, at most 20 times a second. A signal whose handler raises (Ctrl-C), and an exception of
/// `progress`, are returned at once; the work then ends by itself at its next steps, and its result is dropped.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Watch) -> T + Send + 'static,
) -> PyResult<T> {
    let pool = pool()?;
    let watch = Arc::new(Watch::default());
    let (done, wait) = channel();
    let of_thread = Arc::clone(&watch);
    let thread = std::thread::Builder::new().name("olmix".into());
    let thread = thread.spawn(move || {
        let work = AssertUnwindSafe(|| pool.install(|| work(&of_thread)));
        // Who waited may have gone.
        let _ = done.send(catch_unwind(work));
    });
    thread.map_err(|error| internal(&format!("no thread: {error}")))?;
    let wait = Mutex::new(wait);
    loop {
        let next = py.detach(|| {
            let wait = wait.lock().unwrap_or_else(PoisonError::into_inner);
            wait.recv_timeout(EVERY)
        });
        match next {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(panic)) => return Err(internal(&words(panic.as_ref()))),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(internal("a thread ended without a result"));
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = py.check_signals().and_then(|()| show(&watch, progress)) {
                    watch.stopped.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    }
}

/// Does `work` without the interpreter's lock, on what belongs to the interpreter: it can't be stopped.
pub fn run_whole<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = pool()?;
    let result = py.detach(|| catch_unwind(AssertUnwindSafe(|| pool.install(work))));
    result.map_err(|panic| internal(&words(panic.as_ref())))
}

fn show(watch: &Watch, progress: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(progress) = progress else {
        return Ok(());
    };
    let stage = *watch.stage.lock().unwrap_or_else(PoisonError::into_inner);
    let (done, steps) = (
        watch.done.load(Ordering::Relaxed),
        watch.steps.load(Ordering::Relaxed),
    );
    progress.call1((stage, done, steps)).map(drop)
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a calculation ended unexpectedly")
        .to_owned()
}
