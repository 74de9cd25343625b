//! The paper's case study: five updates from 24 to 64 domains, in terms of an oracle over the last set.
//!
//! The oracle knows the last set alone. A fixed mixture of its domains stands in for an earlier domain that
//! it lacks: PDFs before they were partitioned are their parts in the prior's ratios, PDFs before they were
//! revised the same with a fifth of general web text in it, and `AlgebraicStack`, which was removed again,
//! half mathematics and half Python.

use crate::reuse::{Change, Lineage, Origin};
use crate::{CoreError, Domain, DomainSet};

const TOPICS: &str = "dclm:";
const CODE: &str = "stack-edu:";
const PARTS: &str = "s2pdf:";
const PDFS: &str = "pdfs";
const ALGEBRAIC: &str = "algebraicstack";
const OTHERS: [&str; 4] = ["arxiv", "finemath-3plus", "wikipedia", "pes2o"];
/// Tokens of `AlgebraicStack`, as published with Proof-Pile-2.
const ALGEBRAIC_TOKENS: u64 = 11_000_000_000;
/// Share of web text in PDFs before they were revised.
const NOISE: f64 = 0.2;

/// The domain that the paper frees by hand when code is added.
pub(super) const FREED_BY_HAND: &str = "dclm:software_development";

/// A state of the data, with what led to it.
pub(super) struct Stage {
    /// What came before and after; for the first, the same set twice.
    pub lineage: Lineage,
    /// What each domain is in terms of the oracle's: rows of length `m`.
    pub content: Vec<Vec<f64>>,
    /// The prior over the stage's domains.
    pub prior: Vec<f64>,
    /// Whether code is what came.
    pub adds_code: bool,
}

impl Stage {
    /// The stage's domains.
    pub fn domains(&self) -> &DomainSet {
        &self.lineage.new
    }

    /// Number of the oracle's domains.
    pub fn width(&self) -> usize {
        self.content.first().map_or(0, Vec::len)
    }

    /// Which domains the update left alone, by position.
    pub fn unaffected(&self) -> Vec<bool> {
        let origins = self.lineage.origins.iter();
        origins
            .map(|origin| matches!(origin, Origin::Kept(_)))
            .collect()
    }

    /// The natural distribution: shares by tokens, of length `m`.
    pub fn natural(&self) -> Vec<f64> {
        let tokens = self.domains().iter().map(|d| d.tokens.unwrap_or(0) as f64);
        let tokens: Vec<f64> = tokens.collect();
        let sum: f64 = tokens.iter().sum();
        tokens.into_iter().map(|n| n / sum).collect()
    }

    /// A mixture of the stage's domains, as a mixture of the oracle's.
    pub fn to_oracle(&self, q: &[f64]) -> Vec<f64> {
        let mut p = vec![0.0; self.content[0].len()];
        for (weight, content) in q.iter().zip(&self.content) {
            for (p, share) in p.iter_mut().zip(content) {
                *p += weight * share;
            }
        }
        p
    }
}

/// The six states of the case study.
pub(super) fn stages(oracle: &DomainSet, prior: &[f64]) -> Result<Vec<Stage>, CoreError> {
    let all = |start: &str| -> Vec<usize> {
        let names = oracle.names().enumerate();
        names
            .filter(|(_, name)| name.starts_with(start))
            .map(|(j, _)| j)
            .collect()
    };
    let (topics, code, parts) = (all(TOPICS), all(CODE), all(PARTS));
    let others: Vec<usize> = OTHERS
        .iter()
        .filter_map(|name| oracle.position(name))
        .collect();
    if topics.is_empty() || code.is_empty() || parts.is_empty() || others.len() < OTHERS.len() {
        return Err(CoreError::Unsupported(format!(
            "the study `reuse` is the paper's case study: it needs a swarm over its last domain set \
             ({TOPICS}…, {CODE}…, {PARTS}…, {})",
            OTHERS.join(", ")
        )));
    }
    let known: Vec<Domain> = oracle.iter().cloned().collect();
    let of = |js: &[usize]| -> Vec<Domain> { js.iter().map(|&j| known[j].clone()).collect() };
    let whole: Option<u64> = parts.iter().map(|&j| known[j].tokens).sum();
    let named = |name: &str, tokens| Domain {
        name: name.into(),
        tokens,
    };
    let mut added = of(&others);
    added.push(named(PDFS, whole));
    added.push(named(ALGEBRAIC, Some(ALGEBRAIC_TOKENS)));
    let updates: [Vec<Change>; 6] = [
        Vec::new(),
        vec![Change::Add(of(&code))],
        vec![Change::Add(added)],
        vec![Change::Revise {
            changed: None,
            domain: PDFS.into(),
            tokens: whole,
        }],
        vec![Change::Remove(vec![ALGEBRAIC.into()])],
        vec![Change::Partition {
            domain: PDFS.into(),
            parts: of(&parts),
            rest: None,
        }],
    ];
    let unit = |j: usize| {
        let mut content = vec![0.0; oracle.len()];
        content[j] = 1.0;
        content
    };
    let blend = |js: &[usize], share: f64, into: &mut Vec<f64>| {
        let sum: f64 = js.iter().map(|&j| prior[j]).sum();
        js.iter().for_each(|&j| into[j] += share * prior[j] / sum);
    };
    let content = |name: &str, revised: bool| -> Vec<f64> {
        let mut content = vec![0.0; oracle.len()];
        match (name, oracle.position(name)) {
            (_, Some(j)) => return unit(j),
            (PDFS, _) => {
                let noise = if revised { 0.0 } else { NOISE };
                blend(&parts, 1.0 - noise, &mut content);
                blend(&topics, noise, &mut content);
            }
            _ => {
                let python = oracle.position("stack-edu:Python").unwrap_or(code[0]);
                blend(&others[1..2], 0.5, &mut content);
                blend(&[python], 0.5, &mut content);
            }
        }
        content
    };
    let share = |name: &str| match (name, oracle.position(name)) {
        (_, Some(j)) => prior[j],
        (PDFS, _) => parts.iter().map(|&j| prior[j]).sum(),
        // As much as Wikipedia, whose size it has.
        _ => prior[others[2]],
    };
    let mut set = DomainSet::new(of(&topics))?;
    let mut stages = Vec::new();
    let mut revised = false;
    for update in updates {
        revised |= update
            .iter()
            .any(|change| matches!(change, Change::Revise { .. }));
        let lineage = Lineage::of(&set, &update)?;
        set = lineage.new.clone();
        let shares: Vec<f64> = set.names().map(share).collect();
        let sum: f64 = shares.iter().sum();
        stages.push(Stage {
            content: set.names().map(|name| content(name, revised)).collect(),
            prior: shares.into_iter().map(|share| share / sum).collect(),
            adds_code: lineage
                .origins
                .iter()
                .zip(set.names())
                .any(|(origin, name)| *origin == Origin::Added && name.starts_with(CODE)),
            lineage,
        });
    }
    Ok(stages)
}
