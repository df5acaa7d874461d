//! EfficientNet-Lite0, as [laid out](crate::model::layout::efficientnet_lite).

use violet_graph::{Padding, Reduction};

use super::{Layers, inverted_residual};
use crate::error::Result;
use crate::model::layout::efficientnet_lite::{FEATURES, blocks, head, stem};

pub(super) fn build(layers: &mut Layers<'_>) -> Result<()> {
    let x = layers.convolution(layers.input(), &stem(), Padding::SameUpper)?;
    let mut x = layers.relu6(x)?;
    for block in blocks() {
        let wide = inverted_residual::widen(layers, x, &block)?;
        x = inverted_residual::narrow(layers, wide, x, &block)?;
    }
    let x = layers.convolution(x, &head(), Padding::SameUpper)?;
    let x = layers.relu6(x)?;
    let x = layers.pooled(Reduction::Mean, x)?;
    layers.classifier(x, "_fc", FEATURES)
}
