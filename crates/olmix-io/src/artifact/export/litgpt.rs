//! litgpt by way of litdata's `CombinedStreamingDataset`.

use super::parts::{comment, quoted, share_of_path};
use super::{Blend, Format};

pub(super) static FORMAT: Format = Format {
    name: "litgpt",
    help: "Python: litdata.CombinedStreamingDataset",
    extension: "py",
    names_files: true,
    takes_globs: true,
    text: |blend| Ok(text(blend)),
};

fn text(blend: &Blend) -> String {
    let mut text = comment(blend);
    text += "from litdata import CombinedStreamingDataset, StreamingDataset, TokensLoader\n\nDOMAINS = [\n";
    for domain in &blend.domains {
        for path in &domain.paths {
            let (name, path, share) = (quoted(&domain.name), quoted(path), share_of_path(domain));
            text += &format!("    ({name}, {share}, {path}),\n");
        }
    }
    text += LOAD;
    text
}

const LOAD: &str = r"]


def load(block_size, seed=42):
    parts = [
        StreamingDataset(
            input_dir=folder,
            item_loader=TokensLoader(block_size=block_size),
            shuffle=True,
            drop_last=True,
        )
        for _, _, folder in DOMAINS
    ]
    weights = [weight for _, weight, _ in DOMAINS]
    return CombinedStreamingDataset(
        datasets=parts, seed=seed, weights=weights, iterate_over_all=False
    )
";
