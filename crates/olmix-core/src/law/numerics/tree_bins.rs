//! Weights of domains in bins, as LightGBM makes them (Ke et al., 2017, and its source): trees split
//! between bins only.

use std::ops::Range;

use crate::Matrix;

/// Bins of a domain at most.
const MAX_BINS: usize = 255;
/// Runs in a bin at least.
const LEAST_IN_BIN: usize = 3;
/// Up to this weight a domain is absent; those runs have a bin of their own.
const ABSENT: f64 = 1e-35;
/// Runs that can be told apart in an entry.
pub(crate) const MAX_RUNS: usize = 1 << 24;

/// The bins of a swarm's weights, shared by all tasks.
#[derive(Debug)]
pub(crate) struct Bins {
    pub(crate) runs: usize,
    pub(crate) domains: Vec<Domain>,
    /// The runs above the lowest bin, domain by domain, from the highest bin down: the run in the
    /// upper 24 bits, the bin in the lower 8.
    pub(crate) entries: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct Domain {
    /// Its place in a mixture.
    pub(crate) index: u32,
    /// Upper bounds of its bins (inclusive), ascending; the last bin has none.
    pub(crate) bounds: Vec<f64>,
    pub(crate) entries: Range<usize>,
}

pub(crate) fn bin_of(entry: u32) -> u32 {
    entry & 0xff
}

pub(crate) fn run_of(entry: u32) -> usize {
    (entry >> 8) as usize
}

impl Bins {
    /// Bins of the domains `live` of the mixtures (`K × m`, `K` below [`MAX_RUNS`]).
    /// `O(K log K)` a domain.
    pub(crate) fn new(mixtures: &Matrix, live: &[usize]) -> Self {
        let mut entries = Vec::new();
        let domains = live
            .iter()
            .map(|&j| {
                let column = mixtures.column(j);
                let bounds = bounds(&column);
                let start = entries.len();
                for (run, weight) in column.iter().enumerate() {
                    let bin = bounds.partition_point(|bound| bound < weight);
                    if bin > 0 {
                        entries.push((run as u32) << 8 | bin as u32);
                    }
                }
                entries[start..].sort_by_key(|&entry| (u32::MAX - bin_of(entry), entry));
                Domain {
                    index: j as u32,
                    bounds,
                    entries: start..entries.len(),
                }
            })
            .collect();
        Self {
            runs: mixtures.rows(),
            domains,
            entries,
        }
    }
}

/// LightGBM's bounds between the bins of weights: absence has a bin of its own, and the others
/// hold about equally many runs.
fn bounds(column: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = column.iter().copied().filter(|v| *v > ABSENT).collect();
    values.sort_by(f64::total_cmp);
    let mut bounds = Vec::new();
    if values.len() < column.len() && !values.is_empty() {
        bounds.push(ABSENT);
    }
    // Distinct values and how often each occurs; neighbours among the floats are one value.
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for &value in &values {
        match distinct.last_mut() {
            Some((last, count)) if value <= last.next_up() => {
                *last = value;
                *count += 1;
            }
            _ => distinct.push((value, 1)),
        }
    }
    let ends = if distinct.len() < MAX_BINS {
        ends_by_count(&distinct)
    } else {
        ends_by_mean(&distinct, values.len())
    };
    bounds.extend(ends.into_iter().map(|i| {
        let middle = f64::midpoint(distinct[i].0, distinct[i + 1].0);
        middle.next_up()
    }));
    bounds
}

/// The last value of each bin but the highest, where each bin takes values until it holds enough.
fn ends_by_count(distinct: &[(f64, usize)]) -> Vec<usize> {
    let mut held = 0;
    let mut ends = Vec::new();
    for (i, (_, count)) in distinct.iter().enumerate() {
        held += count;
        if held >= LEAST_IN_BIN && i + 1 < distinct.len() {
            ends.push(i);
            held = 0;
        }
    }
    ends
}

/// The same where there are more values than bins: each bin takes the mean of what is left, and
/// values that occur more often than the mean have a bin of their own.
fn ends_by_mean(distinct: &[(f64, usize)], total: usize) -> Vec<usize> {
    let bins = (total / LEAST_IN_BIN).clamp(1, MAX_BINS - 1);
    let frequent = |count: usize| count as f64 >= total as f64 / bins as f64;
    let (mut left, mut left_bins) = (total, bins);
    for (_, count) in distinct.iter().filter(|(_, count)| frequent(*count)) {
        left -= count;
        left_bins -= 1;
    }
    let mut mean = left as f64 / left_bins as f64;
    let mut held = 0;
    let mut ends = Vec::new();
    for (i, pair) in distinct.windows(2).enumerate() {
        if ends.len() + 1 >= bins {
            break;
        }
        let (count, next) = (pair[0].1, pair[1].1);
        held += count;
        if !frequent(count) {
            left -= count;
        }
        let full = held as f64 >= mean;
        let half_full = held as f64 >= (0.5 * mean).max(1.0);
        if frequent(count) || full || (frequent(next) && half_full) {
            ends.push(i);
            held = 0;
            if !frequent(count) {
                left_bins -= 1;
                mean = left as f64 / left_bins as f64;
            }
        }
    }
    ends
}
