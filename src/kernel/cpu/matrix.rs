//! Products of two matrices that are both made while a network runs: nothing is packed for later.

use crate::machine::{self as macerator, Simd, Vector, mul_add, with_simd};
use crate::product::VECTORS;
use crate::vector::{WIDEST, lanes, load_at, splat, store};

/// Matrices \[m, k\] × \[k, n\] → \[m, n\], row by row.
pub fn matrix_product(first: &[f32], second: &[f32], [m, k, n]: [usize; 3]) -> Vec<f32> {
    assert!(first.len() == m * k && second.len() == k * n && k > 0 && n > 0);
    let mut made = vec![0.0; m * n];
    run(first, second, [k, n], &mut made);
    made
}

#[with_simd]
fn run<S: Simd>(first: &[f32], second: &[f32], sizes: [usize; 2], made: &mut [f32]) {
    let [k, n] = sizes;
    let width = VECTORS * lanes::<S>();
    // Some columns side by side, so that every block of rows finds them in the nearest cache.
    let mut panel = vec![0.0; k * width];
    for column in (0..n).step_by(width) {
        let count = width.min(n - column);
        let lines = second
            .chunks_exact(n)
            .map(|line| &line[column..column + count]);
        for (line, panel) in lines.zip(panel.chunks_exact_mut(width)) {
            panel[..count].copy_from_slice(line);
        }
        let job = Job {
            first,
            panel: &panel,
            k,
            n,
            columns: column..column + count,
        };
        let rows = first.len() / k;
        let mut row = 0;
        while row < rows {
            // As many sums as registers hold.
            row += match rows - row {
                12.. if lanes::<S>() == WIDEST => job.rows::<S, 12>(row, made),
                8.. if lanes::<S>() == WIDEST => job.rows::<S, 8>(row, made),
                4.. => job.rows::<S, 4>(row, made),
                _ => job.rows::<S, 1>(row, made),
            };
        }
    }
}

struct Job<'a> {
    first: &'a [f32],
    /// \[k, columns\], as many as vectors hold.
    panel: &'a [f32],
    k: usize,
    n: usize,
    columns: std::ops::Range<usize>,
}

impl Job<'_> {
    /// Some rows from one on; how many.
    #[inline(always)]
    fn rows<S: Simd, const ROWS: usize>(&self, row: usize, made: &mut [f32]) -> usize {
        let (k, lanes) = (self.k, lanes::<S>());
        let factors: [&[f32]; ROWS] =
            std::array::from_fn(|r| &self.first[(row + r) * k..(row + r + 1) * k]);
        let mut sums: [[Vector<S, f32>; VECTORS]; ROWS] = [[splat::<S>(0.0); VECTORS]; ROWS];
        let lines = self.panel.chunks_exact(VECTORS * lanes);
        for (step, line) in (0..k).zip(lines) {
            let line: [_; VECTORS] = std::array::from_fn(|v| load_at::<S>(line, v * lanes));
            for (sums, factors) in sums.iter_mut().zip(&factors) {
                let factor = splat::<S>(factors[step]);
                for (sum, values) in sums.iter_mut().zip(line) {
                    *sum = mul_add::<S>(factor, values, *sum);
                }
            }
        }
        let mut line = [0.0; VECTORS * WIDEST];
        for (r, sums) in sums.into_iter().enumerate() {
            let start = (row + r) * self.n;
            let made = &mut made[start + self.columns.start..start + self.columns.end];
            if made.len() == VECTORS * lanes {
                for (v, sum) in sums.into_iter().enumerate() {
                    store::<S>(&mut made[v * lanes..], sum);
                }
            } else {
                for (v, sum) in sums.into_iter().enumerate() {
                    store::<S>(&mut line[v * lanes..], sum);
                }
                made.copy_from_slice(&line[..made.len()]);
            }
        }
        ROWS
    }
}
