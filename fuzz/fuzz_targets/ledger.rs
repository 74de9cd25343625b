//! The database of runs and records, damaged: the input is a list of changes (place, byte) of a whole ledger.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use olmix_ledger::Ledger;

/// A ledger with a project's first record.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = olmix_fuzz::fresh("whole");
        let path = folder.join("ledger.sqlite");
        let ledger = Ledger::open(&path).expect("a new ledger");
        ledger.settle().expect("a whole ledger");
        std::fs::read(&path).expect("the ledger's bytes")
    })
}

fuzz_target!(|changes: Vec<(u16, u8)>| {
    let mut bytes = whole().to_vec();
    let size = bytes.len();
    for (place, value) in changes.iter().take(64) {
        bytes[usize::from(*place) % size] = *value;
    }
    let path = olmix_fuzz::file(&olmix_fuzz::fresh("ledger"), "ledger.sqlite", &bytes);
    if let Some(ledger) = olmix_fuzz::said(Ledger::open_existing(&path)) {
        olmix_fuzz::said(ledger.swarms());
        olmix_fuzz::said(ledger.launchers());
        olmix_fuzz::said(ledger.records());
        olmix_fuzz::said(ledger.tags());
        olmix_fuzz::said(ledger.lines());
    }
});
