//! Operations of a TensorFlow graph that move elements, or are about shapes.

use violet_graph::{Comparison, Constant, DepthOrder, ElementType, PadMode};

use super::damaged;
use super::operations::{Call, channels_back, channels_last};
use crate::arranged::{Arranged, Arranger};
use crate::error::Result;
use crate::tensorflow::{self, Masks, Resizing, unsupported};

/// Operations that move elements, or are about shapes.
pub(super) fn shaped(arranger: &mut Arranger, call: &Call<'_>) -> Result<Arranged> {
    let node = call.node;
    let x = call.input(0)?;
    match node.op {
        "Identity" | "StopGradient" | "PlaceholderWithDefault" => Ok(x.clone()),
        "Cast" => match (arranger.known(x)?, node.is_float("DstT")) {
            (None, _) => Ok(x.clone()),
            (Some(_), true) => arranger.cast(x, ElementType::F32),
            (Some(_), false) => arranger.cast(x, ElementType::I64),
        },
        "Reshape" => {
            let shape = call.integers(arranger, 1, "shape")?;
            arranger.reshape(x, &tensorflow::of_one(&arranger.shape(x), &shape))
        }
        "Squeeze" => {
            let axes = match node.integers("squeeze_dims") {
                axes if axes.is_empty() => node.integers("axis"),
                axes => axes,
            };
            arranger.squeeze(x, &axes)
        }
        "ExpandDims" => {
            let axis = call.integer(arranger, 1, "axis")?;
            arranger.unsqueeze(x, axis)
        }
        "Transpose" => {
            let order = call.integers(arranger, 1, "order")?;
            arranger.transpose(x, &order)
        }
        "ConcatV2" => {
            let (_, values) = call
                .inputs
                .split_last()
                .ok_or_else(|| damaged("nothing is joined"))?;
            let axis = call.integer(arranger, values.len(), "axis")?;
            arranger.concat(values, axis)
        }
        "Slice" => {
            let begin = call.integers(arranger, 1, "begin")?;
            let size = call.integers(arranger, 2, "size")?;
            tensorflow::slice(arranger, x, &begin, &size)
        }
        "StridedSlice" => {
            let begin = call.integers(arranger, 1, "begin")?;
            let end = call.integers(arranger, 2, "end")?;
            let strides = call.integers(arranger, 3, "strides")?;
            let masks = Masks {
                begin: node.integer("begin_mask", 0),
                end: node.integer("end_mask", 0),
                ellipsis: node.integer("ellipsis_mask", 0),
                new_axis: node.integer("new_axis_mask", 0),
                shrink_axis: node.integer("shrink_axis_mask", 0),
            };
            tensorflow::strided_slice(arranger, x, [&begin, &end, &strides], masks)
        }
        "Pad" | "PadV2" | "MirrorPad" => {
            let pads = tensorflow::pads(&call.constant(arranger, 1, "padding")?);
            let mode = match (node.op, node.text("mode").as_str()) {
                ("MirrorPad", "SYMMETRIC") => PadMode::Symmetric,
                ("MirrorPad", _) => PadMode::Reflect,
                ("PadV2", _) => {
                    let value = call.constant(arranger, 2, "value")?.to_f64();
                    PadMode::Constant(value.first().copied().unwrap_or_default() as f32)
                }
                _ => PadMode::Constant(0.0),
            };
            arranger.pad(x, &pads, mode)
        }
        "Pack" => tensorflow::pack(arranger, &call.inputs, node.integer("axis", 0)),
        "Shape" | "Rank" | "Size" => {
            let shape: Vec<i64> = arranger.shape(x).into_iter().map(|n| n as i64).collect();
            arranger.constant(match node.op {
                "Shape" => Constant::integers(shape),
                "Rank" => Constant::i64(&[], [shape.len() as i64])?,
                _ => Constant::i64(&[], [shape.iter().product()])?,
            })
        }
        "Prod" => {
            let list = arranger.integers(x, "list")?;
            let product = list
                .iter()
                .fold(1i64, |product, n| product.saturating_mul(*n));
            arranger.constant(Constant::i64(&[], [product])?)
        }
        "Range" => {
            let [start, end] = [0, 1].map(|k| call.integer(arranger, k, "range"));
            let (start, end, step) = (start?, end?, call.integer(arranger, 2, "range")?);
            let count = end.saturating_sub(start).checked_div(step);
            if !count.is_some_and(|count| (0..1 << 20).contains(&count)) {
                return Err(damaged(format!("a range from {start} to {end} by {step}")));
            }
            let numbers = (0..).map(|k: i64| start.saturating_add(k.saturating_mul(step)));
            let within = |n: &i64| if step > 0 { *n < end } else { *n > end };
            let numbers: Vec<i64> = numbers.take_while(within).collect();
            arranger.constant(Constant::integers(numbers))
        }
        "Gather" | "GatherV2" => {
            let indices = call.constant(arranger, 1, "indices")?;
            let axis = match call.inputs.len() {
                3.. => call.integer(arranger, 2, "axis")?,
                _ => 0,
            };
            if node.integer("batch_dims", 0) != 0 {
                return Err(unsupported("it gathers by batches"));
            }
            arranger.gather(x, axis, &indices.to_i64(), indices.shape())
        }
        "Tile" => {
            let repeats = call.integers(arranger, 1, "repeats")?;
            arranger.tile(x, &repeats)
        }
        "Fill" => {
            let shape = arranger.integers(x, "shape")?;
            let value = call.input(1)?;
            arranger.expand(value, &shape)
        }
        "ZerosLike" | "OnesLike" => {
            let shape: Vec<i64> = arranger.shape(x).into_iter().map(|n| n as i64).collect();
            let value = arranger.number(if node.op == "ZerosLike" { 0.0 } else { 1.0 })?;
            arranger.expand(&value, &shape)
        }
        "BroadcastTo" => {
            let shape = call.integers(arranger, 1, "shape")?;
            arranger.expand(x, &shape)
        }
        "ResizeBilinear" | "ResizeNearestNeighbor" => {
            let size = call.integers(arranger, 1, "size")?;
            let &[height, width] = &size[..] else {
                return Err(damaged("a size is not two numbers"));
            };
            let how = Resizing {
                linear: node.op == "ResizeBilinear",
                align_corners: node.flag("align_corners"),
                half_pixel_centers: node.flag("half_pixel_centers"),
            };
            tensorflow::resize(arranger, x, [height, width], how)
        }
        "DepthToSpace" | "SpaceToDepth" => {
            let block = usize::try_from(node.integer("block_size", 1)).unwrap_or_default();
            let x = channels_last(arranger, call, x)?;
            let y = arranger.image(&x, |builder, x| match node.op {
                "DepthToSpace" => builder.depth_to_space(x, block, DepthOrder::ChannelsLast),
                _ => builder.space_to_depth(x, block),
            })?;
            channels_back(arranger, call, &y)
        }
        "SpaceToBatchND" | "BatchToSpaceND" => {
            let block = call.integers(arranger, 1, "block")?;
            let pads = tensorflow::pads(&call.constant(arranger, 2, "padding")?);
            let (&[a, b], &[rows, columns]) = (&block[..], &pads[..]) else {
                return Err(unsupported("its blocks are not of two axes"));
            };
            match node.op {
                "SpaceToBatchND" => {
                    tensorflow::space_to_batch(arranger, x, [a, b], [rows, columns])
                }
                _ => tensorflow::batch_to_space(arranger, x, [a, b], [rows, columns]),
            }
        }
        "Less" | "Greater" | "Equal" => {
            let comparison = match node.op {
                "Less" => Comparison::Less,
                "Greater" => Comparison::Greater,
                _ => Comparison::Equal,
            };
            arranger.compare(comparison, x, call.input(1)?)
        }
        _ => Err(unsupported("it is not known")),
    }
}
