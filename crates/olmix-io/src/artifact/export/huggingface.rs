//! Hugging Face datasets: `interleave_datasets`.

use super::parts::{comment, quoted, quoted_list};
use super::{Blend, Format};

pub(super) static FORMAT: Format = Format {
    name: "huggingface",
    help: "Python: datasets.interleave_datasets",
    extension: "py",
    names_files: true,
    takes_globs: true,
    text: |blend| Ok(text(blend)),
};

fn text(blend: &Blend) -> String {
    let mut text = comment(blend);
    text += "# Probabilities are of examples: they are shares of tokens where examples are alike in \
             length (packed).\n";
    text += "from datasets import interleave_datasets, load_dataset\n\nDOMAINS = [\n";
    for domain in &blend.domains {
        let files = quoted_list(&domain.paths);
        let name = quoted(&domain.name);
        let builder = quoted(builder(&domain.paths));
        text += &format!("    ({name}, {}, {builder}, {files}),\n", domain.weight());
    }
    text += LOAD;
    text
}

const LOAD: &str = r#"]


def load(seed=0, streaming=True):
    parts = [
        load_dataset(builder, data_files=files, split="train", streaming=streaming)
        for _, _, builder, files in DOMAINS
    ]
    return interleave_datasets(
        parts,
        probabilities=[weight for _, weight, _, _ in DOMAINS],
        seed=seed,
        stopping_strategy="all_exhausted",
    )
"#;

/// The Hugging Face loader for files of these names.
fn builder(paths: &[String]) -> &'static str {
    let any = |end: &str| paths.iter().any(|path| path.contains(end));
    match () {
        () if any(".parquet") => "parquet",
        () if any(".csv") => "csv",
        () if any(".txt") => "text",
        () => "json",
    }
}
