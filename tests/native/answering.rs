//! A worker is asked as the page asks one, and says what the engine says.

use violet::attribution::{Baseline, Rule, Slopes};
use violet::explain::{Answering, Body, Explainer};
use violet::model::{ModelSpec, Opened, Target, Wishes};
use violet::protocol::{FailureCode, Request, Response, Source};
use violet::shapes::Tag;
use violet_import::File;

use burn::tensor::Device;

use crate::common::{self, relative_error};

struct Bytes(Vec<u8>);

impl Body for Bytes {
    fn bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn floats(&self, from: usize, length: usize) -> Vec<f32> {
        let (floats, _) = self.0[4 * from..].as_chunks::<4>();
        let floats = floats.iter().take(length);
        floats.map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }
}

fn ask(worker: &mut Answering, request: Request, bodies: &[Bytes]) -> Response {
    let mut time = 0.0;
    let clock = std::cell::RefCell::new(&mut time);
    let now = || {
        **clock.borrow_mut() += 5.0;
        **clock.borrow()
    };
    pollster::block_on(worker.answer(request, bodies, now)).unwrap()
}

fn refused(worker: &mut Answering, request: Request) -> FailureCode {
    let none: &[Bytes] = &[];
    pollster::block_on(worker.answer(request, none, || 0.0))
        .unwrap_err()
        .code
}

/// ShapesNet, as the page hands it over.
fn published() -> (Request, Vec<Bytes>) {
    let spec = ModelSpec::from_name("shapesnet").unwrap();
    let bytes = std::fs::read(common::root().join("weights/shapesnet.safetensors")).unwrap();
    let request = Request::Load {
        source: Source::Published {
            architecture: spec.architecture,
            preprocessing: spec.preprocessing,
            sha256: violet::model::checkpoint::sha256(&bytes),
        },
        randomised: None,
    };
    (request, vec![Bytes(bytes)])
}

fn started() -> Answering {
    let mut worker = Answering::default();
    worker.start(Device::flex());
    worker
}

#[test]
fn what_was_not_asked_before_is_said() {
    let mut worker = Answering::default();
    let target = Target::output(0);
    let part = Rule::Secant.quadrature(2).unwrap();
    for request in [
        published().0,
        Request::Prepare {
            baseline: Baseline::Black,
        },
        Request::Sum { target, part },
        Request::Look { input: Vec::new() },
        Request::Read {
            files: Vec::new(),
            wishes: Wishes::default(),
        },
    ] {
        assert_eq!(refused(&mut worker, request), FailureCode::Internal);
    }
    let nothing = refused(&mut worker, Request::Open { preview_side: 9 });
    assert_eq!(nothing, FailureCode::EmptyFile);
}

#[test]
fn a_scene_is_explained_question_by_question_and_adds_up() {
    let mut worker = started();
    let (load, weights) = published();
    let Response::Loaded { most_images } = ask(&mut worker, load, &weights) else {
        panic!("not loaded")
    };
    assert!(most_images > 1);
    let rehearse = Request::Rehearse {
        slopes: Slopes::Secant,
        gradients: 2,
        timed: true,
    };
    let Response::Rehearsed { pass_ms } = ask(&mut worker, rehearse, &[]) else {
        panic!("not rehearsed")
    };
    assert_eq!(pass_ms, Some(5.0), "by the clock that it was given");
    let draw = Request::Draw {
        seed: 5,
        tag: Tag::default(),
    };
    let Response::Opened {
        width,
        incomplete,
        truth,
        preview,
        preview_width,
        ..
    } = ask(&mut worker, draw, &[])
    else {
        panic!("not drawn")
    };
    assert!(!incomplete && truth.is_some());
    assert_eq!(
        (preview_width, preview.len() as u32),
        (width, 4 * width * width)
    );
    let prepare = Request::Prepare {
        baseline: Baseline::Black,
    };
    let Response::Prepared {
        input,
        baseline,
        logits_input,
        logits_baseline,
        ..
    } = ask(&mut worker, prepare, &[])
    else {
        panic!("not prepared")
    };
    let keep = Request::Keep {
        input: input.clone(),
        baseline: baseline.clone(),
    };
    assert!(matches!(ask(&mut worker, keep, &[]), Response::Kept));
    // Two halves of one rule, by one walk.
    let quadrature = Rule::Secant.quadrature(6).unwrap();
    let target = Target::output(1);
    let sums = [0..3, 3..6].map(|half| {
        let part = quadrature.slice(half);
        match ask(&mut worker, Request::Sum { target, part }, &[]) {
            Response::Summed(sum) => sum,
            _ => panic!("not summed"),
        }
    });
    let attributed: f64 = sums
        .iter()
        .flat_map(|sum| sum.gradient_sum.iter().zip(input.iter().zip(&baseline)))
        .map(|(&slope, (&x, &x0))| f64::from(slope) * f64::from(x - x0))
        .sum();
    let change = f64::from(logits_input[1]) - f64::from(logits_baseline[1]);
    assert!(
        (attributed - change).abs() < 1e-3 * change.abs().max(1.0),
        "{attributed} {change}"
    );
    // The same photo again, by itself.
    let look = Request::Look { input };
    let Response::Outputs(outputs) = ask(&mut worker, look, &[]) else {
        panic!("not looked at")
    };
    assert!(relative_error(&outputs, &logits_input) < 1e-6);
}

#[test]
fn a_network_that_was_read_answers_in_a_worker_as_where_it_was_read() {
    let path = common::root().join("src/import/tests/data/onnx/float16.onnx");
    let file = File::new("float16.onnx", std::fs::read(path).unwrap());
    let definition = Opened::read(vec![file], &Wishes::default())
        .unwrap()
        .definition;
    let preprocessing = definition.preprocessing;
    let elements = definition.graph.elements();
    let elements = elements.flat_map(|elements| elements.iter().copied().collect::<Vec<_>>());
    let elements: Vec<u8> = elements.flat_map(f32::to_le_bytes).collect();
    let load = Request::Load {
        source: Source::Own {
            definition: postcard::to_stdvec(&definition.outline()).unwrap(),
        },
        randomised: None,
    };
    let mut worker = started();
    ask(&mut worker, load, &[Bytes(elements)]);
    let input: Vec<f32> = (0..preprocessing.input_len())
        .map(|k| (k % 17) as f32 / 17.0)
        .collect();
    let network = definition.network(&Device::flex()).unwrap();
    let here = Explainer::new(network, preprocessing);
    let expected = pollster::block_on(here.logits(&[&input])).unwrap();
    let Response::Outputs(outputs) = ask(&mut worker, Request::Look { input }, &[]) else {
        panic!("not looked at")
    };
    assert!(relative_error(&outputs, &expected) < 1e-6);
}
