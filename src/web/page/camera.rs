//! A photo by the camera; and the camera for those who look longer.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Element, Event, HtmlButtonElement, HtmlCanvasElement, HtmlDialogElement, HtmlVideoElement,
    MediaStream, MediaStreamConstraints, MediaStreamTrack,
};

use super::{Page, create};
use crate::protocol::{Failure, FailureCode};
use crate::web::dom::{element, message, on, window};
use crate::web::files;
use crate::web::picture::context;
use crate::web::words::{phrase, say};

impl Page {
    pub(super) fn listen_to_camera(self: &Rc<Self>) {
        let dialog: HtmlDialogElement = element("camera-dialog");
        // One camera at a time, however often someone asks for it.
        let asking = Rc::new(Cell::new(false));
        for id in ["camera", "camera-again"] {
            let (page, asking) = (Rc::clone(self), Rc::clone(&asking));
            on(&element::<Element>(id), "click", move |event: Event| {
                event.stop_propagation();
                if asking.replace(true) {
                    return;
                }
                let (page, asking) = (Rc::clone(&page), Rc::clone(&asking));
                spawn_local(async move {
                    if let Err(failure) = open().await {
                        stop(&video());
                        page.tell(&failure);
                    }
                    asking.set(false);
                });
            });
        }
        // Escape closes it as well.
        on(&dialog, "close", |_: Event| stop(&video()));
        self.on_click("camera-close", {
            let dialog = dialog.clone();
            move |_| dialog.close()
        });
        self.on_click("camera-take", move |page| {
            let canvas = snapshot(&video(), f64::INFINITY);
            dialog.close();
            let page = Rc::clone(page);
            spawn_local(async move { page.take_snapshot(canvas).await });
        });
    }

    /// Takes a picture of a camera as a photo.
    pub(super) async fn take_snapshot(self: Rc<Self>, canvas: Result<HtmlCanvasElement, JsValue>) {
        let picture = async {
            let canvas = canvas.map_err(|error| files::unreadable(&error))?;
            files::png(&canvas).await
        };
        match picture.await {
            Ok(picture) => {
                self.take_photos(vec![("camera.png".into(), picture)]).await;
            }
            Err(failure) => self.tell(&failure),
        }
    }
}

fn video() -> HtmlVideoElement {
    element("camera-video")
}

/// Asks for the camera and shows what it sees, to be taken.
async fn open() -> Result<(), Failure> {
    let dialog: HtmlDialogElement = element("camera-dialog");
    let take: HtmlButtonElement = element("camera-take");
    take.set_disabled(true);
    say("camera-hint", phrase!("The picture stays on this page."));
    watch(&video(), || dialog.show_modal()).await?;
    take.set_disabled(false);
    Ok(())
}

/// Asks for the camera and has a video show what it sees, once what is done before its first
/// picture is.
pub(super) async fn watch(
    video: &HtmlVideoElement,
    before: impl FnOnce() -> Result<(), JsValue>,
) -> Result<(), Failure> {
    let failed = |error: JsValue| Failure {
        code: FailureCode::NoCamera,
        detail: message(&error),
    };
    let stream = async {
        let devices = window().navigator().media_devices()?;
        let constraints = MediaStreamConstraints::new();
        constraints.set_video(&JsValue::TRUE);
        let stream = devices.get_user_media_with_constraints(&constraints)?;
        JsFuture::from(stream).await?.dyn_into::<MediaStream>()
    };
    let stream = stream.await.map_err(failed)?;
    video.set_src_object(Some(&stream));
    before().map_err(failed)?;
    let play = video.play().map_err(failed)?;
    JsFuture::from(play).await.map_err(failed)?;
    Ok(())
}

/// Lets the camera go.
pub(super) fn stop(video: &HtmlVideoElement) {
    if let Some(stream) = video.src_object() {
        for track in stream.get_tracks().iter() {
            track.unchecked_into::<MediaStreamTrack>().stop();
        }
    }
    video.set_src_object(None);
}

/// What the camera sees now, with a longer side of so many pixels at most.
pub(super) fn snapshot(video: &HtmlVideoElement, most: f64) -> Result<HtmlCanvasElement, JsValue> {
    let [width, height] = [video.video_width(), video.video_height()].map(f64::from);
    let scale = (most / width.max(height)).min(1.0);
    let canvas: HtmlCanvasElement = create("canvas");
    canvas.set_width((width * scale).round() as u32);
    canvas.set_height((height * scale).round() as u32);
    let [width, height] = [canvas.width(), canvas.height()].map(f64::from);
    context(&canvas)?
        .draw_image_with_html_video_element_and_dw_and_dh(video, 0.0, 0.0, width, height)?;
    Ok(canvas)
}
