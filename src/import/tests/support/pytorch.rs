//! Networks with what PyTorch computes, as `tests/golden/torchscripts.py` and `exported.py` write them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use violet_graph::{Head, Reference};
use violet_import::{File, Imported, Note, Options, Result, open};

use super::support::noise;

/// Files of a folder of `tests/data`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files {
    pub(crate) folder: &'static str,
    /// What names a folder with others instead: larger networks, written likewise.
    pub(crate) others: &'static str,
}

impl Files {
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        let data = std::env::var_os(self.others).map_or(own.join(self.folder), Into::into);
        std::fs::read(data.join(name)).unwrap()
    }

    pub(crate) fn read(&self, name: &str, side: Option<usize>) -> Result<Imported> {
        let options = Options::default();
        let options = side.map_or(options.clone(), |side| options.with_size([side; 2]));
        open(vec![File::new(name, self.bytes(name))], &options)
    }

    /// Each as PyTorch computes it.
    pub(crate) fn check(&self) {
        let expected: BTreeMap<String, Value> =
            serde_json::from_slice(&self.bytes("expected.json")).unwrap();
        assert!(!expected.is_empty());
        let wrong: Vec<String> = expected
            .iter()
            .flat_map(|(name, expected)| self.wrong(name, expected))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// What is not as PyTorch has it.
    fn wrong(&self, name: &str, expected: &Value) -> Vec<String> {
        let side = expected["side"].as_u64().unwrap() as usize;
        let channels = expected["channels"].as_u64().unwrap() as usize;
        let imported = match self.read(name, Some(side)) {
            Ok(imported) => imported,
            Err(error) => return vec![format!("{name}: {error}")],
        };
        assert_eq!(imported.input.channels, channels, "{name}");
        let mut wrong = Vec::new();
        if imported.notes.contains(&Note::ScriptNotRead) {
            wrong.push(format!("{name}: not by its code"));
        }
        let graph = imported.graph.prepared().unwrap();
        let picture = noise("x", channels * side * side);
        let made = Reference::new(&graph).outputs(&picture).unwrap();
        let outputs: BTreeMap<String, Vec<f64>> =
            serde_json::from_value(expected["outputs"].clone()).unwrap();
        let found: Vec<&str> = graph.outputs().iter().map(|o| o.name.as_str()).collect();
        for (output, expected) in &outputs {
            let Some(place) = found.iter().position(|name| name == output) else {
                let notes = &imported.notes;
                wrong.push(format!("{name}: no {output}, but {found:?}, {notes:?}"));
                continue;
            };
            let made = with_head(graph.outputs()[place].head, &made[place]);
            let scale = expected.iter().fold(1e-2, |most: f64, v| most.max(v.abs()));
            let pairs = made.iter().zip(expected);
            let error = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale;
            println!("{name:<28} {output:<10} {error:.1e}");
            if made.len() != expected.len() || error > 2e-5 {
                let counts = [made.len(), expected.len()];
                wrong.push(format!("{name}, {output}: {error:.1e}, {counts:?}"));
            }
        }
        wrong
    }
}

/// What a file gives of what stands before its end.
fn with_head(head: Head, values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().map(|value| value.exp()).sum();
    let apply = |&value: &f64| match head {
        Head::Softmax => value.exp() / sum,
        Head::LogSoftmax => value - sum.ln(),
        Head::Sigmoid => 1.0 / (1.0 + (-value).exp()),
        _ => value,
    };
    values.iter().map(apply).collect()
}
