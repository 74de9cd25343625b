//! CSV tables of runs: reading one, joining two.

pub(crate) mod columns;
mod csv_header;
pub(crate) mod csv_table;
pub(crate) mod delimited;
mod line_counter;
pub(crate) mod run_join;
pub(crate) mod table_reader;
