//! Weights by name and no description of the network: PyTorch's state dictionaries, safetensors.
//!
//! Names and shapes tell which network they belong to. The layouts are those of torchvision's
//! classifiers, some also as timm, Hugging Face and others name them, and of PyTorch's tutorials; each is built as its authors' code does, and
//! widths, depths, kernels, groups and the last layers are read off the weights. What is left over
//! beside the network is named in a [`Note`]; a tensor within its layers that has no place, as of a
//! block that was changed, is refused: it would compute something else.

mod cifar;
mod config;
mod fastai;
mod head;
mod hugging_face;
mod inception;
mod layers;
mod mobile;
mod mobilevit;
mod modules;
mod plain;
mod residual;
mod swin;
mod timm;
mod transformer;
mod tutorials;
mod yolo;

use std::collections::BTreeMap;

use violet_graph::{Unary, ValueId};
use violet_weights::{Candidate, Resize, StateDict, Tensor};

use self::cifar::Residual;
use self::config::{Config, Pictures};
use self::fastai::Learner;
use self::hugging_face::Named;
use self::layers::{Act, Layers};
use crate::error::{Error, Result};
use crate::files::File;
use crate::imported::{
    ChannelOrder, Framing, Imported, InputKind, Layout as Order, Note, OperationCount, Options,
    Scaling,
};
use crate::labels;

/// Names that are no weights: counters of BatchNorm (some people halve them with all the rest), of
/// profilers, and what Swin computes from its sizes.
const NO_WEIGHTS: [&str; 5] = [
    "num_batches_tracked",
    "total_ops",
    "total_params",
    "relative_position_index",
    "attn_mask",
];

/// A network that weights can belong to.
struct Layout {
    title: &'static str,
    /// Names of tensors that tell it, the first layer's first.
    names: &'static [&'static str],
    /// What else tells it.
    is: fn(&View<'_>) -> bool,
    /// Height and width that its authors give it.
    size: fn(&View<'_>) -> usize,
    build: fn(&mut Layers) -> Result<ValueId>,
}

/// Names and shapes behind a prefix.
struct View<'a> {
    shapes: &'a BTreeMap<String, Vec<usize>>,
    prefix: &'a str,
}

impl View<'_> {
    fn dims(&self, name: &str) -> &[usize] {
        let shape = self.shapes.get(&format!("{}{name}", self.prefix));
        shape.map_or(&[], |shape| shape)
    }

    fn dim(&self, name: &str, axis: usize) -> usize {
        self.dims(name).get(axis).copied().unwrap_or(0)
    }

    fn has(&self, name: &str) -> bool {
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

const YOLO: &str = "YOLO";

/// How titles begin of networks that take pictures of one size.
const FIXED: [&str; 3] = ["Vision", "LeNet", "PyTorch's"];

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

/// Names that are not a layout's own, and become one's.
enum Names {
    HuggingFace(Named),
    Fastai(Learner),
    Cifar(Residual),
}

impl Names {
    fn of(candidate: &Candidate) -> Option<Self> {
        let named = Named::of(candidate).map(Self::HuggingFace);
        let named = named.or_else(|| Learner::of(candidate).map(Self::Fastai));
        named.or_else(|| Residual::of(candidate).map(Self::Cifar))
    }

    /// What a name becomes.
    fn name(&self, name: &str) -> String {
        match self {
            Self::HuggingFace(named) => named.name(name),
            Self::Fastai(learner) => learner.name(name),
            Self::Cifar(residual) => residual.name(name),
        }
    }

    fn renamed<T: hugging_face::Rows>(&self, named: BTreeMap<String, T>) -> BTreeMap<String, T> {
        let new = named
            .into_iter()
            .map(|(name, value)| (self.name(&name), value));
        match self {
            Self::HuggingFace(_) => hugging_face::joined(new.collect()),
            Self::Fastai(_) | Self::Cifar(_) => new.collect(),
        }
    }

    /// The names and shapes under the layout's names.
    fn candidate(&self, candidate: &Candidate) -> Candidate {
        Candidate {
            name: candidate.name.clone(),
            shapes: self.renamed(candidate.shapes.clone()),
        }
    }

    /// The weights under the layout's names.
    fn state(&self, mut state: StateDict) -> StateDict {
        state.tensors = self.renamed(state.tensors);
        let modules = std::mem::take(&mut state.modules).into_iter();
        let modules = modules.map(|(path, module)| {
            let name = self.name(&format!("{path}."));
            (name.trim_end_matches('.').to_owned(), module)
        });
        state.modules = modules.collect();
        state
    }
}

/// A layout, and the prefix of its names.
type Match = (&'static Layout, String);

/// Every layout whose names are among those, with the prefix before them.
fn matches(shapes: &BTreeMap<String, Vec<usize>>) -> Vec<Match> {
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

/// Reads the network that weights belong to.
///
/// # Errors
///
/// [`Error::UnknownLayout`] if they belong to none that is known, [`Error::OtherLayout`] or
/// [`Error::ChangedLayer`] if they nearly do; else any [`Error`].
pub(crate) fn import(file: &File, beside: &[File], options: &Options) -> Result<Imported> {
    let mut chosen = None;
    let mut others = Vec::new();
    let mut state = violet_weights::read(&file.bytes, |candidates| {
        let mut named: Vec<Option<Names>> = candidates.iter().map(Names::of).collect();
        let of_layouts = candidates.iter().zip(&named);
        let of_layouts = of_layouts.map(|(candidate, named)| match named {
            Some(named) => named.candidate(candidate),
            None => candidate.clone(),
        });
        let of_layouts: Vec<Candidate> = of_layouts.collect();
        let Some((index, found)) = choose(&of_layouts)? else {
            return Err(unknown(&candidates[0]));
        };
        let names = candidates.iter().map(|candidate| candidate.name.clone());
        others = names.collect();
        others.swap_remove(index);
        let shapes = of_layouts[index].shapes.clone();
        chosen = Some((found, shapes, named.swap_remove(index)));
        Ok::<_, Error>(index)
    })?;
    let Some(((layout, prefix), shapes, names)) = chosen else {
        unreachable!("who reads them chooses");
    };
    if let Some(names) = &names {
        state = names.state(state);
    }
    let config = Config::beside(beside);
    let pictures = config.pictures();
    let view = View {
        shapes: &shapes,
        prefix: &prefix,
    };
    let usual = (layout.size)(&view);
    let fixed = FIXED.iter().any(|start| layout.title.starts_with(start));
    let trained = state.training.image_size.map(|size| match layout.title {
        YOLO => yolo::rounded(size),
        _ => size,
    });
    let said = pictures.size.or(trained);
    let size = match (fixed, options.size.or(said)) {
        (false, Some(size)) => size,
        _ => [usual; 2],
    };
    let (named, of_fastai) = match names {
        Some(Names::HuggingFace(named)) => (Some(named), false),
        names => (None, matches!(names, Some(Names::Fastai(_)))),
    };
    let mut notes = vec![Note::Layout {
        title: named.as_ref().map_or(layout.title, Named::title),
    }];
    if of_fastai {
        notes.push(Note::Learner);
    }
    if !fixed && options.size.is_none() && said.is_none() {
        notes.push(Note::AssumedSize(size));
    }
    if !others.is_empty() {
        notes.push(Note::OtherNetworks { names: others });
    }
    let said = Said {
        called: timm::architecture(file),
        named,
        of_fastai,
        config,
        pictures,
        size,
        notes,
    };
    build(layout, &prefix, state, said, beside, options).map(|mut imported| {
        imported.input.fixed_size = fixed;
        imported
    })
}

/// Which of a file's networks is meant, if one is known: the only one; of several that are the same
/// network (an average of its weights, say), the first.
fn choose(candidates: &[Candidate]) -> Result<Option<(usize, Match)>> {
    let mut known = Vec::new();
    for (k, candidate) in candidates.iter().enumerate() {
        let mut found = matches(&candidate.shapes);
        if found.len() > 1 {
            return Err(Error::SeveralNetworks {
                names: found
                    .iter()
                    .map(|(layout, prefix)| format!("{prefix}… ({})", layout.title))
                    .collect(),
            });
        }
        if let Some(found) = found.pop() {
            known.push((k, found));
        }
    }
    let differ = |(k, _): &&(usize, Match)| candidates[*k].shapes != candidates[known[0].0].shapes;
    if let Some(other) = known.iter().find(differ) {
        return Err(Error::SeveralNetworks {
            names: vec![
                candidates[known[0].0].name.clone(),
                candidates[other.0].name.clone(),
            ],
        });
    }
    Ok(known.into_iter().next())
}

/// That weights are of no network that is known.
fn unknown(candidate: &Candidate) -> Error {
    let adapts = |name: &String| name.contains(".lora_A.") || name.contains(".lora_down.");
    match candidate.shapes.keys().any(adapts) {
        true => Error::NoNetwork {
            found: "a LoRA adapter, which changes a network that is not in the file",
            advice: "Merge the two with model.merge_and_unload().save_pretrained(\"merged\"), and open that folder.",
        },
        false => Error::UnknownLayout {
            names: examples(candidate),
        },
    }
}

/// A few names, for people who know their network by them.
fn examples(candidate: &Candidate) -> String {
    let names = candidate.shapes.keys().filter(|name| !is_no_weight(name));
    let shown: Vec<&str> = names.take(3).map(String::as_str).collect();
    shown.join(", ")
}

fn is_no_weight(name: &str) -> bool {
    NO_WEIGHTS.iter().any(|end| name.ends_with(end))
}

/// What is known of weights but themselves.
struct Said {
    /// What the file's name says that it is.
    called: Option<String>,
    named: Option<Named>,
    /// Whether it ends in fastai's layers.
    of_fastai: bool,
    config: Config,
    pictures: Pictures,
    /// Height and width of its input.
    size: [usize; 2],
    notes: Vec<Note>,
}

fn build(
    layout: &Layout,
    prefix: &str,
    mut state: StateDict,
    said: Said,
    beside: &[File],
    options: &Options,
) -> Result<Imported> {
    let Said {
        called,
        named,
        of_fastai,
        config,
        pictures,
        size,
        mut notes,
    } = said;
    state.tensors.retain(|name, _| !is_no_weight(name));
    if state.scripted {
        notes.push(Note::ScriptNotRead);
    }
    let own_labels = std::mem::take(&mut state.labels);
    let trained = std::mem::take(&mut state.training);
    let first = state.tensors.get(&format!("{prefix}{}", layout.names[0]));
    let channels = match first.map(|tensor| &tensor.shape[..]) {
        // Pixels of two by two lie side by side before it.
        Some([_, 12, _, _]) if layout.title == YOLO => 3,
        Some(&[_, channels, _, _]) => channels.max(1),
        // A row of pixels, which are grey.
        _ => 1,
    };
    let mut layers = Layers::new(state, prefix, layout.names[0], [channels, size[0], size[1]])?;
    layers.ends_as_fastai = of_fastai;
    layers.shares = trained.shares;
    let mut channel_order = pictures.channel_order;
    if let Some(named) = &named {
        config.check(named.first_stage_halves())?;
        layers.of_hugging_face = true;
        layers.said_act = config.act()?.or(named.act());
        layers.layer_epsilon = config.epsilon().or(named.epsilon());
        if named.came_from_tensorflow() {
            layers.pad = config.pad();
            layers.epsilon = config.epsilon().unwrap_or(1e-3);
        }
        layers.scaling = named.scaling();
        channel_order = pictures.channel_order.or(named.channel_order());
    }
    if layers.arch.is_none() {
        layers.arch = config.architecture().map(Into::into).or(called);
    }
    if layers.is_called("quickgelu") {
        layers.said_act = Some(Act::QuickGelu);
    }
    let one_by_one = config.is_multi_label() || trained.multi_label;
    let numbers = config.is_regression();
    layers.config = config;
    let mut logits = (layout.build)(&mut layers)?;
    let outputs = layers.b.shape(logits).iter().product();
    let detector = layers.detector.take();
    if let Some(asked) = options.classes.filter(|_| detector.is_none()) {
        if asked == 0 || asked > outputs {
            return Err(Error::Classes {
                found: outputs,
                asked,
            });
        }
        logits = layers.b.slice(logits, &[0], &[asked as i64], &[-1], &[])?;
    } else if outputs == 1 && !one_by_one && !numbers {
        logits = layers.b.unary(Unary::Sigmoid, logits)?;
        notes.push(Note::AssumedSigmoid);
    }
    if one_by_one {
        logits = layers.b.unary(Unary::Sigmoid, logits)?;
    }
    let shares = layers.shares.then(|| Scaling::uniform(1.0 / 255.0, 0.0));
    let mut scaling = pictures.scaling.or(shares).or(normaliser(layers.beside()));
    if let (None, Some(usual)) = (&scaling, layers.scaling) {
        scaling = Some(Scaling::uniform(1.0 / usual.std, -usual.mean / usual.std));
        notes.push(Note::AssumedScaling {
            exporter: usual.exporter,
            rule: usual.rule,
        });
    }
    let (unused, misplaced) = layers.left();
    if let Some(first) = misplaced.first() {
        let title = layout.title;
        let reason = format!(
            "“{first}” has no place in {title} ({} such)",
            misplaced.len()
        );
        return Err(layers.differs(reason));
    }
    notes.append(&mut layers.notes);
    if !unused.is_empty() {
        notes.push(Note::Unused { names: unused });
    }
    let input = layers.b.input();
    let &[channels, height, width] = layers.b.shape(input) else {
        unreachable!("it was begun with three axes");
    };
    if ![1, 3].contains(&channels) {
        return Err(Error::NotAPicture {
            input: layout.names[0].into(),
            found: format!("{channels} planes of numbers"),
            advice: "It has to take one grey or colour picture.",
        });
    }
    if detector.is_none() {
        layers.b.output("logits", logits);
    }
    let graph = layers.b.finish()?;
    let operations = graph.summary().operations;
    let mut input = InputKind::new("image", Order::Planes, [channels, height, width]);
    input.scaling = scaling;
    let padded = detector.as_ref().map(|_| Framing::Pad);
    let resized = trained.resize.map(|resize| match resize {
        Resize::Crop => Framing::Crop,
        Resize::Squash => Framing::Squash,
    });
    input.framing = pictures.framing.or(resized).or(padded);
    input.filter = pictures.filter;
    // Who trains with these reads photos as red, green and blue.
    let known = named.is_some() || of_fastai || layout.title == YOLO;
    input.channel_order = channel_order.or(known.then_some(ChannelOrder::Rgb));
    Ok(Imported {
        detector,
        labels: labels::beside(beside).unwrap_or(own_labels),
        input,
        notes,
        operations: operations
            .iter()
            .map(|&(name, count)| OperationCount {
                name: name.into(),
                count,
            })
            .collect(),
        producer: "PyTorch".into(),
        graph,
    })
}

/// A mean and a standard deviation for each colour that lie beside the network, as Lightning modules
/// keep them.
fn normaliser<'a>(beside: impl Iterator<Item = (&'a str, &'a Tensor)>) -> Option<Scaling> {
    let (mut mean, mut std) = (None, None);
    for (name, tensor) in beside {
        let last = name.rsplit('.').next().unwrap_or(name);
        let place = match last.trim_start_matches("pixel_").trim_start_matches('_') {
            "mean" => &mut mean,
            "std" => &mut std,
            _ => continue,
        };
        if tensor.values.len() == 3 && tensor.values.iter().all(|value| value.is_finite()) {
            *place = Some(&tensor.values);
        }
    }
    let (mean, std) = (mean?, std?);
    if std.iter().any(|&std| std <= 0.0) {
        return None;
    }
    // On a scale of 0 to 1, or of pixels.
    let unit = if std.iter().all(|&std| std <= 1.0) {
        255.0
    } else {
        1.0
    };
    Some(Scaling {
        scale: std.iter().map(|std| 1.0 / (unit * std)).collect(),
        offset: mean
            .iter()
            .zip(std)
            .map(|(mean, std)| -mean / std)
            .collect(),
    })
}
