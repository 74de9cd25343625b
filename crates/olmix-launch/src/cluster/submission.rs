//! A submission as it is written and shown.

use std::fs;
use std::path::{Path, PathBuf};

use olmix_io::EngineConfig;

use super::{Batch, Cluster, ClusterError, submission_folder};
use crate::storage::Storage;
use crate::work;

/// What runs on a cluster need besides the engine itself.
#[derive(Debug, Clone)]
pub struct Site {
    /// The swarm's name, for people.
    pub swarm: String,
    /// The folder of runs, on a filesystem that nodes share or with a store in its place.
    pub out: PathBuf,
    /// Where folders of runs are kept when nodes share no filesystem with the launcher.
    pub storage: Option<Storage>,
    /// The working directory.
    pub workdir: PathBuf,
    /// This program on the nodes.
    pub program: PathBuf,
    /// What each run gets.
    pub settings: EngineConfig,
}

/// Writes the orders of a submission, and submits it.
pub(super) fn submit_orders(
    cluster: &mut dyn Cluster,
    site: &Site,
    token: &str,
    orders: &[work::Order],
    with: &With<'_>,
) -> Result<Vec<String>, ClusterError> {
    let folder = submission_folder(&site.out, token);
    let home = site.submission(token);
    let file = home.path_of(ORDERS);
    let refused =
        |message: String| ClusterError::refused(message, "give an --out that you may write to");
    fs::create_dir_all(&folder)
        .map_err(|error| refused(format!("{}: {error}", folder.display())))?;
    let mut text = String::new();
    for order in orders {
        text += &serde_json::to_string(order).map_err(|error| refused(error.to_string()))?;
        text.push('\n');
    }
    home.put(ORDERS, text.as_bytes())?;
    let batch = batch(site, token, &folder, &file, orders.len(), with);
    let done = cluster.submit(&batch);
    if matches!(done, Err(ClusterError::Refused { .. })) {
        // Nothing came of it, and nothing is kept.
        let _ = home.remove(ORDERS);
        let _ = fs::remove_dir_all(&folder);
        let _ = folder.parent().map(fs::remove_dir);
    }
    done
}

/// How a submission is to be run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct With<'w> {
    /// Most tasks at once.
    pub at_once: Option<usize>,
    /// The job that it begins after.
    pub after: Option<&'w str>,
    /// Whether it is a probe.
    pub probe: bool,
}

/// The file of orders in a submission's folder.
pub(super) const ORDERS: &str = "orders.jsonl";

fn batch<'b>(
    site: &'b Site,
    token: &'b str,
    folder: &'b Path,
    orders: &'b Path,
    tasks: usize,
    with: &With<'b>,
) -> Batch<'b> {
    Batch {
        token,
        swarm: &site.swarm,
        folder,
        orders,
        program: &site.program,
        tasks,
        at_once: with.at_once,
        settings: &site.settings,
        workdir: &site.workdir,
        after: with.after,
        probe: with.probe,
    }
}

/// What would be submitted for so many runs, for people; `apart` where each has an evaluation that may be a job of its own.
/// Nothing is done, and a cluster that does not answer is taken to have no limit.
pub fn preview(cluster: &mut dyn Cluster, site: &Site, runs: usize, apart: bool) -> String {
    let most = cluster.most_tasks().unwrap_or(usize::MAX);
    let at_once = site.settings.jobs.map(|jobs| jobs as usize);
    let at_once = at_once.map(|jobs| (jobs * runs.min(most)).div_ceil(runs.max(1)).max(1));
    let show = |site: &Site, token: &str, with: &With<'_>| {
        let folder = submission_folder(&site.out, token);
        let orders = site.submission(token).path_of(ORDERS);
        cluster.preview(&batch(site, token, &folder, &orders, runs.min(most), with))
    };
    let mut text = show(
        site,
        "TOKEN",
        &With {
            at_once,
            ..With::default()
        },
    );
    if let Some(apart) = site.settings.evaluation.as_deref().filter(|_| apart) {
        let site = Site {
            settings: apart.clone(),
            ..site.clone()
        };
        let with = With {
            after: Some("JOB"),
            ..With::default()
        };
        text += "\n";
        text += &show(&site, "TOKENe", &with);
    }
    match runs.div_ceil(most.max(1)) {
        0 | 1 => text,
        arrays => format!("# {arrays} submissions of at most {most} runs each, such as\n{text}"),
    }
}
