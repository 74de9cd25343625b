//! Tests of `olmix-report` through its public items, as one program: it links once, and its tests run
//! side by side.

mod brief;
mod common;
mod figures;
mod report;
