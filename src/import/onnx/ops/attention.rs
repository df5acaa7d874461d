//! Attention as one operator, as opset 23 has it.

use violet_graph::{Binary, Constant, Data, Unary, ValueId};

use super::super::call::{Answer, Call, Operator, Value, unsupported};
use Operator::Many;

pub(super) fn find(op_type: &str) -> Option<Operator> {
    Some(match op_type {
        "Attention" => Many(|call| {
            Ok(vec![
                Value::Graph(attention(call)?),
                Value::Unused,
                Value::Unused,
                Value::Unused,
            ])
        }),
        _ => return None,
    })
}

/// softmax(q · kᵀ · scale + mask) · v, of inputs q, k, v and mask; \[1, heads, words, features\],
/// or \[1, words, heads · features\].
fn attention(call: &mut Call<'_, '_>) -> Answer<ValueId> {
    if call.has(4) || call.has(5) {
        return unsupported("it goes on from words that came before", "");
    }
    if call.wanted.iter().skip(1).any(|&wanted| wanted) {
        return unsupported("its inner results are asked for", "");
    }
    if call.has(6) {
        return unsupported("it takes the number of words", "");
    }
    const KNOWN: [&str; 7] = [
        "is_causal",
        "q_num_heads",
        "kv_num_heads",
        "scale",
        "softcap",
        "softmax_precision",
        "qk_matmul_output_mode",
    ];
    if let Some(name) = call.attributes.keys().find(|name| !KNOWN.contains(name)) {
        return unsupported(format!("its attribute “{name}” is not known"), "");
    }
    let (q, k, v) = (call.value(0)?, call.value(1)?, call.value(2)?);
    let joined = call.shape(q).len() == 3;
    let query_heads = call.int("q_num_heads", 0)?;
    let key_heads = call.int("kv_num_heads", 0)?;
    let q = heads(call, q, query_heads)?;
    let k = heads(call, k, key_heads)?;
    let v = heads(call, v, key_heads)?;
    let [_, heads, words, features] = call.shape(q)[..] else {
        return call.wrong("its rank");
    };
    let (k, v) = (repeated(call, k, heads)?, repeated(call, v, heads)?);

    let scale = call.float("scale", 1.0 / (features as f32).sqrt())?;
    let k = call.b.transpose(k, &[0, 1, 3, 2])?;
    let scores = call.b.matmul(q, k)?;
    let mut scores = call.b.affine(scores, scale, 0.0)?;
    let cap = call.float("softcap", 0.0)?;
    if cap > 0.0 {
        let small = call.b.affine(scores, 1.0 / cap, 0.0)?;
        let bounded = call.b.unary(Unary::Tanh, small)?;
        scores = call.b.affine(bounded, cap, 0.0)?;
    }
    let others = call.shape(scores)[3];
    if let Some(mask) = call.optional(3)? {
        let mask = additive(call, mask)?;
        scores = call.b.binary(Binary::Add, scores, mask)?;
    }
    if call.int("is_causal", 0)? == 1 {
        let seen = |at: usize| at % others <= at / others;
        let mask: Vec<bool> = (0..words.saturating_mul(others)).map(seen).collect();
        let mask = Constant::new(&[words, others], Data::Bool(mask.into()))?;
        let mask = call.b.constant(mask)?;
        let mask = additive(call, mask)?;
        scores = call.b.binary(Binary::Add, scores, mask)?;
    }
    let weights = call.b.softmax(scores, -1)?;
    let made = call.b.matmul(weights, v)?;
    if !joined {
        return Ok(made);
    }
    let made = call.b.transpose(made, &[0, 2, 1, 3])?;
    let words = words as i64;
    Ok(call.b.reshape(made, &[0, words, -1])?)
}

/// \[1, words, heads · features\] as \[1, heads, words, features\].
fn heads(call: &mut Call<'_, '_>, x: ValueId, heads: i64) -> Answer<ValueId> {
    if call.shape(x).len() == 4 {
        return Ok(x);
    }
    let x = call.b.reshape(x, &[0, 0, heads, -1])?;
    Ok(call.b.transpose(x, &[0, 2, 1, 3])?)
}

/// Heads that several queries share, once for each.
fn repeated(call: &mut Call<'_, '_>, x: ValueId, heads: usize) -> Answer<ValueId> {
    let own = call.shape(x).get(1).copied().unwrap_or(0);
    if own == heads {
        return Ok(x);
    }
    if own == 0 || !heads.is_multiple_of(own) {
        return call.wrong(format!("{own} heads for {heads}"));
    }
    let each = heads / own;
    let indices: Vec<i64> = (0..heads).map(|head| (head / each) as i64).collect();
    Ok(call.b.gather(x, 1, &indices, &[heads])?)
}

/// A mask as what is added: of booleans, −∞ where it says no.
fn additive(call: &mut Call<'_, '_>, mask: ValueId) -> Answer<ValueId> {
    let is_bool = call
        .b
        .known(mask)
        .is_some_and(|mask| matches!(mask.data(), Data::Bool(_)));
    if !is_bool {
        return Ok(mask);
    }
    let (yes, no) = (call.b.number(0.0)?, call.b.number(f32::NEG_INFINITY)?);
    Ok(call.b.select(mask, yes, no)?)
}
