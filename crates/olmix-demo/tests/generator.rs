//! What the generator promises of documents and tasks.

mod common;

use std::collections::BTreeSet;

use common::Trigrams;
use olmix_demo::{Domain, Item, Task, documents, tasks};

const BYTES: usize = 60_000;

fn text(domain: Domain, seed: u64, bytes: usize) -> String {
    documents(domain, seed, bytes).collect()
}

#[test]
fn documents_depend_on_their_seed_alone() {
    for domain in Domain::ALL {
        let name = domain.spec().name;
        assert_eq!(text(domain, 5, 9000), text(domain, 5, 9000), "{name}");
        assert_ne!(text(domain, 5, 9000), text(domain, 6, 9000), "{name}");
    }
    assert_eq!(tasks(5, 20), tasks(5, 20));
    assert_ne!(tasks(5, 20), tasks(6, 20));
}

#[test]
fn bytes_of_documents_and_tasks_are_pinned() {
    // If this changes, so do all results of demos made before.
    let mut sum = 0_u64;
    let mut add = |text: &str| {
        for byte in text.bytes() {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    Domain::ALL.iter().for_each(|&d| add(&text(d, 42, 5000)));
    let lines = tasks(42, 10)
        .iter()
        .map(|t| t.json_lines().unwrap())
        .collect::<String>();
    add(&lines);
    assert_eq!(sum, 5_919_841_598_698_759_673);
}

#[test]
fn domains_have_the_bytes_asked_for_in_documents_of_50_to_600() {
    for domain in Domain::ALL {
        let name = domain.spec().name;
        let texts: Vec<String> = documents(domain, 1, BYTES).collect();
        let bytes: usize = texts.iter().map(String::len).sum();
        assert!((BYTES..BYTES + 600).contains(&bytes), "{name}: {bytes}");
        for text in &texts {
            assert!(
                (50..=600).contains(&text.len()),
                "{name}: {}\n{text}",
                text.len()
            );
            assert!(text.is_ascii());
        }
    }
}

#[test]
fn documents_for_more_bytes_begin_with_those_for_fewer() {
    let few = text(Domain::Prose, 3, 2000);
    assert!(text(Domain::Prose, 3, 4000).starts_with(&few));
}

#[test]
fn the_low_quality_domain_is_the_largest_and_useful_ones_are_small() {
    let total: usize = Domain::ALL.iter().map(|d| d.spec().bytes).sum();
    let share = |domain: Domain| domain.spec().bytes as f64 / total as f64;
    assert!(share(Domain::Clutter) > 0.5);
    assert!(share(Domain::Arithmetic) < 0.03);
    assert!(share(Domain::Code) < 0.04);
}

#[test]
fn tasks_have_as_many_different_items_as_asked_that_fit_a_context_of_128_bytes() {
    for seed in 0..12 {
        for Task { name, items, .. } in tasks(seed, 60) {
            let different: BTreeSet<&Item> = items.iter().collect();
            assert_eq!(different.len(), 60, "{name}");
            for item in &items {
                assert!(!item.gold().is_empty());
                assert!(item.gold().trim() == item.gold(), "{name}: {item:?}");
                assert!(
                    item.context().len() + item.gold().len() < 127,
                    "{name}: {item:?}"
                );
            }
        }
    }
}

#[test]
fn choices_differ_and_gold_is_one_of_them() {
    let mut golds = BTreeSet::new();
    for task in tasks(2, 60) {
        for item in task.items {
            if let Item::Choice { choices, gold, .. } = item {
                let different: BTreeSet<&String> = choices.iter().collect();
                assert_eq!((different.len(), choices.len()), (4, 4));
                assert!(gold < 4);
                golds.insert(gold);
            }
        }
    }
    assert_eq!(golds.len(), 4, "gold stands at every place");
}

#[test]
fn lines_of_a_task_are_json_that_reads_back() {
    for task in tasks(2, 5) {
        let lines = task.json_lines().unwrap();
        let back: Vec<Item> = lines
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(back, task.items, "{}", task.name);
    }
}

/// Whether `part` stands in `text`, not as a piece of longer words.
fn has(text: &str, part: &str) -> bool {
    let inside = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.match_indices(part).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|i| text.as_bytes().get(i));
        !inside(before) && !inside(text.as_bytes().get(at + part.len()))
    })
}

#[test]
fn no_document_of_the_same_seed_has_a_context_with_its_answer() {
    for seed in [1, 2] {
        let all: String = Domain::ALL
            .iter()
            .map(|&domain| text(domain, seed, domain.spec().bytes))
            .collect();
        for task in tasks(seed, 60) {
            for item in &task.items {
                let both = format!("{}{}", item.context(), item.gold());
                assert!(!has(&all, &both), "{}: {both}", task.name);
            }
        }
    }
}

#[test]
fn every_task_is_best_served_by_the_domains_named_for_it_and_worst_by_clutter() {
    let models: Vec<Trigrams> = Domain::ALL
        .iter()
        .map(|&d| Trigrams::of(&text(d, 1, BYTES)))
        .collect();
    for task in tasks(1, 60) {
        let bits = |domain: Domain| {
            let answers = task
                .items
                .iter()
                .map(|item| models[domain as usize].bits_per_byte(item.context(), item.gold()));
            answers.sum::<f64>() / task.items.len() as f64
        };
        let best = Domain::ALL
            .into_iter()
            .min_by(|&a, &b| bits(a).total_cmp(&bits(b)));
        assert!(
            task.helped_by.contains(&best.unwrap()),
            "{}: {best:?}",
            task.name
        );
        for &domain in task.helped_by {
            let (helped, clutter) = (bits(domain), bits(Domain::Clutter));
            assert!(
                helped < clutter,
                "{}: {domain:?} {helped}, {clutter}",
                task.name
            );
        }
    }
}

#[test]
fn articles_and_questions_are_closer_to_each_other_than_to_the_rest() {
    let texts: Vec<String> = Domain::ALL.iter().map(|&d| text(d, 1, BYTES)).collect();
    let models: Vec<Trigrams> = texts.iter().map(|t| Trigrams::of(t)).collect();
    let far = |a: Domain, b: Domain| {
        models[a as usize].bits_per_byte("", &texts[b as usize])
            + models[b as usize].bits_per_byte("", &texts[a as usize])
    };
    let pair = far(Domain::Encyclopaedia, Domain::Questions);
    for domain in Domain::ALL {
        if ![Domain::Encyclopaedia, Domain::Questions].contains(&domain) {
            assert!(pair < far(domain, Domain::Encyclopaedia), "{domain:?}");
            assert!(pair < far(domain, Domain::Questions), "{domain:?}");
        }
    }
}
