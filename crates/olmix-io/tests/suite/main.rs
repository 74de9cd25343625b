//! Tests of `olmix-io` through its public items, as one program: it links once, and its tests run
//! side by side.

mod bad_input;
mod common;
mod export_phases;
mod loading;
mod metrics;
mod mixture_file;
mod mutations;
mod phases;
mod real_data;
mod repetition;
mod scale;
mod target;
