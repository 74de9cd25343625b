//! Regression trees in flat arrays: how they are stored, checked and walked.

use serde::{Deserialize, Serialize};

use crate::swarm::dot;

/// Trees that are walked down together.
pub(crate) const TOGETHER: usize = 8;

/// Fitted trees over `m` domains, in flat arrays: a million mixtures are to be valued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoostedTrees {
    /// Mean loss of the runs: what the trees start from.
    pub base: f64,
    /// The inner node at the root of each tree.
    pub roots: Vec<u32>,
    /// The domain each inner node asks for.
    pub feature: Vec<u32>,
    /// The weight up to which (inclusive) a mixture goes left at each inner node.
    pub threshold: Vec<f64>,
    /// Left and right child of inner node `k` at `2k` and `2k + 1`: an inner node, or leaf `!c`
    /// where `c` is negative.
    pub children: Vec<i32>,
    /// Values of the leaves, in the unit of the losses, times the learning rate.
    pub leaf: Vec<f64>,
}

impl BoostedTrees {
    /// No trees yet: the mean of the losses `y` of runs with weights `w`.
    pub(crate) fn mean(y: &[f64], w: &[f64]) -> Self {
        Self {
            base: dot(y, w) / w.iter().sum::<f64>(),
            roots: Vec::new(),
            feature: Vec::new(),
            threshold: Vec::new(),
            children: Vec::new(),
            leaf: Vec::new(),
        }
    }

    /// Where `p` goes from an inner node.
    fn child(&self, node: usize, p: &[f64]) -> i32 {
        let right = usize::from(p[self.feature[node] as usize] > self.threshold[node]);
        self.children[2 * node + right]
    }

    /// The value for `p` of the tree whose root is the inner node `root`.
    pub(crate) fn tree(&self, root: u32, p: &[f64]) -> f64 {
        let mut node = self.child(root as usize, p);
        while node >= 0 {
            node = self.child(node as usize, p);
        }
        self.leaf[!node as usize]
    }

    /// Whether trees over `m` domains that were read from a file can be walked: predictions must
    /// end, and stay inside the arrays.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn validate(&self, m: usize) -> Result<(), String> {
        let nodes = self.feature.len();
        if self.threshold.len() != nodes || self.children.len() != 2 * nodes {
            return Err("the trees' lists differ in length".to_owned());
        }
        if self.feature.iter().any(|&feature| feature as usize >= m) {
            return Err(format!("a tree asks for a domain beyond the {m} there are"));
        }
        // Children come after their parents, so that no walk goes round.
        let inside = |(at, &child): (usize, &i32)| {
            if child < 0 {
                (!child as usize) < self.leaf.len()
            } else {
                child as usize > at / 2 && (child as usize) < nodes
            }
        };
        let rooted = self.roots.iter().all(|&root| (root as usize) < nodes);
        if rooted && self.children.iter().enumerate().all(inside) {
            Ok(())
        } else {
            Err("the trees are not trees".to_owned())
        }
    }

    /// Keeps the first `trees` trees.
    pub(crate) fn truncate(&mut self, trees: usize) {
        if let Some(&nodes) = self.roots.get(trees) {
            let nodes = nodes as usize;
            self.roots.truncate(trees);
            self.feature.truncate(nodes);
            self.threshold.truncate(nodes);
            self.children.truncate(2 * nodes);
            // Every tree has one leaf more than inner nodes.
            self.leaf.truncate(nodes + trees);
        }
    }

    /// About seven comparisons a tree. Trees are walked down several at a time, step by step: each
    /// alone would wait for memory and guess where it ends.
    pub(crate) fn value(&self, p: &[f64]) -> f64 {
        let mut sum = self.base;
        let groups = self.roots.chunks_exact(TOGETHER);
        for &root in groups.remainder() {
            sum += self.tree(root, p);
        }
        for group in groups {
            let mut nodes = [0; TOGETHER];
            for (node, root) in nodes.iter_mut().zip(group) {
                *node = root.cast_signed();
            }
            // Leaves are negative, and so is the conjunction of nothing but leaves.
            while nodes.iter().fold(-1, |all, node| all & node) >= 0 {
                for node in &mut nodes {
                    let child = self.child((*node).max(0) as usize, p);
                    *node = if *node < 0 { *node } else { child };
                }
            }
            for leaf in nodes {
                sum += self.leaf[!leaf as usize];
            }
        }
        sum
    }
}
