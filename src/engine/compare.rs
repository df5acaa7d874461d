//! How far the engine is from a graph's definition, in double precision.

use burn::tensor::Device;
use violet_graph::{Graph, Point, Reference, ValueId};

use super::Measured;
use crate::error::Result;

/// See the [module](self).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The output's largest difference from double precision, as a share of its largest value.
    pub outputs: f64,
    /// ‖difference‖ / ‖expected‖ of the mean gradient between two points.
    pub secant: f64,
    /// By how much, likewise, the definition's own mean gradient changes where every number of both
    /// images changes by a hundred-thousandth, which is what layers of Winograd's tiles are off by,
    /// if `secant` is above [`STEADY`], else 0. Kinks and pools that are about to change over make
    /// a gradient as unsteady as that, and single precision cannot tell on which side of them it
    /// is.
    pub unsteady: f64,
    /// By how much the products of that gradient and the step miss the change of the output, as a share
    /// of it; of a change that is next to nothing, of a hundredth of all products' sizes.
    pub completeness: f64,
    /// What single precision rounds the output by, as such a share: of an output that hardly moves,
    /// nobody can tell in single precision by how much it does.
    pub rounding: f64,
}

/// Mean gradients that differ by less are the same in single precision, however deep a network is.
pub const STEADY: f64 = 1e-3;

/// Runs a graph on a device and by its definition: the output that is explained at the second of two
/// images, and the mean gradient of its largest element between them.
///
/// # Errors
///
/// Those of [`Measured`].
pub async fn compare(
    graph: &Graph,
    explained: ValueId,
    [from, to]: [&[f32]; 2],
    device: &Device,
) -> Result<Comparison> {
    let reference = Reference::new(graph);
    let exact = |image: &[f32]| -> Result<Point> {
        let image: Vec<f64> = image.iter().map(|&v| v.into()).collect();
        Ok(reference.run(&image)?)
    };
    let points = [exact(from)?, exact(to)?];
    let expected = points[1].value(explained);
    let largest = (0..expected.len()).max_by(|&a, &b| expected[a].total_cmp(&expected[b]));
    let element = largest.unwrap_or(0);
    let mut seed = vec![0.0; expected.len()];
    seed[element] = 1.0;
    let secant = reference.secant(&points[0], &points[1], &[(explained, &seed)])?;

    let measured = Measured::load(graph.clone(), explained, device)?;
    let outputs = measured.outputs(to).await?;
    let gradient = measured.secant(&measured.way(element), [from, to]).await?;

    let scale = expected
        .iter()
        .fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
    let differences = outputs.iter().zip(expected);
    let differences = differences.map(|(&found, expected)| (f64::from(found) - expected).abs());
    let products = gradient.iter().zip(from.iter().zip(to));
    let products = products.map(|(&g, (&a, &b))| f64::from(g) * (f64::from(b) - f64::from(a)));
    let (sum, size) = products.fold((0.0, 0.0), |(sum, size), p| (sum + p, size + p.abs()));
    let change = expected[element] - points[0].value(explained)[element];
    let apart_by = apart(gradient.iter().map(|&v| v.into()), &secant);
    let unsteady = if apart_by > STEADY {
        let moved = |image: &[f32]| -> Result<Point> {
            let image = image.iter().enumerate();
            let moved = image.map(|(k, &v)| f64::from(v) * (1.0 + 1e-5 * (k % 3) as f64 - 1e-5));
            Ok(reference.run(&moved.collect::<Vec<f64>>())?)
        };
        let points = [moved(from)?, moved(to)?];
        let moved = reference.secant(&points[0], &points[1], &[(explained, &seed)])?;
        apart(moved.into_iter(), &secant)
    } else {
        0.0
    };
    let moved = change.abs().max(0.01 * size).max(f64::MIN_POSITIVE);
    Ok(Comparison {
        outputs: differences.fold(0.0, worse) / scale,
        secant: apart_by,
        unsteady,
        completeness: (sum - change).abs() / moved,
        rounding: f64::from(f32::EPSILON) * scale / moved,
    })
}

/// The larger one; what is no number is larger than all.
fn worse(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}

/// ‖found − expected‖ / ‖expected‖.
fn apart(found: impl Iterator<Item = f64>, expected: &[f64]) -> f64 {
    let pairs = found.zip(expected);
    let difference: f64 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
    let norm: f64 = expected.iter().map(|v| v * v).sum();
    worse(0.0, (difference / norm.max(f64::MIN_POSITIVE)).sqrt())
}
