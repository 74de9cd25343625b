//! A generation config, and what is computed of one that is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_io::GenerationConfig;

fuzz_target!(|text: &str| {
    olmix_fuzz::said(GenerationConfig::parse(
        "generate.yaml",
        text,
        "/nowhere".as_ref(),
    ));
});
