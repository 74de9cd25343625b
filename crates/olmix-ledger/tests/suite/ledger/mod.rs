//! What a ledger promises.

mod files;
mod launchers;
mod processes;
mod properties;
mod runs;
mod transitions;

use std::path::Path;

use olmix_ledger::{
    Failed, FailureKind, Finished, Ledger, NewRun, NewSwarm, PhaseMixture, Process, RerunPolicy,
    State, SwarmId,
};

const RERUN: RerunPolicy = RerunPolicy {
    retries: 2,
    all: false,
};

fn process(pid: u32) -> Process {
    Process {
        host: "here".into(),
        pid,
        started: format!("boot/{pid}"),
    }
}

fn new_run(name: &str, config_sha256: &str) -> NewRun {
    NewRun {
        name: name.into(),
        config: format!("{name}.yaml"),
        config_sha256: config_sha256.into(),
        mixture: vec![("web".into(), 0.1 + 0.2), ("code".into(), 0.7)],
        phases: vec![PhaseMixture {
            name: "cooldown".into(),
            fraction: 0.25,
            mixture: vec![("web".into(), 0.1 + 0.7)],
        }],
    }
}

fn new_runs(count: usize) -> Vec<NewRun> {
    let run = |i| new_run(&format!("run-{i:04}"), "a");
    (0..count).map(run).collect()
}

/// A ledger with a swarm of queued runs.
fn ledger(folder: &Path, runs: usize) -> (Ledger, SwarmId) {
    let mut ledger = Ledger::open(&folder.join("runs/ledger.sqlite")).unwrap();
    let swarm = NewSwarm {
        name: "swarm".into(),
        variants: folder.canonicalize().unwrap().join("launch"),
        out: folder.canonicalize().unwrap().join("runs"),
    };
    let swarm = ledger.swarm(&swarm, 0).unwrap().id;
    ledger.sync(swarm, &new_runs(runs), RERUN, 0).unwrap();
    (ledger, swarm)
}

fn failed(kind: FailureKind) -> Failed {
    Failed {
        kind,
        cause: "because".into(),
        log_tail: "last line".into(),
    }
}

fn finished() -> Finished {
    Finished {
        metrics: vec![("loss".into(), 1.0 / 3.0)],
        tokens: Some(1 << 40),
    }
}

fn states(ledger: &Ledger, swarm: SwarmId) -> Vec<State> {
    let runs = ledger.runs(swarm).unwrap();
    runs.iter().map(|run| run.state).collect()
}
