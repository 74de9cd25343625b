//! `olmix explore`.

use olmix_explore::{Explorer, ListenError, OpenError, Server};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::ExploreArgs;
use crate::browser;
use crate::failure::Failure;
use crate::output;

/// Opens what is to be explored, prints the address, and answers the page until it is told to stop.
pub fn run(args: &ExploreArgs) -> Result<(), Failure> {
    // Before a swarm is read, which can take seconds: a port that is taken is known at once.
    let server = Server::listen(args.port).map_err(of_listening)?;
    let explorer = Explorer::open(&args.path).map_err(of_opening)?;
    if !args.common.quiet {
        output::notices(&explorer.notices);
    }
    let url = server.url();
    if args.common.json {
        output::print_json(&json!({"url": url}).to_string())?;
    } else {
        output::print_as_it_is(&url)?;
        if !args.common.quiet {
            output::eprint_line("The page is for this machine alone. Ctrl-C ends it.");
        }
    }
    // Where that fails, the address was printed.
    if !args.no_open {
        let _ = browser::open(&url);
    }
    server.serve(explorer, stopped()?).map_err(of_listening)
}

/// Ready at Ctrl-C, or when the process is asked to end: that is how this command ends, and no failure.
fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    let failed =
        |error: std::io::Error| Failure::Internal(format!("no signal can be waited for: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let (send, receive) = olmix_explore::stop();
    std::thread::spawn(move || {
        signals.forever().next();
        send.stop();
    });
    Ok(receive)
}

fn of_listening(error: ListenError) -> Failure {
    match error {
        ListenError::System(_) => Failure::Internal(error.to_string()),
        other => Failure::refused(other.to_string()),
    }
}

fn of_opening(error: OpenError) -> Failure {
    match error {
        OpenError::File(error) => error.into(),
        other @ OpenError::Nothing { .. } => Failure::refused(other.to_string()),
    }
}
