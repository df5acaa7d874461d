//! The built-in networks go on computing what they computed: logits and maps, by steps and by secants, as
//! recorded in `tests/golden/networks.json`:
//!
//! ```sh
//! VIOLET_RECORD=1 cargo test --release --test native networks_stay
//! ```
//!
//! Of each array its norm is kept, and 64 sums of its values with random signs, divided by the norm. The mean
//! square of the differences of two such sketches estimates the square of the arrays' relative difference.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::tensor::Device;
use violet::attribution::{Rule, Walk};
use violet::explain::Explained;
use violet::model::{Architecture, Checkpoint, ModelSpec, Network, Scale, Target, tensorflow};
use violet::{Error, Result};
use violet_graph::Reference;

use crate::common::{self, noise, random_resnet18, root, skip, tensor, weights};

/// Largest relative difference of an array, as its sketch estimates it.
const TOLERANCE: f64 = 1e-6;
/// Of the difference of two probabilities, in which most digits of both cancel.
const PROBABILITY_TOLERANCE: f64 = 2e-5;
/// Of what single precision computes, from double precision: the slope of a short secant is a quotient of two differences.
const DOUBLE_TOLERANCE: f64 = 5e-5;
/// Of gradients at points: one activation that rounding brings to the other side of a kink changes all of them.
const STEP_TOLERANCE: f64 = 2e-3;
const SUMS: usize = 64;
/// Points, and intervals.
const STEPS: usize = 3;

type Sketches = BTreeMap<String, Vec<f64>>;

#[test]
fn networks_compute_what_they_computed() -> Result<()> {
    let path = root().join("tests/golden/networks.json");
    let record = std::env::var_os("VIOLET_RECORD").is_some();
    if !record && !path.exists() {
        skip("tests/golden/networks.json has not been recorded");
        return Ok(());
    }
    let mut golden = Sketches::new();
    if !record {
        golden = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    }
    for (name, checkpoint) in checkpoints()? {
        let Some(checkpoint) = checkpoint else {
            skip(format_args!("scripts/weights.sh has not made {name}"));
            continue;
        };
        for (what, found) in sketches(ModelSpec::from_name(name)?.architecture, checkpoint)? {
            let what = format!("{name}, {what}");
            if record {
                golden.insert(what, found);
                continue;
            }
            let difference = difference(&found, &golden[&what]);
            println!("{what}: {difference:.1e}");
            let tolerance = if what.contains("probability") {
                PROBABILITY_TOLERANCE
            } else {
                TOLERANCE
            };
            assert!(difference <= tolerance, "{what}: {difference:.1e}");
        }
    }
    if record {
        std::fs::write(path, text(&golden)).unwrap();
    }
    Ok(())
}

/// Weights in f32, as their authors published them; random ones; and ShapesNet's own.
fn checkpoints() -> Result<Vec<(&'static str, Option<Checkpoint>)>> {
    let mut all = vec![("resnet18", Some(random_resnet18()?))];
    let lite = common::original("efficientnet-lite0-57934424.pth");
    all.push((
        "efficientnet-lite0",
        lite.map(|path| common::pytorch(&path)).transpose()?,
    ));
    for name in ["shapesnet", "shapesnet-shortcut"] {
        let read = |bytes: Vec<u8>| Checkpoint::from_safetensors(&bytes);
        all.push((name, weights(name).map(read).transpose()?));
    }
    let detector = common::original("ssd-mobilenet-v2/model.json");
    let import = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let shards = tensorflow::shards(&text)?.into_iter();
        let bytes = shards.flat_map(|shard| std::fs::read(path.with_file_name(shard)).unwrap());
        tensorflow::import(&text, &bytes.collect::<Vec<_>>())
    };
    all.push(("ssd-mobilenet-v2", detector.map(import).transpose()?));
    Ok(all)
}

/// Logits of an input, and its attributions from a baseline that is even.
fn sketches(architecture: Architecture, checkpoint: Checkpoint) -> Result<Sketches> {
    let network = Network::load(architecture, checkpoint, &Device::flex())?;
    let side = architecture.preprocessing().width as usize;
    let input: Vec<f32> = noise("x", 3 * side * side).collect();
    let baseline = vec![-1.0; input.len()];
    // Of the detector, cells in the first feature map and in the third.
    let [output, minus] = match architecture {
        Architecture::SsdMobileNetV2 => [500 * 91 + 17, 1750 * 91 + 3],
        _ => [3, 5],
    };
    let difference = Target {
        minus: Some(minus),
        ..Target::output(output)
    };
    let probability = Target {
        scale: Scale::Probability,
        ..difference
    };
    let map = |rule: Rule, target, internal_batch_size| -> Result<Vec<f32>> {
        let (x, from) = (
            tensor(&network, &input, side),
            tensor(&network, &baseline, side),
        );
        let mut walk = Walk::new(Explained::new(&network, target), x, from);
        let quadrature = rule.quadrature(STEPS)?;
        let sum = walk.integrate(&quadrature, internal_batch_size, |_| {
            ControlFlow::Continue(())
        });
        let sum = pollster::block_on(sum)?.ok_or(Error::EmptyFile)?;
        Ok(sum.attributions(&input, &baseline)?.values)
    };
    let arrays = [
        ("logits", common::logits_of(&network, &input, side)),
        ("steps", map(Rule::Midpoint, Target::output(output), 1)?),
        ("steps, two a pass", map(Rule::Midpoint, difference, 2)?),
        ("secants", map(Rule::Secant, Target::output(output), 1)?),
        ("secants, two a pass", map(Rule::Secant, difference, 2)?),
        ("steps, probability", map(Rule::Midpoint, probability, 1)?),
    ];
    let sketch = |(what, values): (&str, Vec<f32>)| (what.to_owned(), sketch(&values));
    Ok(arrays.map(sketch).into())
}

/// What was recorded is near what double precision says, and so is what is computed now: a recording that has moved by
/// rounding alone may be made again.
#[test]
fn double_precision_says_the_same() -> Result<()> {
    let Some(path) = common::original("efficientnet-lite0-57934424.pth") else {
        skip("scripts/weights.sh has not made efficientnet-lite0");
        return Ok(());
    };
    let (architecture, checkpoint) = (Architecture::EfficientNetLite0, common::pytorch(&path)?);
    let found = sketches(architecture, checkpoint.clone())?;
    let graph = architecture.graph(checkpoint, architecture.preprocessing().size())?;
    let reference = Reference::new(&graph);
    let side = architecture.preprocessing().width as usize;
    let input: Vec<f64> = noise("x", 3 * side * side).map(f64::from).collect();
    let logits = graph.outputs()[0].value;
    let mut seeds = vec![0.0; graph.value(logits).elements()];
    seeds[3] = 1.0;
    let point = |alpha: f64| {
        let image: Vec<f64> = input.iter().map(|v| -1.0 + alpha * (v + 1.0)).collect();
        reference.run(&image).unwrap()
    };
    let seeds = [(logits, &seeds[..])];
    let map = |rule: Rule| -> Result<Vec<f32>> {
        let mut map = vec![0.0; input.len()];
        let mut before = point(0.0);
        let quadrature = rule.quadrature(STEPS)?;
        for (&alpha, step) in quadrature.alphas.iter().zip(&quadrature.step_sizes) {
            let here = point(alpha);
            let slopes = match rule {
                Rule::Secant => reference.secant(&before, &here, &seeds),
                _ => reference.gradient(&here, &seeds),
            };
            let terms = slopes.unwrap().into_iter().zip(&input);
            for (sum, (slope, value)) in map.iter_mut().zip(terms) {
                *sum += slope * (value + 1.0) * step;
            }
            before = here;
        }
        Ok(map.into_iter().map(|v| v as f32).collect())
    };
    let path = root().join("tests/golden/networks.json");
    let golden: Sketches = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let outputs = point(1.0).value(logits).iter().map(|&v| v as f32).collect();
    let exact = [
        ("logits", outputs, DOUBLE_TOLERANCE),
        ("secants", map(Rule::Secant)?, DOUBLE_TOLERANCE),
        ("steps", map(Rule::Midpoint)?, STEP_TOLERANCE),
    ];
    for (what, exact, tolerance) in exact {
        let exact = sketch(&exact);
        let recorded = difference(&golden[&format!("efficientnet-lite0, {what}")], &exact);
        let now = difference(&found[what], &exact);
        println!("{what}: recorded {recorded:.1e}, now {now:.1e} from double precision");
        assert!(now < tolerance && recorded < tolerance, "{what}");
    }
    Ok(())
}

/// The norm, then the sums.
fn sketch(values: &[f32]) -> Vec<f64> {
    let norm = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
    let norm = norm.sqrt();
    let sum = |k: usize| {
        let signs = noise(&format!("signs {k}"), values.len());
        let terms = values.iter().zip(signs);
        let sum: f64 = terms
            .map(|(&v, sign)| f64::from(v).copysign(f64::from(v) * f64::from(sign)))
            .sum();
        sum / norm
    };
    std::iter::once(norm).chain((0..SUMS).map(sum)).collect()
}

fn difference(found: &[f64], golden: &[f64]) -> f64 {
    assert_eq!(found.len(), golden.len());
    let norms = (found[0] / golden[0] - 1.0).abs();
    let pairs = found[1..].iter().zip(&golden[1..]);
    let squares: f64 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
    norms.max((squares / SUMS as f64).sqrt())
}

/// JSON, an array a line, with as many digits as the tolerance asks for.
fn text(sketches: &Sketches) -> String {
    let lines = sketches.iter().map(|(name, values)| {
        let values: Vec<String> = values.iter().map(|v| format!("{v:.9}")).collect();
        format!("\"{name}\": [{}]", values.join(", "))
    });
    format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n"))
}
