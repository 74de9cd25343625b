//! Whether the history is what was recorded.

use std::collections::HashMap;
use std::io::Read as _;

use rusqlite::{Connection, OptionalExtension as _};

use crate::history::{all_files, all_parents};
use crate::record::{COLUMNS, excerpt, is_kept_name, sha256 as hash_of};
use crate::{Ledger, LedgerError, Record, RecordId};

impl Ledger {
    /// The content of a file by its hash; `None` when it is not there.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database, and for content that is damaged.
    pub fn file(&self, sha256: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let stored: Option<(Vec<u8>, i64)> = self.with(|connection| {
            connection
                .query_row(
                    "SELECT content, bytes FROM files WHERE sha256 = ?1",
                    [sha256],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()
        })?;
        let Some((stored, bytes)) = stored else {
            return Ok(None);
        };
        match unpacked(&stored, bytes) {
            Some(content) if hash_of(&content) == sha256 => Ok(Some(content)),
            _ => Err(self.refused(
                format!(
                    "the file {} in it is damaged",
                    sha256.get(..12).unwrap_or(sha256)
                ),
                "restore a copy of the ledger; `olmix verify` says what else is damaged",
            )),
        }
    }

    /// What is wrong with the ledger: nothing for a sound one. Every record is hashed again, so that a
    /// change by hand is found wherever it was made, and every file as it is stored; `deep` unpacks
    /// files, too, holds them against the hashes in the records, and checks the database's indexes. Two
    /// threads; some 10 µs a record, 1 ms for each megabyte of stored files, 5 ms where they are
    /// unpacked.
    ///
    /// # Errors
    /// [`LedgerError`] for a file that can't be read at all.
    pub fn verify(&self, deep: bool) -> Result<Vec<String>, LedgerError> {
        let path = self.path();
        let second = self.second_connection();
        std::thread::scope(|scope| {
            let files = scope.spawn(|| {
                let connection = second?;
                let mut flaws = Vec::new();
                check_files(&connection, deep, &mut flaws)?;
                Ok(flaws)
            });
            let mut flaws = self.with(|connection| {
                let mut flaws = Vec::new();
                check_tables(connection, deep, &mut flaws)?;
                check_records(connection, &mut flaws)?;
                Ok(flaws)
            })?;
            let of_files: rusqlite::Result<Vec<String>> = match files.join() {
                Ok(checked) => checked,
                Err(_) => Ok(vec!["the files could not be checked".to_owned()]),
            };
            flaws.extend(of_files.map_err(|error| LedgerError::database(path, &error))?);
            Ok(flaws)
        })
    }
}

/// The database's own checks: of every table but that of files, whose rows are all read by
/// [`check_files`], and that of runs, of which there may be many, and whose rows are only read; with
/// `deep` of everything, indexes included.
fn check_tables(
    connection: &Connection,
    deep: bool,
    flaws: &mut Vec<String>,
) -> rusqlite::Result<()> {
    let mut check = |pragma: &str, table: Option<&str>| {
        let mut take = |row: &rusqlite::Row<'_>| {
            let told: String = row.get(0)?;
            if told != "ok" {
                flaws.push(told);
            }
            Ok(())
        };
        match table {
            Some(table) => connection.pragma(None, pragma, table, &mut take),
            None => connection.pragma_query(None, pragma, &mut take),
        }
    };
    if deep {
        check("integrity_check", None)?;
    } else {
        let mut statement = connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name \
             NOT IN ('files', 'runs')",
        )?;
        let names: rusqlite::Result<Vec<String>> =
            statement.query_map([], |row| row.get(0))?.collect();
        for name in names? {
            check("quick_check", Some(&name))?;
        }
        connection.query_row("SELECT count(*) FROM tags", [], |_| Ok(()))?;
        connection.query_row(
            "SELECT count(*), sum(length(name) + length(mixture) + ifnull(length(phases), 0) + \
             ifnull(length(metrics), 0)) FROM runs",
            [],
            |_| Ok(()),
        )?;
    }
    let broken: i64 =
        connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })?;
    if broken > 0 {
        flaws.push(format!(
            "{broken} rows refer to something that is not there"
        ));
    }
    Ok(())
}

fn check_records(connection: &Connection, flaws: &mut Vec<String>) -> rusqlite::Result<()> {
    let (mut parents, mut files) = (all_parents(connection)?, all_files(connection)?);
    let mut hashes: HashMap<RecordId, String> = HashMap::new();
    let mut last: HashMap<String, i64> = HashMap::new();
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS}, content FROM records ORDER BY id"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut record = Record::read(row)?;
        record.files = files.remove(&record.id).unwrap_or_default();
        let (name, content): (String, String) = (record.name(), row.get("content")?);
        let parents = parents.remove(&record.id).unwrap_or_default();
        let known: Option<Vec<String>> = parents.iter().map(|id| hashes.get(id).cloned()).collect();
        match known {
            Some(known) if record.true_hash(&content, &known) == record.hash => {}
            Some(_) => flaws.push(format!(
                "{name} is not what was recorded: it, or what it was made of, was changed"
            )),
            None => flaws.push(format!("{name} was made of something that is not there")),
        }
        for file in record.files.iter().filter(|file| !is_kept_name(&file.name)) {
            flaws.push(format!(
                "{name} has a file whose name {:?} can't be that of a file",
                excerpt(&file.name)
            ));
        }
        let before = last.insert(record.line.clone(), record.number).unwrap_or(0);
        if record.number != before + 1 {
            flaws.push(format!(
                "{} records before {name} are gone",
                record.number - before - 1
            ));
        }
        hashes.insert(record.id, record.hash);
    }
    Ok(())
}

fn check_files(
    connection: &Connection,
    deep: bool,
    flaws: &mut Vec<String>,
) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT sha256, bytes, packed_sha256, content FROM files")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sha256, bytes, packed): (String, i64, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let stored = row.get_ref(3)?.as_blob()?;
        let unpacks = || unpacked(stored, bytes).is_some_and(|content| hash_of(&content) == sha256);
        if hash_of(stored) != packed || (deep && !unpacks()) {
            flaws.push(format!(
                "the file {} is not what was kept",
                sha256.get(..12).unwrap_or(&sha256)
            ));
        }
    }
    Ok(())
}

/// The content of a stored file; `None` for one that is damaged.
fn unpacked(stored: &[u8], bytes: i64) -> Option<Vec<u8>> {
    // As it comes: a size that was written by hand takes no memory.
    let bytes = u64::try_from(bytes).ok()?;
    let mut content = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(stored).ok()?;
    decoder
        .take(bytes.checked_add(1)?)
        .read_to_end(&mut content)
        .ok()?;
    (content.len() as u64 == bytes).then_some(content)
}
