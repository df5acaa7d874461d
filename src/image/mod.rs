//! From the bytes of a photo to the input of a network.

mod decode;
mod view;

pub use decode::{MAX_MEGAPIXELS, Photo};
pub use view::{View, noise};
