//! The latest value of every key, out of records that set keys to JSON texts.
//!
//! Histories have a thousand records of the same fifty keys, so that nothing is parsed before all was read: an item
//! is told by the bytes before its value, and its value is kept as it stands.

use std::collections::HashMap;

use super::super::formats::wire::Fields;

/// The field of an item's value, in histories, summaries and configs.
const VALUE: u64 = 16;

/// One key, and what it was last set to.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The bytes of the fields before the value: the key, as it was encoded.
    encoded: Vec<u8>,
    /// The key, part by part.
    pub path: Vec<String>,
    /// The JSON text; `None` where the key was removed.
    pub json: Option<Vec<u8>>,
    /// The number of the change, counted over all items.
    pub order: u64,
    /// The step at which it was set, in histories.
    pub step: Option<f64>,
}

/// Items by their keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Latest {
    pub items: Vec<Item>,
    places: HashMap<Vec<u8>, usize>,
    /// Where the item is that followed the last one, last time.
    expected: usize,
    changes: u64,
}

impl Latest {
    /// Sets a key, and returns where it is in `items`. An item without a key is passed over.
    pub fn set(&mut self, item: &[u8]) -> Option<usize> {
        let (key, value) = split(item)?;
        let place = self.place(key)?;
        let json = self.items[place].json.get_or_insert_default();
        json.clear();
        json.extend_from_slice(value);
        Some(place)
    }

    /// Removes a key, and all below it.
    pub fn remove(&mut self, item: &[u8]) {
        let key = split(item).map_or(item, |(key, _)| key);
        if let Some(place) = self.place(key) {
            self.items[place].json = None;
        }
    }

    fn place(&mut self, key: &[u8]) -> Option<usize> {
        let next = self.items.get(self.expected);
        let place = if next.is_some_and(|item| item.encoded == key) {
            self.expected
        } else if let Some(&place) = self.places.get(key) {
            place
        } else {
            let path = path_of(key);
            if path.is_empty() {
                return None;
            }
            self.items.push(Item {
                encoded: key.to_owned(),
                path,
                json: None,
                order: 0,
                step: None,
            });
            self.places.insert(key.to_owned(), self.items.len() - 1);
            self.items.len() - 1
        };
        self.expected = place + 1;
        self.changes += 1;
        self.items[place].order = self.changes;
        Some(place)
    }
}

/// The bytes of an item's key, and its value. Writers put the value last.
fn split(item: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Fields::of(item);
    loop {
        let before = item.len() - fields.left();
        let (number, field) = fields.next()?;
        if number == VALUE {
            return Some((&item[..before], field.bytes()));
        }
    }
}

/// `key`, or `nested_key` part by part.
fn path_of(key: &[u8]) -> Vec<String> {
    let (mut whole, mut parts) = (None, Vec::new());
    for (number, field) in Fields::of(key) {
        match number {
            1 => whole = Some(field.text()),
            2 => parts.push(field.text()),
            _ => {}
        }
    }
    if parts.is_empty() {
        whole.into_iter().collect()
    } else {
        parts
    }
}
