//! ShapesNet, as [laid out](crate::model::layout::shapesnet).

use violet_graph::Reduction;

use super::{Layers, even};
use crate::error::Result;
use crate::model::layout::shapesnet::{FEATURES, parts};

pub(super) fn build(layers: &mut Layers<'_>) -> Result<()> {
    let mut x = layers.input();
    for part in parts() {
        x = layers.convolution(x, &part, even(&part))?;
        x = layers.relu(x)?;
    }
    let x = layers.pooled(Reduction::Max, x)?;
    layers.classifier(x, "fc", FEATURES)
}
