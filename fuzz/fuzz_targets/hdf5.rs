//! A Keras model in HDF5: read, prepared and, if it is small, one secant of it. Nothing may panic.
//!
//! ```sh
//! mkdir -p fuzz/corpus/hdf5
//! for zip in src/import/tests/data/tensorflow/*-h5.zip; do
//!     python3 -m zipfile -e "$zip" fuzz/corpus/hdf5; done
//! cargo +nightly fuzz run hdf5 -- -rss_limit_mb=4096 -timeout=20 -max_len=65536
//! ```

#![no_main]

mod run;

use libfuzzer_sys::fuzz_target;
use violet_import::{Options, keras};

fuzz_target!(|bytes: &[u8]| {
    let options = Options::default().with_size([8, 8]);
    if let Ok(imported) = keras::import_h5(bytes.to_vec(), &[], &options) {
        run::run(imported);
    }
});
