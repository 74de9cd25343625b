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
    let text = text.trim();
    if let Ok(whole) = without_underscores(text)?.parse() {
        return Some(whole);
    }
    number(text).and_then(whole_of)
}

/// A number that is whole, not negative and in range.
fn whole_of(number: f64) -> Option<u64> {
    /// `2⁶⁴`, the first number that is out of range.
    const END: f64 = 18_446_744_073_709_551_616.0;
    let fits = number.fract() == 0.0 && (0.0..END).contains(&number);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // just checked
    fits.then_some(number as u64)
}

/// A number of tokens as people write it: as `number`, and `2T`, `800B`, `1.5 M` or `300K` (10¹², 10⁹, 10⁶
/// and 10³, in either case), and `800,000,000` with commas before each three digits. `None` for other texts.
#[must_use]
pub fn amount(text: &str) -> Option<f64> {
    number(&expanded(text)?)
}

/// A whole number of tokens, written as for [`amount`]; exact where it is written in digits.
pub(crate) fn whole_amount(text: &str) -> Option<u64> {
    whole(&expanded(text)?)
}

/// The text without commas, and with an exponent in the place of a letter.
fn expanded(text: &str) -> Option<String> {
    let text = text.trim();
    let exponent = match text.chars().last()?.to_ascii_uppercase() {
        'K' => Some(3),
        'M' => Some(6),
        'B' => Some(9),
        'T' => Some(12),
        _ => None,
    };
    let Some(exponent) = exponent else {
        return without_commas(text);
    };
    let digits = text[..text.len() - 1].trim_end();
    // `1e3K` has two exponents.
    let plain = digits.ends_with(|c: char| c.is_ascii_digit()) && !digits.contains(['e', 'E']);
    let digits = without_commas(digits).filter(|_| plain)?;
    Some(format!("{digits}e{exponent}"))
}

/// The text without its commas, when they separate groups of three digits: `12,345`, not `0,26`.
fn without_commas(text: &str) -> Option<String> {
    if !text.contains(',') {
        return Some(text.to_owned());
    }
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = text.split(',');
    let first = groups.next()?;
    let begins = (1..=3).contains(&first.len()) && is_digits(first) && !first.starts_with('0');
    let goes_on = groups.all(|group| group.len() == 3 && is_digits(group));
    (begins && goes_on).then(|| text.replace(',', ""))
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
            ("1.5e16", Some(15_000_000_000_000_000)),
            ("18446744073709551616", None),
            ("3.5", None),
            ("-1", None),
            ("1e300", None),
            ("x", None),
        ] {
            assert_eq!(whole(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_of_tokens_are_read_with_letters_and_commas() {
        for (text, expected) in [
            ("2T", Some(2_000_000_000_000)),
            ("800B", Some(800_000_000_000)),
            ("1.1b", Some(1_100_000_000)),
            ("0.3 M", Some(300_000)),
            ("7k", Some(7_000)),
            ("800,000,000", Some(800_000_000)),
            ("1,200M", Some(1_200_000_000)),
            ("1_200M", Some(1_200_000_000)),
            ("1.5e16", Some(15_000_000_000_000_000)),
            ("600_000", Some(600_000)),
            ("0,26", None),
            ("1,20", None),
            ("1234,567", None),
            ("1e3K", None),
            ("T", None),
            ("-2T", None),
            ("2TB", None),
            ("0.5K", Some(500)),
            ("0.0005K", None),
            ("", None),
        ] {
            assert_eq!(whole_amount(text), expected, "{text}");
        }
        assert_eq!(amount("0.0005K"), Some(0.5));
        assert_eq!(amount("2.5t"), Some(2.5e12));
    }
}
