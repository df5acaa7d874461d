//! A worker's end: takes requests one after the other, computes, answers.

use burn::tensor::Device;
use futures_channel::mpsc;
use futures_util::StreamExt;
use js_sys::{Array, Reflect, Uint8Array};
use violet_import::File;
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::gpu;
use crate::device::{self, DeviceKind};
use crate::explain::{Explainer, Walk};
use crate::image::{Photo, resize};
use crate::model::{Checkpoint, Opened, Target, checkpoint, published, self_test, usual_layers};
use crate::preprocessing::Filter;
use crate::protocol::{Failure, FailureCode, Request, Response, Source, Truth};
use crate::regions::cover;
use crate::shapes::{SIZE, Scene};

/// Starts answering messages.
pub fn start() {
    construct();
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        answer(&Response::Panicked(panic.to_string()));
    }));
    let (sender, mut receiver) = mpsc::unbounded::<MessageEvent>();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event| {
        // The receiver lives as long as the worker.
        sender.unbounded_send(event).unwrap_or(());
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    spawn_local(async move {
        let mut engine = Engine::default();
        while let Some(event) = receiver.next().await {
            let response = match engine.handle(&event).await {
                Ok(response) => response,
                Err(failure) => Response::Failed(failure),
            };
            answer(&response);
        }
    });
}

/// Runs what the crates below do before `main`, once.
///
/// The linker has every function that a module exports do it, each time one is called, unless the module
/// does it by itself.
#[allow(unsafe_code)]
fn construct() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: the linker provides it, and nothing else has run yet.
    unsafe {
        __wasm_call_ctors();
    }
}

/// What a worker keeps between requests.
#[derive(Default)]
struct Engine {
    device: Option<Device>,
    explainer: Option<Explainer>,
    photo: Option<Photo>,
    path: Option<(Vec<f32>, Vec<f32>)>,
    walk: Option<(Target, Walk)>,
}

impl Engine {
    async fn handle(&mut self, event: &MessageEvent) -> Result<Response, Failure> {
        let envelope = event.data();
        let part = |name: &str| Reflect::get(&envelope, &name.into()).unwrap_or_default();
        let head = Uint8Array::new(&part("head")).to_vec();
        // Copied once, when they are asked for.
        let bodies = || {
            let bodies = part("bodies").dyn_into::<Array>().unwrap_or_default();
            bodies
                .into_iter()
                .map(|body| Uint8Array::new(&body).to_vec())
        };
        let body = || bodies().next().unwrap_or_default();
        let request = postcard::from_bytes(&head).map_err(|e| internal(&e.to_string()))?;
        match request {
            Request::Start {
                device,
                accept_software,
            } => self.start(device, accept_software).await,
            Request::Load { source, randomised } => {
                // The old weights go before the new ones come.
                self.explainer = None;
                self.walk = None;
                let explainer = match source {
                    Source::Published {
                        architecture,
                        preprocessing,
                        sha256,
                    } => {
                        let weights = body();
                        checkpoint::verify(&weights, &sha256)?;
                        let mut checkpoint = Checkpoint::from_safetensors(&weights)?;
                        drop(weights);
                        if let Some((extent, seed)) = randomised {
                            architecture.randomise(&mut checkpoint, extent, seed)?;
                        }
                        let device = self.device()?;
                        Explainer::load(architecture, preprocessing, checkpoint, device)?
                    }
                    Source::Own { files, wishes } => {
                        let mut opened = Opened::read(together(files, bodies()), &wishes)?;
                        if let Some((extent, seed)) = randomised {
                            opened.randomise(extent, seed)?;
                        }
                        let network = opened.network(self.device()?)?;
                        Explainer::new(network, opened.preprocessing)
                    }
                };
                let most_images = explainer.images_within(gpu::LARGEST_BUFFER);
                self.explainer = Some(explainer);
                Ok(Response::Loaded { most_images })
            }
            Request::Rehearse { slopes, timed } => {
                let explainer = self.explainer()?;
                explainer.rehearse(slopes).await?;
                let mut gradient_ms = None;
                if timed {
                    let started = now();
                    explainer.one_gradient(slopes).await?;
                    gradient_ms = Some(now() - started);
                }
                Ok(Response::Rehearsed { gradient_ms })
            }
            Request::Read { files, wishes } => {
                let files = together(files, bodies());
                let published = published(&files);
                let mut card = Opened::read(files, &wishes)?.card();
                let whole = wishes.classes.is_none() && wishes.labels.is_none();
                let published = published.filter(|_| whole);
                card.published = published.map(|spec| spec.name.to_string());
                Ok(Response::Read(Box::new(card)))
            }
            Request::Open { preview_side } => {
                let photo = Photo::decode(&body())?;
                Ok(self.keep(photo, preview_side, None))
            }
            Request::Draw { seed, tag } => {
                let scene = Scene::draw(seed, tag);
                let photo = Photo::from(&scene);
                let truth = Truth {
                    shape: scene.shape,
                    inside: scene.inside,
                    tagged: scene.tagged,
                };
                Ok(self.keep(photo, SIZE as u32, Some(truth)))
            }
            Request::Prepare { baseline } => {
                let photo = self.photo.as_ref().ok_or_else(|| internal("no photo"))?;
                let prepared = self.explainer()?.prepare(photo, baseline).await?;
                Ok(Response::Prepared {
                    crop: prepared.crop,
                    input: prepared.input,
                    baseline: prepared.baseline,
                    logits_input: prepared.logits_input,
                    logits_baseline: prepared.logits_baseline,
                    detections: prepared.detections,
                })
            }
            Request::Keep { input, baseline } => {
                self.path = Some((input, baseline));
                self.walk = None;
                Ok(Response::Kept)
            }
            Request::Sum { target, part } => {
                let sum = self.walk(target)?.sum(&part).await?;
                Ok(Response::Summed(sum))
            }
            Request::Gradients { target, part } => {
                let gradients = self.walk(target)?.each(&part).await?;
                Ok(Response::Gradients(gradients))
            }
            Request::Perturb {
                target,
                perturbation,
                order,
                counts,
            } => {
                let (input, baseline) = self.path.as_ref().ok_or_else(|| internal("no path"))?;
                let image =
                    |&count: &u32| perturbation.image(input, baseline, &order, count as usize);
                let images: Vec<f32> = counts.iter().flat_map(image).collect();
                let outputs = self.explainer()?.outputs(&images, target).await?;
                Ok(Response::Outputs(outputs))
            }
            Request::Cover {
                target,
                regions,
                covered,
            } => {
                let (input, baseline) = self.path.as_ref().ok_or_else(|| internal("no path"))?;
                let image = |covered: &Vec<u16>| cover(&regions, covered, input, baseline);
                let images: Vec<Vec<f32>> = covered.iter().map(image).collect();
                let outputs = match target {
                    Some(target) => self.explainer()?.outputs(&images.concat(), target).await?,
                    None => {
                        let images: Vec<&[f32]> = images.iter().map(Vec::as_slice).collect();
                        self.explainer()?.logits(&images).await?
                    }
                };
                Ok(Response::Outputs(outputs))
            }
            Request::Look { input } => {
                let outputs = self.explainer()?.logits(&[&input]).await?;
                Ok(Response::Outputs(outputs))
            }
        }
    }

    async fn start(&mut self, kind: DeviceKind, software: bool) -> Result<Response, Failure> {
        let adapter = match kind {
            DeviceKind::Cpu => String::new(),
            DeviceKind::Gpu => gpu::check(software).await.map_err(|detail| Failure {
                code: FailureCode::NoGpu,
                detail,
            })?,
        };
        let device = device::open(kind).await?;
        if kind == DeviceKind::Gpu {
            self_test(&device, &usual_layers()?).await?;
        }
        self.device = Some(device);
        Ok(Response::Ready { adapter })
    }

    fn device(&self) -> Result<&Device, Failure> {
        self.device.as_ref().ok_or_else(|| internal("no device"))
    }

    /// Keeps a photo, and answers with a picture of it for the page.
    fn keep(&mut self, photo: Photo, preview_side: u32, truth: Option<Truth>) -> Response {
        let (width, height) = photo.rgb.dimensions();
        let scale = (f64::from(preview_side) / f64::from(width.max(height))).min(1.0);
        let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
        let (preview_width, preview_height) = (side(width), side(height));
        let preview = if scale < 1.0 {
            let size = [preview_width, preview_height];
            resize(&photo.rgb, [0, 0, width, height], size, Filter::Bilinear)
        } else {
            photo.rgb.clone()
        };
        let preview = image::DynamicImage::ImageRgb8(preview).into_rgba8();
        let animated = photo.animated;
        self.photo = Some(photo);
        Response::Opened {
            width,
            height,
            animated,
            preview_width,
            preview_height,
            preview: preview.into_raw(),
            truth,
        }
    }

    /// The walk along the kept path: the last one, if it was the same target's.
    fn walk(&mut self, target: Target) -> Result<&mut Walk, Failure> {
        let walk = match self.walk.take() {
            Some((of, walk)) if of == target => walk,
            _ => {
                let (input, baseline) = self.path.as_ref().ok_or_else(|| internal("no path"))?;
                self.explainer()?.walk(input, baseline, target)?
            }
        };
        Ok(&mut self.walk.insert((target, walk)).1)
    }

    fn explainer(&self) -> Result<&Explainer, Failure> {
        self.explainer.as_ref().ok_or_else(|| internal("no model"))
    }
}

/// Files by their names and their bytes.
fn together(names: Vec<String>, bodies: impl Iterator<Item = Vec<u8>>) -> Vec<File> {
    let files = names.into_iter().zip(bodies);
    files.map(|(name, bytes)| File::new(name, bytes)).collect()
}

/// Milliseconds since the worker began.
fn now() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}

fn internal(detail: &str) -> Failure {
    Failure {
        code: FailureCode::Internal,
        detail: detail.into(),
    }
}

/// Sends a response; its bytes are handed over, not copied.
fn answer(response: &Response) {
    // Serialising plain data into memory cannot fail, and the page that listens owns the worker.
    let head = postcard::to_stdvec(response).unwrap_or_default();
    let head = Uint8Array::from(head.as_slice());
    scope()
        .post_message_with_transfer(&head, &Array::of1(&head.buffer()))
        .unwrap_or(());
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
