//! Configurations of trainers.

pub(super) mod fairseq2;
pub(super) mod grain;
pub(super) mod huggingface;
pub(super) mod levanter;
pub(super) mod litgpt;
pub(super) mod llm_foundry;
pub(super) mod megatron;
pub(super) mod megatron_bridge;
pub(super) mod nanotron;
pub(super) mod olmo_core;
pub(super) mod olmo_core_sources;
pub(super) mod streaming;
pub(super) mod torchtitan;
