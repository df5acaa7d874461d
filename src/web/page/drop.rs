//! What comes in together, by hand, by picker or from the clipboard: a network with what belongs to it, photos, or both.

use std::rc::Rc;

use super::Page;
use super::open::Came;
use crate::page::{Begin, Kind, MOST_PHOTOS, Sorted};
use crate::protocol::{Failure, FailureCode};
use crate::web::dropped::Dropped;
use crate::web::words::phrase;

impl Page {
    /// Takes files, once they are known.
    pub(super) fn take_files(self: &Rc<Self>, files: impl Future<Output = Vec<Dropped>> + 'static) {
        self.start(async move |page| page.take_all(files.await).await);
    }

    async fn take_all(self: Rc<Self>, files: Vec<Dropped>) {
        let mut kinds = Vec::new();
        for file in &files {
            // What cannot even be looked into is told where it is opened.
            let kind = file.kind().await.unwrap_or(Kind::Other);
            kinds.push((file.name(), kind));
        }
        let Sorted {
            network,
            photos,
            alone,
        } = {
            let networks = self.networks.borrow();
            Sorted::of(&kinds, networks.has_own(), networks.awaited())
        };
        let mut taken = None;
        if !network.is_empty() {
            let files = network.iter().map(|&k| (files[k].clone(), kinds[k].1));
            // With photos, the first of them is what the network begins with.
            taken = self.take_network(files.collect(), photos.is_empty()).await;
        }
        if !photos.is_empty() {
            let photos: Vec<Dropped> = photos.into_iter().map(|k| files[k].clone()).collect();
            let opened = self.take_dropped_photos(photos).await;
            if matches!(taken, Some(Ok(_))) && opened == Came::Refused {
                // Photos that came with it were none: it begins by itself.
                self.begin(Begin::Model);
            }
        }
        // After the photo, which takes away what was said before it.
        if let Some(Err(failure) | Ok(Some(failure))) = taken {
            self.tell(&failure);
        }
        if let Some(&first) = alone.first() {
            self.tell(&Failure {
                code: FailureCode::NetworkMissing,
                detail: files[first].name(),
            });
        }
    }

    async fn take_dropped_photos(self: &Rc<Self>, files: Vec<Dropped>) -> Came {
        let left_out = files.len().saturating_sub(MOST_PHOTOS);
        let photos = files
            .into_iter()
            .map(|dropped| (dropped.name(), dropped.file.into()));
        let opened = Rc::clone(self).take_photos(photos.collect()).await;
        if left_out > 0 {
            self.note(
                phrase!(
                    "The first {most} photos are here; {n} more were left out.",
                    n = left_out,
                    most = MOST_PHOTOS,
                ),
                phrase!("Clear the strip and drop the others."),
            );
        }
        opened
    }
}
