//! Pictures of the classes come in: by file, by folder, by camera.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::ArrayBuffer;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, HtmlCanvasElement, Url};

use super::super::job::PageJob;
use super::super::{Page, camera, create};
use super::video;
use crate::page::{BURST, Kind, MOST_BYTES};
use crate::protocol::Failure;
use crate::web::dom::{now, sleep};
use crate::web::dropped::Dropped;
use crate::web::files;
use crate::web::picture::context;
use crate::web::words::{Phrase, phrase};

/// The time between two of them.
const BURST_MS: i32 = 200;
/// The longer side of a picture that is kept, in pixels: twice what the network sees.
const SIDE: f64 = 448.0;

/// A picture of a class.
pub(super) struct Picture {
    /// A JPEG.
    pub(super) bytes: ArrayBuffer,
    /// For its thumbnail.
    pub(super) url: String,
    /// What the network's last layer is given for it, once it was asked.
    pub(super) features: RefCell<Option<Vec<f32>>>,
}

impl Drop for Picture {
    fn drop(&mut self) {
        // Refused for what is no address; then there is nothing to let go.
        Url::revoke_object_url(&self.url).unwrap_or(());
    }
}

impl Picture {
    async fn of(canvas: &HtmlCanvasElement) -> Result<Rc<Self>, Failure> {
        let blob = files::jpeg(canvas).await?;
        Ok(Rc::new(Self {
            bytes: files::blob(&blob).await?,
            url: Url::create_object_url_with_blob(&blob).unwrap_or_default(),
            features: RefCell::default(),
        }))
    }
}

impl Page {
    /// Does what brings pictures, and can be cancelled. It needs no engine.
    pub(super) fn gather_pictures<F: Future<Output = Result<(), Failure>> + 'static>(
        self: &Rc<Self>,
        work: impl FnOnce(Rc<Self>, PageJob) -> F,
    ) {
        let job = self.openings.begin(now());
        self.show_controls();
        let work = work(Rc::clone(self), job.clone());
        let page = Rc::clone(self);
        spawn_local(async move {
            let done = work.await;
            if !job.end() {
                return;
            }
            if let Err(failure) = done {
                page.tell(&failure);
            }
            page.show_controls();
        });
    }

    /// Switches the camera on, or off.
    pub(super) fn turn_camera(self: &Rc<Self>) {
        if video().src_object().is_some() {
            camera::stop(&video());
            return self.show_teaching();
        }
        self.gather_pictures(|page, _| async move {
            let watched = camera::watch(&video(), || Ok(())).await;
            if watched.is_err() {
                camera::stop(&video());
            }
            page.show_teaching();
            watched
        });
    }

    /// Takes some pictures of a class by the camera, one after the other.
    pub(super) async fn photograph(
        self: &Rc<Self>,
        job: &PageJob,
        class: usize,
    ) -> Result<(), Failure> {
        if video().src_object().is_none() {
            if let Err(failure) = camera::watch(&video(), || Ok(())).await {
                camera::stop(&video());
                return Err(failure);
            }
            self.show_teaching();
        }
        let label = self.teaching.borrow().room.labels().swap_remove(class);
        let wanted = BURST.min(self.teaching.borrow().room.room(class));
        job.start_clock(now());
        for k in 0..wanted {
            if !job.is_current() || video().src_object().is_none() {
                return Ok(());
            }
            let canvas = camera::snapshot(&video(), SIDE);
            let canvas = canvas.map_err(|error| files::unreadable(&error))?;
            let picture = Picture::of(&canvas).await?;
            self.teaching.borrow_mut().room.take(class, picture);
            self.show_teaching();
            let sentence = phrase!(
                "Photographing “{class}”: {done} of {all}",
                class = label.as_str(),
                done = k + 1,
                all = wanted,
            );
            job.progress(k + 1, wanted, now(), sentence);
            sleep(BURST_MS).await;
        }
        self.say_status(phrase!("Done: the pictures are there."));
        Ok(())
    }

    /// Takes files into a class, or, where none is meant, each folder's into a class that is called
    /// like it.
    pub(super) fn take_pictures(
        self: &Rc<Self>,
        class: Option<usize>,
        files: impl Future<Output = Vec<Dropped>> + 'static,
    ) {
        let page = Rc::clone(self);
        spawn_local(async move {
            let files = files.await;
            if files.is_empty() {
                return page.note_no_files();
            }
            let sorted = match class {
                Some(class) => vec![(class, (0..files.len()).collect())],
                None => {
                    let paths = files.iter().map(|file| file.path.clone());
                    let paths: Vec<String> = paths.collect();
                    page.teaching.borrow_mut().room.sorted(&paths)
                }
            };
            page.show_teaching();
            if sorted.is_empty() {
                return page.note(
                    phrase!(
                        "These pictures lie in no folder, so nobody knows of which class they are."
                    ),
                    phrase!("Drop them on a class, or drop a folder for each class."),
                );
            }
            let files = sorted.into_iter().flat_map(|(class, places)| {
                let file = |place: usize| (class, files[place].clone());
                places.into_iter().map(file).collect::<Vec<_>>()
            });
            let goes_on = {
                let teaching = &mut *page.teaching.borrow_mut();
                let reading = teaching.reading.as_ref();
                let goes_on = reading.is_some_and(PageJob::is_current);
                if !goes_on {
                    teaching.files.clear();
                }
                teaching.files.extend(files);
                goes_on
            };
            if !goes_on {
                page.gather_pictures(|page, job| {
                    // At once: what is dropped in this moment goes with it.
                    page.teaching.borrow_mut().reading = Some(job.clone());
                    async move { page.read_pictures(&job).await }
                });
            }
        });
    }

    /// Reads the files that wait, those included that come meanwhile.
    async fn read_pictures(self: &Rc<Self>, job: &PageJob) -> Result<(), Failure> {
        let (mut done, mut taken, mut count) = (0, 0, 0);
        job.start_clock(now());
        while job.is_current() {
            let next = self.teaching.borrow_mut().files.pop_front();
            let Some((class, file)) = next else { break };
            let room = self.teaching.borrow().room.room(class) > 0;
            // What is no picture is counted, not told one by one.
            if room && let Some(picture) = read_picture(&file).await {
                taken += usize::from(self.teaching.borrow_mut().room.take(class, picture));
            }
            done += 1;
            count = done + self.teaching.borrow().files.len();
            let next = self.teaching.borrow().files.front().map(|next| next.0);
            if next != Some(class) {
                self.show_teaching();
            }
            let sentence = phrase!(
                "Reading pictures: {done} of {all}",
                done = done,
                all = count
            );
            job.progress(done, count, now(), sentence);
        }
        if !job.is_current() {
            self.show_teaching();
            return Ok(());
        }
        if taken < count {
            self.note(
                phrase!(
                    "{n} of {all} files were left out: they are no pictures, or there is no room for more.",
                    n = count - taken,
                    all = count,
                ),
                Phrase::nothing(),
            );
        }
        self.say_status(phrase!("Done: the pictures are there."));
        Ok(())
    }
}

/// A file's picture, as large as is kept; nothing, if it is none.
async fn read_picture(file: &Dropped) -> Option<Rc<Picture>> {
    if file.file.size() > MOST_BYTES || file.kind().await.ok()? != Kind::Photo {
        return None;
    }
    let blob: &Blob = &file.file;
    let bitmap = files::bitmap(blob).await.ok()?;
    let [width, height] = [bitmap.width(), bitmap.height()].map(f64::from);
    let scale = (SIDE / width.max(height)).min(1.0);
    let canvas: HtmlCanvasElement = create("canvas");
    let [width, height] = [width, height].map(|length| (length * scale).round().max(1.0));
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let context = context(&canvas).ok()?;
    // Over white, where it is transparent.
    context.set_fill_style_str("#ffffff");
    context.fill_rect(0.0, 0.0, width, height);
    let drawn =
        context.draw_image_with_image_bitmap_and_dw_and_dh(&bitmap, 0.0, 0.0, width, height);
    bitmap.close();
    drawn.ok()?;
    Picture::of(&canvas).await.ok()
}
