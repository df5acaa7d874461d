//! What TensorFlow's graphs and TensorFlow Lite's networks have in common.

use violet_graph::{
    Binary, Constant, Coordinates, Extent, Interpolation, PadMode, Resize, Rounding, Unary,
};

use crate::arranged::{Arranged, Arranger};
use crate::error::{Error, Result, Unsupported};

/// α and scale of SELU (Klambauer et al. 2017).
pub(crate) const SELU_ALPHA: f32 = 1.673_263_2;
/// See [`SELU_ALPHA`].
pub(crate) const SELU_SCALE: f32 = 1.050_701;

/// Which of a strided slice's bounds are left out, and what becomes of axes (bits by place).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Masks {
    pub(crate) begin: i64,
    pub(crate) end: i64,
    pub(crate) ellipsis: i64,
    pub(crate) new_axis: i64,
    pub(crate) shrink_axis: i64,
}

/// The error of an operation that is known, but not like this; the caller names it.
pub(crate) fn unsupported(reason: &str) -> Error {
    Error::Unsupported {
        operations: vec![Unsupported {
            operation: String::new(),
            count: 1,
            node: String::new(),
            reason: reason.into(),
            advice: "",
        }],
    }
}

/// So many elements of each axis from a place on; −1, all that are left (`tf.slice`).
pub(crate) fn slice(
    arranger: &mut Arranger,
    x: &Arranged,
    begin: &[i64],
    size: &[i64],
) -> Result<Arranged> {
    let end = |(begin, &size): (&i64, &i64)| match size {
        ..0 => i64::MAX,
        _ => begin.saturating_add(size),
    };
    let end: Vec<i64> = begin.iter().zip(size).map(end).collect();
    let axes: Vec<i64> = (0..begin.len() as i64).collect();
    arranger.slice(x, begin, &end, &axes, &[])
}

/// `x[begin:end:stride, …]` as Python writes it (`tf.strided_slice`).
pub(crate) fn strided_slice(
    arranger: &mut Arranger,
    x: &Arranged,
    [begin, end, strides]: [&[i64]; 3],
    masks: Masks,
) -> Result<Arranged> {
    let shape = arranger.shape(x);
    let count = begin.len();
    if end.len() != count || strides.len() != count || count > 32 {
        return Err(damaged("a strided slice has bounds of different lengths"));
    }
    let bit = |mask: i64, k: usize| mask >> k & 1 == 1;
    let new_axes = (0..count).filter(|&k| bit(masks.new_axis, k)).count();
    let ellipsis = (0..count).find(|&k| bit(masks.ellipsis, k));
    let named = count - new_axes - usize::from(ellipsis.is_some());
    if named > shape.len() {
        return Err(damaged("a strided slice names more axes than there are"));
    }
    let (mut starts, mut ends, mut axes, mut steps) = (vec![], vec![], vec![], vec![]);
    // The result's axes: kept ones by their length, to be known after slicing.
    let mut kept = Vec::new();
    let mut axis = 0;
    for k in 0..count {
        if ellipsis == Some(k) {
            for _ in 0..shape.len() - named {
                kept.push(Some(axis));
                axis += 1;
            }
            continue;
        }
        if bit(masks.new_axis, k) {
            kept.push(None);
            continue;
        }
        let length = shape[axis] as i64;
        if bit(masks.shrink_axis, k) {
            let start = if begin[k] < 0 {
                begin[k].saturating_add(length)
            } else {
                begin[k]
            };
            starts.push(start);
            ends.push(start.saturating_add(1));
            steps.push(1);
        } else {
            let forward = strides[k] >= 0;
            let open = |first: bool| if first { 0 } else { i64::MAX };
            let (first, last) = if forward {
                (0, i64::MAX)
            } else {
                (open(false), i64::MIN + 1)
            };
            starts.push(if bit(masks.begin, k) { first } else { begin[k] });
            ends.push(if bit(masks.end, k) { last } else { end[k] });
            steps.push(strides[k]);
            kept.push(Some(axis));
        }
        axes.push(axis as i64);
        axis += 1;
    }
    kept.extend((axis..shape.len()).map(Some));
    let sliced = arranger.slice(x, &starts, &ends, &axes, &steps)?;
    let lengths = arranger.shape(&sliced);
    let shape: Vec<i64> = kept
        .iter()
        .map(|axis| axis.map_or(1, |axis| lengths[axis] as i64))
        .collect();
    arranger.reshape(&sliced, &shape)
}

/// Values side by side along a new axis.
pub(crate) fn pack(arranger: &mut Arranger, inputs: &[Arranged], axis: i64) -> Result<Arranged> {
    let mut wide = Vec::with_capacity(inputs.len());
    for x in inputs {
        wide.push(arranger.unsqueeze(x, axis)?);
    }
    arranger.concat(&wide, axis)
}

/// Each index of an axis by itself, without the axis.
pub(crate) fn unpack(arranger: &mut Arranger, x: &Arranged, axis: i64) -> Result<Vec<Arranged>> {
    /// More is no network's.
    const MAX: usize = 4096;
    let own = arranger.axis(x, axis)?;
    let count = arranger.shape(x)[own];
    if count > MAX {
        return Err(damaged(format!("it unpacks {count} values")));
    }
    let mut all = Vec::with_capacity(count);
    for k in 0..count as i64 {
        let one = arranger.slice(x, &[k], &[k + 1], &[own as i64], &[])?;
        all.push(arranger.squeeze(&one, &[own as i64])?);
    }
    Ok(all)
}

/// Pieces of these lengths along an axis; one may be −1.
pub(crate) fn split(
    arranger: &mut Arranger,
    x: &Arranged,
    axis: i64,
    lengths: &[i64],
) -> Result<Vec<Arranged>> {
    let own = arranger.axis(x, axis)?;
    let whole = arranger.shape(x)[own] as i64;
    let known = lengths.iter().filter(|&&length| length >= 0);
    let known = known.fold(0i64, |sum, &length| sum.saturating_add(length));
    let mut start = 0i64;
    let mut pieces = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let length = if length < 0 { whole - known } else { length };
        let end = start.saturating_add(length);
        if length < 0 || end > whole {
            return Err(damaged("a value is split into more than it has"));
        }
        pieces.push(arranger.slice(x, &[start], &[end], &[own as i64], &[])?);
        start = end;
    }
    Ok(pieces)
}

/// How an image is resized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resizing {
    pub(crate) linear: bool,
    pub(crate) align_corners: bool,
    pub(crate) half_pixel_centers: bool,
}

/// An image \[N, H, W, C\] of another height and width (`image_resizer_state.h`).
pub(crate) fn resize(
    arranger: &mut Arranger,
    x: &Arranged,
    size: [i64; 2],
    how: Resizing,
) -> Result<Arranged> {
    let resize = match (how.linear, how.align_corners, how.half_pixel_centers) {
        (true, true, _) => Resize::new(Interpolation::Linear, Coordinates::AlignCorners),
        (true, _, true) => Resize::new(Interpolation::Linear, Coordinates::HalfPixel),
        (true, ..) => Resize::new(Interpolation::Linear, Coordinates::Asymmetric),
        (false, true, _) => Resize::new(
            Interpolation::Nearest(Rounding::PreferCeil),
            Coordinates::AlignCorners,
        ),
        (false, _, true) => Resize::new(
            Interpolation::Nearest(Rounding::Floor),
            Coordinates::TensorflowHalfPixel,
        ),
        (false, ..) => Resize::new(
            Interpolation::Nearest(Rounding::Floor),
            Coordinates::Asymmetric,
        ),
    };
    arranger.image(x, |builder, x| {
        builder.resize(x, &[-2, -1], Extent::Sizes(&size), &resize)
    })
}

/// Blocks of pixels become images of their own, and back: how convolutions with dilation were
/// written (`tf.space_to_batch_nd`). `pads` is what is added before, for each axis of the image.
pub(crate) fn space_to_batch(
    arranger: &mut Arranger,
    x: &Arranged,
    block: [i64; 2],
    pads: [[i64; 2]; 2],
) -> Result<Arranged> {
    let x = arranger.pad(
        x,
        &[[0; 2], pads[0], pads[1], [0; 2]],
        PadMode::Constant(0.0),
    )?;
    let [n, h, w, c] = four(arranger, &x)?;
    let ([a, b], divides) = (block, |length: i64, block: i64| {
        block > 0 && length % block == 0
    });
    if !divides(h, a) || !divides(w, b) {
        return Err(damaged(format!(
            "{h} × {w} pixels cannot be split into blocks of {a} × {b}"
        )));
    }
    let x = arranger.reshape(&x, &[n, h / a, a, w / b, b, c])?;
    let x = arranger.transpose(&x, &[2, 4, 0, 1, 3, 5])?;
    arranger.reshape(
        &x,
        &[a.saturating_mul(b).saturating_mul(n), h / a, w / b, c],
    )
}

/// The way back (`tf.batch_to_space_nd`); `cuts` is what is cut off.
pub(crate) fn batch_to_space(
    arranger: &mut Arranger,
    x: &Arranged,
    block: [i64; 2],
    cuts: [[i64; 2]; 2],
) -> Result<Arranged> {
    let [n, h, w, c] = four(arranger, x)?;
    let [a, b] = block;
    let blocks = a
        .checked_mul(b)
        .filter(|&blocks| a > 0 && b > 0 && n % blocks == 0);
    let Some(blocks) = blocks else {
        return Err(damaged(format!("{n} images are no blocks of {a} × {b}")));
    };
    let x = arranger.reshape(x, &[a, b, n / blocks, h, w, c])?;
    let x = arranger.transpose(&x, &[2, 3, 0, 4, 1, 5])?;
    let x = arranger.reshape(&x, &[n / blocks, h * a, w * b, c])?;
    let cuts = cuts.map(|cut| cut.map(i64::saturating_neg));
    arranger.pad(
        &x,
        &[[0; 2], cuts[0], cuts[1], [0; 2]],
        PadMode::Constant(0.0),
    )
}

fn four(arranger: &Arranger, x: &Arranged) -> Result<[i64; 4]> {
    let shape: Vec<i64> = arranger
        .shape(x)
        .into_iter()
        .map(|length| length as i64)
        .collect();
    shape
        .try_into()
        .map_err(|shape: Vec<i64>| damaged(format!("an image has {} axes", shape.len())))
}

/// A shape that was written for more images than one, for one.
pub(crate) fn of_one(before: &[usize], shape: &[i64]) -> Vec<i64> {
    let mut shape = shape.to_vec();
    let elements: usize = before.iter().product();
    let known = shape
        .iter()
        .try_fold(1i64, |n, &length| n.checked_mul(length));
    if let (Some(first), Some(known)) = (shape.first_mut(), known)
        && known >= 0
        && known != elements as i64
    {
        *first = -1;
    }
    shape
}

/// Pads of each axis, as a constant \[axes, 2\] has them.
pub(crate) fn pads(constant: &Constant) -> Vec<[i64; 2]> {
    let list = constant.to_i64();
    let (pairs, _) = list.as_chunks::<2>();
    pairs.to_vec()
}

/// (a − b)².
pub(crate) fn squared_difference(
    arranger: &mut Arranger,
    a: &Arranged,
    b: &Arranged,
) -> Result<Arranged> {
    let difference = arranger.binary(Binary::Sub, a, b)?;
    arranger.unary(Unary::Power { exponent: 2.0 }, &difference)
}

fn damaged(detail: impl Into<String>) -> Error {
    Error::Damaged {
        format: "TensorFlow",
        detail: detail.into(),
    }
}
