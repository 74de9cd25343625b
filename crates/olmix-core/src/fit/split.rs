//! Which runs laws are fitted to, and which are set aside to test them.

use crate::random::numpy::permutation;
use crate::{CoreError, FitSpec, Swarm};

/// Rows to train on and rows set aside, both ascending. A seed sets aside the rows that it sets aside in the
/// reference implementation, which calls scikit-learn's `train_test_split`, once for each of the two settings.
pub(super) fn split(swarm: &Swarm, spec: &FitSpec) -> Result<(Vec<usize>, Vec<usize>), CoreError> {
    let runs = swarm.len();
    if spec.n_test > 0 && spec.n_test >= runs {
        let asked = spec.n_test;
        return Err(CoreError::TooManySetAside { asked, runs });
    }
    let available = runs - spec.n_test;
    let wanted = spec.train_runs.unwrap_or(available);
    if wanted > available {
        return Err(CoreError::TooManyTrained {
            asked: wanted,
            left: available,
        });
    }
    let mut test: Vec<usize> = (0..runs).collect();
    if spec.n_test > 0 {
        test = permutation(spec.seed, runs);
    }
    let mut train = test.split_off(spec.n_test);
    if wanted < available {
        let order = permutation(spec.seed, available);
        train = order[available - wanted..]
            .iter()
            .map(|&i| train[i])
            .collect();
    }
    test.sort_unstable();
    train.sort_unstable();
    Ok((train, test))
}
