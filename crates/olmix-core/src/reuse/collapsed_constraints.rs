//! Caps and bounds over collapsed domains, from those over all domains.

use super::Collapse;
use crate::{Constraints, CoreError, GroupBound};

/// Shares and bounds are the same up to rounding.
const TOLERANCE: f64 = 1e-9;

impl Collapse {
    /// Constraints on the collapsed mixture that hold exactly where the given ones hold for the expanded one:
    /// with `r` the weight of a virtual domain, its member with share `s` has `r s`, so that bounds and caps
    /// of members become bounds and caps on `r` over `s`, the tightest of them. A group that has the same
    /// share `s` of every collapsed domain that it has a part of becomes a bound on their sum, over `s`.
    ///
    /// The groups stay in their order.
    ///
    /// # Errors
    /// [`CoreError::Infeasible`] for a virtual domain that can have no weight because of a member without
    /// tokens, for a bound that no weight of the virtual domain can meet, and for bounds of members that
    /// contradict each other in their ratios, all with the members' names; [`CoreError::Unsupported`] for a
    /// group that has different shares of collapsed domains.
    pub fn constraints(&self, full: &Constraints) -> Result<Constraints, CoreError> {
        let mut constraints = Constraints::none(self.collapsed().len());
        let mut caps = full.caps.as_ref().map(|_| Vec::new());
        for v in 0..self.collapsed().len() {
            if let (Some(caps), Some(of)) = (&mut caps, &full.caps) {
                caps.push(self.cap(v, of)?);
            }
            for &(j, share) in self.members(v) {
                if share > 0.0 {
                    constraints.lower[v] = constraints.lower[v].max(full.lower[j] / share);
                    constraints.upper[v] = constraints.upper[v].min(full.upper[j] / share);
                } else if full.lower[j] > 0.0 {
                    return Err(CoreError::Infeasible(format!(
                        "`{}` must have at least {:.4} of the mixture, but its ratio in `{}` is 0",
                        self.full().name(j),
                        full.lower[j],
                        self.collapsed().name(v)
                    )));
                }
            }
        }
        constraints.caps = caps;
        for v in 0..self.virtuals() {
            let (lower, limit) = (constraints.lower[v], constraints.limit(v));
            if lower > limit + TOLERANCE {
                return Err(self.contradiction(full, v));
            }
            // Equal but for rounding.
            constraints.lower[v] = lower.min(limit);
        }
        for group in &full.groups {
            constraints.groups.push(self.group(group)?);
        }
        Ok(constraints)
    }

    /// The cap of a collapsed domain: that of its scarcest member, over the member's share.
    fn cap(&self, v: usize, caps: &[f64]) -> Result<f64, CoreError> {
        let scarcest = self
            .members(v)
            .iter()
            .filter(|(_, share)| *share > 0.0)
            .min_by(|a, b| (caps[a.0] / a.1).total_cmp(&(caps[b.0] / b.1)));
        let Some(&(j, share)) = scarcest else {
            return Ok(f64::INFINITY);
        };
        if caps[j] == 0.0 && v < self.virtuals() {
            return Err(CoreError::Infeasible(format!(
                "`{}` can have no weight: its ratios give {share:.4} to `{}`, which has no tokens; freeze it \
                 without that domain, or free `{1}`",
                self.collapsed().name(v),
                self.full().name(j),
            )));
        }
        Ok(caps[j] / share)
    }

    /// The bounds of members that no weight of virtual domain `v` meets.
    fn contradiction(&self, full: &Constraints, v: usize) -> CoreError {
        let used = || self.members(v).iter().filter(|(_, share)| *share > 0.0);
        let least =
            used().max_by(|a, b| (full.lower[a.0] / a.1).total_cmp(&(full.lower[b.0] / b.1)));
        let most =
            used().min_by(|a, b| (full.limit(a.0) / a.1).total_cmp(&(full.limit(b.0) / b.1)));
        let (&(low, low_share), &(high, high_share)) = match (least, most) {
            (Some(least), Some(most)) => (least, most),
            _ => (&(0, 1.0), &(0, 1.0)),
        };
        let (name, set) = (self.collapsed().name(v), self.full());
        let needs = full.lower[low] / low_share;
        let demand = format!(
            "`{}` must have at least {:.4} of the mixture, and is {low_share:.4} of `{name}` by the ratios \
             that are kept: `{name}` must have at least {needs:.4}",
            set.name(low),
            full.lower[low],
        );
        if needs > 1.0 && full.limit(high) / high_share >= 1.0 {
            return CoreError::Infeasible(format!("{demand}, more than the whole mixture"));
        }
        let by_cap = full
            .caps
            .as_ref()
            .is_some_and(|caps| caps[high] < full.upper[high]);
        CoreError::Infeasible(format!(
            "{demand}, but at most {:.4}, as `{}` is {high_share:.4} of it and may have at most {:.4} by its {}",
            full.limit(high) / high_share,
            set.name(high),
            full.limit(high),
            if by_cap { "token cap" } else { "upper bound" },
        ))
    }

    fn group(&self, group: &GroupBound) -> Result<GroupBound, CoreError> {
        let mut members: Vec<(usize, f64)> = Vec::new();
        for v in 0..self.collapsed().len() {
            let inside = self.members(v).iter();
            let inside = inside.filter(|(j, share)| *share > 0.0 && group.members.contains(j));
            let share: f64 = inside.map(|(_, share)| share).sum();
            if share > 0.0 {
                members.push((v, share));
            }
        }
        let share = members.first().map_or(1.0, |(_, share)| *share);
        if members
            .iter()
            .any(|(_, other)| (other - share).abs() > TOLERANCE)
        {
            let parts: Vec<String> = members
                .iter()
                .map(|(v, share)| format!("{share:.4} of `{}`", self.collapsed().name(*v)))
                .collect();
            return Err(CoreError::Unsupported(format!(
                "group `{}` holds {}: such a bound can't be kept to while ratios are kept; freeze the group's \
                 domains as a virtual domain of their own, or free them",
                group.name,
                parts.join(" and "),
            )));
        }
        let lower = group.lower / share;
        if lower > 1.0 + TOLERANCE || (members.is_empty() && lower > 0.0) {
            return Err(CoreError::Infeasible(format!(
                "group `{}` must hold at least {:.4} of the mixture, but by the ratios that are kept it is at \
                 most {:.4} of it",
                group.name,
                group.lower,
                if members.is_empty() { 0.0 } else { share },
            )));
        }
        Ok(GroupBound {
            name: group.name.clone(),
            members: members.into_iter().map(|(v, _)| v).collect(),
            lower: lower.min(1.0),
            upper: (group.upper / share).min(1.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reuse::VirtualDomain;
    use crate::{Domain, DomainSet, Purpose, generator};
    use rand::RngExt;

    fn set() -> DomainSet {
        let domain = |(name, tokens): (&str, u64)| Domain {
            name: name.into(),
            tokens: Some(tokens),
        };
        let domains = [
            ("a", 100),
            ("b", 10),
            ("c", 400),
            ("new", 50),
            ("newer", 50),
        ];
        DomainSet::new(domains.map(domain).into()).unwrap()
    }

    fn collapse() -> Collapse {
        let members = [("a", 0.25), ("b", 0.25), ("c", 0.5)];
        let old = VirtualDomain {
            name: "existing".into(),
            members: members.map(|(name, share)| (name.to_owned(), share)).into(),
        };
        Collapse::new(&set(), &[old]).unwrap()
    }

    fn group(members: &[usize], lower: f64, upper: f64) -> GroupBound {
        GroupBound {
            name: "g".into(),
            members: members.to_vec(),
            lower,
            upper,
        }
    }

    fn message(full: &Constraints) -> String {
        collapse().constraints(full).unwrap_err().to_string()
    }

    #[test]
    fn constraints_over_collapsed_domains_hold_exactly_where_those_over_all_domains_hold() {
        let collapse = collapse();
        let mut rng = generator(3, Purpose::Study, 0);
        let (mut kept, mut broken) = (0, 0);
        for _ in 0..400 {
            let mut full = Constraints::none(5);
            full.caps = Some((0..5).map(|_| rng.random_range(0.1..1.0)).collect());
            for j in 0..5 {
                full.lower[j] = rng.random_range(0.0..0.06);
                full.upper[j] = rng.random_range(0.2..1.0);
            }
            full.groups = vec![
                // All of `existing` and another; a part of `existing`; another alone.
                group(&[0, 1, 2, 3], 0.3, 0.9),
                group(&[0, 2], rng.random_range(0.0..0.3), 0.7),
                group(&[4], 0.0, 0.6),
            ];
            let Ok(found) = collapse.constraints(&full) else {
                continue;
            };
            for _ in 0..20 {
                let mut r: Vec<f64> = (0..3).map(|_| rng.random::<f64>()).collect();
                let sum: f64 = r.iter().sum();
                r.iter_mut().for_each(|weight| *weight /= sum);
                let whole = full.violation(&collapse.expand(&r)) < 1e-12;
                let collapsed = found.violation(&r) < 1e-12;
                assert_eq!(whole, collapsed, "{full:?} {r:?}");
                if whole { kept += 1 } else { broken += 1 }
            }
        }
        assert!(kept > 100 && broken > 100, "{kept} {broken}");
    }

    #[test]
    fn constraints_name_the_member_without_tokens_that_leaves_a_virtual_domain_no_weight() {
        let mut full = Constraints::none(5);
        full.caps = Some(vec![1.0, 0.0, 1.0, 1.0, 1.0]);
        let message = message(&full);
        assert!(
            message.contains("0.2500 to `b`, which has no tokens") && message.contains("free `b`"),
            "{message}"
        );
    }

    #[test]
    fn constraints_refuse_bounds_of_members_that_kept_ratios_contradict_with_their_names() {
        let mut full = Constraints::none(5);
        full.lower[0] = 0.3;
        let message_of_one = message(&full);
        for part in [
            "`a` must have at least 0.3000",
            "0.2500 of `existing`",
            "1.2000, more than the whole",
        ] {
            assert!(message_of_one.contains(part), "{message_of_one}");
        }
        full.lower[0] = 0.1;
        full.upper[2] = 0.1;
        let message_of_two = message(&full);
        for part in [
            "at least 0.4000, but at most 0.2000",
            "`c` is 0.5000 of it",
            "its upper bound",
        ] {
            assert!(message_of_two.contains(part), "{message_of_two}");
        }
        // Both at what the ratios give: no contradiction but for rounding.
        let mut exact = Constraints::none(5);
        (exact.lower[0], exact.upper[0]) = (0.1, 0.1);
        (exact.lower[2], exact.upper[2]) = (0.2, 0.2);
        let found = collapse().constraints(&exact).unwrap();
        assert_eq!((found.lower[0], found.upper[0]), (0.4, 0.4));
    }

    #[test]
    fn constraints_refuse_a_group_with_different_shares_of_collapsed_domains() {
        let mut full = Constraints::none(5);
        full.groups = vec![group(&[0, 3], 0.0, 0.5)];
        let straddling = message(&full);
        assert!(
            straddling.contains("group `g` holds 0.2500 of `existing` and 1.0000 of `new`"),
            "{straddling}"
        );
        full.groups = vec![group(&[1], 0.5, 1.0)];
        assert!(message(&full).contains("at most 0.2500 of it"));
    }
}
