//! MMLU: 57 subjects as four tasks.
//!
//! Each group is the mean over its questions, so a subject weighs by the number of its questions
//! in the MMLU test set (Hendrycks et al., arXiv 2009.03300), as the reference implementation
//! weighs them.

use std::collections::HashMap;

use crate::messages::listed;
use crate::swarm::tables::csv_table::Table;
use crate::swarm::tables::run_join::Metric;
use crate::swarm::tables::table_reader::TableReader;

/// A group of subjects: its name, and each subject with its number of test questions.
pub(crate) type Group = (&'static str, &'static [(&'static str, u32)]);

/// Prefix of every subject and group.
const PREFIX: &str = "mmlu_";

/// The four groups, in the order in which their columns are added.
pub(crate) const GROUPS: [Group; 4] = [
    (
        "mmlu_stem",
        &[
            ("abstract_algebra", 100),
            ("astronomy", 152),
            ("college_biology", 144),
            ("college_chemistry", 100),
            ("college_computer_science", 100),
            ("college_mathematics", 100),
            ("college_physics", 102),
            ("computer_security", 100),
            ("conceptual_physics", 235),
            ("electrical_engineering", 145),
            ("elementary_mathematics", 378),
            ("high_school_biology", 310),
            ("high_school_chemistry", 203),
            ("high_school_computer_science", 100),
            ("high_school_mathematics", 270),
            ("high_school_physics", 151),
            ("high_school_statistics", 216),
            ("machine_learning", 112),
        ],
    ),
    (
        "mmlu_other",
        &[
            ("anatomy", 135),
            ("business_ethics", 100),
            ("clinical_knowledge", 265),
            ("college_medicine", 173),
            ("global_facts", 100),
            ("human_aging", 223),
            ("management", 103),
            ("marketing", 234),
            ("medical_genetics", 100),
            ("miscellaneous", 783),
            ("nutrition", 306),
            ("professional_accounting", 282),
            ("professional_medicine", 272),
            ("virology", 166),
        ],
    ),
    (
        "mmlu_social_sciences",
        &[
            ("econometrics", 114),
            ("high_school_geography", 198),
            ("high_school_government_and_politics", 193),
            ("high_school_macroeconomics", 390),
            ("high_school_microeconomics", 238),
            ("high_school_psychology", 545),
            ("human_sexuality", 131),
            ("professional_psychology", 612),
            ("public_relations", 110),
            ("security_studies", 245),
            ("sociology", 201),
            ("us_foreign_policy", 100),
        ],
    ),
    (
        "mmlu_humanities",
        &[
            ("formal_logic", 126),
            ("high_school_european_history", 165),
            ("high_school_us_history", 204),
            ("high_school_world_history", 237),
            ("international_law", 121),
            ("jurisprudence", 108),
            ("logical_fallacies", 163),
            ("moral_disputes", 346),
            ("moral_scenarios", 895),
            ("philosophy", 311),
            ("prehistory", 324),
            ("professional_law", 1534),
            ("world_religions", 171),
        ],
    ),
];

/// The subject a column holds, whatever its suffix: `mmlu_anatomy:rc::olmes` is `anatomy`.
pub(crate) fn subject(column: &str) -> Option<&str> {
    let subject = column.strip_prefix(PREFIX)?.split(':').next()?;
    let known = |(_, subjects): &Group| subjects.iter().any(|(name, _)| *name == subject);
    GROUPS.iter().any(known).then_some(subject)
}

/// The metrics that a table offers.
#[derive(Debug)]
pub(crate) struct OfferedMetrics {
    /// Columns, and groups in place of the 57 MMLU subjects.
    pub metrics: Vec<Metric>,
    /// Columns of single subjects that became groups; empty where none did.
    pub replaced: Vec<String>,
}

impl TableReader {
    /// The metrics that a table offers. MMLU subjects that can't become groups are noticed.
    pub fn offered_metrics(&mut self, table: &Table) -> OfferedMetrics {
        match group(table.columns()) {
            Ok(offered) => offered,
            Err((offered, found)) => {
                self.notice(format!(
                    "{} has {found}, so they stay separate metrics instead of becoming the four \
                     groups",
                    table.file()
                ));
                offered
            }
        }
    }
}

/// The metrics a table offers: its columns, where the 57 subjects (when all are there, once
/// each) are replaced by the four groups, after the others.
///
/// # Errors
/// Where some subjects are missing or occur twice: the columns as they are, and what was found of subjects.
pub(crate) fn group(columns: &[String]) -> Result<OfferedMetrics, (OfferedMetrics, String)> {
    let plain = |(column, name): (usize, &String)| Metric {
        name: name.clone(),
        sources: vec![(column, 1.0)],
    };
    let all = || columns.iter().enumerate().map(plain);
    let ungrouped = || OfferedMetrics {
        metrics: all().collect(),
        replaced: Vec::new(),
    };
    let subjects: Vec<(&str, usize)> = columns
        .iter()
        .enumerate()
        .filter_map(|(column, name)| Some((subject(name)?, column)))
        .collect();
    let grouped_already = columns.iter().any(|name| name.starts_with(GROUPS[0].0));
    if subjects.is_empty() || grouped_already {
        return Ok(ungrouped());
    }
    let by_subject: HashMap<&str, usize> = subjects.iter().copied().collect();
    let needed: usize = GROUPS.iter().map(|(_, subjects)| subjects.len()).sum();
    if by_subject.len() < needed {
        let missing: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, subjects)| subjects.iter().map(|(name, _)| *name))
            .filter(|name| !by_subject.contains_key(name))
            .collect();
        let found = format!(
            "{} of the {needed} MMLU subjects (not {})",
            by_subject.len(),
            listed(missing, 3)
        );
        return Err((ungrouped(), found));
    }
    if subjects.len() > needed {
        return Err((ungrouped(), "some MMLU subjects more than once".to_owned()));
    }
    let mut metrics: Vec<Metric> = all().filter(|m| subject(&m.name).is_none()).collect();
    for (name, questions) in GROUPS {
        let total: u32 = questions.iter().map(|(_, number)| number).sum();
        let source = |(subject, number): &(&str, u32)| {
            let column = by_subject.get(subject)?;
            Some((*column, f64::from(*number) / f64::from(total)))
        };
        metrics.push(Metric {
            name: name.to_owned(),
            sources: questions.iter().filter_map(source).collect(),
        });
    }
    let replaced = columns.iter().filter(|name| subject(name).is_some());
    Ok(OfferedMetrics {
        metrics,
        replaced: replaced.cloned().collect(),
    })
}

/// The group a subject belongs to.
pub(crate) fn group_of(subject: &str) -> Option<&'static str> {
    GROUPS
        .iter()
        .find(|(_, subjects)| subjects.iter().any(|(name, _)| *name == subject))
        .map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects() -> Vec<String> {
        let names = GROUPS.iter().flat_map(|(_, subjects)| subjects.iter());
        names
            .map(|(name, _)| format!("mmlu_{name}:rc::olmes"))
            .collect()
    }

    #[test]
    fn shares_of_questions_are_the_published_weights() {
        let Some(text) = crate::real_data::read("mmlu_groups.json") else {
            return;
        };
        let published: HashMap<String, HashMap<String, f64>> = serde_json::from_str(&text).unwrap();
        let columns = subjects();
        let metrics = group(&columns).unwrap().metrics;
        assert_eq!(metrics.len(), published.len());
        for metric in &metrics {
            let weights = &published[&metric.name];
            assert_eq!(metric.sources.len(), weights.len());
            for &(column, weight) in &metric.sources {
                let expected = weights[&columns[column]];
                assert!(
                    (weight - expected).abs() <= 1e-15 * expected,
                    "{}",
                    columns[column]
                );
            }
        }
    }

    #[test]
    fn all_subjects_become_four_groups_after_the_other_metrics() {
        let mut columns = subjects();
        columns.insert(3, "arc_easy".into());
        let OfferedMetrics { metrics, replaced } = group(&columns).unwrap();
        let names: Vec<&str> = metrics.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "arc_easy",
                "mmlu_stem",
                "mmlu_other",
                "mmlu_social_sciences",
                "mmlu_humanities"
            ]
        );
        assert_eq!(replaced.len(), 57);
        for metric in &metrics {
            let sum: f64 = metric.sources.iter().map(|(_, weight)| weight).sum();
            assert!((sum - 1.0).abs() < 1e-14, "{}: {sum}", metric.name);
        }
    }

    #[test]
    fn incomplete_or_doubled_subjects_stay_separate_and_are_said_so() {
        let mut columns = subjects();
        let removed = columns.remove(0);
        let (offered, found) = group(&columns).unwrap_err();
        assert_eq!((offered.metrics.len(), offered.replaced.len()), (56, 0));
        assert_eq!(found, "56 of the 57 MMLU subjects (not `abstract_algebra`)");
        columns.push(removed);
        columns.push("mmlu_anatomy:mc".into());
        let (offered, found) = group(&columns).unwrap_err();
        assert_eq!((offered.metrics.len(), offered.replaced.len()), (58, 0));
        assert!(found.contains("more than once"), "{found}");
    }

    #[test]
    fn mmlu_groups_among_the_columns_keep_every_column_as_it_is() {
        let mut columns = subjects();
        columns.push("mmlu_stem:rc".into());
        let OfferedMetrics { metrics, replaced } = group(&columns).unwrap();
        assert_eq!((metrics.len(), replaced.len()), (58, 0));
    }
}
