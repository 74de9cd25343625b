//! `diagnostics`: how the result is put to the test.

use serde::Serialize;

use crate::config::yaml::Section;
use crate::error::IoError;

/// The section `diagnostics`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DiagnosticsConfig {
    /// Folds of the out-of-fold check: 0 for none, else at least 2.
    pub folds: usize,
    /// Resamples of the bootstrap: 0 for none, else 10 to 100,000.
    pub bootstrap: usize,
    /// Coverage of intervals, between 0 and 1.
    pub confidence: f64,
}

impl DiagnosticsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Result<Self, IoError> {
        let folds_value = section.optional("folds");
        let bootstrap = section.optional("bootstrap");
        let confidence = section.optional("confidence");
        section.finish()?;
        let folds = match &folds_value {
            None => 5,
            Some(value) => {
                let folds = value.count(100_000)?;
                if folds == 1 {
                    return Err(value.must_be("0 (no check) or at least 2"));
                }
                folds
            }
        };
        Ok(Self {
            folds,
            bootstrap: bootstrap.map_or(Ok(100), |v| {
                let resamples = v.count(100_000)?;
                if (1..10).contains(&resamples) {
                    return Err(v.must_be("0 (no bootstrap) or at least 10"));
                }
                Ok(resamples)
            })?,
            confidence: confidence.map_or(Ok(0.9), |v| {
                v.number_that("a number between 0 and 1, such as 0.9", |c| {
                    c > 0.0 && c < 1.0
                })
            })?,
        })
    }
}
