//! What the parts of a saved module say of themselves, and whether that is something known.
//!
//! A module's code is not in its file, so that a part of an unknown class is refused, never taken for
//! what usually stands in its place.

use violet_graph::{Padding, Sliding};
use violet_weights::{Attribute, Module};

use super::layers::Act;
use crate::error::{Error, Result};

/// A pool's windows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pool {
    pub(super) kernel: [usize; 2],
    pub(super) sliding: Sliding,
}

/// A class without the packages before it.
pub(super) fn class(module: &Module) -> &str {
    module.class.rsplit('.').next().unwrap_or_default()
}

/// Whether TorchScript made it: its attributes say little, its code says all and is not read.
fn scripted(module: &Module) -> bool {
    module.class.starts_with("__torch__")
}

pub(super) fn is_identity(module: &Module) -> bool {
    matches!(
        class(module),
        "Identity" | "Dropout" | "Dropout2d" | "DropPath" | "StochasticDepth"
    )
}

/// That a part is something that Violet does not know, or not as it is set.
pub(super) fn unknown(name: &str, what: impl Into<String>) -> Error {
    Error::ChangedLayer {
        layer: name.into(),
        found: what.into(),
    }
}

/// One or two numbers for height and width.
pub(super) fn pair(module: &Module, name: &str) -> Option<[usize; 2]> {
    match module.attributes.get(name)? {
        Attribute::Number(n) if *n >= 0.0 => Some([*n as usize; 2]),
        Attribute::Numbers(numbers) => match numbers[..] {
            [a, b] if a >= 0.0 && b >= 0.0 => Some([a as usize, b as usize]),
            [a] if a >= 0.0 => Some([a as usize; 2]),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn number(module: &Module, name: &str) -> Option<f64> {
    match module.attributes.get(name)? {
        Attribute::Number(number) => Some(*number),
        _ => None,
    }
}

fn text<'m>(module: &'m Module, name: &str) -> Option<&'m str> {
    match module.attributes.get(name)? {
        Attribute::Text(text) => Some(text),
        _ => None,
    }
}

/// A convolution's windows, as its module has them.
pub(super) fn convolution(module: &Module, name: &str, usual: Sliding) -> Result<Sliding> {
    if scripted(module) {
        return Ok(usual);
    }
    if class(module) != "Conv2d" {
        return Err(unknown(name, format!("a {}", class(module))));
    }
    if let Some(mode) = text(module, "padding_mode").filter(|&mode| mode != "zeros") {
        return Err(unknown(name, format!("a convolution padded by “{mode}”")));
    }
    let padding = match (text(module, "padding"), pair(module, "padding")) {
        (Some("same"), _) => Padding::SameUpper,
        (Some(_), _) => Padding::Valid,
        (None, Some(pads)) => Padding::Explicit {
            before: pads,
            after: pads,
        },
        (None, None) => usual.padding,
    };
    Ok(Sliding {
        stride: pair(module, "stride").unwrap_or(usual.stride),
        dilation: pair(module, "dilation").unwrap_or(usual.dilation),
        padding,
        ceil: false,
    })
}

/// BatchNorm's ε.
pub(super) fn batch_norm(module: &Module, name: &str, usual: f32) -> Result<f32> {
    let known = [
        "BatchNorm2d",
        "BatchNorm1d",
        "SyncBatchNorm",
        "FrozenBatchNorm2d",
        "BatchNormAct2d",
    ];
    match scripted(module) || known.contains(&class(module)) {
        true => Ok(number(module, "eps").map_or(usual, |eps| eps as f32)),
        false => Err(unknown(name, format!("a {}", class(module)))),
    }
}

/// Layer normalisation's ε.
pub(super) fn layer_norm(module: &Module, name: &str, usual: f32) -> Result<f32> {
    match scripted(module) || ["LayerNorm", "LayerNorm2d"].contains(&class(module)) {
        true => Ok(number(module, "eps").map_or(usual, |eps| eps as f32)),
        false => Err(unknown(name, format!("a {}", class(module)))),
    }
}

pub(super) fn linear(module: &Module, name: &str) -> Result<()> {
    let known = ["Linear", "NonDynamicallyQuantizableLinear"];
    // Of 1×1, which its weights' shape tells, over every pixel by itself.
    let over_channels =
        class(module) == "Conv2d" && pair(module, "stride").is_none_or(|stride| stride == [1; 2]);
    match scripted(module) || known.contains(&class(module)) || over_channels {
        true => Ok(()),
        false => Err(unknown(name, format!("a {}", class(module)))),
    }
}

/// The function that a module is.
pub(super) fn activation(module: &Module, name: &str) -> Result<Act> {
    if is_identity(module) {
        return Ok(Act::None);
    }
    Ok(match class(module) {
        "ReLU" => Act::Relu,
        "ReLU6" => Act::Relu6,
        "LeakyReLU" => Act::LeakyRelu(number(module, "negative_slope").unwrap_or(0.01) as f32),
        "ELU" => Act::Elu(number(module, "alpha").unwrap_or(1.0) as f32),
        "SiLU" | "Swish" | "MemoryEfficientSwish" | "SiLUActivation" => Act::Silu,
        "Hardswish" => Act::HardSwish,
        "GELU" => match text(module, "approximate") {
            Some("tanh") => Act::GeluTanh,
            _ => Act::Gelu,
        },
        "GELUActivation" => Act::Gelu,
        "GELUTanh" | "PytorchGELUTanh" | "NewGELUActivation" => Act::GeluTanh,
        "QuickGELU" | "QuickGELUActivation" => Act::QuickGelu,
        "Sigmoid" => Act::Sigmoid,
        "Hardsigmoid" => Act::HardSigmoid,
        "Tanh" => Act::Tanh,
        class => return Err(unknown(name, format!("a {class}"))),
    })
}

/// A max-pool's windows; nothing where it was taken out.
pub(super) fn max_pool(module: &Module, name: &str, usual: Pool) -> Result<Option<Pool>> {
    if is_identity(module) {
        return Ok(None);
    }
    if scripted(module) {
        return Ok(Some(usual));
    }
    let kernel = pair(module, "kernel_size").filter(|_| class(module) == "MaxPool2d");
    let Some(kernel) = kernel else {
        return Err(unknown(name, format!("a {}", class(module))));
    };
    let pads = pair(module, "padding").unwrap_or([0; 2]);
    Ok(Some(Pool {
        kernel,
        sliding: Sliding {
            stride: pair(module, "stride").unwrap_or(kernel),
            dilation: pair(module, "dilation").unwrap_or([1; 2]),
            padding: Padding::Explicit {
                before: pads,
                after: pads,
            },
            ceil: module.attributes.get("ceil_mode") == Some(&Attribute::Bool(true)),
        },
    }))
}

/// Whether the pool before the last layers is a mean of all pixels.
pub(super) fn global_pool(module: &Module) -> Result<()> {
    let one = pair(module, "output_size").is_none_or(|size| size == [1; 2]);
    let known = ["AdaptiveAvgPool2d", "SelectAdaptivePool2d"];
    match scripted(module) || (known.contains(&class(module)) && one) {
        true => Ok(()),
        false => Err(unknown("avgpool", format!("a {}", class(module)))),
    }
}
