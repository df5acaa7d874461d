//! Weights by name and no description of the network: PyTorch's state dictionaries, safetensors.
//!
//! Names and shapes tell which network they belong to. The layouts are those of torchvision's
//! classifiers, some also as timm, Hugging Face and others name them, and of PyTorch's tutorials; each is built as its authors' code does, and
//! widths, depths, kernels, groups and the last layers are read off the weights. What is left over
//! beside the network is named in a [`Note`]; a tensor within its layers that has no place, as of a
//! block that was changed, is refused: it would compute something else.

mod catalogue;
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
mod names;
mod plain;
mod residual;
mod swin;
mod timm;
mod transformer;
mod tutorials;
mod yolo;

use violet_graph::Unary;
use violet_weights::{Candidate, Resize, StateDict, Tensor};

use self::catalogue::{FIXED, Layout, Match, View, YOLO, matches};
use self::config::{Config, Pictures};
use self::hugging_face::Named;
use self::layers::{Act, Layers};
use self::names::Names;
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
