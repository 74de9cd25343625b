//! Whole sections put into a text, with everything else as it stands: comments, order, layout.

use super::{Document, Kind, Yaml};
use crate::error::{IoError, Location};

/// A text with other values for some of its outermost keys. What stood there before stays as comments above it; a key
/// that was not there comes at the end. `file` names the text in messages.
///
/// Where lines alone can't show that (a text in braces, an anchor in a section that goes), the text is written anew
/// without comments.
///
/// # Errors
/// [`IoError::Input`] for a text that is no document, or whose outermost value is not a mapping.
pub fn with_sections(file: &str, text: &str, sections: &[(&str, Yaml)]) -> Result<String, IoError> {
    let document = Document::parse(file, text)?;
    let mut wanted = document.root().to_yaml();
    for (key, value) in sections {
        wanted.set(key, value.clone());
    }
    let by_lines = replace_lines(&document, text, sections);
    let same = |text: &String| {
        let read = Document::parse(file, text);
        read.is_ok_and(|read| read.root().to_yaml() == reread(file, &wanted))
    };
    Ok(by_lines.filter(same).unwrap_or_else(|| wanted.to_file()))
}

/// A value as it reads once it is written.
fn reread(file: &str, value: &Yaml) -> Yaml {
    let document = Document::parse(file, &value.to_file());
    document.map_or_else(|_| value.clone(), |document| document.root().to_yaml())
}

fn replace_lines(document: &Document, text: &str, sections: &[(&str, Yaml)]) -> Option<String> {
    let Kind::Mapping(entries) = &document.nodes[document.root].kind else {
        return None;
    };
    let line_of = |location: &Location| match location {
        Location::Position { line, .. } | Location::Line(line) => usize::try_from(*line).ok(),
        _ => None,
    };
    let mut starts: Vec<(usize, &str)> = entries
        .iter()
        .map(|entry| Some((line_of(&entry.location)?, entry.key.as_str())))
        .collect::<Option<_>>()?;
    starts.sort_unstable();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut written = String::new();
    let mut at = 0;
    for (position, (start, key)) in starts.iter().enumerate() {
        let Some((_, value)) = sections.iter().find(|(name, _)| name == key) else {
            continue;
        };
        let begin = start.checked_sub(1)?;
        let mut end = starts
            .get(position + 1)
            .map_or(lines.len(), |next| next.0 - 1);
        // Comments before the next key speak of that.
        while end > begin + 1 && is_between(lines.get(end - 1)?) {
            end -= 1;
        }
        written.extend(lines.get(at..begin)?.iter().copied());
        for line in lines.get(begin..end)? {
            written += "# ";
            written += line.trim_end();
            written.push('\n');
        }
        written += &section(key, value);
        at = end;
    }
    written.extend(lines.get(at..)?.iter().copied());
    for (key, value) in sections {
        if !starts.iter().any(|(_, known)| known == key) {
            if !written.is_empty() && !written.ends_with('\n') {
                written.push('\n');
            }
            written += &section(key, value);
        }
    }
    Some(written)
}

/// Whether a line is empty or a comment of the outermost level.
fn is_between(line: &str) -> bool {
    line.starts_with('#') || line.trim().is_empty()
}

fn section(key: &str, value: &Yaml) -> String {
    Yaml::map([(key, value.clone())]).to_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(least: f64) -> Yaml {
        Yaml::map([("min", Yaml::number(least))])
    }

    #[test]
    fn a_section_is_replaced_and_what_stood_there_stays_as_a_comment() {
        let text = "# of ours\na: 1 # one\nb:\n  min: 0.5  # why\n\n# of c\nc: [x]\n";
        let sections = [("b", bounds(0.25)), ("d", bounds(0.125))];
        let new = with_sections("f", text, &sections).unwrap();
        assert_eq!(
            new,
            "# of ours\na: 1 # one\n# b:\n#   min: 0.5  # why\nb:\n  min: 0.25\n\n# of c\nc: [x]\nd:\n  min: 0.125\n"
        );
    }

    #[test]
    fn a_text_in_braces_and_one_whose_anchor_goes_are_written_anew_with_the_same_values() {
        let braces = with_sections("f", "{a: 1, b: {min: 2}}", &[("b", bounds(0.5))]).unwrap();
        assert_eq!(braces, "a: 1\nb:\n  min: 0.5\n");
        let anchor = "b: &x\n  min: 2\nc: *x\n";
        let anchor = with_sections("f", anchor, &[("b", bounds(0.5))]).unwrap();
        assert_eq!(anchor, "b:\n  min: 0.5\nc:\n  min: 2\n");
    }

    #[test]
    fn a_text_without_a_line_break_at_its_end_or_with_windows_ones_keeps_its_keys() {
        for text in ["a: 1\nb: {min: 2}", "a: 1\r\nb: {min: 2}\r\nc: 3\r\n"] {
            let new = with_sections("f", text, &[("b", bounds(0.5)), ("z", bounds(1.0))]).unwrap();
            let read = Document::parse("f", &new).unwrap();
            let keys: Vec<String> = read
                .root()
                .entries()
                .unwrap()
                .into_iter()
                .map(|(k, _)| k.to_owned())
                .collect();
            assert!(
                keys.contains(&"a".to_owned()) && keys.contains(&"z".to_owned()),
                "{new}"
            );
            assert!(new.contains("# b: {min: 2}\nb:\n  min: 0.5\n"), "{new}");
        }
    }
}
