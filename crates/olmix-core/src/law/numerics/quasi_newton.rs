//! L-BFGS: the minimum of a smooth function of some dozens of variables.

/// What [`descend`] ends with.
pub(crate) struct Lowest {
    pub point: Vec<f64>,
    pub value: f64,
    pub iterations: usize,
}

/// Steps that the curvature is estimated from.
const MEMORY: usize = 10;
/// Halvings of a step.
const HALVINGS: usize = 30;
/// Of the decrease that the gradient promises, this share must be kept.
const ARMIJO: f64 = 1e-4;

/// Descends from `start`. `of` returns the value, infinite where there is none, and writes the gradient. No variable moves
/// by more than `longest` in a step. Ends where a step lowers the value by less than `precision`,
/// where no step along the gradient lowers it, or after `most` steps.
pub(crate) fn descend(
    of: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
    start: Vec<f64>,
    (longest, precision): (f64, f64),
    most: usize,
) -> Lowest {
    let size = start.len();
    let mut gradient = vec![0.0; size];
    let mut point = start;
    let mut value = of(&point, &mut gradient);
    let mut memory: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    for iteration in 0..most {
        let mut direction = newton_direction(&memory, &gradient);
        let mut slope = dot(&direction, &gradient);
        if slope.is_nan() || slope >= 0.0 {
            memory.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = -dot(&gradient, &gradient);
        }
        let furthest = direction.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
        if furthest == 0.0 || !value.is_finite() {
            return finished(point, value, iteration);
        }
        let mut step = (longest / furthest).min(1.0);
        let mut next_gradient = vec![0.0; size];
        let mut next = None;
        for _ in 0..HALVINGS {
            let moved: Vec<f64> = point
                .iter()
                .zip(&direction)
                .map(|(x, d)| x + step * d)
                .collect();
            let at = of(&moved, &mut next_gradient);
            if at <= value + ARMIJO * step * slope {
                next = Some((moved, at));
                break;
            }
            step *= 0.5;
        }
        let Some((moved, at)) = next else {
            if memory.is_empty() {
                return finished(point, value, iteration);
            }
            memory.clear();
            continue;
        };
        let change: Vec<f64> = moved.iter().zip(&point).map(|(a, b)| a - b).collect();
        let turn: Vec<f64> = next_gradient
            .iter()
            .zip(&gradient)
            .map(|(a, b)| a - b)
            .collect();
        let bend = dot(&change, &turn);
        if bend > 1e-12 * dot(&turn, &turn) {
            if memory.len() == MEMORY {
                memory.remove(0);
            }
            memory.push((change, turn, 1.0 / bend));
        }
        let fell = value - at;
        (point, value, gradient) = (moved, at, next_gradient);
        if fell < precision {
            return finished(point, value, iteration + 1);
        }
    }
    finished(point, value, most)
}

fn finished(point: Vec<f64>, value: f64, iterations: usize) -> Lowest {
    Lowest {
        point,
        value,
        iterations,
    }
}

/// `−H g` by the two loops over the remembered steps.
fn newton_direction(memory: &[(Vec<f64>, Vec<f64>, f64)], gradient: &[f64]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut weights = Vec::with_capacity(memory.len());
    for (change, turn, inverse) in memory.iter().rev() {
        let weight = inverse * dot(change, &q);
        q.iter_mut().zip(turn).for_each(|(q, y)| *q -= weight * y);
        weights.push(weight);
    }
    if let Some((_, turn, inverse)) = memory.last() {
        let scale = 1.0 / (inverse * dot(turn, turn));
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((change, turn, inverse), weight) in memory.iter().zip(weights.iter().rev()) {
        let correction = weight - inverse * dot(turn, &q);
        q.iter_mut()
            .zip(change)
            .for_each(|(q, s)| *q += correction * s);
    }
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descent_ends_at_the_minimum_of_a_curved_valley() {
        let mut rosenbrock = |x: &[f64], g: &mut [f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            g[0] = -2.0 * a - 400.0 * x[0] * b;
            g[1] = 200.0 * b;
            a * a + 100.0 * b * b
        };
        let found = descend(&mut rosenbrock, vec![-1.2, 1.0], (1.0, 1e-15), 200);
        assert!(found.value < 1e-12, "{}", found.value);
        assert!(found.point.iter().all(|x| (x - 1.0).abs() < 1e-5));
    }

    #[test]
    fn descent_without_a_value_at_its_start_stays_there() {
        let found = descend(&mut |_, _| f64::INFINITY, vec![1.0], (1.0, 1e-9), 10);
        assert!(found.iterations == 0 && found.point == [1.0]);
    }
}
