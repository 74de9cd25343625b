//! What a `run-ID.wandb` holds: its records are messages of `wandb_internal.proto`, of which six kinds matter here.

use std::collections::BTreeMap;
use std::path::Path;

use olmix_io::metrics_meta::Direction;
use serde_json::{Map, Value};

use super::super::formats::End;
use super::super::formats::log_file::{Records, Writer};
use super::super::formats::wire::{Field, Fields};
use super::latest::Latest;
use crate::run::metrics::json_value;

/// `:W&B`, then 0xBEE1 with the lower byte first.
const WRITER: Writer = Writer {
    name: "Weights & Biases",
    beginning: [b':', b'W', b'&', b'B', 0xe1, 0xbe],
    version: 0,
};

/// Keys under which trainers log the step of training with every record. They count before the number of the
/// record, which begins at 0 again in every run that is begun again.
const STEPS: [&str; 3] = ["train/global_step", "trainer/global_step", "global_step"];

/// The content of a run's file.
#[derive(Debug, Default)]
pub(super) struct RunFile {
    pub id: Option<String>,
    pub display_name: Option<String>,
    /// Nanoseconds since 1970.
    pub begun: i128,
    pub config: Map<String, Value>,
    pub summary: Map<String, Value>,
    /// Keys that were taken out of the summary.
    pub removed: Vec<String>,
    /// The last value of every key that was logged, and its step.
    pub history: BTreeMap<String, (Value, Option<f64>)>,
    /// The last step that was logged.
    pub step: Option<f64>,
    /// Which way metrics are better, by name or by the beginning of names that ends in `*`.
    pub goals: Vec<(String, Direction)>,
    /// The exit code of the run's process, if it came to an end.
    pub exit: Option<i64>,
    pub end: Option<End>,
}

/// Whether a metric is a counter of steps.
pub(super) fn is_step(metric: &str) -> bool {
    STEPS.contains(&metric)
}

/// Reads a file as far as its records are whole.
///
/// # Errors
/// A sentence on what the file is instead.
pub(super) fn read(path: &Path) -> Result<RunFile, String> {
    let mut records = Records::open(path, WRITER)?;
    let mut reader = Reader::default();
    loop {
        match records.next() {
            Ok(Some(record)) => reader.take(record),
            Ok(None) => return Ok(reader.finish(records.end())),
            Err(error) => return Err(format!("can't be read: {error}")),
        }
    }
}

#[derive(Debug, Default)]
struct Reader {
    file: RunFile,
    config: Latest,
    summary: Latest,
    history: Latest,
    /// The items of the record at hand.
    touched: Vec<usize>,
}

impl Reader {
    fn take(&mut self, record: &[u8]) {
        for (number, field) in Fields::of(record) {
            let message = field.bytes();
            match number {
                2 => self.take_history(message),
                3 => changes(&mut self.summary, message),
                5 => changes(&mut self.config, message),
                12 => self.take_metric(message),
                17 => self.take_run(message),
                18 => {
                    let code = Fields::of(message).find(|(number, _)| *number == 1);
                    self.file.exit = Some(code.map_or(0, |(_, code)| code.whole()));
                }
                _ => {}
            }
        }
    }

    fn take_history(&mut self, message: &[u8]) {
        self.touched.clear();
        let (mut step, mut own) = (None, None);
        for (number, field) in Fields::of(message) {
            match number {
                1 => {
                    let Some(place) = self.history.set(field.bytes()) else {
                        continue;
                    };
                    self.touched.push(place);
                    let item = &self.history.items[place];
                    if let [key] = item.path.as_slice() {
                        let number = || number_of(item.json.as_deref());
                        match key.as_str() {
                            "_step" => step = step.or_else(number),
                            key if is_step(key) => own = number(),
                            _ => {}
                        }
                    }
                }
                2 => {
                    let number = Fields::of(field.bytes()).find(|(number, _)| *number == 1);
                    step = Some(number.map_or(0.0, |(_, number)| number.whole() as f64));
                }
                _ => {}
            }
        }
        let step = own.or(step);
        for &place in &self.touched {
            self.history.items[place].step = step;
        }
        if step > self.file.step {
            self.file.step = step;
        }
    }

    fn take_metric(&mut self, message: &[u8]) {
        let (mut name, mut goal) = (None, 0);
        for (number, field) in Fields::of(message) {
            match number {
                1 | 2 => name = Some(field.text()),
                8 => goal = field.whole(),
                _ => {}
            }
        }
        let direction = match goal {
            1 => Direction::Min,
            2 => Direction::Max,
            _ => return,
        };
        if let Some(name) = name {
            self.file.goals.push((name, direction));
        }
    }

    fn take_run(&mut self, message: &[u8]) {
        let named = |field: Field<'_>| Some(field.text()).filter(|text| !text.is_empty());
        for (number, field) in Fields::of(message) {
            match number {
                1 => self.file.id = named(field),
                4 => changes(&mut self.config, field.bytes()),
                5 => changes(&mut self.summary, field.bytes()),
                8 => self.file.display_name = named(field),
                17 => self.file.begun = field.timestamp(),
                _ => {}
            }
        }
    }

    fn finish(self, end: End) -> RunFile {
        let mut file = self.file;
        let (config, _) = tree(self.config);
        let (summary, removed) = tree(self.summary);
        let mut items = self.history.items;
        items.sort_by_key(|item| item.order);
        for item in items {
            let value = item.json.as_deref().and_then(value_of);
            if let Some(value) = value {
                let name = item.path.join("/");
                file.history.insert(name, (value, item.step));
            }
        }
        RunFile {
            config,
            summary,
            removed,
            end: Some(end),
            ..file
        }
    }
}

/// Updates (field 1) and removals (field 2) of a summary or config.
fn changes(latest: &mut Latest, message: &[u8]) {
    for (number, field) in Fields::of(message) {
        match number {
            1 => {
                latest.set(field.bytes());
            }
            2 => latest.remove(field.bytes()),
            _ => {}
        }
    }
}

fn value_of(json: &[u8]) -> Option<Value> {
    json_value(std::str::from_utf8(json).ok()?).ok()
}

fn number_of(json: Option<&[u8]>) -> Option<f64> {
    std::str::from_utf8(json?).ok()?.parse().ok()
}

/// The items as one nested object, later changes over earlier ones, and the keys that were removed.
fn tree(latest: Latest) -> (Map<String, Value>, Vec<String>) {
    let mut items = latest.items;
    items.sort_by_key(|item| item.order);
    let (mut root, mut removed) = (Map::new(), Vec::new());
    for item in items {
        let Some((last, above)) = item.path.split_last() else {
            continue;
        };
        let Some(inner) = object_at(&mut root, above) else {
            continue;
        };
        match item.json.as_deref().map(value_of) {
            Some(Some(value)) => {
                inner.insert(last.clone(), value);
            }
            Some(None) => {}
            None => {
                inner.remove(last);
                removed.push(item.path.join("/"));
            }
        }
    }
    (root, removed)
}

/// The object at a path, made where there is none.
fn object_at<'t>(
    root: &'t mut Map<String, Value>,
    path: &[String],
) -> Option<&'t mut Map<String, Value>> {
    let Some((key, rest)) = path.split_first() else {
        return Some(root);
    };
    let below = root.entry(key.clone()).or_insert(Value::Null);
    if !below.is_object() {
        *below = Value::Object(Map::new());
    }
    object_at(below.as_object_mut()?, rest)
}
