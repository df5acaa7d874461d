//! Files that come together: dropped, pasted or picked, and folders with all that is in them.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, DataTransfer, File, FileList};

use super::files;
use crate::page::{HEAD, Kind};
use crate::protocol::Failure;

/// Files of folders, at most: whoever drops a whole disk by mistake is not kept waiting.
const MOST_FILES: usize = 4096;

/// A file that came with others.
#[derive(Clone)]
pub(super) struct Dropped {
    /// Its name, after those of the folders that it is in.
    pub(super) path: String,
    pub(super) file: File,
}

impl Dropped {
    /// Its name without folders.
    pub(super) fn name(&self) -> String {
        self.file.name()
    }

    /// What it is for, by its first bytes.
    pub(super) async fn kind(&self) -> Result<Kind, Failure> {
        let blob: &Blob = &self.file;
        let head = blob.slice_with_f64_and_f64(0.0, HEAD as f64);
        let head = head.map_err(|error| files::unreadable(&error))?;
        let head = files::blob(&head).await?;
        let head = js_sys::Uint8Array::new(&head).to_vec();
        Ok(Kind::of(&self.path, &head))
    }
}

/// The files of a list.
pub(super) fn listed(files: Option<&FileList>) -> Vec<Dropped> {
    let Some(files) = files else {
        return Vec::new();
    };
    let files = (0..files.length()).filter_map(|k| files.get(k));
    let alone = |file: File| Dropped {
        path: file.name(),
        file,
    };
    files.map(alone).collect()
}

/// What was dropped. It must be asked for while the event is handled; folders are read when the answer is
/// awaited.
pub(super) fn dropped(transfer: &DataTransfer) -> impl Future<Output = Vec<Dropped>> + use<> {
    let items = Reflect::get(transfer, &"items".into()).unwrap_or_default();
    // Not every browser lists them.
    let items = js_sys::try_iter(&items).ok().flatten();
    let items = items.into_iter().flatten().flatten();
    let entry = |item: JsValue| call(&item, "webkitGetAsEntry", &[]).ok();
    let entries = items.filter_map(entry);
    let entries: Vec<Entry> = entries.filter(JsValue::is_object).map(Entry).collect();
    let alone = listed(transfer.files().as_ref());
    async move {
        if !entries.iter().any(|entry| entry.is("isDirectory")) {
            return alone;
        }
        let mut found = Vec::new();
        let mut waiting: std::collections::VecDeque<Entry> = entries.into();
        // Folders come after what lies beside them.
        while let Some(entry) = waiting.pop_front() {
            let path = entry.path();
            // What systems leave behind.
            let hidden = |part: &str| part.starts_with('.') || part == "__MACOSX";
            if found.len() >= MOST_FILES || path.split('/').any(hidden) {
                continue;
            }
            // What cannot be read is left out.
            if entry.is("isDirectory") {
                waiting.extend(entry.inside().await.unwrap_or_default());
            } else if let Ok(file) = entry.file().await {
                found.push(Dropped { path, file });
            }
        }
        found
    }
}

/// A file or a folder that was dropped: what browsers call a `FileSystemEntry`.
struct Entry(JsValue);

impl Entry {
    fn is(&self, what: &str) -> bool {
        Reflect::get(&self.0, &what.into()).is_ok_and(|value| value.is_truthy())
    }

    /// Its name after those of the folders that were dropped with it.
    fn path(&self) -> String {
        let path = Reflect::get(&self.0, &"fullPath".into()).unwrap_or_default();
        let path = path.as_string().unwrap_or_default();
        path.trim_start_matches('/').to_owned()
    }

    async fn file(&self) -> Result<File, JsValue> {
        answer(&self.0, "file").await?.dyn_into()
    }

    /// What is in a folder.
    async fn inside(&self) -> Result<Vec<Entry>, JsValue> {
        let reader = call(&self.0, "createReader", &[])?;
        let mut found = Vec::new();
        loop {
            // A hundred at a time, as browsers do.
            let some: Array = answer(&reader, "readEntries").await?.dyn_into()?;
            if some.length() == 0 || found.len() >= MOST_FILES {
                return Ok(found);
            }
            found.extend(some.iter().map(Entry));
        }
    }
}

/// Calls a method.
fn call(of: &JsValue, method: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(of, &method.into())?.dyn_into()?;
    let arguments: Array = arguments.iter().copied().collect();
    method.apply(of, &arguments)
}

/// What a method hands to the first of its two callbacks, which are for success and failure.
async fn answer(of: &JsValue, method: &str) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        if let Err(error) = call(of, method, &[&resolve, &reject]) {
            reject.call1(&JsValue::NULL, &error).unwrap_or_default();
        }
    });
    JsFuture::from(promise).await
}
