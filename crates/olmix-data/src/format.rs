//! What a shard holds, by its name or as the config says.

/// What a shard holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tokens of a fixed width and nothing else, with or without an NPY header.
    Tokens,
    /// Tokens in `x.bin`, and where documents begin in `x.idx`.
    Megatron,
    /// A JSON object per line, plain or compressed (`.gz`, `.zst`).
    Jsonl,
    /// Parquet: a row is a document, a column its text.
    Parquet,
    /// Plain text, one document a file, plain or compressed (`.gz`, `.zst`).
    Text,
}

impl Format {
    /// All formats, with the words for them in configs.
    pub const ALL: [(&'static str, Self); 5] = [
        ("tokens", Self::Tokens),
        ("megatron", Self::Megatron),
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
            _ => None,
        }
    }

    /// Whether it must be read through to be counted.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Jsonl | Self::Parquet | Self::Text)
    }
}
