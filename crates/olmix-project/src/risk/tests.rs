//! Where coefficients of domains come from, and which domains are similar.

use olmix_core::reuse::Change;
use olmix_core::{Domain, Mixture};
use tempfile::tempdir;

use super::tests_support::laws;
use super::*;
use crate::project::domain_set;

#[test]
fn most_similar_domains_are_found_from_their_shards() {
    let folder = tempdir().unwrap();
    let domain = |name: &str, from: u16, to: u16| {
        let tokens: Vec<u8> = (0..20_000_u32)
            .flat_map(|i| (from + (i * 7919 % u32::from(to - from)) as u16).to_le_bytes())
            .collect();
        std::fs::write(folder.path().join(format!("{name}.bin")), tokens).unwrap();
        ProjectDomain {
            name: name.into(),
            paths: vec![format!("{name}.bin")],
            format: Some("tokens".into()),
            ..ProjectDomain::default()
        }
    };
    let histogram = |domain: &ProjectDomain| token_histogram(domain, 2, folder.path()).unwrap();
    let (python, prose, verse) = (
        domain("python", 0, 1000),
        domain("prose", 5000, 9000),
        domain("verse", 5500, 9500),
    );
    let go = domain("go", 100, 1100);
    let others: Vec<(String, TokenHistogram)> = [python, prose, verse]
        .iter()
        .map(|other| (other.name.clone(), histogram(other)))
        .collect();
    let own = histogram(&go);
    assert!((own.similarity(&own) - 1.0).abs() < 1e-3);
    let found = most_similar(&own, &others);
    assert_eq!(found[0].0, "python");
    assert!(found[0].1 > 0.9, "{found:?}");
    let missing = ProjectDomain::default();
    assert!(
        token_histogram(&missing, 2, folder.path())
            .unwrap_err()
            .contains("no paths")
    );
}

const NAMES: [&str; 4] = ["web", "code", "pdf", "books"];

/// The risk of an update of four domains with equal weights; `prepare` changes the domains after it.
fn risk_of(
    update: &[Change],
    pilot: Option<&LawCoefficients>,
    max_freed: usize,
    prepare: impl Fn(&mut Vec<ProjectDomain>),
) -> Risk {
    let domain = |name: &str| ProjectDomain {
        name: name.into(),
        tokens: Some(100),
        ..ProjectDomain::default()
    };
    let old = domain_set(&NAMES.map(domain)).unwrap();
    let lineage = Lineage::of(&old, update).unwrap();
    let mut domains: Vec<ProjectDomain> = lineage.new.names().map(domain).collect();
    prepare(&mut domains);
    let unaffected: Vec<bool> = lineage
        .origins
        .iter()
        .map(|origin| matches!(origin, Origin::Kept(_)))
        .collect();
    let names: Vec<&str> = (0..unaffected.len())
        .filter(|&j| unaffected[j])
        .map(|j| lineage.new.name(j))
        .collect();
    let mixture = Mixture::new(old, vec![0.25; 4]).unwrap();
    let frozen = VirtualDomain::frozen("existing", &names, &mixture).unwrap();
    let m = domains.len();
    let inputs = RiskInputs {
        laws: &laws(&NAMES),
        pilot,
        lineage: &lineage,
        domains: &domains,
        set: &lineage.new,
        prior: &vec![1.0 / m as f64; m],
        kl_reg: 0.05,
        constraints: &Constraints::none(m),
        frozen: &frozen,
        unaffected: &unaffected,
        shards: (Path::new("."), 2),
        max_freed,
    };
    inputs.estimate().unwrap()
}

fn add(name: &str) -> Change {
    Change::Add(vec![Domain {
        name: name.into(),
        tokens: Some(100),
    }])
}

fn estimate_of<'a>(risk: &'a Risk, name: &str) -> &'a Estimate {
    let found = risk.estimates.iter().find(|(other, _)| other == name);
    &found.unwrap().1
}

#[test]
fn estimates_of_parts_and_revised_domains_are_those_of_the_domain_they_come_from() {
    let part = |name: &str| Domain {
        name: name.into(),
        tokens: Some(50),
    };
    let update = [
        Change::Partition {
            domain: "pdf".into(),
            parts: vec![part("pdf:a"), part("pdf:b")],
            rest: None,
        },
        Change::Revise {
            changed: None,
            domain: "code".into(),
            tokens: Some(100),
        },
    ];
    let risk = risk_of(&update, None, usize::MAX, |_| {});
    let whole = Estimate::Whole { of: "pdf".into() };
    assert_eq!(estimate_of(&risk, "pdf:a"), &whole);
    assert_eq!(estimate_of(&risk, "code"), &Estimate::Before);
    assert_eq!(
        risk.estimates.len(),
        3,
        "domains that stay are not estimates"
    );
}

#[test]
fn estimate_of_a_new_domain_goes_by_pilot_then_tasks_then_nothing() {
    let unknown = risk_of(&[add("rust")], None, usize::MAX, |_| {});
    let Estimate::Unknown { why } = estimate_of(&unknown, "rust") else {
        panic!("{:?}", unknown.estimates);
    };
    assert!(
        why.contains("no tasks are said of it") && why.contains("no paths"),
        "{why}"
    );
    let with_tasks = |tasks: &'static str| {
        risk_of(&[add("rust")], None, usize::MAX, move |domains| {
            domains[4].tasks = vec![tasks.into()];
        })
    };
    // By a task and by its family; a task that no law is of says nothing.
    for tasks in ["coding", "programs"] {
        let tasks_known = Estimate::Tasks {
            tasks: vec![tasks.into()],
        };
        assert_eq!(estimate_of(&with_tasks(tasks), "rust"), &tasks_known);
    }
    let Estimate::Unknown { why } = estimate_of(&with_tasks("singing"), "rust").clone() else {
        panic!("no law is of singing");
    };
    assert!(
        why.contains("no law is of the tasks said of it (singing)"),
        "{why}"
    );
    let mut pilot = laws(&["web", "code", "pdf", "books", "rust"]);
    pilot.fit = "pilot.json".into();
    let risk = risk_of(&[add("rust")], Some(&pilot), usize::MAX, |_| {});
    assert_eq!(estimate_of(&risk, "rust"), &Estimate::Pilot);
    assert_eq!(risk.fit, "pilot.json");
}

#[test]
fn risk_frees_no_more_domains_than_the_budget_affords() {
    let coding = |domains: &mut Vec<ProjectDomain>| domains[4].tasks = vec!["coding".into()];
    let risk = risk_of(&[add("rust")], None, usize::MAX, coding);
    assert_eq!(risk.worth_freeing.len(), 1);
    assert_eq!(risk.worth_freeing[0].domain, 1);
    let none = risk_of(&[add("rust")], None, 0, coding);
    assert!(none.worth_freeing.is_empty());
    // What is shared is reported all the same: the domain and the task.
    assert_eq!(
        (none.shared[0].domain.as_str(), none.shared[0].task.as_str()),
        ("code", "coding")
    );
}

#[test]
fn members_of_a_virtual_domain_differ_as_they_did_in_the_earlier_fit() {
    let mut earlier = laws(&["web", "code"]);
    let row = |a: f64, b: f64| vec![a, b];
    earlier.coefficients = [
        ("web".to_owned(), row(-1.0, 0.0)),
        ("code".to_owned(), row(-3.0, -4.0)),
    ]
    .into_iter()
    .collect();
    let mut now = earlier.clone();
    for row in now.coefficients.values_mut() {
        *row = vec![-2.0, -2.0];
    }
    let members = [("web".to_owned(), 0.75), ("code".to_owned(), 0.25)];
    now.split_members(&members, &earlier);
    // Means by shares were -1.5 and -1.
    assert_eq!(now.coefficients["web"], [-1.5, -1.0]);
    assert_eq!(now.coefficients["code"], [-3.5, -5.0]);
}
