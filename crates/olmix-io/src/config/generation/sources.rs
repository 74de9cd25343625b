//! `data.sources`: where the tokens of each source, topic and quality bucket are.

use std::collections::HashSet;

use olmix_core::SUM_TOLERANCE;
use olmix_core::generate::Node;

use crate::config::fit::Named;
use crate::config::yaml::{Section, Value};
use crate::error::{IoError, Location};
use crate::messages::excerpt;
use crate::rounding::{ROUNDING, without_rounding};

/// A source, a topic of one, or a quality bucket of a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its name; a leaf's full name joins those on its path by colons.
    pub name: String,
    /// The share of its parent that is pinned.
    pub weight: Option<f64>,
    /// What it holds.
    pub content: Content,
    /// What its shards hold, where its config says so: a word that is not checked here.
    pub format: Option<Named<String>>,
    /// The share of it that its files are, above 0 and up to 1, where they are a sample: its own, or that of the
    /// nearest source above it.
    pub sample: Option<f64>,
    /// Where it stands in the config.
    pub location: Location,
}

/// What a source holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Token or text files: paths or globs, local or of an object store. At least one.
    Paths(Vec<String>),
    /// Topics, or quality buckets. At least one.
    Parts(Vec<Source>),
}

/// What may stand at a level, the innermost last.
#[derive(Clone, Copy)]
enum Level {
    Source,
    Topic,
    Quality,
}

impl Level {
    fn what(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Topic => "topic",
            Self::Quality => "quality bucket",
        }
    }
}

pub(crate) fn read(value: &Value<'_>) -> Result<Vec<Source>, IoError> {
    parts(value, Level::Source, "")
}

fn parts(value: &Value<'_>, level: Level, above: &str) -> Result<Vec<Source>, IoError> {
    let items = value.items()?;
    if items.is_empty() {
        return Err(value.error(
            format!("`{}` is empty", value.path()),
            format!("give at least one {}", level.what()),
        ));
    }
    let mut read: Vec<Source> = Vec::with_capacity(items.len());
    let mut names = HashSet::with_capacity(items.len());
    for item in &items {
        let source = source(item, level, above)?;
        if !names.insert(source.name.clone()) {
            return Err(item.error(
                format!(
                    "two {}s are named `{}`",
                    level.what(),
                    excerpt(&source.name)
                ),
                "give each a unique name",
            ));
        }
        read.push(source);
    }
    share_out(&mut read);
    Ok(read)
}

/// Weights of siblings that sum to 1 but for rounding, such as 0.333 and 0.666, are divided by their sum.
fn share_out(siblings: &mut [Source]) {
    let weights: Option<Vec<f64>> = siblings.iter().map(|one| one.weight).collect();
    let sum: f64 = weights.iter().flatten().sum();
    if weights.is_some() && (sum - 1.0).abs() <= SUM_TOLERANCE + ROUNDING {
        let weights = siblings.iter_mut().filter_map(|one| one.weight.as_mut());
        weights.for_each(|weight| *weight /= sum);
    }
}

fn source(value: &Value<'_>, level: Level, above: &str) -> Result<Source, IoError> {
    let mut section = value.section()?;
    let name = section.required("name")?;
    let name_text = name.name()?;
    if name_text.is_empty() {
        return Err(name.must_be("a name"));
    }
    let full = full_name(above, name_text);
    let weight = section.optional("weight");
    let weight = weight.map(|weight| {
        weight
            .number_that("a share from 0 to 1", |w| {
                (0.0..=1.0).contains(&without_rounding(w))
            })
            .map(without_rounding)
            .map_err(|_| {
                weight.error(
                    format!(
                        "the weight of `{}` is {}, not a share from 0 to 1",
                        excerpt(&full),
                        weight.found()
                    ),
                    format!(
                        "write the share of its parent, such as 0.2, or remove it to have `{}` sampled",
                        excerpt(&full)
                    ),
                )
            })
    });
    let mut content = content(&mut section, level, &full)?;
    let format = section.optional("format").map(|v| word(&v)).transpose()?;
    let sample = section.optional("sample").map(|v| {
        let what = "the share of the data that the files are, above 0 and up to 1";
        v.number_that(what, |share| share > 0.0 && share <= 1.0)
    });
    let sample = sample.transpose()?;
    section.finish()?;
    if let (Some(sample), Content::Parts(parts)) = (sample, &mut content) {
        inherit(parts, sample);
    }
    Ok(Source {
        name: name_text.to_owned(),
        weight: weight.transpose()?,
        content,
        format,
        sample,
        location: value.location(),
    })
}

/// Gives the parts of a source its share at hand, unless they have their own.
fn inherit(parts: &mut [Source], sample: f64) {
    for part in parts.iter_mut().filter(|part| part.sample.is_none()) {
        part.sample = Some(sample);
        if let Content::Parts(inner) = &mut part.content {
            inherit(inner, sample);
        }
    }
}

/// A word, with where it stands.
pub(crate) fn word(value: &Value<'_>) -> Result<Named<String>, IoError> {
    Ok(Named {
        name: value.path().to_owned(),
        value: value.text()?.to_owned(),
        location: value.location(),
    })
}

fn content(section: &mut Section<'_>, level: Level, full: &str) -> Result<Content, IoError> {
    let keys: &[(&'static str, Option<Level>)] = match level {
        Level::Source => &[
            ("paths", None),
            ("topics", Some(Level::Topic)),
            ("quality", Some(Level::Quality)),
        ],
        Level::Topic => &[("paths", None), ("quality", Some(Level::Quality))],
        Level::Quality => &[("paths", None)],
    };
    let mut found: Vec<(&'static str, Option<Level>, Value<'_>)> = Vec::new();
    for (key, parts) in keys {
        if let Some(value) = section.optional(key) {
            found.push((*key, *parts, value));
        }
    }
    let words: Vec<String> = keys.iter().map(|(key, _)| format!("`{key}`")).collect();
    let words = words.join(" or ");
    match &found[..] {
        [(_, Some(level), value)] => Ok(Content::Parts(parts(value, *level, full)?)),
        [(_, None, value)] => Ok(Content::Paths(paths(value, full)?)),
        [] => Err(section.error(
            format!("{} `{}` has no {words}", level.what(), excerpt(full)),
            "say where its tokens are: paths: [\"/data/wiki/*.npy\"]",
        )),
        [(first, ..), (second, _, value), ..] => Err(value.error(
            format!(
                "{} `{}` has both `{first}` and `{second}`",
                level.what(),
                excerpt(full)
            ),
            format!("keep exactly one of {words}"),
        )),
    }
}

fn paths(value: &Value<'_>, full: &str) -> Result<Vec<String>, IoError> {
    let items = value.items()?;
    if items.is_empty() {
        return Err(value.error(
            format!("`{}` has no paths", excerpt(full)),
            "give at least one path or glob",
        ));
    }
    let mut scheme: Option<(String, String)> = None;
    let mut paths = Vec::with_capacity(items.len());
    for item in &items {
        let path = item.name()?;
        if path.is_empty() {
            return Err(item.must_be("a path or glob"));
        }
        let own = path.split_once("://").map_or("", |(scheme, _)| scheme);
        match &scheme {
            Some((other, first)) if *other != own => {
                return Err(item.error(
                    format!(
                        "the paths of `{}` mix places: `{}` and `{}`",
                        excerpt(full),
                        excerpt(first),
                        excerpt(path)
                    ),
                    "a leaf's files must be all local or all in one kind of store; split it into two",
                ));
            }
            Some(_) => {}
            None => scheme = Some((own.to_owned(), path.to_owned())),
        }
        paths.push(path.to_owned());
    }
    Ok(paths)
}

/// Every leaf with its full name, in order.
pub(crate) fn leaves(sources: &[Source]) -> Vec<(String, &Source)> {
    formats(sources)
        .into_iter()
        .map(|(name, source, _)| (name, source))
        .collect()
}

/// A leaf: its full name, itself, and the format that it or the nearest source above it names.
type Leaf<'s> = (String, &'s Source, Option<&'s Named<String>>);

/// Every leaf in order.
pub(crate) fn formats(sources: &[Source]) -> Vec<Leaf<'_>> {
    fn add<'s>(
        sources: &'s [Source],
        above: &str,
        format: Option<&'s Named<String>>,
        into: &mut Vec<Leaf<'s>>,
    ) {
        for source in sources {
            let full = full_name(above, &source.name);
            let format = source.format.as_ref().or(format);
            match &source.content {
                Content::Paths(_) => into.push((full, source, format)),
                Content::Parts(parts) => add(parts, &full, format, into),
            }
        }
    }
    let mut found = Vec::new();
    add(sources, "", None, &mut found);
    found
}

/// Sizes by full name: those counted, of leaves, and those set by hand, of sources and topics.
pub(crate) struct Sizes<'a> {
    /// Size and tokens of a leaf; above 0.
    pub counted: &'a dyn Fn(&str) -> (f64, Option<u64>),
    /// The size set by hand, if any.
    pub by_hand: &'a dyn Fn(&str) -> Option<f64>,
}

/// The sources as the sampler's tree.
pub(crate) fn nodes(sources: &[Source], above: &str, sizes: &Sizes<'_>) -> Vec<Node> {
    let node = |source: &Source| {
        let full = full_name(above, &source.name);
        let by_hand = (sizes.by_hand)(&full);
        let (tokens, children) = match &source.content {
            Content::Paths(_) => ((sizes.counted)(&full).1, Vec::new()),
            Content::Parts(parts) => (None, nodes(parts, &full, sizes)),
        };
        Node {
            name: source.name.clone(),
            size: by_hand.unwrap_or_else(|| counted(source, &full, sizes)),
            manual: by_hand.is_some(),
            pinned: source.weight,
            tokens,
            children,
        }
    };
    sources.iter().map(node).collect()
}

/// The counted size of all that a source holds.
fn counted(source: &Source, full: &str, sizes: &Sizes<'_>) -> f64 {
    match &source.content {
        Content::Paths(_) => (sizes.counted)(full).0,
        Content::Parts(parts) => parts
            .iter()
            .map(|part| counted(part, &full_name(full, &part.name), sizes))
            .sum(),
    }
}

pub(crate) fn full_name(above: &str, name: &str) -> String {
    match above {
        "" => name.to_owned(),
        above => format!("{above}:{name}"),
    }
}
