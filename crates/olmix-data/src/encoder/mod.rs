//! Tokenizers: from texts to the ids of tokens.

mod bytes_tokenizer;
mod guard;

use std::path::Path;

use sha2::{Digest, Sha256};
use tokenizers::{ModelWrapper, Tokenizer};

use guard::guarded;

use crate::{DataError, Dtype, Unit};

/// Turns texts into tokens.
#[derive(Debug)]
pub struct Encoder {
    name: String,
    /// `None` for bytes, which need no library.
    tokenizer: Option<Box<Tokenizer>>,
    vocabulary: u64,
    end_of_text: Option<u32>,
    /// The dropout that the file asks for and that is left out.
    dropout: Option<f32>,
    json: Vec<u8>,
    sha256: String,
}

/// What tokenizers call the end of a text, the most telling first.
const ENDS: [&str; 13] = [
    "<|endoftext|>",
    "<|end_of_text|>",
    "<｜end▁of▁sentence｜>", // DeepSeek's, with full-width bars
    "<|end▁of▁sentence|>",
    "</s>",
    "<eos>",
    "<|eos|>",
    "[EOS]",
    "<EOS>",
    "<eod>",
    "<|eod|>",
    "<|endofdocument|>",
    "<|end|>",
];

impl Encoder {
    /// Opens a tokenizer.
    ///
    /// # Errors
    /// [`DataError::Tokenizer`] when the file can't be read or is no `tokenizer.json`.
    pub fn open(unit: &Unit) -> Result<Self, DataError> {
        match unit {
            Unit::Bytes => Ok(Self::bytes()),
            Unit::Tokenizer(path) => Self::file(path),
        }
    }

    /// UTF-8 bytes: the id of a byte is its value, 256 ends a text.
    #[must_use]
    pub fn bytes() -> Self {
        let json = bytes_tokenizer::json();
        Self {
            name: "bytes".to_owned(),
            tokenizer: None,
            vocabulary: bytes_tokenizer::VOCABULARY,
            end_of_text: Some(bytes_tokenizer::END_OF_TEXT),
            dropout: None,
            sha256: hex(&Sha256::digest(&json)),
            json,
        }
    }

    fn file(path: &Path) -> Result<Self, DataError> {
        let failed = |problem: String| DataError::Tokenizer {
            name: path.display().to_string(),
            problem,
            help: "give the path of a tokenizer.json, or `bytes` for UTF-8 bytes".to_owned(),
        };
        let json = olmix_fs::read_bounded(path).map_err(|error| failed(error.to_string()))?;
        let opened = guarded(|| opened(&json)).unwrap_or_else(|panic| Err(panicked(&panic)));
        let Opened {
            tokenizer,
            vocabulary,
            end_of_text,
            dropout,
        } = opened.map_err(failed)?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        Ok(Self {
            name: name.unwrap_or_default(),
            tokenizer: Some(tokenizer),
            vocabulary,
            end_of_text,
            dropout,
            sha256: hex(&Sha256::digest(&json)),
            json,
        })
    }

    /// The same tokenizer, whose texts end with a token that is named.
    ///
    /// # Errors
    /// [`DataError::Tokenizer`] where it has no such token.
    pub fn with_end_of_text(mut self, token: &str) -> Result<Self, DataError> {
        let found = match &self.tokenizer {
            Some(tokenizer) => tokenizer.token_to_id(token),
            None => (token == bytes_tokenizer::END_TOKEN).then_some(bytes_tokenizer::END_OF_TEXT),
        };
        if found.is_none() {
            return Err(DataError::Tokenizer {
                name: self.name,
                problem: format!("has no token `{token}`"),
                help: "name one of its tokens, as tokenizer.json writes it".to_owned(),
            });
        }
        self.end_of_text = found;
        Ok(self)
    }

    /// `bytes`, or the name of its file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The largest id plus one.
    #[must_use]
    pub fn vocabulary(&self) -> u64 {
        self.vocabulary
    }

    /// The token that ends a text, if there is one with a usual name.
    #[must_use]
    pub fn end_of_text(&self) -> Option<u32> {
        self.end_of_text
    }

    /// What is read in another way than its file says, for people.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        let dropout = self.dropout?;
        Some(format!(
            "{}: asks for a dropout of merges ({dropout}), which is left out: the same text has the same tokens \
             every time",
            self.name
        ))
    }

    /// Its `tokenizer.json`, as Hugging Face's libraries read it.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// SHA-256 of its `tokenizer.json`, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether its tokens are UTF-8 bytes.
    #[must_use]
    pub fn is_bytes(&self) -> bool {
        self.tokenizer.is_none()
    }

    /// Refuses a text of which the tokens would differ from Python's.
    ///
    /// # Errors
    /// A sentence with the length of the run of white space that is too long.
    pub(crate) fn check(&self, text: &str) -> Result<(), String> {
        if self.is_bytes() || text.len() < LONGEST_SPACE {
            return Ok(());
        }
        let (mut run, mut longest) = (0, 0);
        for letter in text.chars() {
            run = if letter.is_whitespace() { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        if longest < LONGEST_SPACE {
            return Ok(());
        }
        Err(format!(
            "a run of {longest} white-space characters, of which {LONGEST_SPACE} and more become other tokens \
             than in Python; shorten it"
        ))
    }

    /// The tokens of a text, none added before or after. Special tokens that are written out in it are
    /// text like any other.
    ///
    /// # Errors
    /// [`DataError::Tokenizer`] with what the tokenizer says, which only odd ones do.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let Some(tokenizer) = &self.tokenizer else {
            return Ok(text.bytes().map(u32::from).collect());
        };
        let encoded = self.check(text).and_then(|()| encoded(tokenizer, text));
        match encoded {
            Ok(found) => Ok(found.get_ids().to_vec()),
            Err(problem) => Err(DataError::Tokenizer {
                name: self.name.clone(),
                problem,
                help: "use another tokenizer, or leave the text out".to_owned(),
            }),
        }
    }

    /// Appends the tokens of a text, `dtype` each, and returns how many they are.
    pub(crate) fn append(
        &self,
        text: &str,
        dtype: Dtype,
        into: &mut Vec<u8>,
    ) -> Result<usize, DataError> {
        if self.is_bytes() && dtype == Dtype::Uint16 {
            into.extend(text.bytes().flat_map(|byte| [byte, 0]));
            return Ok(text.len());
        }
        let tokens = self.encode(text)?;
        tokens.iter().for_each(|&token| dtype.append(token, into));
        Ok(tokens.len())
    }

    /// How many tokens a text has.
    pub(crate) fn count(&self, text: &str) -> Result<u64, String> {
        match &self.tokenizer {
            None => Ok(text.len() as u64),
            Some(tokenizer) => {
                self.check(text)?;
                encoded(tokenizer, text).map(|found| found.len() as u64)
            }
        }
    }
}

/// A tokenizer, and what is asked of it once.
struct Opened {
    tokenizer: Box<Tokenizer>,
    vocabulary: u64,
    end_of_text: Option<u32>,
    dropout: Option<f32>,
}

/// Opens the text of a tokenizer.json.
fn opened(json: &[u8]) -> Result<Opened, String> {
    let mut tokenizer = Tokenizer::from_bytes(json).map_err(|error| error.to_string())?;
    // Files of models for search cut texts short and fill them up.
    tokenizer
        .with_truncation(None)
        .map_err(|error| error.to_string())?
        .with_padding(None);
    // A document that writes of `<|endoftext|>` does not end there.
    tokenizer.set_encode_special_tokens(true);
    let largest = tokenizer.get_vocab(true).into_values().max();
    let largest = largest.ok_or("has no tokens")?;
    let dropout = without_dropout(&mut tokenizer);
    let end_of_text = end_of_text(&tokenizer);
    Ok(Opened {
        tokenizer: Box::new(tokenizer),
        vocabulary: u64::from(largest) + 1,
        end_of_text,
        dropout,
    })
}

/// The tokens of a text.
fn encoded(tokenizer: &Tokenizer, text: &str) -> Result<tokenizers::Encoding, String> {
    let encoded = guarded(|| tokenizer.encode_fast(text, false));
    encoded
        .map_err(|panic| panicked(&panic))?
        .map_err(|error| error.to_string())
}

/// That the library gave up.
fn panicked(panic: &str) -> String {
    format!("the library `tokenizers` can't work with it, and gave up: {panic}")
}

/// White-space characters in a row from which on the library's regular expressions give up, a little below
/// its limit of a million.
const LONGEST_SPACE: usize = 990_000;

/// The token that ends a text: one of the usual names among special tokens, which no text can contain, else
/// among all.
fn end_of_text(tokenizer: &Tokenizer) -> Option<u32> {
    let special: Vec<(u32, String)> = tokenizer
        .get_added_tokens_decoder()
        .into_iter()
        .filter(|(_, token)| token.special)
        .map(|(id, token)| (id, token.content))
        .collect();
    let named = |end: &str| special.iter().find(|(_, name)| name == end);
    let found = ENDS.iter().find_map(|end| named(end)).map(|(id, _)| *id);
    found.or_else(|| ENDS.iter().find_map(|end| tokenizer.token_to_id(end)))
}

/// Leaves out the dropout of merges that a file may ask for, and returns it: the same text has the same tokens.
fn without_dropout(tokenizer: &mut Tokenizer) -> Option<f32> {
    let ModelWrapper::BPE(model) = tokenizer.get_model() else {
        return None;
    };
    let dropout = model.dropout?;
    let mut model = model.clone();
    model.dropout = None;
    tokenizer.with_model(model);
    Some(dropout).filter(|dropout| *dropout > 0.0)
}

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in bytes {
        hex += &format!("{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splits at spaces and knows three words; cuts texts after one token.
    const JSON: &str = r#"{"version": "1.0", "padding": null,
 "truncation": {"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0},
 "added_tokens": [{"id": 3, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false,
  "normalized": false, "special": true}],
 "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
 "model": {"type": "WordLevel", "vocab": {"one": 0, "two": 1, "[UNK]": 6}, "unk_token": "[UNK]"}}"#;

    fn open(json: &str) -> Result<Encoder, DataError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), json).unwrap();
        Encoder::open(&Unit::Tokenizer(file.path().to_owned()))
    }

    #[test]
    fn the_vocabulary_reaches_to_the_largest_id_and_the_end_of_a_text_is_found() {
        let encoder = open(JSON).unwrap();
        assert_eq!((encoder.vocabulary(), encoder.end_of_text()), (7, Some(3)));
        assert_eq!(encoder.json(), JSON.as_bytes());
        let other = open(&JSON.replace("</s>", "<stop>")).unwrap();
        assert_eq!(other.end_of_text(), None);
        let named = other.with_end_of_text("<stop>").unwrap();
        assert_eq!(named.end_of_text(), Some(3));
        let error = named.with_end_of_text("<none>").unwrap_err().to_string();
        assert!(error.contains("has no token `<none>`"), "{error}");
        let bytes = Encoder::bytes();
        assert_eq!((bytes.vocabulary(), bytes.end_of_text()), (257, Some(256)));
    }

    #[test]
    fn texts_are_encoded_whole_and_a_special_token_in_them_is_text() {
        let encoder = open(JSON).unwrap();
        assert_eq!(encoder.encode("two one two").unwrap(), [1, 0, 1]);
        assert_eq!(encoder.encode("one </s> two").unwrap(), [0, 6, 1]);
        let text = "a<|endoftext|>";
        assert_eq!(Encoder::bytes().encode(text).unwrap().len(), text.len());
    }

    #[test]
    fn the_end_of_a_text_is_a_special_token_before_an_ordinary_one() {
        // `<|endoftext|>` is a piece that a text can contain; `</s>` is special.
        let piece = JSON.replace("\"one\": 0", "\"one\": 0, \"<|endoftext|>\": 2");
        // Added tokens are numbered on from the vocabulary.
        assert_eq!(open(&piece).unwrap().end_of_text(), Some(4));
        let ordinary = piece.replace("</s>", "<other>");
        assert_eq!(open(&ordinary).unwrap().end_of_text(), Some(2));
        let deepseek = JSON.replace("</s>", "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>");
        assert_eq!(open(&deepseek).unwrap().end_of_text(), Some(3));
    }

    #[test]
    fn dropout_of_a_tokenizer_is_left_out() {
        let json = r#"{"version": "1.0", "added_tokens": [], "pre_tokenizer": null, "model": {"type": "BPE",
            "dropout": 0.5, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}}"#;
        let encoder = open(json).unwrap();
        assert_eq!(encoder.encode(&"ab".repeat(200)).unwrap(), [2; 200]);
        let notice = encoder.notice().unwrap();
        assert!(notice.contains("a dropout of merges (0.5)"), "{notice}");
        assert_eq!(open(JSON).unwrap().notice(), None);
    }

    #[test]
    fn a_million_spaces_are_refused_with_their_number() {
        let encoder = open(JSON).unwrap();
        let text = |spaces| format!("one{}two", " ".repeat(spaces));
        assert_eq!(encoder.encode(&text(900_000)).unwrap(), [0, 1]);
        let error = encoder.encode(&text(1_000_000)).unwrap_err().to_string();
        assert!(
            error.contains("a run of 1000000 white-space characters"),
            "{error}"
        );
        assert_eq!(
            Encoder::bytes().encode(&text(1_000_000)).unwrap().len(),
            1_000_006
        );
    }

    #[test]
    fn a_file_that_is_no_tokenizer_is_refused() {
        for bad in ["{}", "no json", ""] {
            let error = open(bad).unwrap_err().to_string();
            assert!(
                error.contains("help: give the path of a tokenizer.json"),
                "{error}"
            );
        }
    }
}
