//! Networks of one's own: files that never leave the page.

use std::rc::Rc;

use js_sys::ArrayBuffer;
use web_sys::{Blob, HtmlSelectElement};

use super::Page;
use super::job::PageJob;
use super::open::forget_notice;
use crate::model::Wishes;
use crate::page::{Brought, Kind, Named, READER, Settings, not_ready};
use crate::protocol::{Failure, FailureCode};
use crate::web::dom::{element, now, sleep};
use crate::web::dropped::Dropped;
use crate::web::files;
use crate::web::parts::put;
use crate::web::pool::fitting;
use crate::web::reading::{self, Read};
use crate::web::words::{Phrase, phrase};

/// How often those who wait for the engine look whether it runs.
const LOOK_MS: i32 = 100;

/// A network that someone brought.
pub(super) type OwnModel = crate::page::OwnModel<Dropped, ArrayBuffer>;

impl Named for Dropped {
    fn path(&self) -> &str {
        &self.path
    }

    fn bytes(&self) -> u64 {
        self.file.size() as u64
    }
}

impl Page {
    /// The network that is set, if someone brought it.
    pub(super) fn own_model(&self) -> Option<OwnModel> {
        self.networks.borrow().own(&self.latest().model).cloned()
    }

    /// Takes a network's files, or what belongs to one that is here: it is set now; if `begin`, it has
    /// begun to work too. Nothing, if something else was opened meanwhile; with it, why it was taken without
    /// the texts that came with it.
    pub(super) async fn take_network(
        self: &Rc<Self>,
        files: Vec<(Dropped, Kind)>,
        begin: bool,
    ) -> Option<Result<Option<Failure>, Failure>> {
        let reading = self.openings.begin(now());
        self.show_controls();
        let mut read = self.read_network(files.clone(), &reading).await;
        let mut misfit = None;
        let labels = |failure: &Failure| failure.code == FailureCode::LabelsDoNotFit;
        if let Some(failure) = read
            .as_ref()
            .err()
            .filter(|failure| labels(failure))
            .cloned()
        {
            let others: Vec<_> = files
                .iter()
                .filter(|(_, kind)| *kind != Kind::Text)
                .cloned()
                .collect();
            let has_network = others.iter().any(|(_, kind)| *kind == Kind::Network);
            if has_network
                && others.len() < files.len()
                && let Ok(own) = self.read_network(others, &reading).await
            {
                (read, misfit) = (Ok(own), Some(failure));
            }
        }
        if !reading.end() {
            return None;
        }
        let taken = read.map(|own| {
            forget_notice();
            let set = self.add_network(own);
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
        Some(taken.map(|()| misfit))
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
        job.wanted()?;
        let set = self.add_network(own);
        self.work.borrow_mut().change(set);
        self.show_settings();
        Ok(())
    }

    /// Adds a network to the list; what sets it.
    fn add_network(&self, own: OwnModel) -> impl FnOnce(&mut Settings) + use<> {
        let (name, panel) = self.networks.borrow_mut().add(own);
        put(&panel);
        move |settings| {
            settings.set_model(&name);
            // The same file may come again with other labels.
            settings.revision += 1;
        }
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
        let set = self.latest().model;
        let brought = self.networks.borrow_mut().together(dropped, &set)?;
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
            Ok(Read {
                card,
                source,
                weights,
            }) => {
                fitting(card.memory)?;
                self.engine_for(&brought.title).await?;
                OwnModel::new(brought, card, source, weights)
            }
            Err(failure) => {
                self.networks.borrow_mut().refused(brought, &failure);
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
                false => return Err(not_ready(file)),
            }
        }
    }

    /// Reads the network that is set once more, with something else wished of it; if that cannot be had, it is told
    /// and what was stays.
    pub(super) fn wish(self: &Rc<Self>, wishes: Wishes) {
        let name = self.latest().model;
        let brought = self.networks.borrow().with_wishes(&name, wishes);
        let Some(brought) = brought else { return };
        self.start(async move |page| {
            let reading = page.openings.begin(now());
            page.show_controls();
            let read = page.read_brought(brought, &reading).await;
            if !reading.end() {
                return;
            }
            match read {
                Ok(read) => page.take_wish(&name, read),
                Err(failure) => page.tell(&failure),
            }
            page.show_card();
            page.show_controls();
            if !page.jobs.is_busy() && page.shown().is_none() {
                page.say_status(Phrase::nothing());
            }
        });
    }

    fn take_wish(self: &Rc<Self>, name: &str, read: OwnModel) {
        let others = self.networks.borrow_mut().wished(name, read);
        if let Some(others) = others
            && self.latest().model == name
        {
            self.change(|settings| {
                settings.revision += 1;
                if others {
                    (settings.output, settings.against) = (None, None);
                }
            });
        }
    }
}
