//! What a plain scalar means, by YAML 1.1 with `1e12` as a number.

/// The number a text stands for; infinities and NaN are not numbers here.
///
/// Underscores may separate digits: `1_000_000`.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = without_underscores(text.trim())?;
    // `f64::from_str` also reads words such as `inf` and `nan`.
    let starts_well = text
        .trim_start_matches(['+', '-'])
        .starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let number: f64 = text.parse().ok().filter(|_| starts_well)?;
    number.is_finite().then_some(number)
}

/// A whole number that is not negative; exact where it is written in digits.
pub(super) fn whole(text: &str) -> Option<u64> {
    /// Above this, floating point skips whole numbers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let text = text.trim();
    if let Ok(whole) = without_underscores(text)?.parse() {
        return Some(whole);
    }
    let number = number(text)?;
    if number.fract() != 0.0 || !(0.0..=EXACT).contains(&number) {
        return None;
    }
    // In range and whole, as just checked.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some(number as u64)
}

/// The truth value of a word.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Whether a plain scalar is null.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The text without underscores, when each stands between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    for (i, _) in text.match_indices('_') {
        let digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'_')
        };
        if !digit(i.checked_sub(1)) || !digit(Some(i + 1)) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_numbers_are_read_with_underscores_exponents_and_signs() {
        for (text, expected) in [
            ("1_000_000_000_000", Some(1e12)),
            ("1e12", Some(1e12)),
            ("1.5E-3", Some(0.0015)),
            ("-0.25", Some(-0.25)),
            ("+3", Some(3.0)),
            (".5", Some(0.5)),
            ("600_000.5", Some(600_000.5)),
            ("_1", None),
            ("1_", None),
            ("1_.5", None),
            ("inf", None),
            ("-.inf", None),
            (".nan", None),
            ("nan", None),
            ("1e999", None),
            ("0x10", None),
            ("", None),
            ("abc", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_exact() {
        for (text, expected) in [
            ("18_446_744_073_709_551_615", Some(u64::MAX)),
            ("1e12", Some(1_000_000_000_000)),
            ("3.0", Some(3)),
            ("3.5", None),
            ("-1", None),
            ("1e300", None),
            ("x", None),
        ] {
            assert_eq!(whole(text), expected, "{text}");
        }
    }
}
