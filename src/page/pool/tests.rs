//! Pools of workers that are plain code, with a clock that only their work moves.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::ops::Range;
use std::task::Poll;

use pollster::block_on;

use super::*;
use crate::attribution::{PartialSum, PathSample, Quadrature, Rule};
use crate::model::Target;
use crate::model::catalog::{CATALOG, ManifestEntry};

/// Where the workers are, and what becomes of them.
#[derive(Default)]
pub(in crate::page) struct Stand {
    /// Who was asked for what.
    asked: RefCell<Vec<(usize, &'static str)>>,
    started: Cell<usize>,
    replaced: Cell<usize>,
    /// Sums asked for so far, and those at which who is asked dies.
    sums: Cell<usize>,
    deadly: Range<usize>,
    clock: Cell<f64>,
    /// What a gradient takes,
    gradient_ms: Cell<f64>,
    /// and a pass, however many it has.
    launch_ms: Cell<f64>,
    memory_gib: Option<f64>,
    /// What the host makes of a photo that no worker can decode.
    decoded: Option<&'static str>,
}

pub(in crate::page) struct Plain {
    number: usize,
    stand: Rc<Stand>,
    model: Cell<bool>,
    path: Cell<bool>,
    /// The photo that it holds.
    photo: Cell<&'static str>,
    /// Values of the path's input.
    length: Cell<usize>,
    epitaph: RefCell<Option<String>>,
}

impl Stand {
    /// So many milliseconds pass.
    pub(in crate::page) fn pass(&self, milliseconds: f64) {
        self.clock.set(self.clock.get() + milliseconds);
    }

    /// A pass of so many gradients is made; how long it took.
    fn work(&self, gradients: usize) -> f64 {
        let took = self.launch_ms.get() + self.gradient_ms.get() * gradients as f64;
        self.pass(took);
        took
    }
}

impl Pool<Rc<Stand>> {
    pub(in crate::page) fn host_for_tests(&self) -> &Stand {
        &self.host
    }
}

impl Host for Rc<Stand> {
    type Worker = Plain;

    fn start(&self) -> Result<Plain, NoAnswer> {
        self.started.set(self.started.get() + 1);
        Ok(Plain {
            number: self.started.get(),
            stand: Rc::clone(self),
            model: Cell::default(),
            path: Cell::default(),
            photo: Cell::default(),
            length: Cell::default(),
            epitaph: RefCell::default(),
        })
    }

    fn memory_gib(&self) -> Option<f64> {
        self.memory_gib
    }

    fn now(&self) -> f64 {
        self.clock.get()
    }

    fn replaced(&self, epitaph: &str) {
        assert_eq!(epitaph, "out of memory");
        self.replaced.set(self.replaced.get() + 1);
    }

    async fn decode(&self, _: &&'static str) -> Result<&'static str, Failure> {
        self.decoded
            .ok_or_else(|| Failure::internal("nor can the host"))
    }
}

impl Plain {
    fn says(&self, code: FailureCode) -> Result<Response, NoAnswer> {
        Err(NoAnswer::Failed(Failure {
            code,
            detail: format!("worker {}", self.number),
        }))
    }

    fn note(&self, what: &'static str) {
        self.stand.asked.borrow_mut().push((self.number, what));
    }
}

impl Worker for Plain {
    type Bytes = &'static str;

    fn epitaph(&self) -> Option<String> {
        self.epitaph.borrow().clone()
    }

    async fn ask(&self, request: &Request, bodies: &[&'static str]) -> Result<Response, NoAnswer> {
        // The others have their turn.
        let mut waited = false;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            match std::mem::replace(&mut waited, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
        if let Some(epitaph) = self.epitaph() {
            return Err(NoAnswer::Lost(epitaph));
        }
        match request {
            Request::Start { .. } => Ok(Response::Ready),
            Request::Load { .. } => {
                self.note("load");
                self.model.set(true);
                self.path.set(false);
                Ok(Response::Loaded { most_images: 12 })
            }
            Request::Keep { input, .. } => {
                self.note("keep");
                self.length.set(input.len());
                self.path.set(true);
                Ok(Response::Kept)
            }
            Request::Open { .. } => match bodies[0] {
                "heic" => self.says(FailureCode::NotAPhoto),
                "huge" => self.says(FailureCode::PhotoTooLarge),
                what => {
                    self.note(what);
                    self.photo.set(what);
                    Ok(Response::Opened {
                        width: 400,
                        height: 300,
                        animated: false,
                        incomplete: false,
                        preview_width: 0,
                        preview_height: 0,
                        preview: Vec::new(),
                        truth: None,
                    })
                }
            },
            Request::Prepare { .. } if self.photo.get().is_empty() => {
                self.says(FailureCode::Internal)
            }
            Request::Prepare { .. } => Ok(Response::Prepared {
                crop: Default::default(),
                // What it looked at, by the length of its name.
                input: vec![self.photo.get().len() as f32],
                baseline: vec![0.0],
                logits_input: vec![2.0],
                logits_baseline: vec![0.5],
                detections: Vec::new(),
            }),
            Request::Sum { part, .. } => {
                assert!(self.model.get() && self.path.get(), "it holds what it sums");
                let sums = self.stand.sums.get();
                self.stand.sums.set(sums + 1);
                if self.stand.deadly.contains(&sums) {
                    self.epitaph.replace(Some("out of memory".into()));
                    return Err(NoAnswer::Lost("out of memory".into()));
                }
                self.stand.work(part.alphas.len());
                let sample = |&alpha: &f64| PathSample {
                    alpha,
                    output: 0.0,
                    slope: 0.0,
                };
                Ok(Response::Summed(PartialSum {
                    gradient_sum: vec![
                        part.step_sizes.iter().sum::<f64>() as f32;
                        self.length.get()
                    ],
                    samples: part.alphas.iter().map(sample).collect(),
                    starts: 0,
                }))
            }
            Request::Rehearse { gradients, .. } => Ok(Response::Rehearsed {
                pass_ms: Some(self.stand.work(*gradients)),
            }),
            // Each image is its own number, twice.
            Request::Cover { covered, .. } => Ok(Response::Outputs(
                covered
                    .iter()
                    .flat_map(|regions| [f32::from(regions[0]); 2])
                    .collect(),
            )),
            _ => Ok(Response::Kept),
        }
    }
}

fn pool(stand: Stand, device: DeviceKind, workers: usize) -> (Pool<Rc<Stand>>, Rc<Stand>) {
    let stand = Rc::new(stand);
    let pool = Pool::start(Rc::clone(&stand), device, String::new(), workers);
    (block_on(pool).expect("workers"), stand)
}

/// One worker, of whom a gradient takes so many milliseconds.
pub(in crate::page) fn timed(gradient_ms: f64) -> Pool<Rc<Stand>> {
    let stand = Stand::default();
    stand.gradient_ms.set(gradient_ms);
    pool(stand, DeviceKind::Cpu, 1).0
}

/// Of a network that takes so many bytes in each worker.
pub(in crate::page) fn weights(memory: u64) -> Weights<&'static str> {
    let entry = ManifestEntry {
        name: String::new(),
        file: String::new(),
        bytes: 0,
        sha256: String::new(),
    };
    Weights {
        memory,
        ..Weights::published(&CATALOG[0], &entry, "weights")
    }
}

/// Sums all of a rule; how many gradients each pass had, and every position that came.
fn summed(
    pool: &Pool<Rc<Stand>>,
    quadrature: &Quadrature,
    wanted: impl Fn(usize) -> bool,
) -> (Result<(), Failure>, Vec<usize>, Vec<f64>) {
    let (passes, positions) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let take = |sum: PartialSum| {
        passes.borrow_mut().push(sum.samples.len());
        let alphas = sum.samples.iter().map(|sample| sample.alpha);
        positions.borrow_mut().extend(alphas);
    };
    let done = block_on(async {
        pool.load(&weights(0)).await?;
        pool.keep(&[1.0], &[0.0]).await?;
        pool.sum(
            Target::output(0),
            quadrature.alphas.len(),
            |pieces| quadrature.slice(pieces),
            || wanted(positions.borrow().len()),
            take,
        )
        .await
    });
    let mut positions = positions.into_inner();
    positions.sort_by(f64::total_cmp);
    (done, passes.into_inner(), positions)
}

#[test]
fn a_gradient_is_timed_in_passes_as_long_as_those_of_a_mask() {
    let time = |device, gradient_ms, launch_ms| {
        let stand = Stand::default();
        stand.gradient_ms.set(gradient_ms);
        stand.launch_ms.set(launch_ms);
        let (pool, _) = pool(stand, device, 4);
        let known = RefCell::new(Vec::new());
        let each = block_on(async {
            pool.load(&weights(0)).await?;
            let told = |ms| known.borrow_mut().push(ms);
            pool.time_gradient(Slopes::Secant, told).await
        });
        assert_eq!(known.borrow().last().copied(), each.as_ref().ok().copied());
        (each, known.into_inner().len(), pool.pass.get())
    };
    // A card's launches take as long for twelve gradients, the most that fit, as for one.
    assert_eq!(time(DeviceKind::Gpu, 1.0, 48.0), (Ok(5.0), 5, 12));
    // What takes long enough is not made longer,
    assert_eq!(time(DeviceKind::Gpu, 60.0, 40.0), (Ok(80.0), 2, 2));
    assert_eq!(time(DeviceKind::Gpu, 200.0, 0.0), (Ok(200.0), 1, 1));
    // and a worker of the CPU takes one at a time.
    assert_eq!(time(DeviceKind::Cpu, 40.0, 2.0), (Ok(42.0), 1, 1));
}

#[test]
fn whoever_dies_is_replaced_and_every_gradient_is_in_once() {
    let quadrature = Rule::Trapezoid.quadrature(50).expect("51 points");
    for (deaths, workers) in [(0..0, 1), (0..3, 1), (4..7, 3), (50..51, 2)] {
        let lost = deaths.len();
        let stand = Stand {
            deadly: deaths,
            ..Stand::default()
        };
        let (pool, stand) = pool(stand, DeviceKind::Cpu, workers);
        let (done, passes, positions) = summed(&pool, &quadrature, |_| true);
        assert_eq!(done, Ok(()));
        assert!(passes.iter().all(|&gradients| gradients == 1));
        assert_eq!(positions, quadrature.alphas);
        assert_eq!((stand.replaced.get(), pool.size()), (lost, workers));
    }
}

#[test]
fn a_machine_on_which_every_worker_dies_is_told_of() {
    let quadrature = Rule::Trapezoid.quadrature(50).expect("51 points");
    let stand = Stand {
        deadly: 5..usize::MAX,
        ..Stand::default()
    };
    let (pool, stand) = pool(stand, DeviceKind::Cpu, 2);
    let (done, _, positions) = summed(&pool, &quadrature, |_| true);
    assert_eq!(done.expect_err("lost").code, FailureCode::WorkerLost);
    assert_eq!(positions.len(), 5);
    assert!(stand.replaced.get() <= FORGIVEN);
    // The next question finds no dead worker.
    assert!(block_on(pool.keep(&[1.0], &[0.0])).is_ok());
}

#[test]
fn what_is_not_wanted_any_more_is_left_undone() {
    let quadrature = Rule::Trapezoid.quadrature(50).expect("51 points");
    let (pool, _) = pool(Stand::default(), DeviceKind::Cpu, 2);
    let (done, _, positions) = summed(&pool, &quadrature, |came| came < 10);
    assert_eq!(done, Ok(()));
    assert!((10..13).contains(&positions.len()), "{}", positions.len());
}

#[test]
fn passes_on_a_gpu_grow_as_long_as_they_are_short() {
    let quadrature = Rule::Trapezoid.quadrature(100).expect("101 points");
    let passes = |gradient_ms| {
        let stand = Stand::default();
        stand.gradient_ms.set(gradient_ms);
        let (pool, _) = pool(stand, DeviceKind::Gpu, 8);
        assert_eq!(pool.size(), 1, "there is one GPU");
        summed(&pool, &quadrature, |_| true).1
    };
    // Up to what the worker can hold.
    assert_eq!(passes(1.0)[..6], [1, 2, 4, 8, 12, 12]);
    // Two take 240 ms, which is right.
    assert_eq!(passes(120.0)[..4], [1, 2, 2, 2]);
    assert_eq!(passes(700.0)[..3], [1, 1, 1]);
}

#[test]
fn a_large_network_has_fewer_workers_and_one_that_is_too_large_none() {
    let stand = Stand {
        memory_gib: Some(8.0),
        ..Stand::default()
    };
    let (pool, stand) = pool(stand, DeviceKind::Cpu, 4);
    let load = |gib: u64| block_on(pool.load(&weights(gib << 30)));
    assert_eq!((load(2), pool.size()), (Ok(()), 2));
    let refused = load(9).expect_err("too large");
    assert_eq!(refused.code, FailureCode::NetworkTooLarge);
    assert!(
        pool.model().is_none(),
        "nothing is held that was not loaded"
    );
    assert_eq!((load(0), pool.size()), (Ok(()), 4));
    assert_eq!(stand.started.get(), 6, "two have come again");
}

#[test]
fn what_workers_cannot_decode_the_host_may() {
    let opened = |photo, decoded| {
        let stand = Stand {
            decoded,
            ..Stand::default()
        };
        let (pool, stand) = pool(stand, DeviceKind::Cpu, 1);
        let opened = block_on(pool.open(&Picture::Photo(photo), 100)).map(|_| ());
        let asked = stand.asked.borrow().iter().map(|&(_, what)| what).collect();
        (opened.map_err(|failure| failure.code), asked)
    };
    let as_it_is: (_, Vec<_>) = opened("jpeg", None);
    assert_eq!(as_it_is, (Ok(()), vec!["jpeg"]));
    assert_eq!(opened("heic", Some("png")), (Ok(()), vec!["png"]));
    assert_eq!(opened("huge", Some("png")), (Ok(()), vec!["png"]));
    // Else it is the workers' reason that is told.
    assert_eq!(opened("heic", None), (Err(FailureCode::NotAPhoto), vec![]));
}

#[test]
fn a_worker_that_has_taken_a_dead_ones_place_is_shown_the_photo() {
    let (pool, stand) = pool(Stand::default(), DeviceKind::Cpu, 2);
    let photo = Picture::Photo("jpeg");
    let prepared = block_on(async {
        pool.load(&weights(0)).await?;
        pool.open(&photo, 100).await?;
        pool.worker(0).epitaph.replace(Some("out of memory".into()));
        pool.prepare(&photo, Baseline::Black).await
    });
    assert_eq!(prepared.map(|prepared| prepared.input), Ok(vec![4.0]));
    let of_third = |&&(number, _): &&(usize, &str)| number == 3;
    let asked = stand.asked.borrow();
    let asked: Vec<_> = asked.iter().filter(of_third).collect();
    assert_eq!(asked, [&(3, "load"), &(3, "jpeg")]);
}

#[test]
fn a_network_looks_at_the_photo_that_is_meant_whatever_comes_in_between() {
    let (pool, _) = pool(Stand::default(), DeviceKind::Cpu, 2);
    let [cat, coffee, broken] = ["cat", "coffee", "heic"].map(Picture::Photo);
    let looked_at = |photo| {
        let prepared = block_on(pool.prepare(photo, Baseline::Black));
        prepared.map(|prepared| prepared.input)
    };
    block_on(pool.load(&weights(0))).expect("loaded");
    // An older job shows the cat again while the coffee is being decoded.
    let both = block_on(join(pool.open(&coffee, 100), pool.open(&cat, 100)));
    assert!(both.0.is_ok() && both.1.is_ok());
    assert_eq!(looked_at(&coffee), Ok(vec![6.0]));
    // While it is looked at, another photo comes, and one that cannot be opened.
    for (other, opens) in [(&cat, true), (&broken, false)] {
        let (opened, prepared) = block_on(join(
            pool.open(other, 100),
            pool.prepare(&coffee, Baseline::Black),
        ));
        assert_eq!(opened.is_ok(), opens);
        assert_eq!(prepared.map(|prepared| prepared.input), Ok(vec![6.0]));
    }
    // Two jobs that look at two photos, the older one not yet told to stop.
    let (first, second) = block_on(join(
        pool.prepare(&coffee, Baseline::Black),
        pool.prepare(&cat, Baseline::Black),
    ));
    let inputs = [first, second].map(|prepared| prepared.expect("looked at").input);
    assert_eq!(inputs, [[6.0], [3.0]]);
    assert_eq!(looked_at(&coffee), Ok(vec![6.0]));
}

#[test]
fn each_picture_gets_what_was_said_of_it() {
    let (pool, _) = pool(Stand::default(), DeviceKind::Cpu, 3);
    let covered: Vec<Vec<u16>> = (0..17).map(|k| vec![k]).collect();
    let came = RefCell::new(vec![Vec::<f32>::new(); 17]);
    let take = |k: usize, outputs: &[f32]| came.borrow_mut()[k].extend(outputs);
    let done = block_on(pool.cover(None, &[], &covered, || true, take));
    assert_eq!(done, Ok(()));
    for (k, outputs) in came.into_inner().into_iter().enumerate() {
        assert_eq!(outputs, [k as f32; 2]);
    }
}
