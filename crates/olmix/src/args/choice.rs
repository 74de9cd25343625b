//! Options whose values have names.

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The parser of an option that takes one of several named values: help and completions list the names,
/// and any other value is refused with the nearest name.
pub fn choice<T: Clone + Send + Sync + 'static>(
    choices: impl IntoIterator<Item = (&'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let choices: Vec<(&'static str, T)> = choices.into_iter().collect();
    let names = PossibleValuesParser::new(choices.iter().map(|(name, _)| *name));
    names.try_map(move |given| {
        let found = choices.iter().find(|(name, _)| *name == given);
        found.map(|(_, value)| value.clone()).ok_or("no such value")
    })
}
