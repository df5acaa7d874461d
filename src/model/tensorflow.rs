//! TensorFlow.js' graph model of SSDLite → a checkpoint.
//!
//! `model.json` names every array with its shape; the shards hold their values one after the other.
//! TensorFlow had folded the backbone's BatchNorm already: into the filters of dense convolutions,
//! and into a factor a channel beside those of depthwise ones.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::anchors::anchors;
use super::layout::Part;
use super::layout::ssd_mobilenet::EXTRAS;
use super::{ANCHORS, Architecture, Checkpoint};
use crate::error::{Error, Result};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    weights_manifest: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    paths: Vec<String>,
    weights: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    dtype: String,
}

/// The shards that `model.json` names, in the order in which [`import`] wants them.
///
/// # Errors
///
/// [`Error::UnreadableCheckpoint`] if it is no such JSON.
pub fn shards(model_json: &str) -> Result<Vec<String>> {
    let groups = read(model_json)?.weights_manifest;
    Ok(groups.into_iter().flat_map(|group| group.paths).collect())
}

/// The weights of [`Architecture::SsdMobileNetV2`], from `model.json` and its shards put together.
///
/// # Errors
///
/// [`Error::UnreadableCheckpoint`] if there are fewer bytes than named or the anchors are others;
/// [`Error::MissingTensor`] or [`Error::TensorShape`] if it is another network.
pub fn import(model_json: &str, shards: &[u8]) -> Result<Checkpoint> {
    let mut arrays = Arrays::read(model_json, shards)?;
    arrays.check_anchors()?;
    let mut checkpoint = Checkpoint::default();
    for part in Architecture::SsdMobileNetV2.parts().0 {
        arrays.import(&part, &mut checkpoint)?;
    }
    Ok(checkpoint)
}

fn read(model_json: &str) -> Result<Model> {
    serde_json::from_str(model_json).map_err(|error| unreadable(format!("model.json: {error}")))
}

/// The graph's arrays of f32, by TensorFlow's names.
struct Arrays(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Arrays {
    fn read(model_json: &str, shards: &[u8]) -> Result<Self> {
        let mut arrays = BTreeMap::new();
        let mut rest = shards;
        for entry in read(model_json)?
            .weights_manifest
            .into_iter()
            .flat_map(|g| g.weights)
        {
            // f32 and int32 are all there is, four bytes each.
            let length = 4 * entry.shape.iter().product::<usize>();
            let (bytes, after) = rest
                .split_at_checked(length)
                .ok_or_else(|| unreadable(format!("the shards end before {}", entry.name)))?;
            rest = after;
            if entry.dtype == "float32" {
                let (values, _) = bytes.as_chunks::<4>();
                let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes));
                arrays.insert(entry.name, (entry.shape, values.collect()));
            }
        }
        Ok(Self(arrays))
    }

    fn take(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f32>> {
        let missing = || Error::MissingTensor { name: name.into() };
        let (found, values) = self.0.remove(name).ok_or_else(missing)?;
        if found != expected {
            return Err(Error::TensorShape {
                name: name.into(),
                expected: expected.to_vec(),
                found,
            });
        }
        Ok(values)
    }

    /// The graph carries its anchors, as corners; ours must be the same.
    fn check_anchors(&mut self) -> Result<()> {
        let theirs = self.take("Postprocessor/ExpandDims", &[1, ANCHORS, 4])?;
        let ours = anchors().into_iter().flat_map(|[y, x, height, width]| {
            let (down, right) = (height / 2.0, width / 2.0);
            [y - down, x - right, y + down, x + right]
        });
        let apart = ours.zip(&theirs).map(|(a, b)| (a - b).abs());
        match apart.fold(0.0, f32::max) {
            apart if apart < 1e-5 => Ok(()),
            apart => Err(unreadable(format!("its anchors differ by {apart}"))),
        }
    }

    fn import(&mut self, part: &Part, checkpoint: &mut Checkpoint) -> Result<()> {
        let name = theirs(&part.convolution);
        let filter = part.filter;
        let dims = filter.weight_dims();
        let [outputs, inputs, side, _] = dims; // one input a channel, if depthwise
        let channels = [outputs];
        let in_predictor = name.starts_with("BoxPredictor");
        let weight = if filter.depthwise {
            self.take(
                &format!("{name}/depthwise_weights"),
                &[side, side, outputs, 1],
            )?
        } else {
            let weights = if in_predictor {
                "weights"
            } else {
                "Conv2D/merged_input"
            };
            self.take(&format!("{name}/{weights}"), &[side, side, inputs, outputs])?
        };
        let mut weight = outputs_first(&weight, dims);
        let convolution = &part.convolution;
        match &part.batch_norm {
            Some(batch_norm) => {
                let names = [
                    ("gamma", "weight"),
                    ("beta", "bias"),
                    ("moving_mean", "running_mean"),
                    ("moving_variance", "running_var"),
                ];
                for (theirs, ours) in names {
                    let values = self.take(&format!("{name}/BatchNorm/{theirs}"), &channels)?;
                    checkpoint.insert(format!("{batch_norm}.{ours}"), channels.to_vec(), values)?;
                }
            }
            None => {
                let bias = if in_predictor {
                    "biases"
                } else {
                    "BatchNorm/batchnorm/sub"
                };
                let bias = self.take(&format!("{name}/{bias}"), &channels)?;
                checkpoint.insert(format!("{convolution}.bias"), channels.to_vec(), bias)?;
                if filter.depthwise {
                    let factor = format!("{name}/BatchNorm/batchnorm/mul");
                    let factors = self.take(&factor, &channels)?;
                    for (filter, factor) in weight.chunks_mut(side * side).zip(factors) {
                        filter.iter_mut().for_each(|value| *value *= factor);
                    }
                }
            }
        }
        checkpoint.insert(format!("{convolution}.weight"), dims.to_vec(), weight)
    }
}

/// \[height, width, in, out\], or \[height, width, channels, 1\] if depthwise, which lies in memory
/// as if it had one input → `dims`.
fn outputs_first(values: &[f32], [outputs, inputs, height, width]: [usize; 4]) -> Vec<f32> {
    let taps = height * width;
    let source = |k: usize| {
        let (output, input, tap) = (k / (inputs * taps), k / taps % inputs, k % taps);
        (tap * inputs + input) * outputs + output
    };
    (0..values.len()).map(|k| values[source(k)]).collect()
}

/// TensorFlow's name of one of our convolutions.
fn theirs(name: &str) -> String {
    const BACKBONE: &str = "FeatureExtractor/MobilenetV2";
    let parts: Vec<&str> = name.split('.').collect();
    match parts[..] {
        ["backbone", "stem"] => format!("{BACKBONE}/Conv"),
        ["backbone", "head"] => format!("{BACKBONE}/Conv_1"),
        ["backbone", "0", part] => format!("{BACKBONE}/expanded_conv/{part}"),
        ["backbone", k, part] => format!("{BACKBONE}/expanded_conv_{k}/{part}"),
        ["extra", k, part] => {
            let k: usize = k.parse().unwrap_or_default();
            let [_, inner, output] = EXTRAS[k];
            match part {
                "reduce" => format!("{BACKBONE}/layer_19_1_Conv2d_{}_1x1_{inner}", k + 2),
                _ => {
                    let end = if part == "depthwise" {
                        "_depthwise"
                    } else {
                        ""
                    };
                    format!(
                        "{BACKBONE}/layer_19_2_Conv2d_{}_3x3_s2_{output}{end}",
                        k + 2
                    )
                }
            }
        }
        ["predictor", k, part] => {
            let part = part.replace("boxes", "BoxEncodingPredictor");
            let part = part.replace("classes", "ClassPredictor");
            format!("BoxPredictor_{k}/{part}")
        }
        _ => name.into(),
    }
}

fn unreadable(reason: String) -> Error {
    Error::UnreadableCheckpoint { reason }
}
