//! The way back through windows that lie side by side, as those of patches do: each of their pixels
//! is a pass of its own, and what is gathered for one serves all.

use super::panels::{Columns, Runs, gather, put_in_order, run_blocks};
use super::{Job, WIDTH, blocks_in_panel};
use crate::machine::{self as macerator, Simd, with_simd};
use crate::product::{BLOCK, VECTORS};
use crate::vector::lanes;
use crate::walk::Pass;

/// Passes back of one tap each that read the same.
pub(super) struct Patches<'a, 'b> {
    job: &'b Job<'a>,
    passes: &'b [Pass],
}

impl<'a, 'b> Patches<'a, 'b> {
    /// Nothing, if they are none, or if a panel has no room for all source channels.
    pub(super) fn of(job: &'b Job<'a>, passes: &'b [Pass]) -> Option<Self> {
        let first = job.pass;
        let [tap] = first.taps[..] else { return None };
        let same = |pass: &Pass| {
            let [other] = pass.taps[..] else { return false };
            pass.grid == first.grid && other.source == tap.source && pass.target_column > 1
        };
        let fit = job.depth <= blocks_in_panel(1);
        (fit && passes.iter().all(same)).then_some(Self { job, passes })
    }
}

/// What they make, which lies nowhere side by side.
#[with_simd]
pub(super) fn run_patches<'a, 'b, S: Simd>(
    patches: &Patches<'a, 'b>,
    made: &mut Vec<f32>,
    panel: &mut [f32],
    target: &mut [f32],
) {
    let Patches { job, passes } = patches;
    let [rows, row] = job.pass.grid;
    let width = VECTORS * lanes::<S>();
    made.resize(job.channels.next_multiple_of(BLOCK) * width, 0.0);
    let mut order = Vec::new();
    put_in_order(&mut order, job.depth, &job.pass.taps);
    let plane = target.len() / job.channels;
    for start in (0..rows * row).step_by(width) {
        let columns = start..(rows * row).min(start + width);
        let runs = Runs::new(row, job.row, columns.clone());
        gather::<S, VECTORS>(job, 0..job.depth, &runs, panel);
        for pass in *passes {
            let part = Columns {
                columns: 0..columns.len(),
                depth: 0..job.depth,
                order: &order,
                targets: &[[0; WIDTH]],
            };
            let together = Pass {
                taps: pass.taps.clone(),
                grid: [1, columns.len()],
                target: 0,
                target_row: columns.len(),
                target_column: 1,
            };
            let job = Job {
                pass: &together,
                plane: width,
                ..**job
            };
            run_blocks::<S, false, VECTORS>(&job, &part, panel, made);
            for (target, made) in target.chunks_exact_mut(plane).zip(made.chunks_exact(width)) {
                let [mut y, mut x] = [start / row, start % row];
                for &value in &made[..columns.len()] {
                    target[pass.target + y * pass.target_row + x * pass.target_column] = value;
                    x += 1;
                    if x == row {
                        [y, x] = [y + 1, 0];
                    }
                }
            }
        }
    }
}
