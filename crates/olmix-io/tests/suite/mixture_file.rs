//! `mixture.json` is written and read back without loss, and checked when read.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use crate::common::Case;
use olmix_core::law::{
    Basis, FittedLaw, LawOptions, LogLinear, LogLinearOptions, Saturating, SaturatingOptions,
    TaskReport,
};
use olmix_core::optimize::{Solution, Status};
use olmix_core::price::{ConstraintPrice, Loosened};
use olmix_core::trust::{Bootstrap, Interval, OutOfFold, Scores};
use olmix_core::{Binding, Fit, LawKind, Matrix, Mixture, Proposal};
use olmix_io::mixture_file::Limit;
use olmix_io::{LoadedFit, MixtureFile};

fn interval(low: f64, high: f64) -> Interval {
    Interval { low, high }
}

fn scores() -> Scores {
    Scores {
        pearson: Some(0.9),
        spearman: None,
        rmse: f64::INFINITY,
        bias: -0.1,
        regret_at_1: 0.0,
        optimism: 0.1 + 0.2,
        mean_rmse: 1.0,
    }
}

/// A fit as the method might return it, with numbers that are hard to write.
fn fit(loaded: &LoadedFit) -> Fit {
    let weights = vec![0.6, 0.1 + 0.2, 1.0 - 0.6 - (0.1 + 0.2)];
    let law = |c: f64| {
        FittedLaw::LogLinear(LogLinear {
            log_c: c.ln(),
            t: vec![-1.0 / 3.0, 1e-300, 0.1],
        })
    };
    let laws = vec![law(0.3), law(0.7)];
    let report = TaskReport {
        huber: 1e-7,
        converged: true,
        starts: 8,
        starts_at_best: 5,
        iterations: 40,
        condition: f64::INFINITY,
    };
    let domains = loaded.swarm.domains().clone();
    Fit {
        laws,
        reports: vec![report, report],
        options: Some(LawOptions::LogLinear(LogLinearOptions::default())),
        train: (0..5).collect(),
        dead: vec![2],
        optimizer: loaded.spec.optimizer.clone(),
        out_of_fold: Some(OutOfFold {
            folds: 2,
            fold_of: vec![0; 5],
            predictions: Matrix::zeros(5, 2),
            tasks: vec![scores(), scores()],
            average: scores(),
            fold_rmse: vec![0.1, 0.2],
            no_better_than_mean: vec![1],
            explosions: Vec::new(),
        }),
        proposal: Some(Proposal {
            mixture: Mixture::new(domains, weights.clone()).unwrap(),
            solution: Solution {
                weights,
                status: Status::Optimal,
                objective: 1.1,
                kl: 0.01,
                duality_gap: Some(1e-11),
                iterations: 9,
                binding: vec![Binding::Cap(0), Binding::GroupUpper(0)],
                terms: Vec::new(),
                run: None,
            },
            predicted: vec![1.0, 2.0],
            natural: vec![1.5, 2.5],
            predicted_average: 1.5,
            natural_average: Some(2.0),
            baselines: vec![("natural distribution", 2.0)],
            objective: None,
            reach: None,
            phases: None,
            bootstrap: Some(Bootstrap {
                confidence: 0.9,
                mixtures: Matrix::zeros(10, 3),
                weights: vec![interval(0.5, 0.7), interval(0.2, 0.4), interval(0.0, 0.1)],
                gains: vec![0.1; 10],
                gain: interval(0.1, 0.3),
                failed: 1,
            }),
            scaling: None,
            capped: None,
            prices: Some(vec![ConstraintPrice {
                constraint: Binding::GroupUpper(0),
                bound: 0.4,
                loosening: f64::INFINITY,
                tightening: None,
                loosened: Some(Loosened {
                    by: 0.01,
                    predicted: 1.4,
                }),
                without: Some(1.2),
            }]),
        }),
        ..Fit::default()
    }
}

fn loaded() -> LoadedFit {
    let case = Case::new();
    case.with(
        "constraints:\n  enabled: true\n  target_tokens: 2e6\n  \
         groups: {g: {domains: [code, math], max: 0.4}}\n",
    );
    case.load()
}

#[test]
fn a_mixture_file_is_read_back_as_it_was_written() {
    let loaded = loaded();
    let file = MixtureFile::new(&loaded, &fit(&loaded));
    let bytes = file.to_bytes().unwrap();
    assert_eq!(bytes, file.to_bytes().unwrap());
    let text = String::from_utf8(bytes).unwrap();
    let back = MixtureFile::parse("mixture.json", &text).unwrap();
    assert_eq!(back, file);
    assert_eq!(back.laws().unwrap(), fit(&loaded).laws);
    assert_eq!(back.tasks(), loaded.swarm.tasks());
    assert_eq!(&back.domain_set().unwrap(), loaded.swarm.domains());
    assert_eq!(back.prior().unwrap(), loaded.spec.prior);
    let mixture = fit(&loaded).proposal.unwrap().mixture;
    assert_eq!(back.mixture().unwrap().unwrap(), mixture);
}

#[test]
fn a_mixture_file_of_saturating_laws_is_read_back_as_it_was_written() {
    let loaded = loaded();
    let mut fit = fit(&loaded);
    let law = |c: f64| {
        FittedLaw::Saturating(Saturating {
            log_c: c.ln(),
            level: 1.0 / 3.0,
            bases: vec![Basis::Power(0.4), Basis::Log(0.1)],
            v: vec![vec![0.0, 1e-300, 0.1], vec![0.3, 0.0, 7.0]],
        })
    };
    fit.laws = vec![law(0.3), law(0.7)];
    fit.options = Some(LawOptions::Saturating(SaturatingOptions {
        bases: vec![Basis::Power(0.4), Basis::Log(0.1)],
        ..SaturatingOptions::default()
    }));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mixture.json");
    let mut file = MixtureFile::new(&loaded, &fit);
    file.law.kind = LawKind::Saturating;
    std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
    assert_eq!(MixtureFile::read(&path).unwrap().laws().unwrap(), fit.laws);
    // Rows and powers must fit each other.
    if let Some(FittedLaw::Saturating(law)) = &mut file.law.tasks[0].law {
        law.bases.pop();
    }
    std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
    let message = MixtureFile::read(&path).unwrap_err().to_string();
    assert!(
        message.contains("law.tasks[0].law: `v` has 2 rows for 1 bases"),
        "{message}"
    );
}

#[test]
fn a_mixture_file_names_binding_constraints_and_epochs() {
    let loaded = loaded();
    let file = MixtureFile::new(&loaded, &fit(&loaded));
    let web = &file.domains[0];
    assert_eq!(web.limit, Some(Limit::Cap));
    assert_eq!(web.cap, Some(1.0));
    assert!((web.epochs.unwrap() - 2.4).abs() < 1e-12);
    assert!((web.ratio.unwrap() - 1.2).abs() < 1e-12);
    assert_eq!(web.interval.unwrap().high.to_bits(), 0.7_f64.to_bits());
    assert_eq!(file.groups[0].domains, ["code", "math"]);
    assert_eq!(file.groups[0].limit, Some(Limit::Max));
    assert_eq!(file.dead_domains, ["math"]);
    assert_eq!(
        file.out_of_fold.as_ref().unwrap().no_better_than_mean,
        ["m2"]
    );
    assert_eq!(file.out_of_fold.unwrap().average.rmse, None);
    assert_eq!(file.law.tasks[0].fit.as_ref().unwrap().condition, None);
    assert_eq!(file.bootstrap.unwrap().resamples, 10);
}

#[test]
fn a_mixture_file_has_the_price_of_each_constraint_or_no_prices_at_all() {
    let loaded = loaded();
    let mut fit = fit(&loaded);
    let prices = MixtureFile::new(&loaded, &fit).prices.unwrap();
    assert_eq!(prices.len(), 1);
    let price = &prices[0];
    assert_eq!(
        (price.domain.as_deref(), price.group.as_deref()),
        (None, Some("g"))
    );
    assert_eq!((price.limit, price.loosening), (Limit::Max, None));
    let without = price.without.as_ref().unwrap();
    assert_eq!((without.by, without.predicted), (None, 1.2));
    assert!((without.change.unwrap() + 0.2).abs() < 1e-12);

    // An optimizer that knows no multipliers: absent, and not an empty list.
    fit.proposal.as_mut().unwrap().prices = None;
    let text = MixtureFile::new(&loaded, &fit).to_bytes().unwrap();
    assert!(!String::from_utf8(text).unwrap().contains("\"prices\""));
}

#[test]
fn a_fit_without_proposal_has_laws_and_no_weights() {
    let loaded = loaded();
    let mut fit = fit(&loaded);
    fit.proposal = None;
    let file = MixtureFile::new(&loaded, &fit);
    assert!(file.domains.iter().all(|domain| domain.weight.is_none()));
    assert!(file.natural.is_some() && file.predicted.is_none() && file.gain.is_none());
    let text = String::from_utf8(file.to_bytes().unwrap()).unwrap();
    let back = MixtureFile::parse("mixture.json", &text).unwrap();
    assert!(back.mixture().unwrap().is_none());
}

#[test]
fn mixture_files_of_another_format_or_changed_by_hand_are_refused() {
    let loaded = loaded();
    let file = MixtureFile::new(&loaded, &fit(&loaded));
    let text = String::from_utf8(file.to_bytes().unwrap()).unwrap();
    for (from, to, expected) in [
        (
            "olmix-mixture",
            "other",
            "m.json: format: this is not a mixture file: it has the format `other`",
        ),
        ("\"format\"", "\"form\"", "it has no `format`"),
        (
            "\"version\": 2",
            "\"version\": 3",
            "m.json: version: version 3 is newer than 2",
        ),
        (
            "\"version\": 2",
            "\"version\": 1",
            "version 1 was written before",
        ),
        (
            "\"version\": 2",
            "\"version\": 0",
            "the version is missing or not one that ever was",
        ),
        ("\"seed\": 0", "\"seed\": -1", "m.json:"),
        ("\"seed\": 0", "\"seed\": ", "m.json:"),
        (
            "\"prior\": 0.5",
            "\"prior\": 0.4",
            "m.json: domains[..].prior: they sum to 0.9",
        ),
        (
            "\"prior\": 0.5",
            "\"prior\": 0",
            "m.json: domains[0].prior: 0 is not above 0",
        ),
        ("\"weight\": 0.6", "\"weight\": null", "domains[0].weight"),
        (
            "\"weight\": 0.6",
            "\"weight\": 0.7",
            "domains[..].weight: they sum to 1.1",
        ),
        (
            "\"name\": \"code\"",
            "\"name\": \"web\"",
            "domain `web` occurs twice",
        ),
        (
            "1e-300,",
            "",
            "m.json: law.tasks[0].law: `t` has 2 entries for 3 domains",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        let message = MixtureFile::parse("m.json", &changed)
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{from} → {to} gives {message}");
        assert!(message.contains("\n  help: "), "{message}");
    }
    assert!(MixtureFile::parse("m.json", &text[..text.len() / 2]).is_err());
}

#[test]
fn a_mixture_file_with_a_flipped_bit_is_refused_or_says_the_same() {
    let loaded = loaded();
    let file = MixtureFile::new(&loaded, &fit(&loaded));
    let whole = file.to_bytes().unwrap();
    let (mut refused, mut by_checksum) = (0, 0);
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << (place % 8);
        let Ok(text) = String::from_utf8(flipped) else {
            continue;
        };
        match MixtureFile::parse("m.json", &text) {
            Ok(read) => assert_eq!(read, file, "byte {place}"),
            Err(error) => {
                refused += 1;
                by_checksum += usize::from(error.to_string().contains("m.json: sha256: "));
            }
        }
    }
    // Most of what the checksum finds reads as a plausible mixture without it.
    assert!(
        refused > 1_000 && by_checksum > 500,
        "{refused} {by_checksum}"
    );
}

#[test]
fn a_mixture_file_may_be_indented_otherwise_and_be_changed_on_purpose_without_its_checksum() {
    let loaded = loaded();
    let file = MixtureFile::new(&loaded, &fit(&loaded));
    let text = String::from_utf8(file.to_bytes().unwrap()).unwrap();
    let mut content: serde_json::Value = serde_json::from_str(&text).unwrap();
    let compact = MixtureFile::parse("m.json", &content.to_string()).unwrap();
    assert_eq!(compact, file);
    content["seed"] = 7.into();
    let message = MixtureFile::parse("m.json", &content.to_string())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("the checksum is not that of the content"),
        "{message}"
    );
    assert!(message.contains("remove the field `sha256`"), "{message}");
    content.as_object_mut().unwrap().remove("sha256");
    assert_eq!(
        MixtureFile::parse("m.json", &content.to_string())
            .unwrap()
            .seed,
        7
    );
}
