//! Tests of `olmix-core` through its public items, as one program: it links once, and its tests run
//! side by side.

mod averaged;
mod boosted_trees;
mod bootstrap;
mod calibrate;
mod common;
mod effective_data;
mod exact;
mod fit;
mod gap;
mod gaussian_process;
mod generate;
mod log_linear;
mod loss_terms;
mod next;
mod objective;
mod other_laws;
mod phases;
mod price;
mod regret;
mod repetition;
mod reuse;
mod run_weights;
mod saturating;
mod scaling;
mod what_if;
