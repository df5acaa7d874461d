//! Every kind of convolution in the shipped networks by itself, forward and back, in GFLOP/s:
//!
//! ```sh
//! cargo bench --bench layers               # the CPU, one thread
//! cargo bench --bench layers -- gpu 8      # the GPU, that many images at a time
//! cargo bench --bench layers -- gpu 8 card # with the kernels for cards, whatever the adapter is
//! cargo bench --bench layers -- gpu 8 card-without-tiles
//! ```
//!
//! Above the table stands what the CPU can do at most: fused multiply-adds in registers. Minimum
//! of three rounds.

#[path = "../tests/native/common.rs"]
mod common;
mod wanted_kernels;

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use common::noise;
use violet::attribution::read;
use violet::device::{DeviceKind, open};
use violet::kernel::{Activation, Filter, Geometry, convolve, pack};
use wanted_kernels::with_wanted_kernels;

const ROUNDS: usize = 3;

fn main() -> violet::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    with_wanted_kernels(&words, || measure(&words))
}

fn measure(words: &[String]) -> violet::Result<()> {
    let gpu = words.iter().any(|word| word == "gpu");
    let images = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1);
    let kind = if gpu {
        DeviceKind::Gpu
    } else {
        DeviceKind::Cpu
    };
    let device = pollster::block_on(open(kind))?.autodiff();
    if !gpu {
        println!("peak of one thread: {:.0} GFLOP/s", peak());
    }
    println!("| layer | MMAC | forward | GFLOP/s | backward | GFLOP/s |");
    println!("|---|---|---|---|---|---|");
    for (name, geometry) in layers() {
        let operations = 2.0 * (images * geometry.multiplications()) as f64;
        let [forward, backward] = time(&geometry, images, &device)?;
        println!(
            "| {name} | {:.1} | {:.2} ms | {:.1} | {:.2} ms | {:.1} |",
            operations / 2e6,
            forward * 1e3,
            operations / forward / 1e9,
            backward * 1e3,
            operations / backward / 1e9
        );
    }
    Ok(())
}

/// One of each kind, ResNet-18 then EfficientNet-Lite0.
fn layers() -> Vec<(&'static str, Geometry)> {
    let dense = |channels_in, channels_out, kernel, stride, size| {
        geometry(channels_in, channels_out, false, kernel, stride, size)
    };
    let depthwise =
        |channels, kernel, stride, size| geometry(channels, channels, true, kernel, stride, size);
    vec![
        ("7×7/2 3→64 @224", dense(3, 64, 7, 2, 224)),
        ("3×3 64 @56", dense(64, 64, 3, 1, 56)),
        ("3×3/2 64→128 @56", dense(64, 128, 3, 2, 56)),
        ("1×1/2 64→128 @56", dense(64, 128, 1, 2, 56)),
        ("3×3 128 @28", dense(128, 128, 3, 1, 28)),
        ("3×3 256 @14", dense(256, 256, 3, 1, 14)),
        ("3×3 512 @7", dense(512, 512, 3, 1, 7)),
        ("3×3/2 3→32 @224", dense(3, 32, 3, 2, 224)),
        ("1×1 32→16 @112", dense(32, 16, 1, 1, 112)),
        ("1×1 16→96 @112", dense(16, 96, 1, 1, 112)),
        ("1×1 144→24 @56", dense(144, 24, 1, 1, 56)),
        ("1×1 240→40 @28", dense(240, 40, 1, 1, 28)),
        ("1×1 80→480 @14", dense(80, 480, 1, 1, 14)),
        ("1×1 192→1152 @7", dense(192, 1152, 1, 1, 7)),
        ("1×1 320→1280 @7", dense(320, 1280, 1, 1, 7)),
        ("depthwise 3×3 32 @112", depthwise(32, 3, 1, 112)),
        ("depthwise 3×3/2 96 @112", depthwise(96, 3, 2, 112)),
        ("depthwise 3×3 144 @56", depthwise(144, 3, 1, 56)),
        ("depthwise 5×5/2 144 @56", depthwise(144, 5, 2, 56)),
        ("depthwise 5×5 240 @28", depthwise(240, 5, 1, 28)),
        ("depthwise 5×5 672 @14", depthwise(672, 5, 1, 14)),
        ("depthwise 5×5 1152 @7", depthwise(1152, 5, 1, 7)),
    ]
}

fn geometry(
    channels_in: usize,
    channels_out: usize,
    depthwise: bool,
    kernel: usize,
    stride: usize,
    size: usize,
) -> Geometry {
    let filter = Filter {
        depthwise,
        ..Filter::dense(channels_in, channels_out, kernel, stride)
    };
    Geometry {
        filter,
        padding_before: [kernel / 2; 2],
        input: [size; 2],
        output: [size.div_ceil(stride); 2],
    }
}

/// Least seconds of the way forward and of the way back.
fn time(g: &Geometry, images: usize, device: &Device) -> violet::Result<[f64; 2]> {
    let values = |name: &str, count| noise(name, count).collect::<Vec<_>>();
    let [height, width] = g.input;
    let dims = [images, g.filter.channels_in, height, width];
    let input = TensorData::new(values("input", dims.iter().product()), dims);
    let dims = g.filter.weight_dims();
    let weight = TensorData::new(values("weight", dims.iter().product()), dims);
    let weight = pack(Tensor::from_data(weight, device), g.filter);
    let bias = Tensor::<1>::zeros([g.filter.channels_out], device);
    let wait = |tensor: Tensor<4>| {
        // One value is enough to wait for all of it.
        let value = tensor.slice([0..1, 0..1, 0..1, 0..1]);
        pollster::block_on(read(value)).map(|_| ())
    };
    let mut least = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        let input = Tensor::<4>::from_data(input.clone(), device).require_grad();
        wait(input.clone().inner())?;
        let (weight, bias) = (weight.clone(), bias.clone());
        let start = Instant::now();
        let identity = Activation::Identity;
        let output = convolve(input.clone(), None, weight, bias, *g, identity);
        wait(output.clone().inner())?;
        let half = Instant::now();
        let gradients = output.backward();
        let gradient = input.grad(&gradients);
        wait(gradient.unwrap_or_else(|| input.clone().inner()))?;
        let end = Instant::now();
        least[0] = least[0].min((half - start).as_secs_f64());
        least[1] = least[1].min((end - half).as_secs_f64());
    }
    Ok(least)
}

/// GFLOP/s of multiply-adds that touch no memory: what the vectors of this machine give.
fn peak() -> f64 {
    const TIMES: usize = 2_000_000;
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let operations = violet_kernel_cpu::busy(TIMES);
            operations as f64 / start.elapsed().as_secs_f64() / 1e9
        })
        .fold(0.0, f64::max)
}
