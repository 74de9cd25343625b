//! An untrained model as a run's folder has it, for a comparison of evaluations: `harness SHAPE.json
//! TOKENIZER.json FOLDER`. `scripts/compare/harness.py` runs it.
#![allow(clippy::unwrap_used)] // an example

use std::path::PathBuf;

use olmix_data::{Encoder, Unit};
use olmix_proxy::{Model, save_model};

fn main() {
    let mut args = std::env::args().skip(1).map(PathBuf::from);
    let mut next = || args.next().unwrap();
    let (shape, tokenizer, folder) = (next(), next(), next());
    let shape = serde_json::from_slice(&std::fs::read(shape).unwrap()).unwrap();
    let encoder = Encoder::open(&Unit::Tokenizer(tokenizer)).unwrap();
    let model = Model::initial(shape, 7);
    save_model(&folder, &model, encoder.end_of_text(), encoder.json()).unwrap();
}
