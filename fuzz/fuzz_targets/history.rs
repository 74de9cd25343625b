//! An exported history that is imported: a record and its tags, parted by a NUL byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_project::Project;

const CONFIG: &[u8] = b"name: house\ndomains: {web: 6000, code: 900}\ntarget_tokens: 1000\n";

fuzz_target!(|data: &[u8]| {
    let at = data
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(data.len());
    let export = olmix_fuzz::fresh("export");
    for folder in ["records", "files"] {
        std::fs::create_dir(export.join(folder)).expect("a folder of the export");
    }
    olmix_fuzz::file(&export, "records/000001-domains@1.json", &data[..at]);
    olmix_fuzz::file(&export, "tags.json", data.get(at + 1..).unwrap_or(b"{}"));
    olmix_fuzz::file(&export, "olmix.yaml", CONFIG);
    let into = olmix_fuzz::fresh("imported");
    olmix_fuzz::said(Project::import(&export, &into, 0));
});
