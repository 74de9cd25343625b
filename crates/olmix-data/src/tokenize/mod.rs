//! Texts to token shards: a part per file, made in parallel, with the same bytes on any number of threads.

mod journal;
mod part;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use olmix_fs::remove_if_exists;
use rayon::prelude::*;

use crate::blocks::sha256_of;
use crate::listing::{self, Shard};
use crate::manifest::{self, Manifest, ManifestTokenizer};
use crate::pattern::{Location, Pattern};
use crate::text::{OnBadLine, Skipped};
use crate::{DataError, Dtype, Encoder, Format, TextProblem};
use journal::{Done, Journal, PartIdentity};
use part::{ShardMaker, Stop};

/// What is tokenized, and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenizeOptions {
    /// Files and globs on this machine: JSON Lines, Parquet, plain text.
    pub inputs: Vec<String>,
    /// The folder of shards.
    pub output: PathBuf,
    /// The field or column of a document's text.
    pub text_field: String,
    /// Share of documents that are held out, from 0 to 1.
    pub validation: f64,
    /// What is done with lines that are not documents.
    pub on_bad_line: OnBadLine,
}

/// What was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokenized {
    /// The folder's `manifest.json`.
    pub manifest: Manifest,
    /// Files that were read, now or before.
    pub files: usize,
    /// Those of them whose shards were there already.
    pub reused: usize,
    /// Parts of earlier calls whose texts are not among the inputs any more; their shards were removed.
    pub removed: Vec<String>,
    /// Lines that were left out, by file, now or before.
    pub skipped: Vec<Skipped>,
}

/// A file of texts, and the name of its part.
struct Job {
    source: Shard,
    format: Format,
    name: String,
}

/// Makes token shards of texts, on as many threads as rayon's pool here has.
///
/// Killed at any moment and called again, it makes what is missing or has changed, and ends in the same
/// bytes. `progress` is called from any thread with bytes as they are dealt with, and once before that
/// with the sum: `progress(0, sum)`.
///
/// # Errors
/// [`DataError::Texts`] with every file that can't be read, after all others were tokenized;
/// [`DataError::Tokenizer`] for one that knows no end of a text; [`DataError::File`] for inputs that are
/// not there and for an output that can't be written or belongs to another tokenizer.
pub fn tokenize(
    options: &TokenizeOptions,
    encoder: &Encoder,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Tokenized, DataError> {
    let end_of_text = encoder.end_of_text().ok_or_else(|| DataError::Tokenizer {
        name: encoder.name().to_owned(),
        problem: "has no end-of-text token of a usual name, and documents must end".to_owned(),
        help: "name it: --end-of-text '<…>', one of its tokens".to_owned(),
    })?;
    let jobs = jobs(&options.inputs)?;
    let sum = jobs.iter().map(|job| job.source.size).sum();
    progress(0, sum);
    let journal = Journal::open(&options.output)?;
    own(&options.output, encoder, &journal)?;
    let dtype = Dtype::of(encoder.vocabulary());
    let identity = |job: &Job| PartIdentity {
        source: job.source.name.clone(),
        size: job.source.size,
        version: job.source.version.clone(),
        text_field: options.text_field.clone(),
        validation: options.validation,
        tokenizer: encoder.sha256().to_owned(),
        end_of_text,
        width: dtype.width(),
        skips: options.on_bad_line == OnBadLine::Skip,
    };
    let done: Vec<Option<Done>> = jobs
        .par_iter()
        .map(|job| journal.done(&job.name, &identity(job)))
        .collect();
    let reused = done.iter().flatten().count();
    if reused < jobs.len() {
        // The manifest first: it is what says that the folder is finished.
        remove_if_exists(&options.output.join(manifest::NAME))?;
        remove_if_exists(&options.output.join(manifest::CHECKSUMS))?;
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(rayon::current_num_threads())
        .build()
        .map_err(|error| DataError::Machine(error.to_string()))?;
    let maker = ShardMaker {
        encoder,
        end_of_text,
        dtype,
        text_field: &options.text_field,
        validation: options.validation,
        on_bad_line: options.on_bad_line,
        output: &options.output,
        journal: &journal,
        pool: &pool,
    };
    let progress = &|bytes| progress(bytes, sum);
    let made = on_files(&jobs, |at, job| {
        if let Some(done) = &done[at] {
            progress(job.source.size);
            return Ok(done.clone());
        }
        journal.forget(&job.name).map_err(Stop::Output)?;
        let source = Path::new(&job.source.name);
        let done = maker.make(source, job.format, &job.name, progress)?;
        journal
            .remember(&job.name, identity(job), done.clone())
            .map_err(Stop::Output)?;
        Ok(done)
    })?;
    let skipped = jobs.iter().zip(&made);
    let skipped = skipped.filter(|(_, done)| done.skipped > 0);
    let skipped = skipped.map(|(job, done)| Skipped {
        file: job.source.name.clone(),
        lines: done.skipped,
        first: done.first_skipped.clone(),
    });
    let skipped = skipped.collect();
    let made = made.into_iter().flat_map(|done| done.parts).collect();
    let tokenizer = ManifestTokenizer {
        name: encoder.name().to_owned(),
        vocab: encoder.vocabulary(),
        end_of_text,
        sha256: encoder.sha256().to_owned(),
    };
    let manifest = Manifest::new(tokenizer, dtype, made);
    let names = jobs.iter().map(|job| job.name.as_str()).collect();
    let removed = journal.sweep(&names, &manifest.parts)?;
    if manifest.parts.is_empty() {
        return Err(DataError::File {
            path: options.inputs.join(", "),
            problem: "no file has a document with text".to_owned(),
            help: "name files with documents".to_owned(),
        });
    }
    let mut json = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| DataError::Machine(error.to_string()))?;
    json.push(b'\n');
    let checksums = checksums(&manifest, &json, encoder.json());
    journal.write(manifest::CHECKSUMS, checksums.as_bytes())?;
    journal.write(manifest::NAME, &json)?;
    Ok(Tokenized {
        manifest,
        files: jobs.len(),
        reused,
        removed,
        skipped,
    })
}

/// The checksums of a folder's files, as `sha256sum --check` reads them.
fn checksums(manifest: &Manifest, json: &[u8], tokenizer: &[u8]) -> String {
    let mut text = String::new();
    for (name, bytes) in [(manifest::NAME, json), (TOKENIZER, tokenizer)] {
        text += &format!("{}  {name}\n", sha256_of(bytes));
    }
    for part in &manifest.parts {
        for (name, sum) in part.files() {
            text += &format!("{sum}  {name}\n");
        }
    }
    text
}

/// The file of a folder's tokenizer.
const TOKENIZER: &str = "tokenizer.json";

/// The files of patterns, each once, sorted, with what they hold.
fn jobs(inputs: &[String]) -> Result<Vec<Job>, DataError> {
    let mut sources = Vec::new();
    for input in inputs {
        let failed = |problem: String, help: &str| DataError::File {
            path: input.clone(),
            problem,
            help: help.to_owned(),
        };
        let unusable = |problem| failed(problem, "correct --input");
        let pattern = Pattern::parse_near(input, Path::new("")).map_err(unusable)?;
        if pattern.location != Location::Local {
            return Err(failed(
                "is not on this machine".to_owned(),
                "copy it here first",
            ));
        }
        let found = listing::local(&pattern, Path::new("")).map_err(unusable)?;
        if found.is_empty() {
            let glob = pattern.glob.is_some();
            let what = if glob {
                "matches nothing"
            } else {
                "does not exist"
            };
            return Err(unusable(what.to_owned()));
        }
        sources.extend(found);
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources.dedup_by(|a, b| a.name == b.name);
    let mut problems = Vec::new();
    let mut jobs = Vec::new();
    for (index, source) in sources.into_iter().enumerate() {
        let name = format!("{index:05}-{}", stem(&source.name));
        let problem = match Format::of(&source.name) {
            Some(format) if format.is_text() => {
                jobs.push(Job {
                    source,
                    format,
                    name,
                });
                continue;
            }
            Some(_) => "holds tokens by its name, not text",
            None => {
                "its name does not say what it holds: .jsonl, .json, .ndjson or .txt, plain, .gz or .zst, \
                 or .parquet"
            }
        };
        problems.push(TextProblem {
            file: source.name,
            problem: problem.to_owned(),
        });
    }
    if problems.is_empty() {
        Ok(jobs)
    } else {
        Err(DataError::Texts(problems))
    }
}

/// The name of a file without what says its format, in letters that are safe in any file system.
fn stem(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let mut stem = name;
    for end in [
        ".gz", ".zst", ".jsonl", ".json", ".ndjson", ".parquet", ".txt",
    ] {
        let at = stem.len().saturating_sub(end.len());
        let ends = stem
            .get(at..)
            .is_some_and(|last| last.eq_ignore_ascii_case(end));
        if ends && at > 0 {
            stem = &stem[..at];
        }
    }
    let safe = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => letter,
        _ => '_',
    };
    stem.chars().map(safe).take(64).collect()
}

/// Makes a folder this tokenizer's, or finds that it is another's.
fn own(output: &Path, encoder: &Encoder, journal: &Journal) -> Result<(), DataError> {
    let refused = |whose: String| DataError::File {
        path: output.display().to_string(),
        problem: format!(
            "has shards of another tokenizer ({whose}), and this is `{}`",
            encoder.name()
        ),
        help: "choose another --output, or remove the folder first".to_owned(),
    };
    if let Ok(Some(earlier)) = Manifest::read(output)
        && earlier.tokenizer.sha256 != encoder.sha256()
    {
        return Err(refused(format!(
            "`{}`, {} tokens",
            earlier.tokenizer.name, earlier.tokenizer.vocab
        )));
    }
    match std::fs::read(output.join(TOKENIZER)) {
        Ok(found) if found == encoder.json() => Ok(()),
        Ok(_) => Err(refused(format!("its {TOKENIZER} differs"))),
        Err(_) => journal.write(TOKENIZER, encoder.json()),
    }
}

/// Does a job on each file and collects what it makes, in order.
///
/// Files are read on threads of their own, as rayon's would begin another file whenever they wait for the
/// documents of one, and open all of them.
fn on_files(
    jobs: &[Job],
    make: impl Fn(usize, &Job) -> Result<Done, Stop> + Sync,
) -> Result<Vec<Done>, DataError> {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let made: Mutex<Vec<(usize, Result<Done, Stop>)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..rayon::current_num_threads().min(jobs.len()) {
            scope.spawn(|| {
                while !stopped.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else {
                        return;
                    };
                    let result = make(at, job);
                    if matches!(result, Err(Stop::Output(_))) {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                    made.push((at, result));
                }
            });
        }
    });
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|(at, _)| *at);
    let (mut done, mut problems) = (Vec::new(), Vec::new());
    for (at, result) in made {
        match result {
            Ok(found) => done.push(found),
            Err(Stop::Output(error)) => return Err(error),
            Err(Stop::Source(problem)) => problems.push(TextProblem {
                file: jobs[at].source.name.clone(),
                problem,
            }),
        }
    }
    if problems.is_empty() {
        Ok(done)
    } else {
        Err(DataError::Texts(problems))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_safe_in_file_names() {
        for (path, expected) in [
            ("docs/web.jsonl.zst", "web"),
            ("a b/c d(é).JSONL.GZ", "c_d___"),
            (".txt", ".txt"),
            ("x.tar.parquet", "x.tar"),
            (r"c:\a\b.txt", "b"),
        ] {
            assert_eq!(stem(path), expected, "{path}");
        }
        assert_eq!(stem(&"x".repeat(300)).len(), 64);
    }
}
