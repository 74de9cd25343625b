//! What a trial of two mixtures found: gain, and steps saved.

/// What two runs measured that differ in their mixtures alone: one on the natural mixture, one on the
/// proposed.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialOutcome {
    /// Steps and average losses of the run on the natural mixture, ascending in steps; at least one.
    pub natural: Vec<(u64, f64)>,
    /// The same of the run on the proposed mixture.
    pub proposed: Vec<(u64, f64)>,
    /// The losses of every task at the end.
    pub tasks: Vec<TaskOutcome>,
}

/// The losses of a task at the end of both runs.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOutcome {
    /// The name of the task, as metrics have it.
    pub name: String,
    /// The loss with the natural mixture.
    pub natural: f64,
    /// The loss with the proposed one.
    pub proposed: f64,
}

impl TrialOutcome {
    /// The average losses at the ends of both runs: natural, proposed. NaN for a run that measured nothing.
    #[must_use]
    pub fn final_losses(&self) -> (f64, f64) {
        let end = |points: &[(u64, f64)]| points.last().map_or(f64::NAN, |point| point.1);
        (end(&self.natural), end(&self.proposed))
    }

    /// One less the ratio of both average losses; below 0 where the proposed mixture is worse.
    #[must_use]
    pub fn gain(&self) -> f64 {
        let (natural, proposed) = self.final_losses();
        1.0 - proposed / natural
    }

    /// Steps of the run on the natural mixture.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.natural.last().map_or(0, |point| point.0)
    }

    /// The first measured step at which the proposed mixture is as good as the natural one at its end; `None`
    /// where it never is.
    #[must_use]
    pub fn steps_to_match(&self) -> Option<u64> {
        let (natural, _) = self.final_losses();
        let matching = self.proposed.iter().find(|(_, loss)| *loss <= natural);
        matching.map(|(step, _)| *step)
    }

    /// The result in a sentence or two.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (natural, proposed) = self.final_losses();
        let saved = match self.steps_to_match() {
            Some(step) if step < self.steps() => format!(
                "It reaches what the natural mixture ends with after {step} of {} steps: {:.1} times as \
                 fast.",
                self.steps(),
                self.steps() as f64 / step as f64
            ),
            _ => "It does not save steps.".to_owned(),
        };
        let change = if proposed <= natural {
            format!("{:.2} % lower", 100.0 * (1.0 - proposed / natural))
        } else {
            format!("{:.2} % higher", 100.0 * (proposed / natural - 1.0))
        };
        format!(
            "A model ten times larger has {proposed:.4} bits per byte with the proposed mixture and \
             {natural:.4} with the natural one: {change}. {saved}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(natural: &[(u64, f64)], proposed: &[(u64, f64)]) -> TrialOutcome {
        TrialOutcome {
            natural: natural.to_vec(),
            proposed: proposed.to_vec(),
            tasks: Vec::new(),
        }
    }

    #[test]
    fn a_trial_outcome_has_the_gain_and_the_first_step_that_matches() {
        let natural = [(20, 3.0), (40, 2.5), (60, 2.0)];
        let better = outcome(&natural, &[(20, 2.4), (40, 2.0), (60, 1.5)]);
        assert_eq!(better.final_losses(), (2.0, 1.5));
        assert_eq!(better.gain(), 0.25);
        assert_eq!((better.steps(), better.steps_to_match()), (60, Some(40)));
        let sentence = better.sentence();
        assert!(sentence.contains("25.00 % lower"), "{sentence}");
        assert!(
            sentence.contains("after 40 of 60 steps: 1.5 times as fast"),
            "{sentence}"
        );
    }

    #[test]
    fn a_trial_outcome_of_a_worse_mixture_says_so() {
        let worse = outcome(&[(20, 2.0)], &[(20, 2.5)]);
        assert_eq!((worse.gain(), worse.steps_to_match()), (-0.25, None));
        let sentence = worse.sentence();
        assert!(
            sentence.contains("25.00 % higher") && sentence.ends_with("It does not save steps."),
            "{sentence}"
        );
    }
}
