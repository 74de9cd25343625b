//! The history: adding records, finding them, and checking that they are what was added.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::record::COLUMNS;
use crate::{Ledger, LedgerError, NewRecord, Record, RecordId, RecordKind, Time};

/// Hex digits of a hash that name a record, at least.
const SHORTEST_HASH: usize = 6;

impl Ledger {
    /// Adds a record, as the next of its line. Whole or not at all, and with no other record in between.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] for a line that belongs to another kind and for a parent that is not there;
    /// [`LedgerError`] as for every use of the database.
    pub fn add(&mut self, new: &NewRecord, now: Time) -> Result<Record, LedgerError> {
        let owner = RecordKind::ALL
            .into_iter()
            .find(|kind| *kind != RecordKind::Mixture && kind.word() == new.line);
        let fits = match owner {
            Some(owner) => owner == new.kind,
            None => new.kind == RecordKind::Mixture && is_line(&new.line),
        };
        if !fits {
            return Err(self.refused(
                format!("`{}` can't be the line of a {}", new.line, new.kind),
                "name a line of mixtures with letters, digits, `.`, `_` and `-`, not domains, swarm or fit",
            ));
        }
        let content = new.content.to_string();
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let added = self.change(|transaction| {
            let mut hashes = Vec::with_capacity(new.parents.len());
            for parent in &new.parents {
                let hash: Option<String> = transaction
                    .query_row("SELECT hash FROM records WHERE id = ?1", [parent], |row| {
                        row.get(0)
                    })
                    .optional()?;
                let Some(hash) = hash else {
                    return Ok(None);
                };
                hashes.push(hash);
            }
            let number: i64 = transaction.query_row(
                "SELECT coalesce(max(number), 0) + 1 FROM records WHERE line = ?1",
                [&new.line],
                |row| row.get(0),
            )?;
            let id: i64 =
                transaction.query_row("SELECT coalesce(max(id), 0) + 1 FROM records", [], |row| {
                    row.get(0)
                })?;
            let mut record = Record {
                id: RecordId(id),
                hash: String::new(),
                kind: new.kind,
                line: new.line.clone(),
                number,
                title: new.title.clone(),
                parents: new.parents.clone(),
                content: new.content.clone(),
                command: new.command.clone(),
                olmix: new.olmix.clone(),
                created: now,
                cost: new.cost,
                gain: new.gain,
            };
            record.hash = record.true_hash(&content, &hashes);
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
            for (position, parent) in (0_i64..).zip(&new.parents) {
                transaction.execute(
                    "INSERT INTO parents (record, position, parent) VALUES (?1, ?2, ?3)",
                    params![record.id, position, parent],
                )?;
            }
            Ok(Some(record))
        })?;
        added.ok_or_else(|| {
            self.refused(
                "a parent of the new record is not in this ledger".to_owned(),
                "name records of this project; `olmix log` lists them",
            )
        })
    }

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
            for record in &mut records {
                record.parents = parents.remove(&record.id).unwrap_or_default();
            }
            Ok(records)
        })
    }

    /// The record of a name, with its content: `main@3`, `main` for the newest of a line, a tag, or at least
    /// six digits of a hash.
    ///
    /// # Errors
    /// [`LedgerError::Refused`] for a name of none, with those that are near.
    pub fn record(&self, name: &str) -> Result<Record, LedgerError> {
        let found = self.with(|connection| find(connection, name))?;
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
        self.with(|connection| newest(connection, line))
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

    /// What is wrong with the ledger: nothing for a sound one. Every record is hashed again, so that a change by
    /// hand is found wherever it was made. Some 10 µs a record.
    ///
    /// # Errors
    /// [`LedgerError`] for a file that can't be read at all.
    pub fn verify(&self) -> Result<Vec<String>, LedgerError> {
        self.with(|connection| {
            let mut flaws = Vec::new();
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            let told: rusqlite::Result<Vec<String>> =
                statement.query_map([], |row| row.get(0))?.collect();
            flaws.extend(told?.into_iter().filter(|line| line != "ok"));
            let broken: i64 = connection.query_row(
                "SELECT count(*) FROM pragma_foreign_key_check",
                [],
                |row| row.get(0),
            )?;
            if broken > 0 {
                flaws.push(format!(
                    "{broken} rows refer to something that is not there"
                ));
            }
            check_records(connection, &mut flaws)?;
            Ok(flaws)
        })
    }

    fn refused(&self, what: String, help: impl Into<String>) -> LedgerError {
        LedgerError::Refused {
            file: self.path().to_owned(),
            what,
            help: help.into(),
        }
    }
}

fn check_records(connection: &Connection, flaws: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut parents = all_parents(connection)?;
    let mut hashes: HashMap<RecordId, String> = HashMap::new();
    let mut last: HashMap<String, i64> = HashMap::new();
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS}, content FROM records ORDER BY id"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let record = Record::read(row)?;
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

fn all_parents(connection: &Connection) -> rusqlite::Result<HashMap<RecordId, Vec<RecordId>>> {
    let mut statement =
        connection.prepare("SELECT record, parent FROM parents ORDER BY record, position")?;
    let mut parents: HashMap<RecordId, Vec<RecordId>> = HashMap::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        parents.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(parents)
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
    Ok(Some(record))
}

fn is_line(name: &str) -> bool {
    let known = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= 100 && name.chars().all(known)
}

fn is_hash(name: &str) -> bool {
    (SHORTEST_HASH..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_hexdigit())
}
