//! A last layer, taught: as scikit-learn teaches it, over the features of a network, and in a file
//! that is a network.

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;
use violet::attribution::read;
use violet::explain::Explainer;
use violet::image::Photo;
use violet::model::{Architecture, Checkpoint, ModelSpec, Network, Opened, Wishes, checkpoint};
use violet::shapes::{Scene, Tag};
use violet::teaching::{Examples, Layer, teach};
use violet::{Error, Result};
use violet_import::File;

use crate::common;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    decay: f64,
    weight: Vec<f32>,
    bias: Vec<f32>,
    right: f64,
}

#[test]
fn a_layer_is_the_one_that_scikit_learn_teaches() -> Result<()> {
    let (count, width, classes) = (40, 12, 4);
    let mut features: Vec<f32> = common::noise("examples", count * width).collect();
    let labels: Vec<usize> = (0..count).map(|k| k % classes).collect();
    for (k, label) in labels.iter().enumerate() {
        features[k * width + label] += 0.5;
    }
    let examples = Examples::new(features, labels, classes)?;
    let golden: Golden = serde_json::from_str(include_str!("../golden/teaching.json")).unwrap();
    for case in golden.cases {
        let layer = Layer::fit(&examples, case.decay);
        for (found, expected) in [(&layer.weight, &case.weight), (&layer.bias, &case.bias)] {
            let error = common::relative_error(found, expected);
            println!("decay {}: {error:.1e}", case.decay);
            assert!(error < 2e-5, "decay {}: {error}", case.decay);
        }
        let right = (0..count).filter(|&k| layer.names(examples.features(k)) == k % classes);
        assert_eq!(right.count() as f64 / count as f64, case.right);
    }
    Ok(())
}

/// The features and the logits of an image of noise.
fn looked_at(network: &Network) -> [Vec<f32>; 2] {
    let [height, width] = [64, 64];
    let values: Vec<f32> = common::noise("picture", 3 * height * width).collect();
    let image: Tensor<4> = Tensor::from_data(
        TensorData::new(values, [1, 3, height, width]),
        network.device(),
    );
    let features = network.features(image.clone()).unwrap();
    [features, network.logits(image)].map(|t| pollster::block_on(read(t.inner())).unwrap())
}

#[test]
fn features_are_what_the_last_layer_is_given() -> Result<()> {
    for (architecture, name, width) in [
        (Architecture::EfficientNetLite0, "_fc", 1280),
        (Architecture::ResNet18, "fc", 512),
        (Architecture::ShapesNet, "fc", 96),
    ] {
        let mut checkpoint = common::random_checkpoint(architecture)?;
        let classes = checkpoint.rows(&format!("{name}.weight"))?;
        let network =
            Network::load_for(architecture, checkpoint.clone(), [64; 2], &Device::flex())?;
        let [features, logits] = looked_at(&network);
        assert_eq!(features.len(), width, "{architecture:?}");
        let weight = checkpoint.take(&format!("{name}.weight"), &[classes, width])?;
        let bias = checkpoint.take(&format!("{name}.bias"), &[classes])?;
        let rows = weight.chunks(width).zip(&bias);
        let by_hand: Vec<f32> = rows
            .map(|(row, bias)| {
                let products = row.iter().zip(&features).map(|(w, x)| f64::from(w * x));
                (products.sum::<f64>() + f64::from(*bias)) as f32
            })
            .collect();
        let error = common::relative_error(&logits, &by_hand);
        assert!(error < 1e-5, "{architecture:?}: {error}");
    }
    // A detector has no last layer.
    let detector = common::random(Architecture::SsdMobileNetV2, &Device::flex())?;
    let image = Tensor::zeros([1, 3, 300, 300], detector.device());
    assert!(matches!(detector.features(image), Err(Error::NoLastLayer)));
    Ok(())
}

/// Discs and crosses, which are two classes to teach, and the weights of a network with random
/// layers before its last.
fn taught(model: &str, labels: [&str; 2]) -> Result<(Vec<u8>, Vec<Photo>, Vec<usize>)> {
    let spec = ModelSpec::from_name(model)?;
    let architecture = spec.architecture;
    let published = match architecture {
        Architecture::ResNet18 => common::random_resnet18()?,
        other => common::random_checkpoint(other)?,
    };
    let explainer = common::explainer(spec, published.clone())?;
    let scenes = (0..200).map(|seed| Scene::draw(seed, Tag::None));
    let of = |shape: violet::shapes::Shape| {
        let scenes = scenes.clone().filter(move |scene| scene.shape == shape);
        scenes.take(8).map(|scene| Photo::from(&scene))
    };
    let shapes = violet::shapes::Shape::ALL;
    let photos: Vec<Photo> = of(shapes[0]).chain(of(shapes[5])).collect();
    let classes: Vec<usize> = (0..photos.len()).map(|k| usize::from(k >= 8)).collect();
    let features = pollster::block_on(explainer.features(&photos))?;
    let examples = Examples::new(features, classes.clone(), 2)?;
    let layer = teach(&examples, 1)?.layer;
    let mut checkpoint = published;
    architecture.exchange_last_layer(&mut checkpoint, &labels.map(String::from), &layer)?;
    Ok((checkpoint.to_safetensors()?, photos, classes))
}

#[test]
fn a_taught_network_is_a_file_that_opens_as_it_was_with_its_classes_names() -> Result<()> {
    // Of the networks with random weights it is the one whose features tell pictures apart.
    let (bytes, photos, classes) = taught("resnet18", ["ronds", "croix ×"])?;
    // The weights name their classes themselves.
    let again = Checkpoint::from_bytes(&bytes)?;
    assert_eq!(again.labels(), ["ronds", "croix ×"]);
    assert_eq!(
        checkpoint::sha256(&bytes),
        checkpoint::sha256(&again.to_safetensors()?)
    );
    let file = File::new("ronds.safetensors", bytes);
    let opened = Opened::read(vec![file], &Wishes::default())?;
    assert_eq!(opened.architecture, Architecture::ResNet18);
    let spec = opened.spec("ronds")?;
    assert_eq!(spec.labels(), ["ronds", "croix ×"]);
    // It answers as it was taught: of what it has seen, most is named right.
    let definition = opened.definition;
    let preprocessing = definition.preprocessing;
    let explainer = Explainer::new(definition.network(&Device::flex())?, preprocessing);
    let mut right = 0;
    for (photo, class) in photos.iter().zip(classes) {
        let prepared = pollster::block_on(explainer.prepare(photo, Default::default()))?;
        let logits = prepared.logits_input;
        right += usize::from((logits[1] > logits[0]) == (class == 1));
    }
    assert!(right >= 13, "{right} of 16");
    Ok(())
}

#[test]
fn the_command_line_explains_a_taught_network_from_its_file_alone() -> Result<()> {
    let (bytes, _, _) = taught("efficientnet-lite0", ["ronds", "croix"])?;
    let folder = std::env::temp_dir().join(format!("violet-taught-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("taught.safetensors");
    std::fs::write(&path, bytes).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_violet"))
        .args(["explain", "--steps", "2", "--target", "croix", "--weights"])
        .arg(&path)
        .arg(common::root().join("www/samples/coffee.jpg"))
        .arg("--out")
        .arg(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success(), "{said}");
    // The class was found by the name that the file gives it.
    assert!(said.contains("croix ("), "{said}");
    Ok(())
}
