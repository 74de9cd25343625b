//! `olmix launch cancel`.

use olmix_launch::{Until, reconcile};
use olmix_ledger::{Cancelled, Ledger, RunSelection, Swarm};
use serde_json::json;

use crate::args::LaunchCancelArgs;
use crate::failure::Failure;
use crate::output;

/// Cancels, and says what that did.
pub fn run(args: &LaunchCancelArgs) -> Result<(), Failure> {
    let (mut ledger, swarms) = super::find(&args.swarm)?;
    let which = match (args.all, args.waiting) {
        (true, _) => RunSelection::All,
        (_, true) => RunSelection::Waiting,
        _ => RunSelection::Named(&args.runs),
    };
    if swarms.len() > 1 && matches!(which, RunSelection::Named(_)) {
        return Err(Failure::usage(
            "this ledger has several swarms",
            "give --out, the folder of runs, too",
        ));
    }
    let mut all = Cancelled::default();
    for swarm in &swarms {
        let done = ledger.cancel(swarm.id, which, olmix_launch::now())?;
        if !done.unknown.is_empty() {
            return Err(Failure::usage(
                format!(
                    "no such run: {}; nothing was cancelled",
                    done.unknown.join(", ")
                ),
                "`olmix launch status --json` lists all",
            ));
        }
        all.at_once.extend(done.at_once);
        all.ended.extend(done.ended);
        all.asked
            .extend(end_now(&mut ledger, swarm, done.asked, &mut all.at_once)?);
    }
    tell(args, &all)
}

/// Ends runs on a cluster that no launcher follows, and returns those that their launcher has to end.
fn end_now(
    ledger: &mut Ledger,
    swarm: &Swarm,
    asked: Vec<String>,
    ended: &mut Vec<String>,
) -> Result<Vec<String>, Failure> {
    if asked.is_empty() {
        return Ok(asked);
    }
    reconcile(ledger, swarm, Until::Cancelled, &mut output::eprint_line)?;
    let runs = ledger.runs(swarm.id)?;
    let over = |name: &String| {
        let run = runs.iter().find(|run| run.name == *name);
        run.is_some_and(|run| run.state == olmix_ledger::State::Cancelled)
    };
    let (over, left): (Vec<String>, Vec<String>) = asked.into_iter().partition(over);
    ended.extend(over);
    Ok(left)
}

fn tell(args: &LaunchCancelArgs, done: &Cancelled) -> Result<(), Failure> {
    if args.common.json {
        let ended = done.ended.iter();
        let ended: serde_json::Map<String, serde_json::Value> = ended
            .map(|(name, state)| (name.clone(), state.word().into()))
            .collect();
        let told =
            json!({"cancelled": done.at_once, "stopping": done.asked, "ended_before": ended});
        return output::print_json(&told.to_string());
    }
    if args.common.quiet {
        return Ok(());
    }
    let mut text = format!("cancelled: {}\n", done.at_once.len());
    if !done.asked.is_empty() {
        text += &format!(
            "being stopped by their launcher (or by the next `olmix launch run`, if it is gone): {}\n",
            shown(&done.asked)
        );
    }
    let named = !args.all && !args.waiting;
    for (name, state) in done.ended.iter().filter(|_| named) {
        text += &format!("{name} had {state} before\n");
    }
    if !done.at_once.is_empty() || !done.asked.is_empty() {
        text += "`olmix launch run --retry-failed` runs them again\n";
    }
    output::print(&text)
}

/// Some names, and how many more there are.
fn shown(names: &[String]) -> String {
    const MOST: usize = 10;
    let first = names.iter().take(MOST).map(String::as_str);
    let first = first.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
