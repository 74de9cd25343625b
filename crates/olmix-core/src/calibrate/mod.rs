//! From proxies to the target: level and amplitude of every task's law, from a few runs of a larger model or of a longer
//! horizon.
//!
//! Tasks rank mixtures much alike on small and large models, but how far mixtures differ on a task changes with size, for
//! each task in its own way. So the average of the tasks ranks mixtures otherwise, and its optimum moves. A few target
//! runs set that right: `f_target(p) = a + s f_proxy(p)` for each task, with `s > 0`. Slopes of few runs are noisy, so
//! they are shrunk towards their common mean, and that towards 1, as far as the runs themselves ask for
//! ([`Slopes`]). `docs/transfer.md` has what this is worth on measured sizes.

mod calibration;
mod design;
mod law;
mod ranking;
mod slopes;

pub use calibration::{Calibration, calibrate, calibrated_laws, check_target, drawn_laws};
pub use design::{CalibrationPlan, PlannedRun, TypicalSlopes, plan_calibration};
pub use law::Calibrated;
pub use ranking::Ranking;
pub use slopes::Slopes;
