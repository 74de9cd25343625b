//! A fit config: every key, YAML of every form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_io::FitConfig;

fuzz_target!(|text: &str| {
    olmix_fuzz::said(FitConfig::parse("fit.yaml", text, "/nowhere".as_ref()));
});
