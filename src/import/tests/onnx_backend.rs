//! onnx's own backend cases, if `VIOLET_ONNX_BACKEND` names a folder of them (`backend_cases.py`
//! makes it): forward against their outputs, backward against differences.
//!
//! Each case runs twice: with all inputs given, where everything is a constant, and, for each input
//! of floats, with that one as the picture and the others given. Refusals are counted and named; of
//! the operators that are claimed, only the listed cases may be refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use violet_graph::{Constant, Data, Graph, Reference};
use violet_import::onnx;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("VIOLET_ONNX_BACKEND").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: VIOLET_ONNX_BACKEND names no folder");
    }
    folder
}

/// A case: its file, its inputs and outputs.
struct Case {
    name: String,
    model: Vec<u8>,
    inputs: Vec<(String, Constant)>,
    outputs: Vec<Constant>,
}

/// Why a case is not run at all.
fn read(folder: &Path) -> Result<Case, String> {
    let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let model = fs::read(folder.join("model.onnx")).map_err(|error| error.to_string())?;
    let (input_names, output_names) = onnx::names(&model).map_err(|error| error.to_string())?;
    let values = |kind: &str, count: usize| -> Result<Vec<Constant>, String> {
        (0..count)
            .map(|index| {
                let path = folder.join(format!("test_data_set_0/{kind}_{index}.pb"));
                let bytes = fs::read(path).map_err(|error| format!("no array: {error}"))?;
                Ok(onnx::tensor(&bytes).map_err(|error| error.to_string())?.1)
            })
            .collect()
    };
    let inputs = values("input", input_names.len())?;
    let outputs = values("output", output_names.len())?;
    Ok(Case {
        name,
        model,
        inputs: input_names.into_iter().zip(inputs).collect(),
        outputs,
    })
}

impl Case {
    fn given(&self) -> Vec<(&str, Constant)> {
        self.inputs
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect()
    }
}

/// The largest finite number, at least 1.
fn largest(numbers: &[f64]) -> f64 {
    let sizes = numbers.iter().filter(|x| x.abs() < 1e30).map(|x| x.abs());
    sizes.fold(1.0, f64::max)
}

/// The largest difference, relative to the largest number.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "numbers");
    let scale = largest(expected);
    found
        .iter()
        .zip(expected)
        // In masks, −1e30 stands for −∞.
        .map(
            |(&a, &b)| match a == b || (a.is_nan() && b.is_nan()) || (b < -1e38 && a < -1e29) {
                true => 0.0,
                false => (a - b).abs() / scale,
            },
        )
        .fold(0.0, |worst, x| {
            if x.is_nan() {
                f64::NAN
            } else {
                f64::max(worst, x)
            }
        })
}

/// Relative to the largest number. Half floats have 11 bits, bfloat16 8, and one case has four
/// digits. What rounds to integers is left unrounded: half of one, and where two are multiplied
/// before, one.
fn tolerance(name: &str, largest: f64) -> f64 {
    let name = name.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if name.starts_with("test_quantizelinear") || name.starts_with("test_qlinear") {
        0.51 / largest
    } else if has(&["bfloat16", "bf16"]) {
        2e-2
    } else if has(&["float16", "fp16", "softmax_precision"]) {
        3e-3
    } else if has(&["starts_on_pad"]) {
        1e-4
    } else {
        1e-5
    }
}

/// Cases whose outputs are others here, and why.
const DIFFERENT: [(&str, &str); 10] = [
    ("qk_matmul_bias_3d_mask_causal_expanded", "−∞ in an output"),
    ("qk_matmul_bias_4d_mask_causal_expanded", "−∞ in an output"),
    (
        "test_dynamicquantizelinear",
        "not rounded, so that its scale is 1",
    ),
    (
        "fullymasked_row_nan_robustness",
        "a word that may see nothing sees everything",
    ),
    (
        "causal_boolmask_nan_robustness",
        "a word that may see nothing sees everything",
    ),
    (
        "test_training_dropout",
        "drops nothing, whatever its file says of training",
    ),
    (
        "align_corners",
        "sizes are whole numbers before scales are made of them, as in ONNX Runtime",
    ),
    (
        "test_operator_add_broadcast",
        "numbers beyond those of 32 bits",
    ),
    ("test_operator_add_size1", "numbers beyond those of 32 bits"),
    ("test_reduce_min_bool_inputs", "a minimum of booleans"),
];

#[derive(Default)]
struct Row {
    forward: usize,
    refused: usize,
    pictures: usize,
    gradients: usize,
    kinks: usize,
}

/// The slope along a random direction against differences on both sides. Nothing if the value has a
/// kink there.
fn slopes_agree(graph: &Graph, x: &[f64]) -> Option<f64> {
    let reference = Reference::new(graph);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64 * 2.0 - 1.0
    };
    let direction: Vec<f64> = x.iter().map(|_| random()).collect();
    let seeds: Vec<(_, Vec<f64>)> = graph
        .outputs()
        .iter()
        .map(|output| {
            let length = graph.value(output.value).elements();
            (output.value, (0..length).map(|_| random()).collect())
        })
        .collect();
    let at = |h: f64| -> f64 {
        let x: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + h * d).collect();
        let point = reference.run(&x).unwrap();
        seeds
            .iter()
            .map(|(id, seed)| {
                point
                    .value(*id)
                    .iter()
                    .zip(seed)
                    .map(|(y, s)| y * s)
                    .sum::<f64>()
            })
            .sum()
    };
    let h = 1e-5;
    let (before, here, after) = (at(-h), at(0.0), at(h));
    let slope = (after - before) / (2.0 * h);
    let scale = slope.abs().max(1.0);
    // Both sides differ by more than curvature does: a kink lies between.
    if !slope.is_finite() || ((after - here) - (here - before)).abs() / h / scale > 1e-3 {
        return None;
    }
    let point = reference.run(x).unwrap();
    let borrowed: Vec<_> = seeds
        .iter()
        .map(|(id, seed)| (*id, seed.as_slice()))
        .collect();
    let gradient = reference.gradient(&point, &borrowed).unwrap();
    let found: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
    Some((found - slope).abs() / scale)
}

/// First words of the cases of operators that are claimed: all of these run, but for those whose
/// refusal names one of [`REFUSED`].
const CLAIMED: [&str; 144] = [
    "abs",
    "add",
    "and",
    "and2d",
    "and3d",
    "and4d",
    "argmax",
    "argmin",
    "attention",
    "averagepool",
    "avgpool1d",
    "avgpool2d",
    "batchnorm",
    "batchnorm1d",
    "batchnorm2d",
    "batchnorm3d",
    "cast",
    "castlike",
    "ceil",
    "celu",
    "clip",
    "concat",
    "constant",
    "constantofshape",
    "constantpad2d",
    "conv",
    "conv1d",
    "conv2d",
    "convinteger",
    "convtranspose",
    "convtranspose2d",
    "cos",
    "cumsum",
    "depthtospace",
    "dequantizelinear",
    "div",
    "dropout",
    "edge",
    "einsum",
    "elu",
    "embedding",
    "equal",
    "erf",
    "exp",
    "expand",
    "eyelike",
    "flatten",
    "floor",
    "gather",
    "gathernd",
    "gelu",
    "gemm",
    "globalaveragepool",
    "globalmaxpool",
    "glu",
    "greater",
    "group",
    "hardsigmoid",
    "hardswish",
    "identity",
    "instancenorm",
    "isinf",
    "isnan",
    "l1normalization",
    "l2normalization",
    "layer",
    "leakyrelu",
    "less",
    "log",
    "logsoftmax",
    "lpnormalization",
    "lppool",
    "lrn",
    "matmul",
    "matmulinteger",
    "max",
    "maxpool",
    "maxpool1d",
    "maxpool2d",
    "mean",
    "min",
    "mish",
    "mod",
    "mul",
    "mvn",
    "neg",
    "nonzero",
    "not",
    "onehot",
    "or",
    "or2d",
    "or3d",
    "or4d",
    "pixelshuffle",
    "poissonnlllloss",
    "pow",
    "prelu",
    "qlinearconv",
    "qlinearmatmul",
    "quantizelinear",
    "range",
    "reciprocal",
    "reduce",
    "reflect",
    "reflectionpad2d",
    "relu",
    "replicationpad2d",
    "reshape",
    "resize",
    "rms",
    "round",
    "scatternd",
    "selu",
    "shape",
    "sigmoid",
    "sign",
    "sin",
    "size",
    "slice",
    "softmax",
    "softmin",
    "softplus",
    "softsign",
    "spacetodepth",
    "split",
    "sqrt",
    "squeeze",
    "sub",
    "sum",
    "swish",
    "tanh",
    "tile",
    "transpose",
    "tril",
    "triu",
    "unsqueeze",
    "upsample",
    "where",
    "wrap",
    "xor",
    "xor2d",
    "xor3d",
    "xor4d",
    "zeropad2d",
];

/// Why a claimed operator's case may be refused.
const REFUSED: [(&str, &str); 25] = [
    ("adds up what it writes", "only training scatters so"),
    ("channels before a block", "no exporter writes it yet"),
    ("listed as different", "see above"),
    (
        "no array",
        "its inputs or outputs are sequences or optional values",
    ),
    ("has 3 axes", "a picture has two"),
    ("type is float8", "float types of 8 bits"),
    ("type is float4", "float types of 4 bits"),
    ("type is int2", "types of 2 bits"),
    ("type is uint2", "types of 2 bits"),
    ("type is string", "text"),
    ("too few bits", "casts to types of 2 or 4 bits"),
    ("there is nothing to compute with", "empty arrays"),
    ("it multiplies nothing", "empty arrays"),
    ("is empty", "empty arrays"),
    (
        "takes the last of equal ones",
        "nobody's classifier asks for it",
    ),
    (
        "words",
        "attention that goes on from words before, or counts them, is of language models",
    ),
    ("inner results", "results of attention before its end"),
    ("window_size", "newer than the newest exporter"),
    ("p is", "norms other than 1 and 2"),
    (
        "rounds in blocks",
        "QuantizeLinear of blocks of an activation",
    ),
    (
        "takes a diagonal",
        "Einsum that names a letter twice in one input",
    ),
    (
        "coordinates are “tf_crop_and_resize”",
        "Resize of a part of a picture",
    ),
    ("Loop, at “Range", "Range as a function that loops"),
    ("training mode", "batch normalisation that learns"),
    ("OptionalHasElement", "optional values"),
];

/// What a case is about: the first word of its name.
fn family(name: &str) -> String {
    let name = name.trim_start_matches("test_").to_lowercase();
    name.split('_').next().unwrap_or_default().to_owned()
}

#[test]
fn node_and_pytorch_cases() {
    let Some(folder) = folder() else { return };
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut refusals: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in ["node", "simple", "pytorch-operator", "pytorch-converted"] {
        let mut places: Vec<_> = fs::read_dir(folder.join(kind))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        places.sort();
        for place in places {
            let case = match read(&place) {
                Ok(case) => case,
                Err(reason) => {
                    let name = place.file_name().unwrap().to_str().unwrap().to_owned();
                    rows.entry(family(&name)).or_default().refused += 1;
                    refusals
                        .entry(family(&name))
                        .or_default()
                        .push(format!("{name}: {reason}"));
                    continue;
                }
            };
            let row = rows.entry(family(&case.name)).or_default();
            let outcome =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&case, row)));
            match outcome.unwrap_or_else(|_| Err(Problem::Wrong("it panics".into()))) {
                Ok(()) => {}
                Err(Problem::Refused(reason)) => {
                    row.refused += 1;
                    refusals
                        .entry(family(&case.name))
                        .or_default()
                        .push(format!("{}: {reason}", case.name));
                }
                Err(Problem::Wrong(what)) => wrong.push(format!("{}: {what}", case.name)),
            }
        }
    }
    println!("cases                  forward refused pictures gradients kinks");
    let mut all = Row::default();
    for (name, row) in &rows {
        println!(
            "{name:<22} {:>7} {:>7} {:>8} {:>9} {:>5}",
            row.forward, row.refused, row.pictures, row.gradients, row.kinks
        );
        all.forward += row.forward;
        all.refused += row.refused;
        all.pictures += row.pictures;
        all.gradients += row.gradients;
        all.kinks += row.kinks;
    }
    println!(
        "{:<22} {:>7} {:>7} {:>8} {:>9} {:>5}",
        "all", all.forward, all.refused, all.pictures, all.gradients, all.kinks
    );
    if std::env::var_os("VIOLET_REFUSALS").is_some() {
        for line in refusals.values().flatten() {
            println!("refused {line}");
        }
    }
    for line in &wrong {
        println!("WRONG {line}");
    }
    let unexpected: Vec<&String> = refusals
        .iter()
        .filter(|(family, _)| CLAIMED.contains(&family.as_str()))
        .flat_map(|(_, lines)| lines)
        .filter(|line| !REFUSED.iter().any(|(part, _)| line.contains(part)))
        .collect();
    for line in &unexpected {
        println!("UNEXPECTED {line}");
    }
    assert!(
        unexpected.is_empty(),
        "{} claimed cases are refused",
        unexpected.len()
    );
    assert!(all.forward > 500, "only {} cases were found", all.forward);
    assert!(wrong.is_empty(), "{} cases are wrong", wrong.len());
}

enum Problem {
    Refused(String),
    Wrong(String),
}

fn run(case: &Case, row: &mut Row) -> Result<(), Problem> {
    if DIFFERENT.iter().any(|(part, _)| case.name.contains(part)) {
        return Err(Problem::Refused("listed as different".into()));
    }
    let made = onnx::evaluate(&case.model, &[], &case.given())
        .map_err(|error| Problem::Refused(error.to_string()))?;
    for (index, (found, expected)) in made.iter().zip(&case.outputs).enumerate() {
        let Some(found) = found else { continue };
        if found.shape() != expected.shape() {
            let (found, expected) = (found.shape(), expected.shape());
            return Err(Problem::Wrong(format!(
                "output {index} has shape {found:?}, not {expected:?}"
            )));
        }
        let off = difference(&found.to_f64(), &expected.to_f64());
        if off.is_nan() || off > tolerance(&case.name, largest(&expected.to_f64())) {
            return Err(Problem::Wrong(format!(
                "output {index} is off by {off:.1e}"
            )));
        }
    }
    row.forward += 1;
    for (name, value) in &case.inputs {
        let Data::F32(data) = value.data() else {
            continue;
        };
        let is_picture = !value.shape().contains(&0) && data.iter().all(|x| x.is_finite());
        if !is_picture {
            continue;
        }
        let given: Vec<_> = case
            .given()
            .into_iter()
            .filter(|(other, _)| other != name)
            .collect();
        // What has to be a constant is refused here.
        let Ok(graph) = onnx::graph(&case.model, &[], (name, value.shape()), &given) else {
            continue;
        };
        let x: Vec<f64> = data.iter().map(|&x| x.into()).collect();
        let outputs = Reference::new(&graph).outputs(&x).unwrap();
        let (_, names) = onnx::names(&case.model).unwrap();
        let mut compared = false;
        for (output, found) in graph.outputs().iter().zip(&outputs) {
            // A part that was cut off leaves values in its place that are no outputs.
            let Some(index) = names.iter().position(|name| *name == output.name) else {
                continue;
            };
            // Where it would be rounded, the picture's output is what the integers stand for.
            if output.head != violet_graph::Head::None || case.name.contains("quantizelinear") {
                continue;
            }
            let expected = case.outputs[index].to_f64();
            let off = difference(found, &expected);
            if off.is_nan() || off > tolerance(&case.name, largest(&expected)) {
                return Err(Problem::Wrong(format!(
                    "of the picture “{name}”, off by {off:.1e}"
                )));
            }
            compared = true;
        }
        if !compared {
            continue;
        }
        row.pictures += 1;
        // A vector of zeros is divided by its length: there is no slope.
        if case.name == "test_l2normalization_axis_0" {
            continue;
        }
        match slopes_agree(&graph, &x) {
            None => row.kinks += 1,
            Some(off) if off < 1e-4 => row.gradients += 1,
            Some(off) => {
                return Err(Problem::Wrong(format!(
                    "slope of “{name}” is off by {off:.1e}"
                )));
            }
        }
    }
    Ok(())
}

#[test]
fn light_networks() {
    let Some(folder) = folder() else { return };
    let mut places: Vec<_> = fs::read_dir(folder.join("light"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    places.retain(|place| place.extension().is_some_and(|ending| ending == "onnx"));
    places.sort();
    for place in &places {
        let model = fs::read(place).unwrap();
        let name = place.file_stem().unwrap().to_str().unwrap();
        let output = place.with_file_name(format!("{name}_output_0.pb"));
        let (_, expected) = onnx::tensor(&fs::read(output).unwrap()).unwrap();
        let imported = onnx::import(&model, &[], &violet_import::Options::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let graph = &imported.graph;
        // As onnx's runner makes it: 0, 1 / n, 2 / n …
        let n = graph.value(graph.input()).elements();
        let x: Vec<f64> = (0..n).map(|k| f64::from(k as f32 / n as f32)).collect();
        let started = std::time::Instant::now();
        let found = Reference::new(graph).outputs(&x).unwrap().remove(0);
        let off = difference(&found, &expected.to_f64());
        eprintln!(
            "{name}: off by {off:.1e}, {:.1} s",
            started.elapsed().as_secs_f64()
        );
        assert!(off < 1e-4, "{name} is off by {off:.1e}");
    }
    assert!(places.len() >= 9);
}
