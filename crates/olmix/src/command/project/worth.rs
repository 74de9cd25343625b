//! What the runs of a plan are expected to buy.

use olmix_core::generate::{
    Design, DrawOptions, ExpectedRegret, Level, Node, Sampler, SamplerOptions, Tree, draw_swarm,
};
use olmix_project::Plan;

/// How plain draws are spread, as in the study of swarm sizes.
const SPREAD: Level = Level {
    strength: (0.1, 5.0),
    temperature: 1.0,
    minimum: 0.002,
};
/// Draws per mixture before the search is given up.
const DRAWS_EACH: usize = 50;

/// What half of the plan's runs, all, and twice as many would buy, for plain draws around the prior within the
/// plan's caps (a first swarm: without). Nothing where old runs are fitted too, where the size of a domain is not
/// known, or where no run is needed.
pub fn expected(plan: &Plan) -> Vec<ExpectedRegret> {
    simulated(plan).unwrap_or_default()
}

fn simulated(plan: &Plan) -> Option<Vec<ExpectedRegret>> {
    if !plan.earlier.is_empty() || plan.reuse.runs == 0 {
        return None;
    }
    // A first swarm is over the domains as they are, and nothing is known of its solve yet.
    let solved = plan.constraints.as_ref();
    let names: Vec<&str> = solved.map_or_else(
        || {
            plan.domains
                .iter()
                .map(|domain| domain.name.as_str())
                .collect()
        },
        |known| known.domains.names().collect(),
    );
    let caps: Option<Vec<f64>> = solved.map(|known| {
        let limits = (0..names.len()).map(|j| known.constraints.limit(j));
        limits.collect()
    });
    let size = |name: &str| {
        let domain = plan.domains.iter().find(|domain| domain.name == name)?;
        domain.size.or(domain.tokens.map(|tokens| tokens as f64))
    };
    let of = |name: &str| match plan.reuse.frozen.iter().find(|one| one.name == name) {
        Some(one) => one.members.iter().map(|(member, _)| size(member)).sum(),
        None => size(name),
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
        seed: 0,
    };
    let sampler = Sampler::new(&tree, &options).ok()?;
    let asked = DrawOptions {
        count: plan.reuse.runs,
        design: Design::Random,
        candidates: 0,
        draws_each: DRAWS_EACH,
        solve_caps: caps.as_deref(),
    };
    Some(draw_swarm(&sampler, &asked, &|| ()).ok()?.regret)
}
