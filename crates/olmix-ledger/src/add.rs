//! Adding records to the history, with their files.

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::history::is_line;
use crate::record::{excerpt, is_kept_name, sha256 as hash_of};
use crate::{
    Ledger, LedgerError, NewFile, NewRecord, Parent, Record, RecordFile, RecordId, RecordKind, Time,
};

/// Of Zstandard: small numbers are quick, and tables of numbers gain little from more.
const LEVEL: i32 = 3;

impl Ledger {
    /// Adds a record, as the next of its line. See [`Ledger::add_all`].
    ///
    /// # Errors
    /// As [`Ledger::add_all`].
    pub fn add(&mut self, new: &NewRecord, now: Time) -> Result<Record, LedgerError> {
        let added = self.add_all(std::slice::from_ref(new), now)?;
        added
            .into_iter()
            .next()
            .ok_or_else(|| self.refused("nothing was added".to_owned(), "report this"))
    }

    /// Adds records, each as the next of its line, with their files: all of them or none, and with no
    /// other record in between. Given back as [`Ledger::record`] has them.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] for a line that belongs to another kind, a parent that is not there and a
    /// number that is taken; [`LedgerError`] as for every use of the database.
    pub fn add_all(&mut self, new: &[NewRecord], now: Time) -> Result<Vec<Record>, LedgerError> {
        if let Some(bad) = new.iter().find(|record| !fits(record)) {
            return Err(self.refused(
                format!("`{}` can't be the line of a {}", bad.line, bad.kind),
                "name a line of mixtures with letters, digits, `.`, `_` and `-`, not domains, swarm or fit",
            ));
        }
        let files = new.iter().flat_map(|record| &record.files);
        if let Some(bad) = files.into_iter().find(|file| !is_kept_name(&file.name)) {
            return Err(self.refused(
                format!("{:?} can't be the name of a file that is kept", excerpt(&bad.name)),
                "a name is like ratios.csv or earlier/1/ratios.csv: no `..`, no name that begins with a dot, \
                 no backslash or control character",
            ));
        }
        let added = self.attempt(|transaction| {
            let mut added: Vec<Record> = Vec::with_capacity(new.len());
            for record in new {
                match insert(transaction, record, &added, now)? {
                    Ok(record) => added.push(record),
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            Ok(Ok(added))
        })?;
        added.map_err(|(what, help)| self.refused(what, help))
    }
}

/// Whether the line is one for its kind.
fn fits(record: &NewRecord) -> bool {
    let owner = RecordKind::ALL
        .into_iter()
        .find(|kind| *kind != RecordKind::Mixture && kind.word() == record.line);
    match owner {
        Some(owner) => owner == record.kind,
        None => record.kind == RecordKind::Mixture && is_line(&record.line),
    }
}

/// Why a record is not added, and what to do.
type Refusal = (String, String);

/// Adds one record of several; `before` are those that were added with it.
fn insert(
    transaction: &Transaction<'_>,
    new: &NewRecord,
    before: &[Record],
    now: Time,
) -> rusqlite::Result<Result<Record, Refusal>> {
    let (mut parents, mut hashes) = (Vec::new(), Vec::new());
    for parent in &new.parents {
        let known = match *parent {
            Parent::Added(at) => before
                .get(at)
                .map(|record| (record.id, record.hash.clone())),
            Parent::Known(id) => transaction
                .query_row("SELECT hash FROM records WHERE id = ?1", [id], |row| {
                    row.get(0)
                })
                .optional()?
                .map(|hash| (id, hash)),
        };
        let Some((id, hash)) = known else {
            return Ok(Err((
                "a parent of the new record is not in this ledger".to_owned(),
                "name records of this project; `olmix log` lists them".to_owned(),
            )));
        };
        parents.push(id);
        hashes.push(hash);
    }
    let number: i64 = transaction.query_row(
        "SELECT coalesce(max(number), 0) + 1 FROM records WHERE line = ?1",
        [&new.line],
        |row| row.get(0),
    )?;
    if new.number.is_some_and(|wanted| wanted != number) {
        return Ok(Err((
            format!("{}@{} was added meanwhile", new.line, number - 1),
            "look at it (`olmix log`), and give the command again".to_owned(),
        )));
    }
    let id: i64 =
        transaction.query_row("SELECT coalesce(max(id), 0) + 1 FROM records", [], |row| {
            row.get(0)
        })?;
    let mut files = Vec::with_capacity(new.files.len());
    for file in &new.files {
        files.push(keep(transaction, file)?);
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let content = new.content.to_string();
    let mut record = Record {
        id: RecordId(id),
        hash: String::new(),
        kind: new.kind,
        line: new.line.clone(),
        number,
        title: new.title.clone(),
        parents,
        files,
        content: new.content.clone(),
        command: new.command.clone(),
        olmix: new.olmix.clone(),
        created: now,
        cost: new.cost,
        gain: new.gain,
    };
    record.hash = record.true_hash(&content, &hashes);
    write(transaction, &record, &content)?;
    Ok(Ok(record))
}

fn write(transaction: &Transaction<'_>, record: &Record, content: &str) -> rusqlite::Result<()> {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    transaction.execute(
        "INSERT INTO records (id, hash, kind, line, number, title, content, command, olmix, created, runs,
                              tokens, flops, gain)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            record.id,
            record.hash,
            record.kind,
            record.line,
            record.number,
            record.title,
            content,
            record.command,
            record.olmix,
            record.created,
            whole(record.cost.runs),
            whole(record.cost.tokens),
            record.cost.flops,
            record.gain
        ],
    )?;
    for (position, parent) in (0_i64..).zip(&record.parents) {
        transaction.execute(
            "INSERT INTO parents (record, position, parent) VALUES (?1, ?2, ?3)",
            params![record.id, position, parent],
        )?;
    }
    for file in &record.files {
        transaction.execute(
            "INSERT INTO record_files (record, name, sha256) VALUES (?1, ?2, ?3)",
            params![record.id, file.name, file.sha256],
        )?;
    }
    Ok(())
}

/// Keeps a file, once.
fn keep(transaction: &Transaction<'_>, file: &NewFile) -> rusqlite::Result<RecordFile> {
    let sha256 = hash_of(&file.content);
    let known: bool = transaction.query_row(
        "SELECT count(*) FROM files WHERE sha256 = ?1",
        [&sha256],
        |row| row.get(0),
    )?;
    if !known {
        let packed = zstd::bulk::compress(&file.content, LEVEL)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        transaction.execute(
            "INSERT INTO files (sha256, bytes, packed_sha256, content) VALUES (?1, ?2, ?3, ?4)",
            params![
                sha256,
                i64::try_from(file.content.len()).unwrap_or(i64::MAX),
                hash_of(&packed),
                packed
            ],
        )?;
    }
    Ok(RecordFile {
        name: file.name.clone(),
        sha256,
    })
}
