//! What a trainer draws of a blend, by the trainer's own rounding.

use super::{Blend, Format};
use crate::error::{IoError, Location};
use crate::messages::{excerpt, listed};

/// What a trainer draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Tokens of each domain, in the blend's order.
    pub tokens: Vec<f64>,
    /// Standard deviation of these where the trainer draws at random; zeros where it does not.
    pub deviation: Vec<f64>,
}

impl Drawn {
    /// Whole sequences of each domain: the weights of a run shared out by largest remainders, as trainers do that
    /// keep every domain within a sequence of its share.
    pub(super) fn sequences(blend: &Blend) -> Option<Self> {
        let (sequences, length) = (blend.sequences()?, blend.run.sequence_length? as f64);
        let share = |share: f64| (share * sequences as f64).round() * length;
        Some(Self {
            tokens: blend
                .domains
                .iter()
                .map(|domain| share(domain.share()))
                .collect(),
            deviation: vec![0.0; blend.domains.len()],
        })
    }

    /// Sequences that are drawn one by one at random: what is expected, with its standard deviation.
    pub(super) fn random(blend: &Blend) -> Option<Self> {
        let (sequences, length) = (blend.sequences()? as f64, blend.run.sequence_length? as f64);
        let shares = blend.domains.iter().map(super::BlendDomain::share);
        let deviation = |p: f64| (sequences * p * (1.0 - p)).sqrt() * length;
        Some(Self {
            tokens: shares.clone().map(|p| sequences * p * length).collect(),
            deviation: shares.map(deviation).collect(),
        })
    }

    /// Exactly what was asked, in tokens.
    pub(super) fn exact(blend: &Blend) -> Option<Self> {
        let tokens: Option<Vec<f64>> = blend.domains.iter().map(|domain| domain.tokens).collect();
        Some(Self {
            tokens: tokens?,
            deviation: vec![0.0; blend.domains.len()],
        })
    }
}

/// Refuses a run in which the trainer would draw nothing of a domain, or more of one than its cap allows.
///
/// A cap may be passed by the trainer's own unit (a sequence) and by a millionth.
pub(super) fn check(format: &Format, blend: &Blend, file: &str) -> Result<(), IoError> {
    let Some(drawn) = format.drawn(blend) else {
        return Ok(());
    };
    let refuse =
        |message: String, help: &str| Err(IoError::input(file, Location::File, message, help));
    let names = |are: &dyn Fn(usize) -> Option<String>| -> Vec<String> {
        (0..blend.domains.len()).filter_map(are).collect()
    };
    let lost = names(&|i| (drawn.tokens[i] <= 0.0).then(|| excerpt(&blend.domains[i].name)));
    if !lost.is_empty() {
        return refuse(
            format!(
                "{} would draw nothing of {}",
                format.name(),
                listed(lost.iter().map(String::as_str), 5)
            ),
            "their weights are below the trainer's resolution: take them out, raise their weights, or choose a \
             longer run",
        );
    }
    let Some(most) = blend.run.repetition_factor else {
        return Ok(());
    };
    let unit = blend.run.sequence_length.unwrap_or(0) as f64;
    let over = names(&|i| {
        let domain = &blend.domains[i];
        let available = domain.available?;
        let allowed = (most * available * (1.0 + 1e-6)).max(domain.tokens.unwrap_or(0.0)) + unit;
        let times = drawn.tokens[i] / available;
        (drawn.tokens[i] > allowed).then(|| format!("`{}` {times:.2} times", excerpt(&domain.name)))
    });
    if over.is_empty() {
        return Ok(());
    }
    refuse(
        format!(
            "{} would see {}, more than the repetition factor {most}, by its own rounding",
            format.name(),
            over.join(", ")
        ),
        "fit with a lower cap, or choose a format that draws exactly",
    )
}
