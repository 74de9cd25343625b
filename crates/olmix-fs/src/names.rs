//! Names of files that are made from names of other things.

use std::collections::HashSet;

/// Most characters that are kept of a name: file systems take 255 bytes, and endings come behind it.
const MOST: usize = 120;

/// Names made safe for files: everything outside `[A-Za-z0-9_-]` becomes `_`, and of long names the first 120
/// characters are kept. Where two names become the same, later ones get `_2`, `_3` and so on.
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
        let name: String = name.chars().map(safe).take(MOST).collect();
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
        let long = ["é".repeat(5000), "é".repeat(5001)];
        let names = file_safe(long.iter().map(String::as_str));
        assert!(names.iter().all(|name| name.len() < 130), "{names:?}");
        assert_ne!(names[0], names[1]);
    }
}
