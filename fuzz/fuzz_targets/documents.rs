//! Documents that become shards: JSON Lines, plain and compressed, Parquet and plain text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_data::{Encoder, OnBadLine, TokenizeOptions};

fuzz_target!(|data: &[u8]| {
    let names = ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.parquet", "a.txt"];
    let Some((name, bytes)) = olmix_fuzz::choose(data, &names) else {
        return;
    };
    let folder = olmix_fuzz::fresh("documents");
    let path = olmix_fuzz::file(&folder, name, bytes);
    let options = TokenizeOptions {
        inputs: vec![path.display().to_string()],
        output: folder.join("out"),
        text_field: "text".into(),
        validation: 0.5,
        on_bad_line: OnBadLine::Skip,
    };
    olmix_fuzz::said(olmix_data::tokenize(
        &options,
        &Encoder::bytes(),
        &|_, _| (),
    ));
});
