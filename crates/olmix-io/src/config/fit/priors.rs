//! `priors`: how much of each domain there is.

use serde::Serialize;

use super::as_written::optional_map;
use super::{Named, named};
use crate::IoError;
use crate::config::yaml::Section;

/// The section `priors`. At least one of sizes and counts is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriorsConfig {
    /// Relative sizes (positive, of any scale); without them the token counts say it.
    #[serde(serialize_with = "optional_map")]
    pub relative_sizes: Option<Vec<Named<f64>>>,
    /// Tokens per domain, at least 1.
    #[serde(serialize_with = "optional_map")]
    pub token_counts: Option<Vec<Named<u64>>>,
    /// Relative sizes of the domains that virtual domains stand for, and of all others.
    #[serde(serialize_with = "optional_map")]
    pub expanded_relative_sizes: Option<Vec<Named<f64>>>,
}

impl PriorsConfig {
    pub(crate) fn read(
        mut section: Section<'_>,
        notices: &mut Vec<String>,
    ) -> Result<Self, IoError> {
        let relative_sizes = section.optional("relative_sizes");
        let token_counts = section.optional("token_counts");
        let expanded = section.optional("expanded_relative_sizes");
        // Part of the reference's format, and without effect there too.
        let _ = section.optional("total_tokens");
        if relative_sizes.is_none() && token_counts.is_none() {
            let missing = section.error(
                "`priors` has neither `relative_sizes` nor `token_counts`",
                "give the relative size or the token count of every domain",
            );
            // A misspelt key is the likelier cause, and the better message.
            section.finish()?;
            return Err(missing);
        }
        section.finish()?;

        let size = |value: &crate::config::yaml::Value<'_>| {
            value.number_that("a number above 0", |size| size > 0.0)
        };
        let relative_sizes = relative_sizes.map(|v| named(&v, size)).transpose()?;
        let token_counts = token_counts.map(|v| {
            named(&v, |value| match value.whole() {
                Ok(tokens) if tokens > 0 => Ok(tokens),
                _ => Err(value.must_be("a whole number of tokens above 0")),
            })
        });
        let expanded = expanded.map(|v| named(&v, size)).transpose()?;
        if let Some(sizes) = &relative_sizes {
            let sum: f64 = sizes.iter().map(|size| size.value).sum();
            if (sum - 1.0).abs() > 0.01 {
                notices.push(format!(
                    "priors.relative_sizes sum to {sum:.6}, not to 1: each is divided by the sum"
                ));
            }
        }
        Ok(Self {
            relative_sizes,
            token_counts: token_counts.transpose()?,
            expanded_relative_sizes: expanded,
        })
    }
}
