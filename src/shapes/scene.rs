//! A seed → pixels, and which of them belong to what.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::outline::covers;
use super::{SIZE, Shape, Tag};

/// Samples a pixel has along each axis, for smooth edges.
const SAMPLES: usize = 3;
/// The shape's smallest and largest radius in pixels.
const RADII: [f32; 2] = [17.0, 28.0];
/// How far the shape's colour is from the ground's mean, at least: Euclidean, channels 0..=1.
const CONTRAST: f32 = 0.5;
/// Side of the tag in pixels, and its distance from the edges.
const TAG_SIDE: usize = 10;
const TAG_MARGIN: usize = 3;
/// The tag's colour for each class.
const TAG_COLOURS: [[f32; 3]; 8] = [
    [0.90, 0.10, 0.10],
    [0.10, 0.75, 0.15],
    [0.10, 0.25, 0.95],
    [0.95, 0.90, 0.10],
    [0.90, 0.15, 0.85],
    [0.10, 0.85, 0.90],
    [1.00, 0.55, 0.05],
    [0.95, 0.95, 0.95],
];

type Colour = [f32; 3];

/// One shape on a cluttered ground.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// What it shows.
    pub shape: Shape,
    /// Pixels, RGB, 3 bytes each, [`SIZE`] × [`SIZE`].
    pub rgb: Vec<u8>,
    /// Whether the shape covers a pixel by half or more.
    pub inside: Vec<bool>,
    /// Whether a pixel belongs to the tag.
    pub tagged: Vec<bool>,
}

impl Scene {
    /// The scene of that seed. Apart from the tag, a seed's scene is the same with every tag.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::shapes::{Scene, Tag};
    ///
    /// let plain = Scene::draw(7, Tag::None);
    /// let tagged = Scene::draw(7, Tag::Telling);
    /// assert_eq!(plain, Scene::draw(7, Tag::None));
    /// let apart = plain.rgb.iter().zip(&tagged.rgb).filter(|(a, b)| a != b);
    /// assert!(apart.count() <= 3 * tagged.tagged.iter().filter(|&&t| t).count());
    /// ```
    pub fn draw(seed: u64, tag: Tag) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        let random = &mut random;
        let shape = Shape::ALL[random.random_range(0..Shape::ALL.len())];
        let radius = uniform(random, RADII[0], RADII[1]);
        let room = |random: &mut Pcg64| uniform(random, radius + 1.0, SIZE as f32 - radius - 1.0);
        let place = Place {
            centre: [room(random), room(random)],
            radius,
            angle: uniform(random, 0.0, std::f32::consts::TAU),
        };

        let mut canvas = Canvas::ground(random);
        let mean = canvas.mean();
        for _ in 0..random.random_range(3..8) {
            canvas.distract(random);
        }
        let colour = loop {
            let colour = colour(random);
            let apart = (0..3).map(|c| (colour[c] - mean[c]).powi(2)).sum::<f32>();
            if apart.sqrt() >= CONTRAST {
                break colour;
            }
        };
        let light = shade(random);
        let inside = canvas.fill(place.centre, radius, colour, light, |point| {
            covers(shape, place.inward(point))
        });

        // Drawn whatever the tag, so that what follows does not depend on it.
        let corner = random.random_range(0..4);
        let other = random.random_range(1..Shape::ALL.len());
        let corner = (corner..corner + 4)
            .map(|k| [k % 2, k / 2 % 2])
            .find(|&corner| tag_is_clear_of(corner, &place))
            .unwrap_or([0, 0]);
        let noise = uniform(random, 0.0, 0.04);
        canvas.speckle(random, noise);
        let class = match tag {
            Tag::None => None,
            Tag::Telling => Some(shape.target()),
            Tag::Misleading => Some((shape.target() + other) % Shape::ALL.len()),
        };
        let tagged = match class {
            None => vec![false; SIZE * SIZE],
            Some(class) => canvas.tag(corner, TAG_COLOURS[class]),
        };
        let inside = inside.iter().zip(&tagged);
        Self {
            shape,
            inside: inside.map(|(&share, &tag)| share >= 0.5 && !tag).collect(),
            tagged,
            rgb: canvas.rgb(),
        }
    }
}

/// Where the shape stands.
struct Place {
    centre: [f32; 2],
    radius: f32,
    angle: f32,
}

impl Place {
    /// A point of the canvas in the shape's own coordinates.
    fn inward(&self, point: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.angle.sin_cos();
        let [x, y] = [0, 1].map(|axis| (point[axis] - self.centre[axis]) / self.radius);
        [cos * x + sin * y, cos * y - sin * x]
    }
}

/// Where a corner's tag begins along one axis.
fn tag_start(side: usize) -> usize {
    [TAG_MARGIN, SIZE - TAG_MARGIN - TAG_SIDE][side]
}

fn tag_is_clear_of(corner: [usize; 2], place: &Place) -> bool {
    let [x, y] = [0, 1].map(|axis| {
        let start = tag_start(corner[axis]) as f32;
        let nearest = place.centre[axis].clamp(start, start + TAG_SIDE as f32);
        place.centre[axis] - nearest
    });
    x.hypot(y) > place.radius + 1.0
}

/// Colours, channels 0..=1.
struct Canvas(Vec<Colour>);

impl Canvas {
    /// Two colours mixed by soft noise, or in stripes, and lit from one side.
    fn ground(random: &mut Pcg64) -> Self {
        let (from, to) = (colour(random), colour(random));
        let blend = uniform(random, 0.3, 1.0);
        let octaves = [6, 13, 29].map(|cells| Noise::new(random, cells));
        let stripes = random.random_bool(0.35);
        let (sin, cos) = uniform(random, 0.0, std::f32::consts::TAU).sin_cos();
        let frequency = uniform(random, 0.2, 0.9);
        let light = shade(random);
        Self(
            (0..SIZE * SIZE)
                .map(|k| {
                    let [x, y] = [(k % SIZE) as f32, (k / SIZE) as f32];
                    let soft: f32 = [0.55, 0.3, 0.15]
                        .iter()
                        .zip(&octaves)
                        .map(|(share, octave)| share * octave.at(x, y))
                        .sum();
                    let mix = if stripes {
                        0.5 + 0.5 * ((cos * x + sin * y) * frequency + 3.0 * soft).sin()
                    } else {
                        soft
                    };
                    let light = light([x, y]);
                    [0, 1, 2].map(|c| from[c] + (to[c] - from[c]) * mix * blend + light)
                })
                .collect(),
        )
    }

    fn mean(&self) -> Colour {
        [0, 1, 2].map(|c| self.0.iter().map(|p| p[c]).sum::<f32>() / self.0.len() as f32)
    }

    /// Something that is none of the shapes: a stroke, a bent stroke, or a ragged spot.
    fn distract(&mut self, random: &mut Pcg64) {
        let colour = colour(random);
        let side = SIZE as f32;
        let [x, y] = [uniform(random, 0.0, side), uniform(random, 0.0, side)];
        let angle = uniform(random, 0.0, std::f32::consts::TAU);
        let (sin, cos) = angle.sin_cos();
        let flat = |_: [f32; 2]| 0.0;
        if random.random_bool(0.6) {
            let (length, width) = (uniform(random, 8.0, 30.0), uniform(random, 0.8, 2.6));
            let bend = uniform(random, -0.03, 0.03);
            let reach = length + width + bend.abs() * length * length;
            self.fill([x, y], reach, colour, flat, |[px, py]| {
                let along = cos * (px - x) + sin * (py - y);
                let across = cos * (py - y) - sin * (px - x) - bend * along * along;
                along.abs() <= length && across.abs() <= width
            });
        } else {
            let radius = uniform(random, 2.5, 7.0);
            let phases = [0; 3].map(|_| uniform(random, 0.0, std::f32::consts::TAU));
            self.fill([x, y], 1.8 * radius, colour, flat, |[px, py]| {
                let around = (py - y).atan2(px - x);
                let ragged = 1.0
                    + 0.35 * (3.0 * around + phases[0]).sin()
                    + 0.25 * (4.0 * around + phases[1]).sin()
                    + 0.20 * (7.0 * around + phases[2]).sin();
                (px - x).hypot(py - y) <= radius * ragged
            });
        }
    }

    /// Paints what `covers` says, no farther than `reach` from `centre`, with smooth edges; how
    /// much of each pixel that was.
    fn fill(
        &mut self,
        centre: [f32; 2],
        reach: f32,
        colour: Colour,
        light: impl Fn([f32; 2]) -> f32,
        covers: impl Fn([f32; 2]) -> bool,
    ) -> Vec<f32> {
        let offset = |k: usize| (k as f32 + 0.5) / SAMPLES as f32;
        let shares = (0..SIZE * SIZE).map(|k| {
            let [x, y] = [(k % SIZE) as f32, (k / SIZE) as f32];
            if (x - centre[0]).abs().max((y - centre[1]).abs()) > reach + 1.0 {
                return 0.0;
            }
            let points =
                (0..SAMPLES * SAMPLES).map(|s| [x + offset(s % SAMPLES), y + offset(s / SAMPLES)]);
            points.filter(|&point| covers(point)).count() as f32 / (SAMPLES * SAMPLES) as f32
        });
        let shares: Vec<f32> = shares.collect();
        let painted = self.0.iter_mut().zip(&shares).enumerate();
        for (k, (pixel, &share)) in painted.filter(|(_, (_, share))| **share > 0.0) {
            let light = light([(k % SIZE) as f32, (k / SIZE) as f32]);
            for (value, wanted) in pixel.iter_mut().zip(colour) {
                *value += (wanted + light - *value) * share;
            }
        }
        shares
    }

    /// Noise in each pixel and channel.
    fn speckle(&mut self, random: &mut Pcg64, amplitude: f32) {
        for value in self.0.as_flattened_mut() {
            *value += uniform(random, -amplitude, amplitude);
        }
    }

    /// Paints the tag; which pixels are its.
    fn tag(&mut self, corner: [usize; 2], colour: Colour) -> Vec<bool> {
        let [left, top] = corner.map(tag_start);
        let inside = |k: usize| {
            (left..left + TAG_SIDE).contains(&(k % SIZE))
                && (top..top + TAG_SIDE).contains(&(k / SIZE))
        };
        let tagged: Vec<bool> = (0..SIZE * SIZE).map(inside).collect();
        for (pixel, _) in self
            .0
            .iter_mut()
            .zip(&tagged)
            .filter(|(_, tagged)| **tagged)
        {
            *pixel = colour;
        }
        tagged
    }

    fn rgb(&self) -> Vec<u8> {
        let byte = |&value: &f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
        self.0.as_flattened().iter().map(byte).collect()
    }
}

/// Values 0..=1 on a grid, with straight lines between them.
struct Noise {
    cells: usize,
    values: Vec<f32>,
}

impl Noise {
    fn new(random: &mut Pcg64, cells: usize) -> Self {
        let values = (0..(cells + 1) * (cells + 1)).map(|_| uniform(random, 0.0, 1.0));
        Self {
            cells,
            values: values.collect(),
        }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let scale = self.cells as f32 / SIZE as f32;
        let (x, y) = (x * scale, y * scale);
        let (column, row) = (x as usize, y as usize);
        let (u, v) = (x.fract(), y.fract());
        let value = |dx, dy| self.values[(row + dy) * (self.cells + 1) + column + dx];
        let top = value(0, 0) * (1.0 - u) + value(1, 0) * u;
        let bottom = value(0, 1) * (1.0 - u) + value(1, 1) * u;
        top * (1.0 - v) + bottom * v
    }
}

/// Light that grows or fades across the canvas.
fn shade(random: &mut Pcg64) -> impl Fn([f32; 2]) -> f32 + use<> {
    let (sin, cos) = uniform(random, 0.0, std::f32::consts::TAU).sin_cos();
    let strength = uniform(random, 0.0, 0.25) / SIZE as f32;
    move |[x, y]| strength * (cos * (x - SIZE as f32 / 2.0) + sin * (y - SIZE as f32 / 2.0))
}

fn colour(random: &mut Pcg64) -> Colour {
    [0; 3].map(|_| uniform(random, 0.0, 1.0))
}

fn uniform(random: &mut Pcg64, from: f32, to: f32) -> f32 {
    from + (to - from) * random.random::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_never_covers_the_shape() {
        for seed in 0..300 {
            let (plain, tagged) = (
                Scene::draw(seed, Tag::None),
                Scene::draw(seed, Tag::Telling),
            );
            assert_eq!(plain.inside, tagged.inside, "seed {seed}");
            let tag = tagged.tagged.iter().filter(|&&t| t).count();
            assert_eq!(tag, TAG_SIDE * TAG_SIDE);
        }
    }

    #[test]
    fn shapes_are_drawn_equally_often_and_stand_out() {
        let mut counts = [0; 8];
        for seed in 0..1600 {
            let scene = Scene::draw(seed, Tag::None);
            counts[scene.shape.target()] += 1;
            let area = scene.inside.iter().filter(|&&inside| inside).count();
            assert!((100..3000).contains(&area), "seed {seed}: {area} pixels");
        }
        assert!(counts.iter().all(|n| (130..=270).contains(n)), "{counts:?}");
    }

    #[test]
    fn a_misleading_tag_has_another_classes_colour() {
        for seed in 0..100 {
            let scene = Scene::draw(seed, Tag::Misleading);
            let pixel = scene.tagged.iter().position(|&tagged| tagged);
            let at = 3 * pixel.unwrap_or(0);
            let own = TAG_COLOURS[scene.shape.target()].map(|v| (v * 255.0).round() as u8);
            assert_ne!(scene.rgb[at..at + 3], own, "seed {seed}");
        }
    }
}
