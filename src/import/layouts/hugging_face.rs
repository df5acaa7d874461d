//! Weights in the names of Hugging Face's transformers, which are brought to those of layouts that are known.
//!
//! Its networks are those of others under names of its own, with q, k and v apart. Both of its ways of calling them
//! are read: what its files have had from the first on, and what its modules are called since version 5.
//!
//! # Source
//!
//! transformers' `modeling_vit.py`, `modeling_deit.py`, `modeling_beit.py`, `modeling_dinov2.py`, `modeling_swin.py`,
//! `modeling_swinv2.py`, `modeling_convnext.py`, `modeling_convnextv2.py`, `modeling_resnet.py`.

use std::collections::BTreeMap;

use violet_weights::{Candidate, StateDict, Tensor};

use super::layers::{Assumed, MINUS_ONE_TO_ONE};

/// What its networks are called in front of all of their own names; the last layer stands beside them.
const BASES: [&str; 9] = [
    "vit",
    "deit",
    "beit",
    "dinov2",
    "swin",
    "swinv2",
    "convnext",
    "convnextv2",
    "resnet",
];

/// Networks that share their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// ViT, DeiT, BEiT, DINOv2.
    Vit,
    /// Swin and its second version.
    Swin,
    /// ConvNeXt and its second version.
    ConvNext,
    /// ResNet.
    ResNet,
}

/// Names that tell a family, the first layer's first.
const FAMILIES: [(Family, [&str; 2]); 6] = [
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
        Some(Self { family, prefix })
    }

    /// What its network is called: DeiT and Swin are given other values than ViT.
    fn base(&self) -> &str {
        let whole = self.prefix.trim_end_matches('.');
        whole.rsplit('.').next().unwrap_or(whole)
    }

    pub(super) fn title(&self) -> &'static str {
        match (self.family, self.base()) {
            (Family::Vit, "deit") => "DeiT, as Hugging Face names it",
            (Family::Vit, "beit") => "BEiT, as Hugging Face names it",
            (Family::Vit, "dinov2") => "DINOv2, as Hugging Face names it",
            (Family::Vit, _) => "Vision Transformer, as Hugging Face names it",
            (Family::Swin, "swinv2") => "Swin Transformer V2, as Hugging Face names it",
            (Family::Swin, _) => "Swin Transformer, as Hugging Face names it",
            (Family::ConvNext, _) => "ConvNeXt, as Hugging Face names it",
            (Family::ResNet, _) => "ResNet, as Hugging Face names it",
        }
    }

    /// What its authors make of pixels, where that is not what most do.
    pub(super) fn scaling(&self) -> Option<Assumed> {
        let usual = Assumed {
            exporter: "Google's ViT and Microsoft's BEiT",
            ..MINUS_ONE_TO_ONE
        };
        let given = self.family == Family::Vit && !matches!(self.base(), "deit" | "dinov2");
        given.then_some(usual)
    }

    /// ε of its layer normalisation where no configuration says it.
    pub(super) fn epsilon(&self) -> Option<f32> {
        match (self.family, self.base()) {
            (Family::Vit, "dinov2") => Some(1e-6),
            (Family::Vit | Family::ConvNext, _) => Some(1e-12),
            (Family::Swin, _) => Some(1e-5),
            (Family::ResNet, _) => None,
        }
    }

    /// The names and shapes under the layout's names.
    pub(super) fn candidate(&self, candidate: &Candidate) -> Candidate {
        Candidate {
            name: candidate.name.clone(),
            shapes: self.renamed(candidate.shapes.clone()),
        }
    }

    /// The weights under the layout's names.
    pub(super) fn state(&self, mut state: StateDict) -> StateDict {
        state.tensors = self.renamed(state.tensors);
        let modules = std::mem::take(&mut state.modules).into_iter();
        let modules = modules.map(|(path, module)| {
            let name = self.name(&format!("{path}."));
            (name.trim_end_matches('.').to_owned(), module)
        });
        state.modules = modules.collect();
        state
    }

    fn renamed<T: Rows>(&self, named: BTreeMap<String, T>) -> BTreeMap<String, T> {
        let named = named.into_iter();
        let mut named: BTreeMap<String, T> = named
            .map(|(name, tensor)| (self.name(&name), tensor))
            .map(|(name, tensor)| match name.contains(".mlp.grn.") {
                true => (name, tensor.flat()),
                false => (name, tensor),
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

    /// What a name becomes. Names of nothing within the network stay.
    fn name(&self, name: &str) -> String {
        let Some(inner) = name.strip_prefix(&*self.prefix) else {
            return self.head(name);
        };
        let (beginnings, parts) = match self.family {
            Family::Vit => VIT,
            Family::Swin => SWIN,
            Family::ConvNext => CONVNEXT,
            Family::ResNet => RESNET,
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
        if self.family == Family::ResNet {
            new = counted_from_one(&new);
        }
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
            Family::Vit | Family::Swin => "head.",
            Family::ConvNext => "head.fc.",
            Family::ResNet => "fc.",
        };
        let heads = [
            // Flattened before.
            (
                "classifier.1.",
                if self.family == Family::ResNet {
                    to
                } else {
                    ""
                },
            ),
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

/// Stages of ResNet from 1 on, as in `layer1.0`.
fn counted_from_one(name: &str) -> String {
    let stage = name.strip_prefix("layer").and_then(|rest| {
        let (stage, rest) = rest.split_once('.')?;
        Some((stage.parse::<usize>().ok()?, rest))
    });
    match stage {
        Some((stage, rest)) => format!("layer{}.{rest}", stage.saturating_add(1)),
        None => name.into(),
    }
}

/// What can be put one below the other.
trait Rows: Sized {
    fn joined(parts: [Self; 3]) -> Self;
    /// As many rows of zeros.
    fn zeros(&self) -> Self;
    /// Without axes of length one.
    fn flat(self) -> Self;
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
}
