//! `olmix`: from a measured swarm to the mixture a model should be trained on.
//!
//! This crate parses, calls and prints; the method is in `olmix-core`, files in `olmix-io`,
//! figures in `olmix-report`.

mod args;
mod bars;
mod browser;
mod command;
mod device;
mod failure;
mod interrupt;
mod output;
mod page;
mod progress;
mod progress_lines;
mod still_working;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = ready(&arguments.command).and_then(|()| dispatch(&arguments.command));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                output::eprint_line(&format!("error: {failure}"));
            }
            ExitCode::from(failure.code())
        }
    }
}

/// Checks what holds for every command, and has Ctrl-C end those that do not stop by themselves.
fn ready(command: &Command) -> Result<(), Failure> {
    for bound in olmix_fs::Bound::ALL {
        bound.check().map_err(Failure::refused)?;
    }
    if !command::launch::stops_by_itself(command) {
        interrupt::end_at_once();
    }
    if let Some(name) = name_to_watch(std::env::args().skip(1))
        && !command::launch::waits_for_others(command)
    {
        still_working::watch(name);
    }
    Ok(())
}

/// What a command is called where it says that it is at work: its first words. `None` where it was asked for no such
/// lines, by `--quiet` or `--json`.
fn name_to_watch(words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    let quiet = |word: &String| matches!(word.as_str(), "--quiet" | "-q" | "--json");
    if words.iter().any(quiet) {
        return None;
    }
    let command = Arguments::command();
    let mut name = String::from("olmix");
    let mut at = &command;
    for word in words {
        let Some(next) = at.find_subcommand(&word) else {
            break;
        };
        name += &format!(" {word}");
        at = next;
    }
    Some(name)
}

fn dispatch(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Demo(options) => command::demo::run(options),
        Command::Tokenize(options) => command::tokenize::run(options),
        Command::Launch { command } => command::launch::run(command),
        Command::Proxy { command } => command::proxy::run(command),
        Command::Collect(options) => command::collect::run(options),
        Command::Priors { command } => command::priors::run(command),
        Command::Analyze { command } => command::analyze::run(command),
        Command::Init(options) => command::project::init(options),
        Command::Update(options) => command::project::update(options),
        Command::Plan(options) => command::project::plan(options),
        Command::Commit(options) => command::project::commit(options),
        Command::Log(options) => command::project::log(options),
        Command::Show(options) => command::project::show(options),
        Command::Diff(options) => command::project::diff(options),
        Command::Tag(options) => command::project::tag(options),
        Command::Verify(options) => command::project::verify(options),
        Command::History { command } => command::project::history(command),
        Command::Export(options) => command::export::run(options),
        Command::Mix { command } => command::mix::run(command),
        Command::Generate(options) => command::generate::run(options),
        Command::Explore(options) => command::explore::run(options),
        Command::Fit(options) => command::fit::run(options),
        Command::Compare(options) => command::compare::run(options),
        Command::Next(options) => command::next::run(options),
        Command::Study(options) => command::study::run(options),
        Command::Sweep(options) => command::sweep::run(options),
        Command::Predict(options) => command::predict::run(options),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "olmix", &mut script);
            output::print_as_it_is(&String::from_utf8_lossy(&script))
        }
    }
}
