//! What a worker does of what it is asked. Messages and devices are whoever's affair has it run.

use std::sync::Arc;

use burn::tensor::Device;
use violet_graph::Outline;

use super::{Explainer, Glance, Standing, Walk};
use crate::attribution::Baseline;
use crate::device::LARGEST_BUFFER;
use crate::image::{Photo, resize};
use crate::model::{Checkpoint, Definition, Randomised, Target, checkpoint};
use crate::preprocessing::Filter;
use crate::protocol::{Failure, Glimpse, Request, Response, Source, Truth};
use crate::regions::cover;
use crate::shapes::{SIZE, Scene};
use crate::teaching::{Examples, teach};

/// Bytes that come with a request, in someone else's memory: whoever needs them copies them, once.
pub trait Body {
    /// All of them.
    fn bytes(&self) -> Vec<u8>;

    /// So many f32 of them, little-endian, after the first `from`.
    fn floats(&self, from: usize, length: usize) -> Vec<f32>;
}

/// What a worker keeps between requests.
#[derive(Default)]
pub struct Answering {
    device: Option<Device>,
    explainer: Option<Explainer>,
    photo: Option<Photo>,
    path: Option<(Vec<f32>, Vec<f32>)>,
    walk: Option<(Target, Walk)>,
    /// Where the model stands while the camera's pictures come.
    standing: Option<Standing>,
}

impl Answering {
    /// Computes there from now on.
    pub fn start(&mut self, device: Device) {
        self.device = Some(device);
    }

    /// Answers one request; `now` is a clock, in milliseconds.
    ///
    /// # Errors
    ///
    /// What the request says failed; [`FailureCode::Internal`](crate::protocol::FailureCode::Internal), if something was
    /// not asked before, or is not for this worker.
    pub async fn answer(
        &mut self,
        request: Request,
        bodies: &[impl Body],
        now: impl Fn() -> f64,
    ) -> Result<Response, Failure> {
        let body = || bodies.first().map(Body::bytes).unwrap_or_default();
        match request {
            Request::Start { .. } => Err(Failure::internal("devices are opened outside")),
            Request::Read { .. } => Err(Failure::internal("files are for the reader")),
            Request::Load { source, randomised } => self.load(source, randomised, bodies),
            Request::Rehearse {
                slopes,
                gradients,
                timed,
            } => {
                let explainer = self.explainer()?;
                explainer.rehearse(slopes, gradients).await?;
                let mut pass_ms = None;
                if timed {
                    let started = now();
                    explainer.one_pass(slopes, gradients).await?;
                    pass_ms = Some(now() - started);
                }
                Ok(Response::Rehearsed { pass_ms })
            }
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
                let photo = self.photo.as_ref().ok_or_else(|| lacks("photo"))?;
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
                let (input, baseline) = self.path()?;
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
                let (input, baseline) = self.path()?;
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
                let (input, _) = self.path()?;
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
                let features = self.explainer()?.features(&photos).await?;
                Ok(Response::Outputs(features))
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

    /// Takes a network. The old one goes before the new one comes.
    fn load(
        &mut self,
        source: Source,
        randomised: Option<(Randomised, u64)>,
        bodies: &[impl Body],
    ) -> Result<Response, Failure> {
        (self.explainer, self.walk, self.standing) = (None, None, None);
        let body = bodies.first().ok_or_else(|| lacks("weights"))?;
        let device = self.device.as_ref().ok_or_else(|| lacks("device"))?;
        let explainer = match source {
            Source::Published {
                architecture,
                preprocessing,
                sha256,
            } => {
                let weights = body.bytes();
                checkpoint::verify(&weights, &sha256)?;
                let mut checkpoint = Checkpoint::from_safetensors(&weights)?;
                drop(weights);
                if let Some((extent, seed)) = randomised {
                    architecture.randomise(&mut checkpoint, extent, seed)?;
                }
                Explainer::load(architecture, preprocessing, checkpoint, device)?
            }
            Source::Own { definition } => {
                let mut definition = definition_of(&definition, body)?;
                if let Some((extent, seed)) = randomised {
                    definition.randomise(extent, seed)?;
                }
                let preprocessing = definition.preprocessing;
                Explainer::new(definition.network(device)?, preprocessing)
            }
        };
        let most_images = explainer.images_within(LARGEST_BUFFER);
        self.explainer = Some(explainer);
        Ok(Response::Loaded { most_images })
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

    /// Keeps a photo, and answers with a picture of it, no longer than that along a side.
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
                let (input, baseline) = self.path()?;
                self.explainer()?.walk(input, baseline, target)?
            }
        };
        Ok(&mut self.walk.insert((target, walk)).1)
    }

    fn path(&self) -> Result<(&[f32], &[f32]), Failure> {
        let (input, baseline) = self.path.as_ref().ok_or_else(|| lacks("path"))?;
        Ok((input, baseline))
    }

    fn explainer(&self) -> Result<&Explainer, Failure> {
        self.explainer.as_ref().ok_or_else(|| lacks("model"))
    }
}

/// Something was not asked for before.
fn lacks(what: &str) -> Failure {
    Failure::internal(&format!("no {what}"))
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
fn definition_of(outline: &[u8], elements: &impl Body) -> Result<Definition, Failure> {
    let definition = postcard::from_bytes::<Definition<Outline>>(outline);
    let definition = definition.map_err(|error| Failure::internal(&error.to_string()))?;
    let mut read = 0;
    let elements = definition.graph.lengths().map(|length| {
        read += length;
        elements.floats(read - length, length).into()
    });
    let elements: Vec<Arc<[f32]>> = elements.collect();
    Ok(definition.with_elements(elements)?)
}
