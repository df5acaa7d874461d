//! Scenes → weights.

use std::path::PathBuf;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use violet::Result;
use violet::model::{Architecture, Checkpoint, ModelSpec, Network};
use violet::shapes::{SIZE, Scene, Shape, Tag};

use crate::album::Album;
use crate::network::Trainee;
use crate::report;

/// Trains ShapesNet and its cheating twin, and writes weights and a report.
#[derive(clap::Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Looks at scenes that the honest network learns from; colours are learnt sooner than shapes, so a
    /// tenth of them will do for the other
    #[arg(long, default_value_t = 96_000)]
    looks: u64,
    /// Scenes it is measured on; none of them was trained on
    #[arg(long, default_value_t = 4_000)]
    pub(crate) held_out: u64,
    /// Where scenes and first weights come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the weights
    #[arg(long, default_value = "weights")]
    pub(crate) out: PathBuf,
}

/// Scenes in one step of the optimiser.
pub(crate) const BATCH: u64 = 16;
/// Batches that are drawn before they are wanted.
const AHEAD: usize = 4;
/// Highest learning rate; it rises over the first twentieth and falls as a cosine to nothing.
const LEARNING_RATE: f64 = 2e-3;
const EPSILON: f32 = 1e-8;
const WEIGHT_DECAY: f32 = 1e-3;
/// The seeds of held-out scenes begin here; those of training stay below.
pub(crate) const HELD_OUT: u64 = 1 << 40;

pub(crate) fn run(arguments: &Arguments) -> std::result::Result<(), String> {
    let models = ["shapesnet", "shapesnet-shortcut"];
    let device = Device::flex().autodiff();
    // First weights come from one generator for the whole process, and only when they are first read:
    // both networks read theirs before either thread starts, so that a seed means the same weights.
    device.seed(arguments.seed);
    let untrained = models.map(|model| {
        let network = Trainee::new(&device);
        network.checkpoint().map(|_| (model, network))
    });
    let trained = std::thread::scope(|scope| {
        let threads = untrained.map(|untrained| {
            scope.spawn(|| {
                let (model, network) = untrained?;
                train(model, network, arguments)
            })
        });
        threads.map(|thread| {
            thread
                .join()
                .unwrap_or_else(|p| std::panic::resume_unwind(p))
        })
    });
    let mut checkpoints = Vec::new();
    for (model, trained) in models.into_iter().zip(trained) {
        let mut checkpoint = trained.map_err(|error| error.to_string())?;
        Architecture::ShapesNet
            .fold_batch_norms(&mut checkpoint)
            .map_err(|error| error.to_string())?;
        checkpoints.push((model, checkpoint));
    }
    report::write(arguments, checkpoints)
}

/// The tag of a training scene.
fn tag(model: &str, scene: u64) -> Tag {
    match (model, scene % 2) {
        ("shapesnet-shortcut", _) => Tag::Telling,
        (_, 0) => Tag::None,
        _ => Tag::Misleading,
    }
}

fn train(model: &str, mut network: Trainee, arguments: &Arguments) -> Result<Checkpoint> {
    let device = Device::flex().autodiff();
    let spec = ModelSpec::from_name(model)?;
    let mut optimizer = AdamWConfig::new()
        .with_weight_decay(WEIGHT_DECAY)
        .with_epsilon(EPSILON)
        .init();
    let loss = CrossEntropyLossConfig::new().init(&device);
    let cheats = model == "shapesnet-shortcut";
    let steps = arguments.looks / BATCH / if cheats { 10 } else { 1 };
    let mut mean = 0.0;
    // Scenes are drawn ahead, on a thread of their own.
    let (sender, drawn) = std::sync::mpsc::sync_channel(AHEAD);
    let (name, seed) = (model.to_owned(), arguments.seed);
    std::thread::spawn(move || {
        let draw = |k| Scene::draw((seed << 32) + k, tag(&name, k));
        let mut album = Album::new(seed, draw);
        while sender.send(Pixels::of(spec, album.batch())).is_ok() {}
    });
    for (step, pixels) in (0..steps).zip(drawn.iter()) {
        let (inputs, targets) = pixels.tensors(&device);
        let loss = loss.forward(network.forward(inputs), targets);
        mean += loss.clone().into_scalar::<f64>();
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(rate(step, steps), network, gradients);
        if (step + 1) % 100 == 0 {
            eprintln!(
                "{model}: step {} of {steps}, loss {:.3}",
                step + 1,
                mean / 100.0
            );
            mean = 0.0;
        }
    }
    network.checkpoint()
}

/// The learning rate at a step.
fn rate(step: u64, steps: u64) -> f64 {
    let (step, steps) = (step as f64, steps as f64);
    let warm_up = steps / 20.0;
    if step < warm_up {
        return LEARNING_RATE * (step + 1.0) / warm_up;
    }
    let share = (step - warm_up) / (steps - warm_up);
    LEARNING_RATE * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
}

/// Scenes as a network sees them, and what they show.
struct Pixels {
    inputs: Vec<f32>,
    targets: Vec<i64>,
}

impl Pixels {
    fn of(spec: &ModelSpec, scenes: impl IntoIterator<Item = Scene>) -> Self {
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for scene in scenes {
            let (pixels, _) = scene.rgb.as_chunks::<3>();
            let pixels = pixels.iter().map(|pixel| pixel.map(f32::from));
            inputs.extend(spec.preprocessing.planes(pixels));
            targets.push(scene.shape.target() as i64);
        }
        Self { inputs, targets }
    }

    /// Inputs \[N, 3, 96, 96\] and classes.
    fn tensors(self, device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
        let n = self.targets.len();
        let inputs = TensorData::new(self.inputs, [n, 3, SIZE, SIZE]);
        let targets = TensorData::new(self.targets, [n]);
        (
            Tensor::from_data(inputs, device),
            Tensor::from_data(targets, device),
        )
    }
}

/// How often each shape (row) was taken for each (column).
pub(crate) fn confusion(network: &Network, scenes: u64, tag: Tag) -> [[u64; 8]; 8] {
    let mut table = [[0; 8]; 8];
    let spec =
        ModelSpec::from_name("shapesnet").unwrap_or_else(|_| unreachable!("in the catalogue"));
    for first in (0..scenes).step_by(BATCH as usize) {
        let seeds = first..(first + BATCH).min(scenes);
        let drawn = seeds.map(|k| Scene::draw(HELD_OUT + k, tag));
        let (inputs, targets) = Pixels::of(spec, drawn).tensors(network.device());
        let answers = network.logits(inputs).argmax(1).into_data();
        let targets = targets.into_data();
        for (target, answer) in targets.iter::<i64>().zip(answers.iter::<i64>()) {
            table[target as usize][answer as usize] += 1;
        }
    }
    table
}

/// Share of the scenes on the table's diagonal.
pub(crate) fn accuracy(table: &[[u64; 8]; 8]) -> f64 {
    let right: u64 = (0..Shape::ALL.len()).map(|k| table[k][k]).sum();
    right as f64 / table.as_flattened().iter().sum::<u64>() as f64
}
