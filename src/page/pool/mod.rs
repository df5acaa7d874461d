//! The workers that share the work: one that owns the GPU, or several on the CPU. They hold the
//! same model and the same path; whoever dies is replaced by one that does too.

mod cover;
mod live;
mod share;
mod teach;
#[cfg(test)]
pub(super) mod tests;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::{join, try_join_all};

use super::explanation::Prepared;
use super::opened::Opened;
use super::workers::fitting;
use crate::attribution::{Baseline, Slopes};
use crate::device::DeviceKind;
use crate::model::catalog::ManifestEntry;
use crate::model::{ModelSpec, Randomised};
use crate::protocol::{Failure, FailureCode, Request, Response, Source};
use crate::shapes::Tag;

pub use live::Frame;
pub use teach::{Examples, Taught};

/// Deaths of workers that are forgiven within one explanation.
const FORGIVEN: usize = 3;
/// The most gradients in one pass on the GPU.
const LARGEST_PASS: usize = 16;
/// What randomised layers are shuffled by.
const SEED: u64 = 1;

/// The page's end of one worker.
pub trait Worker {
    /// Bytes that are handed over whole: photos, weights. Those of one photo have to be equal to themselves, and may
    /// be to others only that look the same.
    type Bytes: Clone + PartialEq;

    /// Asks, and waits for the answer. The bodies are copied, so that they can be sent again.
    fn ask(
        &self,
        request: &Request,
        bodies: &[Self::Bytes],
    ) -> impl Future<Output = Result<Response, NoAnswer>>;

    /// What it said last, if it has died.
    fn epitaph(&self) -> Option<String>;
}

/// What a pool needs of the place where it runs.
pub trait Host {
    /// What computes there.
    type Worker: Worker;

    /// Starts a worker.
    ///
    /// # Errors
    ///
    /// [`NoAnswer::Lost`], where none can be started.
    fn start(&self) -> Result<Self::Worker, NoAnswer>;

    /// How much memory the device has, in GiB, where it tells.
    fn memory_gib(&self) -> Option<f64>;

    /// Milliseconds since some time.
    fn now(&self) -> f64;

    /// A worker died and was replaced; what it said last.
    fn replaced(&self, epitaph: &str);

    /// A photo that workers cannot decode, or that is too large for them, as the host decodes it:
    /// small enough for them.
    fn decode(&self, photo: &BytesOf<Self>)
    -> impl Future<Output = Result<BytesOf<Self>, Failure>>;
}

/// Bytes that a host's workers are handed.
pub type BytesOf<H> = <<H as Host>::Worker as Worker>::Bytes;

/// Why a question got no answer.
#[derive(Debug, Clone, PartialEq)]
pub enum NoAnswer {
    /// The worker said why; it lives.
    Failed(Failure),
    /// The worker is dead; what it said last.
    Lost(String),
}

impl NoAnswer {
    /// The failure that people are told of.
    pub fn failure(self) -> Failure {
        match self {
            NoAnswer::Failed(failure) => failure,
            NoAnswer::Lost(detail) => Failure {
                code: FailureCode::WorkerLost,
                detail,
            },
        }
    }
}

/// An answer to another question.
pub fn unexpected(response: &Response) -> NoAnswer {
    let name = format!("{response:?}");
    let name = name.split([' ', '(']).next().unwrap_or_default();
    let detail = format!("the worker answered “{name}” to another question");
    NoAnswer::Failed(Failure::internal(&detail))
}

/// What a model says of some images, one after the other.
fn outputs(response: Response) -> Result<Vec<f32>, Failure> {
    match response {
        Response::Outputs(outputs) => Ok(outputs),
        other => Err(unexpected(&other).failure()),
    }
}

/// A model, ready to hand to a worker.
#[derive(Debug, Clone)]
pub struct Weights<B> {
    /// What it is.
    pub source: Source,
    /// As the source says. The page has them once.
    pub bytes: B,
    /// What a worker takes to hold it, in bytes; nothing of ours, which fit.
    pub memory: u64,
    /// Layers that shall forget what they learnt.
    pub randomised: Option<Randomised>,
}

impl<B> Weights<B> {
    /// One of ours, of which the site serves that file.
    pub fn published(spec: &ModelSpec, entry: &ManifestEntry, bytes: B) -> Self {
        Self {
            source: Source::Published {
                architecture: spec.architecture,
                preprocessing: spec.preprocessing,
                sha256: entry.sha256.clone(),
            },
            bytes,
            memory: 0,
            randomised: None,
        }
    }
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture<B> {
    /// A file's bytes.
    Photo(B),
    /// A drawn scene.
    Scene {
        /// Which.
        seed: u64,
        /// The tag in its corner.
        tag: Tag,
    },
}

/// See the [module](self).
pub struct Pool<H: Host> {
    /// Where it computes.
    pub device: DeviceKind,
    /// For people: the GPU's name.
    pub adapter: String,
    host: H,
    workers: RefCell<Vec<Rc<H::Worker>>>,
    /// How many workers there are where memory suffices.
    most: usize,
    model: RefCell<Option<Weights<BytesOf<H>>>>,
    path: RefCell<Option<Request>>,
    /// What the first worker was told to open last; nothing where it may hold something else.
    held: RefCell<Option<Picture<BytesOf<H>>>>,
    /// The gradients of the next pass,
    pass: Cell<usize>,
    /// and the most of one, with the loaded model.
    largest_pass: Cell<usize>,
}

impl<H: Host> Pool<H> {
    /// Starts so many workers on a device; `adapter` is what the GPU is called.
    ///
    /// # Errors
    ///
    /// Why one of them cannot be started, or has no such device.
    pub async fn start(
        host: H,
        device: DeviceKind,
        adapter: String,
        workers: usize,
    ) -> Result<Self, Failure> {
        let most = match device {
            DeviceKind::Cpu => workers.max(1),
            DeviceKind::Gpu => 1,
        };
        let pool = Self {
            device,
            adapter,
            host,
            workers: RefCell::default(),
            most,
            model: RefCell::default(),
            path: RefCell::default(),
            held: RefCell::new(None),
            pass: Cell::new(1),
            largest_pass: Cell::new(1),
        };
        pool.resize(most).await?;
        Ok(pool)
    }

    /// The model that every worker holds.
    pub fn model(&self) -> Option<Weights<BytesOf<H>>> {
        self.model.borrow().clone()
    }

    /// Milliseconds since some time, by the host's clock.
    pub fn now(&self) -> f64 {
        self.host.now()
    }

    /// How many workers share the work.
    pub fn size(&self) -> usize {
        self.workers.borrow().len()
    }

    /// Gives every worker the model.
    ///
    /// # Errors
    ///
    /// [`FailureCode::NetworkTooLarge`], where no worker can hold it, or what a worker found wrong
    /// with it.
    pub async fn load(&self, weights: &Weights<BytesOf<H>>) -> Result<(), Failure> {
        self.model.replace(None);
        self.path.replace(None);
        let count = fitting(weights.memory, self.host.memory_gib())?;
        self.resize(count).await?;
        let workers = self.living().await?;
        let loads = workers
            .iter()
            .map(|worker| load::<H::Worker>(worker, weights));
        let most_images = try_join_all(loads).await.map_err(NoAnswer::failure)?;
        let most_images = most_images.into_iter().min().unwrap_or(1);
        self.largest_pass.set(most_images.min(LARGEST_PASS));
        self.pass.set(1);
        self.model.replace(Some(weights.clone()));
        Ok(())
    }

    /// Has so many workers, as far as there are ever so many: a large model in each takes more
    /// memory than there is, and what a worker has taken comes back only when it ends.
    async fn resize(&self, count: usize) -> Result<(), Failure> {
        let count = count.min(self.most);
        self.workers.borrow_mut().truncate(count);
        let lacking = count - self.size();
        let started = try_join_all((0..lacking).map(|_| self.start_worker())).await;
        let started = started.map_err(NoAnswer::failure)?.into_iter();
        self.workers.borrow_mut().extend(started.map(Rc::new));
        Ok(())
    }

    async fn start_worker(&self) -> Result<H::Worker, NoAnswer> {
        let worker = self.host.start()?;
        let device = self.device;
        match worker.ask(&Request::Start { device }, &[]).await? {
            Response::Ready => Ok(worker),
            other => Err(unexpected(&other)),
        }
    }

    /// How long a gradient takes in one worker, in milliseconds, in passes as long as those of a mask: a card takes hardly
    /// longer for sixteen gradients than for one. `told` of what is known so far.
    ///
    /// # Errors
    ///
    /// As the worker says, or [`FailureCode::WorkerLost`]; so in all that follows.
    pub async fn time_gradient(&self, slopes: Slopes, told: impl Fn(f64)) -> Result<f64, Failure> {
        loop {
            let gradients = self.pass.get();
            let request = Request::Rehearse {
                slopes,
                gradients,
                timed: true,
            };
            let pass_ms = match self.ask_first(&request).await? {
                Response::Rehearsed { pass_ms } => pass_ms.unwrap_or_default(),
                other => return Err(unexpected(&other).failure()),
            };
            let gradient_ms = pass_ms / gradients as f64;
            told(gradient_ms);
            self.adapt(gradients, pass_ms);
            if self.pass.get() <= gradients {
                return Ok(gradient_ms);
            }
        }
    }

    /// Lets every worker run the model once, with the gradients that are wanted next.
    ///
    /// # Errors
    ///
    /// See [`time_gradient`](Self::time_gradient).
    pub async fn rehearse(&self, slopes: Slopes) -> Result<(), Failure> {
        let request = Request::Rehearse {
            slopes,
            gradients: 1,
            timed: false,
        };
        self.ask_all(&request).await
    }

    /// Decodes a photo or draws a scene; the first worker keeps it. What the workers cannot decode,
    /// or is too large for them, the host may: then they get what it made of it.
    ///
    /// # Errors
    ///
    /// What the workers found wrong with it, where the host cannot decode it either.
    pub async fn open(
        &self,
        picture: &Picture<BytesOf<H>>,
        preview_side: u32,
    ) -> Result<Opened, Failure> {
        let ask = async |made: &_| self.open_as_it_is(picture, made, preview_side).await;
        self.decoded_if_need_be(picture, ask).await
    }

    /// Asks for something with a picture, and with what the host makes of it where the workers cannot decode it.
    async fn decoded_if_need_be<T>(
        &self,
        picture: &Picture<BytesOf<H>>,
        ask: impl AsyncFn(&Picture<BytesOf<H>>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (failure, bytes) = match (ask(picture).await, picture) {
            (Err(failure), Picture::Photo(bytes)) if failure.code.is_of_photo() => (failure, bytes),
            (answer, _) => return answer,
        };
        match self.host.decode(bytes).await {
            Ok(bytes) => ask(&Picture::Photo(bytes)).await,
            Err(_) => Err(failure),
        }
    }

    /// Opens what the host has perhaps made of a picture.
    async fn open_as_it_is(
        &self,
        picture: &Picture<BytesOf<H>>,
        made: &Picture<BytesOf<H>>,
        preview_side: u32,
    ) -> Result<Opened, Failure> {
        let first = self.first().await?;
        // It is asked at once, and answers in the order in which it is asked.
        self.held.replace(Some(picture.clone()));
        let answer = match made {
            Picture::Photo(bytes) => {
                let request = Request::Open { preview_side };
                first.ask(&request, std::slice::from_ref(bytes)).await
            }
            &Picture::Scene { seed, tag } => first.ask(&Request::Draw { seed, tag }, &[]).await,
        };
        let answer = answer.inspect_err(|_| {
            self.held.borrow_mut().take_if(|held| held == picture);
        });
        let opened = Opened::of(answer.map_err(NoAnswer::failure)?);
        opened.map_err(|other| unexpected(&other).failure())
    }

    /// Runs the model on a picture, which the first worker opens unless it holds it: another one may have come in
    /// between, or another worker in its place.
    ///
    /// # Errors
    ///
    /// See [`time_gradient`](Self::time_gradient).
    pub async fn prepare(
        &self,
        picture: &Picture<BytesOf<H>>,
        baseline: Baseline,
    ) -> Result<Prepared, Failure> {
        let request = Request::Prepare { baseline };
        let first = self.first().await?;
        let holds = self.held.borrow().as_ref() == Some(picture);
        let answer = if holds {
            first.ask(&request, &[]).await
        } else {
            // Both are asked at once, so that no other picture comes between them.
            let ask = async |made: &_| {
                let open = self.open_as_it_is(picture, made, 1);
                let (opened, answer) = join(open, first.ask(&request, &[])).await;
                opened.map(|_| answer)
            };
            self.decoded_if_need_be(picture, ask).await?
        };
        match answer.map_err(NoAnswer::failure)? {
            Response::Prepared {
                crop,
                input,
                baseline,
                logits_input,
                logits_baseline,
                detections,
            } => Ok(Prepared {
                crop,
                input,
                baseline,
                logits_input,
                logits_baseline,
                detections,
                ..Prepared::default()
            }),
            other => Err(unexpected(&other).failure()),
        }
    }

    /// Gives every worker the path that the coming sums walk.
    ///
    /// # Errors
    ///
    /// See [`time_gradient`](Self::time_gradient).
    pub async fn keep(&self, input: &[f32], baseline: &[f32]) -> Result<(), Failure> {
        let request = Request::Keep {
            input: input.to_vec(),
            baseline: baseline.to_vec(),
        };
        self.ask_all(&request).await?;
        self.path.replace(Some(request));
        Ok(())
    }

    /// The answer of the first worker.
    async fn ask_first(&self, request: &Request) -> Result<Response, Failure> {
        let answer = self.first().await?.ask(request, &[]).await;
        answer.map_err(NoAnswer::failure)
    }

    /// Asks every worker for the same.
    async fn ask_all(&self, request: &Request) -> Result<(), Failure> {
        let workers = self.living().await?;
        let answers = workers.iter().map(|worker| worker.ask(request, &[]));
        try_join_all(answers).await.map_err(NoAnswer::failure)?;
        Ok(())
    }

    /// The first worker, replaced if it died.
    async fn first(&self) -> Result<Rc<H::Worker>, Failure> {
        Ok(Rc::clone(&self.living().await?[0]))
    }

    /// All workers, the dead ones replaced.
    async fn living(&self) -> Result<Vec<Rc<H::Worker>>, Failure> {
        for k in 0..self.size() {
            let lost = self.worker(k).epitaph().is_some();
            if lost {
                self.replace(k).await?;
            }
        }
        Ok(self.workers.borrow().clone())
    }

    fn worker(&self, k: usize) -> Rc<H::Worker> {
        Rc::clone(&self.workers.borrow()[k])
    }

    /// Puts a new worker, with model and path, in a dead one's place.
    async fn replace(&self, k: usize) -> Result<(), Failure> {
        let replacement = async {
            let worker = self.start_worker().await?;
            let (model, path) = (self.model(), self.path.borrow().clone());
            if let Some(weights) = model {
                load(&worker, &weights).await?;
            }
            if let Some(path) = path {
                worker.ask(&path, &[]).await?;
            }
            Ok(worker)
        };
        let worker = replacement.await.map_err(NoAnswer::failure)?;
        if k == 0 {
            self.held.replace(None);
        }
        let dead = std::mem::replace(&mut self.workers.borrow_mut()[k], Rc::new(worker));
        self.host.replaced(&dead.epitaph().unwrap_or_default());
        Ok(())
    }
}

/// Loads a model; how many images one pass may have.
async fn load<W: Worker>(worker: &W, weights: &Weights<W::Bytes>) -> Result<usize, NoAnswer> {
    let request = Request::Load {
        source: weights.source.clone(),
        randomised: weights.randomised.map(|extent| (extent, SEED)),
    };
    let body = std::slice::from_ref(&weights.bytes);
    match worker.ask(&request, body).await? {
        Response::Loaded { most_images } => Ok(most_images),
        other => Err(unexpected(&other)),
    }
}
