//! Plain tables, which name no files.

pub(super) mod csv;
pub(super) mod json;
pub(super) mod mix;
pub(super) mod yaml;

use super::{Blend, Drawn};

/// A table is not drawn from.
fn not_drawn(_: &Blend) -> Option<Drawn> {
    None
}
