//! Every choice of a plan, in memory: no ledger, no file.

use std::path::Path;

use olmix_core::reuse::{Change, FreeReason, Lineage};
use olmix_core::{Constraints, Domain, Mixture};
use olmix_io::{ProjectConfig, ProjectDomain};
use olmix_ledger::{Cost, Record, RecordId, RecordKind};

use super::context::{PlanningContext, prior_size};
use super::planner::{Evidence, Planner};
use crate::project::domain_set;
use crate::risk::tests_support::laws;
use crate::risk::{LawCoefficients, RiskInputs};
use crate::{Plan, PlanOptions, ReusableSwarm, ReuseMethod, Risk};

/// A record as a ledger would give it.
fn record(id: i64, kind: RecordKind, line: &str, number: i64) -> Record {
    Record {
        id: RecordId(id),
        hash: String::new(),
        kind,
        line: line.into(),
        number,
        title: String::new(),
        parents: Vec::new(),
        files: Vec::new(),
        content: serde_json::Value::Null,
        command: String::new(),
        olmix: String::new(),
        created: 0,
        cost: Cost::default(),
        gain: None,
    }
}

fn domain(name: &str) -> ProjectDomain {
    ProjectDomain {
        name: name.into(),
        tokens: Some(100),
        ..ProjectDomain::default()
    }
}

fn config(settings: &str) -> ProjectConfig {
    let text = format!(
        "name: house\nmax_tokens: 1000\nproxy_parameters: 10\n{settings}domains:\n  web:a: {{tokens: 100}}\n"
    );
    ProjectConfig::parse(Path::new("olmix.yaml"), "olmix.yaml", &text).unwrap()
}

const NAMES: [&str; 6] = ["web:a", "web:b", "code", "math", "books", "wiki"];

/// A project of six domains, where it stands after an update, and what its history says.
pub(super) struct Case {
    config: ProjectConfig,
    pub context: PlanningContext,
    pub options: PlanOptions,
    swarms: Vec<ReusableSwarm>,
    risk: Option<Risk>,
}

impl Case {
    pub fn new(update: &[Change]) -> Self {
        let old: Vec<ProjectDomain> = NAMES.iter().map(|name| domain(name)).collect();
        let old = domain_set(&old).unwrap();
        let lineage = Lineage::of(&old, update).unwrap();
        let domains: Vec<ProjectDomain> = lineage
            .new
            .iter()
            .map(|new| ProjectDomain {
                tokens: new.tokens,
                ..domain(&new.name)
            })
            .collect();
        let sum: f64 = domains.iter().map(prior_size).sum();
        let set = lineage.new.clone();
        let weights = vec![0.4, 0.2, 0.1, 0.1, 0.1, 0.1];
        Self {
            config: config(""),
            context: PlanningContext {
                version: record(9, RecordKind::Domains, "domains", 2),
                prior: domains.iter().map(|one| prior_size(one) / sum).collect(),
                constraints: Constraints::none(set.len()),
                base: Some((
                    record(8, RecordKind::Mixture, "main", 1),
                    Mixture::new(old, weights).unwrap(),
                )),
                domains,
                set,
                lineage,
            },
            options: PlanOptions::default(),
            swarms: Vec::new(),
            risk: None,
        }
    }

    /// With further settings in olmix.yaml.
    pub fn configured(mut self, settings: &str) -> Self {
        self.config = config(settings);
        self
    }

    pub fn method(mut self, method: ReuseMethod) -> Self {
        self.options.method = Some(method);
        self
    }

    /// An earlier swarm with `runs` runs over today's domains, and `lost` others.
    pub fn swarm(mut self, runs: usize, lost: usize) -> Self {
        self.swarms.push(ReusableSwarm {
            swarm: format!("swarm@{}", self.swarms.len() + 1),
            runs,
            lost,
            weights: Vec::new(),
            changed: Vec::new(),
            unstated: Vec::new(),
            mixtures: Vec::new(),
            files: (Vec::new(), Vec::new()),
        });
        self
    }

    /// The risk by laws over the old domains.
    fn with_laws(mut self, laws: &LawCoefficients) -> Self {
        let unaffected = self.context.unaffected();
        let names: Vec<&str> = (0..unaffected.len())
            .filter(|&j| unaffected[j])
            .map(|j| self.context.set.name(j))
            .collect();
        let (_, mixture) = self.context.base.as_ref().unwrap();
        let frozen = olmix_core::reuse::VirtualDomain::frozen("existing", &names, mixture).unwrap();
        let risk = RiskInputs {
            laws,
            pilot: None,
            lineage: &self.context.lineage,
            domains: &self.context.domains,
            set: &self.context.set,
            prior: &self.context.prior,
            kl_reg: 0.05,
            constraints: &self.context.constraints,
            frozen: &frozen,
            unaffected: &unaffected,
            shards: (Path::new("."), 2),
            max_freed: usize::MAX,
        };
        self.risk = Some(risk.estimate().unwrap());
        self
    }

    fn try_plan(self) -> Result<Plan, String> {
        let planner = Planner {
            config: &self.config,
            context: &self.context,
            options: &self.options,
        };
        let evidence = Evidence {
            risk: self.risk,
            swarms: self.swarms,
        };
        planner.plan(evidence).map_err(|error| error.to_string())
    }

    pub fn plan(self) -> Plan {
        self.try_plan().unwrap()
    }

    /// The message of a refusal, which has to hold all of the parts.
    pub fn refused(self, parts: &[&str]) {
        let message = self.try_plan().unwrap_err();
        for part in parts.iter().chain(&["olmix.yaml", "\n  help: "]) {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

pub(super) fn add(name: &str) -> Change {
    Change::Add(vec![Domain {
        name: name.into(),
        tokens: Some(50),
    }])
}

fn swarms_of(plan: &Plan) -> Vec<&str> {
    plan.earlier.iter().map(|one| one.swarm.as_str()).collect()
}

#[test]
fn plan_fits_earlier_swarms_of_three_runs_or_more_and_names_those_it_leaves_out() {
    let plan = Case::new(&[add("poems")])
        .swarm(2, 3)
        .swarm(3, 0)
        .swarm(20, 1)
        .plan();
    assert_eq!(plan.method(), ReuseMethod::SwarmReuse);
    assert_eq!(swarms_of(&plan), ["swarm@2", "swarm@3"]);
    assert!(
        plan.reasons[0].starts_with("23 old runs still speak of today's domains; with 9 new ones")
    );
    assert_eq!(
        plan.reasons[1],
        "swarm@1 is left out: 3 of its 5 runs used content that no longer exists"
    );
}

#[test]
fn plan_leaves_earlier_swarms_out_where_ratios_are_kept_unless_old_runs_are_asked_for() {
    let plan = Case::new(&[add("poems")])
        .method(ReuseMethod::FullReuse)
        .swarm(20, 0)
        .plan();
    assert_eq!(swarms_of(&plan), Vec::<&str>::new());
    let mut case = Case::new(&[add("poems")])
        .method(ReuseMethod::FullReuse)
        .swarm(20, 0);
    case.options.old_runs = true;
    let plan = case.plan();
    assert_eq!(swarms_of(&plan), ["swarm@1"]);
    assert_eq!(plan.reuse.frozen.len(), 1);
}

#[test]
fn plan_of_a_recomputation_reuses_no_swarm_and_reports_no_risk() {
    let case = Case::new(&[add("poems")])
        .method(ReuseMethod::Recompute)
        .swarm(20, 0)
        .with_laws(&laws(&NAMES));
    let plan = case.plan();
    assert_eq!(swarms_of(&plan), Vec::<&str>::new());
    assert!(plan.risk.is_none());
    assert_eq!(
        (plan.reuse.runs, plan.new.as_slice()),
        (24, ["poems".to_owned()].as_slice())
    );
}

#[test]
fn plan_without_old_runs_frees_the_domain_that_acts_on_the_tasks_of_the_update() {
    let mut case = Case::new(&[add("code:rust")]);
    case.context.domains[6].tasks = vec!["coding".into()];
    let plan = case.with_laws(&laws(&NAMES)).plan();
    assert_eq!(plan.method(), ReuseMethod::PartialReuse);
    let free: Vec<(&str, bool)> = plan
        .reuse
        .free
        .iter()
        .map(|free| {
            let coupled = matches!(free.reason, FreeReason::Coupled { left } if left < 0.9);
            (free.domain.as_str(), coupled)
        })
        .collect();
    assert_eq!(free, [("code:rust", false), ("code", true)]);
    assert_eq!(
        plan.reasons[1],
        "the update acts on the tasks of code: worth freeing"
    );
    assert_eq!(plan.reuse.runs, 3 * (3 + 1));
    assert_eq!(plan.risk.unwrap().shared[0].domain, "code");
}

#[test]
fn plan_doubts_laws_with_excluded_tasks_or_wild_coefficients() {
    let mut known = laws(&NAMES);
    known.excluded_tasks = 4;
    known.coefficients.get_mut("wiki").unwrap()[0] = -900.0;
    let plan = Case::new(&[add("poems")])
        .method(ReuseMethod::FullReuse)
        .with_laws(&known)
        .plan();
    assert!(
        plan.reasons[0].starts_with("4 tasks say nothing about coupling"),
        "{:?}",
        plan.reasons
    );
    assert!(
        plan.reasons[1].contains("coefficients of up to")
            && plan.reasons[1].contains("--ridge auto")
    );
}

#[test]
fn plan_costs_tokens_and_flops_by_the_projects_proxy() {
    let plan = Case::new(&[add("poems")])
        .method(ReuseMethod::FullReuse)
        .plan();
    assert_eq!((plan.cost.runs, plan.cost.tokens), (9, 9000));
    assert_eq!(plan.cost.flops, 6.0 * 10.0 * 9000.0);
    assert_eq!((plan.recompute.runs, plan.recompute.tokens), (24, 24_000));
}

#[test]
fn plan_after_a_removal_needs_no_run_whatever_else_is_known() {
    let removal = [Change::Remove(vec!["books".into()])];
    let plan = Case::new(&removal)
        .swarm(50, 0)
        .with_laws(&laws(&NAMES))
        .plan();
    assert_eq!((plan.reuse.runs, plan.cost.runs), (0, 0));
    assert!(plan.earlier.is_empty() && plan.risk.is_none() && plan.new.is_empty());
    assert!(plan.reasons[0].contains("no run is needed"));
    let plan = Case::new(&removal).method(ReuseMethod::Recompute).plan();
    assert_eq!(plan.reuse.runs, 18);
}

#[test]
fn plan_without_a_mixture_is_the_first_swarm_and_refuses_every_reuse() {
    let first = || {
        let mut case = Case::new(&[]);
        case.context.base = None;
        case
    };
    let plan = first().plan();
    assert_eq!(
        (plan.method(), plan.reuse.runs),
        (ReuseMethod::Recompute, 21)
    );
    assert!(plan.new.is_empty() && plan.base.is_none());
    for method in [ReuseMethod::FullReuse, ReuseMethod::SwarmReuse] {
        first()
            .method(method)
            .refused(&["there is no mixture yet", method.name()]);
    }
    assert_eq!(first().method(ReuseMethod::Recompute).plan().reuse.runs, 21);
}

#[test]
fn plan_refuses_an_option_that_its_method_can_not_honour() {
    let case = |method| Case::new(&[add("poems")]).method(method);
    let mut free = case(ReuseMethod::FullReuse);
    // The method is told first, whatever the option names.
    free.options.free = vec!["nosuch".into()];
    free.refused(&["full-reuse has no use for --free"]);
    let mut groups = case(ReuseMethod::SwarmReuse);
    groups.options.groups = vec![("a".into(), "web:*".into())];
    groups.refused(&["swarm-reuse has no use for --freeze"]);
    let mut old_runs = case(ReuseMethod::Recompute);
    old_runs.options.old_runs = true;
    old_runs.refused(&["recompute has no use for --old-runs"]);
}

#[test]
fn plan_refuses_names_of_no_domain_and_groups_without_a_domain_to_freeze() {
    let mut unknown = Case::new(&[add("poems")]);
    unknown.options.free = vec!["web".into()];
    unknown.refused(&["--free `web`: domains@2 has no such domain"]);
    let mut unknown = Case::new(&[add("poems")]);
    unknown.options.groups = vec![("a".into(), "pdf:*".into())];
    unknown.refused(&["--freeze `pdf:*`: domains@2 has no such domain"]);
    let mut new = Case::new(&[add("poems")]);
    new.options.groups = vec![("a".into(), "poems".into())];
    new.refused(&["--freeze a=poems: all of these are free or in another virtual domain"]);
    let mut all = Case::new(&[add("poems")]);
    all.options.free = vec!["*".into()];
    all.refused(&["every domain is free: no ratio is left to reuse"]);
}

#[test]
fn plan_refuses_frozen_domains_without_old_weight_or_without_tokens() {
    let mut weightless = Case::new(&[add("poems")]).method(ReuseMethod::FullReuse);
    let old = weightless.context.lineage.old.clone();
    weightless.options.groups = vec![("rest".into(), "wiki".into())];
    let weights = vec![0.5, 0.2, 0.1, 0.1, 0.1, 0.0];
    let base = record(8, RecordKind::Mixture, "main", 1);
    weightless.context.base = Some((base, Mixture::new(old, weights).unwrap()));
    weightless.refused(&[
        "gives nothing to any of the domains of `rest`",
        "main@1 has to have these domains",
    ]);
    let mut capped = Case::new(&[add("poems")]).method(ReuseMethod::FullReuse);
    let mut caps = vec![1.0; 7];
    caps[2] = 0.0;
    capped.context.constraints.caps = Some(caps);
    capped.refused(&[
        "`existing` can have no weight",
        "`code`, which has no tokens",
    ]);
}

#[test]
fn plan_as_json_has_the_method_the_free_domains_and_null_where_nothing_is_known() {
    let plan = Case::new(&[add("poems")])
        .method(ReuseMethod::FullReuse)
        .plan();
    let json = plan.to_json();
    assert_eq!(json["method"], "full-reuse");
    assert_eq!(json["from"], "main@1");
    assert_eq!(
        json["free"][0],
        serde_json::json!({"domain": "poems", "reason": "added"})
    );
    assert_eq!(json["virtual_domains"][0]["cap"], serde_json::Value::Null);
    assert_eq!(json["risk"], serde_json::Value::Null);
    let alternative = serde_json::json!({
        "method": "recompute", "domains": 7, "runs": 24, "expected_loss": null,
        "why_no_expected_loss": "no law of an earlier fit says what to expect",
    });
    assert_eq!(json["alternatives"][3], alternative);
}
