//! Runs of `MLflow`, wherever it keeps them.

mod run;
mod server;

pub(super) use server::read;
