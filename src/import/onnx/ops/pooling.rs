//! Pools over windows and over whole images.

use violet_graph::{Padding, Reduction, Sliding, ValueId};

use super::super::call::{Answer, Call, Operator, Value, unsupported};
use super::convolution::{pair, sliding};
use Operator::{Many, One};

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        // Where the largest was is asked for by detectors of key points only.
        "MaxPool" => Many(|call| Ok(vec![Value::Graph(pool(call, Kind::Max)?), Value::Unused])),
        "AveragePool" => One(|call| pool(call, Kind::Average)),
        "LpPool" => One(|call| pool(call, Kind::Norm)),
        "GlobalMaxPool" => One(|call| global(call, Reduction::Max)),
        "GlobalAveragePool" => One(|call| global(call, Reduction::Mean)),
        "GlobalLpPool" => One(global_norm),
        _ => return None,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Max,
    Average,
    Norm,
}

fn pool(call: &mut Call<'_, '_>, kind: Kind) -> Answer<ValueId> {
    let x = call.value(0)?;
    pool_of(
        call,
        x,
        kind == Kind::Average,
        |call, x, kernel, sliding| {
            Ok(match kind {
                Kind::Max => call.b.max_pool(x, kernel, sliding)?,
                Kind::Average => {
                    let counted = call.int("count_include_pad", 0)? == 1;
                    call.b.average_pool(x, kernel, sliding, counted)?
                }
                Kind::Norm => {
                    let p = call.int("p", 2)?;
                    call.b
                        .lp_pool(x, kernel, sliding, usize::try_from(p).unwrap_or(0))?
                }
            })
        },
    )
}

/// The mean of windows, with the attributes of the call.
pub(super) fn average(call: &mut Call<'_, '_>, x: ValueId) -> Answer<ValueId> {
    pool_of(call, x, true, |call, x, kernel, sliding| {
        let counted = call.int("count_include_pad", 0)? == 1;
        Ok(call.b.average_pool(x, kernel, sliding, counted)?)
    })
}

/// A pool by its windows.
type Pool<'p> = dyn Fn(&mut Call<'_, '_>, ValueId, [usize; 2], &Sliding) -> Answer<ValueId> + 'p;

fn pool_of(
    call: &mut Call<'_, '_>,
    x: ValueId,
    is_average: bool,
    pool: impl Fn(&mut Call<'_, '_>, ValueId, [usize; 2], &Sliding) -> Answer<ValueId>,
) -> Answer<ValueId> {
    let axes = match call.ints("kernel_shape")? {
        Some(kernel) => kernel.len(),
        None => return call.wrong("it has no kernel"),
    };
    if let Some(along) = along_first(call)? {
        return along_channels(call, x, along, &pool);
    }
    let mut sliding = sliding(call, axes)?;
    if is_average && call.opset < 19 {
        // Only since then an average has dilations.
        sliding.dilation = [1; 2];
    }
    let mut kernel = pair(call, "kernel_shape", axes, 1)?;
    // Where parts of windows count, one larger than all there is counts all: some write 2560 × 2560 for a mean.
    if let (true, Padding::Explicit { before, after }) = (sliding.ceil, sliding.padding) {
        let shape = call.shape(x);
        let sides = shape.iter().skip(shape.len().saturating_sub(axes));
        for (k, side) in (2 - axes.min(2)..2).zip(sides) {
            let most = side.saturating_add(before[k]).saturating_add(after[k]);
            kernel[k] = kernel[k].min(most.max(1));
        }
    }
    if axes == 2 {
        return pool(call, x, kernel, &sliding);
    }
    let image = call.b.unsqueeze(x, &[-2])?;
    let made = pool(call, image, kernel, &sliding)?;
    Ok(call.b.squeeze(made, &[-2])?)
}

/// Windows along the first of three axes only, as exporters write a normalisation by neighbouring channels: their length,
/// stride and padding.
#[derive(Clone, Copy)]
struct AlongFirst {
    kernel: usize,
    sliding: Sliding,
}

/// Whether this pool is one.
fn along_first(call: &Call<'_, '_>) -> Answer<Option<AlongFirst>> {
    let ints = |name: &str| call.ints(name).map(Option::unwrap_or_default);
    let (kernel, strides) = (ints("kernel_shape")?, ints("strides")?);
    let (pads, dilations) = (ints("pads")?, ints("dilations")?);
    let plain = call.text("auto_pad", "NOTSET")? == "NOTSET";
    let trivial = strides.iter().skip(1).chain(&dilations).all(|&n| n == 1);
    let (&[length, 1, 1], true, true) = (&kernel[..], trivial, plain) else {
        return Ok(None);
    };
    let number = |n: i64| usize::try_from(n).ok();
    let (before, after) = match pads[..] {
        [] => (Some(0), Some(0)),
        [before, 0, 0, after, 0, 0] => (number(before), number(after)),
        _ => return Ok(None),
    };
    let stride = strides.first().map_or(Some(1), |&n| number(n));
    let (Some(kernel), Some(stride), Some(before), Some(after)) =
        (number(length), stride, before, after)
    else {
        return Ok(None);
    };
    let sliding = Sliding {
        stride: [stride, 1],
        padding: Padding::Explicit {
            before: [before, 0],
            after: [after, 0],
        },
        ceil: call.int("ceil_mode", 0)? == 1,
        ..Sliding::default()
    };
    Ok(Some(AlongFirst { kernel, sliding }))
}

/// Such a pool, of a picture whose rows are those axes and whose columns are all the others.
fn along_channels(
    call: &mut Call<'_, '_>,
    x: ValueId,
    along: AlongFirst,
    pool: &Pool,
) -> Answer<ValueId> {
    let shape: Vec<i64> = call.shape(x).iter().map(|&n| n as i64).collect();
    let &[batch, planes, depth, height, width] = &shape[..] else {
        return call.wrong("it is given other axes than its windows have");
    };
    let flat = [batch, planes, depth, height.saturating_mul(width)];
    let flat = call.b.reshape(x, &flat)?;
    let made = pool(call, flat, [along.kernel, 1], &along.sliding)?;
    Ok(call.b.reshape(made, &[batch, planes, -1, height, width])?)
}

/// All axes but the first two, which stay with length 1.
fn spatial(call: &Call<'_, '_>, x: ValueId) -> Vec<i64> {
    (2..call.shape(x).len() as i64).collect()
}

fn global(call: &mut Call<'_, '_>, reduction: Reduction) -> Answer<ValueId> {
    let x = call.value(0)?;
    let axes = spatial(call, x);
    Ok(call.b.reduce(reduction, x, &axes, true)?)
}

fn global_norm(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    match call.int("p", 2)? {
        1 => {
            let x = call.value(0)?;
            let axes = spatial(call, x);
            let absolute = call.b.unary(violet_graph::Unary::Abs, x)?;
            Ok(call.b.reduce(Reduction::Sum, absolute, &axes, true)?)
        }
        2 => global(call, Reduction::L2),
        p => unsupported(format!("its p is {p}"), ""),
    }
}
