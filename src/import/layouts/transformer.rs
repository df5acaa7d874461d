//! Vision transformers (ViT, DeiT), Swin and ConvNeXt.
//!
//! # Source
//!
//! torchvision's `vision_transformer.py`, `swin_transformer.py`, `convnext.py`; timm's
//! `vision_transformer.py` and `convnext.py` for its names. Heads are 64 channels wide (ViT-H: 80),
//! Swin's as many as its table of positions has columns.

use violet_graph::{Binary, Constant, PadMode, Reduction, ValueId};

use super::head::head;
use super::layers::{Act, Layers, Pad};
use crate::error::Result;

/// ε of layer normalisation in torchvision's and timm's ViT and ConvNeXt, and in Swin.
const EPSILON: f32 = 1e-6;
const SWIN_EPSILON: f32 = 1e-5;

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
    let class = layers.value(names.class_token)?;
    let class = layers.b.reshape(class, &[1, -1])?;
    let x = layers.b.concat(&[class, x], 0)?;
    let positions = layers.value(names.positions)?;
    let positions = layers.b.squeeze(positions, &[0])?;
    let mut x = layers.add(x, positions)?;
    let heads = match width {
        1280 => 16,
        width if width % 64 == 0 => width / 64,
        _ => {
            let reason = format!("{width} channels are no whole number of heads of 64");
            return Err(layers.differs(reason));
        }
    };
    for block in layers.numbers(names.blocks) {
        let part = |part: &str| format!("{}{block}.{part}", names.blocks);
        let normed = layers.layer_norm(x, &part(names.norms[0]), EPSILON)?;
        let weight = layers.value(&part(names.qkv[0]))?;
        let bias = layers.optional(&part(names.qkv[1]))?;
        let qkv = layers.b.linear(normed, weight, bias)?;
        let attended = attention(layers, qkv, heads, None)?;
        let attended = layers.linear(attended, &part(names.proj))?;
        x = scaled_shortcut(layers, x, attended, &part("ls1.gamma"))?;
        let normed = layers.layer_norm(x, &part(names.norms[1]), EPSILON)?;
        // torchvision's files of before 0.13 call the two otherwise.
        let old = layers.any(&part("mlp.linear_1."));
        let mlp = if old {
            ["mlp.linear_1", "mlp.linear_2"]
        } else {
            names.mlp
        };
        let y = mlp_of(layers, normed, mlp.map(part))?;
        x = scaled_shortcut(layers, x, y, &part("ls2.gamma"))?;
    }
    let x = layers.layer_norm(x, names.last_norm, EPSILON)?;
    let x = layers.b.gather(x, 0, &[0], &[])?;
    head(layers, x, names.head)
}

/// Patches that do not overlap: a convolution with stride as wide as its kernel.
fn patches(layers: &mut Layers, name: &str) -> Result<ValueId> {
    let stride = layers.dims(&format!("{name}.weight")).get(2).copied();
    let x = layers.input();
    layers.conv_padded(x, name, stride.unwrap_or(1), Pad::None)
}

fn mlp_of(layers: &mut Layers, x: ValueId, [first, second]: [String; 2]) -> Result<ValueId> {
    let x = layers.linear(x, &first)?;
    let x = layers.act(x, Act::Gelu)?;
    layers.linear(x, &second)
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
fn attention(
    layers: &mut Layers,
    qkv: ValueId,
    heads: usize,
    bias: Option<ValueId>,
) -> Result<ValueId> {
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
    let (q, k, v) = (q?, k?, v?);
    let q = b.affine(q, (each as f32).sqrt().recip(), 0.0)?;
    let k = b.transpose(k, &[0, 1, 3, 2])?;
    let mut scores = b.matmul(q, k)?;
    if let Some(bias) = bias {
        scores = b.binary(Binary::Add, scores, bias)?;
    }
    let weights = b.softmax(scores, -1)?;
    let mixed = b.matmul(weights, v)?;
    let mixed = b.transpose(mixed, &[0, 2, 1, 3])?;
    let mut shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
    let last = shape.len() - 1;
    shape[last] = width as i64;
    Ok(b.reshape(mixed, &shape)?)
}

pub(super) fn swin(layers: &mut Layers) -> Result<ValueId> {
    let x = patches(layers, "features.0.0")?;
    let x = layers.b.transpose(x, &[1, 2, 0])?;
    let mut x = layers.layer_norm(x, "features.0.2", SWIN_EPSILON)?;
    for number in layers.numbers_from("features.", 1) {
        let name = format!("features.{number}");
        if layers.any(&format!("{name}.reduction.")) {
            x = merged(layers, x, &name)?;
            continue;
        }
        for block in layers.numbers(&format!("{name}.")) {
            let part = |part: &str| format!("{name}.{block}.{part}");
            let normed = layers.layer_norm(x, &part("norm1"), SWIN_EPSILON)?;
            let attended = window_attention(layers, normed, &part("attn"), block % 2 == 1)?;
            x = layers.add(x, attended)?;
            let normed = layers.layer_norm(x, &part("norm2"), SWIN_EPSILON)?;
            let y = mlp_of(layers, normed, ["mlp.0", "mlp.3"].map(part))?;
            x = layers.add(x, y)?;
        }
    }
    let x = layers.layer_norm(x, "norm", SWIN_EPSILON)?;
    let x = layers.b.reduce(Reduction::Mean, x, &[0, 1], false)?;
    head(layers, x, "head")
}

/// Four neighbours become one with twice as many channels: \[H, W, C\] to \[H/2, W/2, 2C\].
fn merged(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let b = &mut layers.b;
    let &[height, width, _] = b.shape(x) else {
        return Err(layers.differs("it merges what is no image".into()));
    };
    let odd = [height % 2, width % 2, 0].map(|n| n as i64);
    let x = b.pad(x, &[0; 3], &odd, PadMode::Constant(0.0))?;
    let ends = [height as i64 + odd[0], width as i64 + odd[1]];
    let mut parts = Vec::new();
    for starts in [[0, 0], [1, 0], [0, 1], [1, 1]] {
        parts.push(b.slice(x, &starts, &ends, &[0, 1], &[2, 2])?);
    }
    let x = b.concat(&parts, 2)?;
    let x = layers.layer_norm(x, &format!("{name}.norm"), SWIN_EPSILON)?;
    layers.linear(x, &format!("{name}.reduction"))
}

/// Attention within windows of \[H, W, C\], which are shifted by half of their side in every second
/// block: around the edges, what was not neighbours before does not attend.
fn window_attention(layers: &mut Layers, x: ValueId, name: &str, shifted: bool) -> Result<ValueId> {
    let table = layers.take(&format!("{name}.relative_position_bias_table"))?;
    let &[offsets, heads] = table.shape() else {
        return Err(layers.differs(format!("“{name}” has no table of positions")));
    };
    let window = offsets.isqrt().div_ceil(2);
    let &[height, width, channels] = layers.b.shape(x) else {
        return Err(layers.differs(format!("“{name}” is given no image")));
    };
    let pads = [height, width].map(|side| side.next_multiple_of(window) - side);
    let [rows, columns] = [height + pads[0], width + pads[1]];
    let after = [pads[0], pads[1], 0].map(|n| n as i64);
    let mut x = layers.b.pad(x, &[0; 3], &after, PadMode::Constant(0.0))?;
    // Where one window holds all, there is nothing to shift.
    let shift = [rows, columns].map(|side| match shifted && window < side {
        true => window / 2,
        false => 0,
    });
    x = rolled(layers, x, shift)?;
    let counts = [rows / window, columns / window];
    let windows = counts[0] * counts[1];
    let dims = [counts[0], window, counts[1], window, channels].map(|n| n as i64);
    x = layers.b.reshape(x, &dims)?;
    x = layers.b.transpose(x, &[0, 2, 1, 3, 4])?;
    let dims = [windows, window * window, channels].map(|n| n as i64);
    x = layers.b.reshape(x, &dims)?;
    let qkv = layers.linear(x, &format!("{name}.qkv"))?;
    let bias = relative_bias(&table.to_f64(), window, heads);
    let bias = match shift {
        [0, 0] => Constant::f32(&[1, heads, window * window, window * window], bias)?,
        _ => {
            let masked = masked(&bias, heads, window, counts, shift);
            Constant::f32(&[windows, heads, window * window, window * window], masked)?
        }
    };
    let bias = layers.b.constant(bias)?;
    x = attention(layers, qkv, heads, Some(bias))?;
    x = layers.linear(x, &format!("{name}.proj"))?;
    let dims = [counts[0], counts[1], window, window, channels].map(|n| n as i64);
    x = layers.b.reshape(x, &dims)?;
    x = layers.b.transpose(x, &[0, 2, 1, 3, 4])?;
    x = layers
        .b
        .reshape(x, &[rows as i64, columns as i64, channels as i64])?;
    x = rolled(layers, x, [rows - shift[0], columns - shift[1]])?;
    let ends = [height as i64, width as i64];
    Ok(layers.b.slice(x, &[0, 0], &ends, &[0, 1], &[])?)
}

/// The rows and columns from those on, and then those before.
fn rolled(layers: &mut Layers, x: ValueId, shift: [usize; 2]) -> Result<ValueId> {
    let mut x = x;
    for (axis, shift) in [0, 1].into_iter().zip(shift) {
        let length = layers.b.shape(x)[axis];
        if shift == 0 || shift == length {
            continue;
        }
        let (axis, shift, length) = (axis as i64, shift as i64, length as i64);
        let parts = [
            layers.b.slice(x, &[shift], &[length], &[axis], &[])?,
            layers.b.slice(x, &[0], &[shift], &[axis], &[])?,
        ];
        x = layers.b.concat(&parts, axis)?;
    }
    Ok(x)
}

/// The bias of each pair of places in a window, \[heads, places, places\], from a table of the
/// distances, \[(2w − 1)², heads\].
fn relative_bias(table: &[f64], window: usize, heads: usize) -> Vec<f32> {
    let places = window * window;
    let mut bias = vec![0.0; heads * places * places];
    for from in 0..places {
        for to in 0..places {
            let apart = |a: usize, b: usize| a + window - 1 - b;
            let row = apart(from / window, to / window) * (2 * window - 1)
                + apart(from % window, to % window);
            for head in 0..heads {
                bias[(head * places + from) * places + to] = table[row * heads + head] as f32;
            }
        }
    }
    bias
}

/// The same for each window of a shifted image, with −100 where two places were not neighbours.
fn masked(
    bias: &[f32],
    heads: usize,
    window: usize,
    counts: [usize; 2],
    shift: [usize; 2],
) -> Vec<f32> {
    let places = window * window;
    // Which of three parts a row or column was in before it was shifted.
    let part = |axis: usize, at: usize| {
        let length = counts[axis] * window;
        match shift[axis] {
            0 => 0,
            shift => usize::from(at >= length - window) + usize::from(at >= length - shift),
        }
    };
    let mut all = Vec::with_capacity(counts[0] * counts[1] * bias.len());
    for index in 0..counts[0] * counts[1] {
        let [top, left] = [index / counts[1] * window, index % counts[1] * window];
        let region =
            |place: usize| 3 * part(0, top + place / window) + part(1, left + place % window);
        for (k, &value) in bias.iter().enumerate() {
            let (from, to) = (k / places % places, k % places);
            let apart = region(from) != region(to);
            all.push(if apart { value - 100.0 } else { value });
        }
    }
    debug_assert_eq!(all.len(), counts[0] * counts[1] * heads * places * places);
    all
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
            let y = mlp_of(layers, y, [part(names.block[2]), part(names.block[3])])?;
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
    let x = layers.b.global_pool(Reduction::Mean, x)?;
    let x = layers.flat(x)?;
    let [norm, last] = match names.torchvision {
        true => ["classifier.0", "classifier.2"],
        false => ["head.norm", "head.fc"],
    };
    let x = layers.layer_norm(x, norm, EPSILON)?;
    head(layers, x, last)
}
