//! Mixes of launch configs, flat or nested.

use crate::config::yaml::Value;
use crate::error::IoError;

use super::sources::full_name;

/// A leaf of a mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct MixLeaf {
    /// Its full name.
    pub name: String,
    /// Its share of the run's tokens, above 0.
    pub weight: f64,
    /// How often the run may see each of its tokens; not limited where not given.
    pub repetition_factor: Option<f64>,
}

/// Keys of a part that do not name another part.
fn is_property(key: &str) -> bool {
    matches!(key, "weight" | "repetition_factor")
}

/// The leaves of a mix: `weight` and `repetition_factor` are properties, every other key a part, a bare
/// number a weight; a leaf's weight is the product along its path, its factor the nearest one's. `weight_of`
/// reads a weight.
pub(crate) fn leaves(
    mix: &Value<'_>,
    weight_of: &dyn Fn(&Value<'_>) -> Result<f64, IoError>,
) -> Result<Vec<MixLeaf>, IoError> {
    let mut into = Vec::new();
    add_parts(mix, "", (1.0, None), weight_of, &mut into)?;
    Ok(into)
}

fn add_parts(
    value: &Value<'_>,
    above: &str,
    (share, factor): (f64, Option<f64>),
    weight_of: &dyn Fn(&Value<'_>) -> Result<f64, IoError>,
    into: &mut Vec<MixLeaf>,
) -> Result<(), IoError> {
    for (name, part) in value.entries()? {
        if !above.is_empty() && is_property(name) {
            continue;
        }
        let name = full_name(above, name);
        let leaf = |weight, repetition_factor| MixLeaf {
            name: name.clone(),
            weight,
            repetition_factor,
        };
        let Ok(entries) = part.entries() else {
            into.push(leaf(share * weight_of(&part)?, factor));
            continue;
        };
        let property = |key: &str| entries.iter().find(|(k, _)| *k == key).map(|(_, v)| v);
        let own = share * property("weight").map_or(Ok(1.0), weight_of)?;
        let own_factor = property("repetition_factor")
            .filter(|v| !v.is_null())
            .map(|v| v.number_that("a number above 0", |x| x > 0.0));
        let factor = own_factor.transpose()?.or(factor);
        if entries.iter().all(|(key, _)| is_property(key)) {
            into.push(leaf(own, factor));
        } else {
            add_parts(&part, &name, (own, factor), weight_of, into)?;
        }
    }
    Ok(())
}
