//! A network of one's own: weights and labels from files that never leave the page.

use std::rc::Rc;

use js_sys::ArrayBuffer;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, Element, Event, File, HtmlElement, HtmlInputElement, HtmlSelectElement};

use super::{From, Page, add_option};
use crate::model::{Architecture, ModelSpec};
use crate::protocol::Failure;
use crate::web::dom::{all, element, on};
use crate::web::files;
use crate::web::pool::Weights;
use crate::web::words::{Phrase, phrase, say};

/// A network that someone brought.
pub(super) struct OwnModel {
    file: String,
    pub(super) spec: ModelSpec,
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
            on(&input, "change", move |_: Event| {
                page.change_normalisation()
            });
        }
    }

    /// Takes weights, labels, or both.
    pub(super) fn take_own_model(self: &Rc<Self>, files: Vec<File>) {
        let page = Rc::clone(self);
        spawn_local(async move {
            let busy = page.busy.get();
            let taken = page.read_own_model(&files).await;
            match taken {
                Ok(()) => page.run(From::Model),
                Err(failure) => {
                    page.tell(&failure);
                    if !busy {
                        page.status(Phrase::nothing());
                    }
                }
            }
        });
    }

    async fn read_own_model(&self, files: &[File]) -> Result<(), Failure> {
        let file_of = |endings: &[&str]| files.iter().find(|file| ends_as(&file.name(), endings));
        let labels = match file_of(&LABELS) {
            Some(file) => {
                let blob: &Blob = file;
                Some(files::text(blob).await?)
            }
            None => None,
        };
        let (file, bytes, architecture, classes) = match file_of(&WEIGHTS) {
            Some(file) => {
                let name = file.name();
                self.status(phrase!("Reading {file}…", file = name.as_str()));
                let blob: &Blob = file;
                let bytes = files::blob(blob).await?;
                let pool = self.pool.borrow().clone();
                let pool = pool.ok_or_else(|| files::not_ready(&name))?;
                let (architecture, classes) = pool.recognise(&bytes).await?;
                (name, bytes, architecture, classes)
            }
            None => {
                // Labels alone belong to the network that was brought last.
                let own = self.own.borrow();
                let last = own.last().ok_or_else(files::labels_alone)?;
                (
                    last.file.clone(),
                    last.bytes.clone(),
                    last.spec.architecture,
                    last.classes,
                )
            }
        };
        self.add_own_model(file, bytes, architecture, classes, labels.as_deref())
    }

    fn add_own_model(
        &self,
        file: String,
        bytes: ArrayBuffer,
        architecture: Architecture,
        classes: usize,
        labels: Option<&str>,
    ) -> Result<(), Failure> {
        let stem = file
            .rsplit_once('.')
            .map_or(file.as_str(), |(stem, _)| stem);
        let mut spec = ModelSpec::own(stem, architecture, classes, labels)?;
        // Its name in the list is the file's, so that none of ours can be meant.
        spec.name = format!("own:{file}").into();
        let models: HtmlSelectElement = element("model");
        let known = self
            .own
            .borrow()
            .iter()
            .any(|own| own.spec.name == spec.name);
        if !known {
            add_option(&models, &spec.name, Phrase::of(&*spec.title), true);
        }
        models.set_value(&spec.name);
        self.own
            .borrow_mut()
            .retain(|own| own.spec.name != spec.name);
        // The same file may come again with other labels.
        *self.model.borrow_mut() = None;
        self.own.borrow_mut().push(OwnModel {
            file,
            spec,
            classes,
            bytes,
        });
        Ok(())
    }

    /// The weights of a network that was brought, if it is one.
    pub(super) fn own_weights(&self, name: &str) -> Option<Weights> {
        let own = self.own.borrow();
        let own = own.iter().find(|own| own.spec.name == name)?;
        Some(Weights {
            architecture: own.spec.architecture,
            preprocessing: own.spec.preprocessing,
            sha256: None,
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
                "{network}, {classes} classes ({first}, …). It stays on this page.",
                network = own.spec.architecture.title(),
                classes = own.classes,
                first = first,
            ),
        );
        let preprocessing = &own.spec.preprocessing;
        for (part, values) in [("mean", preprocessing.mean), ("std", preprocessing.std)] {
            for (c, value) in values.iter().enumerate() {
                // On PyTorch's scale, 0..=1.
                let shown = format!("{:.3}", value / 255.0);
                element::<HtmlInputElement>(&format!("own-{part}-{c}")).set_value(&shown);
            }
        }
    }

    /// Takes the normalisation that someone typed.
    fn change_normalisation(self: &Rc<Self>) {
        let name = element::<HtmlSelectElement>("model").value();
        if let Some(own) = self
            .own
            .borrow_mut()
            .iter_mut()
            .find(|own| own.spec.name == name)
        {
            let preprocessing = &mut own.spec.preprocessing;
            for c in 0..3 {
                let typed = |part: &str| {
                    let input: HtmlInputElement = element(&format!("own-{part}-{c}"));
                    (input.value_as_number() * 255.0) as f32
                };
                let (mean, std) = (typed("mean"), typed("std"));
                if mean.is_finite() {
                    preprocessing.mean[c] = mean;
                }
                if std.is_finite() && std > 0.0 {
                    preprocessing.std[c] = std;
                }
            }
        }
        *self.model.borrow_mut() = None;
        self.run(From::Model);
    }
}
