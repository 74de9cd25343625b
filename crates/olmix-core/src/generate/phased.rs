//! Drawing a swarm of runs in phases: amounts as any swarm's mixtures, and contrasts between phases.

use super::sampler::{Rejections, Sampler};
use crate::phases::{NoRoom, PhaseBounds, PhaseDesign, Phases, antithetic_pair, move_inside};

/// How many runs in phases, and how they are drawn.
#[derive(Debug, Clone)]
pub struct PhasedOptions<'a> {
    /// The phases.
    pub phases: &'a Phases,
    /// Bounds on single domains, one entry per phase; bounds on sums are not looked at.
    pub within: &'a [PhaseBounds],
    /// Runs asked for: an even number.
    pub count: usize,
    /// Share of tied runs, strength and seed.
    pub design: PhaseDesign,
    /// Draws per mixture before the search is given up.
    pub draws_each: usize,
}

/// Runs in phases that were drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct PhasedDrawn {
    /// Amounts (length `m`): the shares of all tokens of a run. One entry per pair of runs, fewer than asked for where
    /// too many draws were rejected.
    pub amounts: Vec<Vec<f64>>,
    /// The mixture of each phase of each run: two runs for each of the amounts, then the tied ones. Empty where amounts
    /// are missing.
    pub runs: Vec<Vec<Vec<f64>>>,
    /// How many of the runs, from the end, have the same mixture in every phase.
    pub tied: usize,
    /// Pairs that were moved inside the bounds of a phase.
    pub moved: usize,
    /// Why draws of amounts were rejected by the sampler.
    pub rejections: Rejections,
    /// Amounts that the bounds of phases left no room for.
    pub unfit: Unfit,
}

/// Draws of amounts that go with no mixtures within the bounds of phases, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfit {
    /// Draws that were looked at.
    pub looked_at: usize,
    /// Too little of a domain, by domain.
    pub too_little: Vec<usize>,
    /// Too much of a domain, by domain.
    pub too_much: Vec<usize>,
    /// All domains together.
    pub together: usize,
}

impl Unfit {
    /// All of them.
    #[must_use]
    pub fn count(&self) -> usize {
        self.too_little.iter().sum::<usize>() + self.too_much.iter().sum::<usize>() + self.together
    }
}

/// How many times the draws of amounts that are asked for are looked through for those that bounds leave room for.
const SEARCH: usize = 64;

/// The number of tied runs among `count` (even): even too, and the nearest to the share.
#[must_use]
pub fn tied_runs(count: usize, share: f64) -> usize {
    2 * (share * (count / 2) as f64).round() as usize
}

/// Draws runs in phases in antithetic pairs, and tied ones with the amounts of the first pairs that the bounds allow in
/// every phase. Where too few of them are allowed, there are more pairs in their place. Deterministic, on any number of
/// threads.
#[must_use]
pub fn draw_in_phases(sampler: &Sampler<'_>, options: &PhasedOptions<'_>) -> PhasedDrawn {
    let m = sampler.tree().domains().len();
    let wanted = options.count / 2;
    let mut size = wanted;
    loop {
        let (pool, rejections) = sampler.distinct(size, size.saturating_mul(options.draws_each));
        let all = pool.len() < size || size >= SEARCH * wanted;
        let mut drawn = PhasedDrawn {
            amounts: Vec::new(),
            runs: Vec::new(),
            tied: 0,
            moved: 0,
            rejections,
            unfit: Unfit {
                too_little: vec![0; m],
                too_much: vec![0; m],
                ..Unfit::default()
            },
        };
        let mut pairs = Vec::with_capacity(wanted);
        for (place, amounts) in pool.into_iter().enumerate() {
            if pairs.len() == wanted {
                break;
            }
            drawn.unfit.looked_at += 1;
            match pair(options, &amounts, place as u64) {
                Ok(pair) => {
                    pairs.push(pair);
                    drawn.amounts.push(amounts);
                }
                Err(NoRoom::TooLittle(j)) => drawn.unfit.too_little[j] += 1,
                Err(NoRoom::TooMuch(j)) => drawn.unfit.too_much[j] += 1,
                Err(NoRoom::Together) => drawn.unfit.together += 1,
            }
        }
        if pairs.len() == wanted {
            drawn.finish(pairs, options);
            return drawn;
        }
        if all {
            return drawn;
        }
        size *= 2;
    }
}

/// Two runs, and whether a bound moved them.
type Pair = ([Vec<Vec<f64>>; 2], bool);

fn pair(options: &PhasedOptions<'_>, amounts: &[f64], place: u64) -> Result<Pair, NoRoom> {
    let mut runs = antithetic_pair(options.phases, amounts, &options.design, place);
    let before = runs.clone();
    for run in &mut runs {
        move_inside(options.phases, amounts, options.within, run)?;
    }
    let moved = runs != before;
    Ok((runs, moved))
}

impl PhasedDrawn {
    /// Puts the runs together: fewer pairs where there are tied ones.
    fn finish(&mut self, mut pairs: Vec<Pair>, options: &PhasedOptions<'_>) {
        let allowed =
            |amounts: &&Vec<f64>| options.within.iter().all(|bounds| bounds.allow(amounts));
        let mut tied = tied_runs(options.count, options.design.tied);
        let of_pairs = |tied: usize| (options.count - tied) / 2;
        while self.amounts[..of_pairs(tied)]
            .iter()
            .filter(allowed)
            .count()
            < tied
        {
            tied -= 2;
        }
        self.amounts.truncate(of_pairs(tied));
        pairs.truncate(of_pairs(tied));
        self.moved = pairs.iter().filter(|(_, moved)| *moved).count();
        self.runs = pairs.into_iter().flat_map(|(runs, _)| runs).collect();
        let same = self.amounts.iter().filter(allowed).take(tied);
        let same = same.map(|amounts| vec![amounts.clone(); options.phases.len()]);
        self.runs.extend(same);
        self.tied = tied;
    }
}
