//! What the runs of a plan are expected to buy.

use olmix_core::generate::{
    Design, DrawOptions, ExpectedRegret, Level, Node, RegretProblem, Sampler, SamplerOptions, Tree,
    draw_swarm, expected_regret,
};
use olmix_core::reuse::Collapse;
use olmix_core::{Constraints, DomainSet};
use olmix_project::Plan;

/// How plain draws are spread, as in the study of swarm sizes.
const SPREAD: Level = Level {
    strength: (0.1, 5.0),
    temperature: 1.0,
    minimum: 0.002,
};
/// Draws per mixture before the search is given up.
const DRAWS_EACH: usize = 50;
const SEED: u64 = 0;

/// What half of the plan's runs, all, and twice as many would buy, for plain draws around the prior within the
/// plan's caps (a first swarm: without). Where old runs are fitted with them, these are in every fit, and none
/// is a number too. Nothing where the size of a domain is not known, or where no run is needed.
pub fn expected(plan: &Plan) -> Vec<ExpectedRegret> {
    let found = if plan.reuse.runs == 0 {
        None
    } else if plan.earlier.is_empty() {
        alone(plan)
    } else {
        beside_old_runs(plan)
    };
    found.unwrap_or_default()
}

/// A swarm of its own: laws over what the plan solves for.
fn alone(plan: &Plan) -> Option<Vec<ExpectedRegret>> {
    // A first swarm is over the domains as they are, and nothing is known of its solve yet.
    let solved = plan.constraints.as_ref();
    let names: Vec<&str> = solved.map_or_else(
        || plan.domains.iter().map(|one| one.name.as_str()).collect(),
        |known| known.domains.names().collect(),
    );
    let caps = solved.map(|known| limits(&known.constraints, names.len()));
    let asked = DrawOptions {
        count: plan.reuse.runs,
        design: Design::Random,
        candidates: 0,
        draws_each: DRAWS_EACH,
        solve_caps: caps.as_deref(),
    };
    with_sampler(plan, &names, |sampler| {
        Some(draw_swarm(sampler, &asked, &|| ()).ok()?.regret)
    })
}

/// Old and new runs in one law over all domains.
fn beside_old_runs(plan: &Plan) -> Option<Vec<ExpectedRegret>> {
    let names = plan.domains.iter().map(|domain| domain.name.as_str());
    let full = DomainSet::from_names(names).ok()?;
    let sizes: Option<Vec<f64>> = full.names().map(|name| size(plan, name)).collect();
    let sizes = sizes?;
    let total: f64 = sizes.iter().sum();
    let prior: Vec<f64> = sizes.iter().map(|size| size / total).collect();
    let collapse = Collapse::new(&full, &plan.reuse.drawn).ok()?;
    let sampled: Vec<&str> = collapse.collapsed().names().collect();
    let count = plan.reuse.runs;
    // A larger swarm begins with the smaller one.
    let new: Vec<Vec<f64>> = with_sampler(plan, &sampled, |sampler| {
        let (mixtures, _) = sampler.distinct(2 * count, 2 * count * DRAWS_EACH);
        let all = mixtures.iter().map(|r| collapse.expand(r));
        (mixtures.len() == 2 * count).then(|| all.collect())
    })?;
    // Laws and solve know all domains where old runs are fitted, whatever ratios are kept.
    let solved = plan.constraints.as_ref();
    let solved = solved.filter(|known| known.domains.len() == full.len());
    let caps = solved.map(|known| limits(&known.constraints, full.len()));
    let earlier: Vec<Vec<f64>> = plan
        .earlier
        .iter()
        .flat_map(|swarm| swarm.mixtures.iter().cloned())
        .collect();
    let weights = plan.earlier.iter().flat_map(|swarm| {
        let full = vec![1.0; swarm.mixtures.len()];
        if swarm.weights.is_empty() {
            full
        } else {
            swarm.weights.clone()
        }
    });
    let weights: Vec<f64> = weights.collect();
    let problem = RegretProblem {
        domains: &full,
        prior: &prior,
        caps: caps.as_deref(),
        earlier: &earlier,
        earlier_weights: &weights,
        seed: SEED,
    };
    let mut sizes = vec![0, count / 2, count, 2 * count];
    sizes.dedup();
    let swarms: Vec<Vec<&Vec<f64>>> = sizes
        .into_iter()
        .map(|size| new.iter().take(size).collect())
        .collect();
    expected_regret(&problem, &swarms).ok()
}

/// The greatest weight of each domain.
fn limits(constraints: &Constraints, m: usize) -> Vec<f64> {
    (0..m).map(|j| constraints.limit(j)).collect()
}

/// How large a domain is, as the prior has it.
fn size(plan: &Plan, name: &str) -> Option<f64> {
    let domain = plan.domains.iter().find(|domain| domain.name == name)?;
    domain.size.or(domain.tokens.map(|tokens| tokens as f64))
}

/// What is made of plain draws over domains, virtual ones of the plan among them.
fn with_sampler<T>(
    plan: &Plan,
    names: &[&str],
    made: impl FnOnce(&Sampler<'_>) -> Option<T>,
) -> Option<T> {
    let virtuals = plan.reuse.frozen.iter().chain(&plan.reuse.drawn);
    let of = |name: &str| match virtuals.clone().find(|one| one.name == name) {
        Some(one) => {
            let members = one.members.iter();
            members.map(|(member, _)| size(plan, member)).sum()
        }
        None => size(plan, name),
    };
    let node = |(place, name): (usize, &str)| {
        Some(Node {
            name: format!("domain-{place}"),
            size: of(name)?,
            manual: false,
            pinned: None,
            tokens: None,
            children: Vec::new(),
        })
    };
    let nodes: Option<Vec<Node>> = names.iter().copied().enumerate().map(node).collect();
    let mut nodes = nodes?;
    let total: f64 = nodes.iter().map(|node| node.size).sum();
    nodes.iter_mut().for_each(|node| node.size /= total);
    let tree = Tree::new(&nodes).ok()?;
    let options = SamplerOptions {
        sources: SPREAD,
        topics: SPREAD,
        multiples_of: None,
        nonzero: Vec::new(),
        caps: None,
        existing: Vec::new(),
        seed: SEED,
    };
    made(&Sampler::new(&tree, &options).ok()?)
}
