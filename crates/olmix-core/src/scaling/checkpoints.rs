//! Which rows of a swarm are checkpoints of one run, of one size, of one mixture.

use super::Scale;
use crate::{CoreError, Swarm};

/// Sizes, and tokens of one size, that differ by less than this share are one.
const SAME_SCALE: f64 = 0.005;

/// Mixtures whose weights differ by no more than this are one.
pub(super) const SAME_MIXTURE: f64 = 1e-4;

/// Checkpoints before this share of the tokens of their size's longest runs are left out.
const EARLIEST: f64 = 0.25;

/// A checkpoint counts by this power of the share of its run that is done.
const DONE: i32 = 4;

/// Mixtures that two sizes have in common before one says something about the other: a level and a spread take two.
const SHARED: usize = 3;

/// A mixture that is known from so little of a run is left out.
const LEAST_WEIGHT: f64 = 0.1;

/// The mixtures measured at one size and number of tokens.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// Position among the sizes.
    pub size: usize,
    pub scale: Scale,
    /// Weights of the cells of a size sum to 1.
    pub weight: f64,
    /// By mixture: its losses (one per task), where it was measured.
    pub losses: Vec<Option<Vec<f64>>>,
}

/// A swarm of several sizes, sorted out.
#[derive(Debug, Clone)]
pub(super) struct Checkpoints {
    /// Parameters, ascending.
    pub sizes: Vec<f64>,
    /// By size, then by tokens, ascending.
    pub cells: Vec<Cell>,
    /// By mixture: the row that stands for it, the last checkpoint of its largest size.
    pub rows: Vec<usize>,
    /// Rows that no cell has.
    pub left_out: usize,
}

impl Checkpoints {
    /// Sorts the rows of a swarm, of which `scales` has one each.
    ///
    /// # Errors
    /// [`CoreError::Shape`], [`CoreError::OutOfRange`] for a scale that is not above 0, and
    /// [`CoreError::Unsupported`] where parameters or tokens do not vary, where sizes have too few mixtures in
    /// common, and for losses that were shifted because they were negative.
    pub fn new(swarm: &Swarm, scales: &[Scale]) -> Result<Self, CoreError> {
        check(swarm, scales)?;
        let (of_row, count) = mixtures(swarm);
        let (size_of_row, sizes) = grouped(scales.iter().map(|scale| scale.parameters));
        if sizes.len() < 2 {
            return Err(CoreError::Unsupported(format!(
                "all runs have {} parameters: what a size changes can't be known from one size",
                short(sizes[0])
            )));
        }
        if grouped(scales.iter().map(|scale| scale.tokens)).1.len() < 2 {
            return Err(CoreError::Unsupported(format!(
                "all runs have {} tokens: what tokens change can't be known from one number of them",
                short(scales[0].tokens)
            )));
        }
        let mut cells = Vec::new();
        for (size, &parameters) in sizes.iter().enumerate() {
            let rows: Vec<usize> = (0..swarm.len())
                .filter(|&i| size_of_row[i] == size)
                .collect();
            let (of, tokens) = grouped(rows.iter().map(|&i| scales[i].tokens));
            let last = tokens.iter().copied().fold(0.0, f64::max);
            for (t, &tokens) in tokens.iter().enumerate() {
                let here = rows.iter().zip(&of).filter(|(_, of)| **of == t);
                let here: Vec<usize> = here.map(|(row, _)| *row).collect();
                let losses = by_mixture(swarm, &of_row, count, &here);
                if tokens >= EARLIEST * last && losses.iter().flatten().count() >= SHARED {
                    cells.push(Cell {
                        size,
                        scale: Scale { parameters, tokens },
                        weight: (tokens / last).powi(DONE),
                        losses,
                    });
                }
            }
        }
        share_weights(&mut cells, sizes.len());
        let known = |k: usize| {
            let cells = cells.iter().filter(|cell| cell.losses[k].is_some());
            cells.map(|cell| cell.weight).sum::<f64>() >= LEAST_WEIGHT
        };
        let kept: Vec<usize> = (0..count).filter(|&k| known(k)).collect();
        for cell in &mut cells {
            cell.losses = kept.iter().map(|&k| cell.losses[k].take()).collect();
        }
        overlap(&cells, &sizes)?;
        let last_of = |&k: &usize| {
            let rows = (0..swarm.len()).filter(|&i| of_row[i] == k);
            let by = |i: usize| (scales[i].parameters, scales[i].tokens);
            rows.reduce(|best, i| if by(i) > by(best) { i } else { best })
        };
        let in_cell = |i: usize| {
            let kept = kept.contains(&of_row[i]);
            let same = |cell: &&Cell| {
                cell.size == size_of_row[i] && same_scale(cell.scale.tokens, scales[i].tokens)
            };
            kept && cells.iter().any(|cell| same(&cell))
        };
        Ok(Self {
            left_out: (0..swarm.len()).filter(|&i| !in_cell(i)).count(),
            rows: kept.iter().filter_map(last_of).collect(),
            sizes,
            cells,
        })
    }

    /// The last checkpoint of every size, ascending.
    pub fn last_of_sizes(&self) -> Vec<&Cell> {
        let last = |size| self.cells.iter().rev().find(move |cell| cell.size == size);
        (0..self.sizes.len()).filter_map(last).collect()
    }
}

fn check(swarm: &Swarm, scales: &[Scale]) -> Result<(), CoreError> {
    if scales.len() != swarm.len() {
        return Err(CoreError::Shape {
            what: "sizes of runs",
            expected: swarm.len(),
            found: scales.len(),
        });
    }
    if swarm.is_empty() {
        return Err(CoreError::Unsupported("there is no run".into()));
    }
    for scale in scales {
        for (what, value) in [
            ("the parameters of a run", scale.parameters),
            ("the tokens of a run", scale.tokens),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(CoreError::OutOfRange {
                    what,
                    value,
                    rule: "above 0",
                });
            }
        }
    }
    let shifted = swarm.tasks().iter().find(|task| task.offset != 0.0);
    shifted.map_or(Ok(()), |task| Err(not_a_loss(&task.name)))
}

/// Levels are powers of parameters and tokens, which only losses with a zero of their own are.
pub(super) fn not_a_loss(task: &str) -> CoreError {
    CoreError::Unsupported(format!(
        "task `{task}` has values that are not above 0, which no power of parameters and tokens predicts"
    ))
}

/// By row the number of its mixture, and how many there are.
fn mixtures(swarm: &Swarm) -> (Vec<usize>, usize) {
    let mut first: Vec<usize> = Vec::new();
    let rows = swarm.mixtures();
    let same = |a: usize, b: usize| {
        let pairs = rows.row(a).iter().zip(rows.row(b));
        pairs.map(|(x, y)| (x - y).abs()).all(|d| d <= SAME_MIXTURE)
    };
    let mut of = Vec::with_capacity(swarm.len());
    for row in 0..swarm.len() {
        // Checkpoints of a run stand together in most tables.
        let found = first.iter().rposition(|&one| same(one, row));
        of.push(found.unwrap_or_else(|| {
            first.push(row);
            first.len() - 1
        }));
    }
    (of, first.len())
}

pub(super) fn same_scale(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME_SCALE * a.max(b)
}

/// By value the position of its group, and the greatest value of each group, ascending.
fn grouped(values: impl Iterator<Item = f64>) -> (Vec<usize>, Vec<f64>) {
    let values: Vec<f64> = values.collect();
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let mut greatest: Vec<f64> = Vec::new();
    let mut begin = f64::NAN;
    for value in sorted {
        match greatest.last_mut() {
            Some(last) if same_scale(begin, value) => *last = value,
            _ => {
                greatest.push(value);
                begin = value;
            }
        }
    }
    let of = |value: &f64| greatest.partition_point(|last| last < value);
    (values.iter().map(of).collect(), greatest)
}

/// The mean losses of each mixture over the rows.
fn by_mixture(
    swarm: &Swarm,
    of_row: &[usize],
    count: usize,
    rows: &[usize],
) -> Vec<Option<Vec<f64>>> {
    let mut sums: Vec<Option<(f64, Vec<f64>)>> = vec![None; count];
    for &row in rows {
        let losses = swarm.losses().row(row);
        match &mut sums[of_row[row]] {
            Some((n, sum)) => {
                *n += 1.0;
                sum.iter_mut().zip(losses).for_each(|(s, y)| *s += y);
            }
            none => *none = Some((1.0, losses.to_vec())),
        }
    }
    let mean = |(n, sum): (f64, Vec<f64>)| sum.iter().map(|s| s / n).collect();
    sums.into_iter().map(|sum| sum.map(mean)).collect()
}

/// Makes the weights of the cells of a size sum to 1: a size counts once, however many checkpoints it has.
fn share_weights(cells: &mut [Cell], sizes: usize) {
    for size in 0..sizes {
        let of = |cell: &&mut Cell| cell.size == size;
        let sum: f64 = cells
            .iter()
            .filter(|cell| cell.size == size)
            .map(|cell| cell.weight)
            .sum();
        cells
            .iter_mut()
            .filter(of)
            .for_each(|cell| cell.weight /= sum);
    }
}

/// Refuses sizes that have too few mixtures in common with the others.
fn overlap(cells: &[Cell], sizes: &[f64]) -> Result<(), CoreError> {
    let count = cells.first().map_or(0, |cell| cell.losses.len());
    let has = |size: usize, k: usize| {
        let mut of_size = cells.iter().filter(|cell| cell.size == size);
        of_size.any(|cell| cell.losses[k].is_some())
    };
    let shared = |a: usize, b: usize| (0..count).filter(|&k| has(a, k) && has(b, k)).count();
    let mut reached = vec![0];
    let mut next = 0;
    while next < reached.len() {
        let from = reached[next];
        next += 1;
        for size in 0..sizes.len() {
            if !reached.contains(&size) && shared(from, size) >= SHARED {
                reached.push(size);
            }
        }
    }
    let Some(apart) = (0..sizes.len()).find(|size| !reached.contains(size)) else {
        return Ok(());
    };
    let most = (0..sizes.len()).filter(|&size| size != apart);
    let most = most.map(|size| shared(apart, size)).max().unwrap_or(0);
    Err(CoreError::Unsupported(format!(
        "sizes do not overlap in mixtures: the runs of {} parameters have {most} in common with any other size, \
         and {SHARED} are needed to tell the size from the mixture",
        short(sizes[apart])
    )))
}

/// A number of parameters or tokens, for messages: 1.2B.
#[must_use]
pub fn short(value: f64) -> String {
    let (unit, name) = match value {
        v if v >= 1e12 => (1e12, "T"),
        v if v >= 1e9 => (1e9, "B"),
        v if v >= 1e6 => (1e6, "M"),
        v if v >= 1e3 => (1e3, "K"),
        _ => (1.0, ""),
    };
    let digits = (value / unit * 1000.0).round() / 1000.0;
    format!("{digits}{name}")
}
