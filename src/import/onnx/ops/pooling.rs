//! Pools over windows and over whole images.

use violet_graph::{Reduction, ValueId};

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

fn pool_of(
    call: &mut Call<'_, '_>,
    x: ValueId,
    is_average: bool,
    pool: impl Fn(&mut Call<'_, '_>, ValueId, [usize; 2], &violet_graph::Sliding) -> Answer<ValueId>,
) -> Answer<ValueId> {
    let axes = match call.ints("kernel_shape")? {
        Some(kernel) => kernel.len(),
        None => return call.wrong("it has no kernel"),
    };
    let mut sliding = sliding(call, axes)?;
    if is_average && call.opset < 19 {
        // Only since then an average has dilations.
        sliding.dilation = [1; 2];
    }
    let kernel = pair(call, "kernel_shape", axes, 1)?;
    if axes == 2 {
        return pool(call, x, kernel, &sliding);
    }
    let image = call.b.unsqueeze(x, &[-2])?;
    let made = pool(call, image, kernel, &sliding)?;
    Ok(call.b.squeeze(made, &[-2])?)
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
