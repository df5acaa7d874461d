//! The camera, explained as it runs: one secant a picture, more where it holds still. Nothing of it
//! is kept.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::try_join_all;
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlVideoElement};

use super::job::PageJob;
use super::{Page, camera, create, missing_weights};
use crate::mask::{Mask, Palette, glow, soften};
use crate::page::{Begin, Panel, Sketch, Viewfinder, buttons};
use crate::protocol::{Failure, Glimpse};
use crate::web::dom::{document, element, now, sleep};
use crate::web::files;
use crate::web::parts::put;
use crate::web::picture;
use crate::web::pool::{Frame, Pool};
use crate::web::words::{Phrase, phrase, say};

/// Until the camera has another picture, and while it holds still, workers look again after so
/// long.
const PAUSE_MS: i32 = 4;
const REST_MS: i32 = 60;

/// The camera, while it is explained.
pub(super) struct Camera {
    finder: RefCell<Viewfinder>,
    /// The video's time at the last picture that was taken.
    taken: Cell<f64>,
}

fn video() -> HtmlVideoElement {
    element("live-video")
}

impl Page {
    pub(super) fn listen_to_live(self: &Rc<Self>) {
        self.on_click("live-start", Self::begin_live);
        self.on_click("live-stop", |page| {
            if page.camera.borrow().is_some() {
                page.stop();
                page.say_status(phrase!("The camera is off."));
                put(Panel::new().focus("live-start"));
            }
        });
        self.on_click("live-hold", |page| {
            if let Some(camera) = &*page.camera.borrow() {
                camera.finder.borrow_mut().hold();
            }
            page.show_live();
        });
        self.on_click("live-take", |page| {
            if page.camera.borrow().is_none() {
                return;
            }
            let (page, canvas) = (Rc::clone(page), camera::snapshot(&video(), f64::INFINITY));
            spawn_local(async move {
                page.take_snapshot(canvas).await;
                element::<Element>("drop").scroll_into_view();
            });
        });
    }

    /// Opens the chapter and the camera, one at a time.
    pub(super) fn begin_live(self: &Rc<Self>) {
        self.open_free("live");
        if self.camera.borrow().is_some() || self.pool.borrow().is_none() {
            return;
        }
        let model = self.latest().model;
        let Some(spec) = self.spec(&model) else {
            return self.tell(&missing_weights(&model));
        };
        let finder = match Viewfinder::new(spec) {
            Ok(finder) => finder,
            Err(why) => return say("live-note", why),
        };
        say("live-note", Phrase::nothing());
        let camera = Rc::new(Camera {
            finder: RefCell::new(finder),
            taken: Cell::new(-1.0),
        });
        self.camera.replace(Some(Rc::clone(&camera)));
        self.show_live();
        self.run_free(|page, job| async move {
            let done = page.live(&job, &camera).await;
            super::camera::stop(&video());
            page.camera.replace(None);
            page.show_live();
            done
        });
    }

    async fn live(self: &Rc<Self>, job: &PageJob, camera: &Rc<Camera>) -> Result<(), Failure> {
        let Some(pool) = self.pool.borrow().clone() else {
            return Ok(());
        };
        let settings = self.latest();
        if self.work.borrow().missing(&settings) == Some(Begin::Model) {
            let spec = camera.finder.borrow().spec().clone();
            self.load(job, &pool, &spec, &settings).await?;
        }
        if !job.is_current() {
            return Ok(());
        }
        job.wait(phrase!("Waiting for the camera…"));
        super::camera::watch(&video(), || Ok(())).await?;
        job.wait(phrase!("The camera is explained as it runs."));
        let workers = 0..pool.size();
        let workers = workers.map(|worker| self.look_on(job, &pool, worker, camera));
        try_join_all(workers).await.map(|_| ())
    }

    /// One worker explains one picture after the other.
    async fn look_on(
        &self,
        job: &PageJob,
        pool: &Pool,
        worker: usize,
        camera: &Camera,
    ) -> Result<(), Failure> {
        let canvas: HtmlCanvasElement = create("canvas");
        let context = read_often(&canvas).map_err(|error| files::unreadable(&error))?;
        while job.is_current() {
            let taken = camera.take(&canvas, &context);
            let Some((frame, sketch)) = taken.map_err(|error| files::unreadable(&error))? else {
                sleep(PAUSE_MS).await;
                continue;
            };
            let question = camera.finder.borrow_mut().ask(sketch, now());
            let Some((wanted, output)) = question else {
                camera.tell();
                sleep(REST_MS).await;
                continue;
            };
            let baseline = self.latest().baseline();
            let glimpse = pool
                .glimpse(worker, &frame, baseline, wanted.secants, output)
                .await?;
            if !job.is_current() {
                return Ok(());
            }
            let news = camera.finder.borrow_mut().show(wanted, &glimpse, now());
            if let Some(panel) = news {
                // Refused only by canvases of a size that browsers refuse.
                camera
                    .draw(&canvas, &glimpse, self.latest().palette)
                    .unwrap_or(());
                put(&panel);
                camera.tell();
            }
        }
        Ok(())
    }

    /// Which buttons there are.
    fn show_live(&self) {
        let camera = self.camera.borrow();
        let finder = camera.as_ref().map(|camera| camera.finder.borrow());
        put(&buttons(finder.as_deref()));
    }
}

impl Camera {
    /// Now and then, how many pictures a second there are.
    fn tell(&self) {
        let told = self.finder.borrow_mut().tell(now());
        told.iter().for_each(put);
    }

    /// The camera's next picture, drawn on a canvas; nothing, if there is none yet, or nobody
    /// looks.
    fn take(
        &self,
        canvas: &HtmlCanvasElement,
        context: &CanvasRenderingContext2d,
    ) -> Result<Option<(Frame, Sketch)>, JsValue> {
        let video = video();
        let time = video.current_time();
        let size = [video.video_width(), video.video_height()].map(f64::from);
        if time == self.taken.get() || size.contains(&0.0) || document().hidden() {
            return Ok(None);
        }
        self.taken.set(time);
        let [width, height] = Viewfinder::frame(size, self.finder.borrow().spec());
        if [canvas.width(), canvas.height()].map(f64::from) != [width, height] {
            canvas.set_width(width as u32);
            canvas.set_height(height as u32);
        }
        context
            .draw_image_with_html_video_element_and_dw_and_dh(&video, 0.0, 0.0, width, height)?;
        let data = context.get_image_data(0.0, 0.0, width, height)?.data();
        let sketch = Sketch::of(&data, width as usize);
        let frame = Frame {
            rgba: Uint8Array::from(&data[..]).buffer(),
            size: [width as u32, height as u32],
        };
        Ok(Some((frame, sketch)))
    }

    /// The part of a picture that the network sees, with its mask over it.
    fn draw(
        &self,
        picture: &HtmlCanvasElement,
        glimpse: &Glimpse,
        palette: Palette,
    ) -> Result<(), JsValue> {
        let canvas: HtmlCanvasElement = element("live-canvas");
        let finder = self.finder.borrow();
        let ([width, height], columns) = (finder.size(), finder.spec().preprocessing.size()[1]);
        canvas.set_width(width as u32);
        canvas.set_height(height as u32);
        let [width, height] = [width, height].map(|length| length as f64);
        let context = picture::context(&canvas)?;
        let crop = glimpse.crop;
        context.draw_image_with_html_canvas_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
            picture,
            crop.left,
            crop.top,
            crop.width,
            crop.height,
            0.0,
            0.0,
            width,
            height,
        )?;
        let mask = glow(&Mask::of_map(&soften(&glimpse.map, columns)), palette);
        let mask = picture::canvas(&mask, columns as u32)?;
        context.draw_image_with_html_canvas_element_and_dw_and_dh(&mask, 0.0, 0.0, width, height)
    }
}

/// What draws on a canvas whose pixels are read again and again.
fn read_often(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &JsValue::TRUE)?;
    let context = canvas.get_context_with_context_options("2d", &options)?;
    Ok(context.ok_or("no canvas")?.unchecked_into())
}
