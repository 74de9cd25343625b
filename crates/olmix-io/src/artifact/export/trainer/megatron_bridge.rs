//! The blend of Megatron Bridge and `NeMo` 2, as Python lists.

use super::super::text::{header, quoted};
use super::super::{Blend, Drawn, Format, Needs};
use super::megatron::{READS, prefix};

pub(in super::super) static FORMAT: Format = Format {
    name: "megatron-bridge",
    help: "Python: the blend of Megatron Bridge and NeMo 2",
    extension: "py",
    reads: Some(READS),
    needs: Needs::NOTHING,
    remarks: &[
        "Megatron keeps each prefix within a sequence of its weight, and builds 0.5 % more samples than the run needs.",
        "Start: with this file as mixture.py, Megatron Bridge's GPTDatasetConfig(blend=BLEND, split=\"100,0,0\", ...), or NeMo \
         2's PreTrainingDataModule(paths=PATHS, split=\"100,0,0\", ...)",
    ],
    drawn: Drawn::sequences,
    text: |format, blend| Ok(text(format, blend)),
};

fn text(format: &Format, blend: &Blend) -> String {
    let mut text = header(format, blend);
    text += "\nPREFIXES = [\n";
    for (_, path) in blend.paths() {
        text += &format!("    {},\n", quoted(prefix(&path.path)));
    }
    text += "]\nWEIGHTS = [\n";
    for (domain, path) in blend.paths() {
        text += &format!(
            "    {},  {}",
            path.weight(),
            super::super::text::comment(&domain.name)
        );
    }
    text += "]\n\n# Megatron Bridge, Megatron-LM's GPTDatasetConfig: prefixes and weights.\n";
    text += "BLEND = (PREFIXES, WEIGHTS)\n\n# NeMo 2: weights and prefixes by turns.\n";
    text += "PATHS = [word for pair in zip(map(str, WEIGHTS), PREFIXES) for word in pair]\n";
    text
}
