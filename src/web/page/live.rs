//! The camera, explained as it runs: one secant a picture, more where it holds still. Nothing of it
//! is kept.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::try_join_all;
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    CanvasRenderingContext2d, Element, Event, HtmlButtonElement, HtmlCanvasElement, HtmlElement,
    HtmlVideoElement,
};

use super::job::PageJob;
use super::{Page, append, camera, create, missing_weights};
use crate::mask::{Mask, Palette, glow, soften};
use crate::model::{ModelSpec, independent_predictions, top_predictions};
use crate::page::{Begin, Live, Sketch};
use crate::protocol::{Failure, Glimpse};
use crate::web::dom::{document, element, now, on, sleep};
use crate::web::files;
use crate::web::picture;
use crate::web::pool::{Frame, Pool};
use crate::web::words::{Phrase, decimal, name, percent, phrase, say, say_as, say_in};

/// Until the camera has another picture, and while it holds still, workers look again after so
/// long.
const PAUSE_MS: i32 = 4;
const REST_MS: i32 = 60;
/// How often the page says how many pictures a second there are.
const TOLD_MS: f64 = 500.0;
/// The camera's pictures are handed on a little larger than the network sees them.
const MARGIN: f64 = 1.25;
/// Width of the picture with its mask, in pixels.
const SHOWN: u32 = 480;
/// Answers that are listed.
const ANSWERS: usize = 3;

/// The camera, while it is explained.
pub(super) struct Camera {
    spec: ModelSpec,
    live: RefCell<Live>,
    /// The answer that is explained, whatever is likelier.
    held: Cell<Option<usize>>,
    /// The answer of the picture that is shown.
    output: Cell<Option<usize>>,
    /// The video's time at the last picture that was taken.
    taken: Cell<f64>,
    told: Cell<f64>,
}

fn video() -> HtmlVideoElement {
    element("live-video")
}

impl Page {
    pub(super) fn listen_to_live(self: &Rc<Self>) {
        on(&element::<Element>("live-start"), "click", {
            let page = Rc::clone(self);
            move |_: Event| page.begin_live()
        });
        on(&element::<Element>("live-stop"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                if page.camera.borrow().is_some() {
                    page.stop();
                    page.say_status(phrase!("The camera is off."));
                    element::<HtmlElement>("live-start").focus().unwrap_or(());
                }
            }
        });
        on(&element::<Element>("live-hold"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                if let Some(camera) = &*page.camera.borrow() {
                    let held = camera.held.get();
                    camera.held.set(held.xor(camera.output.get()));
                    camera.live.borrow_mut().renew();
                }
                page.show_live();
            }
        });
        on(&element::<Element>("live-take"), "click", {
            let page = Rc::clone(self);
            move |_: Event| {
                if page.camera.borrow().is_none() {
                    return;
                }
                let canvas = camera::snapshot(&video(), f64::INFINITY);
                let page = Rc::clone(&page);
                spawn_local(async move {
                    page.take_snapshot(canvas).await;
                    element::<Element>("drop").scroll_into_view();
                });
            }
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
        if spec.architecture.is_detector() {
            return say(
                "live-note",
                phrase!("This is for networks that name classes: choose another one."),
            );
        }
        say("live-note", Phrase::nothing());
        let camera = Rc::new(Camera {
            spec,
            live: RefCell::default(),
            held: Cell::default(),
            output: Cell::default(),
            taken: Cell::new(-1.0),
            told: Cell::default(),
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
            self.load(job, &pool, &camera.spec, &settings).await?;
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
            let question = camera.live.borrow_mut().ask(sketch, now());
            let Some(question) = question else {
                self.tell_rate(camera);
                sleep(REST_MS).await;
                continue;
            };
            // What is made finer stays what it was.
            let shown = camera.output.get().filter(|_| question.secants > 1);
            let output = camera.held.get().or(shown);
            let baseline = self.latest().baseline();
            let glimpse = pool
                .glimpse(worker, &frame, baseline, question.secants, output)
                .await?;
            if job.is_current() && camera.live.borrow_mut().show(question, now()) {
                camera.output.set(Some(glimpse.output as usize));
                let palette = self.latest().palette;
                // Refused only by canvases of a size that browsers refuse.
                camera.draw(&canvas, &glimpse, palette).unwrap_or(());
                camera.show_answers(&glimpse);
                self.tell_rate(camera);
            }
        }
        Ok(())
    }

    /// Now and then, how many pictures a second there are.
    fn tell_rate(&self, camera: &Camera) {
        if now() - camera.told.get() < TOLD_MS {
            return;
        }
        camera.told.set(now());
        let mut live = camera.live.borrow_mut();
        let sentence = match (live.secants(), live.rate(now())) {
            (secants @ 2.., _) => {
                phrase!("It holds still: {n} secants instead of one.", n = secants)
            }
            (_, Some(rate)) => phrase!("{rate} pictures a second", rate = decimal(rate, 1)),
            _ => Phrase::nothing(),
        };
        drop(live);
        say("live-rate", sentence);
        if let Some(output) = camera.output.get() {
            let label = phrase!(
                "The camera's picture with the mask of “{class}”",
                class = name(camera.label(output)),
            );
            say_as(&element("live-canvas"), "aria-label", label);
        }
        self.show_live();
    }

    /// Which buttons there are.
    fn show_live(&self) {
        let camera = self.camera.borrow();
        let sees = camera
            .as_ref()
            .is_some_and(|camera| camera.output.get().is_some());
        for id in ["live-hold", "live-take", "live-stop"] {
            let off = if id == "live-stop" {
                camera.is_none()
            } else {
                !sees
            };
            element::<HtmlButtonElement>(id).set_disabled(off);
        }
        let held = camera.as_ref().and_then(|camera| camera.held.get());
        let pressed = if held.is_some() { "true" } else { "false" };
        element::<Element>("live-hold")
            .set_attribute("aria-pressed", pressed)
            .unwrap_or(());
    }
}

impl Camera {
    fn label(&self, output: usize) -> &str {
        self.spec.labels().get(output).copied().unwrap_or("?")
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
        let [width, height] = [video.video_width(), video.video_height()].map(f64::from);
        if time == self.taken.get() || width * height == 0.0 || document().hidden() {
            return Ok(None);
        }
        self.taken.set(time);
        let [rows, columns] = self.spec.preprocessing.size();
        let needed = MARGIN * rows.max(columns) as f64;
        let scale = (needed / width.min(height)).min(1.0);
        let size = [width, height].map(|length| (length * scale).round().max(1.0));
        if [canvas.width(), canvas.height()].map(f64::from) != size {
            canvas.set_width(size[0] as u32);
            canvas.set_height(size[1] as u32);
        }
        context
            .draw_image_with_html_video_element_and_dw_and_dh(&video, 0.0, 0.0, size[0], size[1])?;
        let data = context.get_image_data(0.0, 0.0, size[0], size[1])?.data();
        let sketch = Sketch::of(&data, size[0] as usize);
        let frame = Frame {
            rgba: Uint8Array::from(&data[..]).buffer(),
            size: size.map(|length| length as u32),
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
        let [rows, columns] = self.spec.preprocessing.size();
        let height = SHOWN as usize * rows / columns;
        canvas.set_width(SHOWN);
        canvas.set_height(height as u32);
        let (width, height) = (f64::from(SHOWN), height as f64);
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

    /// What the network says of a picture, and that its attributions add up.
    fn show_answers(&self, glimpse: &Glimpse) {
        let predictions = match self.spec.independent {
            true => independent_predictions(&glimpse.logits),
            false => top_predictions(&glimpse.logits, ANSWERS),
        };
        let list: Element = element("live-answers");
        list.set_inner_html("");
        for prediction in predictions.iter().take(ANSWERS) {
            let item: Element = create("li");
            let title: Element = create("span");
            say_in(&title, Phrase::of(name(self.label(prediction.target))));
            append(&item, &title);
            let share = f64::from(prediction.probability);
            let track: Element = create("span");
            track.set_class_name("track");
            let fill: HtmlElement = create("span");
            fill.set_class_name("is");
            let width = format!("{:.1}%", 100.0 * share);
            fill.style().set_property("width", &width).unwrap_or(());
            append(&track, &fill);
            append(&item, &track);
            let text: Element = create("span");
            text.set_class_name("share");
            say_in(&text, phrase!("{share}%", share = percent(share, 0)));
            append(&item, &text);
            append(&list, &item);
        }
        let change = f64::from(glimpse.ends[1]) - f64::from(glimpse.ends[0]);
        say(
            "live-sum",
            phrase!(
                "“{class}”: all pixels together come to {sum}, and F(x) − F(x′) is {change}.",
                class = name(self.label(glimpse.output as usize)),
                sum = decimal(glimpse.sum, 2),
                change = decimal(change, 2),
            ),
        );
        element::<Element>("live-sum")
            .set_attribute("data-milliseconds", &format!("{:.1}", glimpse.milliseconds))
            .unwrap_or(());
    }
}

/// What draws on a canvas whose pixels are read again and again.
fn read_often(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &JsValue::TRUE)?;
    let context = canvas.get_context_with_context_options("2d", &options)?;
    Ok(context.ok_or("no canvas")?.unchecked_into())
}
