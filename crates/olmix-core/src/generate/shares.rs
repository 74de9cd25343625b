//! Shares of the members of each group of a tree: clipped, rounded, and multiplied into the weights of
//! the leaves. Pinned shares stay as they are.
//!
//! `relative` has, by group of the tree, the share of each member in it.

use super::tree::{Group, Tree};

/// Nothing is left of the free shares of a group.
pub(super) struct NoShare;

/// Removes free shares under the minimum of their group's depth.
pub(super) fn clip(
    tree: &Tree,
    relative: &mut [Vec<f64>],
    minimum_at: impl Fn(usize) -> f64,
) -> Result<(), NoShare> {
    for (group, shares) in tree.groups().iter().zip(relative.iter_mut()) {
        let minimum = minimum_at(group.depth);
        for (member, share) in group.members.iter().zip(shares.iter_mut()) {
            if member.pin.is_none() && *share < minimum {
                *share = 0.0;
            }
        }
        fill(group, shares)?;
    }
    Ok(())
}

/// Rounds the weights of leaves to multiples of `unit`, those below it to zero; pins stay.
pub(super) fn round(tree: &Tree, relative: &mut [Vec<f64>], unit: f64) -> Result<(), NoShare> {
    let rounded: Vec<f64> = {
        let mixture = leaves(tree, relative);
        let kept = |w: &f64| if *w < unit { 0.0 } else { *w };
        let kept: Vec<f64> = mixture.iter().map(kept).collect();
        let sum: f64 = kept.iter().sum();
        if sum <= 0.0 {
            return Err(NoShare);
        }
        kept.iter()
            .map(|w| (w / sum / unit).round() * unit)
            .collect()
    };
    let mass = |leaves: &std::ops::Range<usize>| rounded[leaves.clone()].iter().sum::<f64>();
    for (group, shares) in tree.groups().iter().zip(relative.iter_mut()) {
        let total: f64 = group
            .members
            .iter()
            .map(|member| mass(&member.leaves))
            .sum();
        if total <= 0.0 {
            // Without weight of its own, a group has whatever shares it had.
            continue;
        }
        for (member, share) in group.members.iter().zip(shares.iter_mut()) {
            if member.pin.is_none() {
                *share = mass(&member.leaves) / total;
            }
        }
        fill(group, shares)?;
    }
    Ok(())
}

/// Weights of the leaves: the products of the shares along their paths.
pub(super) fn leaves(tree: &Tree, relative: &[Vec<f64>]) -> Vec<f64> {
    let groups = tree.groups();
    let mut weight_of: Vec<f64> = vec![1.0; groups.len()];
    let mut mixture = vec![0.0; tree.domains().len()];
    for (g, group) in groups.iter().enumerate() {
        if let Some((above, i)) = group.parent {
            weight_of[g] = weight_of[above] * relative[above][i];
        }
        for (member, share) in group.members.iter().zip(&relative[g]) {
            if member.leaf {
                mixture[member.leaves.start] = weight_of[g] * share;
            }
        }
    }
    mixture
}

/// Shares of all members of a group, from those of its free ones.
pub(super) fn with_pins(group: &Group, free: &[f64]) -> Vec<f64> {
    let mut free = free.iter();
    let left = 1.0 - group.pinned;
    group
        .members
        .iter()
        .map(|member| match member.pin {
            Some(pin) => pin,
            None => left * free.next().copied().unwrap_or(0.0),
        })
        .collect()
}

/// Scales the free shares of a group so that all sum to 1; pins stay.
fn fill(group: &Group, shares: &mut [f64]) -> Result<(), NoShare> {
    let members = || group.members.iter().zip(shares.iter());
    let free: f64 = members()
        .filter(|(m, _)| m.pin.is_none())
        .map(|(_, s)| s)
        .sum();
    if group.members.iter().all(|member| member.pin.is_some()) {
        return Ok(());
    }
    if free <= 0.0 {
        return Err(NoShare);
    }
    let scale = (1.0 - group.pinned) / free;
    for (member, share) in group.members.iter().zip(shares.iter_mut()) {
        if member.pin.is_none() {
            *share *= scale;
        }
    }
    Ok(())
}
