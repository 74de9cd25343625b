//! The noise of every task, where runs of one mixture show it.

use olmix_core::trust::{Noise, TaskNoise};

use super::ReportInput;
use super::markup::{details, name, number, table, text};
use crate::format::{coverage, significant};

/// A table to unfold.
pub fn noise_of_tasks(input: &ReportInput, noise: &Noise) -> String {
    let title = "Noise of every task";
    let row = |label: String, of: &TaskNoise| {
        vec![
            label,
            significant(of.sd, 3),
            significant(of.interval.low, 3),
            significant(of.interval.high, 3),
            significant(of.signal, 3),
            significant(of.signal_to_noise(), 3),
        ]
    };
    let tasks = input.swarm.tasks().iter().zip(&noise.tasks);
    let mut rows: Vec<Vec<String>> = tasks.map(|(task, of)| row(name(&task.name), of)).collect();
    rows.push(row("average loss".into(), &noise.average));
    let columns = [
        text("Task"),
        number("Noise of a run"),
        number("from"),
        number("to"),
        number("Spread over mixtures"),
        number("Signal to noise"),
    ];
    let caption = format!(
        "{title}: standard deviation of runs of one mixture, its {} interval, and the spread of the loss over mixtures \
         without it ({} degrees of freedom).",
        coverage(noise.confidence),
        noise.degrees_of_freedom
    );
    details(title, &table(&caption, &columns, &rows, 1))
}
