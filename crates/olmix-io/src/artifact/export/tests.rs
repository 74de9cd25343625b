//! What every format of [`Format::ALL`] must hold to.

use std::collections::HashSet;

use super::*;
use crate::config::yaml::Document;

/// Thirds, of a domain with one path, one with two and one with a glob.
fn blend() -> Blend {
    let domain = |name: &str, billionths, paths: &[&str]| BlendDomain {
        name: name.into(),
        billionths,
        tokens: Some(200.0),
        epochs: Some(1.5),
        paths: paths.iter().map(|&path| path.to_owned()).collect(),
    };
    Blend {
        domains: vec![
            domain("web:news", 333_333_334, &["news/*.jsonl"]),
            domain("code", 333_333_333, &["code/a.bin", "code/b.bin"]),
            domain("math", 333_333_333, &["s3://data/math.bin"]),
        ],
        target_tokens: Some(600.0),
    }
}

#[test]
fn format_names_are_unique_words_for_a_command_line_and_find_their_format() {
    let names: HashSet<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    assert_eq!(names.len(), Format::ALL.len());
    for format in Format::ALL {
        let is_word = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(format.name().chars().all(is_word), "{}", format.name());
        assert!(!format.help().is_empty() && !format.extension().starts_with('.'));
        assert_eq!(Format::named(format.name()), Some(*format));
    }
    assert_eq!(Format::named("CSV"), None);
}

#[test]
fn every_format_writes_every_domain_in_the_syntax_of_its_extension() {
    let blend = blend();
    for format in Format::ALL {
        let text = format.text(&blend).unwrap();
        let name = format.name();
        assert_eq!(text, format.text(&blend).unwrap(), "{name}");
        assert!(text.ends_with('\n'), "{name}");
        for domain in &blend.domains {
            let path = domain.paths[0].trim_end_matches(".bin");
            assert!(
                text.contains(&domain.name) || text.contains(path),
                "{name}: {text}"
            );
            assert!(
                text.contains(path) == format.names_files(),
                "{name}: {text}"
            );
        }
        match format.extension() {
            "yaml" => assert!(
                Document::parse("t", &text)
                    .unwrap()
                    .root()
                    .entries()
                    .is_ok()
            ),
            "json" => {
                let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
                assert_eq!(rows.len(), blend.domains.len());
            }
            "csv" => assert!(
                text.lines().all(|line| line.split(',').count() == 4),
                "{text}"
            ),
            "py" => assert!(text.contains("\ndef load("), "{text}"),
            "txt" => assert_eq!(text.lines().count(), 1),
            other => panic!("{name}: no syntax is known for `{other}`"),
        }
    }
}

#[test]
fn globs_and_missing_paths_are_said_only_of_formats_that_have_paths() {
    let said = |name: &str, has_data| Format::named(name).unwrap().notices(&blend(), has_data);
    assert!(said("streaming", true)[0].contains("some paths are globs"));
    assert!(said("olmo-core", true).is_empty());
    assert!(said("levanter", false)[0].contains("names of domains stand for paths"));
    assert!(said("csv", false).is_empty());
}

#[test]
fn a_format_of_its_own_needs_its_fields_and_nothing_else() {
    let format = Format {
        name: "count",
        help: "how many domains there are",
        extension: "txt",
        names_files: false,
        takes_globs: true,
        text: |blend| Ok(format!("{}\n", blend.domains.len())),
    };
    assert_eq!(format.text(&blend()).unwrap(), "3\n");
    assert!(format.notices(&blend(), false).is_empty());
}
