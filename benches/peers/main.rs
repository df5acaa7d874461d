//! Violet, and Burn's plain operations, as `benches/peers.py` asks them: each line it sends, `forward` or `gradient`,
//! is run once on one thread, and answered by the seconds of processor time that it took.
//!
//! ```sh
//! cargo bench --bench peers -- violet|burn efficientnet-lite0|resnet18
//! ```
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]

#[path = "../../tests/native/common.rs"]
mod common;
#[path = "../../src/bin/violet/memory.rs"]
mod memory;
mod plain;

use burn::tensor::{Device, Tensor, TensorData};
use common::{noise, random_resnet18};
use plain::Plain;
use violet::model::{Architecture, Checkpoint, ModelSpec, Network, Target};

const SIDE: usize = 224;
/// The class that gradients are of.
const CLASS: usize = 1;

/// One network of one engine.
enum Engine {
    Violet(Box<Network>),
    Burn(Plain),
}

fn main() {
    memory::keep();
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let [engine, model] = &words[..] else {
        println!("usage: cargo bench --bench peers -- violet|burn MODEL, as benches/peers.py does");
        return;
    };
    let architecture = ModelSpec::from_name(model).unwrap().architecture;
    let device = Device::flex();
    let engine = match &**engine {
        "violet" => {
            let network = Network::load(architecture, checkpoint(architecture), &device);
            Engine::Violet(Box::new(network.unwrap()))
        }
        "burn" => {
            let graph = architecture.graph(checkpoint(architecture), [SIDE; 2]);
            Engine::Burn(Plain::new(graph.unwrap(), &device.autodiff()))
        }
        other => panic!("no engine “{other}”"),
    };
    let values: Vec<f32> = noise("x", 3 * SIDE * SIDE).collect();
    let image = || {
        let data = TensorData::new(values.clone(), [1, 3, SIDE, SIDE]);
        Tensor::<4>::from_data(data, &Device::flex().autodiff())
    };
    // The logits, for whoever wants to know whether all of them run the same network.
    let logits = engine
        .logits(image())
        .into_data()
        .try_to_vec::<f32>()
        .unwrap();
    println!("{}", serde_json::to_string(&logits[..5]).unwrap());
    for line in std::io::stdin().lines() {
        let x = image();
        let start = processor_seconds();
        match line.unwrap().trim() {
            "forward" => drop(engine.logits(x).inner().into_data()),
            "gradient" => {
                let x = x.require_grad();
                let gradients = engine.class(x.clone()).backward();
                drop(x.grad(&gradients).unwrap().into_data());
            }
            other => panic!("what is “{other}”?"),
        }
        println!("{}", processor_seconds() - start);
    }
}

/// What this process has taken of the processor so far.
fn processor_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: it writes one timespec.
    #[allow(unsafe_code)]
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "every Unix has this clock");
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The original EfficientNet-Lite0; ResNet-18 with random weights, as the time does not depend on them.
fn checkpoint(architecture: Architecture) -> Checkpoint {
    match architecture {
        Architecture::ResNet18 => random_resnet18().unwrap(),
        _ => {
            let file = common::original("efficientnet-lite0-57934424.pth");
            common::pytorch(&file.expect("scripts/weights.sh fetches it")).unwrap()
        }
    }
}

impl Engine {
    fn logits(&self, x: Tensor<4>) -> Tensor<2> {
        match self {
            Engine::Violet(network) => network.logits(x),
            Engine::Burn(plain) => plain.logits(x),
        }
    }

    fn class(&self, x: Tensor<4>) -> Tensor<1> {
        match self {
            Engine::Violet(network) => network.output(x, Target::output(CLASS)),
            Engine::Burn(plain) => plain.logits(x).narrow(1, CLASS, 1).sum(),
        }
    }
}
