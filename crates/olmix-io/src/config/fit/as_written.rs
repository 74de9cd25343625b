//! How settings are written back in the form a config has, so that `config.json` is a config.

use olmix_core::Ridge;
use serde::{Serialize, Serializer};

use super::{KlReg, Named, TrainSplit};

/// A mapping from names to values.
struct Entries<'a, T>(&'a [Named<T>]);

impl<T: Serialize> Serialize for Entries<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|entry| (&entry.name, &entry.value)))
    }
}

/// A list of names.
struct Names<'a>(&'a [Named<()>]);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|entry| &entry.name))
    }
}

pub(super) fn map<T: Serialize, S: Serializer>(
    entries: &[Named<T>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    Entries(entries).serialize(serializer)
}

#[allow(clippy::ref_option)] // serde hands over a reference to the field
pub(super) fn optional_map<T: Serialize, S: Serializer>(
    entries: &Option<Vec<Named<T>>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    entries.as_deref().map(Entries).serialize(serializer)
}

#[allow(clippy::ref_option)] // serde hands over a reference to the field
pub(super) fn optional_map_of_maps<S: Serializer>(
    entries: &Option<Vec<Named<Vec<Named<f64>>>>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match entries {
        Some(entries) => map_of_maps(entries, serializer),
        None => serializer.serialize_none(),
    }
}

pub(super) fn map_of_maps<S: Serializer>(
    entries: &[Named<Vec<Named<f64>>>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        entries
            .iter()
            .map(|entry| (&entry.name, Entries(&entry.value))),
    )
}

pub(super) fn list<S: Serializer>(names: &[Named<()>], serializer: S) -> Result<S::Ok, S::Error> {
    Names(names).serialize(serializer)
}

pub(super) fn map_of_lists<S: Serializer>(
    entries: &[Named<Vec<Named<()>>>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        entries
            .iter()
            .map(|entry| (&entry.name, Names(&entry.value))),
    )
}

#[allow(clippy::ref_option)] // serde hands over a reference to the field
pub(super) fn ridge<S: Serializer>(
    ridge: &Option<Ridge>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match ridge {
        None => serializer.serialize_none(),
        Some(Ridge::Auto) => serializer.serialize_str("auto"),
        Some(Ridge::Fixed(ridge)) => serializer.serialize_f64(*ridge),
    }
}

#[allow(clippy::ref_option)] // serde hands over a reference to the field
pub(super) fn kl_reg<S: Serializer>(
    kl_reg: &Option<KlReg>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match kl_reg {
        None => serializer.serialize_none(),
        Some(KlReg::Auto) => serializer.serialize_str("auto"),
        Some(KlReg::Fixed(kl)) => serializer.serialize_f64(*kl),
    }
}

impl Serialize for TrainSplit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_f64(1.0),
            Self::Fraction(share) => serializer.serialize_f64(*share),
            Self::Count(runs) => serializer.serialize_u64(*runs as u64),
        }
    }
}
