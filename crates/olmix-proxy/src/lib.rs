//! Proxy models: small Llama models trained on a mixture of token shards, and measured.
//!
//! ```text
//! launch config ─► plan (run.json) ─► sequences ─► training ─► model ─► bits per byte
//! ```
//!
//! Everything is a function of the plan and its seed: the same bits on any number of threads.
//!
//! ```
//! use olmix_data::{Encoder, OnBadLine, TokenizeOptions, tokenize};
//! use olmix_io::LaunchConfig;
//! use olmix_proxy::{model_folder, prepare, train};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let folder = temporary.path();
//! // Shards to train on: a token per byte.
//! std::fs::write(folder.join("web.txt"), "the cat sat on the mat. ".repeat(100))?;
//! let texts = TokenizeOptions {
//!     inputs: vec![folder.join("web.txt").display().to_string()],
//!     output: folder.join("shards"),
//!     text_field: "text".to_owned(),
//!     validation: 0.0,
//!     on_bad_line: OnBadLine::Stop,
//! };
//! tokenize(&texts, &Encoder::bytes(), &|_, _| {})?;
//!
//! // Plan a tiny run: every number is decided, and the order of the data.
//! let config = "
//! name: tiny
//! training:
//!   proxy_model_id: demo
//!   tokenizer: bytes
//!   tokens: 2048
//!   global_batch_size: 256
//!   sequence_length: 64
//!   learning_rate: 0.005
//!   model: {width: 32, heads: 2, hidden: 64, layers: 1}
//! data:
//!   dtype: uint16
//!   sources:
//!     - {name: web, paths: [\"shards/train/*.bin\"]}
//! mix: {web: 1.0}
//! ";
//! let config = LaunchConfig::parse("tiny.yaml", config, folder)?;
//! let run = folder.join("run");
//! let plan = prepare(&config, &run)?.plan;
//! assert_eq!((plan.recipe.steps, plan.tokens()), (8, 2048));
//!
//! // Train it, and measure nothing on the way.
//! let trained = train(&run, &|_| {}, &|_, _| unreachable!("no eval_interval"))?;
//! assert!(trained.loss < (257_f64).ln());
//! assert!(model_folder(&run).join("model.safetensors").is_file());
//! # Ok(())
//! # }
//! ```

mod check;
mod checksums;
mod error;
mod evaluate;
mod hyperparameters;
mod lock;
mod model;
mod order;
#[cfg(test)]
mod order_tests;
mod phases;
mod plan;
mod prepare;
mod sampler;
mod shape;
mod size;
mod start;
mod train;

pub use check::ConfigCheck;
pub use error::ProxyError;
pub use evaluate::{Encode, Item, Metrics, Task, evaluate, load_model, task_files};
pub use lock::RunLock;
pub use model::{Model, Objective, Tensor, Update, Use, Workspace};
pub use phases::{PhaseLeafPlan, PhasePlan, skipped_steps};
pub use plan::{
    DataPlan, EvaluationPlan, Hyperparameters, LeafPlan, RunPlan, Shape, ShardPlan, ValidationPlan,
};
pub use prepare::{Prepared, prepare, run_encoder};
pub use sampler::{
    Batches, LeafCut, LeafRequest, PhaseRequest, SequenceIndex, SequenceRequest, Tokens,
};
pub use size::{SIZES, Size};
pub use start::StartPlan;
pub use train::{
    EvaluationRecord, Event, Measure, Progress, Record, StepRecord, Trained, model_folder,
    read_journal, save_model, train, write_tensors,
};
