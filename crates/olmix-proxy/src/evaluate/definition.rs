//! What bits per byte mean here: what lm-evaluation-harness 0.4.13 computes of the same model and texts.
//!
//! Of an answer behind a context: bits of the answer's tokens, over the UTF-8 bytes of the answer as the task
//! file has it. White space at the end of the context is given to the answer before both become tokens
//! (`TemplateLM._encode_pair`), so that a word has the token that texts have for it; its bits count, its
//! bytes do not. The context is made tokens alone, and context and answer together; the answer's tokens are
//! those of the latter behind as many as the former has. A context without text is one end-of-text token.
//!
//! Of a text: all of its tokens, in windows as long as the model can see, each behind the token before it, the
//! first behind an end-of-text token, and the last with as much before it as fits (`loglikelihood_rolling`).

use std::ops::Range;

/// The definition of tasks' bits per byte in `metrics.json`.
const HARNESS: &str = "lm-evaluation-harness";
/// The same, with an end-of-text token before every context.
const HARNESS_WITH_BOS: &str = "lm-evaluation-harness, add_bos_token";

/// The name of the definition, for `metrics.json`.
pub(super) fn name(add_bos_token: bool) -> &'static str {
    if add_bos_token {
        HARNESS_WITH_BOS
    } else {
        HARNESS
    }
}

/// A context without the white space at its end, as Python's `str.rstrip` leaves it.
pub(super) fn without_space(context: &str) -> &str {
    // Python counts the four separators of ASCII as white space, Unicode does not.
    context.trim_end_matches(|letter: char| {
        letter.is_whitespace() || matches!(letter, '\u{1c}'..='\u{1f}')
    })
}

/// A part of a text that goes through the model at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    /// Tokens that go in, the last only as a target; token 0 is the one before the text.
    pub tokens: Range<usize>,
    /// How many of them, at the end, are measured.
    pub measured: usize,
}

/// The windows of a text of `count` tokens behind a token that begins it, for a model that sees `context`
/// tokens. Together they measure every token of the text once.
pub(super) fn windows(count: usize, context: usize) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut done = 0;
    while done < count {
        let measured = context.min(count - done);
        done += measured;
        windows.push(Window {
            // Places are those of the tokens, plus one for the token before them.
            tokens: done.saturating_sub(context)..done + 1,
            measured,
        });
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_at_the_end_of_a_context_is_what_python_strips() {
        for (context, left) in [
            ("3 + 4 = ", "3 + 4 ="),
            ("a\u{1c}\u{1f}\u{85}\u{a0}\u{3000}\n", "a"),
            ("a\u{200b}", "a\u{200b}"),
            (" \t", ""),
        ] {
            assert_eq!(without_space(context), left, "{context:?}");
        }
    }

    #[test]
    fn windows_measure_every_token_once_and_the_last_sees_as_much_as_fits() {
        let window = |tokens, measured| Window { tokens, measured };
        assert_eq!(windows(3, 4), [window(0..4, 3)]);
        assert_eq!(windows(4, 4), [window(0..5, 4)]);
        assert_eq!(
            windows(10, 4),
            [window(0..5, 4), window(4..9, 4), window(6..11, 2)]
        );
        assert!(windows(0, 4).is_empty());
    }
}
