//! `olmix explore`.

use std::path::PathBuf;

use clap::Args;

use super::Common;

/// `olmix explore`.
#[derive(Debug, Args)]
pub struct ExploreArgs {
    /// A folder that `olmix fit` wrote, its mixture.json, a project's folder, or the folder of a swarm's ledger.
    #[arg(value_name = "PATH", default_value = "out")]
    pub path: PathBuf,
    /// Port of 127.0.0.1 to listen on [default: any free one].
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub port: u16,
    /// Do not open a browser.
    #[arg(long)]
    pub no_open: bool,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
