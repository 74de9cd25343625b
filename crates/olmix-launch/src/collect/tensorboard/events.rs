//! The scalars and hyperparameters of one event file: its records are `Event` messages of TensorFlow.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::{Map, Value as Json};

use crate::collect::formats::End;
use crate::collect::formats::event_log::Events;
use crate::collect::formats::wire::{Field, Fields};
use crate::collect::run::{Value, Values};

/// The version of the format that is read here.
const VERSION: &str = "brain.Event:2";

/// The plugin of scalars that are stored as tensors.
const SCALARS: &str = "scalars";

/// Tags of the hyperparameters' plugin, which are not measurements.
const HYPERPARAMETERS: &str = "_hparams_/";

/// Types of numbers in tensors.
const FLOAT: i64 = 1;
const DOUBLE: i64 = 2;

/// The content of an event file.
#[derive(Debug, Default)]
pub(super) struct EventFile {
    /// The last value of every scalar.
    pub values: Values,
    /// Hyperparameters.
    pub config: Map<String, Json>,
    /// Why it is not whole, if it is not.
    pub end: Option<String>,
}

/// Reads a file as far as its records are whole.
///
/// # Errors
/// A sentence on what the file is instead.
pub(super) fn read(path: &Path) -> Result<EventFile, String> {
    let unreadable = |error: std::io::Error| format!("can't be read: {error}");
    let mut events = Events::open(path).map_err(unreadable)?;
    let mut reader = Reader::default();
    while let Some(record) = events.next().map_err(unreadable)? {
        reader.take(record)?;
    }
    reader.file.end = match events.end() {
        End::Damaged(0) => return Err("not an event file of TensorBoard".into()),
        End::Whole => None,
        End::Cut(place) => Some(format!("cut within a record, at byte {place}")),
        End::Damaged(place) => Some(format!("damaged from byte {place} on")),
    };
    reader.file.values = reader.values.into_iter().collect();
    Ok(reader.file)
}

#[derive(Debug, Default)]
struct Reader {
    file: EventFile,
    values: HashMap<String, Value>,
    /// The plugin of a tag, which its first value alone names.
    plugins: BTreeMap<String, String>,
    begun: bool,
}

impl Reader {
    fn take(&mut self, event: &[u8]) -> Result<(), String> {
        let (mut step, mut summaries) = (0.0, Vec::new());
        for (number, field) in Fields::of(event) {
            match number {
                2 => step = field.whole() as f64,
                3 if field.bytes() != VERSION.as_bytes() => {
                    return Err(format!(
                        "has the format `{}`, and this olmix reads `{VERSION}`",
                        field.text()
                    ));
                }
                3 => self.begun = true,
                5 => summaries.push(field.bytes()),
                _ => {}
            }
        }
        if !self.begun {
            return Err(
                "not an event file of TensorBoard: it does not begin with a version".into(),
            );
        }
        for summary in summaries {
            for (number, field) in Fields::of(summary) {
                if number == 1 {
                    self.take_value(field.bytes(), step);
                }
            }
        }
        Ok(())
    }

    fn take_value(&mut self, message: &[u8], step: f64) {
        let (mut tag, mut simple, mut tensor) = (String::new(), None, None);
        for (number, field) in Fields::of(message) {
            match (number, field) {
                (1, _) => tag = field.text(),
                (2, Field::Fixed32(bits)) => simple = Some(f32::from_bits(bits)),
                (8, _) => tensor = Some(field.bytes()),
                (9, _) => self.take_metadata(message, field.bytes()),
                _ => {}
            }
        }
        if tag.starts_with(HYPERPARAMETERS) {
            return;
        }
        let plugin = self.plugins.get(&tag);
        let is_scalar = plugin.is_none_or(|plugin| plugin == SCALARS);
        let tensor = tensor.filter(|_| is_scalar);
        let number = match (simple, tensor) {
            (Some(number), _) => Some(decimal(number)),
            (None, Some(tensor)) => scalar(tensor),
            (None, None) => None,
        };
        let Some(number) = number else {
            return;
        };
        let value = Value {
            number,
            step: Some(step),
        };
        let mut one = Values::new();
        if let Some((tag, earlier)) = self.values.remove_entry(&tag) {
            one.insert(tag, earlier);
        }
        super::add(&mut one, tag, value);
        self.values.extend(one);
    }

    /// The plugin of a tag, and hyperparameters.
    fn take_metadata(&mut self, value: &[u8], metadata: &[u8]) {
        let (mut plugin, mut content) = (String::new(), &[][..]);
        for (_, field) in Fields::of(metadata).filter(|(number, _)| *number == 1) {
            for (number, field) in Fields::of(field.bytes()) {
                match number {
                    1 => plugin = field.text(),
                    2 => content = field.bytes(),
                    _ => {}
                }
            }
        }
        if plugin == "hparams" {
            let start = Fields::of(content).filter(|(number, _)| *number == 3);
            for (_, start) in start {
                let entries = Fields::of(start.bytes()).filter(|(number, _)| *number == 1);
                self.file
                    .config
                    .extend(entries.filter_map(|(_, entry)| hyperparameter(entry.bytes())));
            }
        }
        let tag = Fields::of(value).find(|(number, _)| *number == 1);
        if let Some((_, tag)) = tag {
            self.plugins.entry(tag.text()).or_insert(plugin);
        }
    }
}

/// A name and a number or text.
fn hyperparameter(entry: &[u8]) -> Option<(String, Json)> {
    let (mut key, mut json) = (None, None);
    for (number, field) in Fields::of(entry) {
        match number {
            1 => key = Some(field.text()),
            2 => {
                json = Fields::of(field.bytes()).find_map(|(kind, value)| match (kind, value) {
                    (2, Field::Fixed64(bits)) => Some(f64::from_bits(bits).into()),
                    (3, value) => Some(value.text().into()),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    Some((key?, json?))
}

/// The number of a tensor with one element.
fn scalar(tensor: &[u8]) -> Option<f64> {
    let (mut kind, mut elements, mut content, mut listed) = (0, 1, &[][..], None);
    for (number, field) in Fields::of(tensor) {
        match number {
            1 => kind = field.whole(),
            2 => {
                let dimensions = Fields::of(field.bytes()).filter(|(number, _)| *number == 2);
                for (_, dimension) in dimensions {
                    let size = Fields::of(dimension.bytes()).find(|(number, _)| *number == 1);
                    elements *= size.map_or(0, |(_, size)| size.whole());
                }
            }
            4 => content = field.bytes(),
            5 => listed = float(field),
            6 => listed = double(field),
            _ => {}
        }
    }
    let content = match kind {
        FLOAT => content
            .try_into()
            .ok()
            .map(|bytes| decimal(f32::from_le_bytes(bytes))),
        DOUBLE => content.try_into().ok().map(f64::from_le_bytes),
        _ => return None,
    };
    content.or(listed).filter(|_| elements == 1)
}

fn float(field: Field<'_>) -> Option<f64> {
    let bits = match field {
        Field::Fixed32(bits) => bits,
        field => u32::from_le_bytes(field.bytes().try_into().ok()?),
    };
    Some(decimal(f32::from_bits(bits)))
}

fn double(field: Field<'_>) -> Option<f64> {
    let bits = match field {
        Field::Fixed64(bits) => bits,
        field => u64::from_le_bytes(field.bytes().try_into().ok()?),
    };
    Some(f64::from_bits(bits))
}

/// The number with the shortest decimal form that is this one in 32 bits: 2.2, not 2.200000047683716.
fn decimal(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}
