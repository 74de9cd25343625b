//! Swarms: tables of runs joined, with the tasks and domains that a config names.

pub(crate) mod carry_ratios;
pub(crate) mod csv_table;
pub(crate) mod families;
pub(crate) mod load_fit;
pub(crate) mod load_runs;
pub(crate) mod load_swarm;
pub(crate) mod mmlu;
pub(crate) mod resolve_domains;
pub(crate) mod run_join;
pub(crate) mod sampling_plan;
pub(crate) mod task_columns;
pub(crate) mod task_selection;
