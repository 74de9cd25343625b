//! How a run ended.

use olmix_ledger::FailureKind;

/// How a run ended, as an engine tells it to the launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every command succeeded; the metrics are to be read.
    Done,
    /// A command failed, or the run was lost.
    Failed {
        /// What decides whether the run is tried again.
        kind: FailureKind,
        /// Why, in a sentence for people.
        cause: String,
    },
    /// The launcher asked for its end, or does not hold the run any more.
    Stopped,
    /// Someone cancelled it through the engine itself; why, in a sentence.
    CancelledExternally(String),
}
