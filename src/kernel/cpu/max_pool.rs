//! The largest value of each window, and the two ways back to where it stands.

use crate::Geometry;

/// The largest value of each window of each channel, \[N, C, H, W\] to \[N, C, H', W'\], and its index in the
/// channel's plane; of equal ones, the first. Padding is never the largest.
pub fn max_pool(g: &Geometry, input: &[f32]) -> (Vec<f32>, Vec<u32>) {
    let [given, made] = areas(g);
    let planes = input.len() / given;
    let mut values = Vec::with_capacity(planes * made);
    let mut indices = Vec::with_capacity(planes * made);
    let mut columns = Columns::new(g.input[1]);
    for plane in input.chunks_exact(given) {
        for row in 0..g.output[0] {
            columns.reduce(plane, window(g, 0, row));
            for column in 0..g.output[1] {
                let (value, index) = columns.largest(window(g, 1, column));
                values.push(value);
                indices.push(index);
            }
        }
    }
    (values, indices)
}

/// The gradient of the input: each window's goes to where its largest value stands.
pub fn max_pool_gradient(g: &Geometry, gradient: &[f32], indices: &[u32]) -> Vec<f32> {
    let [made, given] = areas(g);
    let mut input = vec![0.0; gradient.len() / given * made];
    let windows = gradient
        .chunks_exact(given)
        .zip(indices.chunks_exact(given));
    for (target, (gradient, indices)) in input.chunks_exact_mut(made).zip(windows) {
        for (&gradient, &index) in gradient.iter().zip(indices) {
            target[index as usize] += gradient;
        }
    }
    input
}

/// The mean gradient of one image's input on the straight line from `before` to `input`: there the window's old
/// largest value leads at first and its new one in the end, and each gets the share in which it leads. What this sum
/// makes of the step is the change of the largest value, exactly.
pub fn max_pool_secant_gradient(
    g: &Geometry,
    gradient: &[f32],
    [before, input]: [&[f32]; 2],
    [old, new]: [&[u32]; 2],
) -> Vec<f32> {
    let [made, given] = areas(g);
    let mut target = vec![0.0; input.len()];
    for (plane, target) in target.chunks_exact_mut(made).enumerate() {
        let (before, input) = (
            &before[plane * made..][..made],
            &input[plane * made..][..made],
        );
        let windows = plane * given..(plane + 1) * given;
        for window in windows {
            let (gradient, old, new) =
                (gradient[window], old[window] as usize, new[window] as usize);
            // By how much the old one leads at first, and by how much the new one does in the end.
            let (lead, loss) = (before[old] - before[new], input[new] - input[old]);
            let share = if lead > 0.0 {
                lead / (lead + loss)
            } else {
                0.0
            };
            target[old] += gradient * share;
            target[new] += gradient * (1.0 - share);
        }
    }
    target
}

/// Values of a plane of the input and of the output.
fn areas(g: &Geometry) -> [usize; 2] {
    [g.input, g.output].map(|[height, width]| height * width)
}

/// The rows (dimension 0) or columns (1) of the input that a window covers.
fn window(g: &Geometry, dimension: usize, position: usize) -> std::ops::Range<usize> {
    let padding = g.padding_before[dimension];
    let start = position * g.filter.stride;
    let end = (start + g.filter.kernel - padding).min(g.input[dimension]);
    start.saturating_sub(padding)..end
}

/// The largest values of some rows, column by column.
struct Columns {
    values: Vec<f32>,
    /// Their rows.
    rows: Vec<u32>,
}

impl Columns {
    fn new(width: usize) -> Self {
        Self {
            values: vec![0.0; width],
            rows: vec![0; width],
        }
    }

    fn reduce(&mut self, plane: &[f32], rows: std::ops::Range<usize>) {
        let width = self.values.len();
        let row = |row: usize| &plane[row * width..][..width];
        self.values.copy_from_slice(row(rows.start));
        self.rows.fill(rows.start as u32);
        for y in rows.start + 1..rows.end {
            let largest = self.values.iter_mut().zip(&mut self.rows);
            for ((largest, at), &value) in largest.zip(row(y)) {
                let larger = value > *largest;
                *largest = if larger { value } else { *largest };
                *at = if larger { y as u32 } else { *at };
            }
        }
    }

    /// The largest of some columns, and its index in the plane.
    fn largest(&self, columns: std::ops::Range<usize>) -> (f32, u32) {
        let width = self.values.len() as u32;
        let mut best = columns.start;
        let (values, rows) = (&self.values, &self.rows);
        for x in columns.start + 1..columns.end {
            let first = values[x] == values[best] && rows[x] < rows[best];
            if values[x] > values[best] || first {
                best = x;
            }
        }
        (values[best], rows[best] * width + best as u32)
    }
}
