//! The header of a table of runs.

use std::collections::HashMap;

use crate::error::{IoError, Location};
use crate::messages::{excerpt, listed};

/// The columns that can hold run ids; the first that is there does. `index` is metadata beside the others;
/// published swarms (`RegMix`'s among them) have no other.
const ID_COLUMNS: [&str; 3] = ["run", "run_id", "index"];

/// The position of the id column, and the positions of the data columns: all but ids and metadata (see
/// [`super::csv_table::Table`]). `help` says what to do where there are no ids.
pub(super) fn split_header(
    file: &str,
    line: &Location,
    header: &[&str],
    help: &str,
) -> Result<(usize, Vec<usize>), IoError> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (position, &name) in header.iter().enumerate() {
        if !name.is_empty() && seen.insert(name, position).is_some() {
            return Err(IoError::input(
                file,
                line.clone(),
                format!("column `{}` occurs twice", excerpt(name)),
                "rename or remove one of the two",
            ));
        }
    }
    let Some(&id) = ID_COLUMNS.iter().find_map(|name| seen.get(name)) else {
        let names: Vec<&str> = header
            .iter()
            .copied()
            .filter(|name| !name.is_empty())
            .collect();
        let found = if names.is_empty() {
            "no named column".to_owned()
        } else {
            format!("the columns {}", listed(names, 8))
        };
        return Err(IoError::input(
            file,
            line.clone(),
            format!("there is no column of run ids; found {found}"),
            help,
        ));
    };
    let metadata = |name: &str| {
        name.is_empty()
            || name == "name"
            || ID_COLUMNS.contains(&name)
            || name.starts_with("Unnamed:")
    };
    let fields: Vec<usize> = header
        .iter()
        .enumerate()
        .filter(|(_, name)| !metadata(name))
        .map(|(position, _)| position)
        .collect();
    if fields.is_empty() {
        return Err(IoError::input(
            file,
            line.clone(),
            "there is no column besides ids and metadata",
            "give one column per domain (ratios) or metric (metrics)",
        ));
    }
    Ok((id, fields))
}
