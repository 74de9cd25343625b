//! The HTML report: one file that opens offline, for a screen, a phone and paper.

mod answer;
mod brief;
mod data;
mod laws;
mod markup;
mod mixture;
mod noise;
mod phases;
mod prices;
mod provenance;
mod trial;
mod trial_outcome;
mod trust;

pub use trial::{MixtureTrial, trial_curves, trial_page};
pub use trial_outcome::{TaskOutcome, TrialOutcome};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use olmix_core::{Fit, FitSpec, Swarm};
use sha2::{Digest as _, Sha256};

use crate::fit_figures::{self, FittedSwarm, Picture, Section};
use crate::svg::escape;

/// What [`html`] writes about.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// The heading of the page, plain text.
    pub title: &'a str,
    /// The whole swarm that was given to the fit; what it reports is about the rows of it named
    /// by [`Fit::train`].
    pub swarm: &'a Swarm,
    /// What was asked for.
    pub spec: &'a FitSpec,
    /// What was found.
    pub fit: &'a Fit,
    /// `R`, where repetition was limited or epochs are wanted.
    pub target_tokens: Option<f64>,
    /// `k`, where repetition was limited.
    pub repetition_factor: Option<f64>,
    /// What the reader must know and the fit does not say itself: runs left out, columns ignored.
    /// Plain text. Laws no better than the mean are added here.
    pub notices: &'a [String],
    /// What speaks against trusting the fit ([`Fit::warnings`]), in words. Plain text.
    pub warnings: &'a [String],
    /// The noise of the runs and how far the mixture is from them, in words. Plain text.
    pub facts: &'a [String],
    /// The command line as typed.
    pub command: &'a str,
    /// The config file as given.
    pub config: &'a str,
    /// The files that were read.
    pub inputs: &'a [InputFile<'a>],
    /// Version of olmix.
    pub version: &'a str,
    /// The verdict on the mixture, in the words that the terminal has, too; `None` where there is none.
    pub verdict: Option<TrustWords<'a>>,
    /// The `mixture.json` of the fit, which the page evaluates laws from; `None` makes a page without sliders.
    pub mixture: Option<&'a str>,
}

impl ReportInput<'_> {
    /// What figures are drawn from. The swarm is that of the fit, without rows set aside.
    fn fitted(&self) -> FittedSwarm<'_> {
        FittedSwarm {
            swarm: self.swarm,
            spec: self.spec,
            fit: self.fit,
        }
    }
}

/// How far a mixture can be trusted, in words: plain text, in which commands stand between backquotes.
#[derive(Debug, Clone, Copy)]
pub struct TrustWords<'a> {
    /// `good`, `limited` or `poor`.
    pub level: &'a str,
    /// Why, in a sentence without its full stop.
    pub why: &'a str,
    /// What would raise it.
    pub remedies: &'a [String],
}

/// A file that was read.
#[derive(Debug, Clone, Copy)]
pub struct InputFile<'a> {
    /// Its path as given.
    pub path: &'a str,
    /// Its hash, in hexadecimal.
    pub sha256: &'a str,
}

/// The report as one HTML document without links to other files: its figures are inline SVG, its fonts, its
/// script and the script's data are inside, and its policy forbids every request. Without scripts the page is
/// complete but for its sliders. Parts that a fit doesn't have (a proposal, folds, a bootstrap) are left out or
/// said to be missing. No clock: the same input gives the same bytes. Where the optimizer is exact, hundreds of
/// solutions are made, as [`olmix_core::what_if`] says.
#[must_use]
pub fn html(input: &ReportInput) -> String {
    let trained;
    let input = if input.fit.train.len() == input.swarm.len() {
        input
    } else {
        trained = input.swarm.subset(&input.fit.train);
        &ReportInput {
            swarm: &trained,
            ..*input
        }
    };
    let body = [
        answer::section(input),
        "<section id=\"what-if\" hidden></section>\n".to_owned(),
        mixture::section(input),
        trust::section(input),
        laws::section(input),
        provenance::section(input),
    ]
    .concat();
    let scripts = format!("{}<script>{SCRIPT}</script>\n", data::element(input));
    document(input.title, input.version, &body, &scripts)
}

/// The script of a report, built from `web/src/report/`.
const SCRIPT: &str = include_str!("../../assets/report.js");

/// A page that needs nothing else: its style and fonts are inside, and no request may leave it. `scripts` go
/// after the body; of code, only [`SCRIPT`] is executed.
fn document(title: &str, version: &str, body: &str, scripts: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src '{hash}'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"olmix {version}\">\n<title>{title}</title>\n\
         <style>\n{fonts}{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n{scripts}</body>\n</html>\n",
        hash = script_hash(),
        version = escape(version),
        title = escape(title),
        fonts = crate::font::font_faces(),
        style = include_str!("style.css"),
    )
}

/// The source expression of a Content-Security-Policy for the script.
fn script_hash() -> String {
    let hash = Sha256::digest(SCRIPT.as_bytes());
    format!("sha256-{}", STANDARD.encode(hash))
}

/// Passes over the tokens of a domain (by position) at a weight; `None` where tokens or `R` are
/// not known.
fn epochs(input: &ReportInput, domain: usize, weight: f64) -> Option<f64> {
    let domain = input.swarm.domains().iter().nth(domain)?;
    let epochs = domain.epochs(weight, input.target_tokens?)?;
    epochs.is_finite().then_some(epochs)
}

/// The figures of a section, each with its sentence.
fn figures(input: &ReportInput, section: Section) -> String {
    let shown = fit_figures::shown(section, &input.fitted());
    let html = |picture: &Picture| markup::figure(&picture.figure, &picture.caption);
    shown.iter().map(html).collect()
}
