//! Which law, before it has settings: what a config names.

use super::registry::{LawKind, LawOptions};
use super::{LawSetting, LawSettings, Shape};

impl LawKind {
    /// Every law that a config may name, with its name: the fitted ones, simpler ones first, then
    /// `auto` and `search`.
    #[must_use]
    pub fn words() -> Vec<(&'static str, Self)> {
        let others = [Self::Auto, Self::Search];
        let all = Self::FITTED.iter().copied().chain(others);
        all.map(|kind| (kind.name(), kind)).collect()
    }

    /// The law's name, as in a config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.entry() {
            Some(entry) => entry.name,
            None if self == Self::Auto => "auto",
            None => "search",
        }
    }

    /// The law in one line, with its formula where it has one.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self.entry() {
            Some(entry) => entry.summary,
            None if self == Self::Auto => "The law with the least out-of-fold error.",
            None => "No law: the observed runs speak for themselves.",
        }
    }

    /// What an optimizer can make of the law; `None` where no single law is named.
    #[must_use]
    pub fn shape(self) -> Option<Shape> {
        self.entry().map(|entry| entry.shape)
    }

    /// Whether a config may give this law the setting: for [`LawKind::Auto`], whether any of the
    /// laws it chooses from takes it.
    #[must_use]
    pub fn takes(self, setting: LawSetting) -> bool {
        match self {
            Self::Auto => !Self::taking(setting).is_empty(),
            Self::Search => false,
            kind => Self::taking(setting).contains(&kind),
        }
    }

    /// The laws that take a setting.
    #[must_use]
    pub fn taking(setting: LawSetting) -> Vec<Self> {
        let takes = |kind: &Self| kind.entry().is_some_and(|e| e.settings.contains(&setting));
        Self::FITTED.iter().copied().filter(takes).collect()
    }

    /// Whether the law can't be fitted without [`LawSettings::target_tokens`].
    #[must_use]
    pub fn needs_target_tokens(self) -> bool {
        let without = LawSettings::default();
        let build = |e: super::registry::KindEntry| (e.with_settings)(&without);
        self.entry().is_some_and(|entry| build(entry).is_none())
    }

    /// The law with settings, those it does not take left out; `None` for [`LawKind::Auto`] and
    /// [`LawKind::Search`], and where something that the law needs is not given.
    #[must_use]
    pub fn options(self, settings: &LawSettings) -> Option<LawOptions> {
        (self.entry()?.with_settings)(settings)
    }
}
