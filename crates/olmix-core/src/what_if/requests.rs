//! What is solved for around a fit: as much as fits into a fixed amount of work.

use crate::objective::Minimize;
use crate::{Constraints, FitSpec, Swarm};

/// A problem to be solved.
pub(super) enum Request {
    /// Without caps.
    Uncapped { kl: f64 },
    /// With caps for `R / k`, in tokens.
    Size { size: f64, kl: f64 },
    /// With a floor of a domain.
    Floor { domain: usize, least: f64, kl: f64 },
    /// With the weight of a family multiplied.
    Emphasis {
        family: String,
        factor: f64,
        kl: f64,
    },
}

/// The problems, in the order of [`super::WhatIf`].
pub(super) struct Requests {
    pub kl: Vec<f64>,
    pub sizes: Vec<f64>,
    pub all: Vec<Request>,
}

/// Multiplications of all solves together.
const WORK: f64 = 4e9;
/// Steps of a solve, about.
const STEPS: f64 = 25.0;
/// Most weights in all solutions together: of few domains and tasks more could be solved than a page should hold.
const WEIGHTS: usize = 100_000;
/// `R / k` goes from the fit's divided by this to the fit's times this.
const SPAN: f64 = 16.0;
/// λ of the grid where the fit has none.
const KL: f64 = 0.05;

/// How finely the axes are divided.
struct Density {
    /// Ratio of neighbouring sizes.
    ratio: f64,
    /// λ as multiples of the fit's.
    kl: &'static [f64],
    floors: &'static [f64],
    factors: &'static [f64],
}

const DENSITIES: [Density; 4] = [
    Density {
        ratio: std::f64::consts::SQRT_2,
        kl: &[0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0],
        floors: &[0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5],
        factors: &[0.0, 0.5, 2.0, 4.0],
    },
    Density {
        ratio: 2.0,
        kl: &[0.0, 0.25, 0.5, 1.0, 2.0, 4.0],
        floors: &[0.02, 0.05, 0.1, 0.2, 0.3, 0.5],
        factors: &[0.0, 0.5, 2.0, 4.0],
    },
    Density {
        ratio: 2.0,
        kl: &[0.0, 0.25, 1.0, 4.0],
        floors: &[0.05, 0.1, 0.2, 0.5],
        factors: &[0.0, 2.0, 4.0],
    },
    Density {
        ratio: 4.0,
        kl: &[0.0, 1.0, 4.0],
        floors: &[0.1],
        factors: &[0.0, 4.0],
    },
];

impl Requests {
    /// The finest division that fits into the work; `None` where none does.
    pub fn new(
        swarm: &Swarm,
        spec: &FitSpec,
        constraints: &Constraints,
        kl: f64,
        proposed: &[f64],
    ) -> Option<Self> {
        let (m, n) = (proposed.len() as f64, swarm.tasks().len() as f64);
        let each = STEPS * (n * m * m / 2.0 + m * m * m / 3.0 + n * m);
        let most = (WORK / each).min(WEIGHTS as f64 / m);
        let mut all = DENSITIES
            .iter()
            .map(|density| Self::of(density, swarm, spec, constraints, kl, proposed));
        all.find(|requests| requests.all.len() as f64 <= most)
    }

    fn of(
        density: &Density,
        swarm: &Swarm,
        spec: &FitSpec,
        constraints: &Constraints,
        own: f64,
        proposed: &[f64],
    ) -> Self {
        let base = if own > 0.0 { own } else { KL };
        let mut kl: Vec<f64> = density.kl.iter().map(|factor| factor * base).collect();
        if own > 0.0 {
            // Not a rounding away from it.
            kl.iter_mut()
                .filter(|kl| (**kl - own).abs() < 1e-9 * own)
                .for_each(|kl| *kl = own);
        }
        let sizes = sizes(density.ratio, swarm, spec.target_tokens, constraints);
        let mut all: Vec<Request> = kl.iter().map(|&kl| Request::Uncapped { kl }).collect();
        for &size in &sizes {
            all.extend(kl.iter().map(|&kl| Request::Size { size, kl }));
        }
        for (domain, &weight) in proposed.iter().enumerate() {
            let limit = constraints.limit(domain);
            if constraints.lower[domain] >= limit {
                continue;
            }
            let highest = limit.min(density.floors.last().copied().unwrap_or(0.0));
            let mut floors: Vec<f64> = density.floors.to_vec();
            floors.retain(|&floor| floor < 0.999 * highest);
            floors.push(highest);
            let raised = floors.into_iter().filter(|&floor| floor > weight + 1e-4);
            all.extend(raised.map(|least| Request::Floor {
                domain,
                least,
                kl: own,
            }));
        }
        let families = families(swarm);
        // The largest loss does not depend on the weights of tasks.
        let average = spec.objective.minimize == Minimize::Average;
        if families.len() > 1 && average {
            for family in families {
                all.extend(density.factors.iter().map(|&factor| Request::Emphasis {
                    family: family.clone(),
                    factor,
                    kl: own,
                }));
            }
        }
        Self { kl, sizes, all }
    }
}

/// Families of tasks with a weight, in the order of their first tasks.
fn families(swarm: &Swarm) -> Vec<String> {
    let mut families: Vec<String> = Vec::new();
    for task in swarm.tasks() {
        if task.weight > 0.0 && !families.contains(&task.family) {
            families.push(task.family.clone());
        }
    }
    families
}

/// `R / k` around the fit's, up to the largest for which the data suffices, which is among them. Without caps, around
/// a run of the target tokens, or of all tokens there are, that may see each four times.
fn sizes(
    ratio: f64,
    swarm: &Swarm,
    target_tokens: Option<f64>,
    constraints: &Constraints,
) -> Vec<f64> {
    let Some(tokens) = swarm.domains().tokens() else {
        return Vec::new();
    };
    let all: f64 = tokens.iter().map(|&tokens| tokens as f64).sum();
    let own = constraints.caps.as_ref().and_then(|caps| {
        let mut pairs = caps.iter().zip(&tokens);
        pairs.find_map(|(&cap, &tokens)| (tokens > 0 && cap > 0.0).then(|| tokens as f64 / cap))
    });
    let center = own.unwrap_or(target_tokens.unwrap_or(all) / 4.0);
    if !(center.is_finite() && center > 0.0) {
        return Vec::new();
    }
    let steps = (SPAN.ln() / ratio.ln()).round() as i32;
    let size = |step: i32| {
        if step == 0 {
            center
        } else {
            center * ratio.powi(step)
        }
    };
    let feasible = |size: f64| {
        let limited = constraints.clone();
        let limited = limited.with_repetition(swarm.domains(), size, 1.0);
        limited.is_ok_and(|limited| limited.check(swarm.domains()).is_ok())
    };
    let mut sizes: Vec<f64> = (-steps..=steps).map(size).collect();
    let first_beyond = sizes.iter().position(|&size| !feasible(size));
    if let Some(beyond) = first_beyond {
        let (mut low, mut high) = match beyond.checked_sub(1) {
            Some(last) => (sizes[last], sizes[beyond]),
            None => return Vec::new(),
        };
        sizes.truncate(beyond);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if feasible(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        // A hair within, where a solver has room.
        let largest = low * (1.0 - 1e-6);
        if sizes.last().is_none_or(|&last| largest > 1.0001 * last) {
            sizes.push(largest);
        }
    }
    sizes
}
