//! Whether boxes are in pixels or in shares of the picture, which no file says.
//!
//! Boxes lie about constant places. How far they reach is estimated, with 1 for what the picture decides and each constant's
//! largest number for all of it: pixels reach about as far as the picture is wide, shares hardly anywhere.

use std::collections::HashMap;

use violet_graph::{Binary, Builder, Operation, Unary, ValueId};

use super::{DEEPEST, largest};

/// Shares come to less, pixels to more. Places are counted in cells of 8 pixels, all of which are taken for as wide as the
/// widest, 64 at most, and widths are differences of two places: shares come to 18 at most. The last cell of the smallest
/// picture, of 32 pixels, lies at 28.
const SHARES: f32 = 24.0;

/// Whether boxes are in shares of the picture.
pub(super) fn are_shares(b: &Builder, boxes: ValueId) -> bool {
    reach(b, boxes, 0, &mut HashMap::new()) < SHARES
}

/// How far a value reaches, where what the picture decides reaches to 1.
fn reach(b: &Builder, id: ValueId, depth: usize, known: &mut HashMap<ValueId, f32>) -> f32 {
    if let Some(constant) = b.known(id) {
        return largest(constant);
    }
    if let Some(&reach) = known.get(&id) {
        return reach;
    }
    let Some((operation, inputs)) = b.made_by(id).filter(|_| depth < DEEPEST) else {
        return 1.0;
    };
    let mut of = |k: usize| reach(b, inputs[k], depth + 1, known);
    let found = match operation {
        Operation::Binary(Binary::Add | Binary::Sub) => of(0) + of(1),
        Operation::Binary(Binary::Mul) => of(0) * of(1),
        Operation::Binary(Binary::Div) if b.known(inputs[1]).is_some() => {
            of(0) / of(1).max(f32::MIN_POSITIVE)
        }
        Operation::Unary(Unary::Power { exponent }) => of(0).powf(*exponent),
        Operation::Concat { .. } => (0..inputs.len()).map(of).fold(0.0, f32::max),
        Operation::Reshape { .. }
        | Operation::Transpose { .. }
        | Operation::Slice { .. }
        | Operation::Gather { .. } => of(0),
        _ => 1.0,
    };
    known.insert(id, found);
    found
}
