//! Settings that are put into a document in place of its own, such as those of a command line.

use super::{Document, Entry, Kind, Node};
use crate::error::{IoError, Location};
use crate::messages::excerpt;

/// One setting, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The keys that lead to it, from the root; none of them empty.
    pub path: Vec<String>,
    /// The value, as YAML.
    pub value: String,
    /// Whether the value is added to the end of a list and not put in place of what stands there.
    pub append: bool,
    /// How the setting was given, for messages: `--set regression.seed=1`.
    pub given_as: String,
}

impl Edit {
    /// Reads `KEY=VALUE`, where keys are separated by dots, and a key with dots or `=` in it stands in double
    /// quotes: `constraints.bounds."code.python".min=0.1`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn of_assignment(text: &str) -> Result<Self, String> {
        let form = || "write KEY=VALUE, such as regression.seed=1".to_owned();
        let (mut path, mut key, mut quoted) = (Vec::new(), String::new(), false);
        let mut rest = text.char_indices();
        let value = loop {
            let Some((at, c)) = rest.next() else {
                return Err(form());
            };
            match c {
                '"' => quoted = !quoted,
                '.' if !quoted => path.push(std::mem::take(&mut key)),
                '=' if !quoted => break text.get(at + 1..).unwrap_or_default(),
                c => key.push(c),
            }
        };
        path.push(key);
        if path.iter().any(String::is_empty) {
            return Err(form());
        }
        Ok(Self {
            path,
            value: value.to_owned(),
            append: false,
            given_as: format!("--set {text}"),
        })
    }
}

impl Document {
    /// Puts settings in place, in their order. Sections that are not there are made.
    ///
    /// # Errors
    /// [`IoError::Input`] for a value that is not valid YAML, and a path through something that is not a
    /// mapping (or, to append, does not end at a list).
    pub fn edit(&mut self, edits: &[Edit]) -> Result<(), IoError> {
        for edit in edits {
            let value = self.graft(edit)?;
            self.root = self.placed(Some(self.root), &edit.path, value, edit)?;
        }
        Ok(())
    }

    /// Adds the nodes of an edit's value; the outermost.
    fn graft(&mut self, edit: &Edit) -> Result<usize, IoError> {
        let location = Location::Field(edit.given_as.clone());
        let document = Self::parse(&edit.given_as, &edit.value)?;
        let offset = self.nodes.len();
        for mut node in document.nodes {
            node.location = location.clone();
            match &mut node.kind {
                Kind::Scalar { .. } => {}
                Kind::Sequence(items) => items.iter_mut().for_each(|item| *item += offset),
                Kind::Mapping(entries) => {
                    for entry in entries {
                        entry.value += offset;
                        entry.location = location.clone();
                    }
                }
            }
            self.nodes.push(node);
        }
        Ok(document.root + offset)
    }

    /// A copy of a node (an empty mapping for none) with the value in it. Other places may name the same
    /// node by an alias, and stay as they are.
    fn placed(
        &mut self,
        node: Option<usize>,
        path: &[String],
        value: usize,
        edit: &Edit,
    ) -> Result<usize, IoError> {
        let node = node.filter(|&node| !self.is_null(node));
        let location = || Location::Field(edit.given_as.clone());
        let refused = |what: &str| {
            let path = edit.path.join(".");
            IoError::input(
                &self.file,
                location(),
                format!("`{}` can't be set: {what}", excerpt(&path)),
                "correct the key",
            )
        };
        let kind = if let Some((key, rest)) = path.split_first() {
            let mut entries = match node.map(|node| &self.nodes[node].kind) {
                None => Vec::new(),
                Some(Kind::Mapping(entries)) => entries.clone(),
                Some(_) => return Err(refused(&format!("`{}` is not in a mapping", excerpt(key)))),
            };
            let known = entries.iter().position(|entry| entry.key == *key);
            let inner = known.map(|at| entries[at].value);
            let inner = if rest.is_empty() && !edit.append {
                value
            } else {
                self.placed(inner, rest, value, edit)?
            };
            match known {
                Some(at) => entries[at].value = inner,
                None => entries.push(Entry {
                    key: key.clone(),
                    location: location(),
                    value: inner,
                }),
            }
            Kind::Mapping(entries)
        } else {
            let mut items = match node.map(|node| &self.nodes[node].kind) {
                None => Vec::new(),
                Some(Kind::Sequence(items)) => items.clone(),
                Some(_) => return Err(refused("it is not a list")),
            };
            items.push(value);
            Kind::Sequence(items)
        };
        let location = node.map_or_else(location, |node| self.nodes[node].location.clone());
        self.nodes.push(Node { location, kind });
        Ok(self.nodes.len() - 1)
    }

    fn is_null(&self, node: usize) -> bool {
        matches!(&self.nodes[node].kind, Kind::Scalar { text, plain: true } if super::scalar::is_null(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Edit {
        Edit::of_assignment(text).unwrap()
    }

    fn edited(text: &str, edits: &[Edit]) -> Result<Document, IoError> {
        let mut document = Document::parse("c.yaml", text)?;
        document.edit(edits)?;
        Ok(document)
    }

    fn at(document: &Document, path: &[&str]) -> String {
        let value = path.iter().fold(document.root(), |value, key| {
            let entries = value.entries().unwrap();
            entries.into_iter().find(|(k, _)| k == key).unwrap().1
        });
        match value.items() {
            Ok(items) => format!(
                "{:?}",
                items.iter().map(|i| i.text().unwrap()).collect::<Vec<_>>()
            ),
            Err(_) => value.text().unwrap().to_owned(),
        }
    }

    #[test]
    fn an_assignment_has_keys_with_dots_between_and_quotes_around_names_with_dots() {
        assert_eq!(set("a.b=1").path, ["a", "b"]);
        assert_eq!(
            set(r#"bounds."code.py=x".min=0.1"#).path,
            ["bounds", "code.py=x", "min"]
        );
        assert_eq!(set("a=x=y").value, "x=y");
        for bad in ["a.b", "=1", "a..b=1", ""] {
            assert!(Edit::of_assignment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_setting_replaces_what_is_there_and_makes_the_sections_that_are_not() {
        let text = "a: {b: 1, c: 2}\nempty:\n";
        let edits = [set("a.b=3"), set("x.y.z=[1, 2]"), set("empty.k=v")];
        let document = edited(text, &edits).unwrap();
        assert_eq!(at(&document, &["a", "b"]), "3");
        assert_eq!(at(&document, &["a", "c"]), "2");
        assert_eq!(at(&document, &["x", "y", "z"]), r#"["1", "2"]"#);
        assert_eq!(at(&document, &["empty", "k"]), "v");
    }

    #[test]
    fn a_setting_of_an_aliased_mapping_changes_one_place_alone() {
        let text = "a: &x {min: 1}\nb: *x\n";
        let document = edited(text, &[set("b.min=5")]).unwrap();
        assert_eq!(at(&document, &["a", "min"]), "1");
        assert_eq!(at(&document, &["b", "min"]), "5");
    }

    #[test]
    fn a_value_is_appended_to_a_list_that_may_not_be_there_yet() {
        let append = |path: &str| Edit {
            append: true,
            ..set(&format!("{path}=z"))
        };
        let document = edited("a: [x]\n", &[append("a"), append("b.c")]).unwrap();
        assert_eq!(at(&document, &["a"]), r#"["x", "z"]"#);
        assert_eq!(at(&document, &["b", "c"]), r#"["z"]"#);
    }

    #[test]
    fn a_path_through_a_scalar_and_a_value_that_is_not_yaml_are_refused_by_the_flag() {
        let message = edited("a: 1\n", &[set("a.b=2")]).unwrap_err().to_string();
        assert!(
            message.starts_with("c.yaml: --set a.b=2: `a.b` can't be set: `b` is not in a mapping"),
            "{message}"
        );
        let message = edited("a: 1\n", &[set("b=[1")]).unwrap_err().to_string();
        assert!(message.starts_with("--set b=[1:"), "{message}");
    }
}
