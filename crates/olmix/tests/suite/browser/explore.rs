//! The explorer: every view and control against this binary, on the demo's swarm. `web/tests/explore.test.mjs` has the
//! promises; it makes the fit and starts the servers itself.

use std::path::Path;

use super::in_browser;

#[test]
fn the_explorer_answers_every_control_in_every_view() {
    let binary = Path::new(env!("CARGO_BIN_EXE_olmix"));
    in_browser(&["explore.test.mjs"], &[("OLMIX_BINARY", binary)]);
}
