//! What page and workers say to each other: plain data.
//!
//! A message is a head (one of these types, in postcard's format) and bodies (bytes
//! that are handed over whole: a photo, a network's files, or its weights).

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::attribution::{Baseline, PartialSum, Perturbation, Quadrature, Slopes};
use crate::device::DeviceKind;
use crate::model::{Architecture, Card, Detection, Randomised, Target, Wishes};
use crate::preprocessing::{Crop, Preprocessing};
use crate::shapes::{Shape, Tag};

/// What the page asks of a worker. Each is answered by exactly one [`Response`], in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Open a device: the first request to every worker. Answer: [`Response::Ready`].
    Start {
        /// Which device.
        device: DeviceKind,
    },
    /// Load a model; the body holds its weights. Answer: [`Response::Loaded`].
    Load {
        /// What it is.
        source: Source,
        /// Layers that forget what they learnt, and the seed of their oblivion.
        randomised: Option<(Randomised, u64)>,
    },
    /// Run the loaded model once and forget what comes, so that the first explanation need not wait for
    /// kernels that are compiled when they are first used. Answer: [`Response::Rehearsed`].
    Rehearse {
        /// Which gradients that explanation will take,
        slopes: Slopes,
        /// and how many in a pass.
        gradients: usize,
        /// Whether to take another such pass and say how long it took.
        timed: bool,
    },
    /// Read the network among someone's own files, which the bodies are: for the reader, which is a
    /// worker by itself. Answer: [`Response::Read`].
    Read {
        /// What they are called.
        files: Vec<String>,
        /// What is wished of it.
        wishes: Wishes,
    },
    /// Decode and keep a photo; the body holds its bytes. Answer: [`Response::Opened`].
    Open {
        /// Longest side of the picture to send back, in pixels.
        preview_side: u32,
    },
    /// Draw a scene and keep it in place of a photo. Answer: [`Response::Opened`].
    Draw {
        /// Which scene.
        seed: u64,
        /// The tag in its corner.
        tag: Tag,
    },
    /// Draw a scene and keep nothing of it. Answer: [`Response::Scene`].
    Scene {
        /// Which scene.
        seed: u64,
        /// The tag in its corner.
        tag: Tag,
    },
    /// Run the loaded model on the kept photo. Answer: [`Response::Prepared`].
    Prepare {
        /// Where the path starts.
        baseline: Baseline,
    },
    /// Keep this path for the partial sums to come. Answer: [`Response::Kept`].
    Keep {
        /// Normalised input, flat.
        #[serde(with = "crate::floats")]
        input: Vec<f32>,
        /// Normalised baseline, flat.
        #[serde(with = "crate::floats")]
        baseline: Vec<f32>,
    },
    /// Sum a part of the gradients of the kept path. Answer: [`Response::Summed`].
    Sum {
        /// The output explained.
        target: Target,
        /// Positions on the path, and their weights.
        part: Quadrature,
    },
    /// Some gradients of the kept path, each by itself. Answer: [`Response::Gradients`].
    Gradients {
        /// The output explained.
        target: Target,
        /// Positions on the path, and where their secants begin.
        part: Quadrature,
    },
    /// Run the model on the kept path's input or baseline with some pixels exchanged. Answer:
    /// [`Response::Outputs`].
    Perturb {
        /// The output that is watched.
        target: Target,
        /// Which way pixels are exchanged.
        perturbation: Perturbation,
        /// Pixels, the first to be exchanged first.
        order: Vec<u32>,
        /// How many of them, for each image.
        counts: Vec<u32>,
    },
    /// Run the model on the kept path's input with some regions' pixels taken from its baseline. Answer:
    /// [`Response::Outputs`].
    Cover {
        /// The output that is watched; nothing, for all of them.
        target: Option<Target>,
        /// The region of each pixel.
        regions: Vec<u16>,
        /// Those that are covered, for each image.
        covered: Vec<Vec<u16>>,
    },
    /// Grad-CAM of the kept path's input. Answer: [`Response::Map`].
    ClassActivation {
        /// The output explained.
        target: Target,
    },
    /// Run the model on an input. Answer: [`Response::Outputs`], all of them.
    Look {
        /// Normalised, flat.
        #[serde(with = "crate::floats")]
        input: Vec<f32>,
    },
    /// What the loaded model's last layer is given for some pictures. Answer:
    /// [`Response::Outputs`], all features of one picture after the other.
    Features {
        /// Files of photos.
        pictures: Vec<ByteBuf>,
    },
    /// Teach a last layer, and put it into the place of a network's, whose weights the body has.
    /// Answer: [`Response::Taught`].
    Teach {
        /// The network.
        architecture: Architecture,
        /// Features of pictures, flat.
        #[serde(with = "crate::floats")]
        features: Vec<f32>,
        /// The class of each.
        classes: Vec<u16>,
        /// What the classes are called.
        labels: Vec<String>,
        /// By which some are held out.
        seed: u64,
    },
    /// Explain a picture of the camera, which the body has, RGBA, from a baseline at which the
    /// model stands from one picture to the next. Answer: [`Response::Glimpsed`].
    Glimpse {
        /// Width and height in pixels.
        size: [u32; 2],
        /// Where the path starts.
        baseline: Baseline,
        /// Secants on the way.
        secants: u32,
        /// The output; nothing, for the likeliest.
        output: Option<u32>,
    },
}

/// What a worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// The device is open and computes what the CPU computes.
    Ready,
    /// The model is loaded.
    Loaded {
        /// How many images one pass may have.
        most_images: usize,
    },
    /// The model has run.
    Rehearsed {
        /// How long one more pass took, in milliseconds, if that was asked for.
        pass_ms: Option<f64>,
    },
    /// What the network is; the body holds its weights, as [`Source::Own`] wants them.
    Read {
        /// For people.
        card: Box<Card>,
        /// For workers.
        #[serde(with = "serde_bytes")]
        definition: Vec<u8>,
    },
    /// The photo is decoded.
    Opened {
        /// Width of the upright photo in pixels.
        width: u32,
        /// Its height.
        height: u32,
        /// Whether it has more frames than the one that is used, the first.
        animated: bool,
        /// Whether its file is cut off or damaged, so that part of it is missing.
        incomplete: bool,
        /// Width of the preview.
        preview_width: u32,
        /// Its height.
        preview_height: u32,
        /// The preview, RGBA, 4 bytes a pixel.
        #[serde(with = "serde_bytes")]
        preview: Vec<u8>,
        /// What is known of a drawn scene.
        truth: Option<Truth>,
    },
    /// The scene is drawn.
    Scene {
        /// Its pixels, RGB, 3 bytes each, row by row.
        #[serde(with = "serde_bytes")]
        rgb: Vec<u8>,
        /// What is known of it.
        truth: Truth,
    },
    /// What the model sees and says.
    Prepared {
        /// The square of the photo that it sees, in pixels of the upright photo.
        crop: Crop,
        /// Normalised input, flat.
        #[serde(with = "crate::floats")]
        input: Vec<f32>,
        /// Normalised baseline, flat.
        #[serde(with = "crate::floats")]
        baseline: Vec<f32>,
        /// Every output at the input.
        #[serde(with = "crate::floats")]
        logits_input: Vec<f32>,
        /// Every output at the baseline.
        #[serde(with = "crate::floats")]
        logits_baseline: Vec<f32>,
        /// What a detector found, the best first.
        detections: Vec<Detection>,
    },
    /// The path is kept.
    Kept,
    /// The gradients are summed.
    Summed(PartialSum),
    /// Each gradient, with weight 1.
    Gradients(Vec<PartialSum>),
    /// A map of places; of no places, if the network has none.
    Map {
        /// Its rows.
        height: usize,
        /// Its columns.
        width: usize,
        /// Row by row.
        #[serde(with = "crate::floats")]
        values: Vec<f32>,
    },
    /// F of each image; or all outputs of each, one image after the other.
    Outputs(Vec<f32>),
    /// A layer was taught.
    Taught {
        /// A file of weights: the network with that layer.
        file: ByteBuf,
        /// The pictures that were held out, and the class that is named for each.
        held_out: Vec<(u32, u16)>,
    },
    /// A picture of the camera is explained.
    Glimpsed(Glimpse),
    /// The request could not be done; the worker lives on.
    Failed(Failure),
    /// The worker is lost and must be replaced.
    Panicked(String),
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// One of ours: the body holds its weights.
    Published {
        /// Its layout.
        architecture: Architecture,
        /// How it wants its photos.
        preprocessing: Preprocessing,
        /// What the weights' sha256 must be.
        sha256: String,
    },
    /// Someone's own: the body holds the elements of its graph's constants, little-endian f32, one after
    /// the other.
    Own {
        /// A `Definition` without weights, in postcard's format.
        #[serde(with = "serde_bytes")]
        definition: Vec<u8>,
    },
}

/// What is seen of a picture of the camera.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Glimpse {
    /// The part of the picture that the model sees.
    pub crop: Crop,
    /// Absolute attributions, flat \[H, W\].
    #[serde(with = "crate::floats")]
    pub map: Vec<f32>,
    /// Every output.
    #[serde(with = "crate::floats")]
    pub logits: Vec<f32>,
    /// The one that is explained.
    pub output: u32,
    /// F(x') and F(x).
    pub ends: [f32; 2],
    /// All attributions together.
    pub sum: f64,
    /// How long it took in the worker.
    pub milliseconds: f64,
}

/// What is known of a drawn scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// What it shows.
    pub shape: Shape,
    /// Whether each pixel belongs to the shape, row by row.
    pub inside: Vec<bool>,
    /// Whether each pixel belongs to the tag.
    pub tagged: Vec<bool>,
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
    /// The weights are not there, but people can bring them: the detail names the file.
    WeightsElsewhere,
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
    /// Someone's own weights cannot be read.
    UnreadableWeights,
    /// The weights are of no known network.
    UnknownNetwork,
    /// A network cannot be read or run; the detail is a sentence that says what to do.
    NetworkRefused,
    /// A network's second file is not there: the detail names it.
    FileMissing,
    /// Labels, or a network's second file, came without a network: the detail names them.
    NetworkMissing,
    /// A network is too large for this device: the detail says how much it needs.
    NetworkTooLarge,
    /// What is wished of a network cannot be had.
    WishRefused,
    /// A file of labels does not fit.
    LabelsDoNotFit,
    /// A network has not that many classes.
    ClassesDoNotFit,
    /// There is no usable GPU.
    NoGpu,
    /// The device failed at work.
    DeviceFailed,
    /// A worker died, and its replacement too.
    WorkerLost,
    /// The engine itself could not be loaded.
    EngineMissing,
    /// There is no camera, or it may not be used.
    NoCamera,
    /// Something that should not happen.
    Internal,
    /// Page and engine are of different builds.
    OtherBuild,
}

impl FailureCode {
    /// Whether the device is to blame: another one would do.
    pub fn is_of_device(self) -> bool {
        matches!(self, Self::WorkerLost | Self::DeviceFailed | Self::NoGpu)
    }

    /// Whether the file is to blame: another photo would do.
    pub fn is_of_photo(self) -> bool {
        matches!(
            self,
            Self::EmptyFile
                | Self::FileUnreadable
                | Self::NotAPhoto
                | Self::DamagedPhoto
                | Self::PhotoTooLarge
        )
    }
}

impl Failure {
    /// One that should never be.
    pub fn internal(detail: &str) -> Self {
        Self {
            code: FailureCode::Internal,
            detail: detail.into(),
        }
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        use crate::Error;
        let code = match error {
            Error::EmptyFile => FailureCode::EmptyFile,
            Error::UnknownImageFormat { .. } => FailureCode::NotAPhoto,
            Error::DamagedImage { .. } => FailureCode::DamagedPhoto,
            Error::ImageTooLarge { .. } => FailureCode::PhotoTooLarge,
            Error::UnreadableCheckpoint { .. } => FailureCode::UnreadableWeights,
            Error::ChecksumMismatch { .. }
            | Error::MissingTensor { .. }
            | Error::TensorShape { .. }
            | Error::UnexpectedTensors { .. }
            | Error::NotFinite { .. } => FailureCode::WeightsDamaged,
            Error::UnknownLayout { .. } => FailureCode::UnknownNetwork,
            #[cfg(feature = "reader")]
            Error::Import(violet_import::Error::MissingFile { name }) => {
                return Self {
                    code: FailureCode::FileMissing,
                    detail: name,
                };
            }
            #[cfg(feature = "reader")]
            Error::Import(_) => FailureCode::NetworkRefused,
            #[cfg(feature = "graphs")]
            Error::Graph(_) => FailureCode::NetworkRefused,
            Error::Operation { .. } | Error::Picture { .. } | Error::UnknownOutput { .. } => {
                FailureCode::NetworkRefused
            }
            Error::Wish { .. } => FailureCode::WishRefused,
            Error::LabelCount { .. } => FailureCode::LabelsDoNotFit,
            Error::ClassCount { .. } => FailureCode::ClassesDoNotFit,
            Error::SelfTest { .. } => FailureCode::NoGpu,
            Error::NoDevice { .. } | Error::Device { .. } => FailureCode::DeviceFailed,
            _ => FailureCode::Internal,
        };
        Self {
            code,
            detail: error.to_string(),
        }
    }
}
