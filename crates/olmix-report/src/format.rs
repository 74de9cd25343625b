//! Numbers as people read them.

/// `value` to `digits` significant digits; a dash when it is not finite.
///
/// Outside `[1e-4, 1e6)` in scientific notation.
pub fn significant(value: f64, digits: i32) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // The exponent after rounding: 9.999 to three digits is 10.0 and not 10.00.
    let precision = usize::try_from(digits - 1).unwrap_or(0);
    let scientific = format!("{value:.precision$e}");
    let exponent = scientific
        .split_once('e')
        .and_then(|(_, e)| e.parse::<i32>().ok());
    match exponent {
        Some(exponent @ -4..6) => {
            let places = usize::try_from(digits - 1 - exponent).unwrap_or(0);
            minus(&format!("{value:.places$}"))
        }
        _ => minus(&scientific),
    }
}

/// A loss: four decimals, so that columns align; scientific where that says nothing.
pub fn loss(value: f64) -> String {
    if !value.is_finite() || value.abs() >= 1e4 || (value != 0.0 && value.abs() < 1e-3) {
        significant(value, 3)
    } else {
        minus(&format!("{value:.4}"))
    }
}

/// A weight in percent with two decimals and no unit: `12.34`, `<0.01` for a trace.
pub fn percent(weight: f64) -> String {
    if !weight.is_finite() {
        "–".to_owned()
    } else if weight > 0.0 && weight < 0.000_05 {
        "<0.01".to_owned()
    } else {
        minus(&format!("{:.2}", 100.0 * weight))
    }
}

/// A change of a loss with its sign, and a word where it is worse: `−12.2 %`, `+7.46 % worse`.
pub fn change(change: &olmix_core::LossChange) -> String {
    let text = percent_short(change.relative());
    if change.is_worse() {
        format!("+{text} worse")
    } else {
        text
    }
}

/// A fraction in percent to three significant digits, with the unit after a space that
/// doesn't break: `12.2 %`.
pub fn percent_short(fraction: f64) -> String {
    let percent = 100.0 * fraction;
    if percent.abs() < 0.005 {
        return "0\u{a0}%".to_owned();
    }
    if percent.abs() < 1.0 {
        return minus(&format!("{percent:.2}\u{a0}%"));
    }
    format!("{}\u{a0}%", significant(percent, 3))
}

/// How many times the prior a weight is: `×3.9`; a dash without a prior.
pub fn ratio(weight: f64, prior: f64) -> String {
    let ratio = weight / prior;
    if prior <= 0.0 || !ratio.is_finite() {
        "–".to_owned()
    } else if ratio < 9.995 {
        format!("×{ratio:.2}")
    } else {
        format!("×{}", significant(ratio, 3))
    }
}

/// The coverage of an interval: `90 %`.
pub fn coverage(confidence: f64) -> String {
    format!("{}\u{a0}%", (1e4 * confidence).round() / 100.0)
}

/// A number of tokens: `6T`, `1.5B`, `600M`.
pub fn tokens(count: f64) -> String {
    for (unit, name) in [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")] {
        if count >= unit {
            let mut text = significant(count / unit, 4);
            if text.contains('.') {
                text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
            }
            return text + name;
        }
    }
    significant(count, 4)
}

/// A setting as its user wrote it, as far as that can be known: the shortest text that reads back.
pub fn setting(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e6).contains(&value.abs()) {
        minus(&format!("{value:e}"))
    } else {
        minus(&value.to_string())
    }
}

/// `1 run`, `2 runs`.
pub fn count(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

/// A true minus sign where the number is negative; no sign on a zero.
pub fn minus(number: &str) -> String {
    match number.strip_prefix('-') {
        Some(rest)
            if rest
                .chars()
                .all(|c| matches!(c, '0' | '.' | '\u{a0}' | '%')) =>
        {
            rest.to_owned()
        }
        Some(rest) => format!("−{}", rest.replace("e-", "e−")),
        None => number.replace("e-", "e−"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_whatever_their_size() {
        assert_eq!(significant(0.764_71, 3), "0.765");
        assert_eq!(significant(123_456.0, 3), "123456");
        assert_eq!(significant(0.000_012_3, 3), "1.23e−5");
        assert_eq!(significant(-4.567, 3), "−4.57");
        assert_eq!(significant(9.999, 3), "10.0");
        assert_eq!(significant(0.009_999_9, 3), "0.0100");
        assert_eq!(significant(f64::NAN, 3), "–");
        assert_eq!(significant(0.0, 3), "0");
    }

    #[test]
    fn weights_tokens_and_ratios_read_as_in_a_paper() {
        assert_eq!(percent(0.123_456), "12.35");
        assert_eq!(percent(0.000_01), "<0.01");
        assert_eq!(percent(0.0), "0.00");
        assert_eq!(percent_short(0.1224), "12.2\u{a0}%");
        assert_eq!(percent_short(-0.003_21), "−0.32\u{a0}%");
        assert_eq!(tokens(6e12), "6T");
        assert_eq!(tokens(1.5e9), "1.5B");
        assert_eq!(tokens(100e9), "100B");
        assert_eq!(ratio(0.2, 0.05), "×4.00");
        assert_eq!(ratio(0.2, 0.0), "–");
        assert_eq!(setting(0.05), "0.05");
        assert_eq!(minus("-0.00"), "0.00");
    }
}
