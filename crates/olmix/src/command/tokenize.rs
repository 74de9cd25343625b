//! `olmix tokenize`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use olmix_data::{DataError, Encoder, Skipped, Split, TokenizeOptions, Tokenized, Unit, tokenize};
use olmix_fs::check_writable;
use serde_json::{Value, json};

use super::on_threads;
use crate::args::TokenizeArgs;
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::progress::Bar;
use crate::table::{number, table};

/// Turns texts into shards.
pub fn run(args: &TokenizeArgs) -> Result<(), Failure> {
    on_threads(args.common, || make(args))
}

fn make(args: &TokenizeArgs) -> Result<(), Failure> {
    if !(0.0..1.0).contains(&args.validation) {
        return Err(Failure::refused(format!(
            "--validation {}: give a share from 0 to below 1, such as 0.01",
            args.validation
        )));
    }
    let encoder = encoder(args).map_err(|error| failure(&error))?;
    if !args.common.quiet {
        output::notices(encoder.notice().as_slice());
    }
    check_writable(&args.output)?;
    let options = TokenizeOptions {
        inputs: args.input.clone(),
        output: args.output.clone(),
        text_field: args.text_field.clone(),
        validation: args.validation,
        on_bad_line: args.on_bad_line,
    };
    let bar = Bar::new(args.common.quiet || args.common.json);
    let listed = AtomicBool::new(false);
    let made = tokenize(&options, &encoder, &|bytes, sum| {
        if !listed.swap(true, Ordering::Relaxed) {
            bar.begin_bytes("tokenizing", sum);
        }
        bar.add(bytes);
    });
    drop(bar);
    let made = made.map_err(|error| failure(&error))?;
    let splits = [Split::Train, Split::Validation].map(|split| Sum::of(&made, split));
    if !args.common.quiet {
        output::notices(&notices(args, &made, &splits));
    }
    if args.common.json {
        output::print_json(&as_json(args, &made, &splits).to_string())?;
    } else if !args.common.quiet {
        output::print(shown(args, &made, &splits))?;
    }
    Ok(())
}

fn encoder(args: &TokenizeArgs) -> Result<Encoder, DataError> {
    let unit = match args.tokenizer.as_str() {
        "bytes" => Unit::Bytes,
        path => Unit::Tokenizer(PathBuf::from(path)),
    };
    let encoder = Encoder::open(&unit)?;
    match &args.end_of_text {
        Some(token) => encoder.with_end_of_text(token),
        None => Ok(encoder),
    }
}

/// All of them can be mended by the user.
fn failure(error: &DataError) -> Failure {
    Failure::refused(error.to_string())
}

/// What a split holds.
struct Sum {
    split: Split,
    shards: usize,
    documents: u64,
    tokens: u64,
    bytes: u64,
}

impl Sum {
    fn of(made: &Tokenized, split: Split) -> Self {
        let parts = made.manifest.parts.iter();
        let parts: Vec<_> = parts.filter(|part| part.split == split).collect();
        Self {
            split,
            shards: parts.len(),
            documents: parts.iter().map(|part| part.documents).sum(),
            tokens: parts.iter().map(|part| part.tokens).sum(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
        }
    }

    fn bytes_per_token(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.bytes as f64 / self.tokens as f64)
    }
}

fn notices(args: &TokenizeArgs, made: &Tokenized, [train, validation]: &[Sum; 2]) -> Vec<String> {
    let mut notices: Vec<String> = skipped_lines(&made.skipped).into_iter().collect();
    if let Some(first) = made.removed.first() {
        let more = match made.removed.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        notices.push(format!(
            "removed the shards of {first}{more}: these texts are no longer among the inputs (a folder \
             holds the shards of the inputs of one command; name all of them, or choose another --output)"
        ));
    }
    if args.validation > 0.0 && validation.documents == 0 {
        notices.push(format!(
            "no document was held out: {} are few for --validation {}",
            train.documents, args.validation
        ));
    }
    if train.documents == 0 {
        notices.push("every document was held out, none is left for training".to_owned());
    }
    notices
}

/// What is told of lines that were left out.
pub(super) fn skipped_lines(skipped: &[Skipped]) -> Option<String> {
    const MOST: usize = 5;
    let lines: u64 = skipped.iter().map(|file| file.lines).sum();
    if lines == 0 {
        return None;
    }
    let shown = skipped.iter().take(MOST);
    let shown = shown.map(|file| format!("\n  {}: {}; {}", file.file, file.lines, file.first));
    let more = match skipped.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!("\n  and {more} more files"),
    };
    let s = if lines == 1 { "" } else { "s" };
    Some(format!(
        "{lines} line{s} left out that are not documents (file: how many; the first):{}{more}",
        shown.collect::<String>()
    ))
}

/// The same as JSON.
pub(super) fn skipped_json(skipped: &[Skipped]) -> Value {
    let file =
        |file: &Skipped| json!({"file": file.file, "lines": file.lines, "first": file.first});
    skipped.iter().map(file).collect()
}

fn as_json(args: &TokenizeArgs, made: &Tokenized, splits: &[Sum]) -> Value {
    let manifest = &made.manifest;
    let split = |sum: &Sum| {
        let entry = json!({
            "shards": sum.shards,
            "documents": sum.documents,
            "tokens": sum.tokens,
            "bytes": sum.bytes,
            "bytes_per_token": sum.bytes_per_token(),
        });
        (sum.split.name().to_owned(), entry)
    };
    let splits: serde_json::Map<String, Value> = splits.iter().map(split).collect();
    json!({
        "output": args.output.display().to_string(),
        "tokenizer": manifest.tokenizer,
        "dtype": manifest.dtype,
        "files": made.files,
        "reused": made.reused,
        "skipped": skipped_json(&made.skipped),
        "splits": splits,
    })
}

fn shown(args: &TokenizeArgs, made: &Tokenized, splits: &[Sum]) -> Page {
    let row = |sum: &Sum| {
        vec![
            sum.split.name().to_owned(),
            sum.documents.to_string(),
            tokens_text(sum.tokens),
            tokens_text(sum.bytes),
            number(sum.bytes_per_token(), 2),
        ]
    };
    let rows: Vec<Vec<String>> = splits.iter().map(row).collect();
    let header = ["", "documents", "tokens", "bytes", "bytes per token"];
    let files = match (made.files, made.reused) {
        (1, 0) => "1 file tokenized".to_owned(),
        (files, 0) => format!("{files} files tokenized"),
        (files, reused) => format!("{} files tokenized, {reused} were before", files - reused),
    };
    let folder = args.output.display().to_string();
    let folder = folder.trim_end_matches('/');
    let written = format!(
        "\n{files}. Written: {folder}\nTo train on them, set in a config: paths: [{folder}/train/*.bin], \
         dtype: {}",
        made.manifest.dtype.name()
    );
    table(&header, &rows) + written
}
