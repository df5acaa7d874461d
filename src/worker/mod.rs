//! The workers' end of the wire: what they are asked is answered by `explain`, and files are read
//! by `model`. Like `web`, it knows the browser, and computes nothing.

#[cfg(feature = "engine")]
mod engine;
mod listen;
#[cfg(feature = "reader")]
mod reader;

#[cfg(feature = "engine")]
pub use engine::start as start_engine;
#[cfg(feature = "reader")]
pub use reader::start as start_reader;
