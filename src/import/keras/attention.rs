//! Layers that attend: each row of a value is a mean of another's, weighted by how alike they are.
//!
//! # Source
//!
//! `keras/src/layers/attention` (3.x) and `tf_keras/src/layers/attention` (2.x). `Patches` and `PatchEncoder` are not
//! Keras' own, but of its example of a Vision Transformer (`keras-io/examples/vision`), which people copy.

use serde_json::Value;
use violet_graph::{Binary, Constant};

use super::fields::Fields;
use super::layers::{Weights, turned, unsupported};
use super::lowering::{Operand, damaged};
use crate::arranged::{Arranged, Arranger};
use crate::error::Result;

/// Query, value and key, by their names or in this order; the key is the value where nobody says it.
fn operands(
    fields: &Fields<'_>,
    operands: &[Operand],
    named: &[(&str, Operand)],
) -> Result<[Arranged; 3]> {
    let asked = |name: &str| {
        let found = named.iter().find(|(own, _)| *own == name);
        match found.map(|(_, operand)| operand) {
            None | Some(Operand::Constant(Value::Null | Value::Bool(false))) => None,
            found => found,
        }
    };
    for name in [
        "attention_mask",
        "mask",
        "use_causal_mask",
        "return_attention_scores",
    ] {
        if asked(name).is_some() {
            return Err(unsupported(
                fields,
                &format!("it is called with {name}"),
                "",
            ));
        }
    }
    let value = |at: usize, name: &str| match operands.get(at).or(asked(name)) {
        Some(Operand::Value(x)) => Some(x.clone()),
        _ => None,
    };
    let both = value(0, "query").zip(value(1, "value"));
    let (query, values) = both.ok_or_else(|| {
        damaged(format!(
            "“{}” is called with less than two values",
            fields.name
        ))
    })?;
    let key = value(2, "key").unwrap_or_else(|| values.clone());
    if operands.len() > 3 {
        return Err(unsupported(
            fields,
            "it is called with more than three values",
            "",
        ));
    }
    Ok([query, values, key])
}

/// `softmax(scale · q kᵀ) v` over the last two axes.
fn attended(
    arranger: &mut Arranger,
    [query, values, key]: &[Arranged; 3],
    scale: &Arranged,
) -> Result<Arranged> {
    let scores = arranger.mat_mul(query, key, [false, true])?;
    let scores = arranger.binary(Binary::Mul, &scores, scale)?;
    let weights = arranger.softmax(&scores, -1)?;
    arranger.mat_mul(&weights, values, [false; 2])
}

/// Several heads, each with layers of its own.
pub(super) fn multi_head(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    called: &[Operand],
    named: &[(&str, Operand)],
    weights: &Weights<'_>,
) -> Result<Arranged> {
    let inputs = operands(fields, called, named)?;
    for setting in ["use_gate", "sliding_window"] {
        if fields.get(&[setting]).is_some_and(|value| *value != false) {
            return Err(unsupported(fields, &format!("{setting} is set"), ""));
        }
    }
    let rows_only = matches!(
        fields.integers("attention_axes")?.as_deref(),
        None | Some([1] | [-2])
    );
    if !rows_only || inputs.iter().any(|x| arranger.shape(x).len() != 3) {
        return Err(unsupported(
            fields,
            "it attends along other axes than rows",
            "",
        ));
    }
    let mut own = |x: &Arranged, [kernel, bias]: [&'static str; 2]| -> Result<Arranged> {
        let kernel = weights.get(kernel)?;
        let &[channels, heads, each] = kernel.shape() else {
            return Err(unsupported(fields, "its layers are of other axes", ""));
        };
        let weight = in_shape(&kernel, &[channels, heads * each])?;
        let weight = turned(&weight, &[1, 0], fields)?;
        let bias = weights.find(bias);
        let bias = bias.map(|bias| in_shape(&bias, &[heads * each]));
        let x = arranger.linear(x, weight, bias.transpose()?)?;
        let x = arranger.reshape(&x, &[1, -1, heads as i64, each as i64])?;
        arranger.transpose(&x, &[0, 2, 1, 3])
    };
    let [query, values, key] = &inputs;
    let query = own(query, ["query/kernel", "query/bias"])?;
    let values = own(values, ["value/kernel", "value/bias"])?;
    let key = own(key, ["key/kernel", "key/bias"])?;
    let each = arranger.shape(&query).last().copied().unwrap_or(1);
    let scale = arranger.number((each as f32).sqrt().recip())?;
    let mixed = attended(arranger, &[query, values, key], &scale)?;
    let mixed = arranger.transpose(&mixed, &[0, 2, 1, 3])?;
    let kernel = weights.get("attention_output/kernel")?;
    let &[heads, each, outputs] = kernel.shape() else {
        return Err(unsupported(fields, "its output has other axes", ""));
    };
    let mixed = arranger.reshape(&mixed, &[1, -1, (heads * each) as i64])?;
    let weight = turned(
        &in_shape(&kernel, &[heads * each, outputs])?,
        &[1, 0],
        fields,
    )?;
    arranger.linear(&mixed, weight, weights.find("attention_output/bias"))
}

/// What is attended to as it is: Luong's attention.
pub(super) fn dot(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    called: &[Operand],
    named: &[(&str, Operand)],
    weights: &Weights<'_>,
) -> Result<Arranged> {
    if fields.text("score_mode", "dot") != "dot" {
        return Err(unsupported(fields, "score_mode is not “dot”", ""));
    }
    let inputs = operands(fields, called, named)?;
    let scale = match weights.find("scale") {
        Some(scale) => arranger.constant(scale)?,
        None => arranger.number(1.0)?,
    };
    attended(arranger, &inputs, &scale)
}

/// Squares of the picture beside each other, each as a row: \[1, H, W, C\] to \[1, patches, side² · C\].
pub(super) fn patches(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
) -> Result<Arranged> {
    let side = fields.pair("patch_size", [0; 2])?[0];
    let &[_, height, width, channels] = arranger.shape(x).as_slice() else {
        return Err(unsupported(fields, "it is given no picture", ""));
    };
    if side == 0 || side > height || side > width {
        return Err(unsupported(
            fields,
            "its patches are larger than the picture",
            "",
        ));
    }
    let counts = [height / side, width / side];
    let ends = counts.map(|count| (count * side) as i64);
    let x = arranger.slice(x, &[0, 0], &ends, &[1, 2], &[])?;
    let dims = [1, counts[0], side, counts[1], side, channels].map(|n| n as i64);
    let x = arranger.reshape(&x, &dims)?;
    let x = arranger.transpose(&x, &[0, 1, 3, 2, 4, 5])?;
    let row = (side * side * channels) as i64;
    arranger.reshape(&x, &[1, (counts[0] * counts[1]) as i64, row])
}

/// A layer for each row, and a learnt row for each place.
pub(super) fn encoded(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    x: &Arranged,
    weights: &Weights<'_>,
) -> Result<Arranged> {
    let weight = turned(&weights.get("projection/kernel")?, &[1, 0], fields)?;
    let x = arranger.linear(x, weight, weights.find("projection/bias"))?;
    let places = weights.get("position_embedding/embeddings")?;
    let places = arranger.constant(places)?;
    arranger.binary(Binary::Add, &x, &places)
}

/// The same numbers with other axes.
fn in_shape(constant: &Constant, shape: &[usize]) -> Result<Constant> {
    Ok(Constant::new(shape, constant.data().clone())?)
}
