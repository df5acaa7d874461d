//! What several test files share.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Display;
use std::fs::File;
use std::io::Write;
use std::ops::{ControlFlow, Deref};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use violet::Result;
use violet::attribution::{Forward, Rule, Walk, read};
use violet::device::{DeviceKind, open};
use violet::explain::{Explained, Explainer};
use violet::model::{
    Architecture, Checkpoint, ModelSpec, Network, Opened, Target, Wishes, catalog::Manifest,
};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Says that a test is skipped, and why, in its output and in the file that VIOLET_SKIPPED names, which
/// scripts/test.sh counts. With VIOLET_REQUIRE=all, as in continuous integration, the test fails instead.
pub(crate) fn skip(reason: impl Display) {
    let required = std::env::var("VIOLET_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "VIOLET_REQUIRE=all, but {reason}");
    skip_optional(reason);
}

/// A file that PyTorch wrote for the tests (scripts/test.sh), by its place in their folder; the test is skipped where there
/// is none.
pub(crate) fn checkpoint(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("VIOLET_CHECKPOINTS").map(PathBuf::from);
    let file = folder.map(|folder| folder.join(name));
    let file = file.filter(|file| file.exists());
    if file.is_none() {
        skip(format_args!(
            "there is no PyTorch here that could have written {name}"
        ));
    }
    file
}

/// As [`skip`], for what no registry of packages has, so that it cannot be required anywhere.
pub(crate) fn skip_optional(reason: impl Display) {
    println!("skipped: {reason}");
    if let Some(path) = std::env::var_os("VIOLET_SKIPPED") {
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        writeln!(file, "{reason}").unwrap();
    }
}

/// A GPU, lent to one test at a time.
pub(crate) struct Gpu {
    device: Device,
    _lent: MutexGuard<'static, ()>,
}

impl Deref for Gpu {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.device
    }
}

/// A GPU, or an adapter that stands in for one; a test that finds none is skipped. It is opened once for all tests
/// of a file: Burn refuses a second time. One in software takes all cores by itself: of two tests on it at once each
/// takes five to six times as long.
pub(crate) fn gpu() -> Option<Gpu> {
    static GPU: LazyLock<Result<Device>> =
        LazyLock::new(|| pollster::block_on(open(DeviceKind::Gpu)));
    static LENT: Mutex<()> = Mutex::new(());
    match &*GPU {
        Ok(device) => Some(Gpu {
            device: device.clone(),
            _lent: LENT.lock().unwrap_or_else(PoisonError::into_inner),
        }),
        Err(error) => {
            skip(error);
            None
        }
    }
}

/// Golden numbers by the name of their file.
pub(crate) fn golden(name: &str) -> Checkpoint {
    let path = root().join(format!("tests/golden/{name}.safetensors"));
    Checkpoint::from_safetensors(&std::fs::read(path).unwrap()).unwrap()
}

/// The original file of some weights, where scripts/weights.sh keeps it.
pub(crate) fn original(file: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("violet/downloads").join(file)).filter(|path| path.exists())
}

/// The converted weights of a model, if scripts/weights.sh has made them.
pub(crate) fn weights(model: &str) -> Option<Vec<u8>> {
    let text = std::fs::read_to_string(root().join("weights/manifest.json")).ok()?;
    let manifest = Manifest::from_json(&text).unwrap().with_shipped();
    let entry = manifest.entry(model)?;
    std::fs::read(root().join("weights").join(&entry.file)).ok()
}

/// `side` × `side` pixels of tests/golden/view.png from (`start`, `start`) on, RGB.
pub(crate) fn view_middle(start: u32, side: u32) -> (Vec<u8>, usize) {
    let view = image::open(root().join("tests/golden/view.png")).unwrap();
    let rgb = view.crop_imm(start, start, side, side).into_rgb8();
    (rgb.into_raw(), side as usize)
}

/// RGB pixels as a model's normalised input, flat [3, H, W].
pub(crate) fn normalised(rgb: &[u8], spec: &ModelSpec) -> Vec<f32> {
    let area = rgb.len() / 3;
    let mut input = vec![0.0; rgb.len()];
    for (k, pixel) in rgb.chunks_exact(3).enumerate() {
        let values = spec
            .preprocessing
            .normalise([0, 1, 2].map(|c| f32::from(pixel[c])));
        for (c, value) in values.into_iter().enumerate() {
            input[c * area + k] = value;
        }
    }
    input
}

/// A model ready to explain, on the CPU.
pub(crate) fn explainer(spec: &ModelSpec, checkpoint: Checkpoint) -> Result<Explainer> {
    let device = Device::flex();
    Explainer::load(spec.architecture, spec.preprocessing, checkpoint, &device)
}

/// A PyTorch file's checkpoint.
pub(crate) fn pytorch(path: &Path) -> Result<Checkpoint> {
    Checkpoint::from_bytes(&std::fs::read(path).unwrap())
}

/// The weights that `violet convert` makes of an original: folded and rounded.
pub(crate) fn shipped(architecture: Architecture, original: &Checkpoint) -> Result<Checkpoint> {
    let mut folded = original.clone();
    architecture.fold_batch_norms(&mut folded)?;
    Checkpoint::from_safetensors(&folded.to_safetensors()?)
}

/// A model's input that is black all over.
pub(crate) fn black(spec: &ModelSpec) -> Vec<f32> {
    normalised(&vec![0; spec.preprocessing.input_len()], spec)
}

/// A [1, 3, side, side] input for a network.
pub(crate) fn tensor(network: &Network, values: &[f32], side: usize) -> Tensor<4> {
    let data = TensorData::new(values.to_vec(), [1, 3, side, side]);
    Tensor::from_data(data, network.device())
}

/// A function that is given for its own secants, as a linear one is. Rules of points ask for none.
pub(crate) struct Plain<F>(pub(crate) F);

impl<F: Fn(Tensor<4>) -> Tensor<1>> Forward for Plain<F> {
    fn at(&mut self, images: Tensor<4>) -> Tensor<1> {
        (self.0)(images)
    }

    fn guided(&mut self, images: Tensor<4>) -> Tensor<1> {
        (self.0)(images)
    }

    fn stand(&mut self, _image: Tensor<4>) {}

    fn go(&mut self, images: Tensor<4>) -> Tensor<1> {
        (self.0)(images)
    }
}

/// The logits of one input.
pub(crate) fn logits_of(network: &Network, values: &[f32], side: usize) -> Vec<f32> {
    pollster::block_on(read(network.logits(tensor(network, values, side)).inner())).unwrap()
}

/// Attributions, flat [3, side, side].
#[allow(clippy::too_many_arguments, reason = "a test says all of it")]
pub(crate) fn attribute(
    network: &Network,
    input: &[f32],
    baseline: &[f32],
    side: usize,
    target: usize,
    rule: Rule,
    n_steps: usize,
    internal_batch_size: usize,
) -> Vec<f32> {
    let forward = Explained::new(network, Target::output(target));
    let [x, x0] = [input, baseline].map(|values| tensor(network, values, side));
    let quadrature = rule.quadrature(n_steps).unwrap();
    pollster::block_on(Walk::new(forward, x, x0).integrate(
        &quadrature,
        internal_batch_size,
        |_| ControlFlow::Continue(()),
    ))
    .unwrap()
    .unwrap()
    .attributions(input, baseline)
    .unwrap()
    .values
}

/// ‖found − expected‖ / ‖expected‖.
pub(crate) fn relative_error(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let (mut difference, mut norm) = (0.0, 0.0);
    for (&a, &b) in found.iter().zip(expected) {
        difference += (f64::from(a) - f64::from(b)).powi(2);
        norm += f64::from(b).powi(2);
    }
    (difference / norm).sqrt()
}

/// The random ResNet-18 of tests/golden/generate.py, made anew: every weight is a function of its
/// name.
pub(crate) fn random_resnet18() -> Result<Checkpoint> {
    let mut checkpoint = Checkpoint::default();
    let mut convolution = |name: &str, bn: &str, output: usize, input: usize, kernel: usize| {
        let fan_in = input * kernel * kernel;
        let scale = (6.0 / fan_in as f64).sqrt() as f32;
        let weight = format!("{name}.weight");
        let values = noise(&weight, output * fan_in).map(|v| v * scale).collect();
        checkpoint.insert(weight, vec![output, input, kernel, kernel], values)?;
        let mut vector = |part: &str, f: fn(f32) -> f32| {
            let name = format!("{bn}.{part}");
            let values = noise(&name, output).map(f).collect();
            checkpoint.insert(name, vec![output], values)
        };
        vector("weight", |v| 0.75 + 0.25 * v)?;
        vector("bias", |v| v * 0.1)?;
        vector("running_mean", |v| v * 0.1)?;
        vector("running_var", |v| 1.0 + 0.5 * v)
    };
    convolution("conv1", "bn1", 64, 3, 7)?;
    let mut input = 64;
    for (stage, width) in [(1, 64), (2, 128), (3, 256), (4, 512)] {
        for block in 0..2 {
            let name = format!("layer{stage}.{block}");
            if input != width {
                let shortcut = format!("{name}.downsample");
                convolution(
                    &format!("{shortcut}.0"),
                    &format!("{shortcut}.1"),
                    width,
                    input,
                    1,
                )?;
            }
            convolution(
                &format!("{name}.conv1"),
                &format!("{name}.bn1"),
                width,
                input,
                3,
            )?;
            convolution(
                &format!("{name}.conv2"),
                &format!("{name}.bn2"),
                width,
                width,
                3,
            )?;
            input = width;
        }
    }
    for (name, shape) in [("fc.weight", vec![1000, 512]), ("fc.bias", vec![1000])] {
        let count = shape.iter().product();
        checkpoint.insert(name, shape, noise(name, count).map(|v| v * 0.1).collect())?;
    }
    Ok(checkpoint)
}

/// tests/golden/hash_weights.py in Rust: FNV-1a seeds splitmix64, whose upper 24 bits spread
/// over −1..1.
pub(crate) fn noise(name: &str, count: usize) -> impl Iterator<Item = f32> + use<> {
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    (1..=count as u64).map(move |k| {
        let mut z = seed.wrapping_add(k.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    })
}

/// The random networks: their weights need no download. For images of that side, or of their own.
pub(crate) fn networks(
    device: &Device,
    side: Option<usize>,
) -> Result<Vec<(&'static str, Network)>> {
    let named = [
        ("resnet18", Architecture::ResNet18),
        ("resnet50", Architecture::ResNet50),
        ("efficientnet-lite0", Architecture::EfficientNetLite0),
        ("shapesnet", Architecture::ShapesNet),
        ("ssd-mobilenet-v2", Architecture::SsdMobileNetV2),
    ];
    let load = |(name, architecture): (&'static str, Architecture)| {
        let checkpoint = match architecture {
            Architecture::ResNet18 => random_resnet18()?,
            _ => random_checkpoint(architecture)?,
        };
        let side = side.unwrap_or(architecture.preprocessing().width as usize);
        let network = Network::load_for(architecture, checkpoint, [side; 2], device)?;
        Ok((name, network))
    };
    named.into_iter().map(load).collect()
}

/// A network by its name, with random weights where the official ones of ResNet-18 are missing; or the one in a
/// file of that path.
pub(crate) fn explainer_of(model: &str, device: &Device) -> (Explainer, ModelSpec) {
    let path = Path::new(model);
    if path.is_file() {
        let name = path.file_name().unwrap().to_string_lossy();
        let file = violet_import::File::new(name.as_ref(), std::fs::read(path).unwrap());
        let opened = Opened::read(vec![file], &Wishes::default()).unwrap();
        let spec = opened.spec(&name).unwrap();
        let explainer = Explainer::new(
            opened.definition.network(device).unwrap(),
            spec.preprocessing,
        );
        return (explainer, spec);
    }
    let spec = ModelSpec::from_name(model).unwrap();
    let checkpoint = match weights(model) {
        Some(bytes) => Checkpoint::from_safetensors(&bytes).unwrap(),
        None => random_resnet18().unwrap(),
    };
    let explainer = Explainer::load(spec.architecture, spec.preprocessing, checkpoint, device);
    (explainer.unwrap(), spec.clone())
}

/// A network with random weights and no BatchNorm.
pub(crate) fn random(architecture: Architecture, device: &Device) -> Result<Network> {
    Network::load(architecture, random_checkpoint(architecture)?, device)
}

/// Random weights without BatchNorm.
pub(crate) fn random_checkpoint(architecture: Architecture) -> Result<Checkpoint> {
    let classes = if architecture == Architecture::ShapesNet {
        8
    } else {
        1000
    };
    let mut checkpoint = Checkpoint::default();
    for (name, shape) in architecture.tensors(classes, true) {
        let fan_in: usize = shape.iter().skip(1).product();
        // Half of He's variance: with all of it most ReLU6 saturate, and no sum converges.
        let scale = if shape.len() > 1 {
            (3.0 / fan_in as f32).sqrt()
        } else {
            0.1
        };
        // Sixteen bottlenecks that each double what comes in would swamp everything.
        let scale = if architecture == Architecture::ResNet50 && name.contains("conv3") {
            0.3 * scale
        } else {
            scale
        };
        let values = noise(&name, shape.iter().product()).map(|v| v * scale);
        checkpoint.insert(name, shape, values.collect())?;
    }
    Ok(checkpoint)
}
