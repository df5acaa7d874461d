//! What page and workers say to each other: plain data.
//!
//! A message is a head (one of these types, in postcard's format) and sometimes a body (bytes
//! that are handed over whole: a photo, or weights).

use serde::{Deserialize, Serialize};

use crate::attribution::{Baseline, PartialSum};
use crate::device::DeviceKind;
use crate::preprocessing::Crop;

/// What the page asks of a worker. Each is answered by exactly one [`Response`], in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Open a device: the first request to every worker. Answer: [`Response::Ready`].
    Start {
        /// Which device.
        device: DeviceKind,
        /// Whether a GPU that is only simulated in software is welcome.
        accept_software: bool,
    },
    /// Load a model; the body holds its weights. Answer: [`Response::Loaded`].
    Load {
        /// Its name in the catalogue.
        model: String,
        /// What the weights' sha256 must be.
        sha256: String,
    },
    /// Decode and keep a photo; the body holds its bytes. Answer: [`Response::Opened`].
    Open {
        /// Longest side of the picture to send back, in pixels.
        preview_side: u32,
    },
    /// Run the loaded model on the kept photo. Answer: [`Response::Prepared`].
    Prepare {
        /// Where the path starts.
        baseline: Baseline,
    },
    /// Keep this path for the partial sums to come. Answer: [`Response::Kept`].
    Keep {
        /// Normalised input, flat.
        input: Vec<f32>,
        /// Normalised baseline, flat.
        baseline: Vec<f32>,
    },
    /// Sum the gradients at some points of the kept path. Answer: [`Response::Summed`].
    Sum {
        /// The class explained.
        target: usize,
        /// Positions on the path.
        alphas: Vec<f64>,
        /// Their weights; nothing, for each gradient by itself.
        step_sizes: Option<Vec<f64>>,
    },
}

/// What a worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// The device is open and computes what the CPU computes.
    Ready {
        /// For people: the adapter's name, or nothing.
        adapter: String,
    },
    /// The model is loaded.
    Loaded,
    /// The photo is decoded.
    Opened {
        /// Width of the upright photo in pixels.
        width: u32,
        /// Its height.
        height: u32,
        /// Whether it has more frames than the one that is used, the first.
        animated: bool,
        /// Width of the preview.
        preview_width: u32,
        /// Its height.
        preview_height: u32,
        /// The preview, RGBA, 4 bytes a pixel.
        #[serde(with = "serde_bytes")]
        preview: Vec<u8>,
    },
    /// What the model sees and says.
    Prepared {
        /// The square of the photo that it sees, in pixels of the upright photo.
        crop: Crop,
        /// Normalised input, flat.
        input: Vec<f32>,
        /// Normalised baseline, flat.
        baseline: Vec<f32>,
        /// F(x) for every class.
        logits_input: Vec<f32>,
        /// F(x') for every class.
        logits_baseline: Vec<f32>,
    },
    /// The path is kept.
    Kept,
    /// The gradients are summed, or each is by itself.
    Summed(Vec<PartialSum>),
    /// The request could not be done; the worker lives on.
    Failed(Failure),
    /// The worker is lost and must be replaced.
    Panicked(String),
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which kind of failure: decides the sentence that people read.
    pub code: FailureCode,
    /// What exactly was found.
    pub detail: String,
}

/// The kinds of failure that people are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// The photo has no bytes.
    EmptyFile,
    /// The file could not be read at all.
    FileUnreadable,
    /// The file is no photo.
    NotAPhoto,
    /// The photo is damaged.
    DamagedPhoto,
    /// The photo is too large.
    PhotoTooLarge,
    /// The weights are not there.
    WeightsMissing,
    /// The weights are damaged.
    WeightsDamaged,
    /// There is no usable GPU.
    NoGpu,
    /// The device failed at work.
    DeviceFailed,
    /// A worker died, and its replacement too.
    WorkerLost,
    /// The engine itself could not be loaded.
    EngineMissing,
    /// Something that should not happen.
    Internal,
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        use crate::Error;
        let code = match error {
            Error::EmptyFile => FailureCode::EmptyFile,
            Error::UnknownImageFormat { .. } => FailureCode::NotAPhoto,
            Error::DamagedImage { .. } => FailureCode::DamagedPhoto,
            Error::ImageTooLarge { .. } => FailureCode::PhotoTooLarge,
            Error::UnreadableCheckpoint { .. }
            | Error::ChecksumMismatch { .. }
            | Error::MissingTensor { .. }
            | Error::TensorShape { .. }
            | Error::UnexpectedTensors { .. }
            | Error::NotFinite { .. } => FailureCode::WeightsDamaged,
            Error::SelfTest { .. } => FailureCode::NoGpu,
            Error::Device { .. } => FailureCode::DeviceFailed,
            _ => FailureCode::Internal,
        };
        Self {
            code,
            detail: error.to_string(),
        }
    }
}
