//! Products of matrices.

use super::Array;
use super::layout::Broadcast;

/// Which pairs of matrices are multiplied, and how large they are: \[rows, inner\] × \[inner, columns\].
#[derive(Debug)]
pub(super) struct Product {
    /// For each matrix of the result, those of the factors.
    pairs: Vec<(usize, usize)>,
    rows: usize,
    inner: usize,
    columns: usize,
}

impl Product {
    /// Of factors of these shapes.
    pub(super) fn new(a: &[usize], b: &[usize], output: &[usize]) -> Self {
        let outer = |shape: &[usize]| shape[..shape.len() - 2].to_vec();
        let made = outer(output);
        let [of_a, of_b] = [a, b].map(|shape| Broadcast::new(&outer(shape), &made));
        Self {
            pairs: of_a.iter().zip(of_b.iter()).collect(),
            rows: a[a.len() - 2],
            inner: a[a.len() - 1],
            columns: b[b.len() - 1],
        }
    }

    pub(super) fn forward(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let mut result = vec![0.0; self.pairs.len() * self.rows * self.columns];
        self.rows(|a_row, b_row, row| {
            for (&a, b_row) in a[a_row].iter().zip(b[b_row].chunks_exact(self.columns)) {
                let pairs = result[row.clone()].iter_mut().zip(b_row);
                pairs.for_each(|(result, &b)| *result += a * b);
            }
        });
        result
    }

    /// The gradient of the first factor, given the second.
    pub(super) fn first(&self, gradient: &[f64], b: &[f64], length: usize) -> Vec<f64> {
        let mut result = vec![0.0; length];
        self.rows(|a_row, b_row, row| {
            let b_rows = b[b_row].chunks_exact(self.columns);
            for (result, b_row) in result[a_row].iter_mut().zip(b_rows) {
                *result += dot(&gradient[row.clone()], b_row);
            }
        });
        result
    }

    /// The gradient of the second factor, given the first.
    pub(super) fn second(&self, gradient: &[f64], a: &[f64], length: usize) -> Vec<f64> {
        let mut result = vec![0.0; length];
        self.rows(|a_row, b_row, row| {
            let results = result[b_row].chunks_exact_mut(self.columns);
            for (&a, results) in a[a_row].iter().zip(results) {
                let pairs = results.iter_mut().zip(&gradient[row.clone()]);
                pairs.for_each(|(result, &gradient)| *result += a * gradient);
            }
        });
        result
    }

    /// Calls for each row of the result with the places of the first factor's row, of the second
    /// factor, and of the row.
    fn rows(&self, mut call: impl FnMut(Range, Range, Range)) {
        let places = |start: usize, length: usize| start * length..(start + 1) * length;
        for (k, &(a, b)) in self.pairs.iter().enumerate() {
            for row in 0..self.rows {
                call(
                    places(a * self.rows + row, self.inner),
                    places(b, self.inner * self.columns),
                    places(k * self.rows + row, self.columns),
                );
            }
        }
    }
}

type Range = std::ops::Range<usize>;

/// `x · weightᵀ`: x \[…, K\], weight \[O, K\].
pub(super) fn linear(x: &[f64], weight: Array<'_>) -> Vec<f64> {
    let features = weight.shape[1];
    x.chunks_exact(features)
        .flat_map(|x| {
            let rows = weight.data.chunks_exact(features);
            rows.map(move |row| dot(x, row))
        })
        .collect()
}

/// The adjoint of [`linear`]: `gradient · weight`.
pub(super) fn linear_adjoint(gradient: &[f64], weight: Array<'_>) -> Vec<f64> {
    let &[outputs, features] = weight.shape else {
        return Vec::new();
    };
    let mut result = vec![0.0; gradient.len() / outputs * features];
    let rows = result.chunks_exact_mut(features);
    for (result, gradient) in rows.zip(gradient.chunks_exact(outputs)) {
        for (&gradient, row) in gradient.iter().zip(weight.data.chunks_exact(features)) {
            let pairs = result.iter_mut().zip(row);
            pairs.for_each(|(result, &weight)| *result += gradient * weight);
        }
    }
    result
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums, so that a compiler may take vectors.
    let mut sums = [0.0; 4];
    let (a, b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest = a.remainder().iter().zip(b.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for k in 0..4 {
            sums[k] += a[k] * b[k];
        }
    }
    sums.iter().sum::<f64>() + rest
}
