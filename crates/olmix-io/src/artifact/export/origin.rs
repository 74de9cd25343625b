//! Where a mixture comes from, in a line that its exports carry.

/// The file of a mixture and how it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, as the user gave it.
    pub file: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// The day on which the file was last written, `2026-11-27`, where the file system tells.
    pub date: Option<String>,
    /// How the mixture was made, where the file says so.
    pub made_by: Option<String>,
}

impl Origin {
    /// `From mixture.json (sha256 12ab34cd56ef, 2026-11-27): laws saturating of 58 runs, optimizer exact.`
    #[must_use]
    pub fn line(&self) -> String {
        let hash = self.sha256.get(..12).unwrap_or(&self.sha256);
        let date = self
            .date
            .as_ref()
            .map_or_else(String::new, |date| format!(", {date}"));
        let made_by = self.made_by.as_deref().unwrap_or("weights as given");
        format!("From {} (sha256 {hash}{date}): {made_by}.", self.file)
    }
}
