//! Why a file is not read: what happened, and what to do.

use std::fmt;

/// What importing gives, or why not.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end early, contradict themselves, or go beyond what is read.
    #[error("This {format} file is damaged: {detail}. Download or export it again.")]
    Damaged {
        /// What kind of file it is, as people call it.
        format: &'static str,
        /// What was found, and where.
        detail: String,
    },

    /// The bytes are something else than the file's name says.
    #[error("This is {found}, not a file in the format {format}. {advice}")]
    Another {
        /// What kind of file was expected.
        format: &'static str,
        /// What it is.
        found: &'static str,
        /// What to do.
        advice: &'static str,
    },

    /// None of the files is a network.
    #[error("This is {found}. {advice}")]
    NoNetwork {
        /// What they are.
        found: &'static str,
        /// What to do.
        advice: &'static str,
    },

    /// More than one of the files is a network.
    #[error("These are several networks: {}. Open one at a time.", .names.join(", "))]
    SeveralNetworks {
        /// Their names.
        names: Vec<String>,
    },

    /// The weights lie in a second file that is not there.
    #[error(
        "This network keeps its weights in a second file, “{name}”: open both together, or export \
         it again as one file."
    )]
    MissingFile {
        /// The second file's name.
        name: String,
    },

    /// The second file is not the one that the first speaks of.
    #[error(
        "The file “{name}” has {found} bytes, but the network looks for weights up to byte \
         {expected}. The two do not belong together, or the download was cut off."
    )]
    ShortFile {
        /// The second file's name.
        name: String,
        /// Bytes that are needed.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },

    /// The description of the network has a layer for which the file has no weights.
    #[error(
        "The file has no weights ({weights}) for the layer “{layer}”. Save the whole model again, \
         with its weights."
    )]
    MissingWeights {
        /// The layer's name, after those of the models that it is in.
        layer: String,
        /// Which weights.
        weights: &'static str,
    },

    /// A file of PyTorch's without a network in it.
    #[error("This file of PyTorch's holds no network{found}.")]
    NoNetworkInCheckpoint {
        /// What it holds instead, and what to do; empty if that is not known.
        found: &'static str,
    },

    /// Weights without a description of the network, and of none whose layout is known.
    #[error(
        "These are weights without a description of the network ({names}, …), of no layout that \
         Violet knows: it knows those of torchvision's and Hugging Face's classifiers. {EXPORT}"
    )]
    UnknownLayout {
        /// Some of their names.
        names: String,
    },

    /// Weights that are nearly those of a known network.
    #[error(
        "These weights are nearly those of a network that Violet knows, but {reason}. {EXPORT}"
    )]
    OtherLayout {
        /// What differs.
        reason: String,
    },

    /// A part of a saved module is not what the network has there.
    #[error("In this network “{layer}” is {found}, and Violet does not read its code. {EXPORT}")]
    ChangedLayer {
        /// The part's name.
        layer: String,
        /// What it is.
        found: String,
    },

    /// Its code runs with no picture that was tried.
    #[error(
        "The network's code runs with no pictures of {tried}: {reason} Give the size that it is made for (on the \
         command line by --size), or export it to ONNX."
    )]
    NoSize {
        /// Their size.
        tried: String,
        /// Why not with the one that came furthest.
        reason: String,
    },

    /// Its code ends itself.
    #[error("The network's own code refuses the picture{said}.")]
    Stopped {
        /// What it says, in brackets; empty if nothing.
        said: String,
    },

    /// More classes than the network has were to be kept, or none.
    #[error("The network has {found} classes, so {asked} of them cannot be kept.")]
    Classes {
        /// Classes of the network.
        found: usize,
        /// How many were asked for.
        asked: usize,
    },

    /// Operations that Violet cannot run or explain: all of them.
    #[error("Violet cannot explain this network: {}. {}", Listed(.operations), advice(.operations))]
    Unsupported {
        /// Each, with how often and where.
        operations: Vec<Unsupported>,
    },

    /// What goes in is no picture.
    #[error(
        "The network's input “{input}” is {found}. Violet explains networks that take one \
             picture. {advice}"
    )]
    NotAPicture {
        /// The input's name in the file.
        input: String,
        /// What it is, with its shape.
        found: String,
        /// What to do.
        advice: &'static str,
    },

    /// What comes out is nothing that could be explained.
    #[error("The network's output “{output}” is {found}. {advice}")]
    NoScores {
        /// The output's name in the file.
        output: String,
        /// What it is.
        found: String,
        /// What to do.
        advice: &'static str,
    },

    /// The file is newer or older than what is known.
    #[error("The file is written for {what} {found}; Violet reads {supported}. {advice}")]
    Version {
        /// Which version, as in "ONNX opset".
        what: &'static str,
        /// The file's.
        found: i64,
        /// Which are known.
        supported: &'static str,
        /// What to do.
        advice: &'static str,
    },

    /// The graph cannot be built: shapes, limits, values.
    #[error("Violet cannot build this network: {0}.")]
    Graph(#[from] violet_graph::Error),
}

/// The way that works for every network of PyTorch's.
const EXPORT: &str = "Export it to ONNX: torch.onnx.export(model.eval(), torch.rand(1, 3, 224, \
                      224), \"model.onnx\").";

impl From<violet_weights::Error> for Error {
    fn from(error: violet_weights::Error) -> Self {
        match error {
            violet_weights::Error::Damaged { reason } => Self::Damaged {
                format: "weights",
                detail: reason,
            },
            violet_weights::Error::NoWeights { found } => Self::NoNetworkInCheckpoint { found },
        }
    }
}

/// An operation that is not supported, or not as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// As the file calls it, with its domain where that is not the usual one.
    pub operation: String,
    /// How many of the file's nodes.
    pub count: usize,
    /// Name of the first of them; empty if it has none.
    pub node: String,
    /// What about it is not supported; empty if the operation as a whole.
    pub reason: String,
    /// What to do, if that is known.
    pub advice: &'static str,
}

/// So many operations are named in a sentence.
const LISTED: usize = 8;

struct Listed<'a>(&'a [Unsupported]);

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unsupported {
            operation,
            count,
            node,
            reason,
            ..
        } = self;
        write!(f, "{operation}")?;
        if *count > 1 {
            write!(f, " ({count} times)")?;
        }
        if !node.is_empty() {
            let first = if *count > 1 { "first at" } else { "at" };
            write!(f, ", {first} “{node}”")?;
        }
        if reason.is_empty() {
            write!(f, ", is not supported")
        } else {
            write!(f, ": {reason}")
        }
    }
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, unsupported) in self.0.iter().take(LISTED).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{unsupported}")?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more operations"),
        }
    }
}

/// What to do about the operations for which that is known, each once.
fn advice(operations: &[Unsupported]) -> String {
    let mut known: Vec<&str> = Vec::new();
    for Unsupported { advice, .. } in operations {
        if !advice.is_empty() && !known.contains(advice) {
            known.push(advice);
        }
    }
    match known[..] {
        [] => "Export the network again in evaluation mode, or without this part.".into(),
        _ => known.join(" "),
    }
}

impl Error {
    /// What is said of every operation that is not supported, one a line, where the sentence has not room
    /// for all; nothing of other errors.
    pub fn beyond_the_sentence(&self) -> Option<String> {
        match self {
            Self::Unsupported { operations } if operations.len() > LISTED => {
                let lines = operations[LISTED..].iter().map(|one| format!("  {one}"));
                Some(lines.collect::<Vec<_>>().join("\n"))
            }
            _ => None,
        }
    }
}
