//! The `tokenizer.json` of UTF-8 bytes: byte-level BPE without a merge, so that a byte is a token.

use serde_json::{Map, Value, json};

/// The token that ends a text.
pub(crate) const END_TOKEN: &str = "<|endoftext|>";
/// The id of [`END_TOKEN`].
pub(crate) const END_OF_TEXT: u32 = 256;
/// All bytes, and the end of a text.
pub(crate) const VOCABULARY: u64 = 257;

/// The file's content.
pub(crate) fn json() -> Vec<u8> {
    let tokens = (0..=255_u8).map(|byte| (letter(byte).to_string(), Value::from(byte)));
    let mut vocabulary: Map<String, Value> = tokens.collect();
    vocabulary.insert(END_TOKEN.to_owned(), END_OF_TEXT.into());
    let bytes = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false
    });
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [{
            "id": END_OF_TEXT, "content": END_TOKEN, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true
        }],
        "normalizer": null,
        "pre_tokenizer": bytes,
        "post_processor": null,
        "decoder": bytes,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "ignore_merges": false, "vocab": vocabulary, "merges": []
        }
    });
    let mut text = format!("{tokenizer:#}");
    text.push('\n');
    text.into_bytes()
}

/// The letter that stands for a byte, as GPT-2 chose them: printable ones for themselves, the others
/// from U+0100 on, in order.
fn letter(byte: u8) -> char {
    let plain = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if plain(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|&other| !plain(other)).count() as u32;
    char::from_u32(256 + before).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::Tokenizer;

    use super::*;
    use crate::Encoder;

    fn library() -> Tokenizer {
        Tokenizer::from_bytes(json()).unwrap()
    }

    fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        tokenizer.encode(text, false).unwrap().get_ids().to_vec()
    }

    #[test]
    fn every_byte_of_a_text_is_a_token_and_comes_back() {
        let tokenizer = library();
        let every: String = (0..0x3000).filter_map(char::from_u32).collect();
        for text in [&every, "", " two  spaces\n\n", "e\u{301}🎉\u{0}\u{10ffff}"] {
            let expected: Vec<u32> = text.bytes().map(u32::from).collect();
            assert_eq!(ids(&tokenizer, text), expected);
            assert_eq!(tokenizer.decode(&expected, false).unwrap(), text);
        }
        assert_eq!(tokenizer.get_vocab_size(true), VOCABULARY as usize);
        assert_eq!(tokenizer.token_to_id(END_TOKEN), Some(END_OF_TEXT));
    }

    proptest! {
        #[test]
        fn the_file_and_the_program_agree_on_any_text(text in ".*") {
            let expected: Vec<u32> = text.bytes().map(u32::from).collect();
            prop_assert_eq!(&ids(&library(), &text), &expected);
            prop_assert_eq!(Encoder::bytes().encode(&text).unwrap(), expected);
        }
    }
}
