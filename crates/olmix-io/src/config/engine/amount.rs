//! Times and amounts of memory, as Slurm writes them.

/// Longest time, in seconds: what Slurm counts in minutes of 32 bits.
const MOST_SECONDS: u64 = 60 * (u32::MAX as u64 - 1);

/// Seconds of a time as Slurm writes it: minutes, `M:S`, `H:M:S`, `D-H`, `D-H:M`, `D-H:M:S`. `None` for what is
/// none, nothing, or longer than Slurm can count.
pub fn seconds(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days.parse::<u64>().ok()?), rest),
        None => (None, text),
    };
    let parts: Vec<u64> = rest
        .split(':')
        .map(|part| part.trim().parse().ok())
        .collect::<Option<_>>()?;
    let units: &[u64] = match (days.is_some(), parts.len()) {
        (true, 1) => &[3600],
        (true, 2) => &[3600, 60],
        (_, 3) => &[3600, 60, 1],
        (false, 1) => &[60],
        (false, 2) => &[60, 1],
        _ => return None,
    };
    let mut seconds = days.unwrap_or(0).checked_mul(86_400)?;
    for (part, unit) in parts.iter().zip(units) {
        seconds = seconds.checked_add(part.checked_mul(*unit)?)?;
    }
    (1..=MOST_SECONDS).contains(&seconds).then_some(seconds)
}

/// An amount of memory: megabytes, or a number with K, M, G or T, all powers of 1024; `GB` and `GiB` are `G`.
/// As Slurm writes it, and in bytes.
pub fn memory(text: &str) -> Option<(String, u64)> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_uppercase();
    let digits = digits.trim_end();
    let unit = match unit.strip_suffix("IB").or_else(|| unit.strip_suffix('B')) {
        // A number of bytes is nobody's unit here.
        Some("") => return None,
        Some(unit) => unit,
        None => &unit,
    };
    let power = match unit {
        "K" => 1,
        "" | "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    let bytes = number.checked_mul(1024_u64.pow(power))?;
    Some((format!("{number}{unit}"), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_slurm_reads_them_and_none_wraps() {
        for (text, expected) in [
            ("90", 5400),
            ("1:30", 90),
            ("2:30:00", 9000),
            ("1-12", 129_600),
            ("1-12:30", 131_400),
            ("1-12:30:05", 131_405),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "0",
            "soon",
            "1:2:3:4",
            "18446744073709551615",
            "307445734561825861",
            "213503982334602-0",
            "-1",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn memory_is_read_with_and_without_units() {
        for (text, slurm, bytes) in [
            ("32G", "32G", 32 << 30),
            ("32GB", "32G", 32 << 30),
            ("32 GiB", "32G", 32 << 30),
            ("512", "512", 512 << 20),
            ("500mb", "500M", 500 << 20),
            ("1T", "1T", 1 << 40),
            ("0", "0", 0),
        ] {
            assert_eq!(memory(text), Some((slurm.to_owned(), bytes)), "{text}");
        }
        for text in ["many", "", "G", "1.5G", "32X", "-1G", "99999999999T", "5B"] {
            assert_eq!(memory(text), None, "{text}");
        }
    }
}
