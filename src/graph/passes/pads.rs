//! Padding by itself becomes the padding of the layer that follows.

use crate::error::Result;
use crate::graph::{Graph, ValueId};
use crate::operation::{AveragePool, Clamp, Convolution, Operation, Unary, Window};

use super::rewrite::{Rewrite, rewrite};

/// Merges pads of height and width into convolutions and pools.
pub(super) fn merge(graph: Graph) -> Result<Graph> {
    rewrite(graph, |all, node| {
        let Some(pad) = node.inputs.first().and_then(|&x| all.only(x)) else {
            return Ok(None);
        };
        let Operation::Pad {
            before,
            after,
            value,
        } = &pad.operation
        else {
            return Ok(None);
        };
        let rank = before.len();
        let outer = rank.saturating_sub(2);
        if before[..outer]
            .iter()
            .chain(&after[..outer])
            .any(|&pad| pad > 0)
        {
            return Ok(None);
        }
        let sides = |pads: &[usize]| [pads[outer], pads[outer + 1]];
        let pads = || [sides(before), sides(after)];
        let merged = match &node.operation {
            Operation::Convolution(convolution) if *value == 0.0 => {
                padded(&convolution.window, pads()).map(|window| {
                    Operation::Convolution(Convolution {
                        window,
                        ..*convolution
                    })
                })
            }
            Operation::AveragePool(pool) if *value == 0.0 => {
                padded(&pool.window, pads()).map(|window| {
                    let [before, after] = pads();
                    // The zeros were pixels, which count.
                    let all = |counted: [usize; 2], pads: [usize; 2]| {
                        [0, 1].map(|axis| counted[axis] + pads[axis])
                    };
                    Operation::AveragePool(AveragePool {
                        window,
                        counted_before: all(pool.counted_before, before),
                        counted_after: all(pool.counted_after, after),
                    })
                })
            }
            Operation::MaxPool(window) if never_larger(all, *value, pad.inputs[0]) => {
                padded(window, pads()).map(Operation::MaxPool)
            }
            _ => None,
        };
        let Some(merged) = merged else {
            return Ok(None);
        };
        // A pool's windows have to hold pixels, not padding only; then nothing is merged.
        let mut inputs = all.inputs(node)?;
        inputs[0] = all.renamed(pad.inputs[0])?;
        Ok(all.new.push(merged, &inputs).ok())
    })
}

/// The window with pads added to its own padding, if that stays smaller than the window.
fn padded(window: &Window, [before, after]: [[usize; 2]; 2]) -> Option<Window> {
    let extent = window.extent();
    let sum = |own: [usize; 2], pads: [usize; 2]| [own[0] + pads[0], own[1] + pads[1]];
    let padding_before = sum(window.padding_before, before);
    let padding_after = sum(window.padding_after, after);
    let fits = |padding: [usize; 2]| (0..2).all(|axis| padding[axis] < extent[axis]);
    (fits(padding_before) && fits(padding_after)).then_some(Window {
        padding_before,
        padding_after,
        ..*window
    })
}

/// Whether what is padded with is smaller than every pixel, or as small as the smallest.
fn never_larger(all: &Rewrite<'_>, value: f32, x: ValueId) -> bool {
    let least = match all.made_by(x) {
        Some((
            Operation::Unary(Unary::Clip(clamp))
            | Operation::Convolution(Convolution { clamp, .. }),
            _,
        )) => clamp.min,
        _ => Clamp::NONE.min,
    };
    value <= least || value <= -crate::builder::MASKED
}
