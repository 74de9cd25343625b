//! CSV tables of runs: reading one, joining two.

pub(crate) mod csv_header;
pub(crate) mod csv_table;
pub(crate) mod run_join;
pub(crate) mod table_reader;
