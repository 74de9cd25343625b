//! From the metrics of a table to tasks: which there are, and how each is computed.

pub(crate) mod families;
pub(crate) mod metric_kind;
mod metric_names;
pub(crate) mod mmlu;
pub(crate) mod task_checks;
pub(crate) mod task_columns;
mod task_list;
pub(crate) mod task_selection;
