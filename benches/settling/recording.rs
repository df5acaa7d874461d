//! The secants of one path, kept in a file: a rule that is changed costs only those that it asks for anew.
//!
//! Of each secant's attributions a sketch is kept, in which every value is added to one of [`BUCKETS`] sums or
//! subtracted from it. Lengths of sketches, of their sums and of their differences are those of what they are
//! sketches of, to 1.6 % (one standard deviation, √(1 / 2 [`BUCKETS`])), and that is all that a rule looks at.
//!
//! # Source
//!
//! Charikar, Chen, Farach-Colton 2002, Finding frequent items in data streams: count sketches.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use violet::attribution::{PartialSum, PathSample, Quadrature};

/// Sums of a sketch.
pub(crate) const BUCKETS: usize = 2048;

/// What a path is of, as one line of JSON at the beginning of its file.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Head {
    /// What is explained.
    pub(crate) output: usize,
    /// F(x') and F(x).
    pub(crate) ends: [f32; 2],
}

/// The secant of one interval.
#[derive(Debug, Clone)]
pub(crate) struct Secant {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) sample: PathSample,
    /// Of its attributions.
    pub(crate) sketch: Vec<f32>,
}

impl Secant {
    /// As a worker would hand it in, if there were as many values as a sketch has sums, and x − x' were 1.
    pub(crate) fn gradient(&self) -> PartialSum {
        let width = (self.end - self.start) as f32;
        PartialSum {
            gradient_sum: self.sketch.iter().map(|v| v / width).collect(),
            samples: vec![self.sample],
            starts: 0,
        }
    }
}

/// Adds up values, or subtracts them, by their places alone.
pub(crate) fn sketch(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut sums = vec![0.0f64; BUCKETS];
    for (place, value) in values.enumerate() {
        let hash = splitmix64(place as u64);
        let value = f64::from(value);
        sums[(hash >> 32) as usize % BUCKETS] += if hash & 1 == 0 { value } else { -value };
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

/// Steele, Lea, Flood 2014.
fn splitmix64(k: u64) -> u64 {
    let mut z = k.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Both ends, to a part in 10⁹: what the rules hold for one position.
type Key = [u64; 2];

fn key(start: f64, end: f64) -> Key {
    [start, end].map(|position| (position * 1e9).round() as u64)
}

/// All secants of a path that are known.
pub(crate) struct Recording {
    pub(crate) head: Head,
    known: HashMap<Key, Secant>,
    file: File,
}

impl Recording {
    /// What a file holds; `head` is asked for if there is none yet. What was cut off in the middle of a secant is
    /// forgotten.
    pub(crate) fn open(path: &Path, head: impl FnOnce() -> Head) -> std::io::Result<Self> {
        let bytes = std::fs::read(path).unwrap_or_default();
        let line = bytes.iter().position(|&byte| byte == b'\n');
        let Some(line) = line else {
            let head = head();
            let mut file = File::create(path)?;
            writeln!(file, "{}", serde_json::to_string(&head)?)?;
            let known = HashMap::new();
            return Ok(Self { head, known, file });
        };
        let head = serde_json::from_slice(&bytes[..line])?;
        let file = File::options().append(true).open(path)?;
        let records = bytes[line + 1..].chunks_exact(RECORD);
        file.set_len((line + 1 + records.len() * RECORD) as u64)?;
        let records = records.map(read);
        let known = records.map(|secant| (key(secant.start, secant.end), secant));
        let known = known.collect();
        Ok(Self { head, known, file })
    }

    /// Which of some intervals are not known.
    pub(crate) fn missing(&self, wanted: &Quadrature) -> Quadrature {
        let unknown = |&k: &usize| self.get(wanted, k).is_none();
        let nodes: Vec<usize> = (0..wanted.alphas.len()).filter(unknown).collect();
        wanted.pick(&nodes)
    }

    pub(crate) fn add(&mut self, secant: Secant) -> std::io::Result<()> {
        self.file.write_all(&written(&secant))?;
        self.known.insert(key(secant.start, secant.end), secant);
        Ok(())
    }

    fn get(&self, wanted: &Quadrature, node: usize) -> Option<&Secant> {
        let end = wanted.alphas[node];
        self.known.get(&key(end - wanted.step_sizes[node], end))
    }

    /// Those of some intervals, all of which are known.
    pub(crate) fn all(&self, wanted: &Quadrature) -> Vec<&Secant> {
        let nodes = 0..wanted.alphas.len();
        let all = nodes.map(|node| self.get(wanted, node).expect("what is missing was added"));
        all.collect()
    }
}

impl Recording {
    /// The most secants, of those that are known, that cover the path without a gap.
    pub(crate) fn finest(&self) -> Vec<&Secant> {
        let mut by_start: Vec<&Secant> = self.known.values().collect();
        by_start.sort_by(|a, b| a.start.total_cmp(&b.start));
        let ends = |secant: &Secant| key(secant.start, secant.end);
        // For each position, how many lead there at most, and the last of them.
        let mut best: HashMap<u64, (usize, Option<&Secant>)> = HashMap::from([(0, (0, None))]);
        for secant in by_start {
            let [start, end] = ends(secant);
            if let Some(&(count, _)) = best.get(&start) {
                let there = best.entry(end).or_insert((0, None));
                if count + 1 > there.0 {
                    *there = (count + 1, Some(secant));
                }
            }
        }
        let mut path = Vec::new();
        let mut position = key(0.0, 1.0)[1];
        while let Some(&(_, Some(secant))) = best.get(&position) {
            path.push(secant);
            position = ends(secant)[0];
        }
        assert_eq!(position, 0, "the whole path is known");
        path
    }
}

/// Bytes of a secant: start, end, output, slope, sketch.
const RECORD: usize = 2 * 8 + 2 * 4 + 4 * BUCKETS;

fn written(secant: &Secant) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD);
    bytes.extend(
        [secant.start, secant.end]
            .into_iter()
            .flat_map(f64::to_le_bytes),
    );
    let sample = [secant.sample.output, secant.sample.slope];
    let floats = sample.iter().chain(&secant.sketch);
    bytes.extend(floats.flat_map(|value| value.to_le_bytes()));
    bytes
}

fn read(bytes: &[u8]) -> Secant {
    let (doubles, floats) = bytes.split_at(16);
    let (doubles, _) = doubles.as_chunks::<8>();
    let (floats, _) = floats.as_chunks::<4>();
    let [start, end] = [0, 1].map(|k| f64::from_le_bytes(doubles[k]));
    let mut floats = floats.iter().map(|&bytes| f32::from_le_bytes(bytes));
    let mut next = || floats.next().unwrap_or_default();
    let sample = PathSample {
        alpha: end,
        output: next(),
        slope: next(),
    };
    let sketch = floats.collect();
    Secant {
        start,
        end,
        sample,
        sketch,
    }
}
