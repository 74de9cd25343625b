//! The proposed mixture: domains, the figure, and losses by family.

use olmix_core::{Binding, Direction, LossChange, Proposal, weighted_mean};

use super::markup::{Column, details, name, number, table, text};
use super::phases;
use super::prices::table_of_prices;
use super::{ReportInput, epochs, figures};
use crate::figure::families;
use crate::fit_figures::Section;
use crate::format::{self, coverage, loss, percent, ratio, significant};

pub fn section(input: &ReportInput) -> String {
    let Some(proposal) = &input.fit.proposal else {
        return String::new();
    };
    format!(
        "<h2>The mixture</h2>\n{}{}{}{}{}<h2>Losses by task family</h2>\n{}",
        phases::section(input, proposal),
        domains(input, proposal),
        groups(input, proposal),
        figures(input, Section::Mixture),
        table_of_prices(input, proposal),
        losses(input, proposal)
    )
}

/// One row per domain, heaviest first; columns that nothing is known for are left out.
fn domains(input: &ReportInput, proposal: &Proposal) -> String {
    let constraints = &input.spec.constraints;
    let weights = proposal.mixture.weights();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let with_epochs = order
        .iter()
        .any(|&j| epochs(input, j, weights[j]).is_some());
    let with_limits = (0..constraints.domains()).any(|j| constraints.limit(j) < 1.0);

    let mut columns = vec![
        text("Domain"),
        number("Proposed,&nbsp;%"),
        number("Prior,&nbsp;%"),
        number("× prior"),
    ];
    if proposal.bootstrap.is_some() {
        columns.push(number("Interval, %"));
    }
    if with_epochs {
        columns.push(number("Epochs"));
    }
    if with_limits {
        columns.push(number("At most, %"));
        columns.push(text("Held by"));
    }
    let row = |&j: &usize| {
        let domain = proposal.mixture.domains().name(j);
        let prior = input.spec.prior.weight(domain).unwrap_or(0.0);
        let mut cells = vec![
            name(domain),
            percent(weights[j]),
            percent(prior),
            ratio(weights[j], prior),
        ];
        if let Some(bootstrap) = &proposal.bootstrap {
            cells.push(
                bootstrap
                    .weights
                    .get(j)
                    .map_or_else(String::new, |interval| {
                        format!("{} – {}", percent(interval.low), percent(interval.high))
                    }),
            );
        }
        if with_epochs {
            let epochs = epochs(input, j, weights[j]);
            cells.push(epochs.map_or_else(|| "–".to_owned(), |epochs| format!("{epochs:.2}")));
        }
        if with_limits {
            let limit = constraints.limit(j);
            cells.push(if limit < 1.0 {
                percent(limit)
            } else {
                "–".to_owned()
            });
            cells.push(held_by(&proposal.solution.binding, j));
        }
        cells
    };
    let rows: Vec<Vec<String>> = order.iter().map(row).collect();
    table(
        &domains_caption(proposal, with_epochs, with_limits),
        &columns,
        &rows,
        0,
    )
}

fn domains_caption(proposal: &Proposal, with_epochs: bool, with_limits: bool) -> String {
    let mut parts = vec!["Share of the training tokens by domain.".to_owned()];
    if let Some(bootstrap) = &proposal.bootstrap {
        parts.push(format!(
            "Intervals cover {}.",
            coverage(bootstrap.confidence)
        ));
    }
    if with_epochs {
        parts.push("Epochs: passes over the domain's own tokens.".to_owned());
    }
    if with_limits {
        parts.push("At most: the cap from repetition or the domain's bound.".to_owned());
    }
    parts.join(" ")
}

fn held_by(binding: &[Binding], domain: usize) -> String {
    let holds = |binding: &Binding| match *binding {
        Binding::Cap(j) if j == domain => Some("cap"),
        Binding::Upper(j) if j == domain => Some("upper bound"),
        Binding::Lower(j) if j == domain => Some("lower bound"),
        Binding::Held(j) if j == domain => Some("no run sampled it"),
        _ => None,
    };
    let held: Vec<&str> = binding.iter().filter_map(holds).collect();
    if held.is_empty() {
        String::new()
    } else {
        format!("<span class=\"held\">{}</span>", held.join(", "))
    }
}

/// Bounds on groups, where there are any.
fn groups(input: &ReportInput, proposal: &Proposal) -> String {
    let groups = &input.spec.constraints.groups;
    if groups.is_empty() {
        return String::new();
    }
    let columns = [
        text("Group"),
        number("Domains"),
        number("At least, %"),
        number("Proposed, %"),
        number("At most, %"),
        text("Held by"),
    ];
    let row = |(g, group): (usize, &olmix_core::GroupBound)| {
        let weight = |&j: &usize| proposal.mixture.weights().get(j).copied().unwrap_or(0.0);
        let holds = |binding: &Binding| match *binding {
            Binding::GroupUpper(i) if i == g => Some("upper bound"),
            Binding::GroupLower(i) if i == g => Some("lower bound"),
            _ => None,
        };
        let held: Vec<&str> = proposal.solution.binding.iter().filter_map(holds).collect();
        vec![
            name(&group.name),
            group.members.len().to_string(),
            percent(group.lower),
            percent(group.members.iter().map(weight).sum()),
            percent(group.upper),
            format!("<span class=\"held\">{}</span>", held.join(", ")),
        ]
    };
    let rows: Vec<Vec<String>> = groups.iter().enumerate().map(row).collect();
    table("Bounds on groups of domains.", &columns, &rows, 0)
}

/// Losses at the mixture against the natural distribution, by family and by task.
fn losses(input: &ReportInput, proposal: &Proposal) -> String {
    let tasks = input.swarm.tasks();
    let compared = proposal.natural.len() == tasks.len();
    let mut columns = vec![text("Family"), number("Tasks")];
    let at_mixture = if compared { "Proposed" } else { "Chosen run" };
    if compared {
        columns.push(number("Prior"));
    }
    columns.push(number(at_mixture));
    if compared {
        columns.push(number("Change"));
    }
    let cells = |prior: Option<f64>, proposed: f64| {
        let Some(prior) = prior else {
            return vec![loss(proposed)];
        };
        let name = String::new();
        let change = LossChange {
            name,
            prior,
            proposed,
        };
        vec![loss(prior), loss(proposed), marked(&change)]
    };
    let families = families(tasks);
    let changes = proposal.family_changes(input.swarm);
    let family = |(position, (family, members)): (usize, &(&str, Vec<usize>))| {
        let mut row = vec![name(family), members.len().to_string()];
        row.extend(match changes.get(position) {
            Some(change) => cells(Some(change.prior), change.proposed),
            None => cells(None, weighted_mean(tasks, members, &proposal.predicted)),
        });
        row
    };
    let mut rows: Vec<Vec<String>> = families.iter().enumerate().map(family).collect();
    let mut total = vec!["Average".to_owned(), tasks.len().to_string()];
    let natural = proposal.natural_average.filter(|_| compared);
    total.extend(cells(natural, proposal.predicted_average));
    rows.push(total);
    let caption = if compared {
        "Predicted loss, averaged within each family by the tasks' weights; lower is better."
    } else {
        "Measured loss of the chosen run, averaged within each family; lower is better."
    };
    let by_family = table(caption, &columns, &rows, 1);

    let mut columns: Vec<Column> = columns;
    columns[0] = text("Task");
    columns[1] = number("Weight");
    let task = |(i, task): (usize, &olmix_core::Task)| {
        let mut row = vec![name(&task.name), significant(task.weight, 3)];
        let natural = compared.then(|| proposal.natural[i]);
        row.extend(cells(
            natural,
            proposal.predicted.get(i).copied().unwrap_or(f64::NAN),
        ));
        row
    };
    let rows: Vec<Vec<String>> = tasks.iter().enumerate().map(task).collect();
    let caption = if tasks.iter().any(|task| task.direction == Direction::Max) {
        "The same by task. A score, where higher is better, is shown as 1 − score."
    } else {
        "The same by task."
    };
    let by_task = table(caption, &columns, &rows, 0);
    by_family + &details("Every task", &by_task)
}

/// A change, with a mark where it is worse.
fn marked(change: &LossChange) -> String {
    let text = format::change(change);
    if change.is_worse() {
        format!("<span class=\"worse\">{text}</span>")
    } else {
        text
    }
}
