//! Which region each pixel belongs to, and what is added up over them.

use serde::Serialize;

use super::segment::segment;

/// A picture cut into regions: every pixel belongs to exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Flat \[H, W\]; numbers from 0, all of which occur.
    labels: Vec<u16>,
    /// W.
    width: usize,
    count: usize,
}

/// A region as `report.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionReport {
    /// Its pixels' attributions, all channels of them, added up.
    pub attribution_sum: f64,
    /// Its share of what the network sees, 0..=1.
    pub area: f64,
    /// Its innermost pixel, \[column, row\] of the network's input.
    pub centre: [usize; 2],
}

impl Partition {
    /// Cuts a picture, RGBA, 4 bytes a pixel, so many of them a row, into at most so many regions of like colour.
    pub fn of(rgba: &[u8], width: usize, most: usize) -> Self {
        let labels = segment(rgba, width, most).into_iter().map(u32::from);
        Self::of_labels(labels, width)
    }

    /// The regions that a number for each pixel, so many of them a row, tells apart.
    pub fn of_labels(labels: impl Iterator<Item = u32>, width: usize) -> Self {
        let labels = renumbered(labels);
        let count = labels.iter().max().map_or(0, |&last| usize::from(last) + 1);
        Self {
            labels,
            width,
            count,
        }
    }

    /// The region of each pixel, row by row.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// How many regions there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels in a column.
    pub fn height(&self) -> usize {
        self.labels.len() / self.width.max(1)
    }

    /// The region of a pixel.
    pub fn at(&self, [column, row]: [usize; 2]) -> Option<usize> {
        let inside = column < self.width && row < self.height();
        inside.then(|| usize::from(self.labels[row * self.width + column]))
    }

    /// The pixels at the right or lower edge of a region, where another one begins.
    pub fn lines(&self) -> Vec<bool> {
        let (width, labels) = (self.width, &self.labels);
        let beside = |k: usize| !(k + 1).is_multiple_of(width) && labels[k + 1] != labels[k];
        let below = |k: usize| {
            labels
                .get(k + width)
                .is_some_and(|&other| other != labels[k])
        };
        (0..labels.len()).map(|k| beside(k) || below(k)).collect()
    }

    /// How many pixels each region has.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.count];
        self.labels
            .iter()
            .for_each(|&region| sizes[usize::from(region)] += 1);
        sizes
    }

    /// What the attributions of each region come to, signs and channels included: flat \[3, H, W\] → one a
    /// region. Together they are what all attributions come to.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::regions::Partition;
    ///
    /// let halves = Partition::of_labels([5, 5, 9, 9].into_iter(), 2);
    /// let attributions = [1.0, 0.0, -2.0, 0.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.25, 0.0];
    /// assert_eq!(halves.sums(&attributions), [2.5, -1.75]);
    /// ```
    pub fn sums(&self, attributions: &[f32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.count];
        for channel in attributions.chunks_exact(self.labels.len().max(1)) {
            for (&region, &value) in self.labels.iter().zip(channel) {
                sums[usize::from(region)] += f64::from(value);
            }
        }
        sums
    }

    /// The same with two regions made one. The numbers of those behind the higher one move up.
    pub fn merged(&self, a: usize, b: usize) -> Self {
        let (low, high) = (a.min(b), a.max(b));
        let label = |&region: &u16| match usize::from(region) {
            region if region == high => low as u32,
            region => region as u32,
        };
        Self::of_labels(self.labels.iter().map(label), self.width)
    }

    /// The same with some pixels made a region of their own.
    pub fn with(&self, inside: &[bool]) -> Self {
        let own = self.count as u32;
        let pixels = self.labels.iter().zip(inside);
        let label = |(&region, &inside): (&u16, &bool)| if inside { own } else { region.into() };
        Self::of_labels(pixels.map(label), self.width)
    }

    /// The regions, those first that come to most.
    pub fn ranked(sums: &[f64]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..sums.len()).collect();
        order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]).then(a.cmp(&b)));
        order
    }

    /// The innermost pixel of each region, \[column, row\]: the farthest from all others, where its number is
    /// written. What lies outside the picture is another region.
    pub fn centres(&self) -> Vec<[usize; 2]> {
        let (width, height) = (self.width, self.height());
        let mut depth = vec![0u32; self.labels.len()];
        // Distances by steps to the four neighbours: one pass from above left, one from below right.
        let order: Vec<usize> = (0..self.labels.len()).collect();
        let pass = |depth: &mut Vec<u32>, k: usize, back: bool| {
            let (x, y) = (k % width, k / width);
            let (inside, neighbours) = if back {
                (x + 1 < width && y + 1 < height, [k + 1, k + width])
            } else {
                (x > 0 && y > 0, [k.wrapping_sub(1), k.wrapping_sub(width)])
            };
            if !inside {
                return 1;
            }
            let step = |n: usize| {
                let same = self.labels[n] == self.labels[k];
                if same { depth[n] + 1 } else { 1 }
            };
            neighbours.into_iter().map(step).min().unwrap_or(1)
        };
        for &k in &order {
            depth[k] = pass(&mut depth, k, false);
        }
        for &k in order.iter().rev() {
            depth[k] = depth[k].min(pass(&mut depth, k, true));
        }
        let mut deepest = vec![(0, 0); self.count];
        for (k, &region) in self.labels.iter().enumerate() {
            let found = &mut deepest[usize::from(region)];
            if depth[k] > found.0 {
                *found = (depth[k], k);
            }
        }
        deepest
            .into_iter()
            .map(|(_, k)| [k % width, k / width])
            .collect()
    }

    /// What the report says of each, those first that come to most.
    pub fn report(&self, attributions: &[f32]) -> Vec<RegionReport> {
        let (sums, sizes, centres) = (self.sums(attributions), self.sizes(), self.centres());
        let of = |region: usize| RegionReport {
            attribution_sum: sums[region],
            area: sizes[region] as f64 / self.labels.len() as f64,
            centre: centres[region],
        };
        Self::ranked(&sums).into_iter().map(of).collect()
    }
}

/// The input with the pixels of some regions taken from elsewhere, in all channels. `labels` has each pixel's
/// region, \[H, W\]; `input` and `other` are flat \[3, H, W\].
pub fn cover(labels: &[u16], covered: &[u16], input: &[f32], other: &[f32]) -> Vec<f32> {
    let inside: Vec<bool> = labels.iter().map(|label| covered.contains(label)).collect();
    let pixels = inside.iter().cycle().zip(input).zip(other);
    pixels
        .map(|((&inside, &value), &other)| if inside { other } else { value })
        .collect()
}

/// Numbers from 0 in the order in which they come first.
pub(super) fn renumbered(labels: impl Iterator<Item = u32>) -> Vec<u16> {
    let mut numbers = std::collections::HashMap::new();
    labels
        .map(|label| {
            let next = numbers.len().min(usize::from(u16::MAX)) as u16;
            *numbers.entry(label).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four quarters of 8 × 8, and attributions that tell every value from every other.
    fn quarters() -> (Partition, Vec<f32>) {
        let label = |k: usize| (2 * (k / 8 / 4) + k % 8 / 4) as u32;
        let attributions = (0..3 * 64)
            .map(|k| ((k * 37 % 101) as f32 - 50.0) / 8.0)
            .collect();
        (Partition::of_labels((0..64).map(label), 8), attributions)
    }

    #[test]
    fn every_pixel_belongs_to_one_region_and_the_sums_are_the_whole() {
        let (quarters, attributions) = quarters();
        assert_eq!((quarters.count(), quarters.sizes()), (4, vec![16; 4]));
        assert_eq!(quarters.sizes().iter().sum::<usize>(), 64);
        let all: f64 = attributions.iter().map(|&v| f64::from(v)).sum();
        assert_eq!(quarters.sums(&attributions).iter().sum::<f64>(), all);
    }

    #[test]
    fn merging_keeps_the_sums_and_so_does_drawing() {
        let (quarters, attributions) = quarters();
        let before = quarters.sums(&attributions);
        let merged = quarters.merged(3, 1);
        assert_eq!(
            merged.sums(&attributions),
            [before[0], before[1] + before[3], before[2]]
        );
        let inside: Vec<bool> = (0..64).map(|k| (2..6).contains(&(k % 8))).collect();
        let drawn = quarters.with(&inside);
        assert_eq!(drawn.count(), 5);
        let sums = drawn.sums(&attributions);
        assert!((sums.iter().sum::<f64>() - before.iter().sum::<f64>()).abs() < 1e-12);
        // A line to the left of each border, and above it.
        let line = |k: usize| k % 8 == 3 || k / 8 == 3;
        assert_eq!(quarters.lines(), (0..64).map(line).collect::<Vec<_>>());
        // A region that was drawn over is gone.
        let whole = quarters.with(&[true; 64]);
        assert_eq!(whole.count(), 1);
    }

    #[test]
    fn covering_takes_all_channels_of_some_regions_and_nothing_else() {
        let (quarters, _) = quarters();
        let (input, other): (Vec<f32>, Vec<f32>) =
            ((0..192).map(|v| v as f32).collect(), vec![-1.0; 192]);
        let cover = |regions: &[u16]| cover(quarters.labels(), regions, &input, &other);
        let covered = cover(&[1, 7]);
        for (k, &value) in covered.iter().enumerate() {
            let inside = quarters.labels()[k % 64] == 1;
            assert_eq!(value, if inside { -1.0 } else { k as f32 });
        }
        assert_eq!(cover(&[]), input);
        assert_eq!(cover(&[0, 1, 2, 3]), other);
    }

    #[test]
    fn the_centre_is_inside_and_far_from_the_others() {
        let (quarters, _) = quarters();
        for (region, [x, y]) in quarters.centres().into_iter().enumerate() {
            assert_eq!(quarters.at([x, y]), Some(region));
            assert!(
                (1..=2).contains(&(x % 4)) && (1..=2).contains(&(y % 4)),
                "{x} {y}"
            );
        }
        // Of an L the corner is the widest.
        let l = Partition::of_labels((0..100).map(|k| u32::from(k % 10 < 3 || k / 10 > 5)), 10);
        let [x, y] = l.centres()[0];
        assert!(l.at([x, y]) == Some(0) && l.labels()[0] == 0, "{x} {y}");
    }

    #[test]
    fn the_report_ranks_and_adds_up() {
        let (quarters, attributions) = quarters();
        let report = quarters.report(&attributions);
        assert!(
            report
                .windows(2)
                .all(|pair| pair[0].attribution_sum >= pair[1].attribution_sum)
        );
        assert!((report.iter().map(|r| r.area).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(
            Partition::of_labels(std::iter::empty(), 0)
                .report(&[])
                .is_empty()
        );
    }
}
