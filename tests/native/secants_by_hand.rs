//! docs/secants/secants.py, captum and the engine say the same of the same small network.
//!
//! `tests/golden/secants.json` is what the first two said:
//!
//! ```sh
//! python3 docs/secants/secants.py --captum > tests/golden/secants.json
//! ```

use std::ops::ControlFlow;
use std::process::Command;

use burn::tensor::{Device, Tensor, TensorData};
use serde_json::Value;
use violet::Result;
use violet::attribution::{Rule, Walk};
use violet::explain::Explained;
use violet::model::{Arrangement, Network, Target};
use violet_graph::{Builder, Constant};

use crate::common::{noise, relative_error, root, skip};

/// As in secants.py: layers of rectifiers, and one output.
const SIZES: [usize; 4] = [6, 40, 30, 1];

/// The network of secants.py, as any that is read from a file.
fn network() -> Result<Network> {
    let mut builder = Builder::new(&[SIZES[0], 1, 1])?;
    let mut x = builder.reshape(builder.input(), &[-1])?;
    for (k, pair) in SIZES.windows(2).enumerate() {
        let [inputs, outputs] = [pair[0], pair[1]];
        let values = |name: &str, count| noise(&format!("{name}{k}"), count).collect::<Vec<_>>();
        let weight = Constant::f32(&[outputs, inputs], values("w", inputs * outputs))?;
        let bias = Constant::f32(&[outputs], values("b", outputs))?;
        let (weight, bias) = (builder.constant(weight)?, builder.constant(bias)?);
        x = builder.linear(x, weight, Some(bias))?;
        if k + 2 < SIZES.len() {
            x = builder.relu(x)?;
        }
    }
    builder.output("F", x);
    let graph = builder.finish()?.prepared()?;
    Network::of_graph(graph, "F", Arrangement::default(), &Device::flex())
}

fn list(of: &Value, key: &str) -> Vec<f32> {
    let values = of[key].as_array().unwrap().iter();
    values.map(|v| v.as_f64().unwrap() as f32).collect()
}

fn golden() -> Value {
    let text = std::fs::read(root().join("tests/golden/secants.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn forty_lines_of_python_and_captum_and_the_engine_agree() -> Result<()> {
    let golden = golden();
    let network = network()?;
    let [x, x0] = ["x", "x0"].map(|name| noise(name, SIZES[0]).collect::<Vec<f32>>());
    let image = |values: &[f32]| {
        let data = TensorData::new(values.to_vec(), [1, SIZES[0], 1, 1]);
        Tensor::<4>::from_data(data, network.device())
    };
    let change = golden["change"].as_f64().unwrap();
    for n_steps in [1, 4, 64] {
        for at_a_time in [1, 3] {
            let explained = Explained::new(&network, Target::output(0));
            let mut walk = Walk::new(explained, image(&x), image(&x0));
            let secants = Rule::Secant.quadrature(n_steps)?;
            let sum = walk.integrate(&secants, at_a_time, |_| ControlFlow::Continue(()));
            let ours = pollster::block_on(sum)?.unwrap().attributions(&x, &x0)?;
            let error = relative_error(&ours.values, &list(&golden, &n_steps.to_string()));
            println!("{n_steps} secants, {at_a_time} at a time: {error:.1e}");
            assert!(error < 1e-5, "{n_steps}: {error}");
            assert!((ours.sum - change).abs() < 1e-5 * change.abs());
            if n_steps == 1 {
                // One secant from end to end is DeepLIFT's Rescale rule.
                let error = relative_error(&ours.values, &list(&golden, "captum"));
                assert!(error < 1e-5, "captum: {error}");
            }
        }
    }
    Ok(())
}

#[test]
fn the_python_still_says_what_it_said() {
    let script = root().join("docs/secants/secants.py");
    // What Debian's packages are for is perhaps not the first Python.
    let answers = ["python3", "/usr/bin/python3"]
        .map(|python| Command::new(python).arg(&script).output().ok())
        .into_iter()
        .flatten();
    let Some(answer) = answers.into_iter().find(|answer| answer.status.success()) else {
        skip("python3 has no numpy");
        return;
    };
    let (theirs, golden): (Value, Value) =
        (serde_json::from_slice(&answer.stdout).unwrap(), golden());
    for key in ["1", "4", "64"] {
        let error = relative_error(&list(&theirs, key), &list(&golden, key));
        assert!(error < 1e-6, "{key}: {error}");
    }
}
