//! The checksum of a `mixture.json`: a flipped bit in a weight would be another mixture, and a plausible one.

use serde_json::Value;

use crate::error::{IoError, Location};
use crate::input::sha256_hex;

/// The field that holds it.
pub(super) const FIELD: &str = "sha256";

/// The SHA-256 of a content without the field, as compact JSON with fields in their order: white space does not
/// count.
pub(super) fn of(content: &Value) -> String {
    sha256_hex(content.to_string().as_bytes())
}

/// Compares a file with the checksum that it holds. A file without one is not checked.
///
/// # Errors
/// [`IoError::Input`] where they differ. Text that is not JSON is left to the reader.
pub(super) fn verify(file: &str, text: &str) -> Result<(), IoError> {
    let Ok(Value::Object(mut content)) = serde_json::from_str(text) else {
        return Ok(());
    };
    let Some(stated) = content.shift_remove(FIELD) else {
        return Ok(());
    };
    if stated == of(&Value::Object(content)).as_str() {
        return Ok(());
    }
    Err(IoError::input(
        file,
        Location::Field(FIELD.into()),
        "the checksum is not that of the content: the file was changed or damaged after it was written",
        "create it again with `olmix fit`; if you changed it on purpose, remove the field `sha256`",
    ))
}
