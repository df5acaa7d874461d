//! GPU: not yet.

use burn::backend::{Cube, tensor::FloatTensor};

use super::{Activation, Convolve, ConvolveBackward, Filter, Geometry};

impl Convolve for Cube {
    fn pack_filters(weight: FloatTensor<Self>, filter: Filter) -> FloatTensor<Self> { let _ = filter; weight }
    fn convolve(input: FloatTensor<Self>, _w: FloatTensor<Self>, _b: FloatTensor<Self>, _g: Geometry, _a: Activation) -> FloatTensor<Self> { input }
    fn convolve_add(input: FloatTensor<Self>, _r: FloatTensor<Self>, _w: FloatTensor<Self>, _b: FloatTensor<Self>, _g: Geometry, _a: Activation) -> FloatTensor<Self> { input }
}
impl ConvolveBackward for Cube {
    fn activation_gradient(g: FloatTensor<Self>, _o: FloatTensor<Self>, _a: Activation) -> FloatTensor<Self> { g }
    fn input_gradient(g: FloatTensor<Self>, _w: FloatTensor<Self>, _g: Geometry) -> FloatTensor<Self> { g }
}
