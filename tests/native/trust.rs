//! What the page's tests of trust stand on: exchanged pixels, networks that forget, stops of a path.

use burn::tensor::Device;
use violet::Result;
use violet::attribution::{
    Baseline, Perturbation, Rule, Trail, area_under, order_of, random_order, rank_correlation,
};
use violet::explain::{Explainer, Prepared};
use violet::image::Photo;
use violet::mask::reduce_absolute;
use violet::model::{
    Architecture, Checkpoint, ModelSpec, Network, Opened, Randomised, Target, Wishes,
};
use violet::shapes::{Scene, Tag};

use crate::common::{self, explainer, weights};

fn checkpoint() -> Checkpoint {
    Checkpoint::from_safetensors(&weights("shapesnet").unwrap()).unwrap()
}

fn forgetful(extent: Randomised, seed: u64) -> Checkpoint {
    let mut checkpoint = checkpoint();
    Architecture::ShapesNet
        .randomise(&mut checkpoint, extent, seed)
        .unwrap();
    checkpoint
}

/// A scene as ShapesNet sees it, the likeliest class, and a walk along its path.
fn walked(checkpoint: Checkpoint, seed: u64) -> Result<(Explainer, Prepared, Target, Trail)> {
    let spec = ModelSpec::from_name("shapesnet")?;
    let explainer = explainer(spec, checkpoint)?;
    let photo = Photo::from(&Scene::draw(seed, Tag::None));
    pollster::block_on(async {
        let prepared = explainer.prepare(&photo, Baseline::Black).await?;
        let logits = &prepared.logits_input;
        let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
        let target = Target::output(best.unwrap());
        let quadrature = Rule::Trapezoid.quadrature(20)?;
        let mut trail = Trail::new(quadrature.clone(), 20);
        let mut walk = explainer.walk(&prepared.input, &prepared.baseline, target)?;
        for node in 0..quadrature.alphas.len() {
            trail.add(walk.sum(&quadrature.pick(&[node])).await?)?;
        }
        Ok((explainer, prepared, target, trail))
    })
}

#[test]
fn a_walk_ends_where_integrated_gradients_does() -> Result<()> {
    let (explainer, prepared, target, trail) = walked(checkpoint(), 5)?;
    let (input, baseline) = (&prepared.input, &prepared.baseline);
    let gathered = trail.gathered(20, input, baseline)?;
    let quadrature = violet::attribution::Rule::Trapezoid.quadrature(20)?;
    let mut walk = explainer.walk(input, baseline, target)?;
    let partial = pollster::block_on(walk.sum(&quadrature))?;
    let mut sum = violet::attribution::Accumulator::new(input.len());
    sum.add(&partial)?;
    let whole = sum.attributions(input, baseline)?;
    assert!(common::relative_error(&gathered.values, &whole.values) < 1e-5);
    assert!((gathered.sum - whole.sum).abs() < 1e-3 * whole.sum.abs());
    Ok(())
}

#[test]
fn without_its_pixels_the_output_falls_and_with_them_it_rises() -> Result<()> {
    // On average over some scenes: a single one may go either way.
    let (mut deletion, mut insertion) = ([0.0; 2], [0.0; 2]);
    for seed in 0..8 {
        let (explainer, prepared, target, trail) = walked(checkpoint(), seed)?;
        let (input, baseline) = (&prepared.input, &prepared.baseline);
        let map = reduce_absolute(&trail.gathered(20, input, baseline)?.values);
        let orders = [order_of(&map), random_order(map.len(), seed)];
        for (k, order) in orders.iter().enumerate() {
            for (way, areas) in [
                (Perturbation::Deletion, &mut deletion),
                (Perturbation::Insertion, &mut insertion),
            ] {
                let counts = (0..=10).map(|step| step * map.len() / 10);
                let images: Vec<f32> = counts
                    .flat_map(|count| way.image(input, baseline, order, count))
                    .collect();
                let outputs = pollster::block_on(explainer.outputs(&images, target))?;
                // Both ends are known already.
                let ends = [&prepared.logits_input, &prepared.logits_baseline]
                    .map(|logits| target.of(logits, false));
                let [first, last] = match way {
                    Perturbation::Deletion => ends,
                    Perturbation::Insertion => [ends[1], ends[0]],
                };
                assert!((outputs[0] - first).abs() < 1e-3);
                assert!((outputs[10] - last).abs() < 1e-3);
                let curve: Vec<f64> = outputs.iter().map(|&v| f64::from(v)).collect();
                areas[k] += area_under(&curve);
            }
        }
    }
    assert!(insertion[0] > insertion[1], "insertion {insertion:?}");
    println!("deletion by the mask and at random {deletion:?}, insertion {insertion:?}");
    Ok(())
}

#[test]
fn a_network_forgets_more_and_more_and_always_the_same() -> Result<()> {
    let (_, prepared, _, trail) = walked(checkpoint(), 5)?;
    let map = |trail: &Trail, prepared: &Prepared| {
        let gathered = trail.gathered(20, &prepared.input, &prepared.baseline);
        reduce_absolute(&gathered.unwrap().values)
    };
    let honest = map(&trail, &prepared);
    for extent in Randomised::ALL {
        let (_, forgot, _, its) = walked(forgetful(extent, 1), 5)?;
        assert_ne!(forgot.logits_input, prepared.logits_input, "{extent:?}");
        let likeness = rank_correlation(&honest, &map(&its, &forgot));
        assert!(likeness < 0.95, "{extent:?}: {likeness}");
        assert!(map(&its, &forgot).iter().any(|&v| v > 0.0), "{extent:?}");
        let (_, again, ..) = walked(forgetful(extent, 1), 5)?;
        assert_eq!(again.logits_input, forgot.logits_input, "{extent:?}");
        let (_, otherwise, ..) = walked(forgetful(extent, 2), 5)?;
        assert_ne!(otherwise.logits_input, forgot.logits_input, "{extent:?}");
    }
    Ok(())
}

#[test]
fn the_last_layer_forgets_alone() -> Result<()> {
    let device = Device::flex();
    let load = |checkpoint| Network::load(Architecture::ShapesNet, checkpoint, &device);
    let weights = |network: &Network| -> Result<Vec<Vec<f32>>> {
        let weights = network.convolution_weights().into_iter();
        weights
            .map(|weight| pollster::block_on(violet::attribution::read(weight)))
            .collect()
    };
    let as_learnt = weights(&load(checkpoint())?)?;
    assert_eq!(
        as_learnt,
        weights(&load(forgetful(Randomised::LastLayer, 1))?)?
    );
    let last = weights(&load(forgetful(Randomised::LastQuarter, 1))?)?;
    let same = as_learnt.iter().zip(&last).filter(|(a, b)| a == b).count();
    assert_eq!(same, as_learnt.len() - 1, "one of six convolutions forgets");
    let all = weights(&load(forgetful(Randomised::Everything, 1))?)?;
    for (k, (a, b)) in as_learnt.iter().zip(&all).enumerate() {
        assert_ne!(a, b, "convolution {k}");
    }
    Ok(())
}

#[test]
fn what_is_forgotten_are_the_same_numbers_elsewhere() -> Result<()> {
    let sorted = |mut checkpoint: Checkpoint| -> Result<Vec<Vec<f32>>> {
        let tensors = Architecture::ShapesNet.tensors(8, true).into_iter();
        let sorted = tensors.map(|(name, shape)| {
            let mut values = checkpoint.take(&name, &shape)?;
            values.sort_by(f32::total_cmp);
            Ok(values)
        });
        sorted.collect()
    };
    let as_learnt = sorted(checkpoint())?;
    assert_eq!(
        as_learnt.len(),
        14,
        "a weight and a bias for each of seven layers"
    );
    let forgotten = sorted(forgetful(Randomised::Everything, 1))?;
    assert!(as_learnt == forgotten);
    Ok(())
}

/// The layers whose weights are not what they were.
fn forgotten(architecture: Architecture, extent: Randomised) -> Result<Vec<String>> {
    let mut before = common::random_checkpoint(architecture)?;
    let mut after = before.clone();
    architecture.randomise(&mut after, extent, 1)?;
    let classes = if architecture == Architecture::ShapesNet {
        8
    } else {
        1000
    };
    let mut names = Vec::new();
    for (name, shape) in architecture.tensors(classes, true) {
        let (old, new) = (before.take(&name, &shape)?, after.take(&name, &shape)?);
        if let (true, Some(layer)) = (old != new, name.strip_suffix(".weight")) {
            names.push(layer.to_owned());
        }
    }
    Ok(names)
}

/// A quarter of the layers, counted from the output back, in the order in which the network runs them.
#[test]
fn every_network_forgets_from_its_end() -> Result<()> {
    let blocks = |network: &str, blocks: std::ops::RangeInclusive<usize>, parts: [&str; 3]| {
        let of = |k: usize| parts.map(|part| format!("{network}.{k}.{part}"));
        blocks.flat_map(of).collect::<Vec<_>>()
    };
    let lite = ["_expand_conv", "_depthwise_conv", "_project_conv"];
    let mobile = ["expand", "depthwise", "project"];
    let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    let resnet50 =
        |stage: usize, k: usize| (1..=3).map(move |c| format!("layer{stage}.{k}.conv{c}"));
    let maps = |part: &'static str| (0..6).map(move |k| format!("predictor.{k}.{part}"));
    // Of 42 layers that lead to the first feature map's classes 11, of 54 and more to the others' 14 to 17.
    let detector = [
        words("backbone.10.depthwise backbone.10.project backbone.head"),
        blocks("backbone", 11..=16, mobile),
        (0..4)
            .flat_map(|k| ["reduce", "depthwise", "expand"].map(|part| format!("extra.{k}.{part}")))
            .collect(),
        maps("classes").chain(maps("classes_depthwise")).collect(),
    ]
    .concat();
    let expected = [
        (Architecture::ShapesNet, words("fc"), words("conv6 fc")),
        (
            Architecture::ResNet18,
            words("fc"),
            words(
                "layer4.0.downsample.0 layer4.0.conv1 layer4.0.conv2 layer4.1.conv1 layer4.1.conv2 fc",
            ),
        ),
        (
            Architecture::ResNet50,
            words("fc"),
            [
                words("layer3.5.conv1 layer3.5.conv2 layer3.5.conv3 layer4.0.downsample.0 fc"),
                (0..3).flat_map(|k| resnet50(4, k)).collect(),
            ]
            .concat(),
        ),
        (
            Architecture::EfficientNetLite0,
            words("_fc"),
            [
                words("_blocks.12._depthwise_conv _blocks.12._project_conv _conv_head _fc"),
                blocks("_blocks", 13..=15, lite),
            ]
            .concat(),
        ),
        (
            Architecture::SsdMobileNetV2,
            maps("classes").collect(),
            detector,
        ),
    ];
    for (architecture, mut layer, mut quarter) in expected {
        layer.sort();
        quarter.sort();
        assert_eq!(forgotten(architecture, Randomised::LastLayer)?, layer);
        assert_eq!(forgotten(architecture, Randomised::LastQuarter)?, quarter);
        let all = forgotten(architecture, Randomised::Everything)?;
        let layers = architecture.tensors(8, true).len() / 2;
        assert_eq!(all.len(), layers, "{}", architecture.title());
    }
    Ok(())
}

/// What is shuffled in a graph that stands already is what is shuffled in the weights before it is built.
#[test]
fn graphs_forget_what_checkpoints_forget() -> Result<()> {
    for architecture in [
        Architecture::ShapesNet,
        Architecture::ResNet18,
        Architecture::EfficientNetLite0,
        Architecture::SsdMobileNetV2,
    ] {
        const SIDE: usize = 64;
        let checkpoint = common::random_checkpoint(architecture)?;
        let graph = architecture.graph(checkpoint.clone(), [SIDE; 2])?;
        let logits = graph
            .outputs()
            .iter()
            .find(|output| output.name == "logits");
        let logits = logits.unwrap().value;
        let constants = |graph: &violet_graph::Graph| -> Vec<Vec<f32>> {
            let values = (0..graph.values().len()).map(|k| graph.constant(graph.id(k)));
            values.flatten().map(|values| values.to_vec()).collect()
        };
        let before = constants(&graph);
        for extent in Randomised::ALL {
            let mut weights = checkpoint.clone();
            architecture.randomise(&mut weights, extent, 1)?;
            let built = constants(&architecture.graph(weights, [SIDE; 2])?);
            let forgot = constants(&extent.forget(graph.clone(), logits, 1)?);
            assert!(built == forgot, "{}, {extent:?}", architecture.title());
            // A weight and a bias of each layer, the same numbers in another order.
            let changed = before.iter().zip(&forgot).filter(|(a, b)| a != b).count();
            assert_eq!(changed, 2 * extent.layers(&graph, logits).len());
        }
    }
    Ok(())
}

/// A network from someone's file: which of its layers forget, by the order of its graph, and that its answers change.
#[test]
fn an_imported_network_forgets_from_its_end() -> Result<()> {
    let folder = common::root().join("src/import/tests/data/tensorflow/teachable-machine");
    let files = ["model.json", "weights.bin", "metadata.json"]
        .map(|name| violet_import::File::new(name, std::fs::read(folder.join(name)).unwrap()));
    let opened = Opened::read(files.into(), &Wishes::default())?;
    let (graph, output) = (&opened.definition.graph, opened.definition.explained().0);
    let all = Randomised::Everything.layers(graph, output);
    let quarter = Randomised::LastQuarter.layers(graph, output);
    let last = Randomised::LastLayer.layers(graph, output);
    println!(
        "{} layers, {} of them in the last quarter",
        all.len(),
        quarter.len()
    );
    assert!(all.len() >= 4);
    // One chain: its end, and in one piece.
    assert_eq!(quarter, all[all.len() - all.len().div_ceil(4)..]);
    assert_eq!(last, all[all.len() - 1..]);
    let input: Vec<f32> = common::noise("x", opened.definition.preprocessing.input_len()).collect();
    let logits = |opened: &Opened| -> Result<Vec<f32>> {
        let network = opened.definition.clone().network(&Device::flex())?;
        let side = opened.input.width;
        Ok(common::logits_of(&network, &input, side))
    };
    let as_learnt = logits(&opened)?;
    for extent in Randomised::ALL {
        let mut forgot = opened.clone();
        forgot.definition.graph = extent.forget(graph.clone(), output, 1)?;
        assert_ne!(logits(&forgot)?, as_learnt, "{extent:?}");
    }
    Ok(())
}

/// Every shipped layout knows which of its layers is the last.
#[test]
fn every_network_can_forget_its_last_layer() -> Result<()> {
    for name in ["efficientnet-lite0", "ssd-mobilenet-v2"] {
        let Some(bytes) = weights(name) else {
            common::skip(format_args!("scripts/weights.sh has not made {name}"));
            continue;
        };
        let spec = ModelSpec::from_name(name)?;
        for extent in Randomised::ALL {
            let mut forgetful = Checkpoint::from_safetensors(&bytes)?;
            spec.architecture.randomise(&mut forgetful, extent, 1)?;
            Network::load(spec.architecture, forgetful, &Device::flex())?;
        }
    }
    Ok(())
}
