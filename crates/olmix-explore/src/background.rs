//! What is fitted once, while the page is looked at already: laws of resampled runs, and other laws of the same runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use olmix_core::law::{FittedLaw, Law as _};
use olmix_core::trust::{Interval, Resampling, interval, reference_laws, resampled_laws};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::model::Model;
use crate::solve::dot;
use crate::source::Fitted;

/// Resamples where the fit made none.
const RESAMPLES: usize = 100;
/// Numbers that the laws of all resamples may hold together: some 400 MB. Beyond, there are fewer resamples.
const MOST_NUMBERS: usize = 50_000_000;
/// Milliseconds after a solve in which nothing is begun, and how long that may keep a resample from being fitted.
const PAUSE: u64 = 300;
const MOST_PATIENCE: Duration = Duration::from_secs(5);
/// Resamples below which an interval is none.
const LEAST: usize = 10;

/// Laws that are fitted in the background.
#[derive(Debug)]
pub struct Background {
    begun: Instant,
    /// When the last mixture was solved for, in milliseconds since then.
    solved: AtomicU64,
    resamples: OnceLock<Vec<Vec<FittedLaw>>>,
    rivals: OnceLock<Vec<Rival>>,
}

/// Another law of the same runs.
#[derive(Debug)]
struct Rival {
    name: &'static str,
    laws: Vec<FittedLaw>,
    natural: Vec<f64>,
}

impl Background {
    /// Begins to fit, on one thread that leaves the others to solves. Ends with the process.
    #[must_use]
    pub fn begin(model: &Arc<Model>, fitted: &Arc<Fitted>) -> Arc<Self> {
        let begun = Arc::new(Self {
            begun: Instant::now(),
            solved: AtomicU64::new(0),
            resamples: OnceLock::new(),
            rivals: OnceLock::new(),
        });
        let (this, model, fitted) = (Arc::clone(&begun), Arc::clone(model), Arc::clone(fitted));
        let work = move || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            if let Ok(pool) = pool {
                pool.install(|| this.fit(&model, &fitted));
            }
        };
        let spawned = thread::Builder::new()
            .name("olmix-background".into())
            .spawn(work);
        if spawned.is_err() {
            // Without a thread there are no intervals and no rivals, and the rest works.
            let _ = begun.resamples.set(Vec::new());
            let _ = begun.rivals.set(Vec::new());
        }
        begun
    }

    /// Someone drags: the cores are for solves for a moment.
    pub fn make_way(&self) {
        self.solved.store(self.milliseconds(), Ordering::Relaxed);
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits while someone drags, but not for ever.
    fn wait(&self) {
        let begin = Instant::now();
        while begin.elapsed() < MOST_PATIENCE
            && self.solved.load(Ordering::Relaxed) + PAUSE > self.milliseconds()
        {
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn fit(&self, model: &Model, fitted: &Fitted) {
        let swarm = &fitted.loaded.swarm;
        let whole = model.file.fitted_runs == swarm.len();
        let own = model.file.law.options.as_ref().filter(|_| whole);
        let rivals = reference_laws()
            .into_iter()
            .filter(|law| own.is_some_and(|own| own.name() != law.name()));
        let rivals = rivals.filter_map(|options| {
            let laws = options.fit(swarm, &model.prior, &|| ()).ok()?;
            // A law of the same proxies is for the same target.
            let own = model.laws.iter();
            let laws: Vec<FittedLaw> = laws
                .into_iter()
                .zip(own)
                .map(|((law, _), own)| law.calibrated_as(own))
                .collect();
            Some(Rival {
                natural: laws.iter().map(|law| law.predict(&model.prior)).collect(),
                name: options.name(),
                laws,
            })
        });
        let _ = self.rivals.set(rivals.collect());
        let resamples = own.map_or_else(Vec::new, |options| {
            let with = Resampling {
                laws: &model.laws,
                options,
                target: fitted.loaded.spec.target.as_ref(),
                natural: &model.prior,
                proposed: &model.prior,
                resamples: count(model),
                confidence: confidence(model, fitted),
                seed: model.file.seed,
            };
            let numbers = 0..with.resamples;
            numbers
                .into_par_iter()
                .map(|resample| {
                    self.wait();
                    resampled_laws(swarm, &with, resample as u64)
                })
                .collect()
        });
        let _ = self.resamples.set(resamples);
    }

    /// The interval of the gain of `weights` over the prior, and of its average loss, by the laws of resampled runs;
    /// not ready while these are fitted, and null where they can't be. The same resamples for every mixture.
    #[must_use]
    pub fn interval(
        &self,
        model: &Model,
        fitted: &Fitted,
        weights: &[f64],
        task_weights: &[f64],
    ) -> Value {
        let Some(resamples) = self.resamples.get() else {
            return json!({"ready": false});
        };
        if resamples.len() < LEAST {
            return Value::Null;
        }
        let average = |laws: &[FittedLaw], p: &[f64]| -> f64 {
            let losses: Vec<f64> = laws.iter().map(|law| law.predict(p)).collect();
            dot(&losses, task_weights)
        };
        let (mut gains, mut averages) = (Vec::new(), Vec::new());
        for laws in resamples {
            let here = average(laws, weights);
            gains.push(1.0 - here / average(laws, &model.prior));
            averages.push(here);
        }
        let confidence = confidence(model, fitted);
        let of = |values: &[f64]| -> Interval { interval(values, confidence) };
        let gain = of(&gains);
        json!({
            "ready": true, "low": gain.low, "high": gain.high, "of": "gain", "average": of(&averages),
            "confidence": confidence, "resamples": resamples.len(),
        })
    }

    /// What other laws say of `weights`: null while they are fitted.
    #[must_use]
    pub fn alternatives(&self, weights: &[f64], task_weights: &[f64]) -> Value {
        let Some(rivals) = self.rivals.get() else {
            return Value::Null;
        };
        let answer = |rival: &Rival| {
            let losses: Vec<f64> = rival.laws.iter().map(|law| law.predict(weights)).collect();
            let (here, natural) = (
                dot(&losses, task_weights),
                dot(&rival.natural, task_weights),
            );
            json!({"law": rival.name, "average": here, "gain": 1.0 - here / natural})
        };
        rivals.iter().map(answer).collect::<Vec<Value>>().into()
    }
}

fn confidence(model: &Model, fitted: &Fitted) -> f64 {
    let own = model.file.bootstrap.as_ref();
    own.map_or(fitted.loaded.spec.confidence, |bootstrap| {
        bootstrap.confidence
    })
}

/// As many resamples as the fit made, as far as their laws can be held.
fn count(model: &Model) -> usize {
    let made = model.file.bootstrap.as_ref();
    let wanted = made.map_or(RESAMPLES, |bootstrap| {
        bootstrap.resamples + bootstrap.failed
    });
    let each = model.laws.len() * (2 * model.domains.len() + 4);
    wanted.min(MOST_NUMBERS / each.max(1))
}
