//! Files of tokens: their headers are read to count them. The first byte chooses the name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_data::{CountOptions, Leaf, OnBadLine, Unit};

fuzz_target!(|data: &[u8]| {
    let names = [
        "a.npy",
        "a.bin",
        "a.idx",
        "index.json",
        "a.parquet",
        "a.jsonl",
        "a.jsonl.gz",
        "a.jsonl.zst",
        "a.txt",
    ];
    let Some((name, bytes)) = olmix_fuzz::choose(data, &names) else {
        return;
    };
    let folder = olmix_fuzz::fresh("shards");
    olmix_fuzz::file(&folder, name, bytes);
    if name == "a.idx" {
        olmix_fuzz::file(&folder, "a.bin", &[7; 64]);
    }
    let leaf = Leaf {
        name: "web".into(),
        paths: vec![if name == "a.idx" {
            "a.bin".into()
        } else {
            name.into()
        }],
        format: None,
    };
    let options = CountOptions {
        width: 2,
        unit: Unit::Bytes,
        text_field: "text".into(),
        shared: false,
        folder,
        cache: None,
        on_bad_line: OnBadLine::Stop,
    };
    olmix_fuzz::said(olmix_data::count(&[leaf], &options, &|_, _| ()));
});
