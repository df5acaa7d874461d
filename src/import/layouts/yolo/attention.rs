//! Attention among pixels, with a convolution that tells their places.

use violet_graph::ValueId;

use super::part::part;
use crate::error::Result;
use crate::layouts::layers::Layers;
use crate::layouts::modules;

/// Channels that attend, at most.
const WIDEST: f64 = 65536.0;

/// Among all pixels: queries and keys may be narrower than values.
pub(super) fn attention(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let module = layers.module(name).cloned().unwrap_or_default();
    let number = |attribute| modules::number(&module, attribute).unwrap_or(0.0);
    let [heads, key, value] =
        ["num_heads", "key_dim", "head_dim"].map(|attribute| number(attribute).min(WIDEST) as i64);
    let shape: Vec<i64> = layers.b.shape(x).iter().map(|&n| n as i64).collect();
    let qkv = part(layers, &[x], &format!("{name}.qkv"))?;
    let b = &mut layers.b;
    let rows = b.reshape(qkv, &[heads, 2 * key + value, -1])?;
    let parts = b.split(rows, 1, &[key, key, value])?;
    let q = b.affine(parts[0], number("scale") as f32, 0.0)?;
    let q = b.transpose(q, &[0, 2, 1])?;
    let scores = b.matmul(q, parts[1])?;
    let weights = b.softmax(scores, -1)?;
    let weights = b.transpose(weights, &[0, 2, 1])?;
    let mixed = b.matmul(parts[2], weights)?;
    let mixed = b.reshape(mixed, &shape)?;
    let values = b.reshape(parts[2], &shape)?;
    placed(layers, mixed, values, name)
}

/// Among the pixels of each of the areas that the image is cut into, rows first.
pub(super) fn area_attention(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let module = layers.module(name).cloned().unwrap_or_default();
    let number = |attribute| {
        modules::number(&module, attribute)
            .unwrap_or(1.0)
            .clamp(1.0, WIDEST)
    };
    let [area, heads, head] =
        ["area", "num_heads", "head_dim"].map(|attribute| number(attribute) as i64);
    if !layers.has(&format!("{name}.qkv.conv.weight")) {
        return Err(modules::unknown(name, "attention of an earlier kind"));
    }
    let [height, width] = layers.size(x).map(|side| side as i64);
    let qkv = part(layers, &[x], &format!("{name}.qkv"))?;
    let b = &mut layers.b;
    // [heads, 3 head, areas, pixels of one] as areas of heads of pixels.
    let rows = b.reshape(qkv, &[heads, 3 * head, area, -1])?;
    let rows = b.transpose(rows, &[2, 0, 1, 3])?;
    let parts = b.split_evenly(rows, 2, 3)?;
    let q = b.affine(parts[0], (head as f32).powf(-0.5), 0.0)?;
    let q = b.transpose(q, &[0, 1, 3, 2])?;
    let scores = b.matmul(q, parts[1])?;
    let weights = b.softmax(scores, -1)?;
    let weights = b.transpose(weights, &[0, 1, 3, 2])?;
    let mixed = b.matmul(parts[2], weights)?;
    let [mixed, values] = [mixed, parts[2]].map(|y| {
        let y = b.transpose(y, &[1, 2, 0, 3])?;
        b.reshape(y, &[heads * head, height, width])
    });
    placed(layers, mixed?, values?, name)
}

/// What was mixed, with what a convolution of the values makes of their places.
fn placed(layers: &mut Layers, mixed: ValueId, values: ValueId, name: &str) -> Result<ValueId> {
    let places = part(layers, &[values], &format!("{name}.pe"))?;
    let sum = layers.add(mixed, places)?;
    part(layers, &[sum], &format!("{name}.proj"))
}
