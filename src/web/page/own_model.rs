//! A network of one's own: weights and labels from files that never leave the page.

use std::rc::Rc;

use js_sys::ArrayBuffer;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, Element, Event, File, HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::job::PageJob;
use super::{Page, add_option};
use crate::error::Error;
use crate::model::{Architecture, ModelSpec};
use crate::protocol::Failure;
use crate::web::dom::{all, element, now, on};
use crate::web::files;
use crate::web::pool::Weights;
use crate::web::words::{Phrase, phrase, say};

/// A network that someone brought.
pub(super) struct OwnModel {
    file: String,
    pub(super) spec: ModelSpec,
    /// What its classes are called, if a file said so.
    labels: Option<String>,
    /// How many classes the weights have.
    found: usize,
    /// How many of them are kept, the first ones.
    classes: usize,
    bytes: ArrayBuffer,
}

/// Files with these endings are weights.
const WEIGHTS: [&str; 6] = [".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".pkl"];
/// Files with these endings are labels.
const LABELS: [&str; 2] = [".txt", ".json"];

fn ends_as(name: &str, endings: &[&str]) -> bool {
    let name = name.to_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

impl OwnModel {
    /// A network of that many classes; `labels` is a file of their names.
    fn new(
        file: String,
        bytes: ArrayBuffer,
        architecture: Architecture,
        classes: usize,
        labels: Option<&str>,
    ) -> Result<Self, Failure> {
        let stem = file
            .rsplit_once('.')
            .map_or(file.as_str(), |(stem, _)| stem);
        let mut spec = ModelSpec::own(stem, architecture, classes, labels)?;
        // Its name in the list is the file's, so that none of ours can be meant.
        spec.name = format!("own:{file}").into();
        Ok(Self {
            file,
            labels: labels.is_some().then(|| spec.labels.clone().into()),
            spec,
            found: classes,
            classes,
            bytes,
        })
    }

    /// The same network, called as its authors call it, if they published it.
    fn published_as(mut self, published: Option<&ModelSpec>) -> Self {
        if let Some(published) = published {
            self.spec.title = published.title.clone();
            self.spec.preprocessing = published.preprocessing;
        }
        self
    }

    /// The same network with its classes named by that file.
    fn named(&self, labels: Option<&str>) -> Result<Self, Failure> {
        let (file, bytes) = (self.file.clone(), self.bytes.clone());
        let named = Self::new(file, bytes, self.spec.architecture, self.classes, labels)?;
        let preprocessing = self.spec.preprocessing;
        Ok(Self {
            found: self.found,
            spec: ModelSpec {
                preprocessing,
                ..named.spec
            },
            ..named
        })
    }

    /// Keeps that many classes, and as many of the names that a file gave, if it gave enough.
    fn keep(&mut self, classes: usize) -> Result<(), Failure> {
        let found = self.found;
        if classes == 0 || classes > found {
            let asked = classes;
            return Err(Error::ClassCount { found, asked }.into());
        }
        let labels = self.labels.as_ref().map(|labels| labels.lines());
        let labels = labels.filter(|labels| labels.clone().count() >= classes);
        let labels = labels.map(|labels| labels.take(classes).collect::<Vec<_>>().join("\n"));
        let architecture = self.spec.architecture;
        let spec = ModelSpec::own("", architecture, classes, labels.as_deref())?;
        self.spec.labels = spec.labels;
        self.classes = classes;
        Ok(())
    }
}

impl Page {
    /// Whether a file of that name holds weights, or labels for a network that was brought before.
    pub(super) fn is_for_own_model(&self, name: &str) -> bool {
        ends_as(name, &WEIGHTS) || (ends_as(name, &LABELS) && !self.own.borrow().is_empty())
    }

    pub(super) fn listen_to_own_model(self: &Rc<Self>) {
        on(&element::<Element>("own"), "click", |_: Event| {
            element::<HtmlInputElement>("own-file").click();
        });
        for input in all("#own-model input") {
            let page = Rc::clone(self);
            on(&input, "change", move |_: Event| page.change_own_model());
        }
    }

    /// Takes weights, labels, or both.
    pub(super) fn take_own_model(self: &Rc<Self>, files: Vec<File>) {
        let page = Rc::clone(self);
        spawn_local(async move {
            let reading = page.openings.begin(now());
            let taken = page.read_own_model(&files, &reading).await;
            reading.end();
            match taken {
                Ok(name) => page.change(|settings| {
                    settings.set_model(&name);
                    // The same file may come again with other labels.
                    settings.revision += 1;
                }),
                Err(failure) => {
                    page.tell(&failure);
                    if !page.jobs.is_busy() {
                        page.say_status(Phrase::nothing());
                    }
                }
            }
            page.show_controls();
        });
    }

    /// The name of the network that was read.
    async fn read_own_model(&self, files: &[File], job: &PageJob) -> Result<String, Failure> {
        let file_of = |endings: &[&str]| files.iter().find(|file| ends_as(&file.name(), endings));
        let labels = match file_of(&LABELS) {
            Some(file) => {
                let blob: &Blob = file;
                Some(files::text(blob).await?)
            }
            None => None,
        };
        let own = match file_of(&WEIGHTS) {
            Some(file) => {
                let name = file.name();
                job.wait(phrase!("Reading {file}…", file = name.as_str()));
                let blob: &Blob = file;
                let bytes = files::blob(blob).await?;
                let pool = self.pool.borrow().clone();
                let pool = pool.ok_or_else(|| files::not_ready(&name))?;
                let (architecture, classes, published) = pool.recognise(&bytes).await?;
                let labels = labels.or_else(|| published.map(|spec| spec.labels.clone().into()));
                let own = OwnModel::new(name, bytes, architecture, classes, labels.as_deref())?;
                own.published_as(published)
            }
            None => {
                // Labels alone belong to the network that was brought last.
                let own = self.own.borrow();
                let last = own.last().ok_or_else(files::labels_alone)?;
                last.named(labels.as_deref())?
            }
        };
        let name = own.spec.name.to_string();
        self.add_own_model(own);
        Ok(name)
    }

    fn add_own_model(&self, own: OwnModel) {
        let models: HtmlSelectElement = element("model");
        let mut known = self.own.borrow_mut();
        let before = known.len();
        known.retain(|other| other.spec.name != own.spec.name);
        if known.len() == before {
            add_option(&models, &own.spec.name, Phrase::of(&*own.spec.title), true);
        }
        known.push(own);
    }

    /// The weights of a network that was brought, if it is one.
    pub(super) fn own_weights(&self, name: &str) -> Option<Weights> {
        let own = self.own.borrow();
        let own = own.iter().find(|own| own.spec.name == name)?;
        Some(Weights {
            architecture: own.spec.architecture,
            preprocessing: own.spec.preprocessing,
            sha256: None,
            classes: (own.classes < own.found).then_some(own.classes),
            bytes: own.bytes.clone(),
            randomised: None,
        })
    }

    /// Shows what is known of the network, if it was brought.
    pub(super) fn show_own_model(&self, name: &str) {
        let own = self.own.borrow();
        let own = own.iter().find(|own| own.spec.name == name);
        element::<HtmlElement>("own-model").set_hidden(own.is_none());
        let Some(own) = own else { return };
        let first = own
            .spec
            .labels()
            .into_iter()
            .take(3)
            .collect::<Vec<_>>()
            .join(", ");
        say(
            "own-summary",
            phrase!(
                "{network} ({first}, …). It stays on this page.",
                network = own.spec.architecture.title(),
                first = first,
            ),
        );
        let classes: HtmlInputElement = element("own-classes");
        classes.set_max(&own.found.to_string());
        classes.set_value(&own.classes.to_string());
        let of = phrase!("of {classes}", classes = own.found);
        say("own-found", of);
        let preprocessing = &own.spec.preprocessing;
        for (part, values) in [("mean", preprocessing.mean), ("std", preprocessing.std)] {
            for (c, value) in values.iter().enumerate() {
                // On PyTorch's scale, 0..=1.
                let shown = format!("{:.3}", value / 255.0);
                element::<HtmlInputElement>(&format!("own-{part}-{c}")).set_value(&shown);
            }
        }
    }

    /// Takes the number of classes and the normalisation that someone typed.
    fn change_own_model(self: &Rc<Self>) {
        let name = self.latest().model;
        let typed = |id: &str| element::<HtmlInputElement>(id).value_as_number();
        let mut kept = Ok(());
        if let Some(own) = self
            .own
            .borrow_mut()
            .iter_mut()
            .find(|own| own.spec.name == name)
        {
            // What is no number is 0 then, and refused.
            kept = own.keep(typed("own-classes") as usize);
            let preprocessing = &mut own.spec.preprocessing;
            for c in 0..3 {
                let typed = |part: &str| (typed(&format!("own-{part}-{c}")) * 255.0) as f32;
                let (mean, std) = (typed("mean"), typed("std"));
                if mean.is_finite() {
                    preprocessing.mean[c] = mean;
                }
                if std.is_finite() && std > 0.0 {
                    preprocessing.std[c] = std;
                }
            }
        }
        if let Err(failure) = kept {
            // The photo, the mask and the number before stay.
            self.show_own_model(&name);
            return self.tell(&failure);
        }
        self.change(|settings| settings.revision += 1);
    }
}
