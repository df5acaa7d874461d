//! Seconds a step of Integrated Gradients (forward and input gradient) on the CPU, natively, with
//! Violet's kernels and with Burn's, side by side:
//!
//! ```sh
//! cargo bench --bench step
//! ```
//!
//! Random weights where the real ones are missing: the time does not depend on them. Minimum of
//! five rounds, the two kinds of kernels in turn.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use burn::tensor::Tensor;
use common::{random_resnet18, tensor, weights};
use violet::attribution::{gradients_along_path, read};
use violet::device::{DeviceKind, open};
use violet::model::{Architecture, Checkpoint, Kernels, Network};

const SIDE: usize = 224;
const ROUNDS: usize = 5;

fn main() -> violet::Result<()> {
    report("ResNet-18", Architecture::ResNet18, || random_resnet18())?;
    if let Some(bytes) = weights("efficientnet-lite0") {
        let checkpoint = || Checkpoint::from_safetensors(&bytes);
        report("EfficientNet-Lite0", Architecture::EfficientNetLite0, checkpoint)?;
    }
    Ok(())
}

fn report(
    name: &str,
    architecture: Architecture,
    checkpoint: impl Fn() -> violet::Result<Checkpoint>,
) -> violet::Result<()> {
    let device = pollster::block_on(open(DeviceKind::Cpu))?;
    let load = |kernels| Network::load_with(architecture, checkpoint()?, &device, kernels);
    let networks = [load(Kernels::Own)?, load(Kernels::Stock)?];
    println!("{name:32} {:>8} {:>8} {:>6}", "violet", "burn", "ratio");
    let row = |what: &str, seconds: [f64; 2]| {
        let [own, stock] = seconds;
        println!("  {what:30} {own:6.3} s {stock:6.3} s {:5.1}×", stock / own);
    };
    row("forward", side_by_side(&networks, |network| {
        let logits = network.logits(input(network, 0.5));
        pollster::block_on(read(logits.inner())).map(|_| ())
    }));
    for threads in [1, 2] {
        let seconds = side_by_side(&networks, |network| {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| step(network))).collect();
                workers
                    .into_iter()
                    .try_for_each(|worker| worker.join().unwrap_or(Ok(())))
            })
        });
        let each = seconds.map(|s| s / threads as f64);
        row(&format!("a step, {threads} thread(s)"), each);
    }
    Ok(())
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

/// The least seconds that each network takes.
fn side_by_side(networks: &[Network; 2], run: impl Fn(&Network) -> violet::Result<()>) -> [f64; 2] {
    let mut least = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        for (network, least) in networks.iter().zip(&mut least) {
            let start = Instant::now();
            if let Err(error) = run(network) {
                println!("failed: {error}");
            }
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    least
}
