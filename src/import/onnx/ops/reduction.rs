//! One number of many along axes.

use violet_graph::{Binary, Reduction, Unary, ValueId};

use super::super::call::{Answer, Call, Operator, Refusal, unsupported};
use Operator::One;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "ReduceMean" => One(|call| reduce(call, Reduction::Mean)),
        "ReduceSum" => One(|call| reduce(call, Reduction::Sum)),
        "ReduceMax" => One(|call| reduce(call, Reduction::Max)),
        "ReduceL2" => One(|call| reduce(call, Reduction::L2)),
        "ReduceLogSumExp" => One(|call| reduce(call, Reduction::LogSumExp)),
        "ReduceMin" => One(|call| {
            of(call, |call, x, axes, keep| {
                Ok(call.b.reduce_min(x, axes, keep)?)
            })
        }),
        "ReduceL1" => One(|call| {
            of(call, |call, x, axes, keep| {
                let absolute = call.b.unary(Unary::Abs, x)?;
                Ok(call.b.reduce(Reduction::Sum, absolute, axes, keep)?)
            })
        }),
        "ReduceSumSquare" => One(|call| {
            of(call, |call, x, axes, keep| {
                let square = call.b.unary(Unary::Power { exponent: 2.0 }, x)?;
                Ok(call.b.reduce(Reduction::Sum, square, axes, keep)?)
            })
        }),
        "ReduceLogSum" => One(|call| {
            of(call, |call, x, axes, keep| {
                let sum = call.b.reduce(Reduction::Sum, x, axes, keep)?;
                Ok(call.b.unary(Unary::Log, sum)?)
            })
        }),
        "ReduceProd" => One(product),
        "ArgMax" => One(|call| arg(call, false)),
        "ArgMin" => One(|call| arg(call, true)),
        _ => return None,
    })
}

fn reduce(call: &mut Call<'_, '_>, reduction: Reduction) -> Answer<ValueId> {
    of(call, |call, x, axes, keep| {
        Ok(call.b.reduce(reduction, x, axes, keep)?)
    })
}

/// Axes are an attribute at first (until opset 17, of sums until 12), then an input; without any,
/// all of them are meant, or with `noop_with_empty_axes` none.
fn of(
    call: &mut Call<'_, '_>,
    reduce: impl Fn(&mut Call<'_, '_>, ValueId, &[i64], bool) -> Answer<ValueId>,
) -> Answer<ValueId> {
    let x = call.value(0)?;
    let rank = call.shape(x).len();
    let keep = call.int("keepdims", 1)? == 1;
    let mut axes = call.ints_or_input("axes", 1, "axes")?.unwrap_or_default();
    if axes.is_empty() {
        if call.int("noop_with_empty_axes", 0)? == 1 || rank == 0 {
            // Of each element by itself: a sum of one, a norm of one.
            let single = call.b.unsqueeze(x, &[-1])?;
            return reduce(call, single, &[-1], false);
        }
        axes = (0..rank as i64).collect();
    }
    let axes: Vec<i64> = call
        .axes(&axes, rank)?
        .into_iter()
        .map(|axis| axis as i64)
        .collect();
    reduce(call, x, &axes, keep)
}

/// Products along axes: of a few elements, one after another.
fn product(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    const MOST: usize = 64;
    of(call, |call, x, axes, keep| {
        let mut result = x;
        for &axis in axes {
            let length = call.shape(result)[axis as usize];
            if length > MOST {
                return unsupported(format!("it multiplies {length} elements"), "");
            }
            let pieces = call.b.split(result, axis, &vec![1; length])?;
            result = match pieces[..] {
                [] => return call.wrong("it multiplies nothing"),
                [first, ref rest @ ..] => rest.iter().try_fold(first, |product, &next| {
                    call.b.binary(Binary::Mul, product, next)
                })?,
            };
        }
        match keep {
            true => Ok(result),
            false => Ok(call.b.squeeze(result, axes)?),
        }
    })
}

/// Where the largest or smallest is: only of constants, else it is cut off.
fn arg(call: &mut Call<'_, '_>, smallest: bool) -> Answer<ValueId> {
    let x = call.value(0)?;
    if call.b.known(x).is_none() {
        return Err(Refusal::NoSlope);
    }
    if call.int("select_last_index", 0)? == 1 {
        return unsupported("it takes the last of equal ones", "");
    }
    let (axis, keep) = (call.int("axis", 0)?, call.int("keepdims", 1)? == 1);
    let x = match smallest {
        true => call.b.unary(Unary::Neg, x)?,
        false => x,
    };
    Ok(call.b.arg_max(x, axis, keep)?)
}
