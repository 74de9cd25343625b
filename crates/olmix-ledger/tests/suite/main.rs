//! Tests of `olmix-ledger` through its public items, as one program: it links once, and its tests run
//! side by side.

mod history;
mod ledger;
