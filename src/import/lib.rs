//! Networks of other people's making, read into Violet's graph.
//!
//! Bytes go in, a graph comes out, and beside it whatever the file says about pictures: labels,
//! layout, size, values. What a file does not say is never guessed here: it is absent, or a
//! [`Note`] says what was assumed.
//!
//! | module | reads |
//! |---|---|
//! | [`onnx`] | ONNX, opset 6 to 23 |
//! | [`keras`] | Keras 1 to 3: `.h5`, `.keras` |
//! | [`tfjs`] | TensorFlow.js: layers and graphs, Teachable Machine |
//! | [`tflite`] | TensorFlow Lite |
//! | `torchscript` | PyTorch's networks with their code |
//! | `exported` | PyTorch's networks as lists of operations |
//! | `layouts` | PyTorch's weights and safetensors, of torchvision's and Hugging Face's classifiers |

mod arranged;
mod boxes;
mod detector;
mod einsum;
mod elsewhere;
mod error;
mod exported;
mod files;
mod imported;
pub mod keras;
mod labels;
mod layouts;
mod metadata;
mod normalised;
pub mod onnx;
mod open;
mod outputs;
mod picture;
mod teachable_machine;
mod tensorflow;
pub mod tfjs;
pub mod tflite;
mod torchscript;

pub use error::{Error, Result, Unsupported};
pub use files::File;
pub use imported::{
    ChannelOrder, Detector, Filter, Framing, Imported, InputKind, Layout, Note, OperationCount,
    Options, Scaling,
};
pub use labels::{beside as labels, of_file as labels_in};
pub use open::{Format, of_one_network, open, read};
pub use outputs::main_output;
