//! Which characters a name from outside may have: names stand in configurations, scripts, tables and pages.

/// Whether a character ends a line or does something else than stand for itself, for any of the programs that
/// read what olmix writes: control characters, the line breaks of Unicode (which YAML 1.1 breaks lines at),
/// and a byte order mark.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether a name has such a character.
#[must_use]
pub fn has_control(name: &str) -> bool {
    name.chars().any(is_control)
}

/// A name for a message or page, with such characters written as in a string of Rust: `a\\nb`.
#[must_use]
pub fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if is_control(c) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// What to do about a name that [`has_control`].
pub(crate) const CONTROL_HELP: &str =
    "rename it: names stand in scripts, tables and configurations of other programs";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_line_breaks_of_any_program_are_known() {
        for name in [
            "a\nb",
            "a\rb",
            "a\tb",
            "\u{0}",
            "\u{1b}[0m",
            "a\u{85}b",
            "a\u{2028}b",
            "\u{feff}a",
        ] {
            assert!(has_control(name), "{name:?}");
            assert!(!has_control(&escaped(name)), "{name:?}");
        }
        assert_eq!(escaped("a\nb \u{2028}"), "a\\nb \\u{2028}");
        for name in [
            "web:news",
            "it's \"#5\": {x} \\ $HOME",
            "Über uns",
            "日本語",
            "C++",
        ] {
            assert!(!has_control(name), "{name:?}");
        }
    }
}
