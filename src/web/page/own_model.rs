//! Networks of one's own: files that never leave the page.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, HtmlSelectElement};

use super::job::PageJob;
use super::{Page, append};
use crate::model::{Card, ModelSpec, Wishes};
use crate::page::{Awaiting, Begin, Brought, Kind, Named, READER, Settings, numbered, option};
use crate::protocol::{Failure, FailureCode};
use crate::web::dom::{element, now, sleep};
use crate::web::dropped::Dropped;
use crate::web::files;
use crate::web::parts::made;
use crate::web::pool::{Weights, fitting};
use crate::web::reading::{self, Read};
use crate::web::words::{Phrase, phrase};

/// How often those who wait for the engine look whether it runs.
const LOOK_MS: i32 = 100;

/// A network that someone brought.
#[derive(Clone)]
pub(super) struct OwnModel {
    /// Its files are on the disk: they are read again when something else is wished for.
    pub(super) brought: Brought<Dropped>,
    pub(super) card: Card,
    weights: Weights,
    pub(super) spec: ModelSpec,
    /// How long a gradient takes in one worker, once that was measured.
    pub(super) gradient_ms: Option<f64>,
}

impl Named for Dropped {
    fn path(&self) -> &str {
        &self.path
    }

    fn bytes(&self) -> u64 {
        self.file.size() as u64
    }
}

impl OwnModel {
    fn new(brought: Brought<Dropped>, read: Read) -> Result<Self, Failure> {
        let Read {
            card,
            source,
            weights,
        } = read;
        let mut spec = card.spec(brought.stem(&card.producer))?;
        // Its name in the list is the file's, so that none of ours can be meant.
        spec.name = format!("own:{}", brought.title).into();
        Ok(Self {
            brought,
            weights: Weights {
                source,
                bytes: weights,
                memory: card.memory,
                randomised: None,
            },
            card,
            spec,
            gradient_ms: None,
        })
    }
}

impl Page {
    /// The network that is set, if someone brought it.
    pub(super) fn own_model(&self) -> Option<OwnModel> {
        let name = self.latest().model;
        let own = self.own.borrow();
        own.iter().find(|own| own.spec.name == name).cloned()
    }

    /// Takes a network's files, or what belongs to one that is here: it is set now; if `begin`, it has
    /// begun to work too. Nothing, if something else was opened meanwhile.
    pub(super) async fn take_network(
        self: &Rc<Self>,
        files: Vec<(Dropped, Kind)>,
        begin: bool,
    ) -> Option<Result<(), Failure>> {
        let reading = self.openings.begin(now());
        self.show_controls();
        let read = self.read_network(files, &reading).await;
        if !reading.end() {
            return None;
        }
        let taken = read.map(|own| {
            let name = self.add_own_model(own);
            let set = |settings: &mut Settings| {
                settings.set_model(&name);
                // The same file may come again with other labels.
                settings.revision += 1;
            };
            if begin {
                self.change(set);
            } else {
                self.work.borrow_mut().change(set);
                self.show_settings();
            }
        });
        if taken.is_err() && !self.jobs.is_busy() {
            self.say_status(Phrase::nothing());
        }
        self.show_controls();
        Some(taken)
    }

    /// Takes a network that was made here, a file by that name: it is among the others from now on,
    /// and set. It is for whoever called to begin with it.
    pub(super) async fn take_made(
        self: &Rc<Self>,
        job: &PageJob,
        file: Dropped,
    ) -> Result<(), Failure> {
        let brought = Brought::of(vec![(file, Kind::Network)]);
        let own = self.read_brought(brought, job).await?;
        if job.is_current() {
            let name = self.add_own_model(own);
            self.work.borrow_mut().change(|settings| {
                settings.set_model(&name);
                settings.revision += 1;
            });
            self.show_settings();
        }
        Ok(())
    }

    /// The network that files hold.
    async fn read_network(
        &self,
        dropped: Vec<(Dropped, Kind)>,
        job: &PageJob,
    ) -> Result<OwnModel, Failure> {
        // Before anything is read.
        let bytes: f64 = dropped.iter().map(|(file, _)| file.file.size()).sum();
        fitting(bytes as u64)?;
        let texts = dropped.iter().all(|&(_, kind)| kind == Kind::Text);
        let brought = Brought::of(dropped);
        let answered = |awaiting: &Awaiting<Dropped>| awaiting.is_answered_by(&brought.files);
        let awaited = self.awaiting.take().filter(answered);
        let brought = match awaited {
            Some(awaiting) => awaiting.with(brought.files),
            // Labels alone belong to the network that is set, or was brought last.
            None if texts => {
                let own = self.own_model();
                let own = own.or_else(|| self.own.borrow().last().cloned());
                let own = own.ok_or_else(files::labels_alone)?;
                own.brought.with_labels(brought.files)
            }
            None => brought,
        };
        self.read_brought(brought, job).await
    }

    /// Has what was brought read; it is refused if it is too large for this device.
    async fn read_brought(
        &self,
        brought: Brought<Dropped>,
        job: &PageJob,
    ) -> Result<OwnModel, Failure> {
        job.wait(phrase!("Reading {file}…", file = brought.title.as_str()));
        let reader = self.program(READER, |_, _| ()).await?;
        let (mut names, mut bytes) = (Vec::new(), Vec::new());
        for file in &brought.files {
            let blob: &Blob = &file.file;
            bytes.push(files::blob(blob).await?);
            names.push(file.path.clone());
        }
        match reading::read(&reader, names, &bytes, brought.wishes.clone()).await {
            Ok(read) => {
                fitting(read.card.memory)?;
                self.engine_for(&brought.title).await?;
                OwnModel::new(brought, read)
            }
            Err(failure) => {
                if failure.code == FailureCode::FileMissing {
                    // Whoever drops it next need not drop the others again.
                    self.awaiting.replace(Some(Awaiting {
                        missing: failure.detail.clone(),
                        brought,
                    }));
                }
                Err(failure)
            }
        }
    }

    /// Waits until the engine runs.
    async fn engine_for(&self, file: &str) -> Result<(), Failure> {
        loop {
            let running = self.pool.borrow().is_some();
            let starting = element::<HtmlSelectElement>("model").disabled() || self.jobs.is_busy();
            match running {
                true => return Ok(()),
                false if starting => sleep(LOOK_MS).await,
                false => return Err(files::not_ready(file)),
            }
        }
    }

    /// Adds a network to the list, in place of the same one, beside another one that is called alike. Its name.
    fn add_own_model(&self, mut own: OwnModel) -> String {
        let mut known = self.own.borrow_mut();
        let place = |name: &str| known.iter().position(|other| other.spec.name == name);
        let taken = |name: &str| Some(known[place(name)?].brought.is_like(&own.brought));
        let [name, title] = numbered(&own.spec.name, &own.spec.title, taken);
        let place = place(&name);
        own.spec.name = name.clone().into();
        own.spec.title = title.into();
        match place {
            Some(place) => known[place] = own,
            None => {
                let title = Phrase::of(&*own.spec.title);
                append(&element("model"), &made(&option(&name, title, true)));
                known.push(own);
            }
        }
        name
    }

    /// The weights of a network that was brought, if it is one.
    pub(super) fn own_weights(&self, name: &str) -> Option<Weights> {
        let own = self.own.borrow();
        let own = own.iter().find(|own| own.spec.name == name)?;
        Some(own.weights.clone())
    }

    /// Notes how long a gradient of a network that was brought takes.
    pub(super) fn note_time(&self, name: &str, gradient_ms: f64) {
        let mut own = self.own.borrow_mut();
        if let Some(own) = own.iter_mut().find(|own| own.spec.name == name) {
            own.gradient_ms = Some(gradient_ms);
        }
    }

    /// Reads the network that is set once more, with something else wished of it; if that cannot be had, it is told
    /// and what was stays.
    pub(super) fn wish(self: &Rc<Self>, wishes: Wishes) {
        let Some(own) = self.own_model() else { return };
        let page = Rc::clone(self);
        spawn_local(async move {
            let reading = page.openings.begin(now());
            page.show_controls();
            let brought = Brought {
                wishes,
                ..own.brought.clone()
            };
            let read = page.read_brought(brought, &reading).await;
            if !reading.end() {
                return;
            }
            match read {
                Ok(read) => page.take_wish(&own, read),
                Err(failure) => page.tell(&failure),
            }
            page.show_card();
            page.show_controls();
            if page.jobs.is_busy() || page.shown().is_some() {
                return;
            }
            page.say_status(Phrase::nothing());
        });
    }

    fn take_wish(self: &Rc<Self>, before: &OwnModel, mut read: OwnModel) {
        let name = before.spec.name.to_string();
        read.spec.name = before.spec.name.clone();
        read.spec.title = before.spec.title.clone();
        let others =
            read.card.output != before.card.output || read.card.classes != before.card.classes;
        let mut known = self.own.borrow_mut();
        if let Some(own) = known.iter_mut().find(|own| own.spec.name == name) {
            *own = read;
        }
        drop(known);
        if self.latest().model == name {
            self.change(|settings| {
                settings.revision += 1;
                if others {
                    (settings.output, settings.against) = (None, None);
                }
            });
        }
    }

    /// A network that was chosen, but photos that came with it were none: it begins by itself.
    pub(super) fn begin_alone(self: &Rc<Self>) {
        self.begin(Begin::Model);
    }
}
