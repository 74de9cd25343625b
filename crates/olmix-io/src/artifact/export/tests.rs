//! What every format of [`Format::ALL`] must hold to.

use std::collections::HashSet;

use super::data::Asked;
use super::*;
use crate::config::yaml::Document;

/// A name and a path that programs might read as something else than a name and a path.
const ODD: &str = r##"it's "#5: {x} \ ${HOME} %s"##;

/// Four domains: an ordinary one, one with two files of unequal size, one in a store, and one with an odd name.
fn blend(format: &Format) -> Blend {
    let end = match format.reads.map_or("", |reads| reads.kinds[0]) {
        "megatron" => ".bin",
        "tokens" => ".npy",
        "jsonl" => ".jsonl",
        _ => "",
    };
    // These map files into memory.
    let far = if ["grain", "fairseq2"].contains(&format.name) {
        "data/math"
    } else {
        "s3://data/math"
    };
    let odd = match format.name {
        "megatron" => "odd",
        "levanter" => "it's \"#5: {x} ${HOME} %s", // no backslash
        _ => ODD,
    };
    let domain = |name: &str, billionths, paths: &[(&str, u64)]| BlendDomain {
        name: name.into(),
        billionths,
        tokens: Some(billionths as f64 / 1e3),
        available: Some(billionths as f64 / 1.5e3),
        epochs: Some(1.5),
        paths: paths
            .iter()
            .map(|&(path, share)| BlendPath {
                path: format!("{path}{end}"),
                billionths: share,
                tokens: None,
            })
            .collect(),
    };
    Blend {
        domains: vec![
            domain("web:news", 333_333_334, &[("news/0", 333_333_334)]),
            domain(
                "code",
                333_333_333,
                &[("code/a", 300_000_000), ("code/b", 33_333_333)],
            ),
            domain("math", 233_333_333, &[(far, 233_333_333)]),
            domain(odd, 100_000_000, &[(odd, 100_000_000)]),
        ],
        run: Run {
            target_tokens: Some(1e6),
            repetition_factor: Some(2.0),
            sequence_length: Some(10),
            batch_tokens: None,
        },
        origin: Some(Origin {
            file: "out/mixture.json".into(),
            sha256: "0123456789abcdef".into(),
            date: Some("2026-01-02".into()),
            made_by: Some("rule unimax; nothing was optimized".into()),
        }),
        dtype: "uint16",
    }
}

#[test]
fn format_names_are_unique_words_for_a_command_line_and_find_their_format() {
    let names: HashSet<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    assert_eq!(names.len(), Format::ALL.len());
    for format in Format::ALL {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(format.name().chars().all(is_word), "{}", format.name());
        assert!(!format.help().is_empty() && !format.extension().starts_with('.'));
        assert_eq!(Format::named(format.name()), Some(*format));
    }
    assert_eq!(Format::named("CSV"), None);
}

#[test]
fn every_format_writes_every_domain_in_the_syntax_of_its_extension() {
    for format in Format::ALL {
        let blend = blend(format);
        let text = format.text(&blend).unwrap();
        let name = format.name();
        assert_eq!(text, format.text(&blend).unwrap(), "{name}");
        assert!(text.ends_with('\n'), "{name}");
        for domain in &blend.domains[..3] {
            let path = domain.paths[0].path.trim_end_matches(".bin");
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
            "csv" => assert_eq!(text.lines().count(), 1 + blend.domains.len(), "{text}"),
            "py" => assert!(text.contains("\n]\n"), "{text}"),
            "txt" => assert_eq!(text.lines().count(), 1),
            other => panic!("{name}: no syntax is known for `{other}`"),
        }
    }
}

#[test]
fn every_trainers_export_says_tokens_epochs_origin_and_how_it_is_started() {
    for format in Format::ALL.iter().filter(|format| format.names_files()) {
        let blend = blend(format);
        let mut said = format.text(&blend).unwrap();
        said += &format.notices(&blend, true).join("\n");
        for part in [
            "For a run of 1e6 tokens:",
            "code: 3.3333e5 tokens, 1.50 epochs",
            "From out/mixture.json (sha256 0123456789ab, 2026-01-02): rule unimax; nothing was optimized.",
        ] {
            assert!(said.contains(part), "{}: {said}", format.name());
        }
        assert!(
            said.contains("Start: ") || said.contains("Megatron Bridge: "),
            "{}",
            format.name()
        );
    }
}

#[test]
fn what_a_trainer_rounds_away_is_said_of_the_domain() {
    let format = Format::named("grain").unwrap();
    let mut blend = blend(format);
    // 15 of 100,000 sequences, and 15.4 asked for.
    blend.domains[3].billionths = 154_000;
    blend.domains[3].tokens = Some(154.0);
    let text = format.text(&blend).unwrap();
    let says = "is drawn for 1.5000e2 tokens (-2.6 %).";
    assert!(
        text.contains(says) && text.matches("Rounded by").count() == 1,
        "{text}"
    );
}

#[test]
fn no_name_begins_a_line_of_its_own() {
    for format in Format::ALL {
        let mut blend = blend(format);
        if format.name() == "csv" {
            continue; // a cell in quotes may have several lines
        }
        // Such names are refused on the way in; a text that is made all the same keeps them in their line.
        blend.domains[0].name = "x\nimport os\u{2028}y".into();
        let Ok(text) = format.text(&blend) else {
            continue;
        };
        assert!(
            !text.lines().any(|line| line.starts_with("import os")),
            "{}: {text}",
            format.name()
        );
    }
}

#[test]
fn weights_follow_the_tokens_of_the_files_and_sum_to_the_domains() {
    let file = |path: &str, tokens: f64| DataFile {
        path: path.into(),
        kind: "megatron".into(),
        amount: Amount::Tokens(tokens),
    };
    let files = Ok(vec![
        file("web/0.bin", 2.7e6),
        file("tiny/0.bin", 5e4),
        file("none.bin", 0.0),
    ]);
    let written = [
        "web/0.bin".to_owned(),
        "tiny/0.bin".to_owned(),
        "none.bin".to_owned(),
    ];
    let asked = Asked {
        config: "gen.yaml",
        domain: "web",
        written: &written,
        files: Some(&files),
        billionths: 900_000_000,
        trainer: "megatron",
    };
    let reads = trainer::megatron::FORMAT.reads.unwrap();
    let paths = reads.paths(&asked).unwrap();
    let weights: Vec<(&str, u64)> = paths
        .iter()
        .map(|path| (path.path.as_str(), path.billionths))
        .collect();
    assert_eq!(
        weights,
        [("web/0.bin", 883_636_364), ("tiny/0.bin", 16_363_636)]
    );
    // Without sizes there is no telling, and nothing is guessed.
    let unseen = Err("no such file".to_owned());
    let refused = reads
        .paths(&Asked {
            files: Some(&unseen),
            ..asked
        })
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("what they hold can't be measured (no such file)"),
        "{refused}"
    );
}

#[test]
fn files_that_a_trainer_can_not_read_are_refused_with_what_it_needs() {
    let refused = |format: &str, path: &str| {
        let format = Format::named(format).unwrap();
        let written = [path.to_owned()];
        let asked = Asked {
            config: "gen.yaml",
            domain: "web",
            written: &written,
            files: None,
            billionths: 1,
            trainer: format.name(),
        };
        format
            .reads
            .unwrap()
            .paths(&asked)
            .err()
            .map(|error| error.to_string())
    };
    for (format, path, expected) in [
        ("levanter", "web/*.npy", "holds plain tokens"),
        ("huggingface", "web/a.bin", "holds plain tokens"),
        ("megatron", "web.npy", "holds plain tokens"),
        ("megatron", "web.jsonl", "holds text"),
        ("litgpt", "web/a.jsonl", "holds text"),
        ("streaming", "web/x.parquet", "holds text"),
        ("olmo-core", "web/x.jsonl.gz", "holds text"),
    ] {
        let message = refused(format, path).unwrap_or_default();
        assert!(message.contains(expected), "{format} {path}: {message}");
    }
    for (format, path) in [
        ("levanter", "web/*.jsonl.zst"),
        ("huggingface", "my.csv.d/x.jsonl"),
        ("megatron", "web_text_document"),
        ("streaming", "s3://data/web"),
        ("olmo-core", "web/**/*.npy"),
    ] {
        assert_eq!(refused(format, path), None, "{format} {path}");
    }
}

#[test]
fn a_format_of_its_own_needs_its_fields_and_nothing_else() {
    let format = Format {
        name: "count",
        help: "how many domains there are",
        extension: "json",
        reads: None,
        needs: Needs::NOTHING,
        remarks: &[],
        drawn: |_| None,
        text: |_, blend| Ok(format!("{}\n", blend.domains.len())),
    };
    let blend = blend(Format::JSON);
    assert_eq!(format.text(&blend).unwrap(), "4\n");
    assert!(format.notices(&blend, false).is_empty());
}
