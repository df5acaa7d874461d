//! Files that come in, and files that the page fetches.

use crate::device::DeviceKind;
use crate::protocol::{Failure, FailureCode};

/// The most bytes of a photo that are read. What cameras and phones make is a tenth of it.
pub const MOST_BYTES: f64 = 256.0 * 1024.0 * 1024.0;

/// The longer side of a photo that only the browser decodes, in pixels, at most: a square of it is the largest canvas of
/// Safari on iOS.
const MOST_SIDE: u32 = 4096;

/// The module that reads people's networks: fetched when someone brings one.
pub const READER: &str = "reader";
/// The engine's builds for the CPU; the first is for every browser.
const ON_CPU: [&str; 2] = ["worker", "worker-relaxed"];
const ON_GPU: &str = "worker-gpu";

/// The engine's build for a device. For the CPU the one that the address asks for, or else the one
/// that `www/engine.js` chose for this browser. Whatever an address says, nothing else is fetched
/// and run.
pub fn engine(device: DeviceKind, asked: Option<&str>, chosen: Option<&str>) -> &'static str {
    match device {
        DeviceKind::Gpu => ON_GPU,
        DeviceKind::Cpu => {
            let known = |name: Option<&str>| ON_CPU.into_iter().find(|known| Some(*known) == name);
            known(asked).or_else(|| known(chosen)).unwrap_or(ON_CPU[0])
        }
    }
}

/// A file that is not even read: so many bytes.
pub fn too_large(file: &str, bytes: f64) -> Failure {
    let megabytes = |bytes: f64| (bytes / 1024.0 / 1024.0).round();
    Failure {
        code: FailureCode::PhotoTooLarge,
        detail: format!(
            "{file} has {} MB, and files of up to {} MB are read",
            megabytes(bytes),
            megabytes(MOST_BYTES),
        ),
    }
}

/// Width and height of a photo that the browser shall decode smaller; nothing, if it is small enough. What cameras of
/// phones take stays as it is.
pub fn bounded([width, height]: [u32; 2]) -> Option<[u32; 2]> {
    let longer = width.max(height);
    let smaller = |side: u32| {
        let side = f64::from(side) * f64::from(MOST_SIDE) / f64::from(longer);
        (side.round() as u32).max(1)
    };
    (longer > MOST_SIDE).then(|| [width, height].map(smaller))
}

/// A network came before the engine runs.
pub fn not_ready(file: &str) -> Failure {
    Failure {
        code: FailureCode::FileUnreadable,
        detail: format!("{file}: the engine is still starting; drop it again in a moment"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_photos_keep_their_proportions_whichever_side_is_longer() {
        assert_eq!(bounded([4096, 3072]), None);
        assert_eq!(bounded([16_384, 8_192]), Some([4096, 2048]));
        assert_eq!(bounded([4_000, 26_000]), Some([630, 4096]));
        assert_eq!(bounded([100_000, 1]), Some([4096, 1]));
    }

    #[test]
    fn an_address_can_ask_for_an_engine_and_for_nothing_else() {
        let on_cpu = |asked, chosen| engine(DeviceKind::Cpu, asked, chosen);
        assert_eq!(on_cpu(None, Some("worker-relaxed")), "worker-relaxed");
        assert_eq!(on_cpu(Some("worker"), Some("worker-relaxed")), "worker");
        assert_eq!(
            on_cpu(Some("//evil"), Some("worker-relaxed")),
            "worker-relaxed"
        );
        assert_eq!(on_cpu(Some("reader"), None), "worker");
        assert_eq!(engine(DeviceKind::Gpu, Some("worker"), None), "worker-gpu");
    }
}
