//! Seconds a step of Integrated Gradients (forward and input gradient), natively, with Violet's
//! kernels and with Burn's, side by side:
//!
//! ```sh
//! cargo bench --bench step                # the CPU, one and two threads
//! cargo bench --bench step -- gpu 1 8 32  # the GPU, that many gradients a pass
//! cargo bench --bench step -- gpu 1 card  # with the kernels for cards, whatever the adapter is
//! cargo bench --bench step -- gpu 1 card-without-tiles
//! ```
//!
//! ResNet-18 with random weights: the time does not depend on them. Minimum of five rounds
//! (GPU: three), the two kinds of kernels in turn; on a GPU also the first time, when kernels are
//! compiled.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../src/bin/violet/memory.rs"]
mod memory;

use std::ops::ControlFlow;
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use common::{random_resnet18, tensor, weights, with_wanted_kernels};
use violet::attribution::{Rule, gradients_along_path, integrate, read};
use violet::device::{DeviceKind, open};
use violet::model::{Architecture, Checkpoint, Kernels, Network, Target, Trace};

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
    let load = |kernels| Network::load_with(architecture, checkpoint()?, device, kernels);
    let networks = [load(Kernels::Own)?, load(Kernels::Stock)?];
    println!("{name:32} {:>10} {:>10} {:>6}", "violet", "burn", "ratio");
    let line = |what: &str, [own, stock]: [f64; 2]| {
        println!("  {what:30} {own:8.4} s {stock:8.4} s {:5.1}×", stock / own);
    };
    let row = |what: &str, [first, least]: [[f64; 2]; 2]| {
        if gpu {
            line(&format!("{what}, first"), first);
        }
        line(what, least);
    };
    let forward = side_by_side(rounds, &networks, |network| {
        let logits = network.logits(input(network, 0.5));
        pollster::block_on(read(logits.inner())).map(|_| ())
    });
    row("forward, one image", forward);
    if gpu {
        for &batch in batches {
            let seconds = side_by_side(rounds, &networks, |network| steps(network, batch));
            let each = seconds.map(|pair| pair.map(|s| s / batch as f64));
            row(&format!("a step, {batch} a pass"), each);
        }
        return Ok(());
    }
    for threads in [1, 2] {
        let seconds = side_by_side(rounds, &networks, |network| {
            std::thread::scope(|scope| {
                let work = || steps(network, 1);
                let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                workers
                    .into_iter()
                    .try_for_each(|worker| worker.join().unwrap_or(Ok(())))
            })
        });
        let each = seconds.map(|pair| pair.map(|s| s / threads as f64));
        row(&format!("a step, {threads} thread(s)"), each);
    }
    let seconds = side_by_side(rounds, &networks, secants);
    row(
        "a secant, 1 thread",
        seconds.map(|pair| pair.map(|s| s / SECANTS as f64)),
    );
    Ok(())
}

/// A few secants, one after the other, the forward pass at the start included.
fn secants(network: &Network) -> violet::Result<()> {
    let (x, baseline) = (input(network, 0.5), input(network, -2.0));
    let target = Target::output(1);
    let quadrature = Rule::Secant.quadrature(SECANTS)?;
    let mut trace = Trace::secants();
    network.output_along(baseline.clone(), target, &mut trace);
    let sum = integrate(
        |x| network.output_along(x, target, &mut trace),
        &x,
        &baseline,
        &quadrature,
        1,
        |_| ControlFlow::Continue(()),
    );
    pollster::block_on(sum).map(|_| ())
}

/// That many steps in one pass.
fn steps(network: &Network, batch: usize) -> violet::Result<()> {
    let (x, baseline) = (input(network, 0.5), input(network, -2.0));
    let (alphas, weights) = (vec![0.5; batch], vec![1.0; batch]);
    let forward = |x| network.output(x, Target::output(1));
    let sum = gradients_along_path(forward, &x, &baseline, &alphas, &weights);
    pollster::block_on(sum).map(|_| ())
}

fn input(network: &Network, scale: f32) -> Tensor<4> {
    let values: Vec<f32> = common::noise("x", 3 * SIDE * SIDE)
        .map(|v| v * scale)
        .collect();
    tensor(network, &values, SIDE)
}

/// The seconds that each network takes the first time, and at least.
fn side_by_side(
    rounds: usize,
    networks: &[Network; 2],
    run: impl Fn(&Network) -> violet::Result<()>,
) -> [[f64; 2]; 2] {
    let (mut first, mut least) = ([0.0; 2], [f64::INFINITY; 2]);
    for round in 0..rounds {
        for (k, network) in networks.iter().enumerate() {
            let start = Instant::now();
            if let Err(error) = run(network) {
                println!("failed: {error}");
            }
            let seconds = start.elapsed().as_secs_f64();
            least[k] = least[k].min(seconds);
            if round == 0 {
                first[k] = seconds;
            }
        }
    }
    [first, least]
}
