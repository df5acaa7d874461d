//! Swin Transformer and its second version: attention within windows.
//!
//! In the second version layers are normalised after and not before, attention is by the cosine of the angle
//! between q and k, and the bias of two places in a window is a small network's, of how far apart they are.
//!
//! # Source
//!
//! torchvision's `swin_transformer.py`; timm's and Microsoft's for their names, which differ in where two stages
//! meet. As many heads as the table of positions has columns, or the small network outputs.

use violet_graph::{Binary, Constant, PadMode, Reduction, ValueId};

use super::head::head;
use super::layers::Layers;
use super::transformer::{apart, attended, mlp_of, patches, without_k};
use crate::error::Result;

/// ε of layer normalisation.
const EPSILON: f32 = 1e-5;
/// Where the norm of q or k is below, it is divided by this: PyTorch's `normalize`.
const SHORTEST: f32 = 1e-12;
/// The largest scale of a cosine.
const STEEPEST: f64 = 100.0;
/// What the small network's sigmoid is multiplied by.
const MOST_BIAS: f64 = 16.0;

/// A part of the network in its order.
enum Step {
    /// The blocks of a stage.
    Blocks(String),
    /// Where four neighbours become one.
    Merge(String),
}

pub(super) fn swin(layers: &mut Layers) -> Result<ValueId> {
    let mut steps = Vec::new();
    for number in layers.numbers_from("features.", 1) {
        let name = format!("features.{number}");
        steps.push(match layers.any(&format!("{name}.reduction.")) {
            true => Step::Merge(name),
            false => Step::Blocks(name),
        });
    }
    let stem = ["features.0.0", "features.0.2"];
    network(layers, stem, steps, ["mlp.0", "mlp.3"])
}

pub(super) fn timm_swin(layers: &mut Layers) -> Result<ValueId> {
    // A stage begins with it, or where Microsoft's names are kept ends.
    let at_end = layers.any("layers.0.downsample.");
    let mut steps = Vec::new();
    for number in layers.numbers("layers.") {
        let merge = format!("layers.{number}.downsample");
        let merges = layers.any(&format!("{merge}."));
        let blocks = Step::Blocks(format!("layers.{number}.blocks"));
        match (merges, at_end) {
            (false, _) => steps.push(blocks),
            (true, true) => steps.extend([blocks, Step::Merge(merge)]),
            (true, false) => steps.extend([Step::Merge(merge), blocks]),
        }
    }
    let stem = ["patch_embed.proj", "patch_embed.norm"];
    network(layers, stem, steps, ["mlp.fc1", "mlp.fc2"])
}

fn network(
    layers: &mut Layers,
    [patch, norm]: [&str; 2],
    steps: Vec<Step>,
    mlp: [&str; 2],
) -> Result<ValueId> {
    let epsilon = layers.layer_epsilon.unwrap_or(EPSILON);
    let x = patches(layers, patch)?;
    let x = layers.b.transpose(x, &[1, 2, 0])?;
    let mut x = layers.layer_norm(x, norm, EPSILON)?;
    for step in steps {
        let stage = match step {
            Step::Merge(name) => {
                x = merged(layers, x, &name)?;
                continue;
            }
            Step::Blocks(stage) => stage,
        };
        for block in layers.numbers(&format!("{stage}.")) {
            let part = |part: &str| format!("{stage}.{block}.{part}");
            let second = layers.has(&part("attn.logit_scale"));
            let mut branch =
                |layers: &mut Layers,
                 norm: &str,
                 of: &dyn Fn(&mut Layers, ValueId) -> Result<ValueId>| {
                    let normed =
                        |layers: &mut Layers, x| layers.layer_norm(x, &part(norm), epsilon);
                    let y = match second {
                        true => {
                            let y = of(layers, x)?;
                            normed(layers, y)?
                        }
                        false => {
                            let y = normed(layers, x)?;
                            of(layers, y)?
                        }
                    };
                    x = layers.add(x, y)?;
                    Ok::<_, crate::Error>(())
                };
            branch(layers, "norm1", &|layers, x| {
                window_attention(layers, x, &part("attn"), block % 2 == 1)
            })?;
            branch(layers, "norm2", &|layers, x| {
                mlp_of(layers, x, mlp.map(part))
            })?;
        }
    }
    let x = layers.layer_norm(x, "norm", epsilon)?;
    let x = layers.b.reduce(Reduction::Mean, x, &[0, 1], false)?;
    let last = if layers.any("head.fc.") {
        "head.fc"
    } else {
        "head"
    };
    head(layers, x, last)
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
    let [norm, reduction] = ["norm", "reduction"].map(|part| format!("{name}.{part}"));
    // Normalised before, or in the second version after, when there are fewer channels.
    let before = layers.dims(&format!("{norm}.weight")) == [layers.b.shape(x)[2]];
    if before {
        let x = layers.layer_norm(x, &norm, EPSILON)?;
        return layers.linear(x, &reduction);
    }
    let x = layers.linear(x, &reduction)?;
    layers.layer_norm(x, &norm, EPSILON)
}

/// Attention within windows of \[H, W, C\], which are shifted by half of their side in every second
/// block: around the edges, what was not neighbours before does not attend.
fn window_attention(layers: &mut Layers, x: ValueId, name: &str, shifted: bool) -> Result<ValueId> {
    let least = layers.b.shape(x).iter().take(2).copied().min();
    let (table, heads) = positions(layers, name, least.unwrap_or(1))?;
    let offsets = table.len() / heads;
    let window = offsets.isqrt().div_ceil(2);
    if (2 * window - 1).pow(2) != offsets {
        return Err(layers.differs(format!("“{name}” has no table of positions of a square")));
    }
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
    let qkv = projected(layers, x, &format!("{name}.qkv"))?;
    let bias = relative_bias(&table, window, heads);
    let bias = match shift {
        [0, 0] => Constant::f32(&[1, heads, window * window, window * window], bias)?,
        _ => {
            let masked = masked(&bias, heads, window, counts, shift);
            Constant::f32(&[windows, heads, window * window, window * window], masked)?
        }
    };
    let bias = layers.b.constant(bias)?;
    let shape = layers.b.shape(qkv).to_vec();
    let [q, k, v] = apart(layers, qkv, heads)?;
    let [q, k] = compared(layers, [q, k], name, heads)?;
    x = attended(layers, [q, k, v], Some(bias), &shape)?;
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

/// q and k as they are multiplied: q divided by √d; in the second version each by its length, and q times a
/// number for each head.
fn compared(
    layers: &mut Layers,
    [q, k]: [ValueId; 2],
    name: &str,
    heads: usize,
) -> Result<[ValueId; 2]> {
    let scale = format!("{name}.logit_scale");
    if !layers.has(&scale) {
        let each = layers.b.shape(q).last().copied().unwrap_or(1);
        return Ok([layers.b.affine(q, (each as f32).sqrt().recip(), 0.0)?, k]);
    }
    let scale = layers.take(&scale)?.to_f64().into_iter();
    let scale: Vec<f32> = scale.map(|s| s.exp().min(STEEPEST) as f32).collect();
    let scale = layers.b.constant(Constant::f32(&[heads, 1, 1], scale)?)?;
    let mut unit = |x: ValueId| -> Result<ValueId> {
        let b = &mut layers.b;
        let length = b.reduce(Reduction::L2, x, &[-1], true)?;
        let shortest = b.number(SHORTEST)?;
        let length = b.binary(Binary::Max, length, shortest)?;
        Ok(b.binary(Binary::Div, x, length)?)
    };
    let [q, k] = [unit(q)?, unit(k)?];
    Ok([layers.b.binary(Binary::Mul, q, scale)?, k])
}

/// q, k and v of rows. In the second version k has no bias, whatever its file says.
fn projected(layers: &mut Layers, x: ValueId, name: &str) -> Result<ValueId> {
    let block = name.trim_end_matches(".qkv").to_owned();
    if !layers.has(&format!("{block}.logit_scale")) {
        return layers.linear(x, name);
    }
    let weight = layers.value(&format!("{name}.weight"))?;
    let whole = format!("{name}.bias");
    let bias = match layers.has(&whole) {
        true => {
            let mut bias = layers.take(&whole)?.to_f64();
            let third = bias.len() / 3;
            bias[third..2 * third].fill(0.0);
            let bias: Vec<f32> = bias.into_iter().map(|v| v as f32).collect();
            Some(layers.b.constant(Constant::f32(&[bias.len()], bias)?)?)
        }
        false => without_k(layers, &block)?,
    };
    Ok(layers.b.linear(x, weight, bias)?)
}

/// The side of windows by a name as `swinv2_base_window12to16_192to256`, and of those that its weights came from.
fn windows(arch: &str) -> [Option<usize>; 2] {
    let Some((_, sizes)) = arch.split_once("_window") else {
        return [None; 2];
    };
    let sizes = sizes.split('_').next().unwrap_or_default();
    match sizes.split_once("to") {
        Some((from, to)) => [to.parse().ok(), from.parse().ok()],
        None => [sizes.parse().ok(), None],
    }
}

/// How far apart two places of a window are, as the small network is given it: on a logarithmic scale, on which what is
/// farthest apart in the window that its weights came from is 1.
fn scaled_distances(window: usize, pretrained: Option<usize>) -> Vec<f64> {
    // The logarithm is that of eight times as much, to the base of 8.
    const STEEP: f64 = 8.0;
    let most = pretrained.unwrap_or(window).saturating_sub(1).max(1) as f64;
    let scaled = |apart: usize| {
        let apart = STEEP * (apart as f64 + 1.0 - window as f64) / most;
        apart.signum() * (apart.abs() + 1.0).ln() / STEEP.ln()
    };
    let side = (2 * window).saturating_sub(1);
    let pairs = (0..side * side).flat_map(|at| [scaled(at / side), scaled(at % side)]);
    pairs.collect()
}

/// The bias of each distance in a window, \[(2w − 1)², heads\], of an image whose shorter side is `least`, and how many
/// heads there are.
fn positions(layers: &mut Layers, name: &str, least: usize) -> Result<(Vec<f64>, usize)> {
    if !layers.has(&format!("{name}.logit_scale")) {
        let table = layers.take(&format!("{name}.relative_position_bias_table"))?;
        return match *table.shape() {
            [_, heads] if heads > 0 => Ok((table.to_f64(), heads)),
            _ => Err(layers.differs(format!("“{name}” has no table of positions"))),
        };
    }
    let table = format!("{name}.relative_coords_table");
    let stage = name.split('.').nth(1).and_then(|stage| stage.parse().ok());
    let [named, pretrained] = layers.arch.as_deref().map_or([None; 2], windows);
    let distances = match layers.config.window().or(named) {
        _ if layers.has(&table) => layers.take(&table)?.to_f64(),
        // Hugging Face's files leave the table out, timm's since 2023.
        Some(window) => {
            let stage = stage.unwrap_or(0);
            // Where windows came from smaller ones, the last stage had no room but for half of that.
            let pretrained = pretrained.map(|side| if stage == 3 { side / 2 } else { side });
            let pretrained = layers.config.pretrained_window(stage).or(pretrained);
            scaled_distances(window.min(least), pretrained)
        }
        // How large windows are is in no other tensor.
        None => {
            return Err(layers.differs(format!(
                "“{table}” is not in the file, so that nothing tells how large windows are"
            )));
        }
    };
    let first = layers.take(&format!("{name}.cpb_mlp.0.weight"))?;
    let offset = layers.take(&format!("{name}.cpb_mlp.0.bias"))?.to_f64();
    let second = layers.take(&format!("{name}.cpb_mlp.2.weight"))?;
    let (&[hidden, 2], &[heads, inner]) = (first.shape(), second.shape()) else {
        return Err(layers.differs(format!("“{name}.cpb_mlp” is of other layers")));
    };
    if hidden == 0 || inner != hidden || offset.len() != hidden || heads == 0 {
        return Err(layers.differs(format!("“{name}.cpb_mlp” is of other layers")));
    }
    let (first, second) = (first.to_f64(), second.to_f64());
    let mut bias = Vec::new();
    for distance in distances.chunks_exact(2) {
        let hidden: Vec<f64> = first
            .chunks_exact(2)
            .zip(&offset)
            .map(|(w, b)| (w[0] * distance[0] + w[1] * distance[1] + b).max(0.0))
            .collect();
        bias.extend(second.chunks_exact(inner).map(|weights| {
            let sum: f64 = weights.iter().zip(&hidden).map(|(w, h)| w * h).sum();
            MOST_BIAS / (1.0 + (-sum).exp())
        }));
    }
    Ok((bias, heads))
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
pub(super) fn relative_bias(table: &[f64], window: usize, heads: usize) -> Vec<f32> {
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
