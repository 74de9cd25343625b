//! From text to a measured swarm: shards, priors, mixtures to try, runs of the built-in trainer, and tables.

pub mod collect;
mod costs;
mod definitions;
mod generate;
mod generate_phases;
mod phases;
mod priors;
mod proxy;
mod proxy_recovery;
mod tokenize;
mod tokenizers;
