//! The page of a trial: a model trained on two mixtures.

use olmix_core::{Constraints, LossChange, Mixture};

use super::markup::{figure, number, table, text};
use super::{TaskOutcome, TrialOutcome, document};
use crate::figure::{Figure, Lines, PriorAndProposed, Series, lines, prior_and_proposed};
use crate::format::{change, loss, percent_short};
use crate::svg::escape;

/// What [`trial_page`] writes about.
#[derive(Debug, Clone, Copy)]
pub struct MixtureTrial<'a> {
    /// The heading of the page, plain text.
    pub title: &'a str,
    /// What was measured.
    pub outcome: &'a TrialOutcome,
    /// Runs of the swarm that the proposal was made from.
    pub runs: usize,
    /// The gain that the laws promised.
    pub predicted_gain: Option<f64>,
    /// The natural mixture.
    pub prior: &'a Mixture,
    /// The proposed one.
    pub proposed: &'a Mixture,
    /// Where the report of the fit is, relative to the page.
    pub fit_report: &'a str,
    /// The command line that makes it again.
    pub command: &'a str,
    /// Version of olmix.
    pub version: &'a str,
}

/// The average loss over steps of both runs of a trial.
#[must_use]
pub fn trial_curves(outcome: &TrialOutcome) -> Figure {
    let runs = [
        ("natural", &outcome.natural),
        ("proposed", &outcome.proposed),
    ];
    let series = runs.map(|(name, points)| Series {
        name: name.to_owned(),
        points: points
            .iter()
            .map(|&(step, loss)| (step as f64, loss, 0.0))
            .collect(),
    });
    lines(&Lines {
        title: "Average loss of the larger model",
        subtitle: "mean over tasks; lower is better",
        x: "steps",
        y: "bits per byte",
        logarithmic: false,
        joined: true,
        series: &series,
    })
}

/// The page as one HTML document without links to other files but the fit's report.
#[must_use]
pub fn trial_page(trial: &MixtureTrial<'_>) -> String {
    let outcome = trial.outcome;
    let curves = trial_curves(outcome);
    let mixtures = prior_and_proposed(&PriorAndProposed {
        prior: trial.prior,
        proposed: trial.proposed,
        intervals: None,
        constraints: &Constraints::none(trial.proposed.domains().len()),
        binding: &[],
    });
    let row = |task: &TaskOutcome| {
        vec![
            escape(&task.name),
            loss(task.natural),
            loss(task.proposed),
            change(&LossChange {
                name: String::new(),
                prior: task.natural,
                proposed: task.proposed,
            }),
        ]
    };
    let rows: Vec<Vec<String>> = outcome.tasks.iter().map(row).collect();
    let columns = [
        text("Task"),
        number("Natural"),
        number("Proposed"),
        number("Change"),
    ];
    let promised = trial.predicted_gain.map_or_else(String::new, |gain| {
        format!(
            " The laws, fitted to small models, predicted an average loss {} lower; measured on the larger \
             one it is {} lower.",
            percent_short(gain),
            percent_short(outcome.gain())
        )
    });
    let body = format!(
        "<h1>{}</h1>\n<p class=\"answer\">{}</p>\n<p>{} small models were trained on different mixtures and \
         measured on {} tasks; a law per task was fitted to what they measured, and the mixture with the \
         least predicted loss solved for.{promised} <a href=\"{}\">The report of the fit</a> has the laws \
         and how far to trust them.</p>\n{}{}{}<p>Made by <code>{}</code>, olmix {}.</p>\n",
        escape(trial.title),
        escape(&outcome.sentence()),
        trial.runs,
        outcome.tasks.len(),
        escape(trial.fit_report),
        figure(
            &curves,
            "Both models are the same but for the mixture. The proposed one is as good as the natural one's \
             end where its curve crosses that height."
        ),
        figure(
            &mixtures,
            "What each was trained on. No domain is seen more often than the repetition factor allows."
        ),
        table(
            "Bits per byte of the gold answers, at the end.",
            &columns,
            &rows,
            0
        ),
        escape(trial.command),
        escape(trial.version),
    );
    document(trial.title, trial.version, &body, "")
}
