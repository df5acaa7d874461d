//! What every detector's boxes have in common: the names of the outputs, and that they stand upright.

use violet_graph::{Binary, Builder, Unary, ValueId};

use crate::error::Result;

/// Name of the output of a detector's boxes.
pub(crate) const BOXES: &str = "boxes";
/// Name of the output of their classes' scores.
pub(crate) const SCORES: &str = "scores";

/// Width and height of the upright boxes about boxes that are turned by an angle in radians, side by side along an axis:
/// w |cos| + h |sin| and w |sin| + h |cos|.
pub(crate) fn upright(
    b: &mut Builder,
    size: ValueId,
    angle: ValueId,
    axis: i64,
) -> Result<ValueId> {
    let parts = b.split(size, axis, &[1, 1])?;
    let mut shares = Vec::new();
    for unary in [Unary::Cos, Unary::Sin] {
        let share = b.unary(unary, angle)?;
        shares.push(b.unary(Unary::Abs, share)?);
    }
    let mut sums = Vec::new();
    for [of_width, of_height] in [[0, 1], [1, 0]] {
        let width = b.binary(Binary::Mul, parts[0], shares[of_width])?;
        let height = b.binary(Binary::Mul, parts[1], shares[of_height])?;
        sums.push(b.binary(Binary::Add, width, height)?);
    }
    Ok(b.concat(&sums, axis)?)
}
