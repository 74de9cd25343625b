//! Virtual domains of a swarm: leaves that keep their ratios and are sampled as one.

use std::collections::{HashMap, HashSet};

use olmix_core::DomainSet;
use olmix_core::generate::Node;
use olmix_core::reuse::{Collapse, VirtualDomain};

use crate::config::fit::normalized;
use crate::config::generation::GenerationConfig;
use crate::config::generation::sources::full_name;
use crate::error::IoError;
use crate::messages::excerpt;

impl GenerationConfig {
    /// The virtual domains, checked against the leaves.
    pub(super) fn virtuals(&self, leaves: &DomainSet) -> Result<Vec<VirtualDomain>, IoError> {
        let key = "swarm.virtual_domains";
        let mut used = HashSet::new();
        let mut virtuals = Vec::new();
        for one in &self.swarm.virtual_domains {
            if leaves.position(&one.name).is_some() {
                return Err(self.error(
                    &one.location,
                    format!("{key} names `{}`, which is a leaf", excerpt(&one.name)),
                    "give the virtual domain a name of its own, such as `existing`",
                ));
            }
            for leaf in &one.value {
                if leaves.position(&leaf.name).is_none() {
                    return Err(self.no_such(leaf, "leaf", key));
                }
                if !used.insert(leaf.name.as_str()) {
                    return Err(self.error(
                        &leaf.location,
                        format!("{key} has `{}` twice", excerpt(&leaf.name)),
                        "a leaf keeps its ratio to others in one virtual domain",
                    ));
                }
            }
            virtuals.push(VirtualDomain {
                name: one.name.clone(),
                members: normalized(&one.value),
            });
        }
        Ok(virtuals)
    }
}

/// Takes the leaves of virtual domains out of the tree, and puts the virtual domains in front, each as large
/// as its leaves are together. A source keeps the size of what is left of it.
pub(super) fn freeze(nodes: &mut Vec<Node>, collapse: &Collapse) {
    let mut frozen: HashMap<&str, usize> = HashMap::new();
    for v in 0..collapse.virtuals() {
        for &(leaf, _) in collapse.members(v) {
            frozen.insert(collapse.full().name(leaf), v);
        }
    }
    let mut sizes = vec![0.0; collapse.virtuals()];
    take(nodes, "", &frozen, &mut sizes);
    let virtuals = collapse.collapsed().iter().zip(&sizes);
    let virtuals = virtuals.map(|(domain, size)| Node {
        name: domain.name.clone(),
        size: *size,
        manual: false,
        pinned: None,
        tokens: domain.tokens,
        children: Vec::new(),
    });
    nodes.splice(0..0, virtuals);
}

/// Removes frozen leaves, adding up their sizes by virtual domain; a node whose parts are all gone goes, too.
fn take(nodes: &mut Vec<Node>, above: &str, frozen: &HashMap<&str, usize>, sizes: &mut [f64]) {
    nodes.retain_mut(|node| {
        let full = full_name(above, &node.name);
        if node.children.is_empty() {
            let Some(&v) = frozen.get(full.as_str()) else {
                return true;
            };
            sizes[v] += node.size;
            return false;
        }
        let size = |node: &Node| node.children.iter().map(|part| part.size).sum::<f64>();
        let before = size(node);
        take(&mut node.children, &full, frozen, sizes);
        node.size *= size(node) / before;
        !node.children.is_empty()
    });
}
