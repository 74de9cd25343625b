//! Which names a domain may have.

/// Checks a domain's name; the error says what is wrong with it, as the end of a sentence.
pub(crate) fn validate_domain_name(name: &str) -> Result<(), &'static str> {
    if name.chars().any(char::is_control) {
        return Err("it holds characters that can't be shown");
    }
    if name.trim() != name {
        return Err("it begins or ends with a space");
    }
    if name.split(':').any(str::is_empty) {
        return Err("there is nothing before, between or after its colons");
    }
    if name.contains('*') {
        return Err("`*` stands for any characters where domains are named");
    }
    if matches!(name, "run" | "run_id" | "name" | "index") {
        return Err("tables of runs have a column of that name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_name_is_refused_where_a_table_a_pattern_or_a_config_could_not_hold_it() {
        for (name, part) in [
            ("a\nb", "can't be shown"),
            (" a", "begins or ends"),
            ("a::b", "colons"),
            (":a", "colons"),
            ("", "colons"),
            ("web:*", "`*`"),
            ("run", "tables of runs"),
            ("index", "tables of runs"),
        ] {
            let flaw = validate_domain_name(name).unwrap_err();
            assert!(flaw.contains(part), "{name:?}: {flaw}");
        }
        for name in ["web", "stack-edu:C++", "web:a:b", "runs", "Über uns"] {
            assert_eq!(validate_domain_name(name), Ok(()), "{name:?}");
        }
    }
}
