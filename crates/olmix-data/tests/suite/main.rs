//! Tests of `olmix-data` through its public items, as one program: it links once, and its tests run
//! side by side.

mod common;
mod count;
mod foreign;
mod locate;
mod tokenize;
