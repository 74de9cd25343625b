//! Files that people bring: configs, tables and mixtures as other tools write them.

mod from_table;
mod mixtures;
mod reference;
mod rounding;
mod yaml;
