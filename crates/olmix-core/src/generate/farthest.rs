//! Choosing mixtures that lie far from each other.

use rayon::prelude::*;

/// `count` of the mixtures that lie far from each other: of the closest pair the one goes whose next
/// neighbour is closer, until `count` are left. Positions ascend. Distances are those of `√p`.
#[must_use]
pub fn farthest<P: AsRef<[f64]> + Sync>(mixtures: &[P], count: usize) -> Vec<usize> {
    let n = mixtures.len();
    if n <= count {
        return (0..n).collect();
    }
    let roots: Vec<Vec<f64>> = mixtures
        .iter()
        .map(|p| p.as_ref().iter().map(|p| p.sqrt()).collect())
        .collect();
    let distances: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|i| {
            let to = |other: &Vec<f64>| {
                let pairs = roots[i].iter().zip(other);
                pairs.map(|(a, b)| (a - b).powi(2)).sum()
            };
            roots.iter().map(to).collect()
        })
        .collect();
    let mut inside = vec![true; n];
    // The nearest and the second nearest of those left.
    let nearest = |i: usize, inside: &[bool]| {
        let mut two = [(f64::INFINITY, i); 2];
        for j in (0..n).filter(|&j| j != i && inside[j]) {
            let found = (distances[i][j], j);
            if found.0 < two[0].0 {
                two = [found, two[0]];
            } else if found.0 < two[1].0 {
                two[1] = found;
            }
        }
        two
    };
    let mut near: Vec<[(f64, usize); 2]> = (0..n).map(|i| nearest(i, &inside)).collect();
    for _ in count..n {
        let left = (0..n).filter(|&i| inside[i]);
        let Some(i) = left.min_by(|&a, &b| near[a][0].0.total_cmp(&near[b][0].0)) else {
            break;
        };
        let j = near[i][0].1;
        let out = if near[j][1].0 < near[i][1].0 { j } else { i };
        inside[out] = false;
        for k in 0..n {
            if inside[k] && near[k].iter().any(|(_, of)| *of == out) {
                near[k] = nearest(k, &inside);
            }
        }
    }
    (0..n).filter(|&i| inside[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn farthest_point_thinning_keeps_distant_mixtures() {
        let line: Vec<[f64; 2]> = [0.0, 0.01, 0.3, 0.31, 0.6, 1.0]
            .iter()
            .map(|x| [x * x, 0.0])
            .collect();
        let kept = farthest(&line, 4);
        assert_eq!(kept.len(), 4);
        let gap = kept
            .windows(2)
            .map(|w| line[w[1]][0].sqrt() - line[w[0]][0].sqrt());
        assert!(gap.fold(1.0, f64::min) > 0.28);
    }
}
