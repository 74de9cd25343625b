//! Runs of several sizes: the columns that say which size a run has, and the swarm as it would be at another.

use std::collections::HashMap;
use std::sync::Arc;

use olmix_core::scaling::{Scale, Scaled, ScalingLaw, SizeCheck, without_largest};
use olmix_core::{CoreError, Swarm};

use super::load_swarm::SwarmTables;
use super::loader::Loader;
use super::tables::csv_table::{Cell, Table};
use crate::config::fit::ScaleConfig;
use crate::config::yaml::parse_tokens;
use crate::error::IoError;
use crate::messages::{count, excerpt};

/// A target that lies this many times beyond what was measured is noticed.
const FAR: f64 = 4.0;

/// Below this rank correlation of the average at the largest size, and above this error as a share of its level, the
/// law is doubted.
const LEAST_RANKS: f64 = 0.8;
const MOST_BIAS: f64 = 0.02;

/// The tables without the columns of sizes, and what these say.
pub(crate) struct SizedTables {
    pub tables: SwarmTables,
    scales: HashMap<String, Scale>,
}

/// A swarm at a size that was not measured.
pub(crate) struct AtScale {
    pub swarm: Swarm,
    pub scaled: Scaled,
    pub check: Option<SizeCheck>,
}

impl SizedTables {
    /// Takes the columns of sizes out of the tables.
    pub fn new(tables: &SwarmTables, config: &ScaleConfig) -> Result<Self, IoError> {
        let parameters = sizes(tables, &config.parameters_column, "parameters")?;
        let tokens = sizes(tables, &config.tokens_column, "tokens")?;
        let names = [&*config.parameters_column, &*config.tokens_column];
        let both = |(id, parameters): (String, f64)| {
            let scale = Scale {
                parameters,
                tokens: *tokens.get(&id)?,
            };
            Some((id, scale))
        };
        Ok(Self {
            scales: parameters.into_iter().filter_map(both).collect(),
            tables: SwarmTables {
                ratios: tables.ratios.without(&names),
                metrics: tables.metrics.without(&names),
            },
        })
    }
}

/// By run, the number in a column of the ratios or, without it there, of the metrics.
fn sizes(tables: &SwarmTables, name: &str, of: &str) -> Result<HashMap<String, f64>, IoError> {
    let both = [&tables.ratios, &tables.metrics];
    let position = |table: &Table| table.columns().iter().position(|column| column == name);
    let found = both
        .iter()
        .find_map(|table| Some((table, position(table)?)));
    let Some((table, column)) = found else {
        return Err(tables.ratios.header_error(
            format!(
                "there is no column `{}`, here or in {}: `scale` needs the {of} of every run",
                excerpt(name),
                tables.metrics.file()
            ),
            format!("add the column, or name the one that has them in `swarm.{of}`"),
        ));
    };
    let number = |row: usize| {
        let value = match table.cell(row, column) {
            Cell::Number(value) => Some(value),
            Cell::Text(text) => parse_tokens(text),
            Cell::Missing => None,
        };
        let value = value.filter(|value| *value > 0.0).ok_or_else(|| {
            table.error(
                row,
                format!(
                    "run `{}` has no number of {of} above 0 in column `{}`",
                    excerpt(table.id(row)),
                    excerpt(name)
                ),
                "write how many they are, such as 122000000 or 122M, or remove the row",
            )
        })?;
        Ok((table.id(row).to_owned(), value))
    };
    (0..table.len()).map(number).collect()
}

/// What speaks against the law where it fails on the largest size; `None` where it does not.
fn doubt(check: SizeCheck) -> Option<String> {
    let average = check.average;
    let ranks = average.spearman.filter(|ranks| *ranks < LEAST_RANKS);
    let ranks = ranks.map(|ranks| {
        format!("its average losses correlate with those predicted by {ranks:.2} only (ranks)")
    });
    let off = average.bias.abs() > MOST_BIAS * check.level;
    let off = off.then(|| {
        let percent = 100.0 * average.bias.abs() / check.level;
        format!("its average loss is {percent:.1} % off")
    });
    let found = ranks.or(off)?;
    Some(format!(
        "the law of the smaller sizes fails on {}: {found}; expect no better of the target, or measure some mixtures \
         nearer to it",
        check.size
    ))
}

impl Loader {
    /// Fits the joint law to a swarm of several sizes, and takes the swarm to the size that the config names.
    pub fn at_scale(
        &mut self,
        swarm: &Swarm,
        sized: &SizedTables,
        config: &ScaleConfig,
    ) -> Result<AtScale, IoError> {
        let scale = |run: &String| sized.scales.get(run).copied();
        let scales: Vec<Scale> = swarm.runs().iter().filter_map(scale).collect();
        let refused = |error: CoreError| {
            self.setting_error(
                "scale",
                error.to_string(),
                "give runs of two sizes or more, with checkpoints at several numbers of tokens, and three mixtures \
                 or more that the sizes have in common",
            )
        };
        let law = ScalingLaw::fit(swarm, &scales).map_err(refused)?;
        let check = without_largest(swarm, &scales).map_err(refused)?;
        let there = law.at(config.target).map_err(refused)?;
        let target = config.target;
        let sizes = law.sizes();
        self.tables.notice(format!(
            "losses are those that the joint law of {} predicts for {target}: {} of the {} count",
            count(sizes.len(), "size"),
            swarm.len() - law.left_out(),
            count(swarm.len(), "row"),
        ));
        self.tables.notices.extend(check.and_then(doubt));
        let (parameters, tokens) = law.beyond(target);
        for (times, what) in [(parameters, "parameters"), (tokens, "tokens")] {
            if times > FAR {
                self.tables.notice(format!(
                    "the target has {times:.1} times the most {what} that were measured: what the law says so far \
                     away was never tested; measure a run nearer to it"
                ));
            }
        }
        Ok(AtScale {
            swarm: there,
            scaled: Scaled {
                law: Arc::new(law),
                target,
            },
            check,
        })
    }
}
