//! The first bytes of `.npy` objects, which say how wide their tokens are.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use crate::Format;
use crate::pattern::Location;
use crate::reader::Reader;
use crate::resolve::{Job, REQUESTS, is_npy};
use crate::shard::flat::{self, HEAD, Npy};

/// What the first bytes of a shard say.
pub(crate) type Header = Result<Option<Npy>, String>;

/// Leaves of more objects than this have their first and last one looked at.
const FEW: usize = 4;

/// The header of each `.npy` object of a store. Of leaves with many, the first and the last are
/// looked at, and all others where these differ: shards of a leaf come from one tool, and a request for
/// each of a hundred thousand would take longer than all else.
pub(crate) fn remote_headers(jobs: &[Job<'_>], reader: Reader<'_>) -> Vec<Option<Header>> {
    let mut of_leaf: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, job) in jobs.iter().enumerate() {
        let remote = job.shard.location != Location::Local;
        if remote && job.format == Format::Tokens && is_npy(job.shard) {
            of_leaf.entry(job.leaf).or_default().push(at);
        }
    }
    let mut headers: Vec<Option<Header>> = vec![None; jobs.len()];
    let look = |wanted: Vec<usize>, headers: &mut Vec<Option<Header>>| {
        let one = |at: usize| async move {
            let shard = jobs[at].shard;
            let Location::Store(root) = &shard.location else {
                return (at, Err("lies on this machine".to_owned()));
            };
            let range = 0..HEAD.min(shard.size.max(1));
            (at, reader.remote(root, &shard.name, range).await)
        };
        let heads = stream::iter(wanted).map(one).buffer_unordered(REQUESTS);
        let heads: Vec<(usize, Result<Vec<u8>, String>)> = reader.runtime.block_on(heads.collect());
        for (at, head) in heads {
            headers[at] = Some(head.and_then(|head| flat::npy(&head)));
        }
    };
    let some = |all: &Vec<usize>| match all[..] {
        [first, .., last] if all.len() > FEW => vec![first, last],
        _ => all.clone(),
    };
    look(of_leaf.values().flat_map(some).collect(), &mut headers);
    let mut more = Vec::new();
    for all in of_leaf.values().filter(|all| all.len() > FEW) {
        let (first, last) = (all[0], all[all.len() - 1]);
        // Shards of one tool differ in their lengths, which only their own headers say.
        let kind = |at: usize| match headers[at].clone() {
            Some(Ok(Some(npy))) => Some(Ok(Some(Npy {
                tokens: None,
                ..npy
            }))),
            other => other,
        };
        let common = kind(first);
        if common == kind(last) {
            let between = &all[1..all.len() - 1];
            between
                .iter()
                .for_each(|&at| headers[at].clone_from(&common));
        } else {
            more.extend(&all[1..all.len() - 1]);
        }
    }
    look(more, &mut headers);
    headers
}
