//! Files that people bring: configs, tables and mixtures as other tools write them.

mod mixtures;
mod yaml;
