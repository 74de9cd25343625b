//! The folder of a trained run: its plan, or one of the files beside it. The first byte chooses which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_proxy::{RunPlan, SequenceIndex};

fuzz_target!(|data: &[u8]| {
    let Some((name, bytes)) =
        olmix_fuzz::choose(data, &["run.json", "sequences.bin", "tasks.jsonl"])
    else {
        return;
    };
    let run = olmix_fuzz::fresh("run");
    let path = olmix_fuzz::file(&run, name, bytes);
    match name {
        "run.json" => drop(olmix_fuzz::said(RunPlan::read(&run))),
        "sequences.bin" => drop(olmix_fuzz::said(SequenceIndex::read(
            &run,
            (bytes.len() / 12) as u64,
            3,
        ))),
        _ => drop(olmix_fuzz::said(olmix_proxy::Task::read(&path))),
    }
});
