//! `violet check`: what a file holds, and whether it is computed rightly.

use std::path::PathBuf;
use std::process::ExitCode;

use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use violet::engine::{STEADY, compare};
use violet::model::{Opened, Wishes};
use violet_graph::Head;

use crate::{files, model};

/// Largest relative differences allowed: of outputs and sums in f32.
const TOLERANCE: f64 = 1e-4;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A network's file, files or folder, as `violet explain --weights` takes them
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Side of the input in pixels, or WIDTHxHEIGHT, for a network that takes any
    #[arg(long, value_name = "PIXELS", value_parser = model::size)]
    size: Option<[usize; 2]>,
    /// The output to explain, where there are several [default: the largest]
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
}

/// Prints what was read, computes an output and one secant fast and in double precision, and fails if
/// they differ.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let wishes = Wishes {
        size: arguments.size,
        output: arguments.output.clone(),
        ..Wishes::default()
    };
    let files = files::read(&arguments.files)?;
    let opened = files::open(&arguments.files, files, &wishes)?;
    describe(&opened);

    let graph = &opened.definition.graph;
    let length = graph.value(graph.input()).elements();
    let mut random = Pcg64::seed_from_u64(1);
    // In the range of its input: what subtracts 124 from numbers below 1 would leave rounding.
    let preprocessing = &opened.definition.preprocessing;
    let channels = opened.input.channels;
    let plane = (length / channels).max(1);
    let mut noise = |most: f32| -> Vec<f32> {
        let values = (0..length).map(|k| {
            let channel = match opened.definition.arrangement.pixels {
                true => k % channels,
                false => (k / plane).min(2),
            };
            let level = 255.0 * most * random.random::<f32>();
            (level - preprocessing.mean[channel]) / preprocessing.std[channel]
        });
        values.collect()
    };
    // Nearly black: of a plane of one colour, which pixel of a window is its largest is for
    // rounding to say.
    let (to, from) = (noise(1.0), noise(0.1));
    let (explained, _) = opened.definition.explained();
    let device = Device::flex();
    let found = compare(graph, explained, [&from, &to], &device);
    let found = pollster::block_on(found).map_err(|e| e.to_string())?;
    let lines = [
        (
            "outputs differ from double precision by",
            found.outputs,
            TOLERANCE,
        ),
        (
            "one secant's gradients differ by",
            found.secant,
            // Kinks lie elsewhere by rounding, on some networks much.
            STEADY.max(2.0 * found.unsteady),
        ),
        (
            "its sum misses the change of the output by",
            found.completeness,
            TOLERANCE.max(found.rounding),
        ),
    ];
    let mut right = true;
    println!("\nOn a random input, relatively:");
    for (what, value, most) in lines {
        let fits = value <= most;
        right &= fits;
        let verdict = match fits {
            true if most >= 1.0 => "cannot be told, as the output hardly moves",
            true => "ok",
            false => "WRONG",
        };
        println!("  {what} {value:.1e} (at most {most:.0e}): {verdict}");
    }
    if right {
        Ok(ExitCode::SUCCESS)
    } else {
        Err("this network is not computed as it should be; please report it".into())
    }
}

fn describe(opened: &Opened) {
    let (graph, input) = (&opened.definition.graph, &opened.input);
    let summary = graph.summary();
    match &*opened.producer {
        "" => println!("{}", opened.format),
        producer => println!("{}, written by {producer}", opened.format),
    }
    let kind = if input.channels == 1 {
        "grey"
    } else {
        "colour"
    };
    println!(
        "Input “{}”: {kind}, {} × {} pixels, {:?}",
        input.name,
        input.width,
        input.height,
        graph.shape(graph.input())
    );
    for output in graph.outputs() {
        let head = match output.head {
            Head::None => "",
            Head::Softmax => ", before softmax",
            Head::LogSoftmax => ", before log-softmax",
            Head::Sigmoid => ", before sigmoid",
            Head::ArgMax => ", before the largest is taken",
        };
        let explained = if output.name == opened.definition.output {
            " (explained)"
        } else {
            ""
        };
        let shape = graph.shape(output.value);
        println!("Output “{}”: {shape:?}{head}{explained}", output.name);
    }
    println!(
        "{} layers, {} parameters, {} multiplications",
        summary.layers, summary.parameters, summary.multiplications
    );
    let listed = |counts: &mut dyn Iterator<Item = (String, usize)>| {
        let counts = counts.map(|(name, count)| format!("{count} × {name}"));
        counts.collect::<Vec<_>>().join(", ")
    };
    let operations = opened.operations.iter();
    let mut operations = operations.map(|o| (o.name.clone(), o.count));
    if !opened.operations.is_empty() {
        println!("Operations in the file: {}", listed(&mut operations));
    }
    let operations = summary.operations.iter();
    let mut operations = operations.map(|&(name, count)| (name.to_owned(), count));
    println!("As they run: {}", listed(&mut operations));
    let classes = opened.definition.classes();
    match &opened.labels {
        None => println!("Labels: none; {classes} classes"),
        Some(_) => println!("Labels: for all {classes} classes"),
    }
    for note in &opened.notes {
        println!("Note: {note}");
    }
    for assumed in &opened.assumed {
        println!("Assumed: {assumed}.");
    }
}
