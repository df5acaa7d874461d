//! Damaged and hostile files: an error or a network, in little time, never a panic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use violet_import::{Options, onnx};

fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx");
    let mut seeds: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "onnx"))
        .map(|path| {
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read(path).unwrap(),
            )
        })
        .collect();
    seeds.sort();
    assert!(seeds.len() >= 20);
    seeds
}

/// Pseudo-random numbers: PCG's multiplier, the upper half.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(0x14057b7ef767814f);
        ((self.0 >> 33) as usize) % n
    }
}

/// Reads, prepares and, if it is small, runs a file; fails if that takes long. Sizes of a picture
/// that the file leaves open are small ones.
fn survive(name: &str, bytes: &[u8]) {
    let started = Instant::now();
    let options = Options::default().with_size([8, 8]);
    if let Ok(imported) = onnx::import(bytes, &[], &options) {
        let _ = imported.graph.prepared();
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "{name} took {took:?}");
}

#[test]
fn every_beginning_of_every_file() {
    for (name, seed) in seeds() {
        for length in 0..seed.len() {
            survive(&name, &seed[..length]);
        }
    }
}

#[test]
fn bytes_changed_at_random() {
    const ROUNDS: usize = 400;
    // Ends of varints, signs, kinds of fields, and sizes that are far too large.
    const VALUES: [u8; 10] = [0, 1, 2, 0x0a, 0x12, 0x7f, 0x80, 0xff, 0x08, 0x3a];
    for (name, seed) in seeds() {
        let mut random = Random(seed.len() as u64);
        for _ in 0..ROUNDS {
            let mut bytes = seed.clone();
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len());
                match random.below(5) {
                    0 => bytes[at] = VALUES[random.below(VALUES.len())],
                    1 => bytes[at] ^= 1 << random.below(8),
                    2 => bytes[at] = random.below(256) as u8,
                    3 => {
                        bytes.remove(at);
                    }
                    _ => {
                        // A piece from elsewhere.
                        let from = random.below(bytes.len());
                        let length = random.below(40).min(bytes.len() - from.max(at));
                        bytes.copy_within(from..from + length, at);
                    }
                }
                if bytes.is_empty() {
                    break;
                }
            }
            survive(&name, &bytes);
        }
    }
}

/// A field that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut field = vec![number << 3 | 2];
    while length >= 0x80 {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    [field, bytes.to_vec()].concat()
}

/// A model of a graph's fields, for opset 13.
fn model(graph: &[Vec<u8>]) -> Vec<u8> {
    [vec![8, 8], field(8, &[16, 13]), field(7, &graph.concat())].concat()
}

fn node(op_type: &str, inputs: &[&str], outputs: &[&str]) -> Vec<u8> {
    let mut node = Vec::new();
    inputs
        .iter()
        .for_each(|name| node.extend(field(1, name.as_bytes())));
    outputs
        .iter()
        .for_each(|name| node.extend(field(2, name.as_bytes())));
    node.extend(field(4, op_type.as_bytes()));
    field(1, &node)
}

/// An input or output of floats of that shape, of lengths below 128.
fn value(number: u8, name: &str, shape: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = shape
        .iter()
        .flat_map(|&length| field(1, &[8, length]))
        .collect();
    let tensor = [vec![8, 1], field(2, &dims)].concat();
    field(
        number,
        &[field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat(),
    )
}

#[test]
fn files_that_ask_for_much_are_refused() {
    let refuse = |bytes: &[u8]| {
        let started = Instant::now();
        let error = onnx::import(bytes, &[], &Options::default())
            .unwrap_err()
            .to_string();
        assert!(started.elapsed() < Duration::from_secs(5), "{error}");
        error
    };
    let picture = value(11, "x", &[1, 3, 8, 8]);
    let output = value(12, "y", &[1, 3, 8, 8]);

    // A tensor of 2⁵⁰ numbers, of which there are four bytes.
    let dims = [
        vec![8],
        vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02],
    ]
    .concat();
    let tensor = field(
        5,
        &[dims, vec![16, 1], field(8, b"w"), field(9, &[0; 4])].concat(),
    );
    let graph = [
        picture.clone(),
        output.clone(),
        tensor,
        node("Add", &["x", "w"], &["y"]),
    ];
    assert!(refuse(&model(&graph)).contains("more than"));

    // A million nodes that do nothing, in two megabytes.
    let nodes: Vec<Vec<u8>> = vec![field(1, b""); 1_100_000];
    assert!(refuse(&model(&[nodes.concat()])).contains("more than 1000000 entries"));

    // Doubling: each node concatenates what was before with itself.
    let mut graph = vec![picture.clone()];
    for k in 0..60 {
        let (from, to) = (format!("x{k}"), format!("x{}", k + 1));
        let from = if k == 0 { "x".to_owned() } else { from };
        graph.push(node("Concat", &[&from, &from], &[&to]));
    }
    graph.push(value(12, "x60", &[1]));
    let error = refuse(&model(&graph));
    assert!(error.contains("Violet cannot build"), "{error}");

    // Functions that call the next one twice: 2⁶⁰ nodes.
    let mut functions = Vec::new();
    for k in 0..30 {
        let call = |input: &str, output: &str| {
            let name = format!("f{}", k + 1);
            let op_type = if k == 29 { "Relu" } else { name.as_str() };
            let mut node = [field(1, input.as_bytes()), field(2, output.as_bytes())].concat();
            node.extend(field(4, op_type.as_bytes()));
            if k < 29 {
                node.extend(field(7, b"d"));
            }
            field(7, &node)
        };
        let function = [
            field(1, format!("f{k}").as_bytes()),
            field(10, b"d"),
            field(4, b"a"),
            field(5, b"c"),
            call("a", "b"),
            call("b", "c"),
        ];
        functions.extend([vec![0xca, 0x01], field(0, &function.concat())[1..].to_vec()].concat());
    }
    let call = [
        field(1, b"x"),
        field(2, b"y"),
        field(4, b"f0"),
        field(7, b"d"),
    ]
    .concat();
    let bytes = [
        model(&[picture.clone(), output.clone(), field(1, &call)]),
        functions,
    ]
    .concat();
    let error = refuse(&bytes);
    assert!(
        error.contains("nodes") && error.contains("more than"),
        "{error}"
    );

    // A function that calls itself.
    let own = [
        field(1, b"a"),
        field(2, b"c"),
        field(4, b"f0"),
        field(7, b"d"),
    ]
    .concat();
    let function = [
        field(1, b"f0"),
        field(10, b"d"),
        field(4, b"a"),
        field(5, b"c"),
        field(7, &own),
    ]
    .concat();
    let function = [vec![0xca, 0x01], field(0, &function)[1..].to_vec()].concat();
    let bytes = [
        model(&[picture.clone(), output.clone(), field(1, &call)]),
        function,
    ]
    .concat();
    assert!(refuse(&bytes).contains("deep"));

    // What nothing makes, and a graph without an output.
    let graph = [
        picture.clone(),
        output.clone(),
        node("Relu", &["nothing"], &["y"]),
    ];
    assert!(refuse(&model(&graph)).contains("nothing makes “nothing”"));
    let error = refuse(&model(&[picture, node("Relu", &["x"], &["y"])]));
    assert!(error.contains("no output"), "{error}");
}
