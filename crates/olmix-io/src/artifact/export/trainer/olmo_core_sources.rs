//! OLMo-core 3's composable sources.

use super::super::text::{header, quoted, quoted_list};
use super::super::{Blend, BlendDomain, Drawn, Format, Needs};
use super::olmo_core::READS;

pub(in super::super) static FORMAT: Format = Format {
    name: "olmo-core-sources",
    help: "Python: OLMo-core's MixingInstanceSourceConfig",
    extension: "py",
    reads: Some(READS),
    needs: Needs::EPOCHS,
    remarks: &[
        "OLMo-core takes whole sequences of each domain, rounded down, and reads files from their first byte. The loader \
         drops the last part of a batch: tokens should be a multiple of global_batch_size.",
        "Start: source = mixture(tokenizer, sequence_length).build(work_dir), then \
         ComposableDataLoaderConfig(tokenizer=..., global_batch_size=..., work_dir=...).build(source)",
    ],
    drawn,
    text: |format, blend| Ok(text(format, blend)),
};

fn drawn(blend: &Blend) -> Option<Drawn> {
    let length = blend.run.sequence_length? as f64;
    let whole = |domain: &BlendDomain| Some((domain.tokens? / length).floor() * length);
    Some(Drawn {
        tokens: blend.domains.iter().map(whole).collect::<Option<_>>()?,
        deviation: vec![0.0; blend.domains.len()],
    })
}

fn text(format: &Format, blend: &Blend) -> String {
    let mut text = header(format, blend);
    text += IMPORTS;
    text += &format!("TOKENS = {:.0}\n", blend.run.target_tokens.unwrap_or(0.0));
    text += "# Domain, ratio, epochs (at least 1), files of tokens.\nDOMAINS = [\n";
    for domain in &blend.domains {
        let epochs = domain.epochs.unwrap_or(1.0).max(1.0);
        let files = quoted_list(domain.paths.iter().map(|path| &path.path));
        text += &format!(
            "    ({}, {}, {epochs:.6}, {files}),\n",
            quoted(&domain.name),
            domain.weight()
        );
    }
    text + MIXTURE
}

const IMPORTS: &str = "\
from olmo_core.data.composable import (
    ConcatAndChunkInstanceSourceConfig,
    MixingInstanceSourceConfig,
    MixingInstanceSourceSpecConfig,
    NumpyDocumentSourceConfig,
)

";

const MIXTURE: &str = r#"]


def mixture(tokenizer, sequence_length, num_tokens=TOKENS, dtype=None, seed=0):
    """The mixture's sources; `dtype` of the files, None for the smallest that holds the tokenizer's vocabulary."""
    specs = []
    for name, ratio, epochs, files in DOMAINS:
        documents = NumpyDocumentSourceConfig(
            source_paths=files, tokenizer=tokenizer, dtype=dtype, expand_glob=any("*" in file for file in files)
        )
        instances = ConcatAndChunkInstanceSourceConfig(sources=[documents], sequence_length=sequence_length)
        # The end of a file that is shorter than a sequence is dropped: a little more than the mixture's epochs.
        specs.append(
            MixingInstanceSourceSpecConfig(
                source=instances, ratio=ratio, max_repetition_factor=epochs * 1.002, label=name
            )
        )
    return MixingInstanceSourceConfig(source_specs=specs, num_tokens=num_tokens, seed=seed)
"#;
