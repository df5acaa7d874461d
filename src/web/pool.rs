//! The workers that share the work: one that owns the GPU, or several on the CPU.

mod cover;
mod live;
mod teach;

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use futures_util::future::try_join_all;
use js_sys::ArrayBuffer;

use super::client::{Client, NoAnswer, unexpected};
use super::dom::{now, window};
use super::files::{self, Program};
use crate::attribution::{Baseline, PartialSum, Perturbation, Quadrature, Round, Shares, Slopes};
use crate::device::DeviceKind;
use crate::model::{Randomised, Target};
use crate::page::Prepared;
use crate::protocol::{Failure, FailureCode, Request, Response, Source};
use crate::shapes::Tag;

pub(super) use live::Frame;
pub(super) use teach::Examples;

/// Deaths of workers that are forgiven within one explanation.
const FORGIVEN: usize = 3;
/// A pass on the GPU should take about this long: long enough to fill the machine, short enough
/// to cancel, and below what operating systems allow a GPU to be busy.
const PASS_MS: f64 = 300.0;
/// The most gradients in one pass on the GPU.
const LARGEST_PASS: usize = 16;
/// What randomised layers are shuffled by.
const SEED: u64 = 1;

/// Workers that hold the same model and the same path.
pub(super) struct Pool {
    pub(super) device: DeviceKind,
    /// For people: the GPU's name.
    pub(super) adapter: String,
    engine: Program,
    clients: RefCell<Vec<Rc<Client>>>,
    /// How many workers there are where memory suffices.
    most: usize,
    model: RefCell<Option<Weights>>,
    path: RefCell<Option<Request>>,
    pass: Cell<usize>,
    /// The most gradients in one pass of the loaded model.
    largest_pass: Cell<usize>,
    /// Told of each worker that died and was replaced, and what it said last.
    replaced: Box<dyn Fn(&str)>,
}

/// A model, ready to hand to a worker.
#[derive(Clone)]
pub(super) struct Weights {
    pub(super) source: Source,
    /// As the source says. The page has them once.
    pub(super) bytes: ArrayBuffer,
    /// What a worker takes to hold it, in bytes; nothing of ours, which fit.
    pub(super) memory: u64,
    /// Layers that shall forget what they learnt.
    pub(super) randomised: Option<Randomised>,
}

/// What is looked at.
#[derive(Clone)]
pub(super) enum Picture {
    /// A file's bytes.
    Photo(ArrayBuffer),
    /// A drawn scene.
    Scene { seed: u64, tag: Tag },
}

impl Pool {
    /// Starts workers on the CPU: so many, or as many as cores and memory allow.
    pub(super) async fn on_cpu(
        engine: &Program,
        workers: Option<usize>,
        replaced: impl Fn(&str) + 'static,
    ) -> Result<Self, Failure> {
        let count = workers.unwrap_or_else(worker_count).max(1);
        Self::start(engine, DeviceKind::Cpu, String::new(), count, replaced).await
    }

    /// Starts a worker on the GPU; `adapter` is what it is called.
    pub(super) async fn on_gpu(
        engine: &Program,
        adapter: String,
        replaced: impl Fn(&str) + 'static,
    ) -> Result<Self, Failure> {
        Self::start(engine, DeviceKind::Gpu, adapter, 1, replaced).await
    }

    async fn start(
        engine: &Program,
        device: DeviceKind,
        adapter: String,
        count: usize,
        replaced: impl Fn(&str) + 'static,
    ) -> Result<Self, Failure> {
        let pool = Self {
            device,
            adapter,
            engine: engine.clone(),
            clients: RefCell::default(),
            most: count,
            model: RefCell::default(),
            path: RefCell::default(),
            pass: Cell::new(1),
            largest_pass: Cell::new(1),
            replaced: Box::new(replaced),
        };
        pool.resize(count).await?;
        Ok(pool)
    }

    /// The model that every worker holds.
    pub(super) fn model(&self) -> Option<Weights> {
        self.model.borrow().clone()
    }

    /// How many workers share the work.
    pub(super) fn size(&self) -> usize {
        self.clients.borrow().len()
    }

    async fn start_client(&self) -> Result<Client, NoAnswer> {
        let client = Client::spawn(&self.engine)?;
        let request = Request::Start {
            device: self.device,
        };
        match client.ask(&request, &[]).await? {
            Response::Ready => Ok(client),
            other => Err(unexpected(&other)),
        }
    }

    /// Gives every worker the model.
    pub(super) async fn load(&self, weights: &Weights) -> Result<(), Failure> {
        *self.model.borrow_mut() = None;
        *self.path.borrow_mut() = None;
        self.resize(fitting(weights.memory)?).await?;
        let clients = self.living().await?;
        let loads = clients.iter().map(|client| load(client, weights));
        let most_images = try_join_all(loads).await.map_err(NoAnswer::failure)?;
        let most_images = most_images.into_iter().min().unwrap_or(1);
        self.largest_pass.set(most_images.min(LARGEST_PASS));
        self.pass.set(1);
        *self.model.borrow_mut() = Some(weights.clone());
        Ok(())
    }

    /// Has so many workers, as far as there are ever so many: a large model in each takes more memory than
    /// there is, and what a worker has taken comes back only when it ends.
    async fn resize(&self, count: usize) -> Result<(), Failure> {
        let count = count.min(self.most);
        self.clients.borrow_mut().truncate(count);
        let lacking = count - self.size();
        let started = try_join_all((0..lacking).map(|_| self.start_client())).await;
        let started = started.map_err(NoAnswer::failure)?.into_iter();
        let mut clients = self.clients.borrow_mut();
        clients.extend(started.map(Rc::new));
        Ok(())
    }

    /// How long a gradient takes in one worker, in milliseconds.
    pub(super) async fn time_gradient(&self, slopes: Slopes) -> Result<f64, Failure> {
        let request = Request::Rehearse {
            slopes,
            timed: true,
        };
        let answer = self.first().await?.ask(&request, &[]).await;
        match answer.map_err(NoAnswer::failure)? {
            Response::Rehearsed { gradient_ms } => Ok(gradient_ms.unwrap_or_default()),
            other => Err(unexpected(&other).failure()),
        }
    }

    /// Lets every worker run the model once, with the gradients that are wanted next.
    pub(super) async fn rehearse(&self, slopes: Slopes) -> Result<(), Failure> {
        let request = Request::Rehearse {
            slopes,
            timed: false,
        };
        let clients = self.living().await?;
        let rehearsals = clients.iter().map(|client| client.ask(&request, &[]));
        try_join_all(rehearsals).await.map_err(NoAnswer::failure)?;
        Ok(())
    }

    /// Decodes a photo or draws a scene; the first worker keeps it. What the workers cannot decode, or is too large
    /// for them, the browser may: then they get what it made of it.
    pub(super) async fn open(
        &self,
        picture: &Picture,
        preview_side: u32,
    ) -> Result<Response, Failure> {
        let opened = self.open_as_it_is(picture, preview_side).await;
        let (failure, bytes) = match (opened, picture) {
            (Err(failure), Picture::Photo(bytes)) if failure.code.is_of_photo() => (failure, bytes),
            (opened, _) => return opened,
        };
        let smaller = failure.code == FailureCode::PhotoTooLarge;
        match files::decoded_by_browser(bytes, smaller).await {
            Ok(bytes) => {
                self.open_as_it_is(&Picture::Photo(bytes), preview_side)
                    .await
            }
            Err(_) => Err(failure),
        }
    }

    async fn open_as_it_is(
        &self,
        picture: &Picture,
        preview_side: u32,
    ) -> Result<Response, Failure> {
        let client = self.first().await?;
        let answer = match picture {
            Picture::Photo(bytes) => {
                let request = Request::Open { preview_side };
                client.ask(&request, std::slice::from_ref(bytes)).await
            }
            &Picture::Scene { seed, tag } => client.ask(&Request::Draw { seed, tag }, &[]).await,
        };
        answer.map_err(NoAnswer::failure)
    }

    /// Runs the model on the photo that the first worker keeps.
    pub(super) async fn prepare(
        &self,
        picture: &Picture,
        baseline: Baseline,
    ) -> Result<Prepared, Failure> {
        let request = Request::Prepare { baseline };
        let first = self.first().await?;
        let answer = match first.ask(&request, &[]).await {
            // A worker that has taken a dead one's place has not seen the photo yet.
            Err(NoAnswer::Failed(failure)) if failure.code == FailureCode::Internal => {
                self.open(picture, 1).await?;
                first.ask(&request, &[]).await
            }
            other => other,
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
    pub(super) async fn keep(&self, input: &[f32], baseline: &[f32]) -> Result<(), Failure> {
        let request = Request::Keep {
            input: input.to_vec(),
            baseline: baseline.to_vec(),
        };
        let clients = self.living().await?;
        let keeps = clients.iter().map(|client| client.ask(&request, &[]));
        try_join_all(keeps).await.map_err(NoAnswer::failure)?;
        *self.path.borrow_mut() = Some(request);
        Ok(())
    }

    /// Shares a number of gradients out and hands in the partial sums as they come: one for each pass, which is
    /// the `part` of some of them, by their numbers. `wanted` is asked before each pass; when it says no, the rest
    /// is left undone.
    pub(super) async fn sum(
        &self,
        target: Target,
        gradients: usize,
        part: impl Fn(Range<usize>) -> Quadrature,
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        self.sum_in(gradients, usize::MAX, (target, part), wanted, take)
            .await
    }

    /// As [`sum`](Self::sum), each weighted gradient by itself.
    pub(super) async fn sum_each(
        &self,
        target: Target,
        gradients: usize,
        part: impl Fn(Range<usize>) -> Quadrature,
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        self.sum_in(gradients, 1, (target, part), wanted, take)
            .await
    }

    /// Sums with so many gradients a pass at most.
    async fn sum_in(
        &self,
        gradients: usize,
        most: usize,
        (target, part): (Target, impl Fn(Range<usize>) -> Quadrature),
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        let request = |pieces: Range<usize>| Request::Sum {
            target,
            part: part(pieces),
        };
        let take = |_, response| match response {
            Response::Summed(sum) => {
                take(sum);
                Ok(())
            }
            other => Err(unexpected(&other).failure()),
        };
        self.share(gradients, most, request, wanted, take).await
    }

    /// A round of an integral: sums, or each gradient by itself, as it wants them.
    pub(super) async fn round(
        &self,
        target: Target,
        round: &Round,
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        let nodes = &round.nodes;
        if round.apart {
            return self.each(target, nodes, wanted, take).await;
        }
        let part = |pieces| nodes.slice(pieces);
        self.sum(target, nodes.alphas.len(), part, wanted, take)
            .await
    }

    /// The gradients of nodes in the order in which they serve best, each by itself, with weight 1.
    async fn each(
        &self,
        target: Target,
        nodes: &Quadrature,
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        let request = |pieces: Range<usize>| Request::Gradients {
            target,
            part: nodes.slice(pieces),
        };
        let take = |_, response| match response {
            Response::Gradients(gradients) => {
                gradients.into_iter().for_each(&take);
                Ok(())
            }
            other => Err(unexpected(&other).failure()),
        };
        let gradients = nodes.alphas.len();
        self.share(gradients, usize::MAX, request, wanted, take)
            .await
    }

    /// Runs the model on the kept path's input or baseline with so many pixels of an order exchanged,
    /// and hands in F for each of the counts, by its index, as it comes.
    pub(super) async fn perturb(
        &self,
        target: Target,
        perturbation: Perturbation,
        order: &[u32],
        counts: &[usize],
        wanted: impl Fn() -> bool,
        take: impl Fn(usize, f32),
    ) -> Result<(), Failure> {
        let request = |images: Range<usize>| Request::Perturb {
            target,
            perturbation,
            order: order.to_vec(),
            counts: counts[images].iter().map(|&count| count as u32).collect(),
        };
        let take = |images: Range<usize>, response| match response {
            Response::Outputs(outputs) => {
                images.zip(outputs).for_each(|(k, f)| take(k, f));
                Ok(())
            }
            other => Err(unexpected(&other).failure()),
        };
        self.share(counts.len(), usize::MAX, request, wanted, take)
            .await
    }

    /// Shares numbered pieces of work out: `request` asks for some of them, `most` at a time, `take` gets the
    /// answer.
    async fn share(
        &self,
        pieces: usize,
        most: usize,
        request: impl Fn(Range<usize>) -> Request,
        wanted: impl Fn() -> bool,
        take: impl Fn(Range<usize>, Response) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let shares = RefCell::new(Shares::new(pieces, self.size()));
        let deaths = Cell::new(0);
        let work = |k: usize| {
            let (shares, deaths, wanted, take, request) =
                (&shares, &deaths, &wanted, &take, &request);
            async move {
                loop {
                    let pieces = shares.borrow_mut().take(k, self.pass.get().min(most));
                    if pieces.is_empty() || !wanted() {
                        return Ok(());
                    }
                    let client = Rc::clone(&self.clients.borrow()[k]);
                    let start = now();
                    match client.ask(&request(pieces.clone()), &[]).await {
                        Ok(response) => {
                            self.adapt(pieces.len(), now() - start);
                            take(pieces, response)?;
                        }
                        Err(NoAnswer::Failed(failure)) => return Err(failure),
                        Err(NoAnswer::Lost(detail)) => {
                            deaths.set(deaths.get() + 1);
                            if deaths.get() > FORGIVEN {
                                return Err(NoAnswer::Lost(detail).failure());
                            }
                            shares.borrow_mut().put_back(pieces);
                            self.replace(k).await?;
                        }
                    }
                }
            }
        };
        // The first failure ends them all.
        try_join_all((0..self.size()).map(work)).await.map(|_| ())
    }

    /// Makes the next pass longer or shorter, on the GPU only: a CPU worker gains nothing by
    /// batches, and one gradient a pass shares best.
    fn adapt(&self, gradients: usize, elapsed_ms: f64) {
        if self.device == DeviceKind::Gpu && gradients == self.pass.get() {
            if elapsed_ms < PASS_MS / 2.0 {
                self.pass.set((gradients * 2).min(self.largest_pass.get()));
            } else if elapsed_ms > PASS_MS * 2.0 {
                self.pass.set((gradients / 2).max(1));
            }
        }
    }

    /// The first worker, replaced if it died.
    async fn first(&self) -> Result<Rc<Client>, Failure> {
        Ok(Rc::clone(&self.living().await?[0]))
    }

    /// All workers, the dead ones replaced.
    async fn living(&self) -> Result<Vec<Rc<Client>>, Failure> {
        for k in 0..self.size() {
            let lost = self.clients.borrow()[k].is_lost();
            if lost {
                self.replace(k).await?;
            }
        }
        Ok(self.clients.borrow().clone())
    }

    /// Puts a new worker, with model and path, in a dead one's place.
    async fn replace(&self, k: usize) -> Result<(), Failure> {
        let replacement = async {
            let client = self.start_client().await?;
            let (model, path) = (self.model.borrow().clone(), self.path.borrow().clone());
            if let Some(weights) = model {
                load(&client, &weights).await?;
            }
            if let Some(path) = path {
                client.ask(&path, &[]).await?;
            }
            Ok(client)
        };
        let client = replacement.await.map_err(NoAnswer::failure)?;
        let dead = std::mem::replace(&mut self.clients.borrow_mut()[k], Rc::new(client));
        (self.replaced)(&dead.epitaph());
        Ok(())
    }
}

/// Loads a model; how many images one pass may have.
async fn load(client: &Client, weights: &Weights) -> Result<usize, NoAnswer> {
    let request = Request::Load {
        source: weights.source.clone(),
        randomised: weights.randomised.map(|extent| (extent, SEED)),
    };
    match client
        .ask(&request, std::slice::from_ref(&weights.bytes))
        .await?
    {
        Response::Loaded { most_images } => Ok(most_images),
        other => Err(unexpected(&other)),
    }
}

/// As many workers as this machine is good for.
fn worker_count() -> usize {
    let navigator = window().navigator();
    let memory = js_sys::Reflect::get(&navigator, &"deviceMemory".into());
    let in_hand = window().match_media("(pointer: coarse)").ok().flatten();
    crate::page::worker_count(
        navigator.hardware_concurrency() as usize,
        memory.ok().and_then(|gib| gib.as_f64()),
        in_hand.is_some_and(|query| query.matches()),
    )
}

/// How many workers can hold a model that takes so many bytes in each.
///
/// # Errors
///
/// [`FailureCode::NetworkTooLarge`], if none can.
pub(super) fn fitting(memory: u64) -> Result<usize, Failure> {
    let gib = js_sys::Reflect::get(&window().navigator(), &"deviceMemory".into());
    crate::page::fitting(memory, gib.ok().and_then(|gib| gib.as_f64()))
}
