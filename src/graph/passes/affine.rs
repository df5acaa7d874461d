//! Scales and offsets of channels, batch normalisation first of all, become part of the weights.

use crate::constant::Constant;
use crate::error::Result;
use crate::graph::{Graph, Node, ValueId};
use crate::operation::{Binary, Convolution, Operation};

use super::rewrite::{Rewrite, rewrite};

/// Folds products with and sums of a constant for each channel into the convolution, transposed
/// convolution or linear layer before, or else into the convolution or linear layers after.
pub(super) fn fold(graph: Graph) -> Result<Graph> {
    let graph = rewrite(graph, |all, node| {
        let Operation::Binary(binary) = node.operation else {
            return Ok(None);
        };
        let (x, list, turned) = operands(all, node);
        let Some(layer) = layer(all, x) else {
            return Ok(None);
        };
        let channels = all.shape(layer.inputs[2])[0];
        let axis = axis(&layer.operation, all.shape(x));
        let Some(list) = along(all, list, all.shape(x), axis, channels) else {
            return Ok(None);
        };
        match scale_and_offset(binary, list, turned) {
            Some((scale, offset)) => scaled(all, layer, scale, offset).map(Some),
            None => Ok(None),
        }
    })?;
    rewrite(graph, |all, node| match &node.operation {
        Operation::Convolution(_) | Operation::Linear { .. } => after(all, node),
        _ => Ok(None),
    })
}

/// What varies and what may be constant of a function of two, and whether the constant is the first.
fn operands(all: &Rewrite<'_>, node: &Node) -> (ValueId, ValueId, bool) {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    if all.is_constant(a) {
        (b, a, true)
    } else {
        (a, b, false)
    }
}

/// A number for each channel.
type List = Vec<f64>;

/// The scale and the offset that a function of a value and a constant is.
fn scale_and_offset(
    binary: Binary,
    list: List,
    turned: bool,
) -> Option<(Option<List>, Option<List>)> {
    let each = |function: fn(f64) -> f64| list.iter().map(|&k| function(k)).collect();
    Some(match (binary, turned) {
        (Binary::Add, _) => (None, Some(list)),
        (Binary::Sub, false) => (None, Some(each(|k| -k))),
        (Binary::Sub, true) => (Some(vec![-1.0; list.len()]), Some(list)),
        (Binary::Mul, _) => (Some(list), None),
        (Binary::Div, false) if list.iter().all(|&k| k != 0.0) => (Some(each(|k| 1.0 / k)), None),
        _ => return None,
    })
}

/// The layer with constant weights that makes a value for this use alone, and nothing after its
/// sums.
fn layer<'a>(all: &Rewrite<'a>, x: ValueId) -> Option<&'a Node> {
    let node = all.only(x)?;
    let sums = match &node.operation {
        Operation::Convolution(Convolution { clamp, .. }) | Operation::Linear { clamp } => {
            clamp.is_none()
        }
        Operation::ConvolutionTranspose(_) => true,
        _ => false,
    };
    (sums && node.inputs.len() == 3).then_some(node)
}

/// The axis of channels.
fn axis(operation: &Operation, shape: &[usize]) -> usize {
    match operation {
        Operation::Linear { .. } => shape.len() - 1,
        _ => shape.len() - 3,
    }
}

/// A constant's number for each channel, if it is broadcast along all other axes.
fn along(
    all: &Rewrite<'_>,
    list: ValueId,
    shape: &[usize],
    axis: usize,
    channels: usize,
) -> Option<Vec<f64>> {
    let values = all.old.constant(list)?;
    let own = all.shape(list);
    // The result has to be of the layer's shape: an axis before would repeat it.
    let offset = shape.len().checked_sub(own.len())?;
    let fits = own
        .iter()
        .enumerate()
        .all(|(k, &length)| length == 1 || (k + offset == axis && length == channels));
    let number = |channel: usize| {
        if values.len() == 1 {
            values[0]
        } else {
            values[channel]
        }
    };
    fits.then(|| {
        (0..channels)
            .map(|channel| number(channel).into())
            .collect()
    })
}

/// The layer with its weights and sums scaled, and an offset added.
fn scaled(
    all: &mut Rewrite<'_>,
    layer: &Node,
    scale: Option<Vec<f64>>,
    offset: Option<Vec<f64>>,
) -> Result<ValueId> {
    let mut inputs = all.inputs(layer)?;
    let (weight, bias) = (layer.inputs[1], layer.inputs[2]);
    let constants = all.old.constant(weight).zip(all.old.constant(bias));
    let Some((weights, biases)) = constants else {
        return all.new.push(layer.operation.clone(), &inputs);
    };
    let channels = biases.len();
    let factor = |channel: usize| scale.as_ref().map_or(1.0, |scale| scale[channel]);
    if scale.is_some() {
        let channel = channel_of_weight(&layer.operation, all.shape(weight), channels);
        let pairs = weights.iter().enumerate();
        let values = pairs.map(|(k, &w)| (f64::from(w) * factor(channel(k))) as f32);
        let values: Vec<f32> = values.collect();
        let scaled = Constant::f32(all.shape(weight), values)?;
        inputs[1] = all.new.constant(scaled)?;
    }
    let sum = |channel: usize| {
        let offset = offset.as_ref().map_or(0.0, |offset| offset[channel]);
        (f64::from(biases[channel]) * factor(channel) + offset) as f32
    };
    let sums: Vec<f32> = (0..channels).map(sum).collect();
    inputs[2] = all.new.constant(Constant::f32(&[channels], sums)?)?;
    all.new.push(layer.operation.clone(), &inputs)
}

/// Which channel of the output a weight, by its index, leads to.
fn channel_of_weight(
    operation: &Operation,
    shape: &[usize],
    channels: usize,
) -> impl Fn(usize) -> usize {
    let each: usize = shape[1..].iter().product();
    let transpose = match operation {
        // \[in, out / groups, kernel\]
        Operation::ConvolutionTranspose(transpose) => Some((
            shape[0] / transpose.groups,
            channels / transpose.groups,
            transpose.kernel[0] * transpose.kernel[1],
        )),
        _ => None,
    };
    move |index| match transpose {
        None => index / each,
        Some((group_in, group_out, taps)) => {
            let group = index / each / group_in;
            group * group_out + index / taps % group_out
        }
    }
}

/// A layer that takes in the scale and offset of its input.
fn after(all: &mut Rewrite<'_>, layer: &Node) -> Result<Option<ValueId>> {
    let input = layer.inputs[0];
    let Some(before) = all.old.producer(input) else {
        return Ok(None);
    };
    let Operation::Binary(binary) = before.operation else {
        return Ok(None);
    };
    let (x, list, turned) = operands(all, before);
    let shape = all.shape(input);
    let axis = axis(&layer.operation, shape);
    if all.shape(x) != shape {
        return Ok(None);
    }
    let folded = along(all, list, shape, axis, shape[axis])
        .and_then(|list| scale_and_offset(binary, list, turned));
    let Some((scale, offset)) = folded else {
        return Ok(None);
    };
    // What is padded with zeros is not offset.
    if let Operation::Convolution(Convolution { window, .. }) = &layer.operation {
        let padded = [window.padding_before, window.padding_after] != [[0; 2]; 2];
        if padded && offset.is_some() {
            return Ok(None);
        }
    }
    let (weight, bias) = (layer.inputs[1], layer.inputs[2]);
    let constants = all.old.constant(weight).zip(all.old.constant(bias));
    let Some((weights, biases)) = constants else {
        return Ok(None);
    };
    let shape = all.shape(weight);
    let groups = match &layer.operation {
        Operation::Convolution(convolution) => convolution.groups,
        _ => 1,
    };
    // \[out, in / groups, kernel\]
    let (outputs, inputs) = (shape[0], shape[1]);
    let taps: usize = shape[2..].iter().product();
    let channel = |index: usize| {
        let group = index / taps / inputs / (outputs / groups);
        group * inputs + index / taps % inputs
    };
    let mut sums: Vec<f64> = biases.iter().map(|&bias| bias.into()).collect();
    let mut values = Vec::with_capacity(weights.len());
    for (index, &weight) in weights.iter().enumerate() {
        let (weight, channel) = (f64::from(weight), channel(index));
        if let Some(offset) = &offset {
            sums[index / taps / inputs] += weight * offset[channel];
        }
        let factor = scale.as_ref().map_or(1.0, |scale| scale[channel]);
        values.push((weight * factor) as f32);
    }
    let mut inputs = all.inputs(layer)?;
    inputs[0] = all.renamed(x)?;
    if scale.is_some() {
        inputs[1] = all.new.constant(Constant::f32(shape, values)?)?;
    }
    if offset.is_some() {
        let sums: Vec<f32> = sums.iter().map(|&sum| sum as f32).collect();
        inputs[2] = all.new.constant(Constant::f32(&[outputs], sums)?)?;
    }
    all.new.push(layer.operation.clone(), &inputs).map(Some)
}
