//! What calibration by target runs changed, in a sentence.

use olmix_core::Fit;
use olmix_core::law::FittedLaw;

/// What the losses of a calibrated fit are, a sentence of plain text; `None` of other fits.
#[must_use]
pub fn calibration_sentence(fit: &Fit) -> Option<String> {
    let calibration = fit.calibration.as_ref()?;
    let scales = || fit.laws.iter().map(|law: &FittedLaw| law.calibration().0);
    let (least, most) = (
        scales().fold(f64::INFINITY, f64::min),
        scales().fold(f64::NEG_INFINITY, f64::max),
    );
    Some(format!(
        "Losses and gain are those of the target, by {} of its runs: differences between mixtures are {:.2} times those of \
         the proxies, {least:.2} to {most:.2} by task.",
        calibration.runs.len(),
        calibration.slopes.common()
    ))
}
