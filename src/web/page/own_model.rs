//! Networks of one's own: files that never leave the page.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, HtmlSelectElement};

use super::job::PageJob;
use super::{Page, add_option};
use crate::model::{Card, ModelSpec, Wishes};
use crate::page::{Begin, Kind, Settings};
use crate::protocol::{Failure, FailureCode};
use crate::web::dom::{element, now, sleep};
use crate::web::dropped::Dropped;
use crate::web::files::{self, Program};
use crate::web::pool::{Weights, fitting};
use crate::web::reading::{self, Read};
use crate::web::words::{Phrase, phrase};

/// How often those who wait for the engine look whether it runs.
const LOOK_MS: i32 = 100;

/// A network that someone brought.
#[derive(Clone)]
pub(super) struct OwnModel {
    /// What people call it: its file, or its folder.
    pub(super) title: String,
    /// On the disk: they are read again when something else is wished for.
    files: Vec<Dropped>,
    /// What was wished for in its card.
    pub(super) wishes: Wishes,
    pub(super) card: Card,
    weights: Weights,
    pub(super) spec: ModelSpec,
    /// How long a gradient takes in one worker, once that was measured.
    pub(super) gradient_ms: Option<f64>,
}

/// Files of a network that lacks one still.
pub(super) struct Awaiting {
    /// The name of the file that it lacks.
    pub(super) missing: String,
    title: String,
    files: Vec<Dropped>,
    wishes: Wishes,
}

/// Files that are to be read as one network.
struct Brought {
    title: String,
    files: Vec<Dropped>,
    wishes: Wishes,
}

impl OwnModel {
    fn new(brought: Brought, read: Read) -> Result<Self, Failure> {
        let Read {
            card,
            source,
            weights,
        } = read;
        let Brought {
            title,
            files,
            wishes,
        } = brought;
        let stem = title.rsplit_once('.').map_or(&*title, |(stem, _)| stem);
        // Every one of its exports is called model.json.
        let machine = "Teachable Machine";
        let stem = match stem {
            "model" if card.producer.starts_with(machine) => machine,
            stem => stem,
        };
        let mut spec = card.spec(stem)?;
        // Its name in the list is the file's, so that none of ours can be meant.
        spec.name = format!("own:{title}").into();
        Ok(Self {
            title,
            files,
            wishes,
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

    /// Whether its files are as long as another one's.
    fn is_like(&self, other: &Self) -> bool {
        let of = |own: &Self| -> Vec<_> {
            let labels = own.wishes.labels.as_ref();
            let files = own.files.iter().filter(|file| Some(&file.path) != labels);
            files
                .map(|file| (file.path.clone(), file.file.size()))
                .collect()
        };
        of(self) == of(other)
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
        let brought = Brought {
            title: file.name(),
            files: vec![file],
            wishes: Wishes::default(),
        };
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
        let title = title_of(&dropped);
        let labels = labels_among(&dropped);
        let held: Vec<Dropped> = dropped.into_iter().map(|(file, _)| file).collect();
        let comes = |awaiting: &Awaiting| {
            let missing = base_name(&awaiting.missing);
            let mut names = held.iter().map(|file| base_name(&file.path));
            names.any(|name| name.eq_ignore_ascii_case(missing))
        };
        let awaited = self.awaiting.take().filter(comes);
        let brought = match awaited {
            Some(mut awaiting) => {
                awaiting.files.extend(held);
                Brought {
                    title: awaiting.title,
                    files: awaiting.files,
                    wishes: awaiting.wishes,
                }
            }
            // Labels alone belong to the network that is set, or was brought last.
            None if texts => {
                let own = self.own_model();
                let own = own.or_else(|| self.own.borrow().last().cloned());
                own.ok_or_else(files::labels_alone)?.with_labels(held)
            }
            None => Brought {
                title,
                files: held,
                wishes: Wishes {
                    labels,
                    ..Wishes::default()
                },
            },
        };
        self.read_brought(brought, job).await
    }

    /// Has what was brought read; it is refused if it is too large for this device.
    async fn read_brought(&self, brought: Brought, job: &PageJob) -> Result<OwnModel, Failure> {
        job.wait(phrase!("Reading {file}…", file = brought.title.as_str()));
        let reader = self.reader().await?;
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
                        title: brought.title,
                        files: brought.files,
                        wishes: brought.wishes,
                    }));
                }
                Err(failure)
            }
        }
    }

    /// What reads files, fetched once.
    async fn reader(&self) -> Result<Program, Failure> {
        if let Some(reader) = &*self.reader.borrow() {
            return Ok(reader.clone());
        }
        let reader = files::reader().await?;
        self.reader.replace(Some(reader.clone()));
        Ok(reader)
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
        let plain = own.spec.clone();
        let mut number = 1;
        let place = loop {
            let same = known
                .iter()
                .position(|other| other.spec.name == own.spec.name);
            match same {
                Some(place) if !known[place].is_like(&own) => {
                    number += 1;
                    own.spec.name = format!("{} ({number})", plain.name).into();
                    own.spec.title = format!("{} ({number})", plain.title).into();
                }
                place => break place,
            }
        };
        let name = own.spec.name.to_string();
        match place {
            Some(place) => known[place] = own,
            None => {
                let models: HtmlSelectElement = element("model");
                add_option(&models, &name, Phrase::of(&*own.spec.title), true);
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
    pub(super) fn wish(self: &Rc<Self>, change: impl FnOnce(&mut Wishes, &Card) + 'static) {
        let Some(own) = self.own_model() else { return };
        let page = Rc::clone(self);
        spawn_local(async move {
            let reading = page.openings.begin(now());
            page.show_controls();
            let mut wishes = own.wishes.clone();
            change(&mut wishes, &own.card);
            let brought = Brought {
                title: own.title.clone(),
                files: own.files.clone(),
                wishes,
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

impl OwnModel {
    /// The same files with others that name the classes, the first of which does.
    fn with_labels(mut self, labels: Vec<Dropped>) -> Brought {
        let before = self.wishes.labels.take();
        self.files
            .retain(|file| Some(&file.path) != before.as_ref());
        self.wishes.labels = labels.first().map(|label| label.path.clone());
        self.files
            .retain(|file| labels.iter().all(|label| label.path != file.path));
        self.files.extend(labels);
        Brought {
            title: self.title,
            files: self.files,
            wishes: self.wishes,
        }
    }
}

/// What people call files that came together: their folder, or the network's file.
fn title_of(files: &[(Dropped, Kind)]) -> String {
    let folder = files.iter().find_map(|(file, _)| file.folder());
    let network = files.iter().find(|(_, kind)| *kind == Kind::Network);
    let first = network.or(files.first()).map(|(file, _)| file.name());
    folder.map(str::to_owned).or(first).unwrap_or_default()
}

/// The text that names the classes, where people brought one beside the network: its name says so, or it is the
/// only one. What a folder or an archive holds may be anything.
fn labels_among(files: &[(Dropped, Kind)]) -> Option<String> {
    let texts = files.iter().filter(|(_, kind)| *kind == Kind::Text);
    let texts = texts.filter(|(file, _)| file.folder().is_none());
    let names: Vec<String> = texts.map(|(file, _)| file.name()).collect();
    let says_so = |name: &&String| {
        let name = name.to_lowercase();
        name.contains("label") || name.contains("class")
    };
    let only = |name: &&String| names.len() == 1 && name.to_lowercase().ends_with(".txt");
    let said = names.iter().find(says_so);
    said.or_else(|| names.iter().find(only)).cloned()
}

fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}
