//! Tests of `olmix-ledger` through its public items, as one program: it links once, and its tests run
//! side by side.
#![allow(clippy::unwrap_used)] // helpers of tests

mod history;
mod ledger;
