//! Hugging Face datasets: parts of whole numbers of rows, interleaved.

use super::super::blend::{BlendDomain, BlendPath};
use super::super::data::{Globs, Reads, Weighted};
use super::super::text::{header, quoted, quoted_list};
use super::super::{Blend, Drawn, Format, Needs};
use crate::error::{IoError, Location};
use crate::messages::excerpt;

pub(in super::super) static FORMAT: Format = Format {
    name: "huggingface",
    help: "Python: Hugging Face datasets, interleaved",
    extension: "py",
    reads: Some(READS),
    needs: Needs::NOTHING,
    remarks: &[
        "Shares are of rows: they are the mixture's shares of tokens where rows are alike in length, such as packed \
         ones. Each part has a whole number of rows, and is read at most as often as the mixture needs.",
        "Start: dataset = load(rows=...), the tokens of the run divided by those of a row. datasets 4.2 or newer.",
    ],
    drawn: Drawn::sequences,
    text,
};

/// Text files, which the loaders of Hugging Face read.
pub(super) const READS: Reads = Reads {
    what: "texts in JSON Lines, Parquet, CSV or .txt files",
    kinds: &["jsonl", "parquet", "csv", "text"],
    globs: Globs::All,
    weighted: Weighted::WhereKnown,
    folders: false,
};

fn text(format: &Format, blend: &Blend) -> Result<String, IoError> {
    let mut text = header(format, blend);
    text += "import math\n\nfrom datasets import interleave_datasets, load_dataset\n\n";
    text += "# Domain, share of the rows, passes that the mixture needs (None: not known), loader, files.\nPARTS = [\n";
    for part in parts(format, blend)? {
        let epochs = part
            .epochs
            .map_or_else(|| "None".to_owned(), |epochs| format!("{epochs:.6}"));
        let (name, loader) = (quoted(part.domain), quoted(part.loader));
        text += &format!(
            "    ({name}, {}, {epochs}, {loader}, {}),\n",
            part.share, part.files
        );
    }
    Ok(text + LOAD)
}

/// Files that are drawn together.
pub(super) struct Part<'a> {
    pub domain: &'a str,
    /// The share of the run, nine decimals.
    pub share: String,
    pub epochs: Option<f64>,
    /// The loader of `load_dataset`.
    pub loader: &'static str,
    /// A list of Python: patterns of files.
    pub files: String,
}

/// The files of each domain, one by one where each has a share.
///
/// # Errors
/// [`IoError::Input`] for files that `load_dataset` has no loader for, or would take for something else.
pub(super) fn parts<'a>(format: &Format, blend: &'a Blend) -> Result<Vec<Part<'a>>, IoError> {
    let mut parts = Vec::new();
    for domain in &blend.domains {
        let weighted = domain.paths.iter().all(|path| path.billionths > 0);
        let groups: Vec<(String, &[BlendPath])> = if weighted {
            let alone = domain
                .paths
                .iter()
                .map(|path| (path.weight(), std::slice::from_ref(path)));
            alone.collect()
        } else {
            vec![(domain.weight(), &domain.paths)]
        };
        for (share, paths) in groups {
            let files: Vec<String> = paths.iter().map(pattern).collect();
            parts.push(Part {
                domain: &domain.name,
                share,
                epochs: domain.epochs,
                loader: common_loader(format, domain, paths)?,
                files: quoted_list(files.iter()),
            });
        }
    }
    Ok(parts)
}

/// The one loader of a part's files.
fn common_loader(
    format: &Format,
    domain: &BlendDomain,
    paths: &[BlendPath],
) -> Result<&'static str, IoError> {
    let refuse = |path: &BlendPath, why: &str, help: &str| {
        let message = format!("{} {why} `{}`", format.name(), excerpt(&path.path));
        Err(IoError::input(&domain.name, Location::File, message, help))
    };
    let chained = |path: &&BlendPath| path.path.replace("://", "").contains("::");
    if let Some(path) = paths.iter().find(chained) {
        return refuse(path, "takes `::` for a chain of URLs in", "rename the file");
    }
    let mut common = None;
    for path in paths {
        // A domain's name that stands for a path has no ending.
        let own = loader(&path.path).or((path.path == domain.name).then_some("json"));
        match (own, common) {
            (None, _) => {
                return refuse(path, "has no loader for", "give it an ending of its format");
            }
            (Some(own), Some(common)) if own != common => {
                return refuse(
                    path,
                    "needs one loader for",
                    "give the files of a domain one ending",
                );
            }
            (own, _) => common = own,
        }
    }
    common.map_or_else(|| Ok("json"), Ok)
}

/// What stands for a path where patterns are read: globs that were not expanded, or a file's name.
fn pattern(path: &BlendPath) -> String {
    if path.billionths == 0 {
        return path.path.clone();
    }
    let mut pattern = String::new();
    for c in path.path.chars() {
        match c {
            '*' | '?' | '[' => pattern.extend(['[', c, ']']),
            other => pattern.push(other),
        }
    }
    pattern
}

/// The loader for files with the ending of this name.
fn loader(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    let packed = [".gz", ".zst", ".bz2", ".xz"]
        .iter()
        .find_map(|end| lower.strip_suffix(end));
    let plain = packed.unwrap_or(&lower);
    match plain.rsplit('/').next()?.rsplit_once('.')?.1 {
        "jsonl" | "json" | "ndjson" => Some("json"),
        "parquet" if packed.is_none() => Some("parquet"),
        "csv" => Some("csv"),
        "txt" => Some("text"),
        _ => None,
    }
}

const LOAD: &str = r#"]


def counts(rows):
    """Rows of each part: whole numbers, `rows` in all, by largest remainders."""
    exact = [share * rows for _, share, *_ in PARTS]
    whole = [math.floor(x) for x in exact]
    by_remainder = sorted(range(len(exact)), key=lambda k: whole[k] - exact[k])
    for k in by_remainder[: rows - sum(whole)]:
        whole[k] += 1
    return whole


def load(rows, seed=0, streaming=False):
    """The run's `rows`, of all domains at once."""
    due = counts(rows)
    empty = {name for name, *_ in PARTS} - {part[0] for part, n in zip(PARTS, due) if n}
    if empty:
        raise ValueError(f"{rows} rows are too few: {sorted(empty)} would have none")
    parts, sizes = [], []
    for (name, _, passes, loader, files), n in zip(PARTS, due):
        if n == 0:
            continue
        part = load_dataset(loader, data_files=files, split="train", streaming=streaming)
        if passes is not None:
            most = math.ceil(passes * 1.001)
            if not streaming and n > len(part) * passes * 1.001 + 1:
                raise ValueError(
                    f"{name}: {n} rows are due, more than {passes:.2f} passes over {len(part)}; give fewer rows"
                )
        else:
            most = None if streaming else math.ceil(n / len(part))
        parts.append(part.shuffle(seed=seed).repeat(most).take(n))
        sizes.append(n)
    return interleave_datasets(
        parts,
        probabilities=[n / sum(sizes) for n in sizes],
        seed=seed,
        stopping_strategy="all_exhausted_without_replacement",
    )
"#;
