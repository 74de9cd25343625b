//! Pieces of messages: quoted names, excerpts, short lists, and the nearest known name.

use crate::names::is_control;

/// The candidate that `name` most likely was meant to be, if any is close.
///
/// Close means equal but for case, or at most a third of its characters edited.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = name.chars().count();
    if length > 200 {
        return None;
    }
    let allowed = (length / 3).max(1);
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 400)
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            // `arc_easy` is meant to be `arc_easy:rc::olmes`, however long the suffix is.
            let distance = if lower.split(':').next() == Some(name.as_str()) {
                1
            } else {
                strsim::osa_distance(&name, &lower)
            };
            // An accent of its own is an edit that nobody sees.
            let accents = accents(&name).abs_diff(accents(&lower));
            (distance.saturating_sub(2 * accents), candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?" or, when nothing is close, `otherwise`.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    match nearest(name, candidates) {
        Some(candidate) => format!(
            "did you mean `{}`?{}",
            excerpt(candidate),
            look_alike(name, candidate)
        ),
        None => otherwise(),
    }
}

/// Accents that are characters of their own.
fn accents(text: &str) -> usize {
    text.chars()
        .filter(|c| ('\u{300}'..='\u{36f}').contains(c))
        .count()
}

/// What to add to a message where two names look alike and are not written alike: one has accents of their own,
/// which follow a letter (as macOS writes file names), the other letters with accents.
pub(crate) fn look_alike(name: &str, candidate: &str) -> &'static str {
    if (accents(name) > 0) == (accents(candidate) > 0) {
        ""
    } else {
        " The two look alike, but one is written with combining accents: copy one name over the other"
    }
}

/// At most `limit` names in backquotes, and how many more there are.
pub(crate) fn listed<'a>(
    names: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    limit: usize,
) -> String {
    let names = names.into_iter();
    let quoted = names.map(|name| format!("`{}`", excerpt(name)));
    first_few(quoted, limit)
}

/// At most `limit` texts with commas between, and how many more there are: `a, b and 3 more`.
#[must_use]
pub fn first_few(
    texts: impl IntoIterator<Item = String, IntoIter: ExactSizeIterator>,
    limit: usize,
) -> String {
    let texts = texts.into_iter();
    let more = texts.len().saturating_sub(limit);
    let shown: Vec<String> = texts.take(limit).collect();
    let shown = shown.join(", ");
    if more > 0 {
        format!("{shown} and {more} more")
    } else {
        shown
    }
}

/// Text short enough for a message, without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    const LIMIT: usize = 60;
    let mut short: String = text
        .chars()
        .take(LIMIT)
        .map(|c| if is_control(c) { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(LIMIT).is_some() {
        short.push('…');
    }
    short
}

/// "1 run" or "3 runs".
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_that_is_close() {
        let known = ["regression", "priors", "arc_easy:rc::olmes"];
        assert_eq!(nearest("regresion", known), Some("regression"));
        assert_eq!(nearest("PRIORS", known), Some("priors"));
        assert_eq!(nearest("arc_easy", known), Some("arc_easy:rc::olmes"));
        assert_eq!(nearest("wikipedia", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn lists_and_excerpts_are_cut_at_their_limit() {
        assert_eq!(listed(["a", "b"], 3), "`a`, `b`");
        assert_eq!(listed(["a", "b", "c"], 2), "`a`, `b` and 1 more");
        assert_eq!(first_few(["a".to_owned()], 1), "a");
        assert_eq!(excerpt("a\u{7}b"), "a\u{fffd}b");
        assert_eq!(excerpt(&"x".repeat(70)).chars().count(), 61);
    }
}
