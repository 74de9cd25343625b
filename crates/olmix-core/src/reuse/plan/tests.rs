//! Every choice of the policy, from numbers alone.
//!
//! Over 400 lines: one case for each choice of a plan, on the same ten domains, so that cases can be compared.

use super::ReuseMethod::{FullReuse, PartialReuse, Recompute, SwarmReuse};
use super::*;
use crate::reuse::{Change, Freed, Lineage};
use crate::{Constraints, CoreError, Domain, DomainSet, Mixture};

/// Ten old domains `d0` to `d9` of 100 tokens each, of which `d0` has half of the old mixture.
fn old() -> DomainSet {
    let domain = |j| Domain {
        name: format!("d{j}"),
        tokens: Some(100),
    };
    DomainSet::new((0..10).map(domain).collect()).unwrap()
}

fn mixture() -> Mixture {
    let mut weights = vec![0.5 / 9.0; 10];
    weights[0] = 0.5;
    Mixture::new(old(), weights).unwrap()
}

fn add(names: &[&str]) -> Change {
    let domain = |name: &&str| Domain {
        name: (*name).to_owned(),
        tokens: Some(50),
    };
    Change::Add(names.iter().map(domain).collect())
}

fn revise(name: &str) -> Change {
    Change::Revise {
        changed: None,
        domain: name.into(),
        tokens: Some(100),
    }
}

/// What a policy decides on, with everything owned.
struct Case {
    lineage: Lineage,
    mixture: Mixture,
    old_runs: usize,
    worth_freeing: Option<Vec<Freed>>,
    request: PlanRequest,
}

impl Case {
    /// An update of the ten domains, with 3 runs per domain and no old run.
    fn new(update: &[Change]) -> Self {
        Self {
            lineage: Lineage::of(&old(), update).unwrap(),
            mixture: mixture(),
            old_runs: 0,
            worth_freeing: None,
            request: PlanRequest::default(),
        }
    }

    fn method(mut self, method: ReuseMethod) -> Self {
        self.request.method = Some(method);
        self
    }

    fn old_runs(mut self, runs: usize) -> Self {
        self.old_runs = runs;
        self
    }

    fn budget(mut self, runs: usize) -> Self {
        self.request.budget = Some(runs);
        self
    }

    /// Domains that laws find worth freeing, each halving the coupling.
    fn worth_freeing(mut self, domains: &[usize]) -> Self {
        let freed = |&domain| Freed {
            domain,
            before: 2.0,
            after: 1.0,
        };
        self.worth_freeing = Some(domains.iter().map(freed).collect());
        self
    }

    fn inputs(&self) -> PlanInputs<'_> {
        PlanInputs {
            lineage: &self.lineage,
            mixture: &self.mixture,
            run_rule: RunRule::new(3.0),
            old_runs: self.old_runs,
            worth_freeing: self.worth_freeing.as_deref(),
            request: self.request,
        }
    }

    fn choose(&self) -> (ReuseMethod, Vec<PlanReason>) {
        self.inputs().choose()
    }

    fn plan(&self) -> ReusePlan {
        self.try_plan(&[], &[]).unwrap()
    }

    fn try_plan(&self, free: &[usize], groups: &[FreezeGroup]) -> Result<ReusePlan, PlanError> {
        let (method, _) = self.choose();
        self.inputs().plan(method, free, groups)
    }
}

fn free_names(plan: &ReusePlan) -> Vec<&str> {
    plan.free.iter().map(|free| free.domain.as_str()).collect()
}

fn runs_of(plan: &ReusePlan, method: ReuseMethod) -> (usize, usize) {
    let found = plan
        .alternatives
        .iter()
        .find(|other| other.method == method);
    found.map(|other| (other.domains, other.runs)).unwrap()
}

#[test]
fn choice_is_the_method_asked_for_without_reasons() {
    for (_, method) in ReuseMethod::ALL {
        let case = Case::new(&[add(&["new"])]).method(method).old_runs(500);
        assert_eq!(case.choose(), (method, Vec::new()));
    }
}

#[test]
fn choice_is_partial_reuse_where_domains_to_free_are_named() {
    let mut case = Case::new(&[add(&["new"])]).old_runs(500);
    case.request.names_free = true;
    let expected = (PartialReuse, vec![PlanReason::FreeNamed]);
    assert_eq!(case.choose(), expected);
    // Even where virtual domains are named too.
    case.request.names_groups = true;
    assert_eq!(case.choose(), expected);
}

#[test]
fn choice_is_full_reuse_where_virtual_domains_are_named() {
    let mut case = Case::new(&[add(&["new"])]).old_runs(500);
    case.request.names_groups = true;
    assert_eq!(case.choose(), (FullReuse, vec![PlanReason::GroupsNamed]));
}

#[test]
fn choice_is_swarm_reuse_only_with_more_old_runs_than_domains() {
    let update = [add(&["new"])];
    let (method, reasons) = Case::new(&update).old_runs(12).choose();
    assert_eq!(method, SwarmReuse);
    let enough = PlanReason::EnoughOldRuns {
        old_runs: 12,
        new_runs: 9,
        domains: 11,
    };
    assert_eq!(reasons, [enough]);
    // As many as domains are too few.
    let (method, reasons) = Case::new(&update).old_runs(11).choose();
    assert_eq!(method, FullReuse);
    let few = PlanReason::TooFewOldRuns {
        old_runs: 11,
        domains: 11,
    };
    assert_eq!(reasons, [few, PlanReason::CouplingUnknown]);
}

#[test]
fn choice_of_swarm_reuse_tells_runs_within_the_budget() {
    let case = Case::new(&[add(&["new"])]).old_runs(50).budget(4);
    let (_, reasons) = case.choose();
    assert!(matches!(
        reasons[..],
        [PlanReason::EnoughOldRuns { new_runs: 4, .. }]
    ));
}

#[test]
fn choice_without_old_runs_is_partial_reuse_where_a_domain_is_coupled_else_full_reuse() {
    let few = PlanReason::TooFewOldRuns {
        old_runs: 0,
        domains: 11,
    };
    let case = Case::new(&[add(&["new"])]).worth_freeing(&[4, 2]);
    let coupled = PlanReason::Coupled(vec!["d4".into(), "d2".into()]);
    assert_eq!(case.choose(), (PartialReuse, vec![few.clone(), coupled]));
    let case = Case::new(&[add(&["new"])]).worth_freeing(&[]);
    assert_eq!(
        case.choose(),
        (FullReuse, vec![few, PlanReason::NotCoupled])
    );
}

#[test]
fn choice_is_recompute_where_at_most_one_domain_is_as_it_was() {
    let all_but_one: Vec<String> = (1..10).map(|j| format!("d{j}")).collect();
    let update: Vec<Change> = all_but_one.iter().map(|name| revise(name)).collect();
    let case = Case::new(&update).old_runs(500);
    assert_eq!(
        case.choose(),
        (Recompute, vec![PlanReason::NearlyAllAffected])
    );
    // Two domains as they were are something to reuse.
    let case = Case::new(&update[1..]).old_runs(500);
    assert_eq!(case.choose().0, SwarmReuse);
}

#[test]
fn full_reuse_freezes_every_unaffected_domain_at_its_old_ratio_and_draws_it_as_one() {
    let case = Case::new(&[add(&["new"]), revise("d9")]).method(FullReuse);
    let plan = case.plan();
    let [existing] = plan.frozen.as_slice() else {
        panic!("{plan:?}");
    };
    assert_eq!(
        (existing.name.as_str(), existing.members.len()),
        ("existing", 9)
    );
    // d0 has half of the mixture, the eight others 0.5 / 9 each.
    assert!((existing.members[0].1 / existing.members[1].1 - 9.0).abs() < 1e-12);
    assert_eq!(plan.drawn, plan.frozen);
    assert!(plan.designed && !plan.fits_old_runs);
    assert_eq!(free_names(&plan), ["d9", "new"]);
    assert_eq!(plan.free[0].reason, FreeReason::Revised);
    assert_eq!(plan.free[1].reason, FreeReason::Added);
    // Three sampled domains: 3 (3 + 1) runs; a recomputation: 3 (11 + 1).
    assert_eq!((plan.runs, plan.recompute_runs), (12, 36));
    assert_eq!(plan.cautions, []);
}

#[test]
fn parts_of_a_partitioned_domain_are_free_and_what_was_removed_is_not_frozen() {
    let part = |name: &str| Domain {
        name: name.into(),
        tokens: Some(50),
    };
    let update = [
        Change::Partition {
            domain: "d3".into(),
            parts: vec![part("d3:a"), part("d3:b")],
            rest: None,
        },
        Change::Remove(vec!["d0".into()]),
    ];
    let plan = Case::new(&update).method(FullReuse).plan();
    assert_eq!(free_names(&plan), ["d3:a", "d3:b"]);
    assert!(plan.free.iter().all(|free| free.reason == FreeReason::Part));
    let members = &plan.frozen[0].members;
    assert_eq!(members.len(), 8);
    assert!(
        members
            .iter()
            .all(|(_, share)| (share - 0.125).abs() < 1e-12)
    );
}

#[test]
fn partial_reuse_frees_the_coupled_domains_after_the_update_and_takes_their_runs() {
    let case = Case::new(&[add(&["new"])])
        .method(PartialReuse)
        .worth_freeing(&[4, 2]);
    let plan = case.plan();
    assert_eq!(free_names(&plan), ["new", "d4", "d2"]);
    assert_eq!(plan.free[1].reason, FreeReason::Coupled { left: 0.5 });
    assert_eq!(plan.frozen[0].members.len(), 8);
    assert_eq!(plan.runs, 3 * (4 + 1));
    assert_eq!(plan.reasons, []);
    assert_eq!(runs_of(&plan, PartialReuse), (4, 15));
    assert_eq!(runs_of(&plan, FullReuse), (2, 9));
}

#[test]
fn partial_reuse_frees_named_domains_in_place_of_coupled_ones() {
    let mut case = Case::new(&[add(&["new"])]).worth_freeing(&[4]);
    case.request.names_free = true;
    // A domain of the update that is named as well is free once.
    let plan = case.try_plan(&[7, 10], &[]).unwrap();
    assert_eq!(free_names(&plan), ["d7", "new"]);
    assert_eq!(plan.free[0].reason, FreeReason::Asked);
    assert_eq!(plan.free[1].reason, FreeReason::Added);
}

#[test]
fn partial_reuse_without_a_law_says_that_nothing_tells_what_to_free() {
    let case = Case::new(&[add(&["new"])]).method(PartialReuse);
    let plan = case.plan();
    assert_eq!(plan.reasons, [PlanReason::NothingSaysWhatToFree]);
    assert_eq!(free_names(&plan), ["new"]);
}

#[test]
fn swarm_reuse_draws_unaffected_domains_as_one_where_old_runs_tell_them_apart() {
    let case = Case::new(&[add(&["new"])]).method(SwarmReuse).old_runs(12);
    let plan = case.plan();
    assert!(plan.frozen.is_empty(), "laws and solve are over all");
    assert_eq!(plan.drawn[0].members.len(), 10);
    assert!(plan.designed && plan.fits_old_runs);
    assert_eq!(plan.runs, 9);
    assert!(plan.free.iter().all(|free| free.reason == FreeReason::All));
    assert_eq!(plan.free.len(), 11);
    assert_eq!(runs_of(&plan, SwarmReuse), (2, 9));
}

#[test]
fn swarm_reuse_with_too_few_old_runs_draws_over_all_domains_without_a_design() {
    let case = Case::new(&[add(&["new"])]).method(SwarmReuse).old_runs(3);
    let plan = case.plan();
    assert!(plan.drawn.is_empty() && !plan.designed && plan.fits_old_runs);
    // With the three old ones, two more than domains.
    assert_eq!(plan.runs, 10);
    assert_eq!(plan.cautions, []);
    assert_eq!(runs_of(&plan, SwarmReuse), (11, 10));
}

#[test]
fn recompute_samples_all_domains_freely_and_fits_no_old_run() {
    let case = Case::new(&[add(&["new"])]).method(Recompute).old_runs(500);
    let plan = case.plan();
    assert!(plan.frozen.is_empty() && plan.drawn.is_empty());
    assert!(plan.designed && !plan.fits_old_runs);
    assert_eq!((plan.runs, plan.free.len()), (36, 11));
}

#[test]
fn groups_are_virtual_domains_of_their_own_and_the_rest_comes_first() {
    let mut case = Case::new(&[add(&["new"])]);
    case.request.names_groups = true;
    let groups = [
        ("existing".to_owned(), vec![1, 2]),
        ("late".to_owned(), vec![2, 3, 10]),
    ];
    let plan = case.try_plan(&[], &groups).unwrap();
    let shape: Vec<(&str, usize)> = plan
        .frozen
        .iter()
        .map(|one| (one.name.as_str(), one.members.len()))
        .collect();
    // The name `existing` is taken; d2 belongs to the first group that names it; the new domain is in none.
    assert_eq!(shape, [("existing_", 7), ("existing", 2), ("late", 1)]);
    assert_eq!(plan.runs, 3 * (3 + 1 + 1));
}

#[test]
fn existing_name_avoids_the_names_of_domains() {
    let set = DomainSet::from_names(["existing", "existing_", "web"]).unwrap();
    assert_eq!(existing_name(&set), "existing__");
    assert_eq!(existing_name(&old()), "existing");
}

#[test]
fn plan_is_refused_where_a_group_is_empty_or_nothing_is_frozen_or_nothing_has_weight() {
    let mut case = Case::new(&[add(&["new"])]);
    case.request.names_free = true;
    case.request.names_groups = true;
    let groups = [("a".to_owned(), vec![1]), ("b".to_owned(), vec![1, 2, 10])];
    // d2 is free and d1 in another group; the new domain can't be frozen.
    assert_eq!(case.try_plan(&[2], &groups), Err(PlanError::EmptyGroup(1)));
    let all: Vec<usize> = (0..10).collect();
    assert_eq!(case.try_plan(&all, &[]), Err(PlanError::NothingFrozen));
    let mut weightless = Case::new(&[add(&["new"]), revise("d0")]).method(FullReuse);
    let mut weights = vec![0.0; 10];
    weights[0] = 1.0;
    weightless.mixture = Mixture::new(old(), weights).unwrap();
    assert!(matches!(
        weightless.try_plan(&[], &[]),
        Err(PlanError::Ratios(CoreError::Infeasible(_)))
    ));
    // Swarm reuse needs no ratios: it draws over all then.
    weightless.request.method = Some(SwarmReuse);
    weightless.old_runs = 50;
    assert!(weightless.plan().drawn.is_empty());
}

#[test]
fn unused_option_is_found_for_each_method_that_can_not_honour_it() {
    let request = |names_free, names_groups, fit_old_runs| PlanRequest {
        names_free,
        names_groups,
        fit_old_runs,
        ..PlanRequest::default()
    };
    let (free, groups, old_runs) = (
        request(true, false, false),
        request(false, true, false),
        request(false, false, true),
    );
    for (method, unused) in [
        (FullReuse, [Some(UnusedOption::Free), None, None]),
        (PartialReuse, [None, None, None]),
        (
            SwarmReuse,
            [Some(UnusedOption::Free), Some(UnusedOption::Groups), None],
        ),
        (
            Recompute,
            [
                Some(UnusedOption::Free),
                Some(UnusedOption::Groups),
                Some(UnusedOption::OldRuns),
            ],
        ),
    ] {
        let found = [free, groups, old_runs].map(|request| request.unused_option(method));
        assert_eq!(found, unused, "{method:?}");
    }
}

#[test]
fn removal_keeps_all_ratios_and_needs_no_run_unless_a_recomputation_is_asked_for() {
    let update = [Change::Remove(vec!["d0".into(), "d1".into()])];
    let case = Case::new(&update).old_runs(50);
    let plan = case.plan();
    assert_eq!((plan.method, plan.runs), (FullReuse, 0));
    assert_eq!(plan.reasons, [PlanReason::OnlyRemoved]);
    assert_eq!(plan.frozen[0].members.len(), 8);
    assert!(plan.free.is_empty() && plan.drawn.is_empty());
    assert_eq!(runs_of(&plan, SwarmReuse).1, 0);
    assert_eq!(runs_of(&plan, Recompute), (8, 27));
    let plan = Case::new(&update).method(Recompute).plan();
    assert_eq!(plan.runs, 27);
}

#[test]
fn first_plan_is_a_swarm_over_all_domains_within_the_budget() {
    let plan = ReusePlan::first(&old(), RunRule::new(3.0), None);
    assert_eq!((plan.method, plan.runs), (Recompute, 33));
    assert_eq!(plan.reasons, [PlanReason::FirstSwarm]);
    assert_eq!(plan.free.len(), 10);
    let plan = ReusePlan::first(&old(), RunRule::new(3.0), Some(20));
    assert_eq!((plan.runs, plan.alternatives[0].runs), (20, 33));
}

#[test]
fn budget_cuts_runs_and_too_few_of_them_are_a_caution() {
    let case = Case::new(&[add(&["new"])]).method(FullReuse).budget(2);
    let plan = case.plan();
    assert_eq!(plan.runs, 2);
    let over = PlanReason::OverBudget { runs: 2, wanted: 9 };
    let few = PlanReason::TooFewRuns {
        runs: 2,
        domains: 2,
    };
    assert_eq!(plan.cautions, [over, few]);
    // A budget above the rule changes nothing.
    assert_eq!(case.budget(1000).plan().runs, 9);
}

#[test]
fn old_runs_with_kept_ratios_count_towards_a_law_over_all_domains() {
    let mut case = Case::new(&[add(&["new"])]).method(FullReuse).old_runs(2);
    case.request.fit_old_runs = true;
    let plan = case.plan();
    assert!(plan.fits_old_runs && plan.frozen.len() == 1);
    // 9 new and 2 old runs for 11 domains and a level.
    let few = PlanReason::TooFewRuns {
        runs: 11,
        domains: 11,
    };
    assert_eq!(plan.cautions, [few]);
    assert_eq!(case.old_runs(3).plan().cautions, []);
}

#[test]
fn reuse_of_a_quarter_of_the_domains_or_less_is_a_caution() {
    let update: Vec<Change> = (0..8).map(|j| revise(&format!("d{j}"))).collect();
    let plan = Case::new(&update).method(FullReuse).plan();
    let hardly = PlanReason::HardlyReused {
        kept: 2,
        domains: 10,
    };
    assert_eq!(plan.cautions, [hardly]);
    let plan = Case::new(&update[..7]).method(FullReuse).plan();
    assert_eq!(plan.cautions, []);
}

#[test]
fn constraints_of_frozen_domains_are_those_of_the_scarcest_member_and_at_most_one() {
    let case = Case::new(&[add(&["new"])]).method(FullReuse);
    let plan = case.plan();
    let set = &case.lineage.new;
    let mut constraints = Constraints::none(11);
    let over = |constraints: &Constraints| plan.constraints(set, constraints);
    assert_eq!(over(&constraints).unwrap().1.caps, None);
    constraints.caps = Some(vec![0.1; 11]);
    constraints.caps.as_mut().unwrap()[10] = 1.0;
    // d0 has half of the virtual domain, which is used up at 0.1 / 0.5.
    let (domains, found) = over(&constraints).unwrap();
    assert_eq!(domains.names().collect::<Vec<_>>(), ["existing", "new"]);
    assert!((found.limit(0) - 0.2).abs() < 1e-12, "{found:?}");
    constraints.caps = Some(vec![5.0; 11]);
    assert_eq!(over(&constraints).unwrap().1.limit(0), 1.0);
    constraints.caps = Some(vec![0.0; 11]);
    let error = over(&constraints).unwrap_err();
    assert!(error.to_string().contains("can have no weight"), "{error}");
}

#[test]
fn more_runs_without_an_update_go_with_the_old_ones_over_all_domains_by_a_design() {
    let mut case = Case::new(&[]).old_runs(40);
    let none = case.plan();
    assert_eq!(
        (none.runs, none.reasons),
        (0, vec![PlanReason::NothingChanged])
    );
    // A budget asks for none.
    case.request.budget = Some(7);
    assert_eq!(case.plan().runs, 0);
    case.request = PlanRequest {
        runs: Some(7),
        ..PlanRequest::default()
    };
    let (method, reasons) = case.choose();
    assert_eq!(
        (method, reasons),
        (SwarmReuse, vec![PlanReason::MoreRuns { old_runs: 40 }])
    );
    let plan = case.plan();
    assert!(plan.designed && plan.fits_old_runs && plan.drawn.is_empty() && plan.frozen.is_empty());
    assert_eq!(
        (plan.runs, plan.free.len(), plan.cautions.len()),
        (7, 10, 0)
    );
    assert_eq!(runs_of(&plan, SwarmReuse), (10, 7));
    assert_eq!(runs_of(&plan, Recompute), (10, 33));
    // A removal may be measured too.
    let mut removal = Case::new(&[Change::Remove(vec!["d9".into()])]).old_runs(30);
    assert_eq!(
        (removal.plan().runs, removal.plan().reasons),
        (0, vec![PlanReason::OnlyRemoved])
    );
    removal.request = case.request;
    assert_eq!((removal.plan().runs, removal.plan().free.len()), (7, 9));
    // Without old runs they are a swarm of their own.
    let alone = case.old_runs(0);
    assert_eq!(alone.choose(), (Recompute, vec![PlanReason::MoreRunsAlone]));
    assert_eq!(alone.plan().runs, 7);
    // All ratios kept leave nothing to solve for; a group of its own does.
    let mut kept = alone.method(FullReuse);
    assert_eq!(kept.try_plan(&[], &[]).unwrap_err(), PlanError::NothingFree);
    kept.request.names_groups = true;
    let plan = kept.try_plan(&[], &[("few".into(), vec![1, 2])]).unwrap();
    assert_eq!((plan.frozen.len(), plan.runs), (2, 7));
}
