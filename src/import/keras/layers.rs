//! What each of Keras' layers does, at inference.
//!
//! # Source
//!
//! `keras/src/layers` (3.x), `tf_keras/src/layers` (2.x) and `tfjs-layers/src/layers`; where they
//! differ it is said.

use violet_graph::{Binary, Constant, Coordinates, PadMode, Reduction, Sliding};

use super::activations;
use super::attention;
use super::config::Layer;
use super::fields::Fields;
use super::images::{
    channels_back, channels_last, depthwise, image_axes, padding, resized, sliding, transposed,
};
use super::lowering::{Lowering, Operand, damaged};
use super::normalisation::{group_normalised, layer_normalised, normalised, rms_normalised};
use super::operations;
use super::weights::roles;
use crate::arranged::{Arranged, Arranger, permuted};
use crate::error::{Error, Result, Unsupported};

/// Where a norm is below, it is divided by this: the root of Keras' 1e-12, which TensorFlow's `l2_normalize` has too.
const SHORTEST: f32 = 1e-6;

/// Whether a layer can be explained.
pub(super) enum Support {
    Known,
    Unknown {
        /// What it is called in the message.
        operation: String,
        advice: &'static str,
    },
}

/// Layers that do nothing at inference.
const IDENTITIES: &[&str] = &[
    "InputLayer",
    "Identity",
    "Dropout",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomContrast",
    "RandomBrightness",
    "RandomColorJitter",
    "RandomColorDegeneration",
    "RandomErasing",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomHeight",
    "RandomWidth",
];

/// Layers that [`apply`] knows besides.
const KNOWN: &[&str] = &[
    "Conv2D",
    "Convolution2D",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "SeparableConvolution2D",
    "Conv2DTranspose",
    "Convolution2DTranspose",
    "Dense",
    "BatchNormalization",
    "SyncBatchNormalization",
    "LayerNormalization",
    "GroupNormalization",
    "UnitNormalization",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "ThresholdedReLU",
    "Softmax",
    "MaxPooling2D",
    "MaxPool2D",
    "AveragePooling2D",
    "AvgPool2D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPooling2D",
    "GlobalMaxPool2D",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "Flatten",
    "Reshape",
    "Permute",
    "ZeroPadding2D",
    "Cropping2D",
    "UpSampling2D",
    "Add",
    "Subtract",
    "Multiply",
    "Average",
    "Maximum",
    "Minimum",
    "Concatenate",
    "Rescaling",
    "Normalization",
    "Resizing",
    "CenterCrop",
    // Of Keras' own applications: ConvNeXt's, and Inception-ResNet's.
    "LayerScale",
    "CustomScaleLayer",
    "MultiHeadAttention",
    "Attention",
    "RMSNormalization",
];

/// Layers of Keras' example of a Vision Transformer, whose code is in no file.
pub(super) const EXAMPLES: &[&str] = &["Patches", "PatchEncoder"];

/// Whether a layer of that class can be explained.
pub(super) fn support(layer: &Layer) -> Support {
    if operations::is_operation(&layer.class, &layer.module, &layer.config) {
        return operations::support(layer);
    }
    let class = layer.class.as_str();
    let settings = ["patch_size", "num_patches"];
    if EXAMPLES.contains(&class) && settings.iter().any(|key| layer.config.contains_key(*key)) {
        return Support::Known;
    }
    if IDENTITIES.contains(&class) || KNOWN.contains(&class) {
        return Support::Known;
    }
    let (operation, advice) = match class {
        "Lambda" => (
            format!("the Lambda layer “{}”", layer.name),
            "A Lambda layer is Python code, which the file does not hold in a form that can be \
             read: replace it by layers of Keras (Rescaling, Normalization, Activation) and save \
             the model again, or convert it to ONNX with tf2onnx.",
        ),
        class if class.contains('>') => (
            format!(
                "the layer {}, which its author wrote,",
                class.replace("Custom>", "")
            ),
            "Its Python code is not in the file: convert the model to ONNX with tf2onnx, where it is \
             at hand.",
        ),
        _ => (format!("the layer {class}"), ""),
    };
    Support::Unknown { operation, advice }
}

/// What a layer makes of its operands.
pub(super) fn apply(
    lowering: &mut Lowering<'_>,
    fields: &Fields<'_>,
    operands: &[Operand],
    named: &[(&str, Operand)],
    path: &[String],
) -> Result<Arranged> {
    if operations::is_operation(fields.class, fields.module, fields.values) {
        return operations::apply(lowering, fields, operands, named);
    }
    let inputs: Vec<Arranged> = operands
        .iter()
        .filter_map(|operand| match operand {
            Operand::Value(x) => Some(x.clone()),
            Operand::Constant(_) => None,
        })
        .collect();
    let Some(x) = inputs.first() else {
        return Err(damaged(format!(
            "the layer “{}” is called with nothing",
            fields.name
        )));
    };
    if IDENTITIES.contains(&fields.class) {
        return Ok(x.clone());
    }
    let weights = Weights::take(lowering, fields, path)?;
    let keras = lowering.flavour.keras;
    let tfjs = lowering.flavour.tfjs;
    let arranger = &mut lowering.arranger;
    match fields.class {
        "Conv2D" | "Convolution2D" => {
            let x = channels_last(arranger, fields, x)?;
            let filters = turned(&weights.get("kernel")?, &[3, 2, 0, 1], fields)?;
            let groups = fields.pair("groups", [1; 2])?[0];
            let sliding = sliding(fields)?;
            let bias = weights.find("bias");
            let y = arranger.convolution(&x, filters, bias, &sliding, groups)?;
            let y = channels_back(arranger, fields, &y)?;
            activated(arranger, fields, keras, &y)
        }
        "DepthwiseConv2D" => {
            let x = channels_last(arranger, fields, x)?;
            let kernel = weights.get("depthwise_kernel")?;
            let y = depthwise(arranger, fields, &x, &kernel, weights.find("bias"))?;
            let y = channels_back(arranger, fields, &y)?;
            activated(arranger, fields, keras, &y)
        }
        "SeparableConv2D" | "SeparableConvolution2D" => {
            let x = channels_last(arranger, fields, x)?;
            let kernel = weights.get("depthwise_kernel")?;
            let y = depthwise(arranger, fields, &x, &kernel, None)?;
            let filters = turned(&weights.get("pointwise_kernel")?, &[3, 2, 0, 1], fields)?;
            let bias = weights.find("bias");
            let y = arranger.convolution(&y, filters, bias, &Sliding::default(), 1)?;
            let y = channels_back(arranger, fields, &y)?;
            activated(arranger, fields, keras, &y)
        }
        "Conv2DTranspose" | "Convolution2DTranspose" => {
            let x = channels_last(arranger, fields, x)?;
            let y = transposed(arranger, fields, &x, &weights)?;
            let y = channels_back(arranger, fields, &y)?;
            activated(arranger, fields, keras, &y)
        }
        "Dense" => {
            let weight = turned(&weights.get("kernel")?, &[1, 0], fields)?;
            let y = arranger.linear(x, weight, weights.find("bias"))?;
            activated(arranger, fields, keras, &y)
        }
        "BatchNormalization" | "SyncBatchNormalization" => {
            let axis = single(fields, "axis", -1)?;
            let epsilon = fields.number(&["epsilon"], 1e-3)? as f32;
            let scale = [weights.find("gamma"), weights.find("beta")];
            let means = [weights.get("moving_mean")?, weights.get("moving_variance")?];
            arranger.batch_norm(x, axis, scale, means, epsilon)
        }
        "LayerNormalization" => layer_normalised(arranger, fields, x, &weights),
        "GroupNormalization" => group_normalised(arranger, fields, x, &weights),
        "UnitNormalization" => {
            let axes = fields.integers("axis")?.unwrap_or(vec![-1]);
            let norm = arranger.reduce(Reduction::L2, x, &axes, true)?;
            let least = arranger.number(SHORTEST)?;
            let norm = arranger.binary(Binary::Max, &norm, &least)?;
            arranger.binary(Binary::Div, x, &norm)
        }
        "RMSNormalization" => rms_normalised(arranger, fields, x, &weights),
        "MultiHeadAttention" => attention::multi_head(arranger, fields, operands, named, &weights),
        "Attention" => attention::dot(arranger, fields, operands, named, &weights),
        "Patches" => attention::patches(arranger, fields, x),
        "PatchEncoder" => attention::encoded(arranger, fields, x, &weights),
        "Activation" => activated(arranger, fields, keras, x),
        "ReLU" | "LeakyReLU" | "ELU" | "ThresholdedReLU" | "Softmax" => {
            activations::layer(arranger, fields, x)
        }
        "PReLU" => {
            let slope = arranger.constant(weights.get("alpha")?)?;
            arranger.prelu(x, &slope)
        }
        "MaxPooling2D" | "MaxPool2D" | "AveragePooling2D" | "AvgPool2D" => {
            let x = channels_last(arranger, fields, x)?;
            let kernel = fields.pair("pool_size", [2; 2])?;
            let sliding = Sliding {
                stride: fields.pair("strides", kernel)?,
                padding: padding(fields)?,
                ..Sliding::default()
            };
            let y = match fields.class {
                "MaxPooling2D" | "MaxPool2D" => arranger.max_pool(&x, kernel, &sliding)?,
                _ => arranger.average_pool(&x, kernel, &sliding)?,
            };
            channels_back(arranger, fields, &y)
        }
        "GlobalAveragePooling2D" | "GlobalAvgPool2D" | "GlobalMaxPooling2D" | "GlobalMaxPool2D" => {
            let axes = if fields.channels_first() {
                [2, 3]
            } else {
                [1, 2]
            };
            let reduction = match fields.class {
                "GlobalAveragePooling2D" | "GlobalAvgPool2D" => Reduction::Mean,
                _ => Reduction::Max,
            };
            arranger.reduce(reduction, x, &axes, fields.flag("keepdims", false))
        }
        "GlobalAveragePooling1D" | "GlobalMaxPooling1D" => {
            let axis = if fields.channels_first() { 2 } else { 1 };
            let reduction = match fields.class {
                "GlobalAveragePooling1D" => Reduction::Mean,
                _ => Reduction::Max,
            };
            arranger.reduce(reduction, x, &[axis], fields.flag("keepdims", false))
        }
        "Flatten" => {
            let x = match arranger.shape(x).len() {
                4 => channels_last(arranger, fields, x)?,
                _ => x.clone(),
            };
            arranger.reshape(&x, &[1, -1])
        }
        "Reshape" => {
            let mut shape = vec![1];
            shape.extend(fields.integers("target_shape")?.unwrap_or_default());
            arranger.reshape(x, &shape)
        }
        "Permute" => {
            let mut order = vec![0];
            order.extend(fields.integers("dims")?.unwrap_or_default());
            arranger.transpose(x, &order)
        }
        "ZeroPadding2D" => {
            let [rows, columns] = fields.borders("padding")?;
            let pads = image_axes(fields, [rows, columns]);
            arranger.pad(x, &pads, PadMode::Constant(0.0))
        }
        "Cropping2D" => {
            let [rows, columns] = fields.borders("cropping")?;
            let cuts = [rows, columns].map(|cut| cut.map(|n| n.saturating_neg()));
            arranger.pad(x, &image_axes(fields, cuts), PadMode::Constant(0.0))
        }
        "UpSampling2D" => {
            let x = channels_last(arranger, fields, x)?;
            let shape = arranger.shape(&x);
            let factors = fields.pair("size", [2; 2])?;
            let size = [1, 2].map(|axis| {
                let length = shape.get(axis).copied().unwrap_or_default();
                length.saturating_mul(factors[axis - 1]).min(1 << 28) as i64
            });
            // Pixel by pixel the same as repeating; TensorFlow.js' bilinear has no half pixels.
            let linear = if tfjs {
                Coordinates::Asymmetric
            } else {
                Coordinates::HalfPixel
            };
            let y = resized(
                arranger,
                fields,
                &x,
                size,
                [Coordinates::Asymmetric, linear],
            )?;
            channels_back(arranger, fields, &y)
        }
        "Resizing" => {
            for flag in ["crop_to_aspect_ratio", "pad_to_aspect_ratio"] {
                if fields.flag(flag, false) {
                    return Err(unsupported(fields, &format!("{flag} is set"), ""));
                }
            }
            let x = channels_last(arranger, fields, x)?;
            let side = |name| {
                fields
                    .pair(name, [0; 2])
                    .map(|[side, _]| side.min(1 << 28) as i64)
            };
            let size = [side("height")?, side("width")?];
            let coordinates = [Coordinates::TensorflowHalfPixel, Coordinates::HalfPixel];
            let y = resized(arranger, fields, &x, size, coordinates)?;
            channels_back(arranger, fields, &y)
        }
        "CenterCrop" => {
            let x = channels_last(arranger, fields, x)?;
            let shape = arranger.shape(&x);
            let side = |name| fields.pair(name, [0; 2]).map(|[side, _]| side);
            let size = [side("height")?, side("width")?];
            if shape.len() != 4 || shape[1] < size[0] || shape[2] < size[1] {
                return Err(unsupported(fields, "the crop is larger than the image", ""));
            }
            let start = [0, 1].map(|k| ((shape[k + 1] - size[k]) / 2) as i64);
            let end = [0, 1].map(|k| start[k].saturating_add(size[k] as i64));
            let y = arranger.slice(&x, &start, &end, &[1, 2], &[])?;
            channels_back(arranger, fields, &y)
        }
        "Add" => folded(arranger, Binary::Add, &inputs),
        "Multiply" => folded(arranger, Binary::Mul, &inputs),
        "Maximum" => folded(arranger, Binary::Max, &inputs),
        "Minimum" => folded(arranger, Binary::Min, &inputs),
        "Subtract" => folded(arranger, Binary::Sub, &inputs),
        "Average" => {
            let sum = folded(arranger, Binary::Add, &inputs)?;
            let count = inputs.len() as f32;
            arranger.each(&sum, |builder, x| builder.affine(x, 1.0 / count, 0.0))
        }
        "Concatenate" => arranger.concat(&inputs, single(fields, "axis", -1)?),
        "Rescaling" => {
            let channel = if fields.channels_first() { 1 } else { -1 };
            let mut y = x.clone();
            for (name, binary) in [("scale", Binary::Mul), ("offset", Binary::Add)] {
                match fields.numbers(name)?.as_deref() {
                    None => {}
                    Some(&[number]) => {
                        let number = arranger.number(number)?;
                        y = arranger.binary(binary, &y, &number)?;
                    }
                    Some(list) => {
                        let list = Constant::f32(&[list.len()], list)?;
                        y = arranger.along(binary, &y, channel, list)?;
                    }
                }
            }
            Ok(y)
        }
        "Normalization" => normalised(arranger, fields, x, &weights),
        "LayerScale" => arranger.along(Binary::Mul, x, -1, weights.get("gamma")?),
        "CustomScaleLayer" => {
            let [shortcut, residual] = &inputs[..] else {
                return Err(unsupported(fields, "it joins two values", ""));
            };
            let scale = fields.number(&["scale"], 1.0)? as f32;
            let residual = arranger.each(residual, |builder, x| builder.affine(x, scale, 0.0))?;
            arranger.binary(Binary::Add, shortcut, &residual)
        }
        class => Err(Error::Unsupported {
            operations: vec![Unsupported {
                operation: format!("the layer {class}"),
                count: 1,
                node: fields.name.into(),
                reason: String::new(),
                advice: "",
            }],
        }),
    }
}

/// A layer's arrays, by what they are to it.
pub(super) struct Weights<'a> {
    fields: &'a Fields<'a>,
    arrays: Vec<(&'static str, Constant)>,
}

impl<'a> Weights<'a> {
    fn take(lowering: &Lowering<'_>, fields: &'a Fields<'a>, path: &[String]) -> Result<Self> {
        let roles = roles(fields.class, fields.values).into_iter();
        let names = roles.map(|role| role.names[0]);
        let arrays = names.zip(lowering.weights(path)?).collect();
        Ok(Self { fields, arrays })
    }

    /// An array that the layer may do without.
    pub(super) fn find(&self, name: &str) -> Option<Constant> {
        let found = self.arrays.iter().find(|(own, _)| *own == name);
        found.map(|(_, array)| array.clone())
    }

    /// An array that it may not do without.
    pub(super) fn get(&self, name: &'static str) -> Result<Constant> {
        self.find(name).ok_or_else(|| Error::MissingWeights {
            layer: self.fields.name.into(),
            weights: name,
        })
    }
}

/// A layer's filters with their axes in another order.
pub(super) fn turned(filters: &Constant, order: &[usize], fields: &Fields<'_>) -> Result<Constant> {
    permuted(filters, order).ok_or_else(|| {
        damaged(format!(
            "the weights of {} “{}” have {} axes instead of {}",
            fields.class,
            fields.name,
            filters.shape().len(),
            order.len()
        ))
    })
}

fn activated(
    arranger: &mut Arranger,
    fields: &Fields<'_>,
    keras: u64,
    x: &Arranged,
) -> Result<Arranged> {
    activations::apply(arranger, fields.get(&["activation"]), fields, keras, x)
}

/// One axis, which some versions write as a list.
pub(super) fn single(fields: &Fields<'_>, name: &str, default: i64) -> Result<i64> {
    match fields.integers(name)?.as_deref() {
        None => Ok(default),
        Some(&[axis]) => Ok(axis),
        Some(_) => Err(unsupported(fields, "it is about several axes", "")),
    }
}

fn folded(arranger: &mut Arranger, binary: Binary, inputs: &[Arranged]) -> Result<Arranged> {
    let (first, rest) = match inputs.split_first() {
        Some(split) => split,
        None => {
            return Err(damaged(
                "a layer that joins values is called with none".into(),
            ));
        }
    };
    let mut made = first.clone();
    for next in rest {
        made = arranger.binary(binary, &made, next)?;
    }
    Ok(made)
}

/// The error of a layer that is known, but not like this.
pub(super) fn unsupported(fields: &Fields<'_>, reason: &str, advice: &'static str) -> Error {
    Error::Unsupported {
        operations: vec![Unsupported {
            operation: format!("the layer {}", fields.class),
            count: 1,
            node: fields.name.into(),
            reason: reason.into(),
            advice,
        }],
    }
}
