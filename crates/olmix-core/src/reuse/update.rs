//! Updates: from one version of the domain set to the next.

use crate::error::quoted;
use crate::{CoreError, Domain, DomainSet};

/// Parts may miss or exceed their whole by this share of its tokens.
pub const PART_TOLERANCE: f64 = 0.01;

/// One change to a domain set.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// New domains, put last in the set.
    Add(Vec<Domain>),
    /// Domains that are no longer used, by name.
    Remove(Vec<String>),
    /// A domain that is cut into parts whose union it is.
    Partition {
        /// Name of the domain that is partitioned.
        domain: String,
        /// The parts; none may have the name of another domain.
        parts: Vec<Domain>,
        /// Name of a further part that gets what the parts leave of the whole; without one they have to add
        /// up to it, to [`PART_TOLERANCE`].
        rest: Option<String>,
    },
    /// A domain whose content changed, and with it perhaps its size. Its name stays.
    Revise {
        /// Name of the domain whose content changed.
        domain: String,
        /// Tokens it has now, where they were counted.
        tokens: Option<u64>,
        /// The share of its content that changed, above 0 and below 1; `None` where it is not known.
        changed: Option<f64>,
    },
}

/// Changes that are made together.
pub type Update = Vec<Change>;

/// Where a domain of a new set comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The old domain at this position, untouched.
    Kept(usize),
    /// A part of the old domain at this position, whose content did not change.
    Part(usize),
    /// The old domain at this position with other content.
    Revised(usize),
    /// The old set has nothing of it.
    Added,
}

/// Two versions of a domain set, and what became of what.
#[derive(Debug, Clone, PartialEq)]
pub struct Lineage {
    /// The set before.
    pub old: DomainSet,
    /// The set after: kept domains in their order, parts in the place of their whole, new ones last.
    pub new: DomainSet,
    /// Aligned with the new set.
    pub origins: Vec<Origin>,
    /// Aligned with the new set: of a revised domain, the share of its content that changed since the old set;
    /// `None` where that is not known, and for all others. Several revisions change `1 − Π (1 − share)`.
    pub changed: Vec<Option<f64>>,
}

impl Lineage {
    /// Makes the next version of a domain set.
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] for a domain that is not there, parts that do not add up, and an update
    /// that leaves nothing; [`CoreError::DuplicateDomain`] for a name that is taken.
    pub fn of(old: &DomainSet, update: &[Change]) -> Result<Self, CoreError> {
        let mut domains: Vec<(Domain, Origin)> = old
            .iter()
            .enumerate()
            .map(|(j, domain)| (domain.clone(), Origin::Kept(j)))
            .collect();
        // By old domain, the share of its content that changed; `None` where that is not known.
        let mut shares: Vec<Option<f64>> = vec![Some(0.0); old.len()];
        for change in update {
            apply(&mut domains, change)?;
            if let Change::Revise {
                domain, changed, ..
            } = change
            {
                let of = domains.iter().find(|(known, _)| known.name == *domain);
                if let Some((_, Origin::Revised(j))) = of {
                    let both = shares[*j].zip(*changed);
                    shares[*j] = both.map(|(before, now)| before + now - before * now);
                }
            }
        }
        if domains.is_empty() {
            return Err(CoreError::Unsupported(
                "this update removes every domain; keep at least one".into(),
            ));
        }
        let (domains, origins): (Vec<Domain>, Vec<Origin>) = domains.into_iter().unzip();
        let changed = origins.iter().map(|origin| match origin {
            Origin::Revised(j) => shares[*j].filter(|share| *share < 1.0),
            _ => None,
        });
        Ok(Self {
            old: old.clone(),
            new: DomainSet::new(domains)?,
            changed: changed.collect(),
            origins,
        })
    }

    /// Domains of the new set that the update did not touch.
    #[must_use]
    pub fn unaffected(&self) -> Vec<usize> {
        let kept = |&j: &usize| matches!(self.origins[j], Origin::Kept(_));
        (0..self.new.len()).filter(kept).collect()
    }

    /// Domains of the new set whose ratios are not known from the old one: `D_comp`.
    #[must_use]
    pub fn affected(&self) -> Vec<usize> {
        let other = |&j: &usize| !matches!(self.origins[j], Origin::Kept(_));
        (0..self.new.len()).filter(other).collect()
    }

    /// Old domains whose content is gone, so that runs that used it say nothing of the new set: removed ones,
    /// and revised ones of which it is not known how much changed.
    #[must_use]
    pub fn lost(&self) -> Vec<usize> {
        let stays = |old: usize| {
            let of = |(origin, changed): (&Origin, &Option<f64>)| match origin {
                Origin::Kept(j) | Origin::Part(j) => *j == old,
                Origin::Revised(j) => *j == old && changed.is_some(),
                Origin::Added => false,
            };
            self.origins.iter().zip(&self.changed).any(of)
        };
        (0..self.old.len()).filter(|&old| !stays(old)).collect()
    }

    /// Whether domains were only removed (or nothing changed), so that no run is needed.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.affected().is_empty()
    }
}

fn apply(domains: &mut Vec<(Domain, Origin)>, change: &Change) -> Result<(), CoreError> {
    let find = |domains: &[(Domain, Origin)], name: &str| {
        let found = domains.iter().position(|(domain, _)| domain.name == name);
        found.ok_or_else(|| unknown(domains, name))
    };
    match change {
        Change::Add(new) => {
            for domain in new {
                free(domains, &domain.name)?;
                domains.push((domain.clone(), Origin::Added));
            }
        }
        Change::Remove(names) => {
            for name in names {
                let at = find(domains, name)?;
                domains.remove(at);
            }
        }
        Change::Revise { domain, tokens, .. } => {
            let at = find(domains, domain)?;
            let (revised, origin) = &mut domains[at];
            revised.tokens = *tokens;
            *origin = match *origin {
                Origin::Kept(j) | Origin::Revised(j) => Origin::Revised(j),
                Origin::Part(_) | Origin::Added => Origin::Added,
            };
        }
        Change::Partition {
            domain,
            parts,
            rest,
        } => {
            let at = find(domains, domain)?;
            let (whole, origin) = domains.remove(at);
            let origin = match origin {
                Origin::Kept(j) | Origin::Part(j) => Origin::Part(j),
                Origin::Revised(_) | Origin::Added => Origin::Added,
            };
            for (i, part) in complete(&whole, parts, rest.as_deref())?
                .into_iter()
                .enumerate()
            {
                free(domains, &part.name)?;
                domains.insert(at + i, (part, origin));
            }
        }
    }
    Ok(())
}

fn unknown(domains: &[(Domain, Origin)], name: &str) -> CoreError {
    let mut near: Vec<String> = domains
        .iter()
        .map(|(domain, _)| domain.name.clone())
        .filter(|other| {
            other.starts_with(name) || other.ends_with(name) || name.contains(other.as_str())
        })
        .collect();
    near.truncate(3);
    let hint = if near.is_empty() {
        format!("there are {} domains", domains.len())
    } else {
        format!("there is {}", quoted(&near))
    };
    CoreError::Unsupported(format!("there is no domain `{name}`; {hint}"))
}

fn free(domains: &[(Domain, Origin)], name: &str) -> Result<(), CoreError> {
    if domains.iter().any(|(domain, _)| domain.name == name) {
        return Err(CoreError::DuplicateDomain(name.to_owned()));
    }
    Ok(())
}

/// The parts with what they leave of the whole.
fn complete(
    whole: &Domain,
    parts: &[Domain],
    rest: Option<&str>,
) -> Result<Vec<Domain>, CoreError> {
    let name = &whole.name;
    let mut parts = parts.to_vec();
    if parts.len() + usize::from(rest.is_some()) < 2 {
        return Err(CoreError::Unsupported(format!(
            "a partition of `{name}` needs at least two parts"
        )));
    }
    let sum: Option<u64> = parts.iter().map(|part| part.tokens).sum();
    let (Some(sum), Some(all)) = (sum, whole.tokens) else {
        if let Some(rest) = rest {
            return Err(CoreError::Unsupported(format!(
                "what the parts leave of `{name}` for `{rest}` is not known: the tokens of the whole and of \
                 all parts are needed"
            )));
        }
        return Ok(parts);
    };
    let left = all as f64 - sum as f64;
    if -left > PART_TOLERANCE * all as f64 {
        return Err(CoreError::Unsupported(format!(
            "the parts of `{name}` have {sum} tokens together and `{name}` has {all}: parts may not overlap, \
             nor hold what the whole does not"
        )));
    }
    match rest {
        Some(rest) => parts.push(Domain {
            name: rest.to_owned(),
            tokens: Some(left.max(0.0) as u64),
        }),
        None if left > PART_TOLERANCE * all as f64 => {
            return Err(CoreError::Unsupported(format!(
                "the parts of `{name}` have {sum} tokens together and `{name}` has {all}: {left:.0} are in \
                 no part; name a part for the rest"
            )));
        }
        None => {}
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(name: &str, tokens: u64) -> Domain {
        Domain {
            name: name.into(),
            tokens: Some(tokens),
        }
    }

    fn set() -> DomainSet {
        DomainSet::new(vec![
            domain("web", 100),
            domain("pdf", 1000),
            domain("wiki", 10),
        ])
        .unwrap()
    }

    fn refused(change: Change) -> String {
        Lineage::of(&set(), &[change]).unwrap_err().to_string()
    }

    fn parts(sizes: [u64; 2], rest: Option<&str>) -> Change {
        Change::Partition {
            domain: "pdf".into(),
            parts: vec![domain("pdf:math", sizes[0]), domain("pdf:law", sizes[1])],
            rest: rest.map(str::to_owned),
        }
    }

    #[test]
    fn lineage_of_several_changes_knows_the_origin_of_every_domain() {
        let update = [
            Change::Add(vec![domain("code", 50)]),
            Change::Remove(vec!["wiki".into()]),
            Change::Revise {
                domain: "web".into(),
                tokens: Some(120),
                changed: None,
            },
            parts([300, 400], Some("pdf:rest")),
        ];
        let lineage = Lineage::of(&set(), &update).unwrap();
        let names: Vec<&str> = lineage.new.names().collect();
        assert_eq!(names, ["web", "pdf:math", "pdf:law", "pdf:rest", "code"]);
        assert_eq!(lineage.new.tokens(), Some(vec![120, 300, 400, 300, 50]));
        assert_eq!(
            lineage.origins,
            [
                Origin::Revised(0),
                Origin::Part(1),
                Origin::Part(1),
                Origin::Part(1),
                Origin::Added
            ]
        );
        assert_eq!(lineage.lost(), [0, 2]);
        assert!(lineage.unaffected().is_empty());
    }

    #[test]
    fn lineage_multiplies_what_revisions_leave_and_forgets_it_where_one_is_not_known() {
        let revise = |changed: Option<f64>| Change::Revise {
            domain: "web".into(),
            tokens: Some(120),
            changed,
        };
        let lineage = |update: &[Change]| Lineage::of(&set(), update).unwrap();
        let twice = lineage(&[revise(Some(0.1)), revise(Some(0.5))]);
        assert!((twice.changed[0].unwrap() - 0.55).abs() < 1e-12);
        assert_eq!(twice.changed[1..], [None, None]);
        assert_eq!(twice.lost(), Vec::<usize>::new());
        assert_eq!(twice.affected(), [0]);
        let unknown = lineage(&[revise(Some(0.1)), revise(None)]);
        assert_eq!((unknown.changed[0], unknown.lost()), (None, vec![0]));
    }

    #[test]
    fn lineage_counts_a_revised_part_as_added() {
        let revise = Change::Revise {
            domain: "pdf:law".into(),
            tokens: Some(5),
            changed: None,
        };
        let lineage = Lineage::of(&set(), &[parts([500, 500], None), revise]).unwrap();
        assert_eq!(lineage.origins[2], Origin::Added);
    }

    #[test]
    fn lineage_refuses_unknown_and_duplicate_domains_and_parts_that_do_not_add_up() {
        assert_eq!(
            refused(Change::Remove(vec!["math".into()])),
            "there is no domain `math`; there are 3 domains"
        );
        assert_eq!(
            refused(Change::Add(vec![domain("pdf", 1)])),
            "domain `pdf` occurs twice"
        );
        let all = ["web", "pdf", "wiki"].map(str::to_owned).into();
        assert!(refused(Change::Remove(all)).contains("keep at least one"));
        assert!(
            refused(parts([800, 300], None)).contains("1100 tokens together and `pdf` has 1000")
        );
        assert!(refused(parts([300, 300], None)).contains("400 are in no part"));
        assert!(Lineage::of(&set(), &[parts([500, 495], None)]).is_ok());
    }

    #[test]
    fn lineage_of_a_removal_alone_is_a_removal_and_keeps_the_rest_unaffected() {
        let lineage = Lineage::of(&set(), &[Change::Remove(vec!["wiki".into()])]).unwrap();
        assert!(lineage.is_removal());
        assert_eq!(lineage.unaffected(), [0, 1]);
    }
}
