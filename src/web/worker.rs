//! What a worker does of what it is asked: it computes.

use std::sync::Arc;

use burn::tensor::Device;
use js_sys::{ArrayBuffer, Float32Array};
use violet_graph::Outline;

use super::listen::{Message, Reply, bytes, decoded, internal, listen, scope};
use crate::attribution::Baseline;
use crate::device::{self, DeviceKind};
use crate::explain::{Explainer, Glance, Standing, Walk};
use crate::image::{Photo, resize};
use crate::model::{Checkpoint, Definition, Target, checkpoint, self_test, usual_layers};
use crate::preprocessing::Filter;
use crate::protocol::{Failure, Glimpse, Request, Response, Source, Truth};
use crate::regions::cover;
use crate::shapes::{SIZE, Scene};
use crate::teaching::{Examples, teach};

/// Starts answering messages.
pub fn start() {
    let mut engine = Engine::default();
    listen(async move |message| engine.handle(message).await.map(Reply::from));
}

/// Bytes of an f32.
const FLOAT: u32 = 4;

/// What a worker keeps between requests.
#[derive(Default)]
struct Engine {
    device: Option<Device>,
    explainer: Option<Explainer>,
    photo: Option<Photo>,
    path: Option<(Vec<f32>, Vec<f32>)>,
    walk: Option<(Target, Walk)>,
    /// Where the model stands while the camera's pictures come.
    standing: Option<Standing>,
}

impl Engine {
    async fn handle(&mut self, message: Message) -> Result<Response, Failure> {
        let Message { request, bodies } = message;
        let body = || bodies.first().map(bytes).unwrap_or_default();
        match request {
            Request::Start { device } => self.start(device).await,
            Request::Load { source, randomised } => {
                // The old weights go before the new ones come.
                self.explainer = None;
                self.walk = None;
                self.standing = None;
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
                    Source::Own { definition } => {
                        let elements = bodies.first().ok_or_else(|| internal("no weights"))?;
                        let mut definition = definition_of(&definition, elements)?;
                        if let Some((extent, seed)) = randomised {
                            definition.randomise(extent, seed)?;
                        }
                        let preprocessing = definition.preprocessing;
                        Explainer::new(definition.network(self.device()?)?, preprocessing)
                    }
                };
                let most_images = explainer.images_within(device::LARGEST_BUFFER);
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
            Request::Read { .. } => Err(internal("files are for the reader")),
            Request::Open { preview_side } => {
                let photo = Photo::decode(&body())?;
                Ok(self.keep(photo, preview_side, None))
            }
            Request::Draw { seed, tag } => {
                let scene = Scene::draw(seed, tag);
                let photo = Photo::from(&scene);
                Ok(self.keep(photo, SIZE as u32, Some(truth(scene).1)))
            }
            Request::Scene { seed, tag } => {
                let (rgb, truth) = truth(Scene::draw(seed, tag));
                Ok(Response::Scene { rgb, truth })
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
            Request::ClassActivation { target } => {
                let (input, _) = self.path.as_ref().ok_or_else(|| internal("no path"))?;
                let found = self.explainer()?.class_activation(input, target).await?;
                let (height, width, values) = found.unwrap_or_default();
                Ok(Response::Map {
                    height,
                    width,
                    values,
                })
            }
            Request::Look { input } => {
                let outputs = self.explainer()?.logits(&[&input]).await?;
                Ok(Response::Outputs(outputs))
            }
            Request::Features { pictures } => {
                let photos = pictures.iter().map(|picture| Photo::decode(picture));
                let photos = photos.collect::<crate::Result<Vec<_>>>()?;
                Ok(Response::Outputs(
                    self.explainer()?.features(&photos).await?,
                ))
            }
            Request::Teach {
                architecture,
                features,
                classes,
                labels,
                seed,
            } => {
                let classes = classes.into_iter().map(usize::from).collect();
                let taught = teach(&Examples::new(features, classes, labels.len())?, seed)?;
                let mut checkpoint = Checkpoint::from_safetensors(&body())?;
                architecture.exchange_last_layer(&mut checkpoint, &labels, &taught.layer)?;
                let held_out = taught.held_out.into_iter();
                Ok(Response::Taught {
                    file: checkpoint.to_safetensors()?.into(),
                    held_out: held_out
                        .map(|(k, class)| (k as u32, class as u16))
                        .collect(),
                })
            }
            Request::Glimpse {
                size,
                baseline,
                secants,
                output,
            } => {
                let started = now();
                let photo = Photo::from_rgba(size, &body())?;
                let output = output.map(|output| output as usize);
                let glance = self
                    .glance(baseline, &photo, secants as usize, output)
                    .await?;
                Ok(Response::Glimpsed(Glimpse {
                    crop: glance.crop,
                    map: glance.map,
                    logits: glance.logits,
                    output: glance.output as u32,
                    ends: glance.ends,
                    sum: glance.sum,
                    milliseconds: now() - started,
                }))
            }
        }
    }

    /// Explains a picture from a baseline, at which the model stands from then on.
    async fn glance(
        &mut self,
        baseline: Baseline,
        photo: &Photo,
        secants: usize,
        output: Option<usize>,
    ) -> Result<Glance, Failure> {
        let standing = self.standing.take();
        let standing = match standing.filter(|standing| standing.baseline() == baseline) {
            Some(standing) => standing,
            None => self.explainer()?.stand(baseline).await?,
        };
        let glance = self.explainer()?.glance(&standing, photo, secants, output);
        let glance = glance.await;
        self.standing = Some(standing);
        Ok(glance?)
    }

    async fn start(&mut self, kind: DeviceKind) -> Result<Response, Failure> {
        let device = device::open(kind).await?;
        if kind == DeviceKind::Gpu {
            self_test(&device, &usual_layers()?).await?;
        }
        self.device = Some(device);
        Ok(Response::Ready)
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
        let (animated, incomplete) = (photo.animated, photo.incomplete);
        self.photo = Some(photo);
        Response::Opened {
            width,
            height,
            animated,
            incomplete,
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

/// A scene's pixels, and what is known of them.
fn truth(scene: Scene) -> (Vec<u8>, Truth) {
    let truth = Truth {
        shape: scene.shape,
        inside: scene.inside,
        tagged: scene.tagged,
    };
    (scene.rgb, truth)
}

/// A network with its weights, each constant copied once, to where it stays.
fn definition_of(outline: &[u8], elements: &ArrayBuffer) -> Result<Definition, Failure> {
    let definition: Definition<Outline> = decoded(outline)?;
    let mut read = 0;
    let lengths = definition.graph.lengths();
    let elements = lengths.map(|length| {
        let elements =
            Float32Array::new_with_byte_offset_and_length(elements, read * FLOAT, length as u32);
        read += length as u32;
        elements.to_vec().into()
    });
    let elements: Vec<Arc<[f32]>> = elements.collect();
    Ok(definition.with_elements(elements)?)
}

/// Milliseconds since the worker began.
fn now() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}
