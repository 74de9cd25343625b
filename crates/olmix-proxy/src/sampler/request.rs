//! What the sequences of a run are drawn from, and whether there is enough of it.

use std::path::Path;

use olmix_io::MixLeaf;

use crate::ProxyError;

/// A leaf of a mixture, with the tokens there are of it.
#[derive(Debug, Clone)]
pub struct LeafRequest {
    /// Its name, share of the run and repetition factor.
    pub mix: MixLeaf,
    /// Tokens that its shards hold.
    pub tokens: u64,
    /// What it is cut to, where the run sees a part of it alone.
    pub cut: Option<LeafCut>,
}

/// The part of a leaf that a run sees where it simulates the repetition of another run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeafCut {
    /// Its whole sequences, at least 1.
    pub sequences: u64,
    /// Its tokens, exactly: what repetition is counted by.
    pub tokens: f64,
}

/// A part of a run with one mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseRequest {
    /// Its name, for messages.
    pub name: String,
    /// Its sequences.
    pub sequences: u64,
    /// Weights of the leaves, in their order.
    pub weights: Vec<f64>,
}

/// The sequences of a run.
#[derive(Debug, Clone)]
pub struct SequenceRequest {
    /// The leaves of all phases.
    pub leaves: Vec<LeafRequest>,
    /// The phases, in order: one for a run with one mixture.
    pub phases: Vec<PhaseRequest>,
    /// Tokens of a sequence.
    pub context: usize,
}

impl SequenceRequest {
    /// A run of `total` sequences with one mixture.
    #[must_use]
    pub fn one_mixture(leaves: &[LeafRequest], total: u64, context: usize) -> Self {
        let phase = PhaseRequest {
            name: String::new(),
            sequences: total,
            weights: leaves.iter().map(|leaf| leaf.mix.weight).collect(),
        };
        Self {
            leaves: leaves.to_vec(),
            phases: vec![phase],
            context,
        }
    }

    /// Sequences that a leaf holds: the last one needs a token more, as its target.
    pub(super) fn available(&self, leaf: usize) -> u64 {
        let leaf = &self.leaves[leaf];
        match leaf.cut {
            Some(cut) => cut.sequences,
            None => leaf.tokens.saturating_sub(1) / self.context as u64,
        }
    }

    /// Sequences of each leaf in each phase (phases × leaves), if there are enough: by largest remainders of the
    /// weights, phase by phase.
    ///
    /// # Errors
    /// [`ProxyError::Input`], naming `file`, for leaves that hold less than a sequence, or fewer tokens than
    /// their shares of all phases and the repetition factor ask for.
    pub fn counts(&self, file: &Path) -> Result<Vec<Vec<u64>>, ProxyError> {
        let counts: Vec<Vec<u64>> = self.phases.iter().map(PhaseRequest::counts).collect();
        let short: Vec<String> = (0..self.leaves.len())
            .filter_map(|leaf| {
                let counts: Vec<u64> = counts.iter().map(|phase| phase[leaf]).collect();
                self.shortage(leaf, &counts)
            })
            .collect();
        if short.is_empty() {
            return Ok(counts);
        }
        let (what, place) = match self.phases.len() {
            1 => ("the mixture asks", "`mix`"),
            _ => ("the phases ask", "`phases`"),
        };
        Err(ProxyError::input(
            file,
            format!(
                "{what} for more data than there is:\n  {}",
                short.join("\n  ")
            ),
            format!(
                "raise repetition_factor in {place}, lower the weight, train on fewer tokens, or add data"
            ),
        ))
    }

    /// What a leaf lacks for so many sequences in each phase.
    fn shortage(&self, leaf: usize, counts: &[u64]) -> Option<String> {
        let request = &self.leaves[leaf];
        let context = self.context as u64;
        let count: u64 = counts.iter().sum();
        let name = &request.mix.name;
        if count > 0 && self.available(leaf) == 0 {
            return Some(format!(
                "`{name}` has {} tokens, less than a sequence of {context} and the token after it",
                request.tokens
            ));
        }
        let factor = request.mix.repetition_factor?;
        let tokens = request.cut.map_or(request.tokens as f64, |cut| cut.tokens);
        // To within one sequence a phase, as shares are.
        let most = (factor * tokens / context as f64).ceil() as u64;
        if count < most + self.phases.len() as u64 {
            return None;
        }
        let has = match request.cut {
            None => format!("`{name}` has {} tokens", request.tokens),
            Some(_) => format!(
                "`{name}` has {} tokens, and data.simulate_target_tokens cuts it to {tokens:.0}",
                request.tokens
            ),
        };
        let asked = count * context;
        let parts: Vec<String> = self
            .phases
            .iter()
            .zip(counts)
            .filter(|(_, count)| **count > 0)
            .map(|(phase, count)| format!("{} in `{}`", count * context, phase.name))
            .collect();
        let asks = match self.phases.len() {
            1 => format!("its share of {:.4} is {asked} tokens", request.mix.weight),
            _ => format!(
                "phases ask for {} ({asked} tokens in all)",
                parts.join(" and ")
            ),
        };
        Some(format!(
            "{has}; {asks}, {:.2} times what it has, and repetition_factor allows {factor} times ({} tokens)",
            asked as f64 / tokens,
            most * context
        ))
    }
}

impl PhaseRequest {
    /// Sequences of each leaf.
    fn counts(&self) -> Vec<u64> {
        let sum: f64 = self.weights.iter().sum();
        let exact: Vec<f64> = self
            .weights
            .iter()
            .map(|weight| weight / sum * self.sequences as f64)
            .collect();
        largest_remainders(&exact, self.sequences)
    }
}

/// Whole numbers that sum to `total`, each within one of its share, by largest remainders.
pub(crate) fn largest_remainders(exact: &[f64], total: u64) -> Vec<u64> {
    let mut counts: Vec<u64> = exact.iter().map(|x| x.floor() as u64).collect();
    let mut left = total.saturating_sub(counts.iter().sum());
    let mut order: Vec<usize> = (0..exact.len()).collect();
    order.sort_by(|&a, &b| {
        exact[b]
            .fract()
            .total_cmp(&exact[a].fract())
            .then(a.cmp(&b))
    });
    for part in order.into_iter().cycle() {
        if left == 0 {
            break;
        }
        counts[part] += 1;
        left -= 1;
    }
    counts
}
