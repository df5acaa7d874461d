//! Which points a shape covers, in coordinates where it fits into the square from −1 to 1.

use super::Shape;

/// Whether the shape covers the point.
pub(super) fn covers(shape: Shape, [x, y]: [f32; 2]) -> bool {
    let radius = x.hypot(y);
    match shape {
        Shape::Disc => radius <= 0.9,
        Shape::Ring => (0.55..=0.95).contains(&radius),
        Shape::Square => x.abs().max(y.abs()) <= 0.7,
        Shape::Triangle => polygon(x, y, 3, 1.0, 1.0),
        Shape::Star => polygon(x, y, 5, 1.0, 0.42),
        Shape::Cross => x.abs().min(y.abs()) <= 0.26 && x.abs().max(y.abs()) <= 0.92,
        Shape::Crescent => radius <= 0.95 && (x - 0.42).hypot(y) > 0.78,
        // Taubin's heart, (x² + y² − 1)³ ≤ x² y³, made to fit.
        Shape::Heart => {
            let (x, y) = (x * 1.25, 0.12 - y * 1.25);
            let round = x * x + y * y - 1.0;
            round * round * round <= x * x * y * y * y
        }
    }
}

/// A regular polygon with its first corner on the y axis; with `waist` < 1, a star whose inner
/// corners lie at that radius. A polygon without waist has its sides' middles as inner corners.
fn polygon(x: f32, y: f32, corners: u32, tip: f32, waist: f32) -> bool {
    let sector = std::f32::consts::PI / corners as f32;
    let inner = if waist < 1.0 { waist } else { sector.cos() };
    let radius = x.hypot(y);
    // The angle from the nearest tip, in 0..=sector.
    let angle = x.atan2(-y).rem_euclid(2.0 * sector);
    let angle = angle.min(2.0 * sector - angle);
    // Left of the line from the tip (tip, 0) to the inner corner.
    let (px, py) = (radius * angle.cos(), radius * angle.sin());
    let (ex, ey) = (inner * sector.cos() - tip, inner * sector.sin());
    ex * py - ey * (px - tip) >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Share of the square [−1, 1]² that a shape covers.
    fn area(shape: Shape) -> f32 {
        let cells = 400;
        let at = |k: usize| (k as f32 + 0.5) / cells as f32 * 2.0 - 1.0;
        let inside = (0..cells * cells).filter(|k| covers(shape, [at(k % cells), at(k / cells)]));
        inside.count() as f32 * 4.0 / (cells * cells) as f32
    }

    #[test]
    fn areas_are_those_of_geometry() {
        let pi = std::f32::consts::PI;
        for (shape, expected) in [
            (Shape::Disc, pi * 0.81),
            (Shape::Ring, pi * (0.95f32.powi(2) - 0.55f32.powi(2))),
            (Shape::Square, 1.96),
            (Shape::Triangle, 3.0 * 3f32.sqrt() / 4.0),
            (Shape::Star, 5.0 * 0.42 * (pi / 5.0).sin()),
            (Shape::Cross, 4.0 * 0.26 * (2.0 * 0.92 - 0.26)),
        ] {
            assert!((area(shape) - expected).abs() < 0.02, "{shape:?}");
        }
    }

    #[test]
    fn every_shape_fits_its_square_and_covers_something() {
        for shape in Shape::ALL {
            for k in -100..=100 {
                let along = k as f32 / 100.0;
                for edge in [-1.01, 1.01] {
                    assert!(
                        !covers(shape, [along, edge]) && !covers(shape, [edge, along]),
                        "{shape:?}"
                    );
                }
            }
            assert!(area(shape) > 0.5, "{shape:?}");
        }
    }
}
