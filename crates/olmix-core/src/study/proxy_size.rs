//! RQ1: do small proxies rank mixtures as larger models do?

use crate::swarm::dot;
use crate::trust::{Scores, score};
use crate::{CoreError, Matrix, Swarm};

/// Losses of the same runs on models of two sizes, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxySize {
    /// By task: its name, and how well the small models' losses predict the large ones'.
    pub tasks: Vec<(String, Scores)>,
    /// The same of the weighted averages.
    pub average: Scores,
    /// Weighted average loss of each run on small models, length `K`.
    pub small: Vec<f64>,
    /// … and on large ones.
    pub large: Vec<f64>,
}

/// Runs that are in both: positions in `runs` of the swarm and in `ids`, in the order of `ids`.
#[must_use]
pub fn runs_in_both(swarm: &Swarm, ids: &[String]) -> (Vec<usize>, Vec<usize>) {
    let position = |id: &String| swarm.runs().iter().position(|run| run == id);
    let pairs = ids.iter().enumerate();
    pairs
        .filter_map(|(there, id)| Some((position(id)?, there)))
        .unzip()
}

/// Compares the losses of `small` with `large` (`K × n`), the same runs and tasks on larger models.
///
/// # Errors
/// [`CoreError::Shape`] when the two differ in runs or tasks.
pub fn proxy_size(small: &Swarm, large: &Matrix) -> Result<ProxySize, CoreError> {
    for (what, expected, found) in [
        ("runs of the larger models", small.len(), large.rows()),
        (
            "tasks of the larger models",
            small.tasks().len(),
            large.columns(),
        ),
    ] {
        if expected != found {
            return Err(CoreError::Shape {
                what,
                expected,
                found,
            });
        }
    }
    let of_task = |(i, task): (usize, &crate::Task)| {
        let scores = score(&small.losses().column(i), &large.column(i));
        (task.name.clone(), scores)
    };
    let sum: f64 = small.task_weights().iter().sum();
    let weights: Vec<f64> = small.task_weights().iter().map(|w| w / sum).collect();
    let average = |losses: &Matrix| -> Vec<f64> {
        (0..losses.rows())
            .map(|run| dot(losses.row(run), &weights))
            .collect()
    };
    let (averages, larger) = (average(small.losses()), average(large));
    Ok(ProxySize {
        tasks: small.tasks().iter().enumerate().map(of_task).collect(),
        average: score(&averages, &larger),
        small: averages,
        large: larger,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, DomainSet, Task};

    fn swarm() -> Swarm {
        let task = |name: &str, weight| Task {
            name: name.into(),
            family: name.into(),
            weight,
            direction: Direction::Min,
            offset: 0.0,
        };
        Swarm::new(
            DomainSet::from_names(["a", "b"]).unwrap(),
            vec![task("x", 0.75), task("y", 0.25)],
            ["r0", "r1", "r2", "r3"].map(String::from).to_vec(),
            Matrix::from_fn(4, 2, |k, j| [0.1 * k as f64, 1.0 - 0.1 * k as f64][j]),
            Matrix::from_fn(4, 2, |k, i| [2.0 - 0.1 * k as f64, 1.0 + 0.3 * k as f64][i]),
        )
        .unwrap()
    }

    #[test]
    fn proxy_size_scores_each_task_and_the_weighted_average() {
        let small = swarm();
        // Larger models: the first task shifted, the second in the opposite order.
        let large = Matrix::from_fn(4, 2, |k, i| [1.0 - 0.1 * k as f64, 1.0 - 0.3 * k as f64][i]);
        let found = proxy_size(&small, &large).unwrap();
        let close = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-12, "{a:?}");
        close(found.tasks[0].1.spearman, 1.0);
        close(found.tasks[1].1.spearman, -1.0);
        close(Some(found.small[2]), 0.75 * 1.8 + 0.25 * 1.6);
        close(Some(found.large[2]), 0.75 * 0.8 + 0.25 * 0.4);
        assert!(proxy_size(&small, &Matrix::from_fn(3, 2, |_, _| 1.0)).is_err());
    }

    #[test]
    fn runs_in_both_are_paired_by_name_in_the_order_of_the_second() {
        let ids = ["r2", "other", "r0"].map(String::from);
        assert_eq!(runs_in_both(&swarm(), &ids), (vec![2, 0], vec![0, 2]));
    }
}
