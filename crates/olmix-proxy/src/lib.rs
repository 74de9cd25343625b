//! Proxy models: small Llama models trained on a mixture of token shards, and measured.
//!
//! ```text
//! launch config ─► plan (run.json) ─► sequences ─► training ─► model ─► bits per byte
//! ```
//!
//! Everything is a function of the plan and its seed: the same bits on any number of threads.

mod error;
mod evaluate;
mod hyperparameters;
mod lock;
mod model;
mod plan;
mod prepare;
mod sampler;
mod size;
mod train;

pub use error::ProxyError;
pub use evaluate::{Encode, Item, Metrics, Task, evaluate, load_model, task_files};
pub use lock::RunLock;
pub use model::{Model, Objective, Tensor, Update, Use, Workspace};
pub use plan::{
    DataPlan, EvaluationPlan, Hyperparameters, LeafPlan, RunPlan, Shape, ShardPlan, ValidationPlan,
};
pub use prepare::{prepare, run_encoder};
pub use sampler::{Batches, LeafRequest, SequenceIndex, Tokens};
pub use size::{SIZES, Size};
pub use train::{
    EvaluationRecord, Event, Measure, Progress, Record, StepRecord, Trained, model_folder,
    read_journal, save_model, train, write_tensors,
};
