//! A step, as the loop of a launcher or a node takes it.

use olmix_ledger::{Failed, FailureKind, Finished, Process, Stage};

use super::world::{Kind, Phase, Step, Work, World};
use super::{Explorer, NOW, id};

impl Explorer {
    /// Takes a step, where it can be taken; whether anything changed is for the caller to see.
    pub fn take(&mut self, world: &mut World, step: Step) {
        let own = |world: &World, l: usize| id(l, world.launchers[l].generation);
        match step {
            Step::Start(l) => {
                let launcher = &mut world.launchers[l];
                launcher.lives = true;
                launcher.generation += 1;
                let process = Process {
                    host: "here".into(),
                    pid: 1,
                    started: String::new(),
                };
                let id = id(l, launcher.generation);
                self.ledger.register(&id, "x", &process, NOW).unwrap();
            }
            Step::Recover(l) | Step::TakeForDead(l) => {
                let dead = matches!(step, Step::TakeForDead(_));
                world.stalls -= u8::from(dead);
                let own = own(world, l);
                for other in self.ledger.launchers().unwrap() {
                    let lives = (0..2).any(|l| {
                        world.launchers[l].lives && id(l, world.launchers[l].generation) == other.id
                    });
                    if other.id != own && (dead || !lives) {
                        self.ledger
                            .abandon(&other.id, other.heartbeat, NOW)
                            .unwrap();
                    }
                }
                self.ledger.release_ended(&own, NOW).unwrap();
            }
            Step::Heartbeat(l) => self.ledger.heartbeat(&own(world, l), NOW).unwrap(),
            Step::Adopt(l) => {
                for run in self.ledger.adopt(self.swarm, &own(world, l)).unwrap() {
                    let ticket = run.engine_job.unwrap().ticket.parse().unwrap();
                    world.launchers[l]
                        .held
                        .insert(run.id.0, Phase::Followed(ticket));
                }
            }
            Step::Claim(l) => {
                let own = own(world, l);
                let run = match world.kind {
                    Kind::Queue => self
                        .ledger
                        .claim_to_submit(self.swarm, &own, 1, NOW)
                        .unwrap()
                        .pop(),
                    Kind::Processes => self.ledger.claim(self.swarm, &own, NOW).unwrap(),
                };
                if let Some(run) = run {
                    // What an earlier attempt left at work is ended first.
                    if world.kind == Kind::Processes {
                        world.end_processes(run.id.0);
                    }
                    world.launchers[l].held.insert(run.id.0, Phase::Claimed);
                }
            }
            Step::Proceed(l, run) => self.proceed(world, l, run, &own(world, l)),
            Step::LookAtHeld(l) => {
                let held = self.ledger.held_runs(&own(world, l)).unwrap();
                let kept = |run: &i64| held.iter().any(|(held, _)| held.0 == *run);
                let lost: Vec<(i64, Phase)> = world.launchers[l]
                    .held
                    .iter()
                    .map(|(r, p)| (*r, *p))
                    .collect();
                for (run, phase) in lost.into_iter().filter(|(run, _)| !kept(run)) {
                    world.launchers[l].held.remove(&run);
                    world.end_own(run, phase);
                }
            }
            Step::EndByError(l) => {
                world.crashes -= 1;
                for (run, phase) in std::mem::take(&mut world.launchers[l].held) {
                    world.end_own(run, phase);
                }
                self.ledger.unregister(&own(world, l), NOW).unwrap();
                world.launchers[l].lives = false;
            }
            Step::Crash(l) => {
                world.crashes -= 1;
                for (run, phase) in std::mem::take(&mut world.launchers[l].held) {
                    // A gate closes with its launcher; what works goes on.
                    if let (Kind::Processes, Phase::Recorded(n)) = (world.kind, phase) {
                        world.work.remove(&(run, n));
                    }
                }
                world.launchers[l].lives = false;
            }
            Step::Begin(run, n) => {
                let revoked = world.kind == Kind::Queue && world.revoked.contains(&(run, n));
                let state = if revoked { Work::Gone } else { Work::Works };
                world.work.insert((run, n), state);
            }
            Step::Finish(run, n) => {
                world.work.insert((run, n), Work::Done);
            }
            Step::Lose(run, n) => {
                world.losses -= 1;
                world.work.insert((run, n), Work::Gone);
            }
        }
    }

    fn proceed(&mut self, world: &mut World, l: usize, run: i64, own: &str) {
        let phase = world.launchers[l].held[&run];
        let next = world.next_number(run);
        let number = olmix_ledger::RunId(run);
        match phase {
            Phase::Claimed => {
                let ours = match world.kind {
                    Kind::Queue => {
                        let tickets = [(number, next.to_string())];
                        !self
                            .ledger
                            .record_tickets(own, "x", 0, &tickets)
                            .unwrap()
                            .is_empty()
                    }
                    Kind::Processes => {
                        let process = Process {
                            host: "here".into(),
                            pid: u32::from(next),
                            started: String::new(),
                        };
                        let done = self
                            .ledger
                            .record_process(number, own, Stage::Train, &process);
                        done.unwrap()
                    }
                };
                if !ours {
                    world.launchers[l].held.remove(&run);
                    return;
                }
                if world.kind == Kind::Processes {
                    world.work.insert((run, next), Work::Waits);
                }
                world.launchers[l].held.insert(run, Phase::Recorded(next));
            }
            Phase::Recorded(n) => {
                match world.kind {
                    Kind::Queue => {
                        world.work.insert((run, n), Work::Waits);
                    }
                    // The gate opens, where it was not ended in the meantime.
                    Kind::Processes => {
                        if let Some(work) = world.work.get_mut(&(run, n)) {
                            *work = Work::Works;
                        }
                    }
                }
                world.launchers[l].held.insert(run, Phase::Followed(n));
            }
            Phase::Followed(n) => {
                let lost = Failed {
                    kind: if world.kind == Kind::Queue {
                        FailureKind::Lost
                    } else {
                        FailureKind::Killed
                    },
                    cause: "gone".into(),
                    log_tail: String::new(),
                };
                match world.work.get(&(run, n)) {
                    Some(Work::Waits) => return,
                    Some(Work::Works) => {
                        if world.kind == Kind::Queue {
                            self.ledger.record_started(own, &[(number, NOW)]).unwrap();
                        }
                        return;
                    }
                    Some(Work::Done) => {
                        let finished = Finished {
                            metrics: vec![("loss".into(), 1.0)],
                            tokens: None,
                        };
                        self.ledger.finish(number, own, &finished, NOW).unwrap();
                    }
                    Some(Work::Gone) | None => {
                        if world.kind == Kind::Queue && !world.revoked.contains(&(run, n)) {
                            world.revoked.push((run, n));
                            world.revoked.sort_unstable();
                        }
                        self.ledger.fail(number, own, &lost, 20, NOW).unwrap();
                    }
                }
                world.launchers[l].held.remove(&run);
            }
        }
    }
}
