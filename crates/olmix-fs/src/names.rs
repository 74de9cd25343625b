//! Names of files that are made from names of other things.

use std::collections::HashSet;

/// Most letters that a file's name takes over; with a number, an ending and the names of temporary files it
/// stays below the 255 bytes that file systems take.
const LONGEST: usize = 120;

/// Names made safe for files: everything outside `[A-Za-z0-9_-]` becomes `_`, and long ones are cut. Where two
/// names become the same, later ones get `_2`, `_3` and so on.
#[must_use]
pub fn file_safe<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let mut taken = HashSet::new();
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
            c
        } else {
            '_'
        }
    };
    let mut unique = |name: &str| {
        let name: String = name.chars().map(safe).take(LONGEST).collect();
        let mut candidate = name.clone();
        let mut number = 2;
        while !taken.insert(candidate.clone()) {
            candidate = format!("{name}_{number}");
            number += 1;
        }
        candidate
    };
    names.into_iter().map(&mut unique).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_safe_and_unique() {
        let names = file_safe(["a:b", "a_b", "a.b", "x-Y_1", "a_b_2", "é"]);
        assert_eq!(names, ["a_b", "a_b_2", "a_b_3", "x-Y_1", "a_b_2_2", "_"]);
        let long = ["m".repeat(240), "m".repeat(300)];
        let names = file_safe(long.iter().map(String::as_str));
        assert_eq!(names, ["m".repeat(120), "m".repeat(120) + "_2"]);
    }
}
