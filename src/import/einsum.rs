//! Einstein's sums, of two matrices at a time.

use violet_graph::{Binary, Builder, Reduction, ValueId};

/// Why there is no such sum.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Its equation means nothing for what it is given.
    Equation,
    /// A letter stands twice in one term.
    Diagonal,
    /// The graph refuses.
    Graph(violet_graph::Error),
}

impl From<violet_graph::Error> for Refused {
    fn from(error: violet_graph::Error) -> Self {
        Self::Graph(error)
    }
}

type Result<T> = std::result::Result<T, Refused>;

/// Letters for axes.
type Letters = Vec<char>;

/// A sum of products over letters: inputs are contracted one after another.
pub(crate) fn einsum(b: &mut Builder, equation: &str, inputs: Vec<ValueId>) -> Result<ValueId> {
    let equation: String = equation.split_whitespace().collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left.to_owned(), Some(right.to_owned())),
        None => (equation.clone(), None),
    };
    let ranks: Vec<usize> = inputs.iter().map(|&id| b.shape(id).len()).collect();
    let Some((mut terms, output)) = letters(&left, right.as_deref(), &ranks) else {
        return Err(Refused::Equation);
    };
    let mut operands = inputs.into_iter();
    let Some(mut x) = operands.next() else {
        return Err(Refused::Equation);
    };
    let repeats = |term: &Letters| term.iter().enumerate().any(|(k, c)| term[..k].contains(c));
    if terms.iter().any(repeats) {
        return Err(Refused::Diagonal);
    }
    let mut x_letters = terms.remove(0);
    for y in operands {
        let y_letters = terms.remove(0);
        // What a later input or the output asks for stays.
        let later = |letter: &char| {
            output.contains(letter) || terms.iter().any(|term| term.contains(letter))
        };
        (x, x_letters) = contract(b, (x, x_letters), (y, y_letters), later)?;
    }
    let (x, x_letters) = summed(b, x, x_letters, |letter| output.contains(letter))?;
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
            _ => b.transpose(x, &order)?,
        }),
        _ => Err(Refused::Equation),
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
    b: &mut Builder,
    x: ValueId,
    letters: Letters,
    kept: impl Fn(&char) -> bool,
) -> Result<(ValueId, Letters)> {
    let axes: Vec<i64> = (0..letters.len())
        .filter(|&axis| !kept(&letters[axis]))
        .map(|axis| axis as i64)
        .collect();
    if axes.is_empty() {
        return Ok((x, letters));
    }
    let x = b.reduce(Reduction::Sum, x, &axes, false)?;
    Ok((x, letters.into_iter().filter(kept).collect()))
}

/// Product of two, summed over the letters that nobody asks for later: as matrices, with what both
/// have and what is kept before the last two axes.
fn contract(
    b: &mut Builder,
    (x, x_letters): (ValueId, Letters),
    (y, y_letters): (ValueId, Letters),
    later: impl Fn(&char) -> bool,
) -> Result<(ValueId, Letters)> {
    let (x, x_letters) = summed(b, x, x_letters, |letter| {
        y_letters.contains(letter) || later(letter)
    })?;
    let (y, y_letters) = summed(b, y, y_letters, |letter| {
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

    let length = |b: &Builder, letter: &char| -> usize {
        let of = |id, letters: &Letters| {
            letters
                .iter()
                .position(|own| own == letter)
                .map(|axis| b.shape(id)[axis])
        };
        of(x, &x_letters)
            .into_iter()
            .chain(of(y, &y_letters))
            .max()
            .unwrap_or(1)
    };
    let lengths = |b: &Builder, letters: &Letters| -> Vec<i64> {
        letters
            .iter()
            .map(|letter| length(b, letter) as i64)
            .collect()
    };
    let (outer_shape, row_shape) = (lengths(b, &outer), lengths(b, &rows));
    let (inner_shape, column_shape) = (lengths(b, &inner), lengths(b, &columns));

    let left = ordered(b, x, &x_letters, &[&outer, &rows, &inner])?;
    let right = ordered(b, y, &y_letters, &[&outer, &inner, &columns])?;
    let size = |shape: &[i64]| shape.iter().product::<i64>();
    let shape = |b: &Builder, x, matrix: [i64; 2]| {
        let outer = b.shape(x)[..outer.len()].iter();
        // Of those that are broadcast, 1.
        let outer = outer.map(|&length| length as i64);
        outer.chain(matrix).collect::<Vec<_>>()
    };
    // Where nothing is summed over, products of all with all.
    let inside = size(&inner_shape);
    let left_shape = shape(b, left, [size(&row_shape), inside]);
    let right_shape = shape(b, right, [inside, size(&column_shape)]);
    let left = b.reshape(left, &left_shape)?;
    let right = b.reshape(right, &right_shape)?;
    let product = match inner.is_empty() {
        true => b.binary(Binary::Mul, left, right)?,
        false => b.matmul(left, right)?,
    };
    let product = b.reshape(product, &[outer_shape, row_shape, column_shape].concat())?;
    Ok((product, [outer, rows, columns].concat()))
}

/// The axes in the order of these letters.
fn ordered(b: &mut Builder, x: ValueId, letters: &Letters, order: &[&Letters]) -> Result<ValueId> {
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
        _ => Ok(b.transpose(x, &order)?),
    }
}
