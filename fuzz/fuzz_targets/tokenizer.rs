//! A tokenizer.json, and a text that is encoded with it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_data::{Encoder, Unit};

fuzz_target!(|data: &[u8]| {
    let path = olmix_fuzz::file(&olmix_fuzz::fresh("tokenizer"), "tokenizer.json", data);
    if let Some(encoder) = olmix_fuzz::said(Encoder::open(&Unit::Tokenizer(path))) {
        olmix_fuzz::said(encoder.encode("To be, or not to be: 12 + 30 = 42. \u{fdfa}"));
    }
});
