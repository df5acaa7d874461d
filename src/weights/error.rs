//! Why weights are not read.

/// Weights, or why not.
pub type Result<T> = std::result::Result<T, Error>;

/// Why weights are not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end early, contradict themselves, or go beyond what is read.
    #[error("{reason}")]
    Damaged {
        /// What was found.
        reason: String,
    },

    /// There is no network in the file.
    #[error("there are no weights in it{found}")]
    NoWeights {
        /// What there is instead, and what to do; empty if that is not known.
        found: &'static str,
    },
}
