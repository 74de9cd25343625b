//! Plans under bounds, in memory: which method keeps to them, and what is refused.

use olmix_core::GroupBound;
use olmix_core::reuse::Change;

use super::tests::{Case, add};
use crate::ReuseMethod;

/// A sum of an old domain and the new one.
fn straddling(case: &mut Case) {
    case.context.constraints.groups.push(GroupBound {
        name: "prose".into(),
        members: vec![4, 6],
        lower: 0.2,
        upper: 0.5,
    });
}

#[test]
fn plan_translates_the_bound_of_a_kept_domain_to_its_virtual_domain() {
    let mut case = Case::new(&[add("poems")]).method(ReuseMethod::FullReuse);
    case.context.constraints.lower[2] = 0.05;
    case.context.constraints.upper[0] = 0.3;
    let plan = case.plan();
    let (least, most) = plan.bounds(0);
    // A tenth and four tenths of `existing`.
    assert!(
        (least - 0.5).abs() < 1e-12 && (most - 0.75).abs() < 1e-12,
        "{least} {most}"
    );
    let found = plan.constraints.unwrap();
    let names: Vec<&str> = found.domains.names().collect();
    assert_eq!(names, ["existing", "poems"]);
}

#[test]
fn plan_without_a_method_takes_one_that_keeps_to_the_bounds_and_says_why() {
    let mut case = Case::new(&[add("poems")]).swarm(4, 0);
    straddling(&mut case);
    let plan = case.plan();
    assert_eq!(plan.method(), ReuseMethod::SwarmReuse);
    let reason = plan
        .reasons
        .iter()
        .find(|reason| reason.contains("can't keep to the bounds"));
    let reason = reason.expect("the reason is told");
    assert!(
        reason.contains("full-reuse") && reason.contains("group `prose`"),
        "{reason}"
    );
    // Without old runs there is nothing to fit together.
    let mut case = Case::new(&[add("poems")]);
    straddling(&mut case);
    assert_eq!(case.plan().method(), ReuseMethod::Recompute);
}

#[test]
fn plan_refuses_the_method_asked_for_where_kept_ratios_break_a_bound() {
    let mut case = Case::new(&[add("poems")]).method(ReuseMethod::FullReuse);
    straddling(&mut case);
    case.refused(&[
        "group `prose` holds 0.1000 of `existing` and 1.0000 of `poems`",
        "swarm-reuse",
    ]);
    let mut case = Case::new(&[add("poems")]).method(ReuseMethod::FullReuse);
    case.context.constraints.lower[2] = 0.2;
    case.refused(&[
        "`code` must have at least 0.2000",
        "2.0000, more than the whole",
    ]);
    // Free, it can have as much as is asked for.
    let mut case = Case::new(&[add("poems")]).method(ReuseMethod::PartialReuse);
    case.context.constraints.lower[2] = 0.2;
    case.options.free = vec!["code".into()];
    assert_eq!(case.plan().method(), ReuseMethod::PartialReuse);
}

#[test]
fn plan_refuses_bounds_that_no_mixture_meets_whatever_the_method() {
    let contradict = |mut case: Case| {
        case.context.constraints.lower[0] = 0.6;
        case.context.constraints.lower[1] = 0.6;
        case
    };
    contradict(Case::new(&[add("poems")])).refused(&["sum to 1.2000", "change `constraints`"]);
    let recompute = Case::new(&[add("poems")]).method(ReuseMethod::Recompute);
    contradict(recompute).refused(&["sum to 1.2000"]);
    let mut first = Case::new(&[]);
    first.context.base = None;
    contradict(first).refused(&["sum to 1.2000"]);
}

#[test]
fn plan_refuses_old_runs_with_kept_ratios_where_the_fit_could_not_keep_them() {
    let with = |text: &str| {
        let mut case = Case::new(&[add("poems")])
            .method(ReuseMethod::FullReuse)
            .swarm(20, 0);
        case.options.old_runs = true;
        case.configured(text)
    };
    with("regression: {type: bimix}\n")
        .refused(&["--old-runs keeps ratios in the solve", "`bimix`"]);
    with("proposer: {type: simulation}\n").refused(&["another proposer"]);
    assert_eq!(
        with("regression: {type: saturating}\n")
            .plan()
            .earlier
            .len(),
        1
    );
}

#[test]
fn plan_after_a_removal_repairs_what_old_ratios_would_break() {
    let mut case = Case::new(&[Change::Remove(vec!["books".into()])]);
    case.context.constraints.lower[2] = 0.3;
    case.context.constraints.upper[0] = 0.2;
    assert_eq!(case.plan().reuse.runs, 0);
}

#[test]
fn plan_keeps_patterns_of_groups_together_and_reports_their_caps() {
    let mut case = Case::new(&[add("poems")]).method(ReuseMethod::FullReuse);
    case.options.groups = vec![("web".into(), "web:*".into())];
    case.options.collapsed_kl = true;
    case.context.constraints.caps = Some(vec![0.3; 7]);
    let plan = case.plan();
    let names: Vec<(&str, usize)> = plan
        .reuse
        .frozen
        .iter()
        .map(|one| (one.name.as_str(), one.members.len()))
        .collect();
    assert_eq!(names, [("existing", 4), ("web", 2)]);
    // A quarter of `existing` each: 0.3 / 0.25, at most 1; two thirds of `web`: 0.3 / (2 / 3).
    assert_eq!(plan.cap(0), Some(1.0));
    assert!((plan.cap(1).unwrap() - 0.45).abs() < 1e-12);
    assert!(plan.collapsed_kl);
}
