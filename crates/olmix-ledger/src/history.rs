//! The history: finding records by any of their names.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::record::{COLUMNS, excerpt, is_kept_name};
use crate::{Ledger, LedgerError, Record, RecordFile, RecordId, RecordKind, Time};

/// Hex digits of a hash that name a record, at least.
const SHORTEST_HASH: usize = 6;

impl Ledger {
    /// All records in the order they were added, without their contents.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn records(&self) -> Result<Vec<Record>, LedgerError> {
        self.with(|connection| {
            let mut statement =
                connection.prepare(&format!("SELECT {COLUMNS} FROM records ORDER BY id"))?;
            let records: rusqlite::Result<Vec<Record>> =
                statement.query_map([], Record::read)?.collect();
            let mut records = records?;
            let mut parents = all_parents(connection)?;
            let mut files = all_files(connection)?;
            for record in &mut records {
                record.parents = parents.remove(&record.id).unwrap_or_default();
                record.files = files.remove(&record.id).unwrap_or_default();
            }
            Ok(records)
        })
    }

    /// All records of a kind with their contents, in the order they were added.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn records_of(&self, kind: RecordKind) -> Result<Vec<Record>, LedgerError> {
        let ids = self.with(|connection| ids_of(connection, kind))?;
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            records.extend(self.record_by_id(id)?);
        }
        Ok(records)
    }

    /// The record of a number in this ledger, with its content.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn record_by_id(&self, id: RecordId) -> Result<Option<Record>, LedgerError> {
        self.sound(self.with(|connection| one(connection, "id = ?1", params![id]))?)
    }

    /// The record of a name, with its content: `main@3`, `main` for the newest of a line, a tag, or at least
    /// six digits of a hash.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] for a name of none, with those that are near.
    pub fn record(&self, name: &str) -> Result<Record, LedgerError> {
        let found = self.sound(self.with(|connection| find(connection, name))?)?;
        found.ok_or_else(|| {
            let lines = self.lines().unwrap_or_default().join(", ");
            self.refused(
                format!("there is no record `{name}`"),
                if lines.is_empty() {
                    "the history is empty: `olmix init` begins it".to_owned()
                } else {
                    format!("give LINE@NUMBER, a tag or the beginning of a hash; there are the lines {lines}")
                },
            )
        })
    }

    /// The newest record of a line, with its content.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn newest(&self, line: &str) -> Result<Option<Record>, LedgerError> {
        self.sound(self.with(|connection| newest(connection, line))?)
    }

    /// The lines there are, each with its newest number: `main@3`.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn lines(&self) -> Result<Vec<String>, LedgerError> {
        self.with(|connection| {
            let mut statement = connection.prepare(
                "SELECT line || '@' || max(number) FROM records GROUP BY line ORDER BY line",
            )?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Gives a record a name, which another may have had.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] for a name that a line has, or that reads as LINE@NUMBER or a hash.
    pub fn tag(&mut self, name: &str, record: RecordId, now: Time) -> Result<(), LedgerError> {
        let taken = self.with(|connection| newest(connection, name))?.is_some();
        let reserved = RecordKind::ALL.iter().any(|kind| kind.word() == name);
        if taken || reserved || !is_line(name) || is_hash(name) {
            return Err(self.refused(
                format!("`{name}` can't be a tag"),
                "use letters, digits, `.`, `_` and `-`, and no name of a line, such as v1-final",
            ));
        }
        self.change(|transaction| {
            transaction.execute(
                "INSERT INTO tags (name, record, created) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET record = excluded.record, created = excluded.created",
                params![name, record, now],
            )?;
            Ok(())
        })
    }

    /// All tags with the records they name.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn tags(&self) -> Result<Vec<(String, RecordId)>, LedgerError> {
        self.with(|connection| {
            let mut statement =
                connection.prepare("SELECT name, record FROM tags ORDER BY name")?;
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// Refuses a record that is not what was recorded: nothing is to be built on it.
    fn sound(&self, record: Option<Record>) -> Result<Option<Record>, LedgerError> {
        let Some(record) = record else {
            return Ok(None);
        };
        let hashes: Option<Vec<String>> = self.with(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT hash FROM records WHERE id = ?1")?;
            let mut hash = |id: &RecordId| statement.query_row([id], |row| row.get(0)).optional();
            record.parents.iter().map(&mut hash).collect()
        })?;
        if let Some(bad) = record.files.iter().find(|file| !is_kept_name(&file.name)) {
            return Err(self.refused(
                format!(
                    "{} has a file whose name {:?} can't be that of a file",
                    record.name(),
                    excerpt(&bad.name)
                ),
                "the ledger was made to write outside of the folder that is named; ask whoever gave it to you",
            ));
        }
        let content = record.content.to_string();
        if hashes.is_some_and(|hashes| record.true_hash(&content, &hashes) == record.hash) {
            return Ok(Some(record));
        }
        Err(self.refused(
            format!(
                "{} is not what was recorded: it was changed by hand",
                record.name()
            ),
            "`olmix verify` says what else was; restore a copy of the ledger, or import an export",
        ))
    }

    pub(crate) fn refused(&self, what: String, help: impl Into<String>) -> LedgerError {
        LedgerError::Refused {
            file: self.path().to_owned(),
            what,
            help: help.into(),
        }
    }
}

pub(crate) fn all_parents(
    connection: &Connection,
) -> rusqlite::Result<HashMap<RecordId, Vec<RecordId>>> {
    let mut statement =
        connection.prepare("SELECT record, parent FROM parents ORDER BY record, position")?;
    let mut parents: HashMap<RecordId, Vec<RecordId>> = HashMap::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        parents.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(parents)
}

pub(crate) fn all_files(
    connection: &Connection,
) -> rusqlite::Result<HashMap<RecordId, Vec<RecordFile>>> {
    let mut statement = connection
        .prepare("SELECT record, name, sha256 FROM record_files ORDER BY record, name")?;
    let mut files: HashMap<RecordId, Vec<RecordFile>> = HashMap::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        files.entry(row.get(0)?).or_default().push(RecordFile {
            name: row.get(1)?,
            sha256: row.get(2)?,
        });
    }
    Ok(files)
}

fn ids_of(connection: &Connection, kind: RecordKind) -> rusqlite::Result<Vec<RecordId>> {
    let mut statement = connection.prepare("SELECT id FROM records WHERE kind = ?1 ORDER BY id")?;
    statement.query_map([kind], |row| row.get(0))?.collect()
}

fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<Record>> {
    if let Some((line, number)) = name.rsplit_once('@')
        && let Ok(number) = number.parse::<i64>()
    {
        return one(
            connection,
            "line = ?1 AND number = ?2",
            params![line, number],
        );
    }
    if let Some(record) = newest(connection, name)? {
        return Ok(Some(record));
    }
    let tagged = "id = (SELECT record FROM tags WHERE name = ?1)";
    if let Some(record) = one(connection, tagged, params![name])? {
        return Ok(Some(record));
    }
    if !is_hash(name) {
        return Ok(None);
    }
    // Of several that begin so, none is meant.
    let begins = "substr(hash, 1, length(?1)) = ?1 AND
                  (SELECT count(*) FROM records WHERE substr(hash, 1, length(?1)) = ?1) = 1";
    one(connection, begins, params![name])
}

fn newest(connection: &Connection, line: &str) -> rusqlite::Result<Option<Record>> {
    let last = "line = ?1 AND number = (SELECT max(number) FROM records WHERE line = ?1)";
    one(connection, last, params![line])
}

/// The record of a condition, with parents and content.
fn one(
    connection: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Option<Record>> {
    let query = format!("SELECT {COLUMNS}, content FROM records WHERE {condition}");
    let read = |row: &rusqlite::Row<'_>| {
        let mut record = Record::read(row)?;
        let content: String = row.get("content")?;
        record.content = serde_json::from_str(&content).unwrap_or_default();
        Ok(record)
    };
    let found = connection.query_row(&query, values, read).optional()?;
    let Some(mut record) = found else {
        return Ok(None);
    };
    let mut statement =
        connection.prepare("SELECT parent FROM parents WHERE record = ?1 ORDER BY position")?;
    let parents: rusqlite::Result<Vec<RecordId>> = statement
        .query_map([record.id], |row| row.get(0))?
        .collect();
    record.parents = parents?;
    let mut statement = connection
        .prepare("SELECT name, sha256 FROM record_files WHERE record = ?1 ORDER BY name")?;
    let files: rusqlite::Result<Vec<RecordFile>> = statement
        .query_map([record.id], |row| {
            Ok(RecordFile {
                name: row.get(0)?,
                sha256: row.get(1)?,
            })
        })?
        .collect();
    record.files = files?;
    Ok(Some(record))
}

pub(crate) fn is_line(name: &str) -> bool {
    let known = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= 100 && name.chars().all(known)
}

fn is_hash(name: &str) -> bool {
    (SHORTEST_HASH..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_hexdigit())
}
