//! A mixture as the configuration of a trainer.

mod blend;
mod formats;
mod round;

pub use blend::{Blend, BlendDomain};

/// Trainers, and plain tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainer {
    /// OLMo-core's `SourceMixtureList`.
    OlmoCore,
    /// The blend of Megatron-LM and `NeMo`.
    Megatron,
    /// Hugging Face datasets: `interleave_datasets`.
    HuggingFace,
    /// litgpt by way of litdata's `CombinedStreamingDataset`.
    LitGpt,
    /// The streams of `MosaicML` Streaming.
    Streaming,
    /// Levanter's mixture of datasets.
    Levanter,
    /// A launch config's `mix`.
    Mix,
    /// A row per domain.
    Csv,
    /// An object per domain.
    Json,
    /// A mapping per domain.
    Yaml,
}

impl Trainer {
    /// The words for them.
    pub const ALL: [(&'static str, Self); 10] = [
        ("olmo-core", Self::OlmoCore),
        ("megatron", Self::Megatron),
        ("huggingface", Self::HuggingFace),
        ("litgpt", Self::LitGpt),
        ("streaming", Self::Streaming),
        ("levanter", Self::Levanter),
        ("mix", Self::Mix),
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("yaml", Self::Yaml),
    ];

    /// Whether its configuration names files.
    #[must_use]
    pub fn wants_paths(self) -> bool {
        !matches!(self, Self::Mix | Self::Csv | Self::Json | Self::Yaml)
    }
}
