//! `olmix explore`: a page on this machine where mixtures are asked for and answered while one drags.
//!
//! [`Explorer`] holds what is explored, read once; [`Server`] answers the page's requests on the loopback address. Every
//! solve is the exact one of `olmix-core` with the laws of a `mixture.json`.
//!
//! Nothing leaves the machine: the server listens on 127.0.0.1 alone, every path begins with a random token, requests
//! for another host or from another origin are refused, and the page may load nothing from elsewhere. The only files
//! that are written are fit configs that the user asked to save, never over another file.

mod background;
mod error;
mod explorer;
mod export;
mod model;
mod predict;
mod project;
mod runs;
mod save;
mod server;
mod settings;
mod solve;
mod source;
mod swarm;

pub use error::ApiError;
pub use explorer::Explorer;
pub use model::Model;
pub use runs::{Nearest, Runs};
pub use server::{ListenError, Server, Stop, stop};
pub use settings::Settings;
pub use solve::{Bound, Solved, prices, solve};
pub use source::{OpenError, fit_behind};
