//! A TensorFlow graph's nodes and their attributes, as JSON has them.
//!
//! # Source
//!
//! `tensorflow/core/framework/node_def.proto` and `attr_value.proto`, in protobuf's JSON: whole
//! numbers are texts, bytes are base64. Converters before 2019 wrote bytes as lists of numbers.

use std::collections::HashMap;

use serde_json::Value;

use super::damaged;
use crate::error::Result;

/// Nodes of a graph that is read.
const MAX_NODES: usize = 100_000;

/// A node.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) name: &'a str,
    pub(super) op: &'a str,
    /// Which node's which result; control inputs are left out.
    pub(super) inputs: Vec<(usize, usize)>,
    attributes: &'a Value,
}

/// All nodes of a graph, in the file's order.
pub(super) fn nodes(json: &Value) -> Result<Vec<Node<'_>>> {
    let list = json["modelTopology"]["node"]
        .as_array()
        .ok_or_else(|| damaged("its graph has no nodes"))?;
    if list.len() > MAX_NODES {
        return Err(damaged(format!("its graph has {} nodes", list.len())));
    }
    let name = |node: &'_ Value| node["name"].as_str().map(str::to_owned);
    let mut places: HashMap<String, usize> = HashMap::new();
    for (k, node) in list.iter().enumerate() {
        let name = name(node).ok_or_else(|| damaged("a node has no name"))?;
        places.insert(name, k);
    }
    list.iter()
        .map(|node| {
            let inputs = node["input"].as_array().into_iter().flatten();
            let inputs = inputs
                .filter_map(Value::as_str)
                .filter(|input| !input.starts_with('^'))
                .map(|input| {
                    let (name, result) = port(input);
                    let node = places.get(name);
                    let node = node.ok_or_else(|| damaged(format!("there is no node “{name}”")))?;
                    Ok((*node, result))
                })
                .collect::<Result<_>>()?;
            Ok(Node {
                name: node["name"].as_str().unwrap_or_default(),
                op: node["op"].as_str().unwrap_or_default(),
                inputs,
                attributes: &node["attr"],
            })
        })
        .collect()
}

/// `name:2` → the node's name and which of its results.
pub(super) fn port(input: &str) -> (&str, usize) {
    match input.rsplit_once(':') {
        Some((name, result)) => match result.parse() {
            Ok(result) => (name, result),
            Err(_) => (input, 0),
        },
        None => (input, 0),
    }
}

impl Node<'_> {
    /// A whole number, or what it is if it is not said.
    pub(super) fn integer(&self, name: &str, default: i64) -> i64 {
        integer(&self.attributes[name]["i"]).unwrap_or(default)
    }

    /// A number, or what it is if it is not said.
    pub(super) fn float(&self, name: &str, default: f32) -> f32 {
        let value = &self.attributes[name]["f"];
        value.as_f64().map_or(default, |value| value as f32)
    }

    /// A truth; false if it is not said.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.attributes[name]["b"].as_bool().unwrap_or(false)
    }

    /// A text; “” if it is not said.
    pub(super) fn text(&self, name: &str) -> String {
        text(&self.attributes[name]["s"])
    }

    /// Whole numbers; none if they are not said.
    pub(super) fn integers(&self, name: &str) -> Vec<i64> {
        let list = self.attributes[name]["list"]["i"].as_array();
        list.into_iter().flatten().filter_map(integer).collect()
    }

    /// Texts; none if they are not said.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.attributes[name]["list"]["s"].as_array();
        list.into_iter().flatten().map(text).collect()
    }

    /// Lengths of a shape's axes, those that are open left out; nothing if it is not said.
    pub(super) fn shape(&self, name: &str) -> Option<Vec<Option<usize>>> {
        lengths(&self.attributes[name]["shape"])
    }

    /// Whether a type is 8-bit integers (`DT_UINT8` is 4).
    pub(super) fn is_bytes(&self, name: &str) -> bool {
        let value = &self.attributes[name]["type"];
        value == "DT_UINT8" || value == 4
    }

    /// Whether a type is floats (`DT_FLOAT` is 1, `DT_HALF` 19).
    pub(super) fn is_float(&self, name: &str) -> bool {
        let value = &self.attributes[name]["type"];
        value == "DT_FLOAT" || value == "DT_HALF" || value == 1 || value == 19
    }
}

/// Lengths of a `TensorShapeProto`'s axes, those that are open left out.
pub(super) fn lengths(shape: &Value) -> Option<Vec<Option<usize>>> {
    let axes = shape["dim"].as_array()?;
    let length = |axis: &Value| usize::try_from(integer(&axis["size"])?).ok();
    Some(axes.iter().map(length).collect())
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let bytes = base64(text).unwrap_or_else(|| text.clone().into_bytes());
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Value::Array(bytes) => {
            let bytes: Vec<u8> = bytes
                .iter()
                .filter_map(|byte| u8::try_from(byte.as_u64()?).ok())
                .collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => String::new(),
    }
}

/// RFC 4648, section 4; nothing if it is none.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count) = (0u32, 0);
    let mut bytes = Vec::new();
    for byte in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|&own| own == byte)?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attributes_of_every_converter() {
        let new = json!({"padding": {"s": "U0FNRQ=="}, "strides": {"list": {"i": ["1", "2"]}},
            "fused": {"list": {"s": ["Qmlhc0FkZA==", "UmVsdTY="]}}, "axis": {"i": "-1"},
            "shape": {"shape": {"dim": [{"size": "-1"}, {"size": "8"}]}}});
        let old = json!({"padding": {"s": [83, 65, 77, 69]}, "strides": {"list": {"i": [1, 2]}},
            "fused": {"list": {"s": [[66, 105, 97, 115, 65, 100, 100], [82, 101, 108, 117, 54]]}},
            "axis": {"i": -1}, "shape": {"shape": {"dim": [{"size": -1}, {"size": 8}]}}});
        for attributes in [new, old] {
            let node = Node {
                name: "",
                op: "",
                inputs: Vec::new(),
                attributes: &attributes,
            };
            assert_eq!(node.text("padding"), "SAME");
            assert_eq!(node.integers("strides"), [1, 2]);
            assert_eq!(node.texts("fused"), ["BiasAdd", "Relu6"]);
            assert_eq!(node.integer("axis", 0), -1);
            assert_eq!(node.shape("shape"), Some(vec![None, Some(8)]));
            assert_eq!(node.integer("none", 7), 7);
        }
    }

    #[test]
    fn inputs_name_nodes_and_results() {
        let json = json!({"modelTopology": {"node": [
            {"name": "b", "op": "Add", "input": ["a:1", "^c", "a"]},
            {"name": "a", "op": "Split"}, {"name": "c", "op": "NoOp"}]}});
        assert_eq!(nodes(&json).unwrap()[0].inputs, [(1, 1), (1, 0)]);
        let broken = json!({"modelTopology": {"node": [{"name": "b", "input": ["a"]}]}});
        assert!(nodes(&broken).is_err());
    }
}
