//! `olmix launch cancel`.

use olmix_ledger::Cancelled;
use serde_json::json;

use crate::args::LaunchCancelArgs;
use crate::failure::Failure;
use crate::output;

/// Cancels, and says what that did.
pub fn run(args: &LaunchCancelArgs) -> Result<(), Failure> {
    let (mut ledger, swarms) = super::find(&args.swarm)?;
    let names = (!args.all).then_some(args.runs.as_slice());
    let swarm = match (swarms.as_slice(), names) {
        ([swarm], _) => swarm.id,
        (_, None) => {
            let mut all = Cancelled::default();
            for swarm in &swarms {
                let done = ledger.cancel(swarm.id, None, olmix_launch::now())?;
                all.at_once.extend(done.at_once);
                all.asked.extend(done.asked);
                all.ended.extend(done.ended);
            }
            return tell(args, &all);
        }
        (_, Some(_)) => {
            return Err(Failure::Usage(
                "this ledger has several swarms\n  help: give --out, the folder of runs, too"
                    .into(),
            ));
        }
    };
    let done = ledger.cancel(swarm, names, olmix_launch::now())?;
    if !done.unknown.is_empty() {
        return Err(Failure::Usage(format!(
            "no such run: {}; nothing was cancelled\n  help: `olmix launch status --json` lists all",
            done.unknown.join(", ")
        )));
    }
    tell(args, &done)
}

fn tell(args: &LaunchCancelArgs, done: &Cancelled) -> Result<(), Failure> {
    if args.common.json {
        let ended = done.ended.iter();
        let ended: serde_json::Map<String, serde_json::Value> = ended
            .map(|(name, state)| (name.clone(), state.word().into()))
            .collect();
        let told =
            json!({"cancelled": done.at_once, "stopping": done.asked, "ended_before": ended});
        return output::print(&told.to_string());
    }
    if args.common.quiet {
        return Ok(());
    }
    let mut text = format!("cancelled: {}\n", done.at_once.len());
    if !done.asked.is_empty() {
        text += &format!(
            "being stopped by their launcher (or by the next `olmix launch run`, if it is gone): {}\n",
            done.asked.join(", ")
        );
    }
    for (name, state) in done.ended.iter().filter(|_| !args.all) {
        text += &format!("{name} had {state} before\n");
    }
    text += "`olmix launch run --retry-failed` runs them again\n";
    output::print(&text)
}
