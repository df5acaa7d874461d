//! The methods that Integrated Gradients is held against, with real networks: sums, captum's
//! numbers, and which of them see the network at all.

use violet::Result;
use violet::attribution::{
    Accumulator, Baseline, PartialSum, PixelRange, Quadrature, Rule, Slopes, class_activation,
    grid, idgi, rank_correlation, read, relative_change, with_noise,
};
use violet::device::{DeviceKind, open};
use violet::explain::{Explainer, Prepared};
use violet::image::Photo;
use violet::mask::reduce_absolute;
use violet::model::{Architecture, Checkpoint, ModelSpec, Network, Randomised, Target, Trace};
use violet::page::noise_picture;
use violet::regions::{Coalitions, cover};
use violet::shapes::{Scene, Tag};

use crate::common::{self, explainer, weights};

fn shapesnet(randomised: Option<Randomised>) -> Result<(Explainer, Prepared)> {
    let mut checkpoint = Checkpoint::from_safetensors(&weights("shapesnet").unwrap())?;
    if let Some(extent) = randomised {
        Architecture::ShapesNet.randomise(&mut checkpoint, extent, 1)?;
    }
    let explainer = explainer(ModelSpec::from_name("shapesnet")?, checkpoint)?;
    let photo = Photo::from(&Scene::draw(5, Tag::None));
    let prepared = pollster::block_on(explainer.prepare(&photo, Baseline::Black))?;
    Ok((explainer, prepared))
}

fn answer(prepared: &Prepared) -> Target {
    let logits = &prepared.logits_input;
    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    Target::output(best.unwrap())
}

fn sum(
    explainer: &Explainer,
    ends: [&[f32]; 2],
    target: Target,
    nodes: &Quadrature,
) -> Result<PartialSum> {
    let mut walk = explainer.walk(ends[0], ends[1], target)?;
    pollster::block_on(walk.sum(nodes))
}

#[test]
fn expected_gradients_by_secants_sum_to_the_output_less_the_mean_of_the_baselines() -> Result<()> {
    let (explainer, prepared) = shapesnet(None)?;
    let (input, target) = (&prepared.input, answer(&prepared));
    let preprocessing = &ModelSpec::from_name("shapesnet")?.preprocessing;
    let (mut total, mut outputs) = (0.0, 0.0);
    for seed in 1..=4 {
        let start = noise_picture(seed, preprocessing);
        let nodes = Rule::Secant.quadrature(12)?;
        let mut of_this = Accumulator::new(input.len());
        of_this.add(&sum(&explainer, [input, &start], target, &nodes)?)?;
        total += of_this.attributions(input, &start)?.sum / 4.0;
        outputs += f64::from(pollster::block_on(explainer.outputs(&start, target))?[0]) / 4.0;
    }
    let expected = f64::from(target.of(&prepared.logits_input, false)) - outputs;
    assert!((total - expected).abs() < 1e-3, "{total} {expected}");
    Ok(())
}

#[test]
fn idgi_adds_up_from_gradients_of_any_kind() -> Result<()> {
    let (explainer, prepared) = shapesnet(None)?;
    let (input, target) = (&prepared.input, answer(&prepared));
    let alphas: Vec<f64> = (0..24).map(|k| f64::from(k) / 24.0).collect();
    let mut walk = explainer.walk(input, &prepared.baseline, target)?;
    let points = pollster::block_on(walk.each(&Quadrature::points(&alphas)))?;
    let [baseline, end] = explainer.ends(&prepared, target);
    let map = idgi(&points, end);
    let total: f64 = map.iter().map(|&v| f64::from(v)).sum();
    let expected = f64::from(end) - f64::from(baseline);
    assert!((total - expected).abs() < 1e-3, "{total} {expected}");
    Ok(())
}

/// Adebayo et al. 2018: guided backpropagation hardly notices that the last layers have forgotten.
#[test]
fn guided_backpropagation_changes_less_than_the_gradient_when_the_network_forgets() -> Result<()> {
    for model in ["efficientnet-lite0", "shapesnet"] {
        let spec = ModelSpec::from_name(model)?;
        let Some(bytes) = weights(model) else {
            common::skip("scripts/weights.sh fetches the weights");
            continue;
        };
        let network = |extent: Option<Randomised>| -> Result<Explainer> {
            let mut checkpoint = Checkpoint::from_safetensors(&bytes)?;
            if let Some(extent) = extent {
                spec.architecture.randomise(&mut checkpoint, extent, 1)?;
            }
            explainer(spec, checkpoint)
        };
        let photo = match model {
            "shapesnet" => Photo::from(&Scene::draw(5, Tag::None)),
            _ => {
                Photo::decode(&std::fs::read(common::root().join("www/samples/cat.jpg")).unwrap())?
            }
        };
        let learnt = network(None)?;
        let prepared = pollster::block_on(learnt.prepare(&photo, Baseline::Black))?;
        let target = answer(&prepared);
        for extent in Randomised::ALL {
            let forgetful = network(Some(extent))?;
            let likeness = |slopes: Slopes| -> Result<f64> {
                let end = Quadrature {
                    slopes,
                    ..Quadrature::points(&[1.0])
                };
                let ends = [prepared.input.as_slice(), &prepared.baseline];
                let map = |network: &Explainer| -> Result<Vec<f32>> {
                    Ok(reduce_absolute(
                        &sum(network, ends, target, &end)?.gradient_sum,
                    ))
                };
                Ok(rank_correlation(&map(&learnt)?, &map(&forgetful)?))
            };
            let (guided, gradient) = (likeness(Slopes::Guided)?, likeness(Slopes::Tangent)?);
            println!("{model}, {extent:?}: guided {guided:.2}, gradient {gradient:.2}");
            if extent != Randomised::Everything {
                assert!(guided > 0.8 && guided > gradient + 0.1);
            }
        }
    }
    Ok(())
}

/// ResNet-18 with random weights, as `tests/golden/generate.py methods` has it: the network, its
/// input, flat \[3, side, side\], and the side.
fn resnet18() -> Result<(Network, Vec<f32>, usize)> {
    let device = pollster::block_on(open(DeviceKind::Cpu))?;
    let (architecture, checkpoint) = (Architecture::ResNet18, common::random_resnet18()?);
    let network = Network::load_for(architecture, checkpoint, [97; 2], &device)?;
    let (rgb, side) = common::view_middle(64, 97);
    let input = common::normalised(&rgb, ModelSpec::from_name("resnet18")?);
    Ok((network, input, side))
}

fn gradient(network: &Network, input: &[f32], side: usize, target: Target) -> Result<Vec<f32>> {
    let image = common::tensor(network, input, side).require_grad();
    let mut gradients = network.output(image.clone(), target).sum().backward();
    pollster::block_on(read(image.grad_remove(&mut gradients).unwrap()))
}

#[test]
fn saliency_and_gradient_times_input_are_captums() -> Result<()> {
    let mut golden = common::golden("methods");
    let (network, input, side) = resnet18()?;
    let target = Target::output(golden.take("target", &[1])?[0] as usize);
    let gradient = gradient(&network, &input, side, target)?;
    let pairs = gradient.iter().zip(&input);
    let found = [
        ("saliency_f16", gradient.iter().map(|g| g.abs()).collect()),
        ("input_x_gradient_f16", pairs.map(|(g, x)| g * x).collect()),
    ];
    for (name, found) in found {
        let found: Vec<f32> = found;
        let error = common::relative_error(&found, &golden.take(name, &[3, side, side])?);
        println!("{name}: relative error {error:.1e}");
        assert!(error < 1e-2);
    }
    Ok(())
}

/// What captum draws at random was drawn from Violet's seeds there: its `NoiseTunnel` over `Saliency`,
/// its `GradientShap`, which takes one point of each path, at the midpoints of paths from baselines of
/// noise, and its `sensitivity_max` of the gradient on a sphere.
#[test]
fn smoothgrad_expected_gradients_and_max_sensitivity_are_captums() -> Result<()> {
    const NOISY: u64 = 4;
    const BASELINES: u64 = 2;
    let mut golden = common::golden("methods");
    let (network, input, side) = resnet18()?;
    let target = Target::output(golden.take("target", &[1])?[0] as usize);
    let preprocessing = violet::preprocessing::Preprocessing {
        height: side as u32,
        width: side as u32,
        ..ModelSpec::from_name("resnet18")?.preprocessing
    };
    let mean = |maps: Vec<Vec<f32>>| -> Vec<f32> {
        let mean_of = |k: usize| maps.iter().map(|map| map[k]).sum::<f32>() / maps.len() as f32;
        (0..input.len()).map(mean_of).collect()
    };
    let smooth = (0..NOISY)
        .map(|seed| gradient(&network, &with_noise(&input, 0.15, seed), side, target))
        .collect::<Result<Vec<_>>>()?;
    let rule = Rule::Midpoint;
    let expected = (1..=BASELINES).map(|seed| {
        let start = noise_picture(seed, &preprocessing);
        common::attribute(&network, &input, &start, side, target.output, rule, 6, 3)
    });
    let found = [
        ("smoothgrad_f16", mean(smooth)),
        ("expected_gradients_f16", mean(expected.collect())),
    ];
    for (name, found) in found {
        let error = common::relative_error(&found, &golden.take(name, &[3, side, side])?);
        println!("{name}: relative error {error:.1e}");
        assert!(error < 1e-2);
    }
    let range = PixelRange {
        black: preprocessing.normalise([0.0; 3]),
        white: preprocessing.normalise([255.0; 3]),
    };
    let here = gradient(&network, &input, side, target)?;
    let mut farthest = 0.0f64;
    for seed in 0..NOISY {
        let near = gradient(&network, &range.on_sphere(&input, 4.0, seed), side, target)?;
        farthest = farthest.max(relative_change(&here, &near));
    }
    let sensitivity = f64::from(golden.take("sensitivity", &[1])?[0]);
    println!("max-sensitivity: {farthest:.5}, captum's {sensitivity:.5}");
    assert!((farthest - sensitivity).abs() < 1e-2 * sensitivity);
    Ok(())
}

/// What is covered in the chapters, as captum's `FeatureAblation` covers the same features, and its
/// `ShapleyValues` by all orders of them.
#[test]
fn single_deletions_and_shapley_values_are_captums() -> Result<()> {
    let mut golden = common::golden("methods");
    let (network, input, side) = resnet18()?;
    let target = Target::output(golden.take("target", &[1])?[0] as usize);
    let black = common::normalised(&vec![0; 3 * side * side], ModelSpec::from_name("resnet18")?);
    let output = |labels: &[u16], covered: &[u16]| -> Result<f64> {
        let image = common::tensor(&network, &cover(labels, covered, &input, &black), side);
        let output = network.output(image, target);
        Ok(f64::from(pollster::block_on(read(output))?[0]))
    };
    let patches = grid(side, 4);
    let here = output(&patches, &[])?;
    let drops: Result<Vec<f32>> = (0..16)
        .map(|patch| Ok((here - output(&patches, &[patch])?) as f32))
        .collect();
    let error = common::relative_error(&drops?, &golden.take("ablation", &[16])?);
    println!("single deletions: relative error {error:.1e}");
    assert!(error < 1e-3);
    let quarters = grid(side, 2);
    let mut game = Coalitions::new(4);
    for k in 0..game.count() {
        game.set(k, output(&quarters, &game.covered(k))?);
    }
    let values: Vec<f32> = game.shapley().unwrap().iter().map(|&v| v as f32).collect();
    let error = common::relative_error(&values, &golden.take("shapley", &[4])?);
    println!("Shapley values: relative error {error:.1e}");
    assert!(error < 1e-3);
    Ok(())
}

#[test]
fn guided_backpropagation_and_grad_cam_are_captums() -> Result<()> {
    let mut golden = common::golden("methods");
    let (network, input, side) = resnet18()?;
    let target = Target::output(golden.take("target", &[1])?[0] as usize);

    let image = common::tensor(&network, &input, side).require_grad();
    let output = network.output_along(image.clone(), target, &mut Trace::guided());
    let mut gradients = output.sum().backward();
    let guided = image.grad_remove(&mut gradients).unwrap();
    let guided = pollster::block_on(read(guided))?;
    let expected = golden.take("guided_f16", &[3, side, side])?;
    let error = common::relative_error(&guided, &expected);
    println!("guided backpropagation: relative error {error:.1e}");
    assert!(error < 1e-2);

    let image = common::tensor(&network, &input, side);
    let [values, gradient] = network.last_map(image, target).unwrap();
    let [_, channels, height, width] = values.dims();
    let [values, gradient] = [values, gradient].map(|map| pollster::block_on(read(map)).unwrap());
    let found = class_activation(&values, &gradient, channels);
    let expected = golden.take("gradcam", &[height, width])?;
    let error = common::relative_error(&found, &expected);
    println!("Grad-CAM: relative error {error:.1e}");
    assert!(error < 1e-3);
    Ok(())
}
