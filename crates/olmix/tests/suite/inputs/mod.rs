//! Files that people bring: configs, tables and mixtures as other tools write them.

mod first_fit;
mod from_table;
mod mixtures;
mod reference;
mod refused_tables;
mod rounding;
mod yaml;
