//! Results as files: pictures at the photo's own resolution, numbers, and how they came about.

use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, Event, HtmlAnchorElement, HtmlCanvasElement, Url};

use super::listen::close_menu;
use super::{Page, create, show, titles};
use crate::page::{Explanation, Saved, Sheet, View};
use crate::protocol::Failure;
use crate::web::dom::{all, message, on, sleep};
use crate::web::files;
use crate::web::picture::{self, context};

/// The longest side of the photo in a saved picture, in pixels.
const EXPORT_SIDE: u32 = 4096;

impl Page {
    pub(super) fn listen_to_exports(self: &Rc<Self>) {
        for button in all("[data-save]") {
            let page = Rc::clone(self);
            let what = button.get_attribute("data-save").unwrap_or_default();
            on(&button, "click", move |_: Event| {
                close_menu();
                let what = what.clone();
                page.start(async move |page| {
                    if let Err(failure) = page.save(&what).await {
                        page.tell(&failure);
                    }
                });
            });
        }
    }

    /// What is shown can be saved, a cancelled sum too; what is only forming cannot.
    pub(super) fn show_exports(&self) {
        let forming = self.forming.borrow().is_some();
        show("save", self.shown().is_some() && !forming);
    }

    async fn save(&self, what: &str) -> Result<(), Failure> {
        let Some(shown) = self.shown() else {
            return Ok(());
        };
        match shown.saved(what)? {
            Saved::Picture(name, views) => self.save_picture(&shown, name, views).await,
            Saved::Bytes(name, bytes) => download(name, &bytes),
            Saved::Handout => self.print_handout().await,
        }
    }

    /// What the canvas shows is a preview; files get the photo itself, as the network was given it.
    async fn whole_photo(&self) -> Option<HtmlCanvasElement> {
        let (looked, pool) = (self.looked.borrow().clone(), self.pool.borrow().clone());
        let opened = pool?.open(&looked?.picture, EXPORT_SIDE).await.ok()?;
        picture::canvas(&opened.preview, opened.preview_width).ok()
    }

    /// Views of the photo beside each other, with what they show beneath them.
    async fn save_picture(
        &self,
        shown: &Explanation,
        name: &str,
        views: &[View],
    ) -> Result<(), Failure> {
        let whole = self.whole_photo().await;
        let words = titles::caption(shown).to_string();
        let paint = || -> Result<HtmlCanvasElement, JsValue> {
            let stage = self.stage.borrow();
            let [width, height] = stage
                .shown()
                .size(views.first().copied().unwrap_or_default());
            let canvas: HtmlCanvasElement = create("canvas");
            let context = context(&canvas)?;
            let measure = |line: &str, font: f64| {
                context.set_font(&letters(font));
                context
                    .measure_text(line)
                    .map_or(0.0, |measured| measured.width())
            };
            let sheet = Sheet::new([views.len() as f64 * width, height], &words, measure);
            canvas.set_width(sheet.width as u32);
            canvas.set_height(sheet.height as u32);
            context.set_fill_style_str("#ffffff");
            context.fill_rect(0.0, 0.0, sheet.width, sheet.height);
            for (k, &view) in views.iter().enumerate() {
                let picture = stage.paint(view, whole.as_ref(), sheet.scale)?;
                let left = (k as f64 * width * sheet.scale).round();
                context.draw_image_with_html_canvas_element(&picture, left, 0.0)?;
            }
            context.set_fill_style_str("#1d1a24");
            context.set_font(&letters(sheet.font));
            context.set_text_baseline("middle");
            for (k, line) in sheet.lines.iter().enumerate() {
                let [left, middle] = sheet.place(k);
                context.fill_text(line, left, middle)?;
            }
            Ok(canvas)
        };
        let canvas = paint().map_err(|error| failed(&message(&error)))?;
        let blob = files::png(&canvas).await?;
        let blob: &JsValue = &blob;
        download_parts(name, &Array::of1(blob))
    }
}

fn letters(size: f64) -> String {
    format!("{size}px system-ui, sans-serif")
}

pub(super) fn failed(detail: &str) -> Failure {
    Failure::internal(detail)
}

pub(super) fn download(name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let bytes: JsValue = Uint8Array::from(bytes).into();
    download_parts(name, &Array::of1(&bytes))
}

/// How long a file is there for the browser to save: Safari reads it after the click, and on iOS after a question.
const SAVING_MS: i32 = 40_000;

/// Hands a file to the browser's downloads.
fn download_parts(name: &str, parts: &Array) -> Result<(), Failure> {
    let offer = || -> Result<(), JsValue> {
        let blob = Blob::new_with_u8_array_sequence(parts)?;
        let url = Url::create_object_url_with_blob(&blob)?;
        let link: HtmlAnchorElement = create("a");
        link.set_href(&url);
        link.set_download(name);
        link.click();
        spawn_local(async move {
            sleep(SAVING_MS).await;
            Url::revoke_object_url(&url).unwrap_or_default();
        });
        Ok(())
    };
    offer().map_err(|error| failed(&message(&error)))
}
