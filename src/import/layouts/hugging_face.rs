//! Weights in the names of Hugging Face's transformers, which are brought to those of layouts that are known.
//!
//! Its networks are those of others under names of its own, with q, k and v apart. Both of its ways of calling them
//! are read: what its files have had from the first on, and what its modules are called since version 5.
//!
//! # Source
//!
//! transformers' `modeling_vit.py`, `modeling_deit.py`, `modeling_beit.py`, `modeling_dinov2.py`, `modeling_swin.py`,
//! `modeling_swinv2.py`, `modeling_convnext.py`, `modeling_convnextv2.py`, `modeling_resnet.py`, `modeling_regnet.py`,
//! `modeling_mobilenet_v1.py`, `modeling_mobilenet_v2.py`, `modeling_mobilevit.py`, `modeling_mobilevitv2.py`,
//! `modeling_efficientnet.py`, `modeling_clip.py`, `modeling_siglip.py`.

use std::collections::BTreeMap;

use violet_weights::{Candidate, Tensor};

use super::layers::{Act, Assumed, MINUS_ONE_TO_ONE};
use crate::imported::ChannelOrder;

/// What its networks are called in front of all of their own names; the last layer stands beside them.
const BASES: [&str; 18] = [
    "vit",
    "deit",
    "beit",
    "dinov2",
    "swin",
    "swinv2",
    "convnext",
    "convnextv2",
    "resnet",
    "regnet",
    "mobilenet_v2",
    "efficientnet",
    "data2vec_vision",
    "dinov2_with_registers",
    "mobilenet_v1",
    "mobilevit",
    "mobilevitv2",
    // CLIP's and SigLIP's.
    "vision_model",
];

/// Networks that share their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// ViT, DeiT, BEiT, DINOv2.
    Vit,
    /// The part of CLIP that sees.
    Clip,
    /// The part of SigLIP that sees.
    Siglip,
    /// Swin and its second version.
    Swin,
    /// ConvNeXt and its second version.
    ConvNext,
    ResNet,
    RegNet,
    MobileNetV1,
    MobileNetV2,
    EfficientNet,
    /// MobileViT and its second version.
    MobileVit,
}

/// Names that tell a family, the first layer's first.
const FAMILIES: [(Family, [&str; 2]); 12] = [
    (
        Family::Swin,
        [
            "embeddings.patch_embeddings.projection.weight",
            "encoder.layers.0.blocks.0.layernorm_before.weight",
        ],
    ),
    (
        Family::Vit,
        [
            "embeddings.patch_embeddings.projection.weight",
            "embeddings.cls_token",
        ],
    ),
    (
        Family::Clip,
        [
            "embeddings.patch_embedding.weight",
            "embeddings.class_embedding",
        ],
    ),
    (
        Family::Siglip,
        [
            "embeddings.patch_embedding.weight",
            "encoder.layers.0.layer_norm1.weight",
        ],
    ),
    (
        Family::MobileNetV1,
        [
            "conv_stem.convolution.weight",
            "layer.25.convolution.weight",
        ],
    ),
    (
        Family::MobileVit,
        [
            "conv_stem.convolution.weight",
            "encoder.layer.0.layer.0.expand_1x1.convolution.weight",
        ],
    ),
    (
        Family::MobileNetV2,
        [
            "conv_stem.first_conv.convolution.weight",
            "layer.0.expand_1x1.convolution.weight",
        ],
    ),
    (
        Family::EfficientNet,
        [
            "embeddings.convolution.weight",
            "encoder.blocks.0.depthwise_conv.depthwise_conv.weight",
        ],
    ),
    (
        Family::ConvNext,
        [
            "embeddings.patch_embeddings.weight",
            "encoder.stages.0.layers.0.dwconv.weight",
        ],
    ),
    (
        Family::ResNet,
        [
            "embedder.embedder.convolution.weight",
            "encoder.stages.0.layers.0.layer.0.convolution.weight",
        ],
    ),
    // As version 5 calls them while they run.
    (
        Family::Swin,
        [
            "embeddings.patch_embeddings.projection.weight",
            "layers.0.blocks.0.layernorm_before.weight",
        ],
    ),
    (
        Family::ConvNext,
        [
            "embeddings.patch_embeddings.weight",
            "stages.0.layers.0.dwconv.weight",
        ],
    ),
];

/// Beginnings of names and what they become; what begins otherwise stays as it is.
type Beginnings = &'static [(&'static str, &'static str)];
/// Parts within names and what they become, one after the other.
type Parts = &'static [(&'static str, &'static str)];

const VIT: (Beginnings, Parts) = (
    &[
        (
            "embeddings.patch_embeddings.projection.",
            "patch_embed.proj.",
        ),
        ("embeddings.cls_token", "cls_token"),
        ("embeddings.distillation_token", "dist_token"),
        ("embeddings.register_tokens", "reg_token"),
        ("embeddings.position_embeddings", "pos_embed"),
        ("encoder.layers.", "blocks."),
        ("encoder.layer.", "blocks."),
        ("encoder.", "blocks."),
        ("layers.", "blocks."),
        ("layernorm.", "norm."),
        ("pooler.layernorm.", "fc_norm."),
    ],
    &[
        (".layernorm_before.", ".norm1."),
        (".layernorm_after.", ".norm2."),
        (".layer_scale1.lambda1", ".ls1.gamma"),
        (".layer_scale2.lambda1", ".ls2.gamma"),
        (".lambda_1", ".ls1.gamma"),
        (".lambda_2", ".ls2.gamma"),
        (".attention.attention.", ".attn."),
        (".attention.output.dense.", ".attn.proj."),
        (".attention.o_proj.", ".attn.proj."),
        (".attention.", ".attn."),
        (".intermediate.dense.", ".mlp.fc1."),
        (".output.dense.", ".mlp.fc2."),
        (".attn.relative_position_bias.", ".attn."),
        (".relative_position_bias.relative", ".attn.relative"),
    ],
);
const SWIN: (Beginnings, Parts) = (
    &[
        (
            "embeddings.patch_embeddings.projection.",
            "patch_embed.proj.",
        ),
        ("embeddings.norm.", "patch_embed.norm."),
        // So that places of the whole picture, which have none here, are not taken for something beside it.
        ("embeddings.position", "patch_embed.position"),
        ("encoder.", ""),
        ("layernorm.", "norm."),
    ],
    &[
        (".layernorm_before.", ".norm1."),
        (".layernorm_after.", ".norm2."),
        (".attention.output.dense.", ".attn.proj."),
        (".attention.o_proj.", ".attn.proj."),
        (".attention.self.", ".attn."),
        (".attention.", ".attn."),
        (".relative_position_bias.relative", ".relative"),
        (".continuous_position_bias_mlp.", ".cpb_mlp."),
        (".intermediate.dense.", ".mlp.fc1."),
        (".output.dense.", ".mlp.fc2."),
    ],
);
const CONVNEXT: (Beginnings, Parts) = (
    &[
        ("embeddings.patch_embeddings.", "stem.0."),
        ("embeddings.layernorm.", "stem.1."),
        ("encoder.", ""),
        ("layernorm.", "head.norm."),
    ],
    &[
        (".downsampling_layer.", ".downsample."),
        (".layers.", ".blocks."),
        (".dwconv.", ".conv_dw."),
        (".layernorm.", ".norm."),
        (".pwconv1.", ".mlp.fc1."),
        (".pwconv2.", ".mlp.fc2."),
        (".grn.", ".mlp.grn."),
        (".layer_scale_parameter", ".gamma"),
    ],
);
const RESNET: (Beginnings, Parts) = (
    &[
        ("embedder.embedder.convolution.", "conv1."),
        ("embedder.embedder.normalization.", "bn1."),
        ("encoder.stages.", "layer"),
        ("stages.", "layer"),
    ],
    &[
        (".layers.", "."),
        (".shortcut.convolution.", ".downsample.0."),
        (".shortcut.normalization.", ".downsample.1."),
        (".layer.0.convolution.", ".conv1."),
        (".layer.0.normalization.", ".bn1."),
        (".layer.1.convolution.", ".conv2."),
        (".layer.1.normalization.", ".bn2."),
        (".layer.2.convolution.", ".conv3."),
        (".layer.2.normalization.", ".bn3."),
    ],
);

const TOWER: (Beginnings, Parts) = (
    &[
        ("embeddings.patch_embedding.", "patch_embed.proj."),
        ("embeddings.class_embedding", "cls_token"),
        ("embeddings.position_embedding.weight", "pos_embed"),
        ("pre_layrnorm.", "norm_pre."),
        ("encoder.layers.", "blocks."),
        // What pools without classes is no part of a classifier.
        ("head.", "pooling_head."),
    ],
    &[
        (".layer_norm1.", ".norm1."),
        (".layer_norm2.", ".norm2."),
        (".self_attn.out_proj.", ".attn.proj."),
        (".self_attn.", ".attn."),
    ],
);
const REGNET: (Beginnings, Parts) = (
    &[
        ("embedder.embedder.convolution.", "stem.conv."),
        ("embedder.embedder.normalization.", "stem.bn."),
        ("encoder.stages.", "s"),
        ("stages.", "s"),
    ],
    &[
        (".layers.", ".b"),
        (".shortcut.convolution.", ".downsample.conv."),
        (".shortcut.normalization.", ".downsample.bn."),
        (".layer.0.convolution.", ".conv1.conv."),
        (".layer.0.normalization.", ".conv1.bn."),
        (".layer.1.convolution.", ".conv2.conv."),
        (".layer.1.normalization.", ".conv2.bn."),
        // RegNet-Y excites before it narrows.
        (".layer.2.attention.0.", ".se.fc1."),
        (".layer.2.attention.2.", ".se.fc2."),
        (".layer.2.convolution.", ".conv3.conv."),
        (".layer.2.normalization.", ".conv3.bn."),
        (".layer.3.convolution.", ".conv3.conv."),
        (".layer.3.normalization.", ".conv3.bn."),
    ],
);
const MOBILENET_V2: (Beginnings, Parts) = (
    &[
        ("conv_stem.first_conv.convolution.", "features.0.0."),
        ("conv_stem.first_conv.normalization.", "features.0.1."),
        ("conv_stem.conv_3x3.convolution.", "features.1.conv.0.0."),
        ("conv_stem.conv_3x3.normalization.", "features.1.conv.0.1."),
        ("conv_stem.reduce_1x1.convolution.", "features.1.conv.1."),
        ("conv_stem.reduce_1x1.normalization.", "features.1.conv.2."),
        ("conv_1x1.convolution.", "features.18.0."),
        ("conv_1x1.normalization.", "features.18.1."),
    ],
    &[
        (".expand_1x1.convolution.", ".conv.0.0."),
        (".expand_1x1.normalization.", ".conv.0.1."),
        (".conv_3x3.convolution.", ".conv.1.0."),
        (".conv_3x3.normalization.", ".conv.1.1."),
        (".reduce_1x1.convolution.", ".conv.2."),
        (".reduce_1x1.normalization.", ".conv.3."),
    ],
);
const EFFICIENTNET: (Beginnings, Parts) = (
    &[
        ("embeddings.convolution.", "_conv_stem."),
        ("embeddings.batchnorm.", "_bn0."),
        ("encoder.blocks.", "_blocks."),
        ("encoder.top_conv.", "_conv_head."),
        ("encoder.top_bn.", "_bn1."),
    ],
    &[
        (".expansion.expand_conv.", "._expand_conv."),
        (".expansion.expand_bn.", "._bn0."),
        (".depthwise_conv.depthwise_conv.", "._depthwise_conv."),
        (".depthwise_conv.depthwise_norm.", "._bn1."),
        (".squeeze_excite.reduce.", "._se_reduce."),
        (".squeeze_excite.expand.", "._se_expand."),
        (".projection.project_conv.", "._project_conv."),
        (".projection.project_bn.", "._bn2."),
    ],
);

const MOBILEVIT: (Beginnings, Parts) = (
    &[
        ("conv_stem.convolution.", "stem.conv."),
        ("conv_stem.normalization.", "stem.bn."),
        ("conv_1x1_exp.convolution.", "final_conv.conv."),
        ("conv_1x1_exp.normalization.", "final_conv.bn."),
        ("encoder.layer.", "stages."),
    ],
    &[
        (".downsampling_layer.", ".0."),
        (".expand_1x1.", ".conv1_1x1."),
        (".conv_3x3.", ".conv2_kxk."),
        (".reduce_1x1.", ".conv3_1x1."),
        (".conv_kxk.", ".1.conv_kxk."),
        (".conv_1x1.convolution.", ".1.conv_1x1."),
        (".conv_projection.", ".1.conv_proj."),
        (".fusion.", ".1.conv_fusion."),
        (".transformer.layer.", ".1.transformer."),
        (".layer.", "."),
        (".layernorm_before.", ".norm1."),
        (".layernorm_after.", ".norm2."),
        (".layernorm.", ".1.norm."),
        (".attention.attention.", ".attn."),
        (".attention.output.dense.", ".attn.proj."),
        (".intermediate.dense.", ".mlp.fc1."),
        (".output.dense.", ".mlp.fc2."),
        // Of the second version.
        (".attention.qkv_proj.convolution.", ".attn.qkv_proj."),
        (".attention.out_proj.convolution.", ".attn.out_proj."),
        (".ffn.conv1.convolution.", ".mlp.fc1."),
        (".ffn.conv2.convolution.", ".mlp.fc2."),
        (".convolution.", ".conv."),
        (".normalization.", ".bn."),
    ],
);

/// A network in its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    family: Family,
    /// What is before every name but the last layer's.
    prefix: String,
}

impl Named {
    /// The network of such names, if there is one.
    pub(super) fn of(candidate: &Candidate) -> Option<Self> {
        let shapes = &candidate.shapes;
        let (family, prefix) = FAMILIES.iter().find_map(|(family, [first, other])| {
            let mut prefixes = shapes.keys().filter_map(|name| name.strip_suffix(first));
            let prefix =
                prefixes.find(|prefix| shapes.contains_key(&format!("{prefix}{other}")))?;
            (prefix.is_empty() || prefix.ends_with('.')).then(|| (*family, prefix.to_owned()))
        })?;
        // Both call their layers alike; ResNet begins with 7×7, RegNet with 3×3.
        let stem = shapes.get(&format!("{prefix}embedder.embedder.convolution.weight"));
        let family = match stem.and_then(|shape| shape.last()) {
            Some(3) if family == Family::ResNet => Family::RegNet,
            _ => family,
        };
        Some(Self { family, prefix })
    }

    /// What its network is called: DeiT and Swin are given other values than ViT.
    fn base(&self) -> &str {
        let whole = self.prefix.trim_end_matches('.');
        whole.rsplit('.').next().unwrap_or(whole)
    }

    pub(super) fn title(&self) -> &'static str {
        match (self.family, self.base()) {
            (Family::Vit, "deit") => "DeiT (Hugging Face)",
            (Family::Vit, "beit") => "BEiT (Hugging Face)",
            (Family::Vit, "dinov2" | "dinov2_with_registers") => "DINOv2 (Hugging Face)",
            (Family::Vit, _) => "Vision Transformer (Hugging Face)",
            (Family::Swin, "swinv2") => "Swin Transformer V2 (Hugging Face)",
            (Family::Swin, _) => "Swin Transformer (Hugging Face)",
            (Family::ConvNext, _) => "ConvNeXt (Hugging Face)",
            (Family::ResNet, _) => "ResNet (Hugging Face)",
            (Family::RegNet, _) => "RegNet (Hugging Face)",
            (Family::MobileNetV1, _) => "MobileNetV1 (Hugging Face)",
            (Family::MobileNetV2, _) => "MobileNetV2 (Hugging Face)",
            (Family::MobileVit, "mobilevitv2") => "MobileViTV2 (Hugging Face)",
            (Family::MobileVit, _) => "MobileViT (Hugging Face)",
            (Family::EfficientNet, _) => "EfficientNet (Hugging Face)",
            (Family::Clip, _) => "CLIP (Hugging Face)",
            (Family::Siglip, _) => "SigLIP (Hugging Face)",
        }
    }

    /// What its authors make of pixels, where that is not what most do.
    pub(super) fn scaling(&self) -> Option<Assumed> {
        let exporter = match (self.family, self.base()) {
            (Family::Vit, "deit" | "dinov2" | "dinov2_with_registers") => return None,
            (Family::Vit, _) => "Google's ViT and Microsoft's BEiT",
            (Family::Siglip, _) => "Google's SigLIP",
            (Family::MobileNetV1, _) => "Google's MobileNetV1",
            (Family::MobileNetV2, _) => "Google's MobileNetV2",
            _ => return None,
        };
        Some(Assumed {
            exporter,
            ..MINUS_ONE_TO_ONE
        })
    }

    /// ε of its layer normalisation where no configuration says it.
    pub(super) fn epsilon(&self) -> Option<f32> {
        match (self.family, self.base()) {
            (Family::Vit, "dinov2" | "dinov2_with_registers") | (Family::Siglip, _) => Some(1e-6),
            (Family::Vit | Family::ConvNext, _) => Some(1e-12),
            (Family::Swin | Family::Clip, _) => Some(1e-5),
            _ => None,
        }
    }

    /// The function within its layers where no configuration says it, if it is not that of others.
    pub(super) fn act(&self) -> Option<Act> {
        match self.family {
            Family::Clip => Some(Act::QuickGelu),
            Family::Siglip => Some(Act::GeluTanh),
            _ => None,
        }
    }

    /// Whether its first stage halves the image.
    pub(super) fn first_stage_halves(&self) -> bool {
        self.family == Family::RegNet
    }

    /// Whether it is padded as TensorFlow's networks are, and has their ε.
    pub(super) fn came_from_tensorflow(&self) -> bool {
        matches!(self.family, Family::MobileNetV1 | Family::MobileNetV2)
    }

    /// The order of the colours where nothing says it, if it is not that of most.
    pub(super) fn channel_order(&self) -> Option<ChannelOrder> {
        (self.family == Family::MobileVit).then_some(ChannelOrder::Bgr)
    }

    /// What a name becomes. Names of nothing within the network stay.
    pub(super) fn name(&self, name: &str) -> String {
        let Some(inner) = name.strip_prefix(&*self.prefix) else {
            return self.head(name);
        };
        let (beginnings, parts) = match self.family {
            Family::Vit => VIT,
            Family::Swin => SWIN,
            Family::ConvNext => CONVNEXT,
            Family::ResNet => RESNET,
            Family::RegNet => REGNET,
            // Nobody else has names of it.
            Family::MobileNetV1 => (&[][..], &[][..]),
            Family::MobileNetV2 => MOBILENET_V2,
            Family::MobileVit => MOBILEVIT,
            Family::EfficientNet => EFFICIENTNET,
            Family::Clip | Family::Siglip => TOWER,
        };
        if self.prefix.is_empty() && inner.starts_with("classifier.") {
            return self.head(name);
        }
        let began = beginnings.iter().find_map(|(from, to)| {
            let rest = inner.strip_prefix(from)?;
            Some(format!("{to}{rest}"))
        });
        let mut new = began.unwrap_or_else(|| inner.to_owned());
        for (from, to) in parts {
            new = new.replace(from, to);
        }
        for (from, to) in [("query", "q"), ("key", "k"), ("value", "v")] {
            for from in [format!(".attn.{from}."), format!(".attn.{to}_proj.")] {
                new = new.replace(&from, &format!(".attn.{to}."));
            }
        }
        new = match self.family {
            Family::ResNet => counted(&new, "layer", "layer", 1),
            Family::RegNet => {
                let stage = counted(&new, "s", "s", 1);
                match stage.split_once('.') {
                    Some((stage, block)) => format!("{stage}.{}", counted(block, "b", "b", 1)),
                    None => stage,
                }
            }
            // Its first block is a part of the stem.
            Family::MobileNetV2 => counted(&new, "layer.", "features.", 2),
            // CLIP's classifiers leave it out.
            Family::Siglip => match new.strip_prefix("post_layernorm.") {
                Some(rest) => format!("norm.{rest}"),
                None => new,
            },
            _ => new,
        };
        format!("{}{new}", self.prefix)
    }

    /// The last layers, which stand beside the network.
    fn head(&self, name: &str) -> String {
        let base = format!("{}.", self.base());
        let outer = match BASES.contains(&self.base()) {
            true => self.prefix.strip_suffix(&base).unwrap_or_default(),
            false => &self.prefix,
        };
        let to = match self.family {
            Family::Vit | Family::Swin | Family::Clip | Family::Siglip => "head.",
            Family::ConvNext | Family::RegNet | Family::MobileVit => "head.fc.",
            Family::ResNet => "fc.",
            Family::MobileNetV1 => "classifier.",
            Family::MobileNetV2 => "classifier.1.",
            Family::EfficientNet => "_fc.",
        };
        let flattened = matches!(self.family, Family::ResNet | Family::RegNet);
        let heads = [
            ("classifier.1.", if flattened { to } else { "" }),
            ("classifier.", to),
            ("cls_classifier.", to),
            ("distillation_classifier.", "head_dist."),
        ];
        let rest = name.strip_prefix(outer);
        let found = heads.iter().filter(|(_, to)| !to.is_empty());
        let found = rest.and_then(|rest| {
            found
                .into_iter()
                .find_map(|(from, to)| Some((to, rest.strip_prefix(from)?)))
        });
        match found {
            Some((to, rest)) => format!("{}{to}{rest}", self.prefix),
            None => name.into(),
        }
    }
}

/// Tensors under their new names in the form that layouts have them: q, k and v one below the other.
pub(super) fn joined<T: Rows>(named: BTreeMap<String, T>) -> BTreeMap<String, T> {
    let mut named: BTreeMap<String, T> = named
        .into_iter()
        .map(|(name, tensor)| match &name {
            _ if name.contains(".mlp.grn.") => (name, tensor.flat()),
            _ if name.ends_with("pos_embed") => (name, tensor.of_three_axes()),
            _ => (name, tensor),
        })
        .collect();
    for name in named.keys().cloned().collect::<Vec<_>>() {
        let Some(block) = name.strip_suffix("q.weight") else {
            continue;
        };
        for end in ["weight", "bias"] {
            let part = |part: &str| format!("{block}{part}.{end}");
            let [q, k, v] = ["q", "k", "v"].map(part);
            // Some have no bias of k, which softmax would take off again.
            if !named.contains_key(&q) || !named.contains_key(&v) {
                continue;
            }
            let k = named.remove(&k);
            if let (Some(q), Some(v)) = (named.remove(&q), named.remove(&v)) {
                let k = k.unwrap_or_else(|| v.zeros());
                named.insert(part("qkv"), T::joined([q, k, v]));
            }
        }
    }
    named
}

/// A name that begins with `from` and a number, with `to` and a number that is so many higher in their place.
fn counted(name: &str, from: &str, to: &str, more: usize) -> String {
    let number = name.strip_prefix(from).and_then(|rest| {
        let (number, rest) = rest.split_once('.')?;
        Some((number.parse::<usize>().ok()?, rest))
    });
    match number {
        Some((number, rest)) => format!("{to}{}.{rest}", number.saturating_add(more)),
        None => name.into(),
    }
}

/// What can be put one below the other.
pub(super) trait Rows: Sized {
    fn joined(parts: [Self; 3]) -> Self;
    /// As many rows of zeros.
    fn zeros(&self) -> Self;
    /// Without axes of length one.
    fn flat(self) -> Self;
    /// A matrix behind an axis of length one; all else as it is.
    fn of_three_axes(self) -> Self;
}

impl Rows for Vec<usize> {
    fn joined(parts: [Self; 3]) -> Self {
        let rows = parts.iter().filter_map(|part| part.first());
        let rows = rows.fold(0usize, |sum, &rows| sum.saturating_add(rows));
        let [mut joined, ..] = parts;
        if let Some(first) = joined.first_mut() {
            *first = rows;
        }
        joined
    }

    fn zeros(&self) -> Self {
        self.clone()
    }

    fn flat(mut self) -> Self {
        self.retain(|&length| length != 1);
        self
    }

    fn of_three_axes(mut self) -> Self {
        if self.len() == 2 {
            self.insert(0, 1);
        }
        self
    }
}

impl Rows for Tensor {
    fn joined(parts: [Self; 3]) -> Self {
        let shape = Vec::joined(parts.each_ref().map(|part| part.shape.clone()));
        let values = parts.map(|part| part.values).concat();
        Tensor { shape, values }
    }

    fn zeros(&self) -> Self {
        Tensor {
            shape: self.shape.clone(),
            values: vec![0.0; self.values.len()],
        }
    }

    fn flat(self) -> Self {
        Tensor {
            shape: self.shape.flat(),
            ..self
        }
    }

    fn of_three_axes(self) -> Self {
        Tensor {
            shape: self.shape.of_three_axes(),
            ..self
        }
    }
}
