//! Mean gradients between two points, by the slopes of every layer: what makes them worth a rule of their own.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData};
use violet::Result;
use violet::attribution::{Accumulator, Baseline, Rule, Walk, read};
use violet::device::{DeviceKind, open};
use violet::explain::Explained;
use violet::kernel::{Activation, Filter, Geometry, activate, convolve, pack};
use violet::model::{Architecture, Checkpoint, ModelSpec, Network, Scale, Target, Trace};
use violet::shapes::{Scene, Tag};

use crate::common::{self, attribute, networks, noise, random_resnet18, relative_error, tensor};

/// Small and odd: the networks take any size.
const SIDE: usize = 45;

fn cpu() -> Device {
    pollster::block_on(open(DeviceKind::Cpu)).unwrap()
}

fn path() -> [Vec<f32>; 2] {
    let input = noise("x", 3 * SIDE * SIDE).collect();
    [input, vec![-0.5; 3 * SIDE * SIDE]]
}

/// Attributions of a target by so many secants, and F at both ends.
fn explain(network: &Network, target: Target, n_steps: usize, size: usize) -> (Vec<f32>, [f64; 2]) {
    let [x, baseline] = path();
    let (from, to) = (tensor(network, &baseline, SIDE), tensor(network, &x, SIDE));
    let f = |point: &Tensor<4>| {
        let output = network.output(point.clone(), target).inner();
        f64::from(pollster::block_on(read(output)).unwrap()[0])
    };
    let ends = [f(&from), f(&to)];
    let quadrature = Rule::Secant.quadrature(n_steps).unwrap();
    let mut walk = Walk::new(Explained::new(network, target), to, from);
    let sum = pollster::block_on(walk.integrate(&quadrature, size, |_| ControlFlow::Continue(())));
    let sum = sum.unwrap().unwrap();
    let values = sum.attributions(&x, &baseline).unwrap().values;
    (values, ends)
}

/// How far F is from what double precision says, of its own size: `networks_stay` compares them.
const ROUNDING: f64 = 1e-6;

/// That attributions sum to the change of F. What positive and negative ones leave of each other is rounded as they
/// are, and so is what two values of F leave of each other.
fn assert_complete(name: &str, network: &Network, target: Target, n_steps: usize, tolerance: f64) {
    let (values, [from, to]) = explain(network, target, n_steps, 2);
    let change = to - from;
    let sum: f64 = values.iter().map(|&v| f64::from(v)).sum();
    let total: f64 = values.iter().map(|&v| f64::from(v.abs())).sum();
    assert!(total > 0.0, "{name}: zero gradient");
    let allowed = tolerance * (change.abs() + 0.01 * total) + ROUNDING * (from.abs() + to.abs());
    assert!(
        (sum - change).abs() < allowed,
        "{name}, {n_steps}, {target:?}: {sum} for {change}"
    );
}

#[test]
fn they_are_complete_whatever_their_number() -> Result<()> {
    for (name, network) in networks(&cpu(), Some(SIDE))? {
        let logit = Target::output(5);
        let probability = Target {
            scale: Scale::Probability,
            ..logit
        };
        for n_steps in [1, 2, 5] {
            assert_complete(name, &network, logit, n_steps, 1e-4);
            assert_complete(name, &network, probability, n_steps, 1e-3);
        }
        for output in [0, 2, 7] {
            let other = |scale| Target {
                scale,
                ..Target::output(output)
            };
            assert_complete(name, &network, other(Scale::Logit), 2, 1e-4);
            assert_complete(name, &network, other(Scale::Probability), 2, 1e-3);
        }
        if name != "ssd-mobilenet-v2" {
            let against = Target {
                minus: Some(3),
                ..probability
            };
            assert_complete(name, &network, against, 3, 1e-3);
        }
    }
    Ok(())
}

/// Where a probability begins and ends that wakes up in one interval.
const ASLEEP: f64 = 1e-6;
const AWAKE: f64 = 0.99;

/// A network whose logits are so many times as large, with another bias of one output.
fn surer(
    architecture: Architecture,
    mut checkpoint: Checkpoint,
    scale: f64,
    output: usize,
    shift: f64,
) -> Result<Network> {
    let layer = match architecture {
        Architecture::EfficientNetLite0 => "_fc",
        Architecture::SsdMobileNetV2 => "predictor.0.classes",
        _ => "fc",
    };
    let shapes = architecture.tensors(checkpoint.rows(&format!("{layer}.bias"))?, true);
    for part in ["weight", "bias"] {
        let name = format!("{layer}.{part}");
        let mut values = checkpoint.take(&name, &shapes[&name])?;
        values
            .iter_mut()
            .for_each(|value| *value = (f64::from(*value) * scale) as f32);
        if part == "bias" {
            values[output] += shift as f32;
        }
        checkpoint.insert(name.clone(), shapes[&name].clone(), values)?;
    }
    Network::load_for(architecture, checkpoint, [SIDE; 2], &cpu())
}

/// The logarithm of the odds of one output, logits being so many times as large.
fn log_odds(logits: &[f32], output: usize, scale: f64, independent: bool) -> f64 {
    let logit = |k: usize| scale * f64::from(logits[k]);
    if independent {
        return logit(output);
    }
    let others = (0..logits.len()).filter(|&k| k != output).map(logit);
    let most = others.clone().fold(f64::NEG_INFINITY, f64::max);
    logit(output) - most - others.map(|z| (z - most).exp()).sum::<f64>().ln()
}

/// A network so sure that one output, all but impossible at the baseline, is all but certain at the input: one
/// secant sees all of it at once.
#[test]
fn a_single_one_is_complete_for_a_probability_that_wakes_up() -> Result<()> {
    let odds = |p: f64| (p / (1.0 - p)).ln();
    for (name, architecture) in [
        ("resnet18", Architecture::ResNet18),
        ("efficientnet-lite0", Architecture::EfficientNetLite0),
        ("shapesnet", Architecture::ShapesNet),
        ("ssd-mobilenet-v2", Architecture::SsdMobileNetV2),
    ] {
        // Random weights of networks with ReLU6 hardly see their input.
        let checkpoint = match (architecture, common::weights(name)) {
            (Architecture::ResNet18, _) => random_resnet18()?,
            (_, Some(bytes)) => Checkpoint::from_safetensors(&bytes)?,
            (_, None) => {
                common::skip(format_args!("scripts/weights.sh has not made {name}"));
                continue;
            }
        };
        let surer =
            |scale, output, shift| surer(architecture, checkpoint.clone(), scale, output, shift);
        let detector = architecture.is_detector();
        let [x, baseline] = path();
        let ends = |network: &Network| {
            [&baseline, &x].map(|point| common::logits_of(network, point, SIDE))
        };
        let plain = ends(&surer(1.0, 0, 0.0)?);
        // Of the detector's first cell. The one that leaves all others behind, however large logits are.
        let outputs = if detector { 91 } else { plain[0].len() };
        let rises = |output: usize, scale: f64| {
            let [from, to] =
                [0, 1].map(|end: usize| log_odds(&plain[end], output, scale, detector));
            [from, to - from]
        };
        let output = (0..outputs)
            .max_by(|&a, &b| rises(a, 1e3)[1].total_cmp(&rises(b, 1e3)[1]))
            .unwrap();
        // How far it rises, the scale decides, and from where, the bias.
        let (mut low, mut high) = (0.0, 1e4);
        for _ in 0..100 {
            let scale = f64::midpoint(low, high);
            if rises(output, scale)[1] < odds(AWAKE) - odds(ASLEEP) {
                low = scale;
            } else {
                high = scale;
            }
        }
        let network = surer(low, output, odds(ASLEEP) - rises(output, low)[0])?;
        let target = Target {
            scale: Scale::Probability,
            ..Target::output(output)
        };
        let [from, to] = ends(&network).map(|logits| f64::from(target.of(&logits, detector)));
        println!("{}: from {from:.1e} to {to:.4}", architecture.title());
        assert!(from < 2.0 * ASLEEP && to > 0.98, "{from} to {to}");
        let (values, [before, after]) = explain(&network, target, 1, 1);
        let change = after - before;
        let sum: f64 = values.iter().map(|&v| f64::from(v)).sum();
        let total: f64 = values.iter().map(|&v| f64::from(v.abs())).sum();
        let delta = (sum / change - 1.0).abs();
        println!("  {delta:.1e} off, of {:.1} times as much", total / change);
        assert!((change - (to - from)).abs() < 1e-5, "{change}");
        assert!(delta < 1e-5, "{}: {sum} for {change}", architecture.title());
    }
    Ok(())
}

#[test]
fn many_of_them_are_the_integral_of_the_gradients() -> Result<()> {
    for (name, network) in networks(&cpu(), Some(SIDE))? {
        if name == "resnet50" {
            continue; // as the smaller one, and five times as long
        }
        let [x, baseline] = path();
        let integral = attribute(&network, &x, &baseline, SIDE, 5, Rule::Midpoint, 400, 8);
        let error = |n_steps| {
            let (found, _) = explain(&network, Target::output(5), n_steps, 8);
            relative_error(&found, &integral)
        };
        let (few, many) = (error(8), error(64));
        println!("{name}: {few:.4} with 8, {many:.4} with 64");
        // Eight times as many, and more than eight times as near: an order that no sum of gradients reaches
        // at kinks.
        assert!(many < 0.03 && many < few / 8.0, "{name}: {few} then {many}");
    }
    Ok(())
}

#[test]
fn it_does_not_matter_how_many_are_taken_in_one_pass() -> Result<()> {
    for (name, network) in networks(&cpu(), Some(SIDE))? {
        let (reference, _) = explain(&network, Target::output(5), 15, 1);
        for size in [4, 15] {
            let (found, _) = explain(&network, Target::output(5), 15, size);
            let error = relative_error(&found, &reference);
            assert!(error < 1e-4, "{name}, {size} at a time: {error}");
        }
    }
    Ok(())
}

#[test]
fn the_gpu_takes_the_same() -> Result<()> {
    let Some(gpu) = common::gpu() else {
        return Ok(());
    };
    for ((name, here), (_, there)) in networks(&cpu(), Some(SIDE))?
        .iter()
        .zip(&networks(&gpu, Some(SIDE))?)
    {
        let run = |network| explain(network, Target::output(5), 3, 2).0;
        let error = relative_error(&run(there), &run(here));
        println!("{name}: GPU differs from CPU by {error:.2e} (relative L2)");
        assert!(error < 1e-3, "{name}: {error}");
    }
    Ok(())
}

/// A walk goes on where it was; whoever takes a part from elsewhere finds the same.
#[test]
fn parts_in_any_order_make_the_same_whole() -> Result<()> {
    let spec = ModelSpec::from_name("shapesnet")?;
    let checkpoint = Checkpoint::from_safetensors(&common::weights("shapesnet").unwrap())?;
    let explainer = common::explainer(spec, checkpoint)?;
    let photo = (&Scene::draw(7, Tag::None)).into();
    let prepared = pollster::block_on(explainer.prepare(&photo, Baseline::Black))?;
    let (input, baseline) = (&prepared.input, &prepared.baseline);
    let target = Target::output(2);
    let quadrature = Rule::Secant.quadrature(9)?;
    let run = |parts: &[&[usize]]| -> Result<(Vec<f32>, usize)> {
        let mut walk = explainer.walk(input, baseline, target)?;
        let mut sum = Accumulator::new(input.len());
        for nodes in parts {
            let part = pollster::block_on(walk.sum(&quadrature.pick(nodes)))?;
            sum.add(&part)?;
        }
        Ok((sum.attributions(input, baseline)?.values, sum.starts()))
    };
    let (straight, starts) = run(&[&[0], &[1], &[2], &[3], &[4], &[5], &[6], &[7], &[8]])?;
    assert_eq!(starts, 1);
    let (hopping, starts) = run(&[&[5, 6], &[0, 1, 2], &[7, 8], &[3], &[4]])?;
    assert_eq!(
        starts, 4,
        "the last part goes on where the one before ended"
    );
    assert!(relative_error(&hopping, &straight) < 1e-5);
    // Parts with gaps are walked in stretches.
    let (gaps, starts) = run(&[&[0, 2, 3, 8], &[1, 4, 5, 6, 7]])?;
    assert_eq!(starts, 5);
    assert!(relative_error(&gaps, &straight) < 1e-5);
    let [from, to] = explainer.ends(&prepared, target).map(f64::from);
    let sum: f64 = straight.iter().map(|&v| f64::from(v)).sum();
    assert!((sum - (to - from)).abs() < 1e-4 * (to - from).abs());
    Ok(())
}

/// One layer of rectifiers has slopes that change once each: a single secant is its whole integral.
#[test]
fn a_single_one_integrates_a_layer_of_rectifiers_exactly() {
    const INPUTS: usize = 6;
    const UNITS: usize = 40;
    let device = cpu().autodiff();
    let values = |name: &str, count| noise(name, count).collect::<Vec<_>>();
    let (weight, bias) = (values("w", INPUTS * UNITS), values("b", UNITS));
    let (x, x0) = (values("x", INPUTS), values("x0", INPUTS));
    let filter = Filter::dense(INPUTS, UNITS, 1, 1);
    let geometry = Geometry {
        filter,
        padding_before: [0, 0],
        input: [1, 1],
        output: [1, 1],
    };
    let tensor = |v: &[f32], dims: [usize; 4]| {
        Tensor::<4>::from_data(TensorData::new(v.to_vec(), dims), &device)
    };
    let packed = pack(tensor(&weight, filter.weight_dims()), filter);
    let sums = |x: Tensor<4>| {
        let bias = Tensor::from_data(TensorData::new(bias.clone(), [UNITS]), &device);
        let identity = Activation::Identity;
        convolve(x, None, packed.clone(), bias, geometry, identity)
    };
    let point = tensor(&x, [1, INPUTS, 1, 1]).require_grad();
    let before = sums(tensor(&x0, [1, INPUTS, 1, 1]));
    let output = activate(sums(point.clone()), before, Activation::Relu).sum();
    let gradient = point.grad(&output.backward()).unwrap();
    let found = pollster::block_on(read(gradient)).unwrap();

    for (i, found) in found.into_iter().enumerate() {
        // ∫ Σ w·[s > 0] dα: each sum is a straight line, positive on one side of its zero.
        let exact: f64 = (0..UNITS)
            .map(|unit| {
                let row = &weight[unit * INPUTS..][..INPUTS];
                let at = |x: &[f32]| {
                    let terms = row.iter().zip(x).map(|(w, x)| f64::from(w * x));
                    f64::from(bias[unit]) + terms.sum::<f64>()
                };
                let (from, to) = (at(&x0), at(&x));
                let positive = match (from > 0.0, to > 0.0) {
                    (true, true) => 1.0,
                    (false, false) => 0.0,
                    _ => from.max(to) / (to - from).abs(),
                };
                f64::from(row[i]) * positive
            })
            .sum();
        assert!(
            (f64::from(found) - exact).abs() < 1e-4,
            "{found} for {exact}"
        );
    }
}

/// Sums on every piece, on the same and on different ones, equal ones and ends of pieces; the second image's
/// secants begin at the first.
#[test]
fn slopes_are_what_their_definition_says_on_every_device() {
    let gpu = common::gpu();
    let points = [-3.0f32, -1e-3, 0.0, 1e-3, 2.0, 5.999, 6.0, 6.5, 40.0];
    let pairs = points.iter().flat_map(|a| points.map(|b| (*a, b)));
    let (before, first): (Vec<f32>, Vec<f32>) = pairs.unzip();
    let second: Vec<f32> = first.iter().map(|v| 4.0 - v).collect();
    let count = before.len();
    for device in [Some(cpu()), gpu.as_deref().cloned()].into_iter().flatten() {
        let device = device.autodiff();
        for (activation, high) in [(Activation::Relu, f32::INFINITY), (Activation::Relu6, 6.0)] {
            let image = |v: Vec<f32>| {
                let images = v.len() / count;
                Tensor::<4>::from_data(TensorData::new(v, [images, count, 1, 1]), &device)
            };
            let sums = image([first.clone(), second.clone()].concat()).require_grad();
            let weights: Vec<f32> = noise("gradient", 2 * count).collect();
            let output = activate(sums.clone(), image(before.clone()), activation);
            let gradients = (output.clone() * image(weights.clone())).sum().backward();
            let found = pollster::block_on(read(sums.grad(&gradients).unwrap())).unwrap();
            let output = pollster::block_on(read(output.inner())).unwrap();
            let from = before.iter().chain(&first);
            let to = first.iter().chain(&second);
            for (k, (&from, &to)) in from.zip(to).enumerate() {
                let clamp = |v: f32| v.clamp(0.0, high);
                let slope = if from == to {
                    f32::from(to > 0.0 && to < high)
                } else {
                    (clamp(to) - clamp(from)) / (to - from)
                };
                assert!((output[k] - clamp(to)).abs() < 1e-6);
                let expected = slope * weights[k];
                assert!(
                    (found[k] - expected).abs() < 1e-5,
                    "from {from} to {to}: {} for {expected}",
                    found[k]
                );
            }
        }
    }
}

/// Without a trace, or at a first point, gradients are what they always were.
#[test]
fn a_secant_of_no_length_is_a_tangent() -> Result<()> {
    let checkpoint = random_resnet18()?;
    let architecture = violet::model::Architecture::ResNet18;
    let network = Network::load_for(architecture, checkpoint, [SIDE; 2], &cpu())?;
    let [x, _] = path();
    let gradient = |mut trace: Trace| {
        let x = tensor(&network, &x, SIDE).require_grad();
        let output = network.output_along(x.clone(), Target::output(5), &mut trace);
        let gradient = x.grad(&output.sum().backward()).unwrap();
        pollster::block_on(read(gradient)).unwrap()
    };
    let error = relative_error(&gradient(Trace::secants()), &gradient(Trace::none()));
    assert!(error < 1e-5, "{error}");
    Ok(())
}
