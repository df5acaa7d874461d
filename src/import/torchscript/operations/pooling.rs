//! Pools over windows, and those that end in a size.

use violet_graph::{Padding, Reduction, Sliding, ValueId};

use super::super::call::{Answer, Call, Operator, made, unsupported};
use super::super::value::{Tensor, Value};
use super::layers::pair;

pub(super) fn find(name: &str) -> Option<Operator> {
    Some(match name {
        "max_pool2d" => |call| {
            let pooled = max_pool(call)?;
            made(pooled)
        },
        // Where the largest was is of no use here.
        "max_pool2d_with_indices" => |call| {
            let pooled = Value::Tensor(Tensor::new(max_pool(call)?));
            Ok(Value::list(vec![pooled, Value::Failed]))
        },
        "avg_pool2d" => average_pool,
        "adaptive_avg_pool2d" | "_adaptive_avg_pool2d" => |call| {
            let pooled = adaptive(call, Reduction::Mean)?;
            made(pooled)
        },
        "adaptive_max_pool2d" => |call| {
            let pooled = Value::Tensor(Tensor::new(adaptive(call, Reduction::Max)?));
            Ok(Value::list(vec![pooled, Value::Failed]))
        },
        "adaptive_avg_pool1d" => |call| match call.ints(1, "output_size")?[..] {
            [1] => {
                let x = call.x()?;
                made(call.b.reduce(Reduction::Mean, x, &[-1], true)?)
            }
            _ => unsupported("it ends in more than one"),
        },
        _ => return None,
    })
}

fn sliding(call: &mut Call<'_>, kernel: [usize; 2], ceil: usize) -> Answer<Sliding> {
    let stride = match &call.ints_or_none(2, "stride")?[..] {
        [] => kernel,
        stride => pair(stride)?,
    };
    let padding = match &call.ints_or_none(3, "padding")?[..] {
        [] => [0; 2],
        padding => pair(padding)?,
    };
    Ok(Sliding {
        stride,
        dilation: [1; 2],
        padding: Padding::Explicit {
            before: padding,
            after: padding,
        },
        ceil: call.flag(ceil, "ceil_mode")?,
    })
}

fn max_pool(call: &mut Call<'_>) -> Answer<ValueId> {
    let x = call.x()?;
    let kernel = pair(&call.ints(1, "kernel_size")?)?;
    let mut sliding = sliding(call, kernel, 5)?;
    if let dilation @ [_, ..] = &call.ints_or_none(4, "dilation")?[..] {
        sliding.dilation = pair(dilation)?;
    }
    Ok(call.b.max_pool(x, kernel, &sliding)?)
}

fn average_pool(call: &mut Call<'_>) -> Answer<Value> {
    let x = call.x()?;
    let kernel = pair(&call.ints(1, "kernel_size")?)?;
    let sliding = sliding(call, kernel, 4)?;
    let counted = call.int_or(5, "count_include_pad", 1)? != 0;
    if call.get(6, "divisor_override").is_some() {
        return unsupported("its divisor is given");
    }
    made(call.b.average_pool(x, kernel, &sliding, counted)?)
}

/// Windows that end in an image of a size: of unequal ones there are several kinds, one after the other.
fn adaptive(call: &mut Call<'_>, reduction: Reduction) -> Answer<ValueId> {
    let x = call.x()?;
    let size = match call.get(1, "output_size").cloned() {
        Some(value) => {
            let sides = value
                .items()
                .unwrap_or_else(|| vec![value.clone(), value.clone()]);
            let shape = call.shape(x);
            let own = shape[shape.len().saturating_sub(2)..].to_vec();
            let mut size = Vec::new();
            for (k, side) in sides.iter().enumerate() {
                let side = match side {
                    Value::None => own.get(k).map(|&side| side as i64),
                    side => call.whole(side)?,
                };
                size.push(side.unwrap_or(0));
            }
            pair(&size)?
        }
        None => return unsupported("it is not given its output_size"),
    };
    let mut x = x;
    for (axis, wanted) in [(-2, size[0]), (-1, size[1])] {
        let shape = call.shape(x);
        let Some(length) = usize::try_from(shape.len() as i64 + axis)
            .ok()
            .and_then(|k| shape.get(k))
            .copied()
        else {
            return unsupported("its input is no image");
        };
        if wanted == length {
            continue;
        }
        if wanted == 1 {
            x = call.b.reduce(reduction, x, &[axis], true)?;
            continue;
        }
        if wanted == 0 || wanted > 1 << 10 {
            return unsupported("it ends in no image");
        }
        let mut parts = Vec::new();
        for k in 0..wanted {
            let start = (k * length) / wanted;
            let end = ((k + 1) * length).div_ceil(wanted);
            let part = call
                .b
                .slice(x, &[start as i64], &[end as i64], &[axis], &[])?;
            parts.push(call.b.reduce(reduction, part, &[axis], true)?);
        }
        x = call.b.concat(&parts, axis)?;
    }
    Ok(x)
}
