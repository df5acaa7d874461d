//! Whether this browser's GPU can be trusted with the work.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::dom::{message, window};
use crate::device::LARGEST_BUFFER;
use crate::protocol::{Failure, FailureCode};

/// What the kernels need of an adapter: WebGPU's own guaranteed minimum.
const LIMITS: [(&str, f64); 3] = [
    ("maxComputeInvocationsPerWorkgroup", 256.0),
    ("maxComputeWorkgroupStorageSize", 16384.0),
    ("maxStorageBufferBindingSize", LARGEST_BUFFER as f64),
];

/// The adapter's name, if it can be used.
///
/// # Errors
///
/// [`FailureCode::NoGpu`], with one sentence why not.
pub(super) async fn check(accept_software: bool) -> Result<String, Failure> {
    usable(accept_software).await.map_err(|detail| Failure {
        code: FailureCode::NoGpu,
        detail,
    })
}

/// `timestamp-query` is asked for because Burn's runtime panics on a device without it.
async fn usable(accept_software: bool) -> Result<String, String> {
    let gpu = get(&window().navigator(), "gpu");
    if gpu.is_undefined() || gpu.is_null() {
        return Err("this browser has no WebGPU".into());
    }
    let adapter = request_adapter(&gpu)
        .await
        .map_err(|error| format!("the GPU could not be asked: {}", message(&error)))?;
    if adapter.is_null() || adapter.is_undefined() {
        return Err("this browser found no GPU it can use".into());
    }
    let info = get(&adapter, "info");
    let text = |name| get(&info, name).as_string().unwrap_or_default();
    let name = [text("vendor"), text("architecture"), text("description")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let software = get(&info, "isFallbackAdapter").is_truthy()
        || get(&adapter, "isFallbackAdapter").is_truthy()
        || name.to_lowercase().contains("swiftshader");
    if software && !accept_software {
        return Err("its GPU is only simulated in software, which is slower than the CPU".into());
    }
    if !has_feature(&adapter, "timestamp-query") {
        return Err("its GPU lacks “timestamp-query”".into());
    }
    let limits = get(&adapter, "limits");
    for (limit, least) in LIMITS {
        let found = get(&limits, limit).as_f64().unwrap_or(0.0);
        if found < least {
            return Err(format!(
                "its GPU allows {limit} = {found}, needed are {least}"
            ));
        }
    }
    Ok(if name.is_empty() { "GPU".into() } else { name })
}

async fn request_adapter(gpu: &JsValue) -> Result<JsValue, JsValue> {
    let options = Object::new();
    Reflect::set(
        &options,
        &"powerPreference".into(),
        &"high-performance".into(),
    )?;
    let request: Function = get(gpu, "requestAdapter").dyn_into()?;
    let promise: Promise = request.call1(gpu, &options)?.dyn_into()?;
    JsFuture::from(promise).await
}

fn has_feature(adapter: &JsValue, feature: &str) -> bool {
    let features = get(adapter, "features");
    get(&features, "has")
        .dyn_into::<Function>()
        .and_then(|has| has.call1(&features, &feature.into()))
        .is_ok_and(|found| found.is_truthy())
}

/// A property, or undefined.
fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}
