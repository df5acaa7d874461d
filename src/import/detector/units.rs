//! Whether boxes are in pixels or in shares of the picture, which no file says.
//!
//! Boxes lie about constant places. Where everything else is about as large as 1, those of pixels reach as far as a
//! picture is wide, and those of shares hardly further than 1.

use std::collections::HashMap;

use violet_graph::{Binary, Builder, Operation, Unary, ValueId};

use super::{DEEPEST, largest};

/// Shares of a picture reach less far, pixels further. Places are counted in cells of 8 pixels first, which are then taken
/// for as wide as the widest, 32 or 64, and widths are the difference of two: 8 or 16 and a little. The narrowest picture
/// has 32 pixels.
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
