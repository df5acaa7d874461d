//! The networks against PyTorch, the attributions against PyTorch and captum, with weights in f32; those that the
//! page loads: `shipped.rs`.
//!
//! `tests/golden/generate.py` made the numbers and tells with which versions.

use violet::Result;
use violet::attribution::Rule;
use violet::device::{DeviceKind, open};
use violet::explain::Explainer;
use violet::model::{Architecture, Checkpoint, ModelSpec, Network, Target};

use crate::common::{self, golden, logits_of, random_resnet18, relative_error};

/// How far logits may be from PyTorch's.
const LOGITS: f32 = 1e-3;
/// How far attributions may be from PyTorch's, in the L2 norm. f32 sums in another order flip a
/// few ReLUs per image; the golden numbers themselves are rounded to f16.
const ATTRIBUTIONS: f64 = 1e-2;
const CORRELATION: f64 = 0.9999;

fn cpu() -> burn::tensor::Device {
    pollster::block_on(open(DeviceKind::Cpu)).unwrap()
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean = |v: &[f32]| v.iter().map(|&x| f64::from(x)).sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&x, &y) in a.iter().zip(b) {
        let (x, y) = (f64::from(x) - ma, f64::from(y) - mb);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    ab / (aa * bb).sqrt()
}

fn assert_same_attributions(found: &[f32], expected: &[f32], what: &str) {
    let (r, e) = (
        correlation(found, expected),
        relative_error(found, expected),
    );
    println!("{what}: correlation {r:.7}, relative error {e:.2e}");
    assert!(r >= CORRELATION, "{what}: correlation {r}");
    assert!(e <= ATTRIBUTIONS, "{what}: relative error {e}");
}

fn assert_same_logits(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len());
    let worst = found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    println!("{what}: largest logit difference {worst:.2e}");
    assert!(worst < LOGITS, "{what}: {worst}");
}

#[test]
fn resnet18_with_random_weights_agrees_with_pytorch_and_captum() -> Result<()> {
    let network = Network::load_for(Architecture::ResNet18, random_resnet18()?, [97; 2], &cpu())?;
    assert_random_resnet18_is_pytorchs(&network)
}

/// The middle 97 × 97 pixels of the view (ResNet takes any size), and everything torch says.
fn assert_random_resnet18_is_pytorchs(network: &Network) -> Result<()> {
    let mut golden = golden("resnet18-random");
    let spec = ModelSpec::from_name("resnet18")?;
    let (rgb, side) = common::view_middle(64, 97);
    let input = common::normalised(&rgb, spec);
    let baseline = common::normalised(&vec![0; rgb.len()], spec);

    for (name, values) in [("logits", &input), ("logits_baseline", &baseline)] {
        let found = logits_of(network, values, side);
        let expected = golden.take(name, &[1000])?;
        assert_same_logits(&found, &expected, &format!("ResNet-18, random, {name}"));
    }
    let target = golden.take("target", &[1])?[0] as usize;
    let n_steps = golden.take("n_steps", &[1])?[0] as usize;
    for rule in [Rule::Trapezoid, Rule::Midpoint, Rule::GaussLegendre] {
        let expected = golden.take(&format!("{}_f16", rule.name()), &[3, side, side])?;
        let found = common::attribute(network, &input, &baseline, side, target, rule, n_steps, 4);
        let what = format!("ResNet-18, random, {}", rule.name());
        assert_same_attributions(&found, &expected, &what);
    }
    Ok(())
}

#[test]
fn resnet18_loads_from_files_that_torchvision_saved() -> Result<()> {
    let Some(folder) = std::env::var_os("VIOLET_CHECKPOINTS") else {
        common::skip("scripts/test.sh makes these files");
        return Ok(());
    };
    for file in ["resnet18-random.pth", "resnet18-random-old-format.pth"] {
        let path = std::path::Path::new(&folder).join(file);
        if !path.exists() {
            common::skip(format_args!("{} is not there", path.display()));
            continue;
        }
        let checkpoint = common::pytorch(&path)?;
        let network = Network::load_for(Architecture::ResNet18, checkpoint, [97; 2], &cpu())?;
        let (rgb, side) = common::view_middle(64, 97);
        let input = common::normalised(&rgb, ModelSpec::from_name("resnet18")?);
        let found = logits_of(&network, &input, side);
        let expected = golden("resnet18-random").take("logits", &[1000])?;
        assert_same_logits(&found, &expected, file);
    }
    Ok(())
}

#[test]
fn resnet18_with_its_official_weights_sees_a_cat() -> Result<()> {
    let Some(original) = common::original("resnet18-f37072fd.pth") else {
        common::skip_optional("the official file could not be fetched from here");
        return Ok(());
    };
    let spec = ModelSpec::from_name("resnet18")?;
    let explainer = common::explainer(spec, common::pytorch(&original)?)?;
    let (rgb, _) = common::view_middle(0, 224);
    let logits = pollster::block_on(explainer.logits(&[&common::normalised(&rgb, spec)]))?;
    let top = violet::model::top_predictions(&logits, 1)[0].target;
    assert!((281..=287).contains(&top), "{}", spec.labels()[top]);
    Ok(())
}

/// The original EfficientNet-Lite0 in f32, if it was fetched.
fn efficientnet() -> Result<Option<Checkpoint>> {
    let Some(original) = common::original("efficientnet-lite0-57934424.pth") else {
        common::skip("scripts/weights.sh fetches the weights");
        return Ok(None);
    };
    common::pytorch(&original).map(Some)
}

#[test]
fn efficientnet_lite0_agrees_with_pytorch_and_captum() -> Result<()> {
    let spec = ModelSpec::from_name("efficientnet-lite0")?;
    let Some(original) = efficientnet()? else {
        return Ok(());
    };
    let (rgb, _) = common::view_middle(0, 224);
    let input = common::normalised(&rgb, spec);
    let baseline = common::black(spec);
    let explainer = common::explainer(spec, original)?;
    let mut golden = golden("efficientnet-lite0");
    let what = |what: &str| format!("EfficientNet-Lite0, {what}");
    let logits = pollster::block_on(explainer.logits(&[&input, &baseline]))?;
    let expected = [
        golden.take("logits", &[1000])?,
        golden.take("logits_baseline", &[1000])?,
    ]
    .concat();
    assert_same_logits(&logits, &expected, &what("logits"));

    let target = Target::output(golden.take("target", &[1])?[0] as usize);
    let n_steps = golden.take("n_steps", &[1])?[0] as usize;
    for rule in [Rule::Trapezoid, Rule::Midpoint, Rule::GaussLegendre] {
        let expected = golden.take(&format!("{}_f16", rule.name()), &[3, 224, 224])?;
        let found = explainer_sum(&explainer, &input, &baseline, target, rule, n_steps)?;
        assert_same_attributions(&found, &expected, &what(rule.name()));
    }
    // A single secant is DeepLIFT's Rescale rule.
    let expected = golden.take("secant_f16", &[3, 224, 224])?;
    let found = explainer_sum(&explainer, &input, &baseline, target, Rule::Secant, 1)?;
    assert_same_attributions(&found, &expected, &what("one secant"));
    Ok(())
}

fn explainer_sum(
    explainer: &Explainer,
    input: &[f32],
    baseline: &[f32],
    target: Target,
    rule: Rule,
    n_steps: usize,
) -> Result<Vec<f32>> {
    let quadrature = rule.quadrature(n_steps)?;
    let mut sum = violet::attribution::Accumulator::new(input.len());
    let mut walk = explainer.walk(input, baseline, target)?;
    for nodes in quadrature.order().chunks(3) {
        let partial = pollster::block_on(walk.sum(&quadrature.pick(nodes)))?;
        sum.add(&partial)?;
    }
    Ok(sum.attributions(input, baseline)?.values)
}
