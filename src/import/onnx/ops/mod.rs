//! What ONNX's operators are in a graph: one module for each family, each with a table.
//!
//! Source of all of them: `docs/Operators.md` and `docs/Changelog.md` of ONNX; of the domain
//! com.microsoft, `docs/ContribOperators.md` of ONNX Runtime.

mod activation;
mod arithmetic;
mod attention;
mod constant;
mod contraction;
mod convolution;
mod indexing;
mod logic;
mod normalisation;
mod pooling;
mod quantised;
mod reduction;
mod resize;
mod sequence;
mod shape;

use super::call::Operator;

/// Finds an operator. Without a domain it is one of ONNX's own.
pub(crate) fn find(domain: &str, op_type: &str) -> Option<Operator> {
    match domain {
        "" | "ai.onnx" => [
            activation::find,
            arithmetic::find,
            attention::find,
            constant::find,
            contraction::find,
            convolution::find,
            indexing::find,
            logic::find,
            normalisation::find,
            pooling::find,
            quantised::find,
            reduction::find,
            resize::find,
            sequence::find,
            shape::find,
        ]
        .iter()
        .find_map(|find| find(op_type)),
        "com.microsoft" => [
            activation::find_microsoft,
            contraction::find_microsoft,
            normalisation::find_microsoft,
            quantised::find_microsoft,
        ]
        .iter()
        .find_map(|find| find(op_type)),
        _ => None,
    }
}

/// What can be done about an operator that is not supported.
pub(crate) fn advice(domain: &str, op_type: &str) -> &'static str {
    match (domain, op_type) {
        ("ai.onnx.ml", _) => {
            "It is classical machine learning (trees, support vectors, tables), which has no slope \
             that could be followed to pixels."
        }
        ("" | "ai.onnx", "LSTM" | "GRU" | "RNN" | "Loop" | "Scan") => {
            "Networks that go through a sequence step by step are not supported; export the part \
             that sees the picture."
        }
        ("" | "ai.onnx", _) => {
            "Simplify the file (onnxsim), or export the network up to before this part."
        }
        _ => "It belongs to a run time of its own; export the network with ONNX's operators only.",
    }
}
