//! The blend of Megatron-LM: a line or file of weights and paths, `0.3 path 0.7 path`.

use std::path::Path;

use super::{DomainWeights, plain};
use crate::config::fit::matches;
use crate::config::generation::{Content, DataConfig};
use crate::error::{IoError, Location};
use crate::messages::{excerpt, listed};

/// What a blend is called.
pub(super) const KIND: &str = "blend";

/// A text of weights and paths, on one line or several; paths with white space stand in quotes.
pub(super) fn of_text(text: &str) -> Option<DomainWeights> {
    let text = text.trim();
    let words = words(text.strip_prefix("--data-path").unwrap_or(text))?;
    of_words(&words)
}

/// Weights and paths that alternate.
pub(super) fn of_words(words: &[String]) -> Option<DomainWeights> {
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return None;
    }
    let mut parts: Vec<(String, f64)> = Vec::new();
    for pair in words.chunks(2) {
        let [weight, path] = pair else { return None };
        let weight: f64 = weight.parse().ok()?;
        // Two numbers are no weight and path.
        if path.parse::<f64>().is_ok() {
            return None;
        }
        add(&mut parts, path, weight);
    }
    Some(plain(KIND, parts))
}

fn add(parts: &mut Vec<(String, f64)>, name: &str, weight: f64) {
    match parts.iter_mut().find(|(other, _)| other == name) {
        Some((_, sum)) => *sum += weight,
        None => parts.push((name.to_owned(), weight)),
    }
}

/// The words of a text, as a shell would split them; `None` for a quote that does not end.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Some(words);
        }
        let mut word = String::new();
        while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
            match c {
                '\'' | '"' => loop {
                    match chars.next()? {
                        end if end == c => break,
                        '\\' if c == '"' => word.push(chars.next()?),
                        other => word.push(other),
                    }
                },
                '\\' => word.push(chars.next()?),
                other => word.push(other),
            }
        }
        words.push(word);
    }
}

/// A blend over the domains that list its paths.
pub(super) fn over(
    file: &str,
    blend: DomainWeights,
    data: &DataConfig,
) -> Result<DomainWeights, IoError> {
    let leaves = data.leaves();
    let mut parts = Vec::new();
    for (path, weight) in &blend.weights {
        let lists = |leaf: &&(String, &_)| lists(leaf.1, path);
        let found: Vec<&str> = leaves
            .iter()
            .filter(lists)
            .map(|(name, _)| name.as_str())
            .collect();
        match found[..] {
            [one] => add(&mut parts, one, *weight),
            [] => {
                return Err(IoError::input(
                    file,
                    Location::File,
                    format!("no domain of {} lists `{}`", data.file, excerpt(path)),
                    "add the path to data.sources, or correct it in the blend",
                ));
            }
            _ => {
                return Err(IoError::input(
                    file,
                    Location::File,
                    format!(
                        "`{}` belongs to several domains: {}",
                        excerpt(path),
                        listed(found, 5)
                    ),
                    "list each path in one domain",
                ));
            }
        }
    }
    Ok(DomainWeights {
        weights: parts,
        ..blend
    })
}

/// Whether a leaf's paths, or its globs, name the files of a prefix.
fn lists(leaf: &crate::config::generation::Source, prefix: &str) -> bool {
    let Content::Paths(paths) = &leaf.content else {
        return false;
    };
    let bare = |path: &str| {
        let path = Path::new(path);
        let known = path
            .extension()
            .is_some_and(|end| end == "bin" || end == "idx");
        let path = if known {
            path.with_extension("")
        } else {
            path.to_owned()
        };
        path.strip_prefix(".").map(Path::to_owned).unwrap_or(path)
    };
    paths.iter().any(|path| {
        bare(path) == bare(prefix)
            || path.contains('*')
                && (matches(path, prefix) || matches(path, &format!("{prefix}.bin")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_is_weights_and_paths_that_alternate() {
        let blend = of_text("0.3 /data/web 0.5 \"/my data/code\" 0.2 /data/web\n").unwrap();
        let expected = [
            ("/data/web".to_owned(), 0.5),
            ("/my data/code".to_owned(), 0.5),
        ];
        assert_eq!(blend.weights, expected);
        assert!(of_text("--data-path 30 a\n 70 b\n").is_some());
        for text in [
            "",
            "0.3 a 0.7",
            "a 0.3",
            "web: 0.3\n",
            "0.3 0.4",
            "{a: 1}",
            "0.3 'a",
        ] {
            assert!(of_text(text).is_none(), "{text:?}");
        }
    }
}
