//! Any file that `olmix mix show` reads. The first byte chooses the ending of its name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_io::DomainWeights;

fuzz_target!(|data: &[u8]| {
    let Some((name, bytes)) =
        olmix_fuzz::choose(data, &["m.json", "m.yaml", "m.csv", "m.txt", "m"])
    else {
        return;
    };
    let path = olmix_fuzz::file(&olmix_fuzz::fresh("weights"), name, bytes);
    olmix_fuzz::said(DomainWeights::read(&path));
});
