//! The history as a graph of text: a lane for each line of records, newest first.

use std::collections::HashMap;

use olmix_ledger::{Record, RecordId, RecordKind};

/// The lanes, and where each record stands.
pub struct Graph {
    lanes: Vec<String>,
    of: HashMap<RecordId, usize>,
    first: Vec<RecordId>,
}

impl Graph {
    /// Of all records, in the order they were added.
    pub fn new(records: &[Record]) -> Self {
        let order = |kind: RecordKind| RecordKind::ALL.iter().position(|other| *other == kind);
        let mut lanes: Vec<(Option<usize>, &str)> = Vec::new();
        for record in records {
            let lane = (order(record.kind), record.line.as_str());
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        // Mixtures last, `main` first among them; otherwise in the order they began.
        lanes.sort_by_key(|(kind, line)| {
            (
                *kind,
                *line != "main" && *kind == order(RecordKind::Mixture),
            )
        });
        let lanes: Vec<String> = lanes.into_iter().map(|(_, line)| line.to_owned()).collect();
        let place = |record: &Record| lanes.iter().position(|line| *line == record.line);
        let of = records
            .iter()
            .filter_map(|record| Some((record.id, place(record)?)))
            .collect();
        let first = lanes
            .iter()
            .filter_map(|line| records.iter().find(|record| record.line == *line))
            .map(|record| record.id)
            .collect();
        Self { lanes, of, first }
    }

    /// The names of the lanes, as a header for [`Graph::row`].
    pub fn header(&self) -> String {
        self.lanes.join(" ")
    }

    /// The drawing beside a record: a dot in its lane, a line to each lane it was made of.
    pub fn row(&self, record: &Record) -> String {
        let Some(&own) = self.of.get(&record.id) else {
            return String::new();
        };
        let from: Vec<usize> = record
            .parents
            .iter()
            .filter_map(|parent| self.of.get(parent).copied())
            .collect();
        let (least, most) = from
            .iter()
            .chain([&own])
            .fold((own, own), |(least, most), &lane| {
                (least.min(lane), most.max(lane))
            });
        let mut row = String::new();
        for (lane, name) in self.lanes.iter().enumerate() {
            let runs_on = self.first[lane] < record.id;
            let symbol = match () {
                () if lane == own => '●',
                () if from.contains(&lane) && lane == least => '├',
                () if from.contains(&lane) && lane == most => '┤',
                () if from.contains(&lane) => '┼',
                () if lane > least && lane < most => '─',
                () if runs_on => '│',
                () => ' ',
            };
            row.push(symbol);
            let width = name.chars().count();
            let fill = if lane >= least && lane < most {
                '─'
            } else {
                ' '
            };
            row.extend(std::iter::repeat_n(fill, width));
        }
        row.trim_end().to_owned()
    }

    /// Columns of a row.
    pub fn width(&self) -> usize {
        self.header().chars().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use olmix_ledger::Cost;

    fn record(id: i64, kind: RecordKind, line: &str, parents: &[i64]) -> Record {
        Record {
            id: RecordId(id),
            hash: String::new(),
            kind,
            line: line.into(),
            number: 1,
            title: String::new(),
            parents: parents.iter().map(|id| RecordId(*id)).collect(),
            files: Vec::new(),
            content: serde_json::Value::Null,
            command: String::new(),
            olmix: String::new(),
            created: 0,
            cost: Cost::default(),
            gain: None,
        }
    }

    #[test]
    fn each_record_has_a_dot_in_its_lane_and_a_line_to_what_it_was_made_of() {
        let records = [
            record(1, RecordKind::Domains, "domains", &[]),
            record(2, RecordKind::Swarm, "swarm", &[1]),
            record(3, RecordKind::Fit, "fit", &[2]),
            record(4, RecordKind::Mixture, "main", &[3, 1]),
        ];
        let graph = Graph::new(&records);
        assert_eq!(graph.header(), "domains swarm fit main");
        let rows: Vec<String> = records.iter().map(|record| graph.row(record)).collect();
        assert_eq!(
            rows,
            ["●", "├───────●", "│       ├─────●", "├─────────────┼───●",]
        );
    }
}
