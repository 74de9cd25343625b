//! Sources, their topics and the topics' quality buckets, as a tree of shares.

use std::collections::HashMap;
use std::ops::Range;

use crate::{CoreError, Domain, DomainSet};

/// A source, topic or quality bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name among its siblings.
    pub name: String,
    /// How large it is next to its siblings, above 0; of any scale.
    pub size: f64,
    /// Whether the size was set by hand, and is not to be tempered.
    pub manual: bool,
    /// The share of its parent it always has, in `[0, 1]`.
    pub pinned: Option<f64>,
    /// Tokens it holds, where it is a leaf and they are known.
    pub tokens: Option<u64>,
    /// What it is made of; empty for a leaf.
    pub children: Vec<Node>,
}

/// Where the domains of a swarm stand: the leaves of a tree of sources.
#[derive(Debug, Clone)]
pub struct Tree {
    domains: DomainSet,
    /// Groups of siblings; each after those of its ancestors. The first holds the sources.
    groups: Vec<Group>,
}

/// Siblings. Their leaves are one range of the domains.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub depth: usize,
    /// The node of another group that these are the parts of.
    pub parent: Option<(usize, usize)>,
    pub members: Vec<Member>,
    /// Sum of the pinned shares.
    pub pinned: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub name: String,
    pub size: f64,
    pub manual: bool,
    pub pin: Option<f64>,
    pub leaves: Range<usize>,
    /// Whether it is a leaf itself.
    pub leaf: bool,
}

/// Pins may miss 1 by this much; sums of decimal fractions do.
const ROUNDING: f64 = 1e-9;

impl Tree {
    /// Flattens sources. A leaf is named `source:topic:quality`, in the order given.
    ///
    /// # Errors
    /// [`CoreError::NoDomains`], [`CoreError::DuplicateDomain`]; [`CoreError::Unsupported`] for pins
    /// that exceed 1, that leave nothing to the others, or that miss 1 where all are pinned, and
    /// where some sources are pinned and others are not. Each names the source.
    pub fn new(sources: &[Node]) -> Result<Self, CoreError> {
        let mut flat = Flat {
            leaves: Vec::new(),
            groups: Vec::new(),
        };
        flat.add(sources, "", 0, None)?;
        let pins = sources.iter().filter(|source| source.pinned.is_some());
        let pins = pins.count();
        if pins > 0 && pins < sources.len() {
            let free = sources.iter().find(|source| source.pinned.is_none());
            return Err(CoreError::Unsupported(format!(
                "source `{}` has no weight though {pins} of {} sources have one; give each source a \
                 weight, or none",
                free.map_or("", |source| &source.name),
                sources.len()
            )));
        }
        Ok(Self {
            domains: DomainSet::new(flat.leaves)?,
            groups: flat.groups,
        })
    }

    /// The leaves in the order given, named `source:topic:quality`; length `m`.
    #[must_use]
    pub fn domains(&self) -> &DomainSet {
        &self.domains
    }

    /// Leaves whose share of the whole is not fixed by pins, `m` of the run count `3(m + 1)`.
    #[must_use]
    pub fn free_leaves(&self) -> usize {
        // A lone member of a group, or a pinned one, has its parent's freedom.
        let mut free = vec![false; self.groups.len()];
        let mut count = 0;
        for (g, group) in self.groups.iter().enumerate() {
            let inherited = group.parent.is_some_and(|(parent, _)| free[parent]);
            let unpinned = group.members.iter().filter(|m| m.pin.is_none()).count();
            free[g] = inherited || unpinned > 1;
            count += group
                .members
                .iter()
                .filter(|m| m.leaf && (inherited || (m.pin.is_none() && unpinned > 1)))
                .count();
        }
        count
    }

    /// Leaves of a source, topic or leaf by its full name; `None` when there is no such.
    #[must_use]
    pub fn leaves_of(&self, name: &str) -> Option<Range<usize>> {
        let inside = |leaf: &str| {
            let rest = leaf.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        let first = self.domains.names().position(inside)?;
        let after = self.domains.names().skip(first);
        Some(first..first + after.take_while(|leaf| inside(leaf)).count())
    }

    /// Groups some of whose members are pinned and others not, with the sum of the pins.
    #[must_use]
    pub fn partly_pinned(&self) -> Vec<(String, f64)> {
        let mixed = self.groups.iter().filter(|group| {
            let pins = group.members.iter().filter(|m| m.pin.is_some()).count();
            pins > 0 && pins < group.members.len()
        });
        mixed
            .map(|group| (self.name_of(group), group.pinned))
            .collect()
    }

    /// The largest number of tokens that a mixture can be drawn for when no leaf gives more than
    /// `limits` (tokens, of each leaf), and pins hold; with the leaf or leaves that bind first.
    #[must_use]
    pub fn capacity(&self, limits: &[f64]) -> f64 {
        let mut of_group = vec![0.0; self.groups.len()];
        let parents = self.groups.iter().enumerate();
        let below: HashMap<(usize, usize), usize> = parents
            .filter_map(|(g, group)| Some((group.parent?, g)))
            .collect();
        for (g, group) in self.groups.iter().enumerate().rev() {
            let member = |i: usize| -> f64 {
                below.get(&(g, i)).map_or_else(
                    || limits[group.members[i].leaves.start],
                    |&below| of_group[below],
                )
            };
            let mut capacity = f64::INFINITY;
            let mut free = 0.0;
            for (i, m) in group.members.iter().enumerate() {
                match m.pin {
                    Some(pin) if pin > 0.0 => capacity = f64::min(capacity, member(i) / pin),
                    Some(_) => {}
                    None => free += member(i),
                }
            }
            if group.pinned < 1.0 - ROUNDING {
                capacity = capacity.min(free / (1.0 - group.pinned));
            }
            of_group[g] = capacity;
        }
        of_group[0]
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The full name of what a group is made from: empty for the sources.
    fn name_of(&self, group: &Group) -> String {
        match group.parent {
            None => String::new(),
            Some((g, i)) => {
                let above = self.name_of(&self.groups[g]);
                join(&above, &self.groups[g].members[i].name)
            }
        }
    }
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() {
        name.to_owned()
    } else {
        format!("{above}:{name}")
    }
}

struct Flat {
    leaves: Vec<Domain>,
    groups: Vec<Group>,
}

impl Flat {
    fn add(
        &mut self,
        nodes: &[Node],
        above: &str,
        depth: usize,
        parent: Option<(usize, usize)>,
    ) -> Result<(), CoreError> {
        let at = self.groups.len();
        self.groups.push(Group {
            depth,
            parent,
            members: Vec::new(),
            pinned: pinned(nodes, above)?,
        });
        for (i, node) in nodes.iter().enumerate() {
            let name = join(above, &node.name);
            let first = self.leaves.len();
            if node.children.is_empty() {
                self.leaves.push(Domain {
                    name,
                    tokens: node.tokens,
                });
            } else {
                self.add(&node.children, &name, depth + 1, Some((at, i)))?;
            }
            self.groups[at].members.push(Member {
                name: node.name.clone(),
                size: node.size,
                manual: node.manual,
                pin: node.pinned,
                leaves: first..self.leaves.len(),
                leaf: node.children.is_empty(),
            });
        }
        Ok(())
    }
}

/// The sum of the pins of siblings, checked.
fn pinned(nodes: &[Node], above: &str) -> Result<f64, CoreError> {
    let of = match above {
        "" => "sources".to_owned(),
        above => format!("parts of `{above}`"),
    };
    let refuse = |message: String| Err(CoreError::Unsupported(message));
    for node in nodes {
        let name = join(above, &node.name);
        if let Some(pin) = node.pinned
            && !(0.0..=1.0 + ROUNDING).contains(&pin)
        {
            return refuse(format!(
                "`{name}` has weight {pin}; weights are shares from 0 to 1"
            ));
        }
        if !(node.size > 0.0 && node.size.is_finite()) {
            return refuse(format!(
                "`{name}` has size {}; sizes are above 0",
                node.size
            ));
        }
    }
    let sum: f64 = nodes.iter().filter_map(|node| node.pinned).sum();
    let all = !nodes.is_empty() && nodes.iter().all(|node| node.pinned.is_some());
    if sum > 1.0 + ROUNDING {
        return refuse(format!("weights of the {of} sum to {sum}, above 1"));
    }
    if all && sum < 1.0 - ROUNDING {
        return refuse(format!(
            "weights of the {of} sum to {sum}, and none is left free to make it 1"
        ));
    }
    if !all && sum > 1.0 - ROUNDING {
        return refuse(format!(
            "weights of the {of} sum to {sum}: nothing is left for those without a weight"
        ));
    }
    Ok(sum)
}
