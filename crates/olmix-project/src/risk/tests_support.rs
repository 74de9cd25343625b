//! Laws for tests.

use super::LawCoefficients;

/// Laws of two tasks, `prose` of the family `language` and `coding` of the family `programs`: domains that
/// begin with `code` or are `rust` help only the second, all others only the first.
pub(crate) fn laws(names: &[&str]) -> LawCoefficients {
    let row = |name: &&str| {
        let is_code = name.starts_with("code") || *name == "rust";
        let row = if is_code { [-0.3, -6.0] } else { [-1.0, 0.0] };
        ((*name).to_owned(), row.to_vec())
    };
    LawCoefficients {
        tasks: vec![
            ("prose".into(), "language".into(), 0.5),
            ("coding".into(), "programs".into(), 0.5),
        ],
        log_c: vec![-1.0, -1.0],
        coefficients: names.iter().map(row).collect(),
        fit: "fit@1".into(),
        log_linear: true,
        excluded_tasks: 0,
    }
}
