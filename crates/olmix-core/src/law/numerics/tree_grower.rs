//! Growing one regression tree at a time, leaf by leaf: always the leaf is split that gains most.
//!
//! Splits are LightGBM's (Ke et al., 2017, and its source), so that trees agree with it up to
//! rounding. The search is not: LightGBM sums histograms, of which swarms of a few hundred runs
//! leave most cells empty. Here each leaf keeps, for each domain, its runs in order of their
//! bins, and a split parts these lists. Runs in a domain's lowest bin are in no list, which in
//! a sparse swarm is most of them.

use std::ops::Range;

use super::tree_bins::{Bins, bin_of, run_of};
use super::trees::BoostedTrees;

/// Grows trees on weighted runs; buffers are kept from tree to tree.
#[derive(Debug)]
pub(crate) struct Grower<'a> {
    bins: &'a Bins,
    max_leaves: usize,
    /// Weight of the runs in a leaf at least.
    least: f64,
    /// The largest weight of a run.
    heaviest: f64,
    /// What is still to be explained of each run, times its weight; and the weight.
    runs: Vec<(f64, f64)>,
    /// The runs with a weight, leaf by leaf.
    order: Vec<u32>,
    /// Entries of the bins, leaf by leaf within each domain.
    entries: Vec<u32>,
    /// Entries of runs with a weight, and each domain's part of them: where every tree starts.
    root: Vec<u32>,
    root_parts: Vec<Part>,
    goes_right: Vec<bool>,
    spare: Vec<u32>,
}

/// The entries of one domain in one leaf.
#[derive(Debug, Clone)]
struct Part {
    domain: usize,
    entries: Range<usize>,
}

#[derive(Debug)]
struct Leaf {
    /// Its runs in `order`.
    runs: Range<usize>,
    sum: f64,
    weight: f64,
    /// Domains by which it may yet be split.
    parts: Vec<Part>,
    best: Option<Split>,
    /// Where the law's `children` point to it; nowhere for a root.
    place: Option<usize>,
}

/// Runs in `bin` of `domain` and above go right.
#[derive(Debug, Clone, Copy)]
struct Split {
    gain: f64,
    domain: usize,
    bin: u32,
    sum: f64,
    weight: f64,
}

impl<'a> Grower<'a> {
    /// For runs of the given weights (length `K`, whole numbers, some positive).
    pub(crate) fn new(bins: &'a Bins, w: &[f64], max_leaves: usize, least: usize) -> Self {
        let mut root = Vec::with_capacity(bins.entries.len());
        let mut root_parts = Vec::with_capacity(bins.domains.len());
        for (domain, of) in bins.domains.iter().enumerate() {
            let start = root.len();
            let entries = bins.entries[of.entries.clone()].iter();
            root.extend(entries.filter(|entry| w[run_of(**entry)] > 0.0));
            root_parts.push(Part {
                domain,
                entries: start..root.len(),
            });
        }
        Self {
            bins,
            max_leaves,
            least: least as f64,
            heaviest: w.iter().copied().fold(0.0, f64::max),
            runs: w.iter().map(|&w| (0.0, w)).collect(),
            order: Vec::new(),
            entries: Vec::new(),
            root,
            root_parts,
            goes_right: vec![false; bins.runs],
            spare: vec![0; bins.runs],
        }
    }

    /// Grows a tree to `residuals` (length `K`), appends it to the law with its leaves' values times
    /// `rate`, and takes these from the residuals. False, and nothing changed, when no split helps.
    pub(crate) fn grow(
        &mut self,
        residuals: &mut [f64],
        rate: f64,
        law: &mut BoostedTrees,
    ) -> bool {
        for ((residual, weight), value) in self.runs.iter_mut().zip(&*residuals) {
            *residual = *weight * value;
        }
        self.order.clear();
        let runs = 0..self.bins.runs as u32;
        let weighted = runs.filter(|&run| self.runs[run as usize].1 > 0.0);
        self.order.extend(weighted);
        self.entries.clone_from(&self.root);

        let mut root = Leaf {
            runs: 0..self.order.len(),
            sum: 0.0,
            weight: 0.0,
            parts: self.root_parts.clone(),
            best: None,
            place: None,
        };
        for &run in &self.order {
            root.sum += self.runs[run as usize].0;
            root.weight += self.runs[run as usize].1;
        }
        self.find_split(&mut root);
        if root.best.is_none() {
            return false;
        }
        law.roots.push(law.feature.len() as u32);
        let mut leaves = vec![root];
        while leaves.len() < self.max_leaves {
            // The first of equal gains.
            let mut most: Option<(usize, Split)> = None;
            for (at, leaf) in leaves.iter().enumerate() {
                if let Some(split) = leaf.best
                    && most.is_none_or(|(_, most)| split.gain > most.gain)
                {
                    most = Some((at, split));
                }
            }
            let Some((at, split)) = most else { break };
            let right = self.split(&mut leaves[at], split, law);
            leaves.push(right);
        }
        for leaf in leaves {
            let value = rate * leaf.sum / leaf.weight;
            if let Some(place) = leaf.place {
                law.children[place] = !number(law.leaf.len());
            }
            law.leaf.push(value);
            for &run in &self.order[leaf.runs] {
                residuals[run as usize] -= value;
            }
        }
        true
    }

    /// Makes a leaf its left half, and returns the right one.
    fn split(&mut self, leaf: &mut Leaf, split: Split, law: &mut BoostedTrees) -> Leaf {
        let node = law.feature.len();
        let domain = &self.bins.domains[split.domain];
        law.feature.push(domain.index);
        law.threshold.push(domain.bounds[split.bin as usize - 1]);
        law.children.extend([0, 0]);
        if let Some(place) = leaf.place {
            law.children[place] = number(node);
        }

        let by = leaf.parts.iter().find(|part| part.domain == split.domain);
        for &entry in by.map_or(&[][..], |part| &self.entries[part.entries.clone()]) {
            self.goes_right[run_of(entry)] = bin_of(entry) >= split.bin;
        }
        let goes_right = &self.goes_right;
        let order = &mut self.order[leaf.runs.clone()];
        let left = part(order, &mut self.spare, |run| goes_right[run as usize]);
        let middle = leaf.runs.start + left;
        let mut right = Leaf {
            runs: middle..leaf.runs.end,
            sum: split.sum,
            weight: split.weight,
            parts: Vec::new(),
            best: None,
            place: Some(2 * node + 1),
        };
        leaf.runs.end = middle;
        leaf.sum -= split.sum;
        leaf.weight -= split.weight;
        leaf.place = Some(2 * node);
        leaf.best = None;
        if self.splittable(leaf) || self.splittable(&right) {
            for of in &mut leaf.parts {
                let entries = &mut self.entries[of.entries.clone()];
                let left = part(entries, &mut self.spare, |entry| goes_right[run_of(entry)]);
                let middle = of.entries.start + left;
                right.parts.push(Part {
                    domain: of.domain,
                    entries: middle..of.entries.end,
                });
                of.entries.end = middle;
            }
        }
        for &run in &self.order[right.runs.clone()] {
            self.goes_right[run as usize] = false;
        }
        self.find_split(leaf);
        self.find_split(&mut right);
        right
    }

    fn splittable(&self, leaf: &Leaf) -> bool {
        leaf.weight >= 2.0 * self.least
    }

    /// Finds the split of a leaf that lessens the squared error most, and drops the domains that
    /// can't split it nor any leaf below it.
    fn find_split(&self, leaf: &mut Leaf) {
        if !self.splittable(leaf) {
            return;
        }
        let (total, mean) = (leaf.weight, leaf.sum / leaf.weight);
        let runs = &self.runs[..];
        let (least, most_right) = (self.least, leaf.weight - self.least);
        // Fewer entries than this can't fill a leaf.
        let few = (least / self.heaviest) as usize;
        let (mut most, mut best) = (0.0, None);
        leaf.parts.retain(|part| {
            let entries = &self.entries[part.entries.clone()];
            if entries.len() < few {
                return false;
            }
            let (first, rest) = entries.split_at(few.saturating_sub(1));
            let (mut sum, mut weight) = (0.0, 0.0);
            for &entry in first {
                let run = runs[run_of(entry)];
                sum += run.0;
                weight += run.1;
            }
            for (i, &entry) in rest.iter().enumerate() {
                let run = runs[run_of(entry)];
                sum += run.0;
                weight += run.1;
                let bin = bin_of(entry);
                let same_bin = rest.get(i + 1).is_some_and(|&next| bin_of(next) == bin);
                if weight < least || same_bin {
                    continue;
                }
                if weight > most_right {
                    break;
                }
                // Halves of weight w and v whose means are d/w and −d/v off the leaf's: the
                // squared error falls by d²/w + d²/v.
                let off = sum - mean * weight;
                let gain = off * off * total / (weight * (total - weight));
                if gain > most {
                    most = gain;
                    best = Some(Split {
                        gain,
                        domain: part.domain,
                        bin,
                        sum,
                        weight,
                    });
                }
            }
            weight >= least
        });
        leaf.best = best;
    }
}

/// Moves the items that go right behind those that don't, each kept in order, and returns how many
/// stay left.
fn part(items: &mut [u32], spare: &mut [u32], goes_right: impl Fn(u32) -> bool) -> usize {
    let spare = &mut spare[..items.len()];
    let (mut left, mut right) = (0, 0);
    // Both writes are made and one of them counts: which one can't be foretold.
    for i in 0..items.len() {
        let item = items[i];
        let goes_right = usize::from(goes_right(item));
        items[left] = item;
        spare[right] = item;
        left += 1 - goes_right;
        right += goes_right;
    }
    items[left..].copy_from_slice(&spare[..right]);
    left
}

/// A node or leaf in `children`. The options see to it that there are not too many.
#[allow(clippy::cast_possible_wrap)]
fn number(at: usize) -> i32 {
    at as i32
}
