//! What a shard holds, by its name or as the config says.

use std::path::Path;

/// What a shard holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Tokens of a fixed width and nothing else, with or without an NPY header.
    Tokens,
    /// Tokens in `x.bin`, and where documents begin in `x.idx`.
    Megatron,
    /// Tokens of datatrove in `x.ds`, with `x.ds.index` and `x.ds.metadata`.
    Datatrove,
    /// Chunks of litdata, with the `index.json` of their folder; counted, and not trained on.
    Litdata,
    /// A JSON object per line, plain or compressed (`.gz`, `.zst`).
    Jsonl,
    /// Parquet: a row is a document, a column its text.
    Parquet,
    /// Plain text, one document a file, plain or compressed (`.gz`, `.zst`).
    Text,
}

impl Format {
    /// All formats, with the words for them in configs.
    pub const ALL: [(&'static str, Self); 7] = [
        ("tokens", Self::Tokens),
        ("megatron", Self::Megatron),
        ("datatrove", Self::Datatrove),
        ("litdata", Self::Litdata),
        ("jsonl", Self::Jsonl),
        ("parquet", Self::Parquet),
        ("text", Self::Text),
    ];

    /// The word for it in configs.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, format)| *format == self);
        found.map_or("", |(name, _)| name)
    }

    /// By the name of a shard; `.bin` with an `.idx` beside it is Megatron's, which is for the
    /// caller to see. `None` for names that say nothing.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let plain = name
            .strip_suffix(".gz")
            .or_else(|| name.strip_suffix(".zst"));
        let compressed = plain.is_some();
        match plain.unwrap_or(&name).rsplit_once('.')?.1 {
            "jsonl" | "json" | "ndjson" => Some(Self::Jsonl),
            "txt" => Some(Self::Text),
            "npy" | "bin" if !compressed => Some(Self::Tokens),
            "parquet" if !compressed => Some(Self::Parquet),
            "ds" if !compressed => Some(Self::Datatrove),
            _ => None,
        }
    }

    /// Whether it must be read through to be counted.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Jsonl | Self::Parquet | Self::Text)
    }
}

/// Files of other programs that hold more than tokens, by their names: what they are, and what to do. They
/// are refused also where `format` says tokens, as their headers would be counted.
pub(crate) fn foreign(name: &str) -> Option<&'static str> {
    let file = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| file.ends_with(end));
    if ends(&[".mds", ".mds.zstd", ".mds.zst", ".mds.gz"]) {
        return Some(
            "is a shard of MosaicML Streaming (MDS), whose index gives samples and not tokens; name .npy or .bin \
             files of its tokens, or the texts",
        );
    }
    // A chunk of a zarr array of one dimension is `c/0`.
    let chunk = name.rsplit_once("/c/").is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    if ends(&["shard_ledger.json", "zarr.json", ".zarray"]) || name.contains(".zarr/") || chunk {
        return Some(
            "is a part of a Levanter cache (zarr), which is compressed; name the texts that it was made from, or \
             .npy files of its tokens",
        );
    }
    if ends(&[".arrow"]) {
        return Some(
            "is an Arrow file of Hugging Face datasets; save it as Parquet (`to_parquet`)",
        );
    }
    if ends(&[".ds.index", ".ds.metadata", ".ds.loss"]) {
        return Some("belongs to a .ds file of datatrove, which is not among the paths; name that");
    }
    if file == "index.json" || ends(&[".idx"]) {
        return Some("is an index and not a shard; name the shards alone, such as *.bin");
    }
    None
}

/// Whether a file only describes another one that is named: an index, and no shard.
pub(crate) fn is_beside(name: &str, is_named: impl Fn(&str) -> bool) -> bool {
    if let Some(stem) = name
        .strip_suffix(".idx")
        .or_else(|| name.strip_suffix(".sums"))
    {
        return is_named(&format!("{stem}.bin"));
    }
    let ends = [".index", ".metadata", ".loss"];
    let shard = ends.iter().find_map(|end| name.strip_suffix(end));
    shard.is_some_and(|shard| has_end(shard, "ds") && is_named(shard))
}

/// Whether a name has an extension, in the letters of programs that look for it.
pub(crate) fn has_end(name: &str, end: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == end)
}
