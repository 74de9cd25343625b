//! mixture.json, which is read again to predict, to export and to commit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_io::MixtureFile;

fuzz_target!(|text: &str| {
    olmix_fuzz::said(MixtureFile::parse("mixture.json", text));
});
