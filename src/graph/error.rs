//! The one error type of the package.

/// Why a graph cannot be built or run.
///
/// Each message names the node as its file does, so that it can be found there.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The inputs' shapes, or the attributes, do not go with the operation.
    #[error("{operation} “{node}” with {shapes}: {reason}")]
    Impossible {
        /// Name of the node in its file.
        node: String,
        /// Name of the operation.
        operation: &'static str,
        /// The shapes of its inputs, as in "[3, 8, 8] and [16, 3, 3, 3]".
        shapes: String,
        /// What does not go together.
        reason: String,
    },

    /// A value, a graph or a computation is larger than Violet's [limits](crate::limits).
    #[error(
        "{operation} “{node}”: {what} would be {found}, more than the {limit} that are allowed"
    )]
    TooLarge {
        /// Name of the node in its file.
        node: String,
        /// Name of the operation.
        operation: &'static str,
        /// What is too large.
        what: &'static str,
        /// How large it is; `u64::MAX` if larger than can be counted.
        found: u64,
        /// What is allowed.
        limit: u64,
    },

    /// The operation needs a constant where the file has a value that depends on the image.
    #[error("{operation} “{node}”: its {what} depends on the image, which Violet cannot explain")]
    NotConstant {
        /// Name of the node in its file.
        node: String,
        /// Name of the operation.
        operation: &'static str,
        /// Which of its inputs.
        what: &'static str,
    },

    /// A constant that takes part in the arithmetic is of another type than f32.
    #[error("{operation} “{node}” takes floats, not {found}")]
    ElementType {
        /// Name of the node in its file.
        node: String,
        /// Name of the operation.
        operation: &'static str,
        /// The type found.
        found: &'static str,
    },

    /// A constant holds values that are not numbers.
    #[error("the constant “{name}” holds values that are not finite: the file is damaged")]
    NotFinite {
        /// Name of the constant, or of the node that takes it.
        name: String,
    },

    /// The operation has no finite slope and depends on the image.
    #[error("{operation} “{node}” has no slope, so that nothing can be explained through it")]
    NoSlope {
        /// Name of the node in its file.
        node: String,
        /// Name of the operation.
        operation: String,
    },

    /// The graph has no output, or none that depends on the image.
    #[error("no output of the network depends on the image")]
    NoOutput,

    /// Input of another length than the graph's.
    #[error("{what}: expected {expected} values, found {found}")]
    Length {
        /// Which array.
        what: &'static str,
        /// The length needed.
        expected: usize,
        /// The length found.
        found: usize,
    },
}

/// `std::result::Result` with this package's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
