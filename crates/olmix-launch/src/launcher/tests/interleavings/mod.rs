//! Every interleaving of two launchers, a node and what may go wrong, for three runs, on a real ledger.
//!
//! The steps of a launcher are the transactions and questions of its loop, each by itself; between any two of
//! them anything else may happen. States that are alike are explored once.

mod take;
mod world;

use std::collections::HashSet;

use olmix_ledger::{Ledger, NewRun, NewSwarm, RerunPolicy, State, SwarmId};

use world::{Kind, RUNS, Step, Work, World};

const NOW: i64 = 1_000;

struct Explorer {
    _folder: tempfile::TempDir,
    ledger: Ledger,
    raw: rusqlite::Connection,
    swarm: SwarmId,
    columns: Vec<(String, String)>,
}

fn id(place: usize, generation: u8) -> String {
    format!("launcher-{place}-{generation}")
}

impl Explorer {
    fn new() -> Self {
        // In memory where there is such a place: nothing here is about disks.
        let memory = std::path::Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        let folder = folder.unwrap();
        let path = folder.path().join("ledger.sqlite");
        let mut ledger = Ledger::open(&path).unwrap();
        let new = NewSwarm {
            name: "swarm".into(),
            variants: folder.path().join("launch"),
            out: folder.path().join("runs"),
        };
        let swarm = ledger.swarm(&new, NOW).unwrap().id;
        let run = |i: i64| NewRun {
            name: format!("run-{i}"),
            config: format!("{i}.yaml"),
            config_sha256: String::new(),
            mixture: vec![("a".into(), 1.0)],
            phases: Vec::new(),
        };
        let runs: Vec<NewRun> = (1..=RUNS).map(run).collect();
        let rerun = RerunPolicy {
            retries: 2,
            all: false,
        };
        ledger.sync(swarm, &runs, rerun, NOW).unwrap();
        let raw = rusqlite::Connection::open(&path).unwrap();
        raw.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        let mut columns = Vec::new();
        for table in ["runs", "launchers"] {
            let sql = format!("SELECT group_concat(name) FROM pragma_table_info('{table}')");
            let names: String = raw.query_row(&sql, [], |row| row.get(0)).unwrap();
            raw.execute_batch(&format!(
                "CREATE TABLE saved_{table} AS SELECT 0 AS at, * FROM {table} WHERE 0;
                 CREATE INDEX saved_{table}_at ON saved_{table} (at);"
            ))
            .unwrap();
            columns.push((table.to_owned(), names));
        }
        Self {
            _folder: folder,
            ledger,
            raw,
            swarm,
            columns,
        }
    }

    fn save(&self, at: usize) {
        for (table, names) in &self.columns {
            let sql = format!("INSERT INTO saved_{table} SELECT {at}, {names} FROM {table};");
            self.raw.execute_batch(&sql).unwrap();
        }
    }

    fn restore(&self, at: usize) {
        let mut sql = "BEGIN IMMEDIATE;".to_owned();
        for (table, names) in &self.columns {
            sql += &format!(
                "DELETE FROM {table};
                 INSERT INTO {table} ({names}) SELECT {names} FROM saved_{table} WHERE at = {at};"
            );
        }
        self.raw.execute_batch(&(sql + "COMMIT;")).unwrap();
    }

    /// What of the ledger decides what can happen next.
    fn ledger_key(&self) -> Vec<String> {
        let sql = "SELECT id || state || coalesce(launcher, '-') || coalesce(ticket, '-')
                       || coalesce(pid, '-') FROM runs
                   UNION ALL SELECT id || (ended IS NULL) FROM launchers";
        let mut query = self.raw.prepare_cached(sql).unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        let mut rows: Vec<String> = rows.collect::<Result<_, _>>().unwrap();
        rows.sort();
        rows
    }

    fn states(&self) -> Vec<State> {
        let runs = self.ledger.runs(self.swarm).unwrap();
        runs.iter().map(|run| run.state).collect()
    }
}

impl Explorer {
    /// Whether a launcher that begins when all others are gone finishes every run.
    fn can_finish(&mut self, mut world: World) -> bool {
        for launcher in &mut world.launchers {
            launcher.lives = false;
            launcher.held.clear();
        }
        if world.kind == Kind::Processes {
            world.work.retain(|_, work| *work != Work::Waits);
        }
        world.launchers[0].generation = 8;
        self.take(&mut world, Step::Start(0));
        for _ in 0..12 {
            for step in [
                Step::Recover(0),
                Step::Adopt(0),
                Step::Claim(0),
                Step::Claim(0),
                Step::Claim(0),
            ] {
                self.take(&mut world, step);
            }
            for _ in 0..3 {
                let held: Vec<i64> = world.launchers[0].held.keys().copied().collect();
                for run in held {
                    self.take(&mut world, Step::Proceed(0, run));
                    assert!(!world.twice());
                    let work: Vec<((i64, u8), Work)> =
                        world.work.iter().map(|(k, w)| (*k, *w)).collect();
                    for ((run, n), work) in work {
                        match work {
                            Work::Waits if world.kind == Kind::Queue => {
                                self.take(&mut world, Step::Begin(run, n));
                                assert!(!world.twice());
                                self.take(&mut world, Step::Finish(run, n));
                            }
                            Work::Works => self.take(&mut world, Step::Finish(run, n)),
                            _ => {}
                        }
                    }
                }
            }
            if self.states().iter().all(|state| *state == State::Finished) {
                return true;
            }
        }
        false
    }
}

/// Explores all states up to a depth, from two launchers that have begun. Returns how many there are.
fn explore(kind: Kind, depth: usize) -> usize {
    let mut explorer = Explorer::new();
    let (mut seen, mut finishing) = (HashSet::new(), HashSet::new());
    let mut world = World::new(kind);
    explorer.take(&mut world, Step::Start(0));
    explorer.take(&mut world, Step::Start(1));
    let mut states = vec![(world, Vec::<Step>::new())];
    explorer.save(0);
    let mut front = vec![0];
    for _ in 0..depth {
        let mut next = Vec::new();
        for at in front {
            let (world, path) = states[at].clone();
            for step in world.steps() {
                explorer.restore(at);
                let mut after = world.clone();
                explorer.take(&mut after, step);
                let ledger = explorer.ledger_key();
                if !seen.insert((after.clone(), ledger.clone())) {
                    continue;
                }
                let path: Vec<Step> = path.iter().copied().chain([step]).collect();
                assert!(!after.twice(), "a run works twice at once after {path:?}");
                let number = states.len();
                explorer.save(number);
                // What a launcher finds that begins anew is the ledger, and what is at work.
                if finishing.insert((ledger, after.work.clone(), after.revoked.clone())) {
                    let finishes = explorer.can_finish(after.clone());
                    assert!(finishes, "a run is stuck after {path:?}");
                }
                states.push((after, path));
                next.push(number);
            }
        }
        front = next;
    }
    states.len()
}

/// Walks far into what may happen, a step after another by chance.
fn walk(kind: Kind, walks: u64, steps: u64) {
    let mut explorer = Explorer::new();
    explorer.save(0);
    for seed in 0..walks {
        explorer.restore(0);
        let mut world = World::new(kind);
        (world.crashes, world.stalls, world.losses) = (3, 3, 3);
        let mut path = Vec::new();
        for at in 0..steps {
            let next = world.steps();
            let chance = olmix_io::sha256_hex(format!("{seed} {at}").as_bytes());
            let chance = usize::from_str_radix(&chance[..8], 16).unwrap();
            let step = next[chance % next.len()];
            path.push(step);
            explorer.take(&mut world, step);
            assert!(!world.twice(), "a run works twice at once after {path:?}");
        }
        assert!(explorer.can_finish(world), "a run is stuck after {path:?}");
    }
}

/// `OLMIX_DEPTH` has more explored: 7 takes a minute.
fn check(kind: Kind) {
    let depth = std::env::var("OLMIX_DEPTH").ok();
    let depth = depth.and_then(|depth| depth.parse().ok()).unwrap_or(5);
    let states = explore(kind, depth);
    println!("{states} states of runs: {kind:?}, {depth} steps");
    assert!(states > 500, "{states}");
    walk(kind, 60, 40);
}

#[test]
fn no_run_of_a_queue_works_twice_at_once_and_none_is_stuck_whatever_happens_in_whichever_order() {
    check(Kind::Queue);
}

#[test]
fn no_run_of_processes_works_twice_at_once_and_none_is_stuck_whatever_happens_in_whichever_order() {
    check(Kind::Processes);
}
