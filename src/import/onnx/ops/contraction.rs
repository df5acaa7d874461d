//! Products of matrices.

use violet_graph::{Binary, Reduction, ValueId};

use super::super::call::{Answer, Call, Operator, unsupported};
use Operator::One;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "MatMul" => One(|call| {
            let (a, b) = (call.value(0)?, call.value(1)?);
            Ok(call.b.matmul(a, b)?)
        }),
        "Gemm" => One(gemm),
        "Einsum" => One(einsum),
        _ => return None,
    })
}

pub(super) fn find_microsoft(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "FusedMatMul" => One(|call| {
            let (a, b) = (call.value(0)?, call.value(1)?);
            let a = flipped(call, a, "transA")?;
            let b = flipped(call, b, "transB")?;
            if call.int("transBatchA", 0)? != 0 || call.int("transBatchB", 0)? != 0 {
                return unsupported("it transposes its batch", "");
            }
            let product = call.b.matmul(a, b)?;
            let alpha = call.float("alpha", 1.0)?;
            Ok(call.b.affine(product, alpha, 0.0)?)
        }),
        _ => return None,
    })
}

/// The last two axes exchanged, if the attribute says so.
fn flipped(call: &mut Call<'_, '_>, x: ValueId, attribute: &str) -> Answer<ValueId> {
    let rank = call.shape(x).len() as i64;
    if call.int(attribute, 0)? == 0 || rank < 2 {
        return Ok(x);
    }
    let order: Vec<i64> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
    Ok(call.b.transpose(x, &order)?)
}

fn gemm(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let (mut a, b, c) = (call.value(0)?, call.value(1)?, call.optional(2)?);
    // Until opset 10 exporters left it to Gemm to flatten an image.
    if call.shape(a).len() > 2 && call.opset < 11 {
        a = call.b.flatten(a, 1)?;
    }
    let factors = [call.float("alpha", 1.0)?, call.float("beta", 1.0)?];
    let transposed = [call.int("transA", 0)? != 0, call.int("transB", 0)? != 0];
    Ok(call.b.gemm([a, b], c, factors, transposed)?)
}

/// Letters for axes.
type Letters = Vec<char>;

/// A sum of products over letters: inputs are contracted one after another.
fn einsum(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    let equation: String = call.text("equation", "")?.split_whitespace().collect();
    let inputs = call.values()?;
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left.to_owned(), Some(right.to_owned())),
        None => (equation.clone(), None),
    };
    let ranks: Vec<usize> = inputs.iter().map(|&id| call.shape(id).len()).collect();
    let Some((mut terms, output)) = letters(&left, right.as_deref(), &ranks) else {
        return call.wrong(format!("its equation is “{equation}”"));
    };
    let mut operands = inputs.into_iter();
    let Some(mut x) = operands.next() else {
        return call.wrong("it has no inputs");
    };
    let repeats = |term: &Letters| term.iter().enumerate().any(|(k, c)| term[..k].contains(c));
    if terms.iter().any(repeats) {
        return unsupported("it takes a diagonal", "");
    }
    let mut x_letters = terms.remove(0);
    for y in operands {
        let y_letters = terms.remove(0);
        // What a later input or the output asks for stays.
        let later = |letter: &char| {
            output.contains(letter) || terms.iter().any(|term| term.contains(letter))
        };
        (x, x_letters) = contract(call, (x, x_letters), (y, y_letters), later)?;
    }
    let (x, x_letters) = summed(call, x, x_letters, |letter| output.contains(letter))?;
    let order: Option<Vec<i64>> = output
        .iter()
        .map(|letter| {
            x_letters
                .iter()
                .position(|own| own == letter)
                .map(|axis| axis as i64)
        })
        .collect();
    match order {
        Some(order) if order.len() == x_letters.len() => Ok(match order.len() {
            0 => x,
            _ => call.b.transpose(x, &order)?,
        }),
        _ => call.wrong(format!("its equation is “{equation}”")),
    }
}

/// The letters of each input and of the output; an ellipsis becomes letters nobody writes.
fn letters(left: &str, right: Option<&str>, ranks: &[usize]) -> Option<(Vec<Letters>, Letters)> {
    const MOST: usize = 16;
    let hidden = |k: usize| char::from_u32(0xe000 + k as u32);
    let mut widest = 0;
    let mut terms = Vec::new();
    let written: Vec<&str> = left.split(',').collect();
    if written.len() != ranks.len() {
        return None;
    }
    for (term, &rank) in written.iter().zip(ranks) {
        let named = term
            .chars()
            .filter(|letter| letter.is_ascii_alphabetic())
            .count();
        let open = match term.contains("...") {
            true => rank.checked_sub(named)?,
            false => 0,
        };
        widest = widest.max(open);
        // Aligned at the last axis, as broadcasting is.
        let ellipsis: Option<String> = (0..open).rev().map(hidden).collect();
        let term: Letters = term.replace("...", &ellipsis?).chars().collect();
        if term.len() != rank || rank > MOST {
            return None;
        }
        terms.push(term);
    }
    let ellipsis: Option<String> = (0..widest).rev().map(hidden).collect();
    let ellipsis = ellipsis?;
    let output: Letters = match right {
        Some(right) => right.replace("...", &ellipsis).chars().collect(),
        None => {
            // Without an output, what is named once, in the order of the alphabet.
            let all: Letters = terms.concat();
            let once = |letter: &&char| all.iter().filter(|other| other == letter).count() == 1;
            let mut named: Letters = all
                .iter()
                .filter(|letter| letter.is_ascii_alphabetic())
                .filter(once)
                .copied()
                .collect();
            named.sort_unstable();
            ellipsis.chars().chain(named).collect()
        }
    };
    Some((terms, output))
}

/// Sums over the letters that are not kept.
fn summed(
    call: &mut Call<'_, '_>,
    x: ValueId,
    letters: Letters,
    kept: impl Fn(&char) -> bool,
) -> Answer<(ValueId, Letters)> {
    let axes: Vec<i64> = (0..letters.len())
        .filter(|&axis| !kept(&letters[axis]))
        .map(|axis| axis as i64)
        .collect();
    if axes.is_empty() {
        return Ok((x, letters));
    }
    let x = call.b.reduce(Reduction::Sum, x, &axes, false)?;
    Ok((x, letters.into_iter().filter(kept).collect()))
}

/// Product of two, summed over the letters that nobody asks for later: as matrices, with what both
/// have and what is kept before the last two axes.
fn contract(
    call: &mut Call<'_, '_>,
    (x, x_letters): (ValueId, Letters),
    (y, y_letters): (ValueId, Letters),
    later: impl Fn(&char) -> bool,
) -> Answer<(ValueId, Letters)> {
    let (x, x_letters) = summed(call, x, x_letters, |letter| {
        y_letters.contains(letter) || later(letter)
    })?;
    let (y, y_letters) = summed(call, y, y_letters, |letter| {
        x_letters.contains(letter) || later(letter)
    })?;
    let shared = |letter: &&char| y_letters.contains(letter);
    let outer: Letters = x_letters
        .iter()
        .filter(shared)
        .filter(|letter| later(letter))
        .copied()
        .collect();
    let inner: Letters = x_letters
        .iter()
        .filter(shared)
        .filter(|letter| !later(letter))
        .copied()
        .collect();
    let rows: Letters = x_letters
        .iter()
        .filter(|letter| !y_letters.contains(letter))
        .copied()
        .collect();
    let columns: Letters = y_letters
        .iter()
        .filter(|letter| !x_letters.contains(letter))
        .copied()
        .collect();

    let length = |call: &Call<'_, '_>, letter: &char| -> usize {
        let of = |id, letters: &Letters| {
            letters
                .iter()
                .position(|own| own == letter)
                .map(|axis| call.shape(id)[axis])
        };
        of(x, &x_letters)
            .into_iter()
            .chain(of(y, &y_letters))
            .max()
            .unwrap_or(1)
    };
    let lengths = |call: &Call<'_, '_>, letters: &Letters| -> Vec<i64> {
        letters
            .iter()
            .map(|letter| length(call, letter) as i64)
            .collect()
    };
    let (outer_shape, row_shape) = (lengths(call, &outer), lengths(call, &rows));
    let (inner_shape, column_shape) = (lengths(call, &inner), lengths(call, &columns));

    let a = ordered(call, x, &x_letters, &[&outer, &rows, &inner])?;
    let b = ordered(call, y, &y_letters, &[&outer, &inner, &columns])?;
    let size = |shape: &[i64]| shape.iter().product::<i64>();
    let product = if inner.is_empty() {
        // Nothing is summed over: products of all with all.
        let a = call.b.reshape(
            a,
            &[lengths_of(call, a, outer.len()), vec![size(&row_shape), 1]].concat(),
        )?;
        let b = call.b.reshape(
            b,
            &[
                lengths_of(call, b, outer.len()),
                vec![1, size(&column_shape)],
            ]
            .concat(),
        )?;
        call.b.binary(Binary::Mul, a, b)?
    } else {
        let a = call.b.reshape(
            a,
            &[
                lengths_of(call, a, outer.len()),
                vec![size(&row_shape), size(&inner_shape)],
            ]
            .concat(),
        )?;
        let b = call.b.reshape(
            b,
            &[
                lengths_of(call, b, outer.len()),
                vec![size(&inner_shape), size(&column_shape)],
            ]
            .concat(),
        )?;
        call.b.matmul(a, b)?
    };
    let product = call
        .b
        .reshape(product, &[outer_shape, row_shape, column_shape].concat())?;
    Ok((product, [outer, rows, columns].concat()))
}

/// The first axes' lengths: of those that are broadcast, 1.
fn lengths_of(call: &Call<'_, '_>, x: ValueId, count: usize) -> Vec<i64> {
    call.shape(x)[..count]
        .iter()
        .map(|&length| length as i64)
        .collect()
}

/// The axes in the order of these letters.
fn ordered(
    call: &mut Call<'_, '_>,
    x: ValueId,
    letters: &Letters,
    order: &[&Letters],
) -> Answer<ValueId> {
    let places = order
        .iter()
        .flat_map(|group| group.iter())
        .filter_map(|letter| {
            letters
                .iter()
                .position(|own| own == letter)
                .map(|axis| axis as i64)
        });
    let order: Vec<i64> = places.collect();
    match order.len() {
        0 => Ok(x),
        _ => Ok(call.b.transpose(x, &order)?),
    }
}
