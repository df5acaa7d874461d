//! Vision transformers (ViT, DeiT, BEiT, DINOv2) and ConvNeXt.
//!
//! # Source
//!
//! torchvision's `vision_transformer.py` and `convnext.py`; timm's `vision_transformer.py`, `deit.py`, `beit.py` and
//! `convnext.py` for its names; transformers' `modeling_clip.py` and `modeling_siglip.py`. Heads are 64 channels wide;
//! the widest networks have 16.

use violet_graph::{Binary, Constant, Reduction, ValueId};

use super::head::head;
use super::layers::{Act, Layers, Pad};
use super::swin::relative_bias;
use crate::error::Result;

/// ε of layer normalisation in torchvision's and timm's ViT and ConvNeXt.
const EPSILON: f32 = 1e-6;
const CLIP_EPSILON: f32 = 1e-5;

/// How a transformer's parts are called.
struct Names {
    class_token: &'static str,
    positions: &'static str,
    patches: &'static str,
    blocks: &'static str,
    norms: [&'static str; 2],
    qkv: [&'static str; 2],
    proj: &'static str,
    mlp: [&'static str; 2],
    last_norm: &'static str,
    head: &'static str,
}

const TORCHVISION: Names = Names {
    class_token: "class_token",
    positions: "encoder.pos_embedding",
    patches: "conv_proj",
    blocks: "encoder.layers.encoder_layer_",
    norms: ["ln_1", "ln_2"],
    qkv: [
        "self_attention.in_proj_weight",
        "self_attention.in_proj_bias",
    ],
    proj: "self_attention.out_proj",
    mlp: ["mlp.0", "mlp.3"],
    last_norm: "encoder.ln",
    head: "heads.head",
};
const TIMM: Names = Names {
    class_token: "cls_token",
    positions: "pos_embed",
    patches: "patch_embed.proj",
    blocks: "blocks.",
    norms: ["norm1", "norm2"],
    qkv: ["attn.qkv.weight", "attn.qkv.bias"],
    proj: "attn.proj",
    mlp: ["mlp.fc1", "mlp.fc2"],
    last_norm: "norm",
    head: "head",
};

pub(super) fn vit(layers: &mut Layers) -> Result<ValueId> {
    vit_named(layers, &TORCHVISION)
}

pub(super) fn timm_vit(layers: &mut Layers) -> Result<ValueId> {
    vit_named(layers, &TIMM)
}

fn vit_named(layers: &mut Layers, names: &Names) -> Result<ValueId> {
    let x = patches(layers, names.patches)?;
    // [C, H, W] to one row for each patch, the class's before them.
    let [width, size] = [layers.channels(x), layers.size(x).iter().product()];
    let x = layers.b.reshape(x, &[width as i64, size as i64])?;
    let x = layers.b.transpose(x, &[1, 0])?;
    // BEiT has none, and tells how far apart two patches are in every block anew.
    let mut positions = layers.optional(names.positions)?;
    if let Some(positions) = &mut positions {
        *positions = layers.b.squeeze(*positions, &[0])?;
    }
    // Some give the class's token no position: timm's, where there are registers.
    let only_patches =
        |positions: &ValueId, layers: &Layers| layers.b.shape(*positions).first() == Some(&size);
    let mut x = x;
    if let Some(positions) = positions.take_if(|positions| only_patches(positions, layers)) {
        x = layers.add(x, positions)?;
    }
    if layers.any("rope.") || layers.is_called("_rope_") {
        return Err(layers.differs("its positions turn q and k".into()));
    }
    if layers.any("attn_pool.") {
        return Err(layers.differs("its patches are pooled by attention".into()));
    }
    let has_class = layers.has(names.class_token);
    let registers = layers.dims("reg_token").get(1).copied().unwrap_or(0);
    let mut tokens = Vec::new();
    for token in [names.class_token, "dist_token", "reg_token"] {
        if let Some(token) = layers.optional(token)? {
            tokens.push(layers.b.reshape(token, &[-1, width as i64])?);
        }
    }
    tokens.push(x);
    x = layers.b.concat(&tokens, 0)?;
    if let Some(mut positions) = positions {
        // Hugging Face's registers have none, though the class's token before them has.
        if registers > 0 && layers.b.shape(positions) == [size + 1, width] {
            let none = Constant::f32(&[registers, width], vec![0.0; registers * width])?;
            let none = layers.b.constant(none)?;
            let class = layers.b.slice(positions, &[0], &[1], &[0], &[])?;
            let rest = layers
                .b
                .slice(positions, &[1], &[size as i64 + 1], &[0], &[])?;
            positions = layers.b.concat(&[class, none, rest], 0)?;
        }
        x = layers.add(x, positions)?;
    }
    // CLIP's towers, which begin with a normalisation, have another ε.
    let usual = match layers.has("norm_pre.weight") {
        true => CLIP_EPSILON,
        false => EPSILON,
    };
    let epsilon = layers.layer_epsilon.unwrap_or(usual);
    let distilled = layers.any("head_dist.");
    if layers.has("norm_pre.weight") {
        x = layers.layer_norm(x, "norm_pre", epsilon)?;
    }
    let heads = match (layers.config.heads(), width) {
        (Some(heads), width) if width % heads == 0 => heads,
        (None, 1152 | 1280 | 1408 | 1664) => 16,
        (None, width) if width % 64 == 0 => width / 64,
        (said, _) => {
            let reason = match said {
                Some(heads) => format!("{width} channels are not those of {heads} heads"),
                None => format!(
                    "{width} channels are no whole number of heads of 64; open its config.json with it, if \
                     there is one"
                ),
            };
            return Err(layers.differs(reason));
        }
    };
    for block in layers.numbers(names.blocks) {
        let part = |part: &str| format!("{}{block}.{part}", names.blocks);
        let normed = layers.layer_norm(x, &part(names.norms[0]), epsilon)?;
        let weight = layers.value(&part(names.qkv[0]))?;
        let bias = match layers.optional(&part(names.qkv[1]))? {
            None => without_k(layers, &part("attn"))?,
            bias => bias,
        };
        let qkv = layers.b.linear(normed, weight, bias)?;
        let rows = layers.b.shape(x)[0];
        let apart = distances(layers, &part("attn"), [rows, heads])?;
        let attended = attention(layers, qkv, heads, apart)?;
        let attended = layers.linear(attended, &part(names.proj))?;
        // timm's BEiT calls them otherwise.
        let scales = ["ls1.gamma", "ls2.gamma", "gamma_1", "gamma_2"].map(part);
        let [first, second, ..] = match layers.has(&scales[2]) {
            true => [&scales[2], &scales[3]],
            false => [&scales[0], &scales[1]],
        };
        x = scaled_shortcut(layers, x, attended, first)?;
        let normed = layers.layer_norm(x, &part(names.norms[1]), epsilon)?;
        // torchvision's files of before 0.13 call the two otherwise.
        let old = layers.any(&part("mlp.linear_1."));
        let mlp = if old {
            ["mlp.linear_1", "mlp.linear_2"]
        } else {
            names.mlp
        };
        let y = mlp_of(layers, normed, mlp.map(part))?;
        x = scaled_shortcut(layers, x, y, second)?;
    }
    let mean = |layers: &mut Layers, x| -> Result<ValueId> {
        let rows = layers.b.shape(x)[0] as i64;
        let patches = layers
            .b
            .slice(x, &[rows - size as i64], &[rows], &[0], &[])?;
        Ok(layers.b.reduce(Reduction::Mean, patches, &[0], false)?)
    };
    if layers.has("fc_norm.weight") {
        // The mean of the patches in place of the class's token.
        let mean = mean(layers, x)?;
        let mean = layers.layer_norm(mean, "fc_norm", epsilon)?;
        return head(layers, mean, names.head);
    }
    if layers.has("post_layernorm.weight") {
        // CLIP's classifiers at Hugging Face take the patches before its last normalisation.
        let mean = mean(layers, x)?;
        return head(layers, mean, names.head);
    }
    let x = layers.layer_norm(x, names.last_norm, epsilon)?;
    if !has_class {
        let mean = mean(layers, x)?;
        return head(layers, mean, names.head);
    }
    let mut class = layers.b.gather(x, 0, &[0], &[])?;
    // DINOv2's classifiers get both.
    if layers.dims(&format!("{}.weight", names.head)).get(1) == Some(&(2 * width)) {
        let mean = mean(layers, x)?;
        class = layers.b.concat(&[class, mean], -1)?;
    }
    let logits = head(layers, class, names.head)?;
    if !distilled {
        return Ok(logits);
    }
    // A second token has a head of its own, which learnt from another network.
    let second = layers.b.gather(x, 0, &[1], &[])?;
    let second = head(layers, second, "head_dist")?;
    let both = layers.add(logits, second)?;
    Ok(layers.b.affine(both, 0.5, 0.0)?)
}

/// Patches that do not overlap: a convolution with stride as wide as its kernel.
pub(super) fn patches(layers: &mut Layers, name: &str) -> Result<ValueId> {
    let stride = layers.dims(&format!("{name}.weight")).get(2).copied();
    let x = layers.input();
    layers.conv_padded(x, name, stride.unwrap_or(1), Pad::None)
}

pub(super) fn mlp_of(
    layers: &mut Layers,
    x: ValueId,
    [first, second]: [String; 2],
) -> Result<ValueId> {
    let x = layers.linear(x, &first)?;
    let act = match first.strip_suffix("fc1") {
        Some(mlp) => format!("{mlp}act"),
        // torchvision's is one of a `Sequential`.
        None => first.replace("mlp.0", "mlp.1"),
    };
    let x = layers.act_named(x, &act, layers.said_act.unwrap_or(Act::Gelu))?;
    layers.linear(x, &second)
}

/// The bias of q, k and v where that of k is left out, as softmax would take it off again: BEiT's and Swin V2's.
pub(super) fn without_k(layers: &mut Layers, name: &str) -> Result<Option<ValueId>> {
    let [q, v] = ["q_bias", "v_bias"].map(|part| format!("{name}.{part}"));
    if !layers.has(&q) {
        return Ok(None);
    }
    let [q, v] = [layers.take(&q)?.to_f64(), layers.take(&v)?.to_f64()];
    let bias = [q.clone(), vec![0.0; q.len()], v].concat();
    let bias: Vec<f32> = bias.into_iter().map(|v| v as f32).collect();
    let bias = Constant::f32(&[bias.len()], bias)?;
    Ok(Some(layers.b.constant(bias)?))
}

/// BEiT's bias of each pair of rows, \[heads, rows, rows\], if there is a table of distances: that of patches, then
/// of the class's token to patches, of patches to it, and to itself.
fn distances(
    layers: &mut Layers,
    name: &str,
    [rows, heads]: [usize; 2],
) -> Result<Option<ValueId>> {
    let name = format!("{name}.relative_position_bias_table");
    if !layers.has(&name) {
        return Ok(None);
    }
    let table = layers.take(&name)?;
    let side = rows.saturating_sub(1).isqrt();
    let apart = (2 * side).saturating_sub(1).pow(2);
    if side * side + 1 != rows || table.shape() != [apart + 3, heads] {
        let shape = table.shape();
        return Err(layers.differs(format!(
            "“{name}” is {shape:?}, which are not the distances of {side} × {side} patches for {heads} heads"
        )));
    }
    let table = table.to_f64();
    let of_patches = relative_bias(&table[..apart * heads], side, heads);
    let patches = side * side;
    let mut bias = vec![0.0; heads * rows * rows];
    for (at, value) in bias.iter_mut().enumerate() {
        let (head, from, to) = (at / (rows * rows), at / rows % rows, at % rows);
        *value = match (from.checked_sub(1), to.checked_sub(1)) {
            (Some(from), Some(to)) => of_patches[(head * patches + from) * patches + to],
            (None, Some(_)) => table[apart * heads + head] as f32,
            (Some(_), None) => table[(apart + 1) * heads + head] as f32,
            (None, None) => table[(apart + 2) * heads + head] as f32,
        };
    }
    let bias = Constant::f32(&[heads, rows, rows], bias)?;
    Ok(Some(layers.b.constant(bias)?))
}

/// x + scale · y, where there is a scale.
fn scaled_shortcut(layers: &mut Layers, x: ValueId, y: ValueId, scale: &str) -> Result<ValueId> {
    let mut y = y;
    if layers.has(scale) {
        let scale = layers.value(scale)?;
        y = layers.b.binary(Binary::Mul, y, scale)?;
    }
    layers.add(x, y)
}

/// softmax(q kᵀ / √d + bias) v over the rows of \[…, rows, 3 · heads · d\], which becomes
/// \[…, rows, heads · d\].
pub(super) fn attention(
    layers: &mut Layers,
    qkv: ValueId,
    heads: usize,
    bias: Option<ValueId>,
) -> Result<ValueId> {
    let shape = layers.b.shape(qkv).to_vec();
    let [q, k, v] = apart(layers, qkv, heads)?;
    let each = layers.b.shape(q).last().copied().unwrap_or(1);
    let q = layers.b.affine(q, (each as f32).sqrt().recip(), 0.0)?;
    attended(layers, [q, k, v], bias, &shape)
}

/// q, k and v, each \[windows, heads, rows, d\], of \[…, rows, 3 · heads · d\].
pub(super) fn apart(layers: &mut Layers, qkv: ValueId, heads: usize) -> Result<[ValueId; 3]> {
    let b = &mut layers.b;
    let shape = b.shape(qkv).to_vec();
    let rows = shape[shape.len() - 2];
    let width = shape[shape.len() - 1] / 3;
    let windows: usize = shape[..shape.len() - 2].iter().product();
    let each = width / heads.max(1);
    let dims = [windows, rows, 3, heads, each].map(|n| n as i64);
    let apart = b.reshape(qkv, &dims)?;
    // [3, windows, heads, rows, each]
    let apart = b.transpose(apart, &[2, 0, 3, 1, 4])?;
    let parts = b.split_evenly(apart, 0, 3)?;
    let [q, k, v] = [0, 1, 2].map(|part| b.squeeze(parts[part], &[0]));
    Ok([q?, k?, v?])
}

/// softmax(q kᵀ + bias) v, in the shape of qkv with a third of its last axis.
pub(super) fn attended(
    layers: &mut Layers,
    [q, k, v]: [ValueId; 3],
    bias: Option<ValueId>,
    qkv: &[usize],
) -> Result<ValueId> {
    let b = &mut layers.b;
    let k = b.transpose(k, &[0, 1, 3, 2])?;
    let mut scores = b.matmul(q, k)?;
    if let Some(bias) = bias {
        scores = b.binary(Binary::Add, scores, bias)?;
    }
    let weights = b.softmax(scores, -1)?;
    let mixed = b.matmul(weights, v)?;
    let mixed = b.transpose(mixed, &[0, 2, 1, 3])?;
    let mut shape: Vec<i64> = qkv.iter().map(|&n| n as i64).collect();
    if let Some(last) = shape.last_mut() {
        *last /= 3;
    }
    Ok(b.reshape(mixed, &shape)?)
}

/// How ConvNeXt's parts are called, of a stage and a block.
struct ConvNames {
    stem: [&'static str; 2],
    /// Whether torchvision numbers stages and what is between them as one list.
    torchvision: bool,
    /// Convolution, normalisation and the two layers of the MLP.
    block: [&'static str; 4],
    scale: &'static str,
}

const CONVNEXT: ConvNames = ConvNames {
    stem: ["features.0.0", "features.0.1"],
    torchvision: true,
    block: ["block.0", "block.2", "block.3", "block.5"],
    scale: "layer_scale",
};
const TIMM_CONVNEXT: ConvNames = ConvNames {
    stem: ["stem.0", "stem.1"],
    torchvision: false,
    block: ["conv_dw", "norm", "mlp.fc1", "mlp.fc2"],
    scale: "gamma",
};

pub(super) fn convnext(layers: &mut Layers) -> Result<ValueId> {
    convnext_named(layers, &CONVNEXT)
}

pub(super) fn timm_convnext(layers: &mut Layers) -> Result<ValueId> {
    convnext_named(layers, &TIMM_CONVNEXT)
}

/// Layer normalisation over the channels of \[C, H, W\].
fn norm_channels(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let x = layers.b.transpose(x, &[1, 2, 0])?;
    let x = layers.layer_norm(x, name, EPSILON)?;
    Ok(layers.b.transpose(x, &[2, 0, 1])?)
}

/// ConvNeXt V2's normalisation of responses, if it is there: y + bias + weight · y · n, where n is each channel's
/// norm over all pixels of \[H, W, C\], divided by the mean of these.
fn response_norm(layers: &mut Layers, y: ValueId, name: &str) -> Result<ValueId> {
    if !layers.any(&format!("{name}.")) {
        return Ok(y);
    }
    let weight = layers.value(&format!("{name}.weight"))?;
    let bias = layers.value(&format!("{name}.bias"))?;
    let b = &mut layers.b;
    let norms = b.reduce(Reduction::L2, y, &[0, 1], true)?;
    let mean = b.reduce(Reduction::Mean, norms, &[2], true)?;
    let mean = b.affine(mean, 1.0, EPSILON)?;
    let relative = b.binary(Binary::Div, norms, mean)?;
    let scale = b.binary(Binary::Mul, relative, weight)?;
    let scaled = b.binary(Binary::Mul, y, scale)?;
    let sum = b.binary(Binary::Add, y, scaled)?;
    Ok(b.binary(Binary::Add, sum, bias)?)
}

fn convnext_named(layers: &mut Layers, names: &ConvNames) -> Result<ValueId> {
    let x = patches(layers, names.stem[0])?;
    let mut x = norm_channels(layers, x, names.stem[1])?;
    for stage in 0..4 {
        let (between, blocks) = match names.torchvision {
            true => (
                format!("features.{}", 2 * stage),
                format!("features.{}", 2 * stage + 1),
            ),
            false => (
                format!("stages.{stage}.downsample"),
                format!("stages.{stage}.blocks"),
            ),
        };
        if stage > 0 {
            x = norm_channels(layers, x, &format!("{between}.0"))?;
            x = layers.conv_padded(x, &format!("{between}.1"), 2, Pad::None)?;
        }
        for block in layers.numbers(&format!("{blocks}.")) {
            let part = |part: &str| format!("{blocks}.{block}.{part}");
            let y = layers.conv(x, &part(names.block[0]), 1)?;
            let y = layers.b.transpose(y, &[1, 2, 0])?;
            let y = layers.layer_norm(y, &part(names.block[1]), EPSILON)?;
            let y = layers.linear(y, &part(names.block[2]))?;
            let act = match names.torchvision {
                true => "block.4",
                false => "mlp.act",
            };
            let y = layers.act_named(y, &part(act), layers.said_act.unwrap_or(Act::Gelu))?;
            let y = response_norm(layers, y, &part("mlp.grn"))?;
            let y = layers.linear(y, &part(names.block[3]))?;
            let mut y = layers.b.transpose(y, &[2, 0, 1])?;
            let scale = part(names.scale);
            if layers.has(&scale) {
                let scale = layers.value(&scale)?;
                let scale = layers.b.reshape(scale, &[-1, 1, 1])?;
                y = layers.b.binary(Binary::Mul, y, scale)?;
            }
            x = layers.add(x, y)?;
        }
    }
    let [norm, last] = match names.torchvision {
        true => ["classifier.0", "classifier.2"],
        false => ["head.norm", "head.fc"],
    };
    if layers.has("norm_pre.weight") {
        let x = norm_channels(layers, x, "norm_pre")?;
        let x = layers.pooled(x)?;
        return head(layers, x, last);
    }
    let mut x = layers.pooled(x)?;
    // A learner takes what is not yet normalised.
    if !layers.ends_as_fastai {
        let epsilon = layers.layer_epsilon.unwrap_or(EPSILON);
        x = layers.layer_norm(x, norm, epsilon)?;
    }
    head(layers, x, last)
}
