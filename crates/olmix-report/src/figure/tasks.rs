//! How well each task's law predicts runs it has not seen, against predicting their mean.

use olmix_core::Task;
use olmix_core::trust::Scores;

use super::Figure;
use super::labels::{AXIS_LABEL, TICK, column_of, heading};
use super::predicted::optional;
use crate::colour::{AXIS, BLUE, GRID, MUTED, ORANGE};
use crate::format::{count, significant};
use crate::scale::{Scale, ticks};
use crate::svg::{Anchor, Drawing, Px, Style};

/// A row per task, best first: RMSE as a fraction of that of predicting the mean. Tasks at 1 and
/// beyond (orange) have a law that is worth nothing; those beyond the axis are triangles.
#[must_use]
pub fn task_errors(tasks: &[Task], scores: &[Scores]) -> Figure {
    let mut rows: Vec<(&Task, &Scores, f64)> = tasks
        .iter()
        .zip(scores)
        .map(|(task, scores)| (task, scores, scores.rmse / scores.mean_rmse))
        .collect();
    // NaN (a task whose losses are all equal) sorts last.
    rows.sort_by(|a, b| a.2.abs().total_cmp(&b.2.abs()));
    let worst = rows.iter().map(|row| row.2).filter(|r| r.is_finite());
    let end = worst.fold(1.1, f64::max).min(1.6);

    let (pitch, size) = if rows.len() <= 20 {
        (20.0, 11.5)
    } else {
        (15.5, 11.0)
    };
    let (names, widest) = column_of(rows.iter().map(|row| row.0.name.as_str()), size, 230.0);
    let (left, top) = (16.0 + widest + 12.0, 84.0);
    let right = left + 360.0;
    let bottom = top + pitch * rows.len() as f64;
    let width = right + 138.0;
    let scale = Scale::linear(0.0, end, left, right);

    let mut drawing = Drawing::default();
    heading(
        &mut drawing,
        16.0,
        width - 32.0,
        "Error on unseen runs, by task",
        "root mean squared error over that of predicting the mean: below 1 the law helps",
    );
    let column = |at: f64| right + at;
    drawing.text(column(68.0), top - 7.0, "RMSE", TICK.anchor(Anchor::End));
    drawing.text(
        column(126.0),
        top - 7.0,
        "Spearman",
        TICK.anchor(Anchor::End),
    );
    for (value, label) in ticks(0.0, end, 6.0) {
        let x = scale.at(value);
        drawing.line((x, top), (x, bottom), GRID, 1.0);
        drawing.text(x, top - 7.0, &label, TICK.anchor(Anchor::Middle));
        drawing.text(x, bottom + 15.0, &label, TICK.anchor(Anchor::Middle));
    }
    for y in [top, bottom] {
        drawing.line((left, y), (right, y), AXIS, 1.0);
    }
    drawing.line((scale.at(1.0), top), (scale.at(1.0), bottom), MUTED, 1.2);
    let centre = f64::midpoint(left, right);
    let label = AXIS_LABEL.anchor(Anchor::Middle);
    drawing.text(centre, bottom + 34.0, "RMSE / RMSE of the mean", label);

    for (i, (_, scores, relative)) in rows.iter().enumerate() {
        let y = top + (i as f64 + 0.5) * pitch;
        let style = Style::new(size).anchor(Anchor::End);
        let baseline = y + 0.36 * size;
        drawing.text(left - 10.0, baseline, &names[i], style);
        let rmse = significant(scores.rmse, 3);
        drawing.text(column(68.0), baseline, &rmse, style.colour(MUTED));
        let spearman = optional(scores.spearman);
        drawing.text(column(126.0), baseline, &spearman, style.colour(MUTED));
        mark(&mut drawing, &scale, (right, y), *relative, end);
    }
    let label = format!(
        "Dot plot of the cross-validated error of {} relative to predicting the mean.",
        count(rows.len(), "task")
    );
    Figure::new(drawing, width, bottom + 46.0, &label)
}

fn mark(drawing: &mut Drawing, scale: &Scale, (right, y): (f64, f64), relative: f64, end: f64) {
    if relative.is_nan() {
        return;
    }
    if relative > end {
        let data = format!("M{} {}l-7-4.5v9z", Px(right), Px(y));
        drawing.path(&data, &format!(r#"fill="{ORANGE}""#));
        let text = format!("×{}", significant(relative, 2));
        drawing.text(right - 11.0, y + 3.8, &text, TICK.anchor(Anchor::End));
    } else if relative >= 1.0 {
        drawing.diamond(scale.at(relative), y, 4.8, ORANGE);
    } else {
        drawing.disc(scale.at(relative), y, 3.8, BLUE);
    }
}
