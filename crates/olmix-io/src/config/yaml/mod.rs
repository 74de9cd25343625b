//! YAML with a position for every node, read through typed cursors.
//!
//! Serde-style readers lose positions once a file is parsed, so a message such as "no such
//! domain" could not name its line. Here a file becomes a [`Document`] whose nodes know where
//! they stand; [`Section`] and [`Value`] read it and make the messages.
//!
//! Scalars follow what Python's YAML readers make of them, so that files written for those work
//! unchanged: `1_000_000` is a number, `yes` can be a boolean, `~` is null. `1e12` is a number
//! too. Anchors, aliases and merge keys (`<<`) are understood; tags are ignored. What `PyYAML` reads and
//! YAML 1.2 refuses, such as a closing bracket in its key's column, is read too (see `indentation/`).

mod edit;
mod emit;
mod indentation;
mod scalar;
mod schema;
mod section;
mod sections;
mod value;

pub use edit::Edit;
pub use emit::Yaml;
pub use scalar::amount as parse_tokens;
pub(crate) use scalar::{number as parse_number, whole_amount};
pub use schema::recorded_keys;
pub(crate) use section::Keys;
pub use section::Section;
pub use sections::with_sections;
pub use value::Value;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::error::{IoError, Location};
use crate::messages::excerpt;
use indentation::{Additions, as_strict};

/// Collections may be nested this deep; configs need less than ten.
const MAX_DEPTH: usize = 64;

/// Bound on the number of nodes, entries taken over by merge keys included.
const MAX_NODES: usize = 1_000_000;

/// A parsed YAML file. Its root is read with [`Document::root`]; what the user should know of what was read
/// is gathered in [`Document::notices`].
#[derive(Debug)]
pub struct Document {
    file: String,
    nodes: Vec<Node>,
    root: usize,
    notices: RefCell<Vec<String>>,
    /// The keys that were asked for and are there, and those that are there and unknown; kept where a reader
    /// decides at the end what to make of unknown ones.
    keys: RefCell<Option<Keys>>,
}

#[derive(Debug)]
struct Node {
    location: Location,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Scalar { text: String, plain: bool },
    Sequence(Vec<usize>),
    Mapping(Vec<Entry>),
}

#[derive(Debug, Clone)]
struct Entry {
    key: String,
    location: Location,
    value: usize,
}

impl Document {
    /// Parses a file that holds one document. An empty file is one that holds null.
    ///
    /// `file` is the name used in messages.
    ///
    /// # Errors
    /// [`IoError::Input`] for a syntax error, a key that occurs twice in a mapping or is not
    /// text, a second document, and nesting deeper than 64 levels.
    pub fn parse(file: &str, text: &str) -> Result<Self, IoError> {
        let first = Builder::new(file, Additions::default());
        let builder = first.read(text).or_else(|failure| match failure {
            Failure::Refused(error) => Err(error),
            Failure::Syntax(error) => match as_strict(text) {
                None => Err(error),
                Some((strict, added)) => {
                    let again = Builder::new(file, added).read(&strict);
                    again.map_err(|failure| match failure {
                        Failure::Syntax(error) | Failure::Refused(error) => error,
                    })
                }
            },
        })?;
        let Builder {
            mut nodes, root, ..
        } = builder;
        let root = root.unwrap_or_else(|| {
            nodes.push(Node {
                location: Location::Line(1),
                kind: Kind::Scalar {
                    text: String::new(),
                    plain: true,
                },
            });
            nodes.len() - 1
        });
        Ok(Self {
            file: file.to_owned(),
            nodes,
            root,
            notices: RefCell::default(),
            keys: RefCell::default(),
        })
    }

    /// Has sections keep unknown keys, unless one is close to a key that is known, in place of refusing them.
    pub(crate) fn keep_unknown_keys(&self) {
        self.keys.replace(Some(Keys::default()));
    }

    /// The keys that were kept since [`Document::keep_unknown_keys`].
    pub(crate) fn kept_keys(&self) -> Keys {
        self.keys.take().unwrap_or_default()
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value::new(self, self.root, String::new())
    }

    /// What was noticed of the values read so far, in the order of reading.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        self.notices.borrow().clone()
    }
}

/// Why a text is no document.
enum Failure {
    /// The parser does not understand it.
    Syntax(IoError),
    /// It is YAML, with something that is not taken.
    Refused(IoError),
}

impl From<IoError> for Failure {
    fn from(error: IoError) -> Self {
        Self::Refused(error)
    }
}

/// A collection whose end has not been seen yet.
struct Open {
    location: Location,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<usize>),
    Mapping {
        entries: Vec<Entry>,
        keys: HashSet<String>,
        pending: Option<(String, Location)>,
        merges: Vec<usize>,
    },
}

/// Turns parser events into nodes with a stack of its own, so that depth costs no stack.
struct Builder<'f> {
    file: &'f str,
    /// Characters of the text that is parsed and not of the file.
    added: Additions,
    nodes: Vec<Node>,
    merged: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, usize>,
    root: Option<usize>,
}

impl<'f> Builder<'f> {
    fn new(file: &'f str, added: Additions) -> Self {
        Self {
            file,
            added,
            nodes: Vec::new(),
            merged: 0,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
        }
    }

    /// Parses a text to its end.
    fn read(mut self, text: &str) -> Result<Self, Failure> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| {
                Failure::Syntax(self.error(
                    self.location(*error.marker()),
                    format!("not valid YAML: {}", excerpt(error.info())),
                    "check indentation, colons and quotes on this line and the one before",
                ))
            })?;
            let location = self.location(span.start);
            self.take(event, location)?;
        }
        Ok(self)
    }

    fn location(&self, marker: Marker) -> Location {
        let column = self.added.column_as_written(marker.line(), marker.col());
        Location::Position {
            line: marker.line() as u64,
            column: column as u64 + 1,
        }
    }

    fn error(&self, location: Location, message: impl Into<String>, help: &str) -> IoError {
        IoError::input(self.file, location, message, help)
    }

    fn take(&mut self, event: Event<'_>, location: Location) -> Result<(), IoError> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let kind = Kind::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                };
                self.finish(location, anchor, kind)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(&node) => self.attach(node, location),
                None => Err(self.error(
                    location,
                    "an alias stands inside the value it refers to",
                    "write the value out",
                )),
            },
            Event::SequenceStart(anchor, _) => {
                self.begin(location, anchor, OpenKind::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, _) => {
                let kind = OpenKind::Mapping {
                    entries: Vec::new(),
                    keys: HashSet::new(),
                    pending: None,
                    merges: Vec::new(),
                };
                self.begin(location, anchor, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::DocumentStart(_) if self.root.is_some() => Err(self.error(
                location,
                "a second YAML document begins here",
                "keep one document per file: remove the `---` and what follows it",
            )),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, location: Location, anchor: usize, kind: OpenKind) -> Result<(), IoError> {
        if self.open.len() >= MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(self.error(location, message, "check the brackets and the indentation"));
        }
        if let Some(OpenKind::Mapping { pending: None, .. }) =
            self.open.last().map(|open| &open.kind)
        {
            let message = "a list or mapping stands where a key is expected";
            return Err(self.error(location, message, "keys are text; check the indentation"));
        }
        self.open.push(Open {
            location,
            anchor,
            kind,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), IoError> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.kind {
            OpenKind::Sequence(items) => Kind::Sequence(items),
            OpenKind::Mapping {
                mut entries,
                mut keys,
                merges,
                ..
            } => {
                // Of two `<<` keys the later one counts, of the list in one the first.
                for merge in merges.into_iter().rev() {
                    self.merge(merge, &open.location, &mut entries, &mut keys)?;
                }
                Kind::Mapping(entries)
            }
        };
        self.finish(open.location, open.anchor, kind)
    }

    /// Adds the entries of the mapping (or mappings) that a `<<` key refers to.
    fn merge(
        &mut self,
        node: usize,
        at: &Location,
        entries: &mut Vec<Entry>,
        keys: &mut HashSet<String>,
    ) -> Result<(), IoError> {
        let sources = match &self.nodes[node].kind {
            Kind::Sequence(items) => items.clone(),
            _ => vec![node],
        };
        for source in sources {
            let Kind::Mapping(from) = &self.nodes[source].kind else {
                let message = "`<<` must refer to a mapping or a list of mappings";
                return Err(self.error(at.clone(), message, "write the keys out"));
            };
            self.merged += from.len();
            for entry in from {
                if keys.insert(entry.key.clone()) {
                    entries.push(entry.clone());
                }
            }
            self.check_size(at)?;
        }
        Ok(())
    }

    fn check_size(&self, at: &Location) -> Result<(), IoError> {
        if self.nodes.len() + self.merged > MAX_NODES {
            let message = format!("more than {MAX_NODES} values");
            return Err(self.error(at.clone(), message, "check that this is the file you meant"));
        }
        Ok(())
    }

    fn finish(&mut self, location: Location, anchor: usize, kind: Kind) -> Result<(), IoError> {
        self.check_size(&location)?;
        let node = self.nodes.len();
        self.nodes.push(Node {
            location: location.clone(),
            kind,
        });
        if anchor > 0 {
            self.anchors.insert(anchor, node);
        }
        self.attach(node, location)
    }

    /// Puts a finished node where it belongs: into the open collection, or as the root.
    fn attach(&mut self, node: usize, location: Location) -> Result<(), IoError> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.kind {
            OpenKind::Sequence(items) => items.push(node),
            OpenKind::Mapping {
                entries,
                keys,
                pending,
                merges,
            } => match pending.take() {
                Some((key, _)) if key == "<<" => merges.push(node),
                Some((key, location)) => entries.push(Entry {
                    key,
                    location,
                    value: node,
                }),
                None => {
                    let Kind::Scalar { text, .. } = &self.nodes[node].kind else {
                        let message = "a list or mapping stands where a key is expected";
                        return Err(self.error(location, message, "keys are text"));
                    };
                    if text != "<<" && !keys.insert(text.clone()) {
                        let message = format!("the key `{}` occurs twice", excerpt(text));
                        return Err(self.error(location, message, "remove one of the two"));
                    }
                    *pending = Some((text.clone(), location));
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
