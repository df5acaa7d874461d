//! An inverted residual block, as [laid out](crate::model::layout::inverted_residual); padding as
//! TensorFlow's SAME.

use violet_graph::{Padding, ValueId};

use super::Layers;
use crate::error::Result;
use crate::model::layout::inverted_residual::BlockParts;

/// The first half: the widened input.
pub(super) fn widen(layers: &mut Layers<'_>, x: ValueId, block: &BlockParts) -> Result<ValueId> {
    match &block.expand {
        Some(expand) => {
            let x = layers.convolution(x, expand, Padding::SameUpper)?;
            layers.relu6(x)
        }
        None => Ok(x),
    }
}

/// The second half.
pub(super) fn narrow(
    layers: &mut Layers<'_>,
    wide: ValueId,
    input: ValueId,
    block: &BlockParts,
) -> Result<ValueId> {
    let x = layers.convolution(wide, &block.depthwise, Padding::SameUpper)?;
    let x = layers.relu6(x)?;
    let x = layers.convolution(x, &block.project, Padding::SameUpper)?;
    if block.shortcut {
        layers.add(x, input)
    } else {
        Ok(x)
    }
}
