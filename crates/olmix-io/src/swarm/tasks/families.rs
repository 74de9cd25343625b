//! Families of tasks: what results are summarized by when a config names none.

/// The family of every metric that is in no other.
const OTHER: &str = "other";

/// Question answering tasks of the Olmix paper, without suffix.
const QA: [&str; 18] = [
    "arc_challenge",
    "arc_easy",
    "coqa",
    "csqa",
    "drop",
    "hellaswag",
    "jeopardy",
    "lambada",
    "medmcqa",
    "medqa_en",
    "naturalqs",
    "piqa",
    "qasper_yesno",
    "sciq",
    "sciriff_yesno",
    "socialiqa",
    "squad",
    "winogrande",
];

/// The family of a metric as in the Olmix paper (`math`, `code`, `qa`), by its name up to the
/// first colon; `other` for metrics the paper does not have.
pub(crate) fn family_of(metric: &str) -> &'static str {
    let name = metric.split(':').next().unwrap_or(metric);
    if name.starts_with("minerva_math") {
        "math"
    } else if ["codex_humaneval", "mbpp"].contains(&name) || name.starts_with("mt_mbpp") {
        "code"
    } else if QA.contains(&name)
        || ["basic_skills", "lab_bench", "mmlu_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    {
        "qa"
    } else {
        OTHER
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_published_families_are_those_of_the_rules() {
        let Some(text) = crate::real_data::read("task_families.json") else {
            return;
        };
        let families: HashMap<String, Vec<String>> = serde_json::from_str(&text).unwrap();
        assert_eq!(families.len(), 3);
        for (family, metrics) in families {
            for metric in metrics {
                assert_eq!(family_of(&metric), family, "{metric}");
            }
        }
    }

    #[test]
    fn metrics_fall_into_the_families_of_the_paper() {
        for (metric, family) in [
            ("minerva_math_algebra::olmes", "math"),
            ("mt_mbpp_v2fix:rust", "code"),
            ("mbpp:3shot::none", "code"),
            ("mmlu_stem", "qa"),
            ("basic_skills_coding:rc::olmes", "qa"),
            ("sciq:rc::olmo3", "qa"),
            ("m1", "other"),
            ("arc_easy_variant", "other"),
        ] {
            assert_eq!(family_of(metric), family, "{metric}");
        }
    }
}
