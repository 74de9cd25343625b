//! Figures and the HTML report: what a fit found, for a person to read.
//!
//! A [`Figure`] is an SVG written here, and its PNG is that SVG rasterized with a font that ships
//! in the crate, which also measured its labels: both look the same on every machine, and the
//! same input gives the same bytes.
//!
//! | question | figure |
//! | --- | --- |
//! | Do the laws predict runs they have not seen? | [`predicted_against_measured`], [`task_errors`] |
//! | Which domain helps which task? | [`interaction_matrix`] |
//! | What changes against the natural distribution? | [`prior_and_proposed`] |
//! | How do the mixtures of several methods differ? | [`mixtures()`] |
//! | Which mixtures does a swarm try? | [`swarm_weights`] |
//! | How does a number change with another? | [`lines()`] |
//! | Two numbers of each of many names | [`bars()`] |
//! | How do size, repetition and λ move the mixture? | [`sweep`] |
//!
//! [`html`] is the report of a fit: its figures with the numbers and how they were made. [`trial_page`] shows
//! what a mixture was worth on a larger model. [`fit_figures`] are the figures of a fit as files.
//!
//! ```
//! use olmix_report::{Lines, Series, lines};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let curve = Series {
//!     name: "saturating".to_owned(),
//!     points: vec![(16.0, 0.31, 0.02), (32.0, 0.22, 0.01), (64.0, 0.17, 0.01)],
//! };
//! let figure = lines(&Lines {
//!     title: "Error by number of runs",
//!     subtitle: "mean and standard error over seeds",
//!     x: "runs",
//!     y: "RMSE",
//!     logarithmic: true,
//!     joined: true,
//!     series: &[curve],
//! });
//! assert!(figure.svg().starts_with("<svg"));
//!
//! let [svg, png] = figure.files("error", 1.0)?;
//! assert_eq!((svg.0.as_str(), png.0.as_str()), ("error.svg", "error.png"));
//! # Ok(())
//! # }
//! ```

mod calibration;
mod colour;
mod error;
mod figure;
mod fit_figures;
mod font;
mod format;
mod report;
mod scale;
mod svg;

pub use calibration::calibration_sentence;
pub use error::ReportError;
pub use figure::*;
pub use fit_figures::{fit_figures, law_in_file_names, proposal_file};
pub use font::web_fonts;
pub use report::{
    InputFile, MixtureTrial, ReportInput, TaskOutcome, TrialOutcome, TrustWords, html,
    trial_curves, trial_page,
};
