//! From the bytes of a photo to the input of a network.

mod decode;
mod profile;
mod resize;
mod view;

pub use decode::{MAX_MEGAPIXELS, Photo};
pub use resize::resize;
pub use view::{View, noise};
