//! `olmix launch work`: a run on a node of a cluster.

use std::path::Path;

use olmix_launch::node::{read_job_spec, run_job};

use crate::args::LaunchWorkArgs;
use crate::failure::Failure;

/// Does the work of an order.
pub fn run(args: &LaunchWorkArgs) -> Result<(), Failure> {
    let spec = read_job_spec(Path::new(&args.orders), args.task)?;
    match run_job(&spec, &job())? {
        0 => Ok(()),
        // Its log says why; what is printed here is for what the run's log can't have.
        code => Err(Failure::Ended(code, String::new())),
    }
}

/// What the engine calls the job that this process is of.
fn job() -> String {
    let variable = |name: &str| std::env::var(name).ok();
    let slurm = variable("SLURM_ARRAY_JOB_ID")
        .zip(variable("SLURM_ARRAY_TASK_ID"))
        .map(|(array, task)| format!("{array}_{task}"));
    slurm
        .or_else(|| variable("OLMIX_JOB"))
        .unwrap_or_else(|| format!("process {}", std::process::id()))
}
