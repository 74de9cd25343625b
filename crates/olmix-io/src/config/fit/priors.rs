//! `priors`: how much of each domain there is.

use serde::Serialize;

use super::as_written::optional_map;
use super::{Named, named};
use crate::config::yaml::{Section, Value, Yaml};
use crate::error::IoError;

/// The section `priors`. At least one of sizes and counts is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriorsConfig {
    /// Relative sizes (positive, of any scale); without them the token counts say it.
    #[serde(serialize_with = "optional_map")]
    pub relative_sizes: Option<Vec<Named<f64>>>,
    /// Tokens per domain, at least 1; those of what virtual domains stand for may be among them.
    #[serde(serialize_with = "optional_map")]
    pub token_counts: Option<Vec<Named<u64>>>,
    /// Relative sizes of the domains that virtual domains stand for, and of all others.
    #[serde(serialize_with = "optional_map")]
    pub expanded_relative_sizes: Option<Vec<Named<f64>>>,
}

impl PriorsConfig {
    /// Reads the section. Relative sizes that do not sum to 1 are noticed.
    pub(crate) fn read(section: Section<'_>) -> Result<Self, IoError> {
        Self::read_with(section, None)
    }

    /// As [`PriorsConfig::read`], with token counts that stand beside the section, as in a config of the
    /// reference implementation: they are read as its own, which is noticed.
    pub(super) fn read_with(
        mut section: Section<'_>,
        counts_beside: Option<&Value<'_>>,
    ) -> Result<Self, IoError> {
        let relative_sizes = section.optional("relative_sizes");
        let mut token_counts = section.optional("token_counts");
        if let Some(beside) = counts_beside {
            if token_counts.is_some() {
                return Err(beside.error(
                    "`token_counts` stands beside `priors`, which has its own",
                    "remove one of the two",
                ));
            }
            beside.notice(
                "`token_counts` stands beside `priors`, and is read as `priors.token_counts`",
            );
            token_counts = Some(beside.clone());
        }
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

        let size = |value: &Value<'_>| value.number_that("a number above 0", |size| size > 0.0);
        let sizes = relative_sizes
            .as_ref()
            .map(|v| named(v, size))
            .transpose()?;
        let whole_tokens = |tokens: &Value<'_>| tokens.whole_tokens();
        let token_counts = token_counts.map(|v| {
            if v.text().is_ok() {
                return Err(v.error(
                    format!("`{}` is {}, not a mapping from domains to tokens", v.path(), v.found()),
                    "write the tokens of each domain here, such as {web: 2T, code: 800B}; `olmix collect --tokens FILE` \
                     writes a config with the counts of a file",
                ));
            }
            named(&v, whole_tokens)
        });
        let expanded = expanded.map(|v| named(&v, size)).transpose()?;
        if let (Some(value), Some(sizes)) = (&relative_sizes, &sizes) {
            let sum: f64 = sizes.iter().map(|size| size.value).sum();
            if (sum - 1.0).abs() > 0.01 {
                value.notice(format!(
                    "priors.relative_sizes sum to {sum:.6}, not to 1: each is divided by the sum"
                ));
            }
        }
        Ok(Self {
            relative_sizes: sizes,
            token_counts: token_counts.transpose()?,
            expanded_relative_sizes: expanded,
        })
    }

    /// The tokens of a domain, or of one that a virtual domain stands for, where they are given.
    pub(crate) fn tokens_of(&self, domain: &str) -> Option<u64> {
        let counts = self.token_counts.iter().flatten();
        let found = counts.into_iter().find(|count| count.name == domain);
        found.map(|count| count.value)
    }

    /// The text of a config's section `priors`, from the tokens of each leaf: relative sizes that sum to 1,
    /// and counts.
    ///
    /// ```
    /// let counts = [("web".to_owned(), 3000), ("wiki".to_owned(), 1000)];
    /// let text = olmix_io::PriorsConfig::section_of(&counts);
    /// assert!(text.starts_with("priors:\n  relative_sizes:\n    web: 0.75\n    wiki: 0.25\n"));
    /// ```
    #[must_use]
    pub fn section_of(counts: &[(String, u64)]) -> String {
        let sum: f64 = counts.iter().map(|(_, tokens)| *tokens as f64).sum();
        let sizes = counts
            .iter()
            .map(|(leaf, tokens)| (leaf.as_str(), Yaml::number(*tokens as f64 / sum)));
        let tokens = counts
            .iter()
            .map(|(leaf, tokens)| (leaf.as_str(), Yaml::whole(*tokens)));
        let priors = Yaml::map([
            ("relative_sizes", Yaml::map(sizes)),
            ("token_counts", Yaml::map(tokens)),
        ]);
        Yaml::map([("priors", priors)]).to_file()
    }
}
