//! Draws mixtures for a swarm (Olmix, arXiv 2602.12237, appendix on swarm sampling).
//!
//! A draw takes the shares of the sources from a Dirichlet distribution, then shares inside each
//! source, and multiplies. Its parameter is the prior times a strength: large strengths stay close
//! to the prior, small ones give sparse mixtures.

use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::shares::{NoShare, clip, leaves, round, with_pins};
use super::taken::{Taken, near};
use super::tree::{Group, Tree};
use crate::random::{GammaScale, dirichlet_of, gamma, generator};
use crate::{CoreError, Purpose};

/// How one level of the tree is sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Least and greatest strength, above 0.
    pub strength: (f64, f64),
    /// Exponent on the prior, at least 0; below 1 flattens it. Sizes set by hand are left as they are.
    pub temperature: f64,
    /// Shares of the parent below this become zero.
    pub minimum: f64,
}

/// How mixtures are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplerOptions {
    /// How shares of the sources are drawn.
    pub sources: Level,
    /// How shares inside a source are drawn: of topics, and of their quality buckets.
    pub topics: Level,
    /// One minimum for all leaves, of which their weights become multiples, in place of those of the
    /// levels.
    pub multiples_of: Option<f64>,
    /// Names of sources, topics or leaves that must have weight.
    pub nonzero: Vec<String>,
    /// The greatest weight of each leaf, length `m`.
    pub caps: Option<Vec<f64>>,
    /// Mixtures that no draw may resemble (within 0.01 in Euclidean distance), each of length `m`.
    pub existing: Vec<Vec<f64>>,
    /// Seed of all draws.
    pub seed: u64,
}

/// Strengths between the least and the greatest that each draw is tried with.
const STRENGTHS: usize = 15;
/// Slack of caps against rounding.
const SLACK: f64 = 1e-12;

/// Why candidates were not taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rejections {
    /// Candidates drawn, feasible or not.
    pub drawn: usize,
    /// Over a leaf's cap, by leaf; a candidate counts once, for the leaf that is most over.
    pub over_cap: Vec<usize>,
    /// Without weight on one of [`SamplerOptions::nonzero`], by name.
    pub missing: Vec<usize>,
    /// With nothing left when what is under the minimum is removed.
    pub empty: usize,
    /// Draws (not candidates) like an earlier one.
    pub repeated: usize,
    /// Draws like one of [`SamplerOptions::existing`].
    pub existing: usize,
}

/// Why a candidate is not feasible.
pub(super) enum Refusal {
    OverCap(usize),
    Missing(usize),
    Empty,
}

impl From<NoShare> for Refusal {
    fn from(_: NoShare) -> Self {
        Self::Empty
    }
}

/// Draws mixtures over the leaves of a tree.
#[derive(Debug)]
pub struct Sampler<'a> {
    tree: &'a Tree,
    options: &'a SamplerOptions,
    /// Tempered priors of each group, over its free members.
    priors: Vec<Vec<f64>>,
    /// Leaves of each name that must have weight.
    nonzero: Vec<std::ops::Range<usize>>,
}

/// A draw: its mixture, if one was feasible, and what was refused.
pub(super) type Draw = (Option<Vec<f64>>, Vec<Refusal>);

impl<'a> Sampler<'a> {
    /// # Errors
    /// [`CoreError::Unsupported`] for options out of range or names that are not in the tree, and
    /// [`CoreError::Infeasible`] for caps that no mixture can meet.
    pub fn new(tree: &'a Tree, options: &'a SamplerOptions) -> Result<Self, CoreError> {
        let refuse = |message: String| Err(CoreError::Unsupported(message));
        for (what, level) in [("source", options.sources), ("topic", options.topics)] {
            let (least, most) = level.strength;
            if !(least > 0.0 && most >= least && most.is_finite()) {
                return refuse(format!(
                    "the {what} strengths go from {least} to {most}; they must be above 0, the \
                     least first"
                ));
            }
            if !(level.temperature >= 0.0 && level.temperature.is_finite()) {
                return refuse(format!("the {what} temperature is {}", level.temperature));
            }
            if !(0.0..1.0).contains(&level.minimum) {
                return refuse(format!(
                    "the minimum weight of a {what} is {}; it must be at least 0 and below 1",
                    level.minimum
                ));
            }
        }
        if let Some(caps) = &options.caps
            && tree.capacity(caps) < 1.0
        {
            return Err(CoreError::Infeasible(
                "no mixture keeps every leaf within its cap".into(),
            ));
        }
        let level = |depth: usize| match depth {
            0 => options.sources,
            _ => options.topics,
        };
        let prior = |group: &Group| {
            let free = group.members.iter().filter(|member| member.pin.is_none());
            let total: f64 = group.members.iter().map(|member| member.size).sum();
            let temper = |member: &super::tree::Member| {
                let share = member.size / total;
                if member.manual {
                    share
                } else {
                    share.powf(level(group.depth).temperature)
                }
            };
            let raw: Vec<f64> = free.map(temper).collect();
            let sum: f64 = raw.iter().sum();
            raw.into_iter().map(|share| share / sum).collect()
        };
        let named = |name: &String| {
            tree.leaves_of(name).ok_or_else(|| {
                CoreError::Unsupported(format!("no source, topic or leaf is named `{name}`"))
            })
        };
        Ok(Self {
            tree,
            options,
            priors: tree.groups().iter().map(prior).collect(),
            nonzero: options
                .nonzero
                .iter()
                .map(named)
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn tree(&self) -> &Tree {
        self.tree
    }

    pub(super) fn options(&self) -> &SamplerOptions {
        self.options
    }

    /// The mixture that draws are spread around: the tempered prior with its pins.
    #[must_use]
    pub fn center(&self) -> Vec<f64> {
        let relative: Vec<Vec<f64>> = self
            .tree
            .groups()
            .iter()
            .zip(&self.priors)
            .map(|(group, prior)| with_pins(group, prior))
            .collect();
        leaves(self.tree, &relative)
    }

    /// Draw number `draw`, the same on any thread.
    pub(super) fn draw(&self, purpose: Purpose, draw: usize) -> Draw {
        let mut rng = generator(self.options.seed, purpose, draw as u64);
        let mut order: Vec<usize> = (0..self.strengths()).collect();
        order.shuffle(&mut rng);
        self.first_feasible(order, |_, shape, scale| gamma(shape, scale, &mut rng))
    }

    /// How many strengths each draw may have.
    pub(super) fn strengths(&self) -> usize {
        let levels = [self.options.sources, self.options.topics];
        let varied = levels.iter().any(|l| l.strength.0 < l.strength.1);
        if varied { STRENGTHS } else { 1 }
    }

    /// Gamma variates that a candidate is made of.
    pub(super) fn variates(&self) -> usize {
        let lengths = self.priors.iter().map(Vec::len);
        lengths.filter(|length| *length > 1).sum()
    }

    /// The candidate of the first strength, in this order, that is feasible. In random order that is
    /// one of all feasible ones at random, at the cost of fewer candidates.
    ///
    /// `variate(i, shape, scale)` is Gamma variate number `i` of a candidate, or its logarithm.
    pub(super) fn first_feasible(
        &self,
        order: impl IntoIterator<Item = usize>,
        mut variate: impl FnMut(usize, f64, GammaScale) -> f64,
    ) -> Draw {
        let mut refusals = Vec::new();
        for step in order {
            match self.candidate(step, &mut variate) {
                Ok(mixture) => return (Some(mixture), refusals),
                Err(refusal) => refusals.push(refusal),
            }
        }
        (None, refusals)
    }

    /// The candidate at strength number `step`.
    fn candidate(
        &self,
        step: usize,
        variate: &mut impl FnMut(usize, f64, GammaScale) -> f64,
    ) -> Result<Vec<f64>, Refusal> {
        let levels = [self.options.sources, self.options.topics];
        let along = step as f64 / (STRENGTHS - 1) as f64;
        let strength = |depth: usize| {
            let (least, most) = levels[depth.min(1)].strength;
            least * (most / least).powf(along)
        };
        let mut before = 0;
        let groups = self.tree.groups().iter().zip(&self.priors);
        let mut relative: Vec<Vec<f64>> = groups
            .map(|(group, prior)| {
                if prior.len() < 2 {
                    return with_pins(group, prior);
                }
                let drawn = dirichlet_of(prior, strength(group.depth), |k, shape, scale| {
                    variate(before + k, shape, scale)
                });
                before += prior.len();
                with_pins(group, &drawn)
            })
            .collect();
        self.finish(&mut relative)
    }

    /// Clips shares, multiplies them, and checks what comes out.
    fn finish(&self, relative: &mut [Vec<f64>]) -> Result<Vec<f64>, Refusal> {
        match self.options.multiples_of {
            Some(unit) => round(self.tree, relative, unit)?,
            None => clip(self.tree, relative, |depth| match depth {
                0 => self.options.sources.minimum,
                _ => self.options.topics.minimum,
            })?,
        }
        let mixture = leaves(self.tree, relative);
        let present =
            |leaves: &std::ops::Range<usize>| mixture[leaves.clone()].iter().any(|w| *w > 0.0);
        if let Some(missing) = self.nonzero.iter().position(|leaves| !present(leaves)) {
            return Err(Refusal::Missing(missing));
        }
        if let Some(caps) = &self.options.caps {
            let over = |j: usize| mixture[j] - caps[j];
            let worst = (0..mixture.len()).max_by(|&a, &b| over(a).total_cmp(&over(b)));
            if let Some(worst) = worst.filter(|&j| over(j) > SLACK) {
                return Err(Refusal::OverCap(worst));
            }
        }
        Ok(mixture)
    }

    /// Draws until `count` mixtures are found that differ from each other and from the existing
    /// ones, or `most` draws are made.
    ///
    /// Work is spread over threads; the result is the same on any number.
    #[must_use]
    pub fn distinct(&self, count: usize, most: usize) -> (Vec<Vec<f64>>, Rejections) {
        let mut rejections = self.no_rejections();
        let mut taken = Taken::default();
        let mut next = 0;
        while taken.len() < count && next < most {
            let batch = (count - taken.len()).max(64).min(most - next);
            let draws: Vec<Draw> = (next..next + batch)
                .into_par_iter()
                .map(|draw| self.draw(Purpose::Swarm, draw))
                .collect();
            next += batch;
            self.take(draws, count, &mut taken, &mut rejections);
        }
        (taken.into_mixtures(), rejections)
    }

    pub(super) fn resembles_existing(&self, mixture: &[f64]) -> bool {
        let existing = &self.options.existing;
        existing.iter().any(|other| near(other, mixture))
    }

    pub(super) fn no_rejections(&self) -> Rejections {
        Rejections {
            over_cap: vec![0; self.tree.domains().len()],
            missing: vec![0; self.nonzero.len()],
            ..Rejections::default()
        }
    }

    /// Takes the mixtures of draws that are like no other, up to `count` in all.
    pub(super) fn take(
        &self,
        draws: Vec<Draw>,
        count: usize,
        taken: &mut Taken,
        rejections: &mut Rejections,
    ) {
        for (mixture, refusals) in draws {
            if taken.len() == count {
                break;
            }
            rejections.drawn += refusals.len() + usize::from(mixture.is_some());
            for refusal in refusals {
                match refusal {
                    Refusal::OverCap(j) => rejections.over_cap[j] += 1,
                    Refusal::Missing(name) => rejections.missing[name] += 1,
                    Refusal::Empty => rejections.empty += 1,
                }
            }
            let Some(mixture) = mixture else { continue };
            if taken.has(&mixture) {
                rejections.repeated += 1;
            } else if self.resembles_existing(&mixture) {
                rejections.existing += 1;
            } else {
                taken.push(mixture);
            }
        }
    }
}
