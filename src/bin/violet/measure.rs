//! `violet measure`: what a network computes with one image, for other programs to compare with.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use burn::tensor::{Device, Tensor, TensorData};
use pollster::block_on;
use serde::Serialize;
use violet::attribution::{self, Rule, Walk};
use violet::engine::Measured;
use violet::explain::Explained;
use violet::model::{Arrangement, Network, Opened, Scale, Target, Wishes};

use crate::files;
use crate::weights::at;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A network's file, files or folder
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The image as the network wants it: little-endian 32-bit floats and nothing else
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Height and width of the input in pixels, for a network that takes any
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(1..))]
    size: Option<u16>,
    /// The output to measure, where there are several [default: what looks most like scores]
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// Integrate the largest output's gradient from zeros by that many midpoints
    #[arg(long, value_name = "N", requires = "attributions")]
    points: Option<u16>,
    /// Where to write the attributions, as floats like the input
    #[arg(long, value_name = "FILE", requires = "points")]
    attributions: Option<PathBuf>,
    /// Walk from zeros in so many secants, for what their sum misses; several numbers, with commas
    #[arg(long, value_name = "N", value_delimiter = ',')]
    secants: Vec<u16>,
    /// Take the time of so many forward passes and gradients
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeats: u16,
}

#[derive(Serialize)]
struct Report {
    nodes: usize,
    parameters: usize,
    multiplications: u64,
    /// Before softmax or sigmoid.
    outputs: Vec<f32>,
    /// The largest of them, which is explained.
    element: usize,
    /// What one secant from zeros misses of the output's change, as a share of it; of a change that is
    /// next to nothing, of a hundredth of all products' sizes.
    incompleteness: f64,
    /// The same of as many secants as were asked for, of the output and of its probability.
    secants: Vec<Secants>,
    /// The least processor time of a forward pass and of a gradient, which has one in it.
    forward_seconds: f64,
    gradient_seconds: f64,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Secants {
    count: u16,
    logit: f64,
    probability: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let wishes = Wishes {
        size: arguments.size.map(|side| [side.into(); 2]),
        output: arguments.output.clone(),
        ..Wishes::default()
    };
    let files = files::read(&arguments.files)?;
    let opened = files::open(&arguments.files, files, &wishes)?;
    let image = floats(&arguments.input)?;
    let graph = &opened.definition.graph;
    let length = graph.value(graph.input()).elements();
    if image.len() != length {
        return Err(format!(
            "the input has {} numbers, the network takes {length}",
            image.len()
        ));
    }
    let summary = graph.summary();
    let (explained, _) = opened.definition.explained();
    let measured = Measured::load(graph.clone(), explained, &Device::flex());
    let measured = measured.map_err(|e| e.to_string())?;
    let told = |error: violet::Error| error.to_string();

    let zeros = vec![0.0; length];
    let outputs = block_on(measured.outputs(&image)).map_err(told)?;
    let before = block_on(measured.outputs(&zeros)).map_err(told)?;
    let element = (0..outputs.len()).max_by(|&a, &b| outputs[a].total_cmp(&outputs[b]));
    let element = element.unwrap_or(0);
    let way = measured.way(element);
    let secant = block_on(measured.secant(&way, [&zeros, &image])).map_err(told)?;
    let products = secant.iter().zip(&image);
    let products = products.map(|(&slope, &step)| f64::from(slope) * f64::from(step));
    let change = f64::from(outputs[element]) - f64::from(before[element]);
    let incompleteness = missed(products, change);
    let secants = walks(&opened, element, &image, &arguments.secants).map_err(told)?;

    let (mut forward, mut gradient) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..arguments.repeats {
        let start = processor_seconds();
        block_on(measured.outputs(&image)).map_err(told)?;
        let between = processor_seconds();
        block_on(measured.gradient(&way, &image)).map_err(told)?;
        forward = forward.min(between - start);
        gradient = gradient.min(processor_seconds() - between);
    }
    if let (Some(points), Some(path)) = (arguments.points, &arguments.attributions) {
        let mut mean = vec![0.0f64; length];
        for k in 0..points {
            let alpha = (f32::from(k) + 0.5) / f32::from(points);
            let point: Vec<f32> = image.iter().map(|v| alpha * v).collect();
            let slopes = block_on(measured.gradient(&way, &point)).map_err(told)?;
            for (mean, slope) in mean.iter_mut().zip(slopes) {
                *mean += f64::from(slope) / f64::from(points);
            }
        }
        let attributions = mean.iter().zip(&image);
        let attributions = attributions.map(|(mean, &step)| (mean * f64::from(step)) as f32);
        let bytes: Vec<u8> = attributions.flat_map(f32::to_le_bytes).collect();
        std::fs::write(path, bytes).map_err(at(path))?;
    }
    let report = Report {
        nodes: graph.nodes().len(),
        parameters: summary.parameters as usize,
        multiplications: summary.multiplications,
        incompleteness,
        secants,
        element,
        outputs,
        forward_seconds: forward,
        gradient_seconds: gradient,
        notes: opened.notes.clone(),
    };
    println!(
        "{}",
        serde_json::to_string(&report).map_err(|e| e.to_string())?
    );
    Ok(ExitCode::SUCCESS)
}

/// How far products are from summing to a change, as a share of it or of a hundredth of their sizes.
fn missed(products: impl Iterator<Item = f64>, change: f64) -> f64 {
    let (sum, size) = products.fold((0.0, 0.0), |(sum, size), p| (sum + p, size + p.abs()));
    (sum - change).abs() / change.abs().max(0.01 * size).max(f64::MIN_POSITIVE)
}

/// What the attributions of so many secants from zeros miss.
fn walks(
    opened: &Opened,
    output: usize,
    image: &[f32],
    counts: &[u16],
) -> violet::Result<Vec<Secants>> {
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let (graph, arrangement) = (opened.definition.graph.clone(), Arrangement::default());
    let network = Network::of_graph(
        graph,
        &opened.definition.output,
        arrangement,
        &Device::flex(),
    )?;
    let zeros = vec![0.0; image.len()];
    let tensor = |values: &[f32]| {
        let data = TensorData::new(values.to_vec(), [1, 1, 1, values.len()]);
        Tensor::<4>::from_data(data, network.device())
    };
    let walk = |count: u16, scale: Scale| -> violet::Result<f64> {
        let target = Target {
            scale,
            ..Target::output(output)
        };
        let value = |values: &[f32]| -> violet::Result<f64> {
            let value = network.output(tensor(values), target).inner();
            let value = block_on(attribution::read(value))?;
            Ok(f64::from(value[0]))
        };
        let change = value(image)? - value(&zeros)?;
        let quadrature = Rule::Secant.quadrature(count.into())?;
        let explained = Explained::new(&network, target);
        let mut walk = Walk::new(explained, tensor(image), tensor(&zeros));
        let sum = walk.integrate(&quadrature, 1, |_| ControlFlow::Continue(()));
        let sum = block_on(sum)?.unwrap_or_else(|| unreachable!("nothing cancels it"));
        let values = sum.attributions(image, &zeros)?.values;
        Ok(missed(values.iter().map(|&v| f64::from(v)), change))
    };
    let secants = |&count: &u16| {
        Ok(Secants {
            count,
            logit: walk(count, Scale::Logit)?,
            probability: walk(count, Scale::Probability)?,
        })
    };
    counts.iter().map(secants).collect()
}

fn floats(path: &Path) -> Result<Vec<f32>, String> {
    let bytes = std::fs::read(path).map_err(at(path))?;
    let (chunks, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(at(path)("these are no 32-bit floats"));
    }
    Ok(chunks
        .iter()
        .map(|&chunk| f32::from_le_bytes(chunk))
        .collect())
}

/// Processor time of this process, all threads together: what one thread takes, however many other
/// programs run.
#[cfg(unix)]
fn processor_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes the structure that it is given, which outlives it.
    #[allow(
        unsafe_code,
        reason = "the standard library has no clock of the processor"
    )]
    unsafe {
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time);
    }
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Other systems: the time of day.
#[cfg(not(unix))]
fn processor_seconds() -> f64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
