//! Cutting a picture into regions: neighbours of like colour grow together, then the regions that differ least and lie
//! nearest.

use super::colour::lab;

/// What a join of pixels may cost beyond the greatest step inside, times the pixels that have joined, in CIELAB
/// units: some hundred regions of a photo. (The paper's k.)
const LOOSENESS: f32 = 40.0;
/// Regions smaller than this share of the picture are no regions.
const SMALLEST: f64 = 1.0 / 2500.0;
/// Nor does one grow beyond this share, pixel by pixel: fur and leaves would run into one.
const LARGEST: f64 = 1.0 / 50.0;
/// What the picture's width counts in CIELAB units, where regions are merged: a region is also a place.
const WIDTH: f64 = 50.0;
/// Pictures with a longer side are cut by the means of blocks of their pixels, so that time is bounded.
const LONGEST: usize = 256;

/// The region of every pixel of a picture (RGBA, 4 bytes a pixel, row by row), at most `most` of them (1 at
/// least), each in one piece, numbered from the upper left.
///
/// # Source
///
/// Felzenszwalb, Huttenlocher 2004 (Efficient Graph-Based Image Segmentation, doi 10.1023/B:VISI.0000022288.19776.77)
/// over the eight neighbours of a picture smoothed by [1, 2, 1]; then, pair by pair, the neighbours whose union adds
/// least to the squared distances from the regions' means: Ward 1963, as Beaulieu and Goldberg 1989 (doi
/// 10.1109/34.16711) apply it to pictures, of colour and place together, as Achanta et al. 2012 (SLIC, doi
/// 10.1109/TPAMI.2012.120) weigh them.
pub(super) fn segment(rgba: &[u8], width: usize, most: usize) -> Vec<u16> {
    let pixels = rgba.len() / 4;
    if pixels == 0 {
        return Vec::new();
    }
    let block = width.max(pixels / width).div_ceil(LONGEST);
    let small = width.div_ceil(block);
    let colours = smooth(&means(rgba, width, block), small);
    let mut grown = grow(&colours, small);
    let regions = grown.numbered();
    let labels = merge(&colours, small, regions, most.max(1));
    let at = |k: usize| labels[(k / width / block) * small + k % width / block];
    super::partition::renumbered((0..pixels).map(at))
}

/// The mean colour of every block, in CIELAB.
fn means(rgba: &[u8], width: usize, block: usize) -> Vec<[f32; 3]> {
    let height = rgba.len() / 4 / width;
    let [small, rows] = [width, height].map(|length| length.div_ceil(block));
    let mut means = Vec::with_capacity(small * rows);
    for (top, left) in (0..rows).flat_map(|y| (0..small).map(move |x| (y * block, x * block))) {
        let mut sum = [0u32; 3];
        let mut count = 0;
        for y in top..(top + block).min(height) {
            for x in left..(left + block).min(width) {
                let pixel = &rgba[4 * (y * width + x)..][..3];
                sum.iter_mut()
                    .zip(pixel)
                    .for_each(|(s, &v)| *s += u32::from(v));
                count += 1;
            }
        }
        means.push(lab(sum.map(|s| ((s + count / 2) / count) as u8)));
    }
    means
}

/// Each colour with its neighbours in a row, then in a column, weighted [1, 2, 1]. The border repeats itself.
fn smooth(colours: &[[f32; 3]], width: usize) -> Vec<[f32; 3]> {
    let pass = |from: &[[f32; 3]], along_row: bool| -> Vec<[f32; 3]> {
        let at = |k: usize, up: bool| {
            let (place, step, length) = if along_row {
                (k % width, 1, width)
            } else {
                (k / width, width, from.len() / width)
            };
            match up {
                true if place + 1 < length => k + step,
                false if place > 0 => k - step,
                _ => k,
            }
        };
        let value = |k: usize| {
            let (before, after) = (from[at(k, false)], from[at(k, true)]);
            std::array::from_fn(|c| (before[c] + 2.0 * from[k][c] + after[c]) / 4.0)
        };
        (0..from.len()).map(value).collect()
    };
    pass(&pass(colours, true), false)
}

/// Sets of pixels that have joined.
struct Forest {
    parent: Vec<u32>,
    size: Vec<u32>,
    /// The dearest step that joined each, by its root.
    inner: Vec<f32>,
}

impl Forest {
    fn new(pixels: usize) -> Self {
        Self {
            parent: (0..pixels as u32).collect(),
            size: vec![1; pixels],
            inner: vec![0.0; pixels],
        }
    }

    fn root(&mut self, mut k: u32) -> u32 {
        while self.parent[k as usize] != k {
            let above = self.parent[self.parent[k as usize] as usize];
            self.parent[k as usize] = above;
            k = above;
        }
        k
    }

    fn join(&mut self, a: u32, b: u32, step: f32) {
        let (large, small) = if self.size[a as usize] >= self.size[b as usize] {
            (a, b)
        } else {
            (b, a)
        };
        self.parent[small as usize] = large;
        self.size[large as usize] += self.size[small as usize];
        self.inner[large as usize] = step;
    }

    /// The set of every pixel, numbered from 0 in the order in which they come.
    fn numbered(&mut self) -> Vec<u32> {
        let pixels = self.parent.len();
        let mut number = vec![u32::MAX; pixels];
        let mut next = 0;
        (0..pixels as u32)
            .map(|k| {
                let root = self.root(k) as usize;
                if number[root] == u32::MAX {
                    number[root] = next;
                    next += 1;
                }
                number[root]
            })
            .collect()
    }
}

/// Pixels that differ little from their neighbours, for what differs inside their regions, grow together.
fn grow(colours: &[[f32; 3]], width: usize) -> Forest {
    let size = [width, colours.len() / width];
    // A step's size before the number of its pixel and its direction: what sorts as whole numbers sorts as steps do.
    const DIRECTIONS: [(usize, isize); 4] = [(1, 0), (0, 1), (1, 1), (1, -1)];
    let mut steps: Vec<u64> = Vec::with_capacity(4 * colours.len());
    for k in 0..colours.len() {
        for (d, &way) in DIRECTIONS.iter().enumerate() {
            if let Some(other) = neighbour(k, size, way) {
                let step = distance(colours[k], colours[other]);
                steps.push(u64::from(step.to_bits()) << 32 | (4 * k + d) as u64);
            }
        }
    }
    steps.sort_unstable();
    let ends = |step: u64| {
        let (k, d) = ((step as u32 / 4) as usize, (step as u32 % 4) as usize);
        let other = neighbour(k, size, DIRECTIONS[d]).unwrap_or(k);
        (k as u32, other as u32, f32::from_bits((step >> 32) as u32))
    };
    let mut forest = Forest::new(colours.len());
    let largest = (LARGEST * colours.len() as f64).ceil() as u32;
    for &step in &steps {
        let (k, other, step) = ends(step);
        let (a, b) = (forest.root(k), forest.root(other));
        let allowed =
            |root: u32| forest.inner[root as usize] + LOOSENESS / forest.size[root as usize] as f32;
        let together = forest.size[a as usize] + forest.size[b as usize];
        if a != b && together <= largest && step <= allowed(a).min(allowed(b)) {
            forest.join(a, b, step);
        }
    }
    let smallest = (SMALLEST * colours.len() as f64).ceil() as u32;
    for &step in &steps {
        let (k, other, step) = ends(step);
        let (a, b) = (forest.root(k), forest.root(other));
        if a != b && forest.size[a as usize].min(forest.size[b as usize]) < smallest {
            forest.join(a, b, step);
        }
    }
    forest
}

fn neighbour(k: usize, [width, height]: [usize; 2], (dx, dy): (usize, isize)) -> Option<usize> {
    let (x, y) = (k % width + dx, (k / width).checked_add_signed(dy)?);
    (x < width && y < height).then_some(y * width + x)
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b) * (a - b))
        .sum::<f32>()
        .sqrt()
}

/// What is known of a region while neighbours are merged.
struct Sum {
    count: f64,
    /// Sums of colours and places.
    sums: [f64; 5],
    neighbours: std::collections::BTreeSet<u32>,
}

/// Merges the neighbours whose union costs least, until so many are left.
fn merge(colours: &[[f32; 3]], width: usize, regions: Vec<u32>, most: usize) -> Vec<u32> {
    let size = [width, colours.len() / width];
    let count = regions.iter().max().map_or(0, |&last| last as usize + 1);
    let none = || Sum {
        count: 0.0,
        sums: [0.0; 5],
        neighbours: Default::default(),
    };
    let mut sums: Vec<Option<Sum>> = (0..count).map(|_| Some(none())).collect();
    for (k, &region) in regions.iter().enumerate() {
        let touching = [(1, 0), (0, 1)].map(|way| neighbour(k, size, way).map(|n| regions[n]));
        if let Some(sum) = &mut sums[region as usize] {
            sum.count += 1.0;
            let place = [k % width, k / width].map(|at| WIDTH * at as f64 / width as f64);
            let values = colours[k].map(f64::from).into_iter().chain(place);
            sum.sums.iter_mut().zip(values).for_each(|(s, v)| *s += v);
            sum.neighbours
                .extend(touching.iter().flatten().filter(|&&n| n != region));
        }
        for other in touching.into_iter().flatten().filter(|&n| n != region) {
            if let Some(sum) = &mut sums[other as usize] {
                sum.neighbours.insert(region);
            }
        }
    }
    // What touches only at a corner grew together by it, and is one piece to whoever looks.
    let cost = |sums: &[Option<Sum>], a: u32, b: u32| match (&sums[a as usize], &sums[b as usize]) {
        (Some(a), Some(b)) => {
            let apart: f64 = (0..5)
                .map(|c| (a.sums[c] / a.count - b.sums[c] / b.count).powi(2))
                .sum();
            apart * a.count * b.count / (a.count + b.count)
        }
        _ => f64::INFINITY,
    };
    let mut into: Vec<u32> = (0..count as u32).collect();
    let mut left = count;
    // The cheapest union of each region with one of higher number, kept until one of the two changes.
    let cheapest = |sums: &[Option<Sum>], a: u32| {
        let sum = sums[a as usize].as_ref()?;
        let higher = sum.neighbours.range(a + 1..);
        let costs = higher.map(|&b| (cost(sums, a, b), b));
        costs.min_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)))
    };
    let mut best: Vec<Option<(f64, u32)>> = (0..count as u32).map(|a| cheapest(&sums, a)).collect();
    while left > most {
        let candidates = best
            .iter()
            .enumerate()
            .filter_map(|(a, best)| Some((best.as_ref()?.0, a)));
        let Some((_, a)) = candidates.min_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1))) else {
            break;
        };
        let Some((_, b)) = best[a] else { break };
        let a = a as u32;
        let Some(gone) = sums[b as usize].take() else {
            break;
        };
        best[b as usize] = None;
        into[b as usize] = a;
        left -= 1;
        for &n in &gone.neighbours {
            if let Some(sum) = &mut sums[n as usize] {
                sum.neighbours.remove(&b);
                if n != a {
                    sum.neighbours.insert(a);
                }
            }
        }
        if let Some(sum) = &mut sums[a as usize] {
            sum.count += gone.count;
            sum.sums
                .iter_mut()
                .zip(gone.sums)
                .for_each(|(s, v)| *s += v);
            sum.neighbours
                .extend(gone.neighbours.iter().filter(|&&n| n != a));
            let around: Vec<u32> = sum.neighbours.iter().copied().collect();
            for n in around.into_iter().chain([a]) {
                best[n as usize] = cheapest(&sums, n);
            }
        }
    }
    let last = |mut region: u32| {
        while into[region as usize] != region {
            region = into[region as usize];
        }
        region
    };
    regions.into_iter().map(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(side: usize, colour: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
        let pixel = |k: usize| {
            let [r, g, b] = colour(k % side, k / side);
            [r, g, b, 255]
        };
        (0..side * side).flat_map(pixel).collect()
    }

    /// A red disc and a blue square on a green that changes slowly.
    fn scene(side: usize) -> Vec<u8> {
        picture(side, |x, y| {
            let (u, v) = (x as f64 / side as f64, y as f64 / side as f64);
            if (u - 0.3).hypot(v - 0.3) < 0.18 {
                [200, 30, 30]
            } else if (0.55..0.85).contains(&u) && (0.5..0.8).contains(&v) {
                [40, 40, 210]
            } else {
                [60, 120 + (60.0 * u) as u8, 60]
            }
        })
    }

    #[test]
    fn a_disc_and_a_square_are_found_on_a_slope() {
        for side in [96, 300] {
            let labels = segment(&scene(side), side, 3);
            let at = |u: f64, v: f64| {
                labels[(v * side as f64) as usize * side + (u * side as f64) as usize]
            };
            let found = [at(0.3, 0.3), at(0.7, 0.65), at(0.1, 0.9)];
            assert_eq!(
                found
                    .iter()
                    .collect::<std::collections::BTreeSet<_>>()
                    .len(),
                3
            );
            assert_eq!(at(0.02, 0.02), at(0.98, 0.98), "the slope is one region");
            let disc = labels.iter().filter(|&&l| l == found[0]).count() as f64;
            let expected = std::f64::consts::PI * 0.18f64.powi(2) * (side * side) as f64;
            assert!((disc / expected - 1.0).abs() < 0.1, "{disc} of {expected}");
        }
    }

    #[test]
    fn a_picture_of_one_colour_is_cut_by_place_and_of_nothing_not_at_all() {
        let labels = segment(&picture(60, |_, _| [7, 7, 7]), 60, 9);
        for region in 0..9 {
            let size = labels.iter().filter(|&&l| l == region).count();
            assert!((150..900).contains(&size), "{region}: {size} of 3600");
        }
        assert!(segment(&[], 0, 9).is_empty());
        assert_eq!(segment(&[1, 2, 3, 255], 1, 9), [0]);
    }

    #[test]
    fn noise_is_cut_into_no_more_than_asked_for_each_in_one_piece() {
        let noise = picture(64, |x, y| {
            let z = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761) >> 7;
            [z as u8, (z >> 8) as u8, (z >> 16) as u8]
        });
        for most in [1, 2, 10, 16] {
            let labels = segment(&noise, 64, most);
            let count = labels.iter().max().map_or(0, |&l| usize::from(l) + 1);
            assert!(count <= most, "{count} of {most}");
            assert_eq!(labels, segment(&noise, 64, most), "the same again");
            // Flooding from the first pixel of each region reaches all of it, corners included.
            let mut reached = vec![false; labels.len()];
            let mut floods = 0;
            for start in 0..labels.len() {
                if reached[start] {
                    continue;
                }
                floods += 1;
                let mut open = vec![start];
                while let Some(k) = open.pop() {
                    if std::mem::replace(&mut reached[k], true) {
                        continue;
                    }
                    let (x, y) = (k % 64, k / 64);
                    let near = |v: usize| v.saturating_sub(1)..(v + 2).min(64);
                    let around = near(y).flat_map(|v| near(x).map(move |u| v * 64 + u));
                    open.extend(around.filter(|&n| labels[n] == labels[k] && !reached[n]));
                }
            }
            assert_eq!(floods, count);
        }
    }
}
