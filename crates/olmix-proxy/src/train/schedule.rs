//! The learning rate of each step.

use crate::Hyperparameters;

impl Hyperparameters {
    /// The learning rate of a step, counted from 0: it rises over the warmup, stays, and falls to 0 over the
    /// last steps (warmup-stable-decay; Hu et al., 2024).
    #[must_use]
    pub fn rate(&self, step: u64) -> f64 {
        let rising = (step + 1) as f64 / self.warmup_steps.max(1) as f64;
        let left = self.steps.saturating_sub(step);
        let falling = left as f64 / self.decay_steps.max(1) as f64;
        self.learning_rate * rising.min(falling).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_learning_rate_rises_stays_and_falls() {
        let recipe = crate::train::tests::recipe(100);
        let recipe = crate::Hyperparameters {
            learning_rate: 1.0,
            warmup_steps: 10,
            decay_steps: 20,
            ..recipe
        };
        let rates: Vec<f64> = [0, 4, 9, 50, 80, 90, 99]
            .map(|step| recipe.rate(step))
            .to_vec();
        assert_eq!(rates, [0.1, 0.5, 1.0, 1.0, 1.0, 0.5, 0.05]);
    }
}
