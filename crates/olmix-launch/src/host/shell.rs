//! Words for a shell, and commands with placeholders.

/// A word as a shell reads it back.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A text with `{name}` replaced by what `value` says for each name that it knows.
pub fn filled<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        result += &rest[..open];
        rest = &rest[open..];
        let name = rest[1..].find('}').map(|close| &rest[1..=close]);
        if let Some((name, value)) = name.and_then(|name| Some((name, value(name)?))) {
            result += value;
            rest = &rest[name.len() + 2..];
        } else {
            result.push('{');
            rest = &rest[1..];
        }
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_quoted_words_back() {
        for word in [
            "plain/path-1.json",
            "",
            "two words",
            "it's",
            "$HOME `x` \"y\" \\ \n ü",
        ] {
            let script = format!("printf %s {}", quoted(word));
            let done = std::process::Command::new("sh")
                .args(["-c", &script])
                .output();
            assert_eq!(String::from_utf8(done.unwrap().stdout).unwrap(), word);
        }
        assert_eq!(quoted("plain/path-1.json"), "plain/path-1.json");
    }

    #[test]
    fn known_placeholders_are_filled_and_other_braces_stay() {
        let value = |name: &str| match name {
            "out" => Some("/o"),
            "a" => Some("{out}"),
            _ => None,
        };
        for (text, expected) in [
            ("x {out}/m --a={a}", "x /o/m --a={out}"),
            ("${HOME} {{out}} {b} {", "${HOME} {/o} {b} {"),
            ("awk '{print}' {out", "awk '{print}' {out"),
        ] {
            assert_eq!(filled(text, value), expected);
        }
    }
}
