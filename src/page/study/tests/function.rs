//! A function whose gradient is known, in the place of a network: the pool's one worker asks it,
//! and what comes is written down.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pollster::block_on;

use crate::attribution::{
    Attributions, Baseline, PartialSum, PathSample, Perturbation, Quadrature, Slopes, interpolate,
};
use crate::device::DeviceKind;
use crate::model::{ModelSpec, Randomised, Target};
use crate::page::pool::{Host, NoAnswer, Pool, Weights, Worker};
use crate::page::study::{Desk, Study};
use crate::page::{Explanation, Panel, PictureId, Prepared, Settings};
use crate::protocol::{Failure, Request, Response, Source, Truth};
use crate::shapes::{SIZE, Shape, Tag};
use crate::words::Phrase;

pub(super) const AREA: usize = SIZE * SIZE;
/// How much more an answer is worth where it is light, and what both halves come to only together.
pub(super) const SLOPE: f64 = 4.0;
pub(super) const TOGETHER: f64 = 0.5;

pub(super) fn is_left(k: usize) -> bool {
    k % SIZE < SIZE / 2
}

/// The mean of a half of an input.
pub(super) fn mean(input: &[f32], left: bool) -> f64 {
    let values = input
        .iter()
        .enumerate()
        .filter(|(k, _)| is_left(*k) == left);
    values.map(|(_, &v)| f64::from(v)).sum::<f64>() / (3 * AREA / 2) as f64
}

/// A network: how light the left half is, and both together; how light the right half is; and
/// nothing.
pub(super) fn logits(input: &[f32], forgot: bool) -> Vec<f32> {
    let [left, right] = [true, false].map(|half| mean(input, half != forgot));
    let both = TOGETHER * left * right;
    [SLOPE * left + both, SLOPE * right, -SLOPE]
        .map(|v| v as f32)
        .to_vec()
}

/// What an output's gradient is for every value.
fn gradient(input: &[f32], output: usize, forgot: bool) -> Vec<f32> {
    let [left, right] = [true, false].map(|half| mean(input, half != forgot));
    let of = |k: usize| match (output, is_left(k) != forgot) {
        (0, true) => SLOPE + TOGETHER * right,
        (0, false) => TOGETHER * left,
        (1, false) => SLOPE,
        _ => 0.0,
    };
    let each = (3 * AREA / 2) as f64;
    (0..3 * AREA).map(|k| (of(k) / each) as f32).collect()
}

/// What answers for that network, and writes down what was asked.
#[derive(Default)]
pub(in crate::page) struct Function {
    pub(super) ends: RefCell<[Vec<f32>; 2]>,
    pub(super) forgot: Cell<bool>,
    pub(super) asked: RefCell<Vec<String>>,
    /// How many questions are wanted; all, where nothing is said.
    pub(super) wanted: Option<usize>,
    /// The question that fails.
    pub(super) fails: Option<usize>,
    /// What was asked and shown when nobody wanted it any more.
    pub(super) late: Cell<usize>,
}

impl Function {
    fn is_wanted(&self) -> bool {
        let asked = self.asked.borrow().len();
        self.wanted.is_none_or(|wanted| asked < wanted)
    }

    fn note_late(&self) {
        if !self.is_wanted() {
            self.late.set(self.late.get() + 1);
        }
    }

    fn ask(&self, what: &str) -> Result<(), Failure> {
        self.note_late();
        self.asked.borrow_mut().push(what.into());
        match self.fails == Some(self.asked.borrow().len()) {
            true => Err(Failure::internal("it fails here")),
            false => Ok(()),
        }
    }

    fn f(&self, input: &[f32], target: Target) -> f32 {
        target.of(&logits(input, self.forgot.get()), false)
    }

    /// The weighted gradients at points of the kept path.
    fn sum(&self, target: Target, part: &Quadrature) -> PartialSum {
        let ends = self.ends.borrow();
        let [input, baseline] = &*ends;
        let mut sum = PartialSum::none(input.len());
        for (&alpha, &weight) in part.alphas.iter().zip(&part.step_sizes) {
            // F is quadratic: its mean gradient over an interval is the one in its middle.
            let back = match part.slopes {
                Slopes::Secant => weight / 2.0,
                _ => 0.0,
            };
            let there = interpolate(input, baseline, alpha - back);
            let of = |output: usize| gradient(&there, output, self.forgot.get());
            let mut own = of(target.output);
            if let Some(minus) = target.minus {
                let pairs = own.iter_mut().zip(of(minus));
                pairs.for_each(|(own, minus)| *own -= minus);
            }
            let ways = input.iter().zip(baseline).zip(&own);
            sum.samples.push(PathSample {
                alpha,
                output: self.f(&interpolate(input, baseline, alpha), target),
                slope: ways.map(|((x, x0), g)| g * (x - x0)).sum(),
            });
            let pairs = sum.gradient_sum.iter_mut().zip(&own);
            pairs.for_each(|(sum, g)| *sum += g * weight as f32);
        }
        sum
    }

    /// The kept input, or its baseline, with the first pixels of an order exchanged.
    fn exchanged(&self, way: Perturbation, order: &[u32]) -> Vec<f32> {
        let ends = self.ends.borrow();
        let (mut there, to) = match way {
            Perturbation::Deletion => (ends[0].clone(), &ends[1]),
            Perturbation::Insertion => (ends[1].clone(), &ends[0]),
        };
        for &pixel in order {
            for at in (0..3).map(|c| c * AREA + pixel as usize) {
                there[at] = to[at];
            }
        }
        there
    }

    fn answer(&self, request: &Request) -> Result<Response, Failure> {
        Ok(match request {
            Request::Start { .. } => Response::Ready,
            Request::Load { randomised, .. } => {
                self.forgot.set(randomised.is_some());
                Response::Loaded { most_images: 1 }
            }
            Request::Keep { input, baseline } => {
                self.ask("keep")?;
                self.ends.replace([input.clone(), baseline.clone()]);
                Response::Ready
            }
            Request::Look { input } => {
                self.ask("look")?;
                Response::Outputs(logits(input, self.forgot.get()))
            }
            Request::Sum { target, part } => {
                self.ask("gradient")?;
                Response::Summed(self.sum(*target, part))
            }
            Request::Cover {
                target,
                regions,
                covered,
            } => {
                self.ask("cover")?;
                let ends = self.ends.borrow();
                let outputs = covered.iter().flat_map(|covered| {
                    let there = crate::regions::cover(regions, covered, &ends[0], &ends[1]);
                    match target {
                        Some(target) => vec![self.f(&there, *target)],
                        None => logits(&there, self.forgot.get()),
                    }
                });
                Response::Outputs(outputs.collect())
            }
            Request::Perturb {
                target,
                perturbation,
                order,
                counts,
            } => {
                self.ask("perturb")?;
                let output = |&count: &u32| {
                    let there = self.exchanged(*perturbation, &order[..count as usize]);
                    self.f(&there, *target)
                };
                Response::Outputs(counts.iter().map(output).collect())
            }
            Request::ClassActivation { .. } => {
                self.ask("class activation")?;
                Response::Map {
                    height: 1,
                    width: 2,
                    values: vec![1.0, 0.0],
                }
            }
            Request::Scene { seed, .. } => {
                self.ask(&format!("scene {seed}"))?;
                Response::Scene {
                    rgb: vec![200; 3 * AREA],
                    truth: Truth {
                        shape: Shape::Disc,
                        inside: (0..AREA).map(is_left).collect(),
                        tagged: (0..AREA).map(|k| !is_left(k)).collect(),
                    },
                }
            }
            other => panic!("no study asks {other:?}"),
        })
    }
}

/// The one worker that asks the function.
pub(in crate::page) struct Alone(Rc<Function>);

impl Worker for Alone {
    type Bytes = ();

    async fn ask(&self, request: &Request, _: &[()]) -> Result<Response, NoAnswer> {
        self.0.answer(request).map_err(NoAnswer::Failed)
    }

    fn epitaph(&self) -> Option<String> {
        None
    }
}

impl Host for Rc<Function> {
    type Worker = Alone;

    fn start(&self) -> Result<Alone, NoAnswer> {
        Ok(Alone(Rc::clone(self)))
    }

    fn memory_gib(&self) -> Option<f64> {
        None
    }

    fn now(&self) -> f64 {
        0.0
    }

    fn replaced(&self, epitaph: &str) {
        panic!("nobody dies here: {epitaph}");
    }

    async fn decode(&self, (): &()) -> Result<(), Failure> {
        Err(Failure::internal("there is no photo"))
    }
}

/// Where what comes is written down.
pub(super) struct Paper {
    pub(super) function: Rc<Function>,
    pool: Pool<Rc<Function>>,
    pub(super) shown: RefCell<Panel>,
    pub(super) said: RefCell<Vec<String>>,
}

impl Desk for Paper {
    type Host = Rc<Function>;

    fn pool(&self) -> &Pool<Rc<Function>> {
        &self.pool
    }

    fn is_wanted(&self) -> bool {
        self.function.is_wanted()
    }

    fn put(&self, panel: &Panel) {
        self.function.note_late();
        self.shown.borrow_mut().append(panel.clone());
    }

    fn open(&self, _: &str, _: &Rc<Explanation>) {
        self.function.note_late();
    }

    fn wait(&self, _: Phrase) {}

    fn start_clock(&self) {}

    fn progress(&self, done: usize, all: usize, what: Phrase) {
        assert!(done <= all, "{done} of {all}");
        let said = crate::page::part::tests::english(&what);
        self.said.borrow_mut().push(said);
    }

    fn lend_path(&self) {
        self.function.note_late();
    }

    async fn load(&self, network: &str, forgot: Option<Randomised>) -> Result<(), Failure> {
        self.function.ask(&format!("load {network}"))?;
        let spec = spec();
        let weights = Weights {
            source: Source::Published {
                architecture: spec.architecture,
                preprocessing: spec.preprocessing,
                sha256: String::new(),
            },
            bytes: (),
            memory: 0,
            randomised: forgot,
        };
        self.pool.load(&weights).await
    }

    async fn take_back(&self, of: &Explanation) -> Result<(), Failure> {
        self.load("again", None).await?;
        if !self.is_wanted() {
            return Ok(());
        }
        self.pool
            .keep(&of.prepared.input, &of.prepared.baseline)
            .await
    }

    async fn prepare(&self, baseline: Baseline) -> Result<Prepared, Failure> {
        self.function.ask("prepare")?;
        Ok(prepared(baseline.colour().unwrap_or([9, 8, 7])))
    }
}

pub(super) fn spec() -> ModelSpec {
    ModelSpec::from_name("shapesnet").unwrap().clone()
}

/// A picture that is a little lighter on its left, with a texture, from a baseline of one colour.
fn prepared(baseline: [u8; 3]) -> Prepared {
    let preprocessing = spec().preprocessing;
    let pixel = |k: usize| {
        let light = if is_left(k) { 140 } else { 120 };
        [(light + k / SIZE % 3) as f32; 3]
    };
    let input = preprocessing.planes((0..AREA).map(pixel));
    let baseline = crate::page::plain_picture(baseline, &preprocessing);
    Prepared {
        logits_input: logits(&input, false),
        logits_baseline: logits(&baseline, false),
        input,
        baseline,
        ..Prepared::default()
    }
}

/// The explanation of “the left half is light”, whose attributions add up.
pub(in crate::page) fn explanation() -> Explanation {
    let mut settings = Settings::default();
    settings.set_picture(Some(PictureId::Scene {
        seed: 1,
        tag: Tag::None,
    }));
    settings.output = Some(0);
    let prepared = prepared([0; 3]);
    let ends = [&prepared.logits_baseline, &prepared.logits_input];
    let ends = ends.map(|logits| logits[0]);
    // The gradient is linear along the path: the midpoint's is its mean.
    let middle = interpolate(&prepared.input, &prepared.baseline, 0.5);
    let gradient = gradient(&middle, 0, false);
    let ways = prepared.input.iter().zip(&prepared.baseline).zip(gradient);
    let values: Vec<f32> = ways.map(|((x, x0), g)| (x - x0) * g).collect();
    let sum = values.iter().map(|&v| f64::from(v)).sum();
    Explanation {
        spec: spec(),
        prepared: Rc::new(prepared),
        attributions: Attributions { values, sum },
        ends,
        ..Explanation::for_tests(settings, 51)
    }
}

pub(super) fn study(of: &Explanation, function: Function) -> Study<Paper> {
    let prepared = &of.prepared;
    function
        .ends
        .replace([prepared.input.clone(), prepared.baseline.clone()]);
    let function = Rc::new(function);
    let host = Rc::clone(&function);
    let pool = block_on(Pool::start(host, DeviceKind::Cpu, String::new(), 1));
    Study {
        desk: Paper {
            function,
            pool: pool.unwrap(),
            shown: RefCell::default(),
            said: RefCell::default(),
        },
    }
}
