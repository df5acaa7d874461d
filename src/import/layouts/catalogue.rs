//! Every layout that is known, and which of them names and shapes are of.

use std::collections::BTreeMap;

use violet_graph::ValueId;

use super::layers::Layers;
use super::{
    inception, mobile, mobilevit, plain, residual, swin, timm, transformer, tutorials, yolo,
};
use crate::error::Result;

/// A network that weights can belong to.
pub(super) struct Layout {
    pub(super) title: &'static str,
    /// Names of tensors that tell it, the first layer's first.
    pub(super) names: &'static [&'static str],
    /// What else tells it.
    pub(super) is: fn(&View<'_>) -> bool,
    /// Height and width that its authors give it.
    pub(super) size: fn(&View<'_>) -> usize,
    pub(super) build: fn(&mut Layers) -> Result<ValueId>,
}

/// Names and shapes behind a prefix.
pub(super) struct View<'a> {
    pub(super) shapes: &'a BTreeMap<String, Vec<usize>>,
    pub(super) prefix: &'a str,
}

impl View<'_> {
    pub(super) fn dims(&self, name: &str) -> &[usize] {
        let shape = self.shapes.get(&format!("{}{name}", self.prefix));
        shape.map_or(&[], |shape| shape)
    }

    pub(super) fn dim(&self, name: &str, axis: usize) -> usize {
        self.dims(name).get(axis).copied().unwrap_or(0)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !self.dims(name).is_empty()
    }
}

const USUAL: fn(&View<'_>) -> usize = |_| 224;
const ALWAYS: fn(&View<'_>) -> bool = |_| true;
/// Height and width of CIFAR's pictures.
const SMALL: usize = 32;
/// Height and width of MNIST's.
const MNIST: usize = 28;

/// The size of networks whose first convolution is of 3×3 where others have 7×7, which are made for small pictures.
fn small_if(view: &View<'_>, first: &str) -> usize {
    match view.dim(first, 2) {
        3 => SMALL,
        _ => 224,
    }
}

pub(super) const YOLO: &str = "YOLO";

/// How titles begin of networks that take pictures of one size.
pub(super) const FIXED: [&str; 3] = ["Vision", "LeNet", "PyTorch's"];

/// Every layout that is known.
const LAYOUTS: [Layout; 38] = [
    Layout {
        title: "AlexNet",
        names: &["features.0.weight", "features.10.weight"],
        is: |view| view.dim("features.0.weight", 2) == 11,
        size: USUAL,
        build: plain::alexnet,
    },
    Layout {
        title: "SqueezeNet",
        names: &["features.0.weight", "features.3.squeeze.weight"],
        is: ALWAYS,
        size: USUAL,
        build: plain::squeezenet,
    },
    Layout {
        title: "VGG",
        names: &["features.0.weight"],
        is: |view| view.dim("features.0.weight", 2) == 3 && !view.has("features.3.squeeze.weight"),
        // Five pools halve it; the layer after them tells of how many pixels it takes 512 channels.
        size: |view| {
            let layers = ["classifier.weight", "classifier.0.weight"];
            let inputs = layers.map(|name| view.dim(name, 1)).into_iter().max();
            match inputs.unwrap_or(0) {
                0 => 224,
                inputs => 32 * (inputs / 512).isqrt().max(1),
            }
        },
        build: plain::vgg,
    },
    Layout {
        title: "ResNet",
        names: &[
            "conv1.weight",
            "layer1.0.conv1.weight",
            "layer4.0.conv1.weight",
        ],
        is: ALWAYS,
        size: |view| small_if(view, "conv1.weight"),
        build: residual::resnet,
    },
    Layout {
        title: "ResNet of three stages",
        names: &[
            "conv1.weight",
            "layer1.0.conv1.weight",
            "layer3.0.conv1.weight",
        ],
        is: |view| !view.has("layer4.0.conv1.weight") && view.dim("conv1.weight", 2) == 3,
        size: |_| SMALL,
        build: residual::resnet,
    },
    Layout {
        title: "ResNet-D",
        names: &[
            "conv1.0.weight",
            "layer1.0.conv1.weight",
            "layer4.0.conv1.weight",
        ],
        is: ALWAYS,
        size: USUAL,
        build: residual::resnet,
    },
    Layout {
        title: "ResNet whose parts are counted",
        names: &["0.weight", "4.0.conv1.weight", "7.0.conv1.weight"],
        is: |view| view.has("1.running_var"),
        size: USUAL,
        build: residual::counted_resnet,
    },
    Layout {
        title: "DenseNet",
        names: &["features.conv0.weight", "features.norm5.weight"],
        is: ALWAYS,
        size: |view| small_if(view, "features.conv0.weight"),
        build: residual::densenet,
    },
    Layout {
        title: "RegNet",
        names: &["stem.0.weight", "trunk_output.block1.block1-0.f.a.0.weight"],
        is: ALWAYS,
        size: USUAL,
        build: residual::regnet,
    },
    Layout {
        title: "GoogLeNet",
        names: &["conv1.conv.weight", "inception3a.branch1.conv.weight"],
        is: ALWAYS,
        size: USUAL,
        build: inception::googlenet,
    },
    Layout {
        title: "Inception v3",
        names: &[
            "Conv2d_1a_3x3.conv.weight",
            "Mixed_7c.branch1x1.conv.weight",
        ],
        is: ALWAYS,
        size: |_| 299,
        build: inception::inception_v3,
    },
    Layout {
        title: "MobileNetV2",
        names: &["features.0.0.weight", "features.1.conv.0.0.weight"],
        is: ALWAYS,
        size: USUAL,
        build: mobile::mobilenet_v2,
    },
    Layout {
        title: "MobileNetV3",
        names: &["features.0.0.weight", "features.1.block.0.0.weight"],
        is: ALWAYS,
        size: USUAL,
        build: mobile::mobilenet_v3,
    },
    Layout {
        title: "EfficientNet",
        names: &["features.0.0.weight", "features.1.0.block.0.0.weight"],
        is: |view| view.dim("features.1.0.block.0.0.weight", 1) == 1,
        // By the depth of its last stage but one: B0 to B7.
        size: |view| {
            let names = (0..).map(|block| format!("features.6.{block}.block.0.0.weight"));
            let depth = names.take_while(|name| view.has(name)).count();
            match (depth, view.dim("features.0.0.weight", 0)) {
                (4, _) => 224,
                (5, 32) if view.dim("features.8.0.weight", 0) == 1280 => 240,
                (5, 32) => 288,
                (6, _) => 300,
                (8, _) => 380,
                (9, _) => 456,
                (11, _) => 528,
                (13, _) => 600,
                _ => 224,
            }
        },
        build: mobile::efficientnet,
    },
    Layout {
        title: "EfficientNetV2",
        names: &["features.0.0.weight", "features.1.0.block.0.0.weight"],
        is: |view| view.dim("features.1.0.block.0.0.weight", 1) > 1,
        size: |view| {
            if view.has("features.8.0.weight") {
                480
            } else {
                384
            }
        },
        build: mobile::efficientnet_v2,
    },
    Layout {
        title: "MNASNet",
        names: &["layers.0.weight", "layers.8.0.layers.0.weight"],
        is: ALWAYS,
        size: USUAL,
        build: mobile::mnasnet,
    },
    Layout {
        title: "ShuffleNetV2",
        names: &[
            "conv1.0.weight",
            "stage2.0.branch2.0.weight",
            "conv5.0.weight",
        ],
        is: ALWAYS,
        size: USUAL,
        build: mobile::shufflenet_v2,
    },
    Layout {
        title: "EfficientNet (timm)",
        names: &["conv_stem.weight", "bn2.weight", "conv_head.weight"],
        is: |view| {
            ["conv_dw", "conv", "conv_exp"]
                .iter()
                .any(|layer| view.has(&format!("blocks.0.0.{layer}.weight")))
        },
        size: USUAL,
        build: timm::efficientnet,
    },
    Layout {
        title: "EfficientNet (efficientnet_pytorch)",
        names: &["_conv_stem.weight", "_blocks.0._depthwise_conv.weight"],
        is: ALWAYS,
        size: USUAL,
        build: mobile::efficientnet_pytorch,
    },
    Layout {
        title: "ConvNeXt",
        names: &["features.0.0.weight", "features.1.0.block.0.weight"],
        is: ALWAYS,
        size: USUAL,
        build: transformer::convnext,
    },
    Layout {
        title: "ConvNeXt (timm)",
        names: &["stem.0.weight", "stages.0.blocks.0.conv_dw.weight"],
        is: ALWAYS,
        size: USUAL,
        build: transformer::timm_convnext,
    },
    Layout {
        title: "Vision Transformer",
        names: &["conv_proj.weight", "encoder.pos_embedding"],
        is: ALWAYS,
        // One position is the class's.
        size: |view| {
            let positions = view.dim("encoder.pos_embedding", 1);
            side(view, positions.saturating_sub(1), "conv_proj.weight")
        },
        build: transformer::vit,
    },
    Layout {
        title: "Vision Transformer (timm)",
        names: &[
            "patch_embed.proj.weight",
            "pos_embed",
            "blocks.0.attn.qkv.weight",
        ],
        is: ALWAYS,
        // Where the class has a position, it is one more than a square; with another token two.
        size: |view| {
            let positions = view.dim("pos_embed", 1);
            let tokens = match () {
                () if view.has("dist_token") => 2,
                () if positions.isqrt().pow(2) == positions => 0,
                () => 1,
            };
            side(
                view,
                positions - tokens.min(positions),
                "patch_embed.proj.weight",
            )
        },
        build: transformer::timm_vit,
    },
    Layout {
        title: "Vision Transformer BEiT (timm)",
        names: &[
            "patch_embed.proj.weight",
            "cls_token",
            "blocks.0.attn.relative_position_bias_table",
        ],
        is: |view| !view.has("pos_embed"),
        // A square of distances, and three of the class's token.
        size: |view| {
            let table = view.dim("blocks.0.attn.relative_position_bias_table", 0);
            let side = table.saturating_sub(3).isqrt().div_ceil(2);
            side * view.dim("patch_embed.proj.weight", 2)
        },
        build: transformer::timm_vit,
    },
    Layout {
        title: "Swin Transformer",
        names: &[
            "features.0.0.weight",
            "features.1.0.attn.relative_position_bias_table",
        ],
        is: |view| !view.has("features.1.0.attn.logit_scale"),
        size: USUAL,
        build: swin::swin,
    },
    Layout {
        title: "Swin Transformer V2",
        names: &["features.0.0.weight", "features.1.0.attn.logit_scale"],
        is: ALWAYS,
        size: |_| 256,
        build: swin::swin,
    },
    Layout {
        title: "Swin Transformer (timm)",
        names: &[
            "patch_embed.proj.weight",
            "layers.0.blocks.0.attn.relative_position_bias_table",
        ],
        is: ALWAYS,
        size: USUAL,
        build: swin::timm_swin,
    },
    Layout {
        title: "Swin Transformer V2 (timm)",
        names: &[
            "patch_embed.proj.weight",
            "layers.0.blocks.0.attn.logit_scale",
        ],
        is: ALWAYS,
        size: |_| 256,
        build: swin::timm_swin,
    },
    Layout {
        title: "MobileNetV3 (timm)",
        names: &[
            "conv_stem.weight",
            "blocks.0.0.conv_dw.weight",
            "conv_head.bias",
        ],
        is: |view| !view.has("bn2.weight"),
        size: USUAL,
        build: timm::mobilenet_v3,
    },
    Layout {
        title: "RegNet (timm)",
        names: &["stem.conv.weight", "s1.b1.conv1.conv.weight"],
        is: |view| view.has("s1.b1.conv3.conv.weight"),
        size: USUAL,
        build: timm::regnet,
    },
    Layout {
        title: "MobileViT (timm)",
        names: &[
            "stem.conv.weight",
            "stages.0.0.conv1_1x1.conv.weight",
            "stages.2.1.conv_kxk.conv.weight",
        ],
        is: ALWAYS,
        size: |_| 256,
        build: mobilevit::network,
    },
    // As Hugging Face names it, and nobody else.
    Layout {
        title: "MobileNetV1 (Hugging Face)",
        names: &[
            "conv_stem.convolution.weight",
            "layer.0.convolution.weight",
            "layer.25.convolution.weight",
        ],
        is: ALWAYS,
        size: USUAL,
        build: mobile::mobilenet_v1,
    },
    Layout {
        title: "LeNet (PyTorch's CIFAR-10 tutorial)",
        names: &["conv1.weight", "conv2.weight", "fc3.weight"],
        is: tutorials::is_cifar,
        size: |_| SMALL,
        build: tutorials::cifar,
    },
    Layout {
        title: "PyTorch's MNIST example",
        names: &["conv1.weight", "conv2.weight", "fc2.weight"],
        is: tutorials::is_mnist,
        size: |_| MNIST,
        build: tutorials::mnist,
    },
    Layout {
        title: "PyTorch's Quickstart tutorial",
        names: &["linear_relu_stack.0.weight", "linear_relu_stack.4.weight"],
        is: tutorials::is_quickstart,
        size: |_| MNIST,
        build: tutorials::quickstart,
    },
    Layout {
        title: YOLO,
        names: &[yolo::FIRST[0]],
        is: yolo::starts_with_convolution,
        size: yolo::usual_size,
        build: yolo::network,
    },
    Layout {
        title: YOLO,
        names: &[yolo::FIRST[1]],
        is: yolo::starts_with_focus,
        size: yolo::usual_size,
        build: yolo::network,
    },
    Layout {
        title: YOLO,
        names: &[yolo::FIRST[2]],
        is: yolo::starts_without_weights,
        size: yolo::usual_size,
        build: yolo::network,
    },
];

/// Side of an image of so many patches.
fn side(view: &View<'_>, patches: usize, patch: &str) -> usize {
    patches.isqrt() * view.dim(patch, 2)
}

/// A layout, and the prefix of its names.
pub(super) type Match = (&'static Layout, String);

/// Every layout whose names are among those, with the prefix before them.
pub(super) fn matches(shapes: &BTreeMap<String, Vec<usize>>) -> Vec<Match> {
    let mut found: Vec<Match> = Vec::new();
    for layout in &LAYOUTS {
        let first = layout.names[0];
        let prefixes = shapes.keys().filter_map(|name| name.strip_suffix(first));
        for prefix in prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')) {
            let view = View { shapes, prefix };
            if layout.names.iter().all(|name| view.has(name)) && (layout.is)(&view) {
                found.push((layout, prefix.into()));
            }
        }
    }
    found
}
