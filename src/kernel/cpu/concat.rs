//! Arrays side by side along an axis.

use crate::spare;

/// Arrays \[outer, length\], each of a length of its own, as \[outer, all of them\].
pub fn concat(pieces: &[&[f32]], outer: usize) -> Vec<f32> {
    let total = pieces.iter().map(|piece| piece.len()).sum();
    let mut made = spare::room(total);
    for k in 0..outer {
        for piece in pieces {
            let length = piece.len() / outer;
            made.extend_from_slice(&piece[k * length..][..length]);
        }
    }
    made
}
