//! Damaged and hostile files of TensorFlow's and Keras' kinds: an error or a network, in little
//! time, never a panic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use violet_import::{File, Options, open};

/// Small files of each kind, unpacked, with whether they have to be packed to be read.
fn seeds() -> Vec<(String, Vec<File>, bool)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tensorflow");
    let mut seeds = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(ending @ ("zip" | "keras")) = path.extension().and_then(|end| end.to_str()) else {
            continue;
        };
        let packed = ending == "keras";
        let files = File::new(&*name, fs::read(&path).unwrap())
            .unpacked()
            .unwrap();
        seeds.push((name, files, packed));
    }
    let names = ["model.json", "metadata.json", "weights.bin"];
    let files = names.map(|name| {
        File::new(
            name,
            fs::read(folder.join("teachable-machine").join(name)).unwrap(),
        )
    });
    seeds.push(("teachable-machine".into(), files.into(), false));
    seeds.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(seeds.len() >= 10);
    seeds
}

/// Changes of each file.
const ROUNDS: usize = 200;

/// Pseudo-random numbers: PCG's multiplier, the upper half.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(0x1405_7b7e_f767_814f);
        ((self.0 >> 33) as usize) % n
    }
}

fn packed(files: &[File]) -> File {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let options = zip::write::SimpleFileOptions::default();
        let options = options.compression_method(zip::CompressionMethod::Stored);
        zip.start_file(file.name.as_str(), options).unwrap();
        zip.write_all(&file.bytes).unwrap();
    }
    File::new("model.keras", zip.finish().unwrap().into_inner())
}

/// Reads files and prepares their graph; fails if that takes much longer than on the busiest
/// machine.
fn survive(name: &str, files: Vec<File>, is_packed: bool) {
    let started = Instant::now();
    let files = if is_packed {
        vec![packed(&files)]
    } else {
        files
    };
    if let Ok(imported) = open(files, &Options::default().with_size([8, 8])) {
        let _ = imported.graph.prepared();
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(60), "{name} took {took:?}");
}

#[test]
fn files_that_are_cut_off() {
    for (name, files, is_packed) in seeds() {
        for k in 0..files.len() {
            let length = files[k].bytes.len();
            // Every place near both ends, and every few between.
            let far = |cut: &usize| *cut < 64 || *cut + 64 > length || cut.is_multiple_of(197);
            for cut in (0..length).filter(far) {
                let mut files = files.clone();
                files[k].bytes.truncate(cut);
                survive(&name, files, is_packed);
            }
        }
    }
}

#[test]
fn bytes_changed_at_random() {
    const VALUES: [u8; 6] = [0, 1, 4, 0x7f, 0x80, 0xff];
    for (name, files, is_packed) in seeds() {
        let mut random = Random(name.len() as u64);
        for _ in 0..ROUNDS {
            let mut files = files.clone();
            let k = random.below(files.len());
            let bytes = &mut files[k].bytes;
            for _ in 0..1 + random.below(6) {
                // What describes stands at the beginning of most, and between the weights of some.
                let range = if random.below(2) == 0 {
                    bytes.len()
                } else {
                    bytes.len().min(4096)
                };
                let at = random.below(range);
                bytes[at] = match random.below(3) {
                    0 => VALUES[random.below(VALUES.len())],
                    1 => bytes[at] ^ 1 << random.below(8),
                    _ => random.below(256) as u8,
                };
            }
            survive(&name, files, is_packed);
        }
    }
}

/// Operations that are called with names only, as no writer of Keras calls them.
#[test]
fn operands_by_their_names_alone() {
    let seeds = seeds();
    let (name, mut files, is_packed) = seeds
        .into_iter()
        .find(|(name, ..)| name == "preprocessing.keras")
        .unwrap();
    let config = files.iter_mut().find(|file| file.name == "config.json");
    let config = config.unwrap();
    let mut model: Value = serde_json::from_slice(&config.bytes).unwrap();
    let mut changed = 0;
    for layer in model["config"]["layers"].as_array_mut().unwrap() {
        if layer["class_name"] == "GetItem" {
            let call = &mut layer["inbound_nodes"][0];
            call["kwargs"]["x"] = call["args"][0].take();
            call["args"] = json!([]);
            changed += 1;
        }
    }
    assert!(changed > 3);
    config.bytes = serde_json::to_vec(&model).unwrap();
    survive(&name, files, is_packed);
}

/// Every leaf of a description, replaced by what no writer writes.
#[test]
fn descriptions_that_nobody_wrote() {
    let hostile = [
        json!(null),
        json!(0),
        json!(-1),
        json!(3),
        json!(1u64 << 40),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(""),
        json!("same"),
        json!("-1"),
        json!([]),
        json!([0, 0]),
        json!([[1u64 << 62, 1u64 << 62], [1, 1]]),
        json!({}),
        json!(true),
    ];
    for (name, files, is_packed) in seeds() {
        for (k, file) in files.iter().enumerate() {
            let Ok(whole) = serde_json::from_slice::<Value>(&file.bytes) else {
                continue;
            };
            let mut leaves = Vec::new();
            pointers(&whole, String::new(), &mut leaves);
            // Some of the places, each with some of the values: more is the fuzzers' task.
            let mut random = Random(leaves.len() as u64);
            for _ in 0..leaves.len().min(ROUNDS) {
                let pointer = &leaves[random.below(leaves.len())];
                let value = &hostile[random.below(hostile.len())];
                let mut changed = whole.clone();
                *changed.pointer_mut(pointer).unwrap() = value.clone();
                let mut files = files.clone();
                files[k].bytes = changed.to_string().into_bytes();
                survive(&format!("{name} {pointer} = {value}"), files, is_packed);
            }
        }
    }
}

/// Paths to all leaves of a description, and to the objects and lists around them.
fn pointers(value: &Value, path: String, leaves: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(value, format!("{path}/{name}"), leaves);
            }
        }
        Value::Array(values) => {
            for (k, value) in values.iter().enumerate() {
                pointers(value, format!("{path}/{k}"), leaves);
            }
        }
        _ => {}
    }
    if !path.is_empty() {
        leaves.push(path);
    }
}
