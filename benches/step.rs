//! Seconds a step of Integrated Gradients (forward and input gradient), natively:
//!
//! ```sh
//! cargo bench --bench step
//! ```
//!
//! Random weights: the time does not depend on them. Minimum of five rounds.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use burn::tensor::Tensor;
use common::{random_resnet18, tensor, weights};
use violet::attribution::{gradients_along_path, read};
use violet::device::{DeviceKind, open};
use violet::model::{Architecture, Checkpoint, Network};

const SIDE: usize = 224;
const ROUNDS: usize = 5;

fn main() -> violet::Result<()> {
    let device = pollster::block_on(open(DeviceKind::Cpu))?;
    let resnet = Network::load(Architecture::ResNet18, random_resnet18()?, &device)?;
    report("ResNet-18", &resnet);
    if let Some(bytes) = weights("efficientnet-lite0") {
        let checkpoint = Checkpoint::from_safetensors(&bytes)?;
        report(
            "EfficientNet-Lite0",
            &Network::load(Architecture::EfficientNetLite0, checkpoint, &device)?,
        );
    }
    Ok(())
}

fn report(name: &str, network: &Network) {
    let forward = fastest(|| {
        let logits = network.logits(input(network, 0.5));
        pollster::block_on(read(logits.inner())).map(|_| ())
    });
    println!("{name}: forward {forward:.3} s");
    for threads in [1, 2] {
        let seconds = fastest(|| {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads)
                    .map(|_| scope.spawn(|| step(network)))
                    .collect();
                workers
                    .into_iter()
                    .try_for_each(|worker| worker.join().unwrap_or(Ok(())))
            })
        });
        let each = seconds / threads as f64;
        println!("{name}: {threads} thread(s), {each:.3} s a step");
    }
}

fn step(network: &Network) -> violet::Result<()> {
    let (x, baseline) = (input(network, 0.5), input(network, -2.0));
    let sum = gradients_along_path(|x| network.logits(x), &x, &baseline, 1, &[0.5], &[1.0]);
    pollster::block_on(sum).map(|_| ())
}

fn input(network: &Network, scale: f32) -> Tensor<4> {
    let values: Vec<f32> = common::noise("x", 3 * SIDE * SIDE)
        .map(|v| v * scale)
        .collect();
    tensor(network, &values, SIDE)
}

fn fastest(mut run: impl FnMut() -> violet::Result<()>) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            if let Err(error) = run() {
                println!("failed: {error}");
            }
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}
