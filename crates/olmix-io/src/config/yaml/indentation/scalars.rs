//! How far a scalar goes, over how many lines.

use super::Scanner;

impl Scanner<'_> {
    /// A text behind `|` or `>`: its lines are indented alike.
    pub(super) fn block_scalar(&mut self) {
        let mut increment = None;
        let missing = self.indent + 1 - self.column();
        if missing > 0 {
            self.add(self.at, missing.unsigned_abs());
        }
        self.at += 1;
        while !matches!(self.peek(0), 0 | b'\r' | b'\n') {
            match self.peek(0) {
                digit @ b'1'..=b'9' => increment = Some(usize::from(digit - b'0')),
                b'+' | b'-' => {}
                _ => break,
            }
            self.at += 1;
        }
        self.skip_line();
        self.newline();
        let least = usize::try_from(self.indent + 1).unwrap_or(0).max(1);
        let mut indent = increment.map(|more| least + more - 1);
        let mut lead = 0;
        while self.at < self.text.len() {
            let line = self.text.get(self.line_start..).unwrap_or_default();
            let spaces = line.iter().take_while(|byte| **byte == b' ').count();
            let empty = matches!(line.get(spaces), None | Some(b'\r' | b'\n'));
            lead = lead.max(spaces);
            if !empty {
                // The first line with text says how far the text is indented.
                let indent = *indent.get_or_insert(lead.max(least));
                if spaces < indent {
                    break;
                }
            }
            self.at = self.line_start + spaces;
            self.skip_line();
            self.newline();
        }
        self.at = self.line_start.min(self.text.len());
        self.key_allowed = true;
    }

    pub(super) fn quoted(&mut self, quote: u8) {
        self.at += 1;
        while self.at < self.text.len() {
            match self.peek(0) {
                b'\\' if quote == b'"' && !matches!(self.peek(1), b'\r' | b'\n') => self.at += 2,
                b'\'' if quote == b'\'' && self.peek(1) == b'\'' => self.at += 2,
                byte if byte == quote => {
                    self.at += 1;
                    return;
                }
                b'\r' | b'\n' => {
                    self.newline();
                    while matches!(self.peek(0), b' ' | b'\t') {
                        self.at += 1;
                    }
                    if !matches!(self.peek(0), b'\r' | b'\n') {
                        self.indent_line();
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// A scalar without quotes, which goes on over lines that are indented further.
    pub(super) fn plain(&mut self) {
        if self.peek(0) == b'-' && self.flow > 0 {
            let dash = self.at;
            self.at += 1;
            if self.ends_plain() {
                let quote = |at| (at, "'".to_owned());
                self.additions.extend([quote(dash), quote(dash + 1)]);
            }
            self.at = dash;
        }
        loop {
            if self.peek(0) == b'#' {
                return;
            }
            let start = self.at;
            while !self.blank(0) && !self.ends_plain() {
                self.at += 1;
            }
            if self.at == start {
                return;
            }
            self.key_allowed = false;
            let end = self.at;
            while matches!(self.peek(0), b' ' | b'\t') {
                self.at += 1;
            }
            let mut lines = 0;
            while matches!(self.peek(0), b'\r' | b'\n') {
                self.newline();
                lines += 1;
                while matches!(self.peek(0), b' ' | b'\t') {
                    self.at += 1;
                }
            }
            if lines > 0 {
                self.key_allowed = true;
                let goes_on = self.flow > 0 || self.column() > self.indent;
                let rest = self.text.get(self.at..).unwrap_or_default();
                let marker = self.column() == 0
                    && (rest.starts_with(b"---") || rest.starts_with(b"..."))
                    && self.blank(3);
                if !goes_on || marker || self.at >= self.text.len() || self.peek(0) == b'#' {
                    return;
                }
                if self.flow > 0 {
                    self.indent_line();
                }
            } else if self.at == end {
                return;
            }
        }
    }

    fn ends_plain(&self) -> bool {
        let flow = self.flow > 0;
        match self.peek(0) {
            b':' => {
                self.blank(1) || flow && matches!(self.peek(1), b',' | b'[' | b']' | b'{' | b'}')
            }
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => flow,
            _ => false,
        }
    }
}
