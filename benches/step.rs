//! Seconds a step of Integrated Gradients (forward and input gradient), natively:
//!
//! ```sh
//! cargo bench --bench step                # the CPU, one and two threads
//! cargo bench --bench step -- gpu 1 8 32  # the GPU, that many gradients a pass
//! cargo bench --bench step -- gpu 1 card  # with the kernels for cards, whatever the adapter is
//! cargo bench --bench step -- gpu 1 card-without-tiles
//! ```
//!
//! ResNet-18 with random weights: the time does not depend on them. Minimum of five rounds
//! (GPU: three); on a GPU also the first time, when kernels are compiled.

#[path = "../tests/native/common.rs"]
mod common;
#[path = "../src/bin/violet/memory.rs"]
mod memory;
mod wanted_kernels;

use std::ops::ControlFlow;
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use common::{random_resnet18, tensor, weights};
use violet::attribution::{Quadrature, Rule, Walk, read};
use violet::device::{DeviceKind, open};
use violet::explain::Explained;
use violet::model::{Architecture, Checkpoint, Network, Target};
use wanted_kernels::with_wanted_kernels;

const SIDE: usize = 224;
/// How many the page's “Auto” takes.
const SECANTS: usize = 24;
/// On the CPU, and on a GPU, where a software one takes seconds.
const ROUNDS: [usize; 2] = [5, 3];

fn main() -> violet::Result<()> {
    memory::keep();
    let words: Vec<String> = std::env::args().skip(1).collect();
    with_wanted_kernels(&words, || measure(&words))
}

fn measure(words: &[String]) -> violet::Result<()> {
    let gpu = words.iter().any(|word| word == "gpu");
    let batches: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let kind = if gpu {
        DeviceKind::Gpu
    } else {
        DeviceKind::Cpu
    };
    let device = pollster::block_on(open(kind))?;

    let resnet = || random_resnet18();
    report(
        "ResNet-18",
        Architecture::ResNet18,
        resnet,
        &device,
        gpu,
        &batches,
    )?;
    if let Some(bytes) = weights("efficientnet-lite0") {
        let lite = || Checkpoint::from_safetensors(&bytes);
        let architecture = Architecture::EfficientNetLite0;
        report(
            "EfficientNet-Lite0",
            architecture,
            lite,
            &device,
            gpu,
            &batches,
        )?;
    }
    Ok(())
}

fn report(
    name: &str,
    architecture: Architecture,
    checkpoint: impl Fn() -> violet::Result<Checkpoint>,
    device: &Device,
    gpu: bool,
    batches: &[usize],
) -> violet::Result<()> {
    let rounds = ROUNDS[usize::from(gpu)];
    let network = Network::load(architecture, checkpoint()?, device)?;
    println!("{name}");
    let line = |what: &str, seconds: f64| println!("  {what:30} {seconds:8.4} s");
    let row = |what: &str, [first, least]: [f64; 2]| {
        if gpu {
            line(&format!("{what}, first"), first);
        }
        line(what, least);
    };
    let forward = time(rounds, || {
        let logits = network.logits(input(&network, 0.5));
        pollster::block_on(read(logits.inner())).map(|_| ())
    });
    row("forward, one image", forward);
    if gpu {
        for &batch in batches {
            let seconds = time(rounds, || steps(&network, batch));
            let each = seconds.map(|s| s / batch as f64);
            row(&format!("a step, {batch} a pass"), each);
        }
        return Ok(());
    }
    for threads in [1, 2] {
        let seconds = time(rounds, || {
            std::thread::scope(|scope| {
                let work = || steps(&network, 1);
                let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                workers
                    .into_iter()
                    .try_for_each(|worker| worker.join().unwrap_or(Ok(())))
            })
        });
        let each = seconds.map(|s| s / threads as f64);
        row(&format!("a step, {threads} thread(s)"), each);
    }
    let seconds = time(rounds, || secants(&network));
    row("a secant, 1 thread", seconds.map(|s| s / SECANTS as f64));
    Ok(())
}

/// A few secants, one after the other, the forward pass at the start included.
fn secants(network: &Network) -> violet::Result<()> {
    let (x, baseline) = (input(network, 0.5), input(network, -2.0));
    let target = Target::output(1);
    let quadrature = Rule::Secant.quadrature(SECANTS)?;
    let mut walk = Walk::new(Explained::new(network, target), x, baseline);
    let sum = walk.integrate(&quadrature, 1, |_| ControlFlow::Continue(()));
    pollster::block_on(sum).map(|_| ())
}

/// That many steps in one pass.
fn steps(network: &Network, batch: usize) -> violet::Result<()> {
    let (x, baseline) = (input(network, 0.5), input(network, -2.0));
    let mut walk = Walk::new(Explained::new(network, Target::output(1)), x, baseline);
    let points = Quadrature::points(&vec![0.5; batch]);
    pollster::block_on(walk.sum(&points)).map(|_| ())
}

fn input(network: &Network, scale: f32) -> Tensor<4> {
    let values: Vec<f32> = common::noise("x", 3 * SIDE * SIDE)
        .map(|v| v * scale)
        .collect();
    tensor(network, &values, SIDE)
}

/// The seconds that it takes the first time, and at least.
fn time(rounds: usize, run: impl Fn() -> violet::Result<()>) -> [f64; 2] {
    let (mut first, mut least) = (0.0, f64::INFINITY);
    for round in 0..rounds {
        let start = Instant::now();
        if let Err(error) = run() {
            println!("failed: {error}");
        }
        let seconds = start.elapsed().as_secs_f64();
        least = least.min(seconds);
        if round == 0 {
            first = seconds;
        }
    }
    [first, least]
}
