//! A photo: decoded, and laid out as a network sees it in every framing. Nothing may panic.
//!
//! The rooms are compiled here by themselves: `violet` as a whole brings its backends.
//!
//! ```sh
//! mkdir -p fuzz/corpus/photo && find www/samples tests/golden -name '*.jpg' -o -name '*.png' |
//!     xargs cp -t fuzz/corpus/photo
//! cargo +nightly fuzz run photo -- -rss_limit_mb=4096 -timeout=20 -max_len=65536
//! ```

#![no_main]
#![allow(dead_code, unused_imports, unreachable_pub, reason = "a part of a crate")]

#[path = "../../src/error.rs"]
mod error;
#[path = "../../src/image/mod.rs"]
mod image;
#[path = "../../src/preprocessing.rs"]
mod preprocessing;
#[path = "../../src/shapes/mod.rs"]
mod shapes;

use self::image::{Photo, View};
use libfuzzer_sys::fuzz_target;
use preprocessing::{Filter, Framing, Preprocessing};

fuzz_target!(|bytes: &[u8]| {
    let Ok(photo) = Photo::decode(bytes) else {
        return;
    };
    // The memory of a hundred megapixels is what is asked for; running over them takes too long here.
    if photo.rgb.width() * photo.rgb.height() > 1 << 20 {
        return;
    }
    for framing in [Framing::CropThenResize(1.0), Framing::Squash, Framing::Pad] {
        let preprocessing = Preprocessing {
            height: 24,
            width: 32,
            framing,
            filter: Filter::Bilinear,
            mean: [0.0; 3],
            std: [255.0; 3],
        };
        let _ = View::of(&photo, &preprocessing);
    }
});
