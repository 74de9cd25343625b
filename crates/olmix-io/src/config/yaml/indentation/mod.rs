//! YAML that Python's readers accept and YAML 1.2 does not, made into what both accept.
//!
//! Inside brackets and quotes, `PyYAML` and libyaml look at no indentation: a closing `]` may stand in the column
//! of its key. They need no space before a comment or behind the colon of a key in braces, and read `[-]` as a
//! list of a dash. [`as_strict`] adds the spaces (and the quotes round the dash) that the specification asks
//! for. None of them is part of a value, so the values stay as they are; [`Additions`] brings positions back.
//!
//! The rules of where a token starts and how far a scalar goes are those of `PyYAML`'s scanner.

mod scalars;

use std::collections::HashMap;

/// Characters that were added to a text: by line (from 1), the columns (from 0, of the new text) where some were
/// added and how many, in order.
#[derive(Debug, Default)]
pub(super) struct Additions(HashMap<usize, Vec<(usize, usize)>>);

impl Additions {
    /// The column in the text as it was written, for one in the text with the additions; both from 0.
    pub fn column_as_written(&self, line: usize, column: usize) -> usize {
        let added = self.0.get(&line).map_or(&[][..], Vec::as_slice);
        added.iter().fold(column, |written, &(at, count)| {
            written - count.min(column.saturating_sub(at))
        })
    }
}

/// The text as YAML 1.2 asks for it, or `None` where nothing is to be added or it is broken otherwise.
pub(super) fn as_strict(text: &str) -> Option<(String, Additions)> {
    let mut scanner = Scanner {
        text: text.as_bytes(),
        at: 0,
        line_start: 0,
        indent: -1,
        outer: Vec::new(),
        flow: 0,
        key_allowed: true,
        keys: Vec::new(),
        indented: None,
        additions: Vec::new(),
    };
    scanner.run()?;
    if scanner.additions.is_empty() {
        return None;
    }
    let additions = scanner.additions;
    let mut strict = String::with_capacity(text.len() + 4 * additions.len());
    let (mut added, mut done, mut line, mut column) = (Additions::default(), 0, 1, 0);
    for (at, addition) in additions {
        let count = addition.len();
        let between = text.get(done..at)?;
        for (i, c) in between.char_indices() {
            let ends_line = c == '\n' || c == '\r' && !between[i + 1..].starts_with('\n');
            (line, column) = if ends_line {
                (line + 1, 0)
            } else {
                (line, column + 1)
            };
        }
        strict += between;
        strict += &addition;
        added.0.entry(line).or_default().push((column, count));
        column += count;
        done = at;
    }
    strict += text.get(done..)?;
    Some((strict, added))
}

/// Goes over the tokens of a text.
struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    /// Where the current line begins.
    line_start: usize,
    /// The column of the innermost block collection; -1 outside of all.
    indent: isize,
    /// Those of the collections around it.
    outer: Vec<isize>,
    /// Brackets that are open.
    flow: usize,
    /// Whether a key may start here.
    key_allowed: bool,
    /// By open brackets, where a key may have started: its line's start and its column.
    keys: Vec<Option<(usize, isize)>>,
    /// The start of the last line whose first token was looked at.
    indented: Option<usize>,
    /// Byte positions and the characters to add there, in order.
    additions: Vec<(usize, String)>,
}

impl Scanner<'_> {
    /// Adds spaces.
    fn add(&mut self, at: usize, spaces: usize) {
        self.additions.push((at, " ".repeat(spaces)));
    }

    /// The byte `ahead` of here; a zero byte behind the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn blank(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), 0 | b' ' | b'\t' | b'\r' | b'\n')
    }

    fn column(&self) -> isize {
        isize::try_from(self.at - self.line_start).unwrap_or(isize::MAX)
    }

    /// Reads every token; `None` where the text is broken in a way that spaces do not mend.
    fn run(&mut self) -> Option<()> {
        loop {
            self.skip_to_token();
            if self.at >= self.text.len() {
                return Some(());
            }
            if self.flow == 0 {
                self.unwind(self.column());
            } else {
                self.indent_line();
            }
            let before = self.at;
            self.token()?;
            if self.at == before {
                return None;
            }
        }
    }

    /// Skips white space and comments.
    fn skip_to_token(&mut self) {
        loop {
            match self.peek(0) {
                b' ' | b'\t' => self.at += 1,
                b'#' => {
                    let before = self.at.checked_sub(1).and_then(|at| self.text.get(at));
                    if before.is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
                        self.add(self.at, 1);
                    }
                    self.skip_line();
                }
                b'\r' | b'\n' => {
                    self.newline();
                    if self.flow == 0 {
                        self.key_allowed = true;
                    }
                }
                _ => return,
            }
        }
    }

    /// To the end of the line, which is not passed.
    fn skip_line(&mut self) {
        while self.at < self.text.len() && !matches!(self.peek(0), b'\r' | b'\n') {
            self.at += 1;
        }
    }

    fn newline(&mut self) {
        self.at += if self.peek(0) == b'\r' && self.peek(1) == b'\n' {
            2
        } else {
            1
        };
        self.line_start = self.at;
    }

    /// Moves the first token of a line inside brackets or quotes to the right of the collection around.
    fn indent_line(&mut self) {
        if self.indented == Some(self.line_start) {
            return;
        }
        self.indented = Some(self.line_start);
        let lead = self.text.get(self.line_start..self.at).unwrap_or_default();
        let least = self.indent + 2;
        // Tabs count only behind the spaces that are asked for.
        let spaces = lead.iter().take_while(|byte| **byte == b' ').count();
        let missing = least - isize::try_from(spaces).unwrap_or(least);
        if missing > 0 && lead.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            self.add(self.line_start, missing.unsigned_abs());
        }
    }

    /// Leaves the block collections that begin right of a column.
    fn unwind(&mut self, column: isize) {
        while self.indent > column {
            self.indent = self.outer.pop().unwrap_or(-1);
        }
    }

    /// Enters a block collection, unless it is open already.
    fn enter(&mut self, column: isize) {
        if self.flow == 0 && self.indent < column {
            self.outer.push(self.indent);
            self.indent = column;
        }
    }

    fn key_may_start(&mut self) {
        let level = self.flow;
        self.keys.resize(level + 1, None);
        let here = (self.line_start, self.column());
        if let Some(key) = self.keys.get_mut(level).filter(|_| self.key_allowed) {
            *key = Some(here);
        }
    }

    fn token(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let marker = rest.starts_with(b"---") || rest.starts_with(b"...");
        if self.column() == 0 && self.flow == 0 && self.peek(0) == b'%' {
            self.skip_line();
            return Some(());
        }
        if self.column() == 0 && marker && self.blank(3) {
            if self.flow > 0 {
                return None;
            }
            self.unwind(-1);
            self.at += 3;
            self.key_allowed = false;
            return Some(());
        }
        match self.peek(0) {
            b'[' | b'{' => {
                self.key_may_start();
                self.flow += 1;
                self.key_allowed = true;
                self.at += 1;
            }
            b']' | b'}' => {
                self.keys.truncate(self.flow);
                self.flow = self.flow.checked_sub(1)?;
                self.key_allowed = false;
                self.at += 1;
            }
            b',' if self.flow > 0 => {
                self.key_allowed = true;
                self.at += 1;
            }
            b'-' if self.blank(1) => {
                self.enter(self.column());
                self.key_allowed = true;
                self.at += 1;
            }
            b'?' if self.blank(1) || self.flow > 0 => {
                self.enter(self.column());
                self.key_allowed = self.flow == 0;
                self.at += 1;
            }
            b':' if self.blank(1) || self.flow > 0 => self.value(),
            b'*' | b'&' => {
                self.key_may_start();
                self.at += 1;
                while matches!(self.peek(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_')
                {
                    self.at += 1;
                }
                self.key_allowed = false;
            }
            b'!' => {
                self.key_may_start();
                while !self.blank(0) {
                    self.at += 1;
                }
                self.key_allowed = false;
            }
            b'|' | b'>' if self.flow == 0 => self.block_scalar(),
            quote @ (b'\'' | b'"') => {
                self.key_may_start();
                self.quoted(quote);
                self.key_allowed = false;
            }
            b'%' | b'@' | b'`' | b',' | b'|' | b'>' => return None,
            _ => {
                self.key_may_start();
                self.plain();
            }
        }
        Some(())
    }

    /// The `:` behind a key.
    fn value(&mut self) {
        self.keys.resize(self.flow + 1, None);
        let key = self.keys.get_mut(self.flow).and_then(Option::take);
        if let Some((_, column)) = key.filter(|(line, _)| *line == self.line_start) {
            self.enter(column);
            self.key_allowed = false;
        } else {
            self.enter(self.column());
            self.key_allowed = self.flow == 0;
        }
        self.at += 1;
        if self.flow > 0 && !self.blank(0) {
            self.add(self.at, 1);
        }
    }
}
