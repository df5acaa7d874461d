//! The page's own files: the manifest, weights, the compiled engine, samples.

use futures_util::future::try_join;
use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array, WebAssembly};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Blob, BlobPropertyBag, File, Headers, HtmlCanvasElement, HtmlImageElement, ImageBitmap,
    ReadableStream, ReadableStreamDefaultReader, RequestInit, Response, ResponseInit, Url,
};

use super::dom::{message, sleep, tell_window, window};
use super::picture::drawn;
use crate::device::DeviceKind;
use crate::model::catalog::{Manifest, ManifestEntry};
use crate::page::{self, Download};
use crate::protocol::{Failure, FailureCode};

/// The pause before a download that broke off is tried again.
const RETRY_MS: i32 = 400;

/// What workers are started with. All of it is fetched once, so that a worker which takes a dead one's place is of
/// the same build, whatever the server has by then.
#[derive(Clone)]
pub(super) struct Program {
    /// The address of the script, which lies in the page's memory: so the worker is bound by the page's policy, which
    /// does not reach a worker that comes from a server by itself.
    pub(super) script: String,
    /// Compiled; every worker instantiates this one.
    pub(super) module: JsValue,
}

/// The end of a worker's script, after the engine's own.
const LOADER: &str = "worker-loader.js";
/// The section of a module in which `scripts/stamp.py` writes which build it is of.
const BUILD_SECTION: &str = "build";

/// The name of the engine's build for a device; `asked` is the one that the address names.
pub(super) fn engine(device: DeviceKind, asked: Option<&str>) -> &'static str {
    let chosen = Reflect::get(&window(), &"violetEngine".into());
    let chosen = chosen.ok().and_then(|name| name.as_string());
    page::engine(device, asked, chosen.as_deref())
}

/// One of the build's modules. `progress` is told how many megabytes have come, and of how many, 0
/// where the server does not say.
pub(super) async fn program(
    name: &str,
    progress: impl Fn(f64, f64) + 'static,
) -> Result<Program, Failure> {
    let file = built(&format!("{name}_bg.wasm"));
    let file = file.as_str();
    let failed = |error: JsValue| Failure {
        code: FailureCode::EngineMissing,
        detail: format!("{file}: {}", message(&error)),
    };
    let compile = async {
        // Streaming needs the server to say application/wasm; compiling the bytes does not. What browsers keep
        // of a compiled module belongs to the answer as it came, so that only a first visit is counted.
        let answer = fetch(file).await?;
        let answer = if visited() {
            answer
        } else {
            counted(&answer, progress)?
        };
        let streamed = WebAssembly::compile_streaming(Promise::resolve(&answer).unchecked_ref());
        match JsFuture::from(streamed).await {
            Ok(module) => Ok(module),
            Err(_) => {
                let bytes = JsFuture::from(fetch(file).await?.array_buffer()?).await?;
                JsFuture::from(WebAssembly::compile(&bytes)).await
            }
        }
    };
    let glue = format!("{name}.js");
    let (module, script) = try_join(compile, script(&[&glue, LOADER]))
        .await
        .map_err(failed)?;
    let build = build_of(module.unchecked_ref());
    if build.is_some_and(|build| !built("").ends_with(&format!("/{build}/"))) {
        return Err(Failure {
            code: FailureCode::OtherBuild,
            detail: file.into(),
        });
    }
    Ok(Program { script, module })
}

/// The address of what a worker runs: some of the build's files, one after the other.
pub(super) async fn script(files: &[&str]) -> Result<String, JsValue> {
    let parts = Array::new();
    for file in files {
        let text = JsFuture::from(fetch(&built(file)).await?.text()?).await?;
        parts.push(&text);
        parts.push(&"\n".into());
    }
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
    Url::create_object_url_with_blob(&blob)
}

/// Which build a module says it is of, if it says so.
fn build_of(module: &WebAssembly::Module) -> Option<String> {
    let sections = WebAssembly::Module::custom_sections(module, BUILD_SECTION);
    let section: ArrayBuffer = sections.get(0).dyn_into().ok()?;
    String::from_utf8(Uint8Array::new(&section).to_vec()).ok()
}

/// The address of one of the build's own files, which `www/start.js` knows.
pub(super) fn built(name: &str) -> String {
    let folder = Reflect::get(&window(), &"violetFolder".into());
    let folder = folder.ok().and_then(|folder| folder.as_string());
    folder.unwrap_or_default() + name
}

/// Whether a service worker serves the page, which it does from the second visit on.
fn visited() -> bool {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).ok();
    get(&window().navigator(), "serviceWorker")
        .and_then(|workers| get(&workers, "controller"))
        .is_some_and(|controller| controller.is_truthy())
}

/// The same answer, and `progress` is told how many megabytes of it have come, and of how many, 0 where the server
/// does not say.
fn counted(answer: &Response, progress: impl Fn(f64, f64) + 'static) -> Result<Response, JsValue> {
    const MEGABYTE: f64 = 1e6;
    let headers = answer.headers();
    // A compressed answer's length is not that of what comes out of it.
    let length = headers.get("content-length")?;
    let length = length.filter(|_| matches!(headers.get("content-encoding"), Ok(None)));
    let all = length.and_then(|text| text.parse::<f64>().ok());
    let all = all.unwrap_or(0.0) / MEGABYTE;
    let both = answer.body().ok_or("the answer is empty")?.tee();
    let reader: ReadableStreamDefaultReader = both
        .get(1)
        .unchecked_into::<ReadableStream>()
        .get_reader()
        .unchecked_into();
    spawn_local(async move {
        let mut come = 0.0;
        while let Ok(piece) = JsFuture::from(reader.read()).await {
            let value = Reflect::get(&piece, &"value".into()).unwrap_or_default();
            let Ok(bytes) = value.dyn_into::<Uint8Array>() else {
                break;
            };
            come += f64::from(bytes.length()) / MEGABYTE;
            progress(come, all);
        }
    });
    let headers = Headers::new()?;
    headers.set("content-type", "application/wasm")?;
    let init = ResponseInit::new();
    init.set_headers(&headers);
    let body = both.get(0).unchecked_into::<ReadableStream>();
    Response::new_with_opt_readable_stream_and_init(Some(&body), &init)
}

/// Which models' weights are there.
pub(super) async fn manifest() -> Result<Manifest, Failure> {
    let text = async {
        let response = fetch("weights/manifest.json").await?;
        JsFuture::from(response.text()?).await
    };
    let text = text.await.map_err(|error| missing(&message(&error)))?;
    Manifest::from_json(&text.as_string().unwrap_or_default())
        .map_err(|error| missing(&error.to_string()))
}

/// A model's weights. `progress` is told the share that has arrived, 0..=1.
pub(super) async fn weights(
    entry: &ManifestEntry,
    progress: impl Fn(f64),
) -> Result<ArrayBuffer, Failure> {
    let bytes = Uint8Array::new_with_length(entry.bytes as u32);
    let mut download = Download::new(bytes.length());
    loop {
        let fetched = fetch_rest(&entry.file, &bytes, &mut download, &progress).await;
        let Err(error) = fetched else {
            let came = Array::of2(&entry.file.as_str().into(), &bytes.buffer());
            tell_window("violet-weights", &came);
            return Ok(bytes.buffer());
        };
        // A connection that broke off may be had again.
        if !download.again() {
            return Err(missing(&format!("{}: {}", entry.file, message(&error))));
        }
        sleep(RETRY_MS).await;
    }
}

/// Fetches what a file of weights still lacks.
async fn fetch_rest(
    file: &str,
    bytes: &Uint8Array,
    download: &mut Download,
    progress: impl Fn(f64),
) -> Result<(), JsValue> {
    let options = RequestInit::new();
    if let Some(range) = download.range() {
        let headers = Headers::new()?;
        headers.set("range", &range)?;
        options.set_headers(&headers);
    }
    let url = format!("weights/{file}");
    let response = answered(window().fetch_with_str_and_init(&url, &options)).await?;
    download.answered(response.status());
    let reader: ReadableStreamDefaultReader = response
        .body()
        .ok_or("the answer is empty")?
        .get_reader()
        .unchecked_into();
    loop {
        let piece = JsFuture::from(reader.read()).await?;
        if Reflect::get(&piece, &"done".into())?.is_truthy() {
            return Ok(download.end()?);
        }
        let piece: Uint8Array = Reflect::get(&piece, &"value".into())?.dyn_into()?;
        bytes.set(&piece, download.take(piece.length())?);
        progress(download.share());
    }
}

/// The bytes of a file beside the page.
pub(super) async fn file(path: &str) -> Result<ArrayBuffer, Failure> {
    let bytes = async { JsFuture::from(fetch(path).await?.array_buffer()?).await };
    bytes
        .await
        .and_then(|bytes| bytes.dyn_into())
        .map_err(|error| Failure {
            code: FailureCode::FileUnreadable,
            detail: format!("{path}: {}", message(&error)),
        })
}

/// A canvas as a PNG.
pub(super) async fn png(canvas: &HtmlCanvasElement) -> Result<Blob, Failure> {
    encoded(|take| canvas.to_blob(take)).await
}

/// What a canvas hands to a function.
async fn encoded(encode: impl Fn(&Function) -> Result<(), JsValue>) -> Result<Blob, Failure> {
    let promise = Promise::new(&mut |resolve, reject| {
        let take = Closure::once_into_js(move |blob: JsValue| {
            resolve.call1(&JsValue::NULL, &blob).unwrap_or_default()
        });
        if let Err(error) = encode(take.unchecked_ref()) {
            reject.call1(&JsValue::NULL, &error).unwrap_or_default();
        }
    });
    let blob = JsFuture::from(promise).await;
    blob.and_then(JsCast::dyn_into)
        .map_err(|error| unreadable(&error))
}

/// A canvas as a JPEG of high quality.
pub(super) async fn jpeg(canvas: &HtmlCanvasElement) -> Result<Blob, Failure> {
    encoded(|take| canvas.to_blob_with_type_and_encoder_options(take, "image/jpeg", &0.92.into()))
        .await
}

/// A picture as the browser decodes it, upright and at its full size.
pub(super) async fn bitmap(blob: &Blob) -> Result<ImageBitmap, JsValue> {
    let bitmap = window().create_image_bitmap_with_blob(blob)?;
    JsFuture::from(bitmap).await?.dyn_into()
}

/// A photo as the browser decodes it, upright, a large one smaller: a PNG.
pub(super) async fn decoded_by_browser(bytes: &ArrayBuffer) -> Result<ArrayBuffer, Failure> {
    let drawn = async {
        let bytes: &JsValue = bytes;
        let blob = Blob::new_with_buffer_source_sequence(&Array::of1(bytes))?;
        let options = Object::new();
        if let Some([width, height]) = page::bounded(size(&blob).await?) {
            Reflect::set(&options, &"resizeWidth".into(), &width.into())?;
            Reflect::set(&options, &"resizeHeight".into(), &height.into())?;
            Reflect::set(&options, &"resizeQuality".into(), &"high".into())?;
        }
        let create: Function = Reflect::get(&window(), &"createImageBitmap".into())?.dyn_into()?;
        let bitmap: Promise = create.call2(&window(), &blob, &options)?.dyn_into()?;
        let bitmap: ImageBitmap = JsFuture::from(bitmap).await?.dyn_into()?;
        let canvas = drawn(&bitmap);
        bitmap.close();
        canvas
    };
    let canvas = drawn.await.map_err(|error| unreadable(&error))?;
    blob(&png(&canvas).await?).await
}

/// Width and height of a photo, upright, which a browser knows before it decodes it.
async fn size(blob: &Blob) -> Result<[u32; 2], JsValue> {
    let url = Url::create_object_url_with_blob(blob)?;
    let image = HtmlImageElement::new()?;
    let loaded = Promise::new(&mut |resolve, reject| {
        image.set_onload(Some(&resolve));
        image.set_onerror(Some(&reject));
        image.set_src(&url);
    });
    let loaded = JsFuture::from(loaded).await;
    Url::revoke_object_url(&url)?;
    if loaded.is_err() {
        return Err("the browser shows no such picture".into());
    }
    Ok([image.natural_width(), image.natural_height()])
}

/// A file that was made here.
pub(super) fn made(name: &str, bytes: &[u8]) -> Result<File, Failure> {
    let bytes: JsValue = Uint8Array::from(bytes).into();
    let file = File::new_with_u8_array_sequence(&Array::of1(&bytes), name);
    file.map_err(|error| unreadable(&error))
}

/// A file that the browser cannot read.
pub(super) fn unreadable(error: &JsValue) -> Failure {
    Failure {
        code: FailureCode::FileUnreadable,
        detail: message(error),
    }
}

/// The bytes of a file that was dropped, pasted or picked.
pub(super) async fn blob(blob: &Blob) -> Result<ArrayBuffer, Failure> {
    let promise: Promise = blob.array_buffer();
    JsFuture::from(promise)
        .await
        .and_then(|bytes| bytes.dyn_into())
        .map_err(|error| unreadable(&error))
}

async fn fetch(path: &str) -> Result<Response, JsValue> {
    answered(window().fetch_with_str(path)).await
}

/// The answer to a request, if it is a good one.
async fn answered(request: Promise) -> Result<Response, JsValue> {
    let response: Response = JsFuture::from(request).await?.dyn_into()?;
    if response.ok() {
        Ok(response)
    } else {
        Err(format!("the server answered {}", response.status()).into())
    }
}

fn missing(detail: &str) -> Failure {
    Failure {
        code: FailureCode::WeightsMissing,
        detail: detail.into(),
    }
}
