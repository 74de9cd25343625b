//! Settings of an engine that may be secrets.

use super::EngineConfig;

/// What is shown in place of a value that may be a secret.
pub const MASK: &str = "***";
/// Where a runtime environment of Ray has variables.
const RAY_VARIABLES: &str = "env_vars";

impl EngineConfig {
    /// Whether there are variables of the environment, whose values may be secrets: in `env`, in Ray's
    /// `runtime_env.env_vars`, or in those of evaluation.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        let of_ray = self.runtime_env.as_ref();
        let of_ray = of_ray.and_then(|environment| environment.get(RAY_VARIABLES));
        !self.env.is_empty()
            || of_ray.is_some()
            || self
                .evaluation
                .as_ref()
                .is_some_and(|apart| apart.has_secrets())
    }

    /// The same, with [`MASK`] for the value of each variable of the environment: to be shown. Which of them
    /// are secrets can't be told, so all count as such.
    ///
    /// ```
    /// use olmix_io::EngineConfig;
    ///
    /// let engine = EngineConfig {
    ///     env: vec![("API_TOKEN".into(), "hunter2".into())],
    ///     ..EngineConfig::default()
    /// };
    /// assert!(engine.has_secrets());
    /// assert_eq!(engine.masked().env, [("API_TOKEN".into(), "***".into())]);
    /// ```
    #[must_use]
    pub fn masked(&self) -> Self {
        let mut shown = self.clone();
        for (_, value) in &mut shown.env {
            MASK.clone_into(value);
        }
        let of_ray = shown.runtime_env.as_mut();
        if let Some(variables) = of_ray.and_then(|environment| environment.get_mut(RAY_VARIABLES)) {
            match variables.as_object_mut() {
                Some(values) => values.values_mut().for_each(|value| *value = MASK.into()),
                None => *variables = MASK.into(),
            }
        }
        shown.evaluation = shown.evaluation.map(|apart| Box::new(apart.masked()));
        shown
    }
}
