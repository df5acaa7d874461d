//! The one error type of the crate.

/// What can go wrong between a photo and its mask.
///
/// Each variant carries what was expected and what was found, so that whoever shows it can
/// say what happened and what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file holds no byte.
    #[error("the file is empty (0 bytes)")]
    EmptyFile,

    /// The bytes are of no image format Violet reads.
    #[error("this is {found}, not a photo that Violet can read", found = found.unwrap_or("something else"))]
    UnknownImageFormat {
        /// The format as recognised by its first bytes, if it is a known one.
        found: Option<&'static str>,
    },

    /// The image is of a known format, but its data is damaged, ends too early, or uses a feature
    /// that the decoder lacks.
    #[error("the {format} image cannot be read, it seems damaged: {reason}")]
    DamagedImage {
        /// Format by the first bytes, for example "PNG".
        format: &'static str,
        /// What the decoder said.
        reason: String,
    },

    /// The image declares more pixels than Violet decodes.
    #[error("the image is too large{size}; at most {limit} megapixels can be opened", size = dimensions.map(|(w, h)| format!(", {w} × {h} pixels")).unwrap_or_default())]
    ImageTooLarge {
        /// Declared width and height in pixels; unknown where the decoder refused before saying.
        dimensions: Option<(u32, u32)>,
        /// The limit in megapixels.
        limit: u32,
    },

    /// No model has this name.
    #[error("there is no model named “{name}”; known models: {known}")]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The names that exist, separated by commas.
        known: String,
    },

    /// The bytes of a checkpoint cannot be read as the format they should have.
    #[error("the weights cannot be read: {reason}")]
    UnreadableCheckpoint {
        /// What the reader said.
        reason: String,
    },

    /// The bytes of the weights are not those the manifest names.
    #[error("the weights are damaged: sha256 {found}, expected {expected}")]
    ChecksumMismatch {
        /// Lower-case hexadecimal sha256 from the manifest.
        expected: String,
        /// Lower-case hexadecimal sha256 of the bytes.
        found: String,
    },

    /// A tensor that the architecture needs is not in the checkpoint.
    #[error("the weights have no tensor “{name}”: they belong to another architecture")]
    MissingTensor {
        /// Its name in the checkpoint.
        name: String,
    },

    /// A tensor of the checkpoint has another shape than the architecture needs.
    #[error("the weights' tensor “{name}” has shape {found:?}, expected {expected:?}")]
    TensorShape {
        /// Its name in the checkpoint.
        name: String,
        /// The shape the architecture needs.
        expected: Vec<usize>,
        /// The shape in the checkpoint.
        found: Vec<usize>,
    },

    /// The checkpoint holds tensors that the architecture has no place for.
    #[error(
        "the weights hold tensors too many, “{first}” first: they belong to another architecture"
    )]
    UnexpectedTensors {
        /// The first of them in alphabetical order.
        first: String,
    },

    /// The checkpoint belongs to no architecture that Violet knows.
    #[error(
        "these weights belong to no network that Violet knows; the nearest is {nearest}; missing: {missing}; too much: {extra}; of another shape: {reshaped}"
    )]
    UnknownLayout {
        /// Title of the architecture that differs least.
        nearest: &'static str,
        /// Tensors that it has and the checkpoint has not, or a dash.
        missing: String,
        /// Tensors that only the checkpoint has, or a dash.
        extra: String,
        /// Tensors whose shapes differ, or a dash.
        reshaped: String,
    },

    /// A labels file does not name every class.
    #[error("the labels name {found} classes, the network has {expected}")]
    LabelCount {
        /// Classes of the network.
        expected: usize,
        /// Labels in the file.
        found: usize,
    },

    /// More classes than the network has were to be kept, or none.
    #[error("the network has {found} classes, so {asked} of them cannot be kept")]
    ClassCount {
        /// Classes of the network.
        found: usize,
        /// How many were asked for.
        asked: usize,
    },

    /// Several classes have a name with that text.
    #[error(
        "“{target}” could be {}; name one of them by its number",
        several(.names)
    )]
    SeveralClasses {
        /// Name asked for.
        target: String,
        /// Number and name of each class.
        names: Vec<String>,
    },

    /// The class does not exist in the model.
    #[error("the model has no class “{target}”; it has {classes} classes, numbered from 0")]
    UnknownTarget {
        /// Index or name asked for.
        target: String,
        /// Number of classes of the model.
        classes: usize,
    },

    /// An integration rule was asked for fewer steps than it needs, or more than allowed.
    #[error("{found} steps asked for; choose from 1 to {limit}")]
    StepCount {
        /// The number asked for.
        found: usize,
        /// The largest number allowed.
        limit: usize,
    },

    /// A map was to be settled within an error that is none.
    #[error("a tolerance of {found} was asked for; choose one above 0 and up to 1, such as 0.05")]
    Tolerance {
        /// The tolerance asked for.
        found: f64,
    },

    /// A map was to be settled with too few gradients, or with more than allowed.
    #[error("a budget of {found} gradients was asked for; choose from {least} to {limit}")]
    Budget {
        /// The number asked for.
        found: usize,
        /// The smallest number from which an error can be told.
        least: usize,
        /// The largest number allowed.
        limit: usize,
    },

    /// Two arrays that belong together have different lengths.
    #[error("{what}: expected {expected} values, found {found}")]
    Length {
        /// Which arrays.
        what: &'static str,
        /// The length needed.
        expected: usize,
        /// The length found.
        found: usize,
    },

    /// A graph cannot be built, or is too large.
    #[error("the network cannot be built: {0}")]
    #[cfg(feature = "graphs")]
    Graph(#[from] violet_graph::Error),

    /// No photo can become a network's input.
    #[error("photos cannot be given to this network: {reason}")]
    Picture {
        /// Why.
        reason: String,
    },

    /// A network's files cannot be read as one.
    #[error(transparent)]
    #[cfg(feature = "reader")]
    Import(#[from] violet_import::Error),

    /// What is wished of a network cannot be had.
    #[error("{wish} cannot be changed: {reason}")]
    Wish {
        /// What is to be changed.
        wish: &'static str,
        /// Why it cannot be.
        reason: String,
    },

    /// A network has no output of that name.
    #[error("the network has no output “{name}”; it has {known}")]
    UnknownOutput {
        /// The name asked for.
        name: String,
        /// The names that exist, separated by commas.
        known: String,
    },

    /// A graph has an operation that the engine does not run.
    #[error("the network's operation {operation} at “{node}” cannot be run here")]
    Operation {
        /// The node's name in its file.
        node: String,
        /// What it does.
        operation: &'static str,
    },

    /// The device is not there, or does not start.
    #[error("there is no {device} to compute on: {reason}")]
    NoDevice {
        /// "CPU" or "GPU".
        device: &'static str,
        /// What the backend said.
        reason: String,
    },

    /// The backend could not run or read back the computation.
    #[error("the {device} could not finish the computation: {reason}")]
    Device {
        /// "CPU" or "GPU".
        device: &'static str,
        /// What the backend said.
        reason: String,
    },

    /// The backend ran, but computed something else than the reference.
    #[error(
        "the GPU failed its self-test: {what} differs from the CPU by {difference:.2e} (relative), at most {tolerance:.0e} is allowed"
    )]
    SelfTest {
        /// Which value was compared.
        what: String,
        /// Largest relative difference found.
        difference: f32,
        /// Largest relative difference allowed.
        tolerance: f32,
    },

    /// A network whose outputs are not all made by one layer from the same features.
    #[error("this network has no last layer of which another one could take the place")]
    NoLastLayer,

    /// The logits or gradients are not numbers.
    #[error(
        "the network's {what} holds values that are not finite: the weights are damaged or belong to another architecture"
    )]
    NotFinite {
        /// Which value.
        what: &'static str,
    },
}

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// The first few of several names.
fn several(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let shown = names.iter().take(SHOWN).map(String::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} or {more} others"),
    }
}
