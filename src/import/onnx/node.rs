//! What is asked of a node before it runs.

use std::collections::BTreeSet;

use super::attribute::Attribute;
use super::call::{Attributes, Value};
use super::model::Node;

/// A node for a sentence: its operation and its name.
pub(crate) fn describe(node: &Node<'_>) -> String {
    match (node.name, node.outputs.first()) {
        ("", Some(output)) => format!("the node {} that makes “{output}”", node.op_type),
        (name, _) => format!("the node {} “{name}”", node.op_type),
    }
}

/// The operator with its domain, unless that is ONNX's own.
pub(crate) fn full_name(node: &Node<'_>) -> String {
    match node.domain {
        "" | "ai.onnx" => node.op_type.into(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

pub(crate) fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// Whether a node has weights that were learnt.
pub(crate) fn is_layer(node: &Node<'_>, inputs: &[Option<Value<'_>>]) -> bool {
    match node.op_type {
        "Conv" | "ConvTranspose" | "BatchNormalization" | "Gemm" => true,
        "MatMul" => inputs
            .iter()
            .flatten()
            .any(|value| matches!(value, Value::Tensor(_))),
        _ => false,
    }
}

/// A node's attributes, those of a function's caller in their places; what the caller does not give
/// is absent.
pub(crate) fn resolved<'a>(node: &Node<'a>, outer: &Attributes<'a>) -> Attributes<'a> {
    let resolve = |attribute: &Attribute<'a>| match attribute.reference {
        "" => Some((attribute.name, *attribute)),
        reference => outer.get(reference).map(|given| (attribute.name, *given)),
    };
    node.attributes.iter().filter_map(resolve).collect()
}

/// A node of a function without the inputs that the caller leaves out.
pub(crate) fn without<'a>(node: &Node<'a>, absent: &BTreeSet<&str>) -> Node<'a> {
    let mut node = node.clone();
    for name in &mut node.inputs {
        if absent.contains(name) {
            *name = "";
        }
    }
    node
}
