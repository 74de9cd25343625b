//! olmix.yaml of a project.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_io::ProjectConfig;

fuzz_target!(|text: &str| {
    olmix_fuzz::said(ProjectConfig::parse(
        "/nowhere/olmix.yaml".as_ref(),
        "olmix.yaml",
        text,
    ));
});
