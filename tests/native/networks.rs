//! Properties of the networks: batches, chunks, gradients, devices.

use burn::tensor::{Device, Tensor};
use violet::attribution::{Rule, Walk, read};
use violet::device::{DeviceKind, open};
use violet::explain::Explained;
use violet::model::{Architecture, ModelSpec, Network, Scale, Target, self_test};
use violet::{Error, Result};

use crate::common::{
    self, attribute, explainer, networks, noise, random_checkpoint, random_resnet18,
    relative_error, tensor,
};

/// Small and odd: the networks take any size.
const SIDE: usize = 45;

fn cpu() -> Device {
    pollster::block_on(open(DeviceKind::Cpu)).unwrap()
}

fn input(name: &str) -> Vec<f32> {
    noise(name, 3 * SIDE * SIDE).collect()
}

#[test]
fn a_batch_of_two_equals_two_singles() -> Result<()> {
    for (name, network) in networks(&cpu(), Some(SIDE))? {
        let (a, b) = (input("a"), input("b"));
        let pair = Tensor::cat(
            vec![tensor(&network, &a, SIDE), tensor(&network, &b, SIDE)],
            0,
        );
        let gradient = |x: Tensor<4>| {
            let x = x.require_grad();
            let [n, ..] = x.dims();
            let logits = network.logits(x.clone());
            let gradients = logits.clone().slice([0..n, 7..8]).sum().backward();
            let gradient = x.grad(&gradients).unwrap();
            pollster::block_on(async {
                (
                    read(logits.inner()).await.unwrap(),
                    read(gradient).await.unwrap(),
                )
            })
        };
        let both = gradient(pair);
        let singles = [&a, &b].map(|values| gradient(tensor(&network, values, SIDE)));
        let logits = [singles[0].0.clone(), singles[1].0.clone()].concat();
        let gradients = [singles[0].1.clone(), singles[1].1.clone()].concat();
        assert!(relative_error(&both.0, &logits) < 1e-5, "{name}");
        assert!(relative_error(&both.1, &gradients) < 1e-4, "{name}");
    }
    Ok(())
}

#[test]
fn chunk_size_does_not_change_the_attributions() -> Result<()> {
    for (name, network) in networks(&cpu(), Some(SIDE))? {
        let (x, baseline) = (input("x"), vec![-1.0; 3 * SIDE * SIDE]);
        let run = |size| attribute(&network, &x, &baseline, SIDE, 5, Rule::Trapezoid, 15, size);
        let reference = run(1);
        assert!(reference.iter().any(|&v| v != 0.0), "{name}: zero gradient");
        for size in [7, 16] {
            let error = relative_error(&run(size), &reference);
            assert!(error < 1e-4, "{name}, {size} at a time: {error}");
        }
    }
    Ok(())
}

/// As [`networks`], without ResNet-50: it is as the smaller one, and five times as long.
fn quick_networks(device: &Device) -> Result<Vec<(&'static str, Network)>> {
    let mut networks = networks(device, Some(SIDE))?;
    networks.retain(|(name, _)| *name != "resnet50");
    Ok(networks)
}

#[test]
fn many_steps_are_complete() -> Result<()> {
    for (name, network) in quick_networks(&cpu())? {
        let (x, baseline) = (input("x"), vec![-0.5; 3 * SIDE * SIDE]);
        let sum: f64 = attribute(&network, &x, &baseline, SIDE, 5, Rule::Midpoint, 200, 8)
            .iter()
            .map(|&v| f64::from(v))
            .sum();
        let [to, from] =
            [&x, &baseline].map(|v| f64::from(common::logits_of(&network, v, SIDE)[5]));
        let delta = (sum - (to - from)).abs() / (to - from).abs();
        println!("{name}: delta {:.3} %", 100.0 * delta);
        assert!(delta < 0.05, "{name}: {sum} for {to} − {from}");
    }
    Ok(())
}

#[test]
fn no_weight_has_a_gradient() -> Result<()> {
    for (name, network) in networks(&cpu(), Some(SIDE))? {
        let weights = network.convolution_weights();
        // All of them: what the network runs, without the fully connected layer of a classifier.
        let fully_connected = usize::from(name != "ssd-mobilenet-v2");
        let layers = network.geometries().len();
        assert_eq!(weights.len() + fully_connected, layers, "{name}");
        assert!(weights.iter().all(|w| !w.is_require_grad()));
        // Nothing but the input is tracked, so without it there is nothing to go back through:
        // that covers the biases and the last layer as well.
        let logits = network.logits(tensor(&network, &input("x"), SIDE));
        assert!(!logits.is_require_grad(), "{name}");

        let x = tensor(&network, &input("x"), SIDE).require_grad();
        let gradients = network.logits(x.clone()).sum().backward();
        assert!(x.grad(&gradients).is_some(), "{name}");
        for weight in &weights {
            assert!(weight.grad(&gradients).is_none(), "{name}");
        }
    }
    Ok(())
}

#[test]
fn gpu_equals_cpu() -> Result<()> {
    let Some(gpu) = common::gpu() else {
        return Ok(());
    };
    for (name, network) in networks(&cpu(), Some(SIDE))? {
        let tested = pollster::block_on(self_test(&gpu, network.graph()));
        assert!(tested.is_ok(), "{name}: {tested:?}");
    }
    for ((name, here), (_, there)) in networks(&cpu(), Some(SIDE))?
        .iter()
        .zip(&networks(&gpu, Some(SIDE))?)
    {
        let (x, baseline) = (input("x"), vec![-1.0; 3 * SIDE * SIDE]);
        let run = |network| attribute(network, &x, &baseline, SIDE, 5, Rule::Midpoint, 2, 2);
        let error = relative_error(&run(there), &run(here));
        println!("{name}: GPU differs from CPU by {error:.2e} (relative L2)");
        assert!(error < 1e-3, "{name}: {error}");
    }
    Ok(())
}

#[test]
fn checkpoints_of_another_architecture_are_refused_with_the_tensors_name() -> Result<()> {
    let refused = Network::load(Architecture::EfficientNetLite0, random_resnet18()?, &cpu());
    assert!(matches!(refused, Err(Error::MissingTensor { .. })));
    let mut fewer = random_resnet18()?;
    fewer.take("layer3.0.conv1.weight", &[256, 128, 3, 3])?;
    let refused = Network::load(Architecture::ResNet18, fewer, &cpu());
    assert!(
        matches!(refused, Err(Error::MissingTensor { name }) if name.starts_with("layer3.0.conv1"))
    );
    let mut more = random_resnet18()?;
    more.insert("head.weight", vec![1], vec![0.0])?;
    let refused = Network::load(Architecture::ResNet18, more, &cpu());
    assert!(matches!(refused, Err(Error::UnexpectedTensors { first }) if first == "head.weight"));
    Ok(())
}

#[test]
fn folding_batch_norm_keeps_what_is_computed() -> Result<()> {
    let raw = random_resnet18()?;
    let mut folded = raw.clone();
    Architecture::ResNet18.fold_batch_norms(&mut folded)?;
    assert!(folded.clone().take("bn1.weight", &[64]).is_err());
    // One channel by hand: w γ/√(σ² + ε) and β − μ γ/√(σ² + ε).
    let part = |name: &str| raw.clone().take(name, &[64]).unwrap()[3] as f64;
    let scale = part("bn1.weight") / (part("bn1.running_var") + 1e-5).sqrt();
    let bias = part("bn1.bias") - part("bn1.running_mean") * scale;
    assert!((f64::from(folded.clone().take("conv1.bias", &[64])?[3]) - bias).abs() < 1e-6);
    let before = raw.clone().take("conv1.weight", &[64, 3, 7, 7])?[3 * 147] as f64;
    let after = folded.take("conv1.weight", &[64, 3, 7, 7])?[3 * 147] as f64;
    assert!((after - before * scale).abs() < 1e-6);
    Ok(())
}

#[test]
fn probabilities_are_complete_too() -> Result<()> {
    for (name, network) in quick_networks(&cpu())? {
        let (x, baseline) = (input("x"), vec![-0.5; 3 * SIDE * SIDE]);
        let target = Target {
            scale: Scale::Probability,
            ..Target::output(5)
        };
        let [to, from] = [&x, &baseline].map(|values| tensor(&network, values, SIDE));
        let mut walk = Walk::new(Explained::new(&network, target), to, from);
        let midpoints = Rule::Midpoint.quadrature(200)?;
        let sum = pollster::block_on(
            walk.integrate(&midpoints, 8, |_| std::ops::ControlFlow::Continue(())),
        )?
        .unwrap()
        .attributions(&x, &baseline)?
        .sum;
        // What the network computes and what its outputs say is the same number.
        let detector = name == "ssd-mobilenet-v2";
        let [to, from] = [&x, &baseline].map(|v| {
            let outputs = common::logits_of(&network, v, SIDE);
            let own = network.output(tensor(&network, v, SIDE), target);
            let own = pollster::block_on(read(own.inner())).unwrap()[0];
            let said = target.of(&outputs, detector);
            assert!(
                (own - said).abs() < 1e-6 + 1e-4 * said,
                "{name}: {own} for {said}"
            );
            f64::from(said)
        });
        let delta = (sum - (to - from)).abs() / (to - from).abs();
        println!("{name}: delta {:.3} %", 100.0 * delta);
        assert!(delta < 0.05, "{name}: {sum} for {to} − {from}");
    }
    Ok(())
}

#[test]
fn a_pass_has_so_many_images_that_its_widest_layer_fits_into_a_buffer() -> Result<()> {
    let networks = [
        // 64 channels at half the size, 96, and 96.
        ("resnet18", 64 * 112 * 112),
        ("efficientnet-lite0", 96 * 112 * 112),
        ("ssd-mobilenet-v2", 96 * 150 * 150),
    ];
    for (name, widest) in networks {
        let spec = ModelSpec::from_name(name)?;
        let explainer = explainer(spec, random_checkpoint(spec.architecture)?)?;
        for images in [1, 2, 15] {
            assert_eq!(explainer.images_within(images * widest * 4), images);
            assert_eq!(
                explainer.images_within((images + 1) * widest * 4 - 1),
                images
            );
        }
        assert_eq!(explainer.images_within(1), 1);
    }
    Ok(())
}
