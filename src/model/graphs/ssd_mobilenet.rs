//! SSDLite with MobileNetV2, as [laid out](crate::model::layout::ssd_mobilenet).

use violet_graph::{Padding, ValueId};

use super::{BOXES, LOGITS, Layers, inverted_residual};
use crate::error::Result;
use crate::model::layout::Part;
use crate::model::layout::ssd_mobilenet::{
    EXTRAS, FIRST_FEATURE, Kind, blocks, extra, head, predictor, stem,
};

pub(super) fn build(layers: &mut Layers<'_>) -> Result<()> {
    let mut features = Vec::new();
    let input = layers.input();
    let mut x = clamped(layers, input, &stem())?;
    for (k, block) in blocks().enumerate() {
        let wide = inverted_residual::widen(layers, x, &block)?;
        if k == FIRST_FEATURE {
            features.push(wide);
        }
        x = inverted_residual::narrow(layers, wide, x, &block)?;
    }
    x = clamped(layers, x, &head())?;
    features.push(x);
    for k in 0..EXTRAS.len() {
        for part in &extra(k) {
            x = clamped(layers, x, part)?;
        }
        features.push(x);
    }
    for (kind, name) in [(Kind::Boxes, BOXES), (Kind::Classes, LOGITS)] {
        let maps = features.iter().enumerate();
        let maps = maps.map(|(k, &x)| predict(layers, x, &predictor(k, kind)));
        let maps = maps.collect::<Result<Vec<_>>>()?;
        layers.builder.at(name);
        let all = layers.builder.concat(&maps, 0)?;
        layers.builder.output(name, all);
    }
    Ok(())
}

fn clamped(layers: &mut Layers<'_>, x: ValueId, part: &Part) -> Result<ValueId> {
    let x = layers.convolution(x, part, Padding::SameUpper)?;
    layers.relu6(x)
}

/// What a head says of each cell, row by row, the anchors of each, the values of each.
fn predict(
    layers: &mut Layers<'_>,
    x: ValueId,
    [depthwise, pointwise]: &[Part; 2],
) -> Result<ValueId> {
    let x = clamped(layers, x, depthwise)?;
    let x = layers.convolution(x, pointwise, Padding::SameUpper)?;
    let x = layers.builder.transpose(x, &[1, 2, 0])?;
    Ok(layers.builder.reshape(x, &[-1])?)
}
