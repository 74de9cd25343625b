//! A launch config, with the settings of an engine.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_io::LaunchConfig;

fuzz_target!(|text: &str| {
    olmix_fuzz::said(LaunchConfig::parse(
        "launch.yaml",
        text,
        "/nowhere".as_ref(),
    ));
});
