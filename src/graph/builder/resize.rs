//! Resizing, as weighted sums along each axis by itself.
//!
//! # Source
//!
//! The operator `Resize` of ONNX and its reference implementation (onnx/reference/ops/op_resize.py).

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::limits;
use crate::operation::{Operation, Taps};

/// How an image is resized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resize {
    /// What is made of neighbours.
    pub interpolation: Interpolation,
    /// Where the result's pixels lie in the input.
    pub coordinates: Coordinates,
    /// Whether kernels are stretched where the image becomes smaller.
    pub antialias: bool,
    /// Whether taps outside of the image are left out, instead of being the outermost pixel.
    pub exclude_outside: bool,
}

impl Resize {
    /// That interpolation at those coordinates, without antialias.
    pub fn new(interpolation: Interpolation, coordinates: Coordinates) -> Self {
        Self {
            interpolation,
            coordinates,
            antialias: false,
            exclude_outside: false,
        }
    }
}

/// What is made of neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interpolation {
    /// The nearest one.
    Nearest(Rounding),
    /// A weighted mean of two.
    Linear,
    /// Keys' cubic kernel over four.
    Cubic {
        /// Its parameter, −0.75 or −0.5 as a rule.
        a: f32,
    },
}

/// Which of two neighbours is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// The nearer one, of equally near ones the first.
    PreferFloor,
    /// The nearer one, of equally near ones the second.
    PreferCeil,
    /// The first.
    Floor,
    /// The second.
    Ceil,
}

/// Where pixel `i` of the result lies in the input, which is enlarged by `scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coordinates {
    /// (i + ½) / scale − ½.
    HalfPixel,
    /// The same, but 0 where the result has one pixel.
    PytorchHalfPixel,
    /// The same about the middle of the image, where its size is a rounded one.
    HalfPixelSymmetric,
    /// (i + ½) / scale.
    TensorflowHalfPixel,
    /// i · (input − 1) / (output − 1).
    AlignCorners,
    /// i / scale.
    Asymmetric,
}

/// How large the result is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Extent<'a> {
    /// Pixels, for each axis named.
    Sizes(&'a [i64]),
    /// Factors, for each axis named.
    Scales(&'a [f32]),
}

impl Builder {
    /// An image resized along the axes named, or along all of them if none are.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn resize(
        &mut self,
        x: ValueId,
        axes: &[i64],
        extent: Extent<'_>,
        resize: &Resize,
    ) -> Result<ValueId> {
        const NAME: &str = "Resize";
        let axes: Vec<usize> = if axes.is_empty() {
            (0..self.shape(x).len()).collect()
        } else {
            let named: Result<_> = axes.iter().map(|&axis| self.axis(x, axis)).collect();
            named?
        };
        let count = match extent {
            Extent::Sizes(sizes) => sizes.len(),
            Extent::Scales(scales) => scales.len(),
        };
        if count != axes.len() {
            let reason = format!("{count} sizes are given for {} axes", axes.len());
            return self.refuse(NAME, x, reason);
        }
        let mut x = x;
        for (k, &axis) in axes.iter().enumerate() {
            let input = self.shape(x)[axis];
            if input == 0 {
                return self.refuse(NAME, x, format!("axis {axis} has no pixels"));
            }
            let (output, scale) = match extent {
                Extent::Sizes(sizes) => (sizes[k] as f64, sizes[k] as f64 / input as f64),
                Extent::Scales(scales) => {
                    let scale = f64::from(scales[k]);
                    ((input as f64 * scale).floor(), scale)
                }
            };
            if !(1.0..=limits::ELEMENTS as f64).contains(&output) {
                return self.refuse(NAME, x, format!("axis {axis} would have {output} pixels"));
            }
            let line = Line {
                input,
                output: output as usize,
                scale,
            };
            if scale != 1.0 {
                x = self.resize_axis(x, axis, &line, resize)?;
            }
        }
        Ok(x)
    }

    fn resize_axis(
        &mut self,
        x: ValueId,
        axis: usize,
        line: &Line,
        resize: &Resize,
    ) -> Result<ValueId> {
        const NAME: &str = "Resize";
        let places = (0..line.output).map(|i| line.place(i, resize.coordinates));
        if let Interpolation::Nearest(rounding) = resize.interpolation {
            self.check_places(NAME, line.output as u64)?;
            let indices = places
                .map(|place| line.inside(rounding.of(place)))
                .collect();
            return self.push(Operation::Gather { axis, indices }, &[x]);
        }
        let stretch = if resize.antialias {
            (1.0 / line.scale).max(1.0)
        } else {
            1.0
        };
        let reach = stretch * resize.interpolation.reach();
        // Of all rows together: a hostile scale may stretch a kernel over everything.
        let mixed = line.output as f64 * 2.0 * reach;
        self.check_places(NAME, mixed as u64)?;
        let rows = places.map(|place| line.row(place, stretch, reach, resize));
        let taps = Taps::new(rows).into();
        self.push(Operation::Resample { axis, taps }, &[x])
    }
}

impl Interpolation {
    /// How far from its middle the kernel goes.
    fn reach(self) -> f64 {
        match self {
            Interpolation::Nearest(_) => 0.5,
            Interpolation::Linear => 1.0,
            Interpolation::Cubic { .. } => 2.0,
        }
    }

    /// The kernel at a distance from its middle.
    fn weight(self, distance: f64) -> f64 {
        let x = distance.abs();
        match self {
            Interpolation::Nearest(_) => f64::from(x <= 0.5),
            Interpolation::Linear => (1.0 - x).max(0.0),
            // Keys 1981, equation 4.
            Interpolation::Cubic { a } => {
                let a = f64::from(a);
                if x <= 1.0 {
                    ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
                } else if x < 2.0 {
                    ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
                } else {
                    0.0
                }
            }
        }
    }
}

impl Rounding {
    fn of(self, place: f64) -> f64 {
        match self {
            Rounding::PreferFloor => (place - 0.5).ceil(),
            Rounding::PreferCeil => (place + 0.5).floor(),
            Rounding::Floor => place.floor(),
            Rounding::Ceil => place.ceil(),
        }
    }
}

/// One axis that is resized.
struct Line {
    input: usize,
    output: usize,
    scale: f64,
}

impl Line {
    /// Where a pixel of the result lies in the input.
    fn place(&self, i: usize, coordinates: Coordinates) -> f64 {
        let (i, input, output) = (i as f64, self.input as f64, self.output as f64);
        let half_pixel = (i + 0.5) / self.scale - 0.5;
        match coordinates {
            Coordinates::PytorchHalfPixel | Coordinates::AlignCorners if self.output == 1 => 0.0,
            Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => half_pixel,
            Coordinates::HalfPixelSymmetric => {
                let adjustment = output / (self.scale * input);
                input / 2.0 * (1.0 - adjustment) + half_pixel
            }
            Coordinates::TensorflowHalfPixel => (i + 0.5) / self.scale,
            Coordinates::AlignCorners => i * (input - 1.0) / (output - 1.0),
            Coordinates::Asymmetric => i / self.scale,
        }
    }

    /// The pixel of the input that is nearest to an index.
    fn inside(&self, index: f64) -> usize {
        index.clamp(0.0, (self.input - 1) as f64) as usize
    }

    /// The taps about a place; their weights sum to 1.
    fn row(&self, place: f64, stretch: f64, reach: f64, resize: &Resize) -> Vec<(usize, f32)> {
        let (first, last) = (
            (place - reach).ceil() as i64,
            (place + reach).floor() as i64,
        );
        let outside = |index: i64| index < 0 || index >= self.input as i64;
        let mut row: Vec<(usize, f64)> = Vec::new();
        for index in first..=last {
            let weight = resize
                .interpolation
                .weight((index as f64 - place) / stretch);
            if weight == 0.0 || resize.exclude_outside && outside(index) {
                continue;
            }
            let index = self.inside(index as f64);
            match row.last_mut() {
                Some((last, sum)) if *last == index => *sum += weight,
                _ => row.push((index, weight)),
            }
        }
        let sum: f64 = row.iter().map(|(_, weight)| weight).sum();
        row.into_iter()
            .map(|(index, weight)| (index, (weight / sum) as f32))
            .collect()
    }
}
