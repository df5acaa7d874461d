//! Layers by the names of their weights: what every layout is built from.
//!
//! Widths, kernels, groups and depths are read off the tensors' shapes; a layout says only what they
//! do not tell. Of a whole saved module, what its parts say goes before what the layout says.

use std::collections::{BTreeMap, BTreeSet};

use violet_graph::{Binary, Builder, Clamp, Constant, Padding, Reduction, Sliding, Unary, ValueId};
use violet_weights::{Module, StateDict, Tensor};

use super::config::Config;
use super::{fastai, modules};
use crate::error::{Error, Result};
use crate::imported::{Detector, Note};

/// A function after a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Act {
    None,
    Relu,
    Relu6,
    LeakyRelu(f32),
    Elu(f32),
    Silu,
    /// x · σ(1.702 x), as CLIP's first towers have it.
    QuickGelu,
    HardSwish,
    Gelu,
    GeluTanh,
    Sigmoid,
    HardSigmoid,
    Tanh,
}

/// How a convolution or pool is padded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pad {
    /// Half the kernel on every side, as PyTorch's networks are.
    Half,
    /// Not at all.
    None,
    /// As TensorFlow's `SAME`.
    Tensorflow,
}

/// (value − mean) / std of a pixel's 0 to 255, and who does so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assumed {
    pub(super) exporter: &'static str,
    pub(super) rule: &'static str,
    pub(super) mean: f32,
    pub(super) std: f32,
}

/// As TensorFlow's networks and those that came from it are given pixels.
pub(super) const MINUS_ONE_TO_ONE: Assumed = Assumed {
    exporter: "a network that came from TensorFlow",
    rule: "value / 127.5 − 1",
    mean: 127.5,
    std: 127.5,
};

/// A network under construction, and the weights that it takes.
pub(super) struct Layers {
    pub(super) b: Builder,
    tensors: BTreeMap<String, Tensor>,
    pub(super) modules: BTreeMap<String, Module>,
    prefix: String,
    /// Names that were taken.
    taken: BTreeSet<String>,
    /// BatchNorm's ε.
    pub(super) epsilon: f32,
    pub(super) pad: Pad,
    pub(super) notes: Vec<Note>,
    pub(super) arch: Option<String>,
    /// What its authors make of pixels, where that is not what most do.
    pub(super) scaling: Option<Assumed>,
    /// Whether pixels go in as shares of 255, for certain.
    pub(super) shares: bool,
    /// What is said beside the weights.
    pub(super) config: Config,
    /// ε of layer normalisation, where it is said or another than the layout's.
    pub(super) layer_epsilon: Option<f32>,
    /// Whether its code is Hugging Face's, which may do otherwise what its weights do not tell.
    pub(super) of_hugging_face: bool,
    /// Whether its body ends in fastai's layers in place of its own.
    pub(super) ends_as_fastai: bool,
    /// Its outputs, if it finds boxes.
    pub(super) detector: Option<Detector>,
    /// The function within its layers, where it is said.
    pub(super) said_act: Option<Act>,
}

impl Layers {
    /// Begins with an image, \[C, H, W\], and the layer that is given it.
    pub(super) fn new(
        state: StateDict,
        prefix: &str,
        first: &str,
        image: [usize; 3],
    ) -> Result<Self> {
        let mut b = Builder::new(&image)?;
        b.at(first);
        Ok(Self {
            b,
            tensors: state.tensors,
            modules: state.modules,
            prefix: prefix.into(),
            taken: BTreeSet::new(),
            epsilon: 1e-5,
            pad: Pad::Half,
            notes: Vec::new(),
            arch: state.texts.get("arch").cloned(),
            scaling: None,
            shares: false,
            config: Config::default(),
            layer_epsilon: None,
            of_hugging_face: false,
            ends_as_fastai: false,
            detector: None,
            said_act: None,
        })
    }

    /// The image.
    pub(super) fn input(&self) -> ValueId {
        self.b.input()
    }

    /// Whether there is a tensor of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(&format!("{}{name}", self.prefix))
    }

    /// What is before the last part of the network's prefix.
    pub(super) fn around(&self) -> String {
        let whole = self.prefix.trim_end_matches('.');
        let outer = whole.rsplit_once('.').map(|(outer, _)| format!("{outer}."));
        outer.unwrap_or_default()
    }

    /// Whether the network's name, if it is known, has that part.
    pub(super) fn is_called(&self, part: &str) -> bool {
        self.arch.as_ref().is_some_and(|arch| arch.contains(part))
    }

    /// Whether a name begins so.
    pub(super) fn any(&self, start: &str) -> bool {
        let start = format!("{}{start}", self.prefix);
        let next = self.tensors.range(start.clone()..).next();
        next.is_some_and(|(name, _)| name.starts_with(&start))
    }

    /// The numbers that follow a name, as in `layer1.0.` and `layer1.1.`, in their order.
    pub(super) fn numbers(&self, start: &str) -> Vec<usize> {
        let start = format!("{}{start}", self.prefix);
        let names = self.tensors.range(start.clone()..).map(|(name, _)| name);
        let rest = names.map_while(|name| name.strip_prefix(&start));
        let numbers = rest.filter_map(|rest| rest.split('.').next()?.parse().ok());
        numbers.collect::<BTreeSet<usize>>().into_iter().collect()
    }

    /// Those of [`numbers`](Self::numbers) from one on.
    pub(super) fn numbers_from(&self, start: &str, first: usize) -> Vec<usize> {
        let mut numbers = self.numbers(start);
        numbers.retain(|&number| number >= first);
        numbers
    }

    /// Every name that begins so.
    pub(super) fn names(&self, start: &str) -> Vec<String> {
        let start = format!("{}{start}", self.prefix);
        let names = self.tensors.range(start.clone()..).map(|(name, _)| name);
        names
            .take_while(|name| name.starts_with(&start))
            .map(|name| name[self.prefix.len()..].to_owned())
            .collect()
    }

    /// The shape of a tensor; nothing of one that is not there.
    pub(super) fn dims(&self, name: &str) -> &[usize] {
        let tensor = self.tensors.get(&format!("{}{name}", self.prefix));
        tensor.map_or(&[], |tensor| &tensor.shape)
    }

    /// What a saved module says of the part of that name.
    pub(super) fn module(&self, name: &str) -> Option<&Module> {
        let path = format!("{}{name}", self.prefix);
        self.modules.get(path.strip_suffix('.').unwrap_or(&path))
    }

    /// Takes a tensor.
    pub(super) fn take(&mut self, name: &str) -> Result<Constant> {
        let full = format!("{}{name}", self.prefix);
        let tensor = self.tensors.remove(&full);
        let Some(Tensor { shape, values }) = tensor else {
            let reason = match self.taken.contains(&full) {
                true => format!("the tensor “{full}” belongs to two layers"),
                false => format!("the tensor “{full}” is missing"),
            };
            return Err(self.differs(reason));
        };
        self.taken.insert(full);
        Ok(Constant::f32(&shape, values)?)
    }

    /// Takes a tensor as a value.
    pub(super) fn value(&mut self, name: &str) -> Result<ValueId> {
        let constant = self.take(name)?;
        Ok(self.b.constant(constant)?)
    }

    /// Leaves out what begins so: nothing of it is computed.
    pub(super) fn leave(&mut self, start: &str) {
        for name in self.names(start) {
            self.tensors.remove(&format!("{}{name}", self.prefix));
        }
    }

    /// Takes a tensor if there is one of that name.
    pub(super) fn optional(&mut self, name: &str) -> Result<Option<ValueId>> {
        self.has(name).then(|| self.value(name)).transpose()
    }

    /// That the weights are not what the layout has.
    pub(super) fn differs(&self, reason: String) -> Error {
        Error::OtherLayout { reason }
    }

    /// Channels of an image, \[C, H, W\].
    pub(super) fn channels(&self, x: ValueId) -> usize {
        self.b.shape(x).first().copied().unwrap_or(0)
    }

    /// Height and width of an image.
    pub(super) fn size(&self, x: ValueId) -> [usize; 2] {
        match self.b.shape(x) {
            [.., height, width] => [*height, *width],
            _ => [1, 1],
        }
    }

    /// A convolution by `{name}.weight` and, if there is one, `{name}.bias`.
    pub(super) fn conv(&mut self, x: ValueId, name: &str, stride: usize) -> Result<ValueId> {
        self.conv_padded(x, name, stride, self.pad)
    }

    /// As [`conv`](Self::conv), with padding that follows from nothing.
    pub(super) fn conv_explicit(
        &mut self,
        x: ValueId,
        name: &str,
        stride: usize,
        pads: [usize; 2],
    ) -> Result<ValueId> {
        let padding = Padding::Explicit {
            before: pads,
            after: pads,
        };
        self.conv_sliding(x, name, stride, |_| padding)
    }

    /// As [`conv`](Self::conv), with another padding.
    pub(super) fn conv_padded(
        &mut self,
        x: ValueId,
        name: &str,
        stride: usize,
        pad: Pad,
    ) -> Result<ValueId> {
        self.conv_sliding(x, name, stride, |kernel| match pad {
            Pad::Half => {
                let half = kernel.map(|side| side / 2);
                Padding::Explicit {
                    before: half,
                    after: half,
                }
            }
            Pad::None => Padding::Valid,
            Pad::Tensorflow => Padding::SameUpper,
        })
    }

    fn conv_sliding(
        &mut self,
        x: ValueId,
        name: &str,
        stride: usize,
        padding: impl FnOnce([usize; 2]) -> Padding,
    ) -> Result<ValueId> {
        self.b.at(name);
        let shape = self.dims(&format!("{name}.weight")).to_vec();
        let &[_, each, rows, columns] = shape.as_slice() else {
            let reason = format!("“{name}.weight” is missing or has not four axes");
            return Err(self.differs(reason));
        };
        let channels = self.channels(x);
        if each == 0 || !channels.is_multiple_of(each) {
            let reason = format!(
                "“{name}.weight” is {shape:?}, and its layer is given {channels} \
                channels"
            );
            return Err(self.differs(reason));
        }
        let mut sliding = Sliding {
            stride: [stride; 2],
            padding: padding([rows, columns]),
            ..Sliding::default()
        };
        if let Some(module) = self.module(name) {
            sliding = modules::convolution(module, name, sliding)?;
        }
        let weight = self.value(&format!("{name}.weight"))?;
        let bias = self.optional(&format!("{name}.bias"))?;
        let groups = channels / each;
        Ok(self.b.convolution(x, weight, bias, &sliding, groups)?)
    }

    /// BatchNorm by `{name}.running_var` and its like. Where it is folded into the layer before, there
    /// is none.
    pub(super) fn norm(&mut self, x: ValueId, name: &str) -> Result<ValueId> {
        let epsilon = match self.module(name) {
            Some(module) if modules::is_identity(module) => return Ok(x),
            Some(module) => modules::batch_norm(module, name, self.epsilon)?,
            None => self.epsilon,
        };
        self.b.at(name);
        let scale = self.optional(&format!("{name}.weight"))?;
        let bias = self.optional(&format!("{name}.bias"))?;
        let mean = self.value(&format!("{name}.running_mean"))?;
        let variance = self.value(&format!("{name}.running_var"))?;
        Ok(self
            .b
            .batch_norm(x, 0, scale, bias, mean, variance, epsilon)?)
    }

    /// A convolution, its BatchNorm unless that is folded, and a function.
    pub(super) fn conv_norm(
        &mut self,
        x: ValueId,
        [conv, norm]: [&str; 2],
        stride: usize,
        act: Act,
    ) -> Result<ValueId> {
        self.conv_norm_padded(x, [conv, norm], stride, self.pad, act)
    }

    /// As [`conv_norm`](Self::conv_norm), with another padding.
    pub(super) fn conv_norm_padded(
        &mut self,
        x: ValueId,
        [conv, norm]: [&str; 2],
        stride: usize,
        pad: Pad,
        act: Act,
    ) -> Result<ValueId> {
        let folded = self.has(&format!("{conv}.bias"))
            && !self.has(&format!("{norm}.running_var"))
            && self.module(norm).is_none_or(modules::is_identity);
        let x = self.conv_padded(x, conv, stride, pad)?;
        let x = match folded {
            true => x,
            false => self.norm(x, norm)?,
        };
        // timm's normalisations hold the function that follows.
        self.act_named(x, &format!("{norm}.act"), act)
    }

    /// Layer normalisation over the last axis.
    pub(super) fn layer_norm(&mut self, x: ValueId, name: &str, epsilon: f32) -> Result<ValueId> {
        let epsilon = match self.module(name) {
            Some(module) => modules::layer_norm(module, name, epsilon)?,
            None => epsilon,
        };
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        if self.module(name).is_none() && self.has(&weight) && !self.has(&bias) {
            let reason = format!("“{name}” has no bias, which may be RMS normalisation");
            return Err(self.differs(reason));
        }
        self.b.at(name);
        let scale = match self.module(name) {
            Some(_) => self.optional(&weight)?,
            None => Some(self.value(&weight)?),
        };
        let bias = self.optional(&bias)?;
        Ok(self.b.layer_norm(x, -1, scale, bias, epsilon)?)
    }

    /// x · weightᵀ + bias over the last axis.
    pub(super) fn linear(&mut self, x: ValueId, name: &str) -> Result<ValueId> {
        if let Some(module) = self.module(name) {
            modules::linear(module, name)?;
        }
        self.b.at(name);
        let mut weight = self.value(&format!("{name}.weight"))?;
        // Some write a layer over channels as a convolution of 1×1.
        if let &[outputs, inputs, 1, 1] = self.b.shape(weight) {
            weight = self.b.reshape(weight, &[outputs as i64, inputs as i64])?;
        }
        let bias = self.optional(&format!("{name}.bias"))?;
        Ok(self.b.linear(x, weight, bias)?)
    }

    /// A function that no module names.
    pub(super) fn act(&mut self, x: ValueId, act: Act) -> Result<ValueId> {
        let b = &mut self.b;
        let (slope, offset) = (1.0 / 6.0, 0.5);
        Ok(match act {
            Act::None => x,
            Act::Relu => b.relu(x)?,
            Act::Relu6 => b.unary(Unary::Clip(Clamp { min: 0.0, max: 6.0 }), x)?,
            Act::LeakyRelu(slope) => b.unary(Unary::LeakyRelu { slope }, x)?,
            Act::Elu(alpha) => b.unary(Unary::Elu { alpha }, x)?,
            Act::Silu => b.silu(x)?,
            Act::QuickGelu => b.swish(x, 1.702)?,
            Act::HardSwish => b.hard_swish(x)?,
            Act::Gelu => b.gelu(x, false)?,
            Act::GeluTanh => b.gelu(x, true)?,
            Act::Sigmoid => b.unary(Unary::Sigmoid, x)?,
            Act::HardSigmoid => b.unary(Unary::HardSigmoid { slope, offset }, x)?,
            Act::Tanh => b.unary(Unary::Tanh, x)?,
        })
    }

    /// The function that the module of that name is, or the usual one.
    pub(super) fn act_named(&mut self, x: ValueId, name: &str, usual: Act) -> Result<ValueId> {
        let act = match self.module(name) {
            Some(module) => modules::activation(module, name)?,
            None => usual,
        };
        self.act(x, act)
    }

    /// A max-pool, or what stands in its place in a saved module.
    pub(super) fn max_pool(
        &mut self,
        x: ValueId,
        name: &str,
        kernel: usize,
        stride: usize,
        padding: usize,
        ceil: bool,
    ) -> Result<ValueId> {
        let mut pool = modules::Pool {
            kernel: [kernel; 2],
            sliding: Sliding {
                stride: [stride; 2],
                padding: Padding::Explicit {
                    before: [padding; 2],
                    after: [padding; 2],
                },
                ceil,
                ..Sliding::default()
            },
        };
        if let Some(module) = self.module(name) {
            match modules::max_pool(module, name, pool)? {
                Some(found) => pool = found,
                None => return Ok(x),
            }
        }
        self.b.at(name);
        Ok(self.b.max_pool(x, pool.kernel, &pool.sliding)?)
    }

    /// The mean of windows, padding not counted unless it says so.
    pub(super) fn average_pool(
        &mut self,
        x: ValueId,
        kernel: usize,
        stride: usize,
        padding: usize,
        ceil: bool,
    ) -> Result<ValueId> {
        let sliding = Sliding {
            stride: [stride; 2],
            padding: Padding::Explicit {
                before: [padding; 2],
                after: [padding; 2],
            },
            ceil,
            ..Sliding::default()
        };
        Ok(self.b.average_pool(x, [kernel; 2], &sliding, true)?)
    }

    /// PyTorch's adaptive mean: \[C, H, W\] to \[C, size, size\]; window k reaches from ⌊k H / size⌋ to
    /// ⌈(k + 1) H / size⌉.
    pub(super) fn adaptive_pool(&mut self, x: ValueId, size: usize) -> Result<ValueId> {
        let mut x = x;
        for axis in [1, 2] {
            let length = self.b.shape(x)[axis];
            if length == size {
                continue;
            }
            let mut matrix = vec![0.0; length * size];
            for k in 0..size {
                let (from, to) = (k * length / size, ((k + 1) * length).div_ceil(size));
                for index in from..to {
                    matrix[k * length + index] = 1.0 / (to - from) as f32;
                }
            }
            let weight = self.b.constant(Constant::f32(&[size, length], matrix)?)?;
            let order = [0, 2, 1];
            if axis == 1 {
                x = self.b.transpose(x, &order)?;
            }
            x = self.b.linear(x, weight, None)?;
            if axis == 1 {
                x = self.b.transpose(x, &order)?;
            }
        }
        Ok(x)
    }

    /// The mean of windows beside each other, those at the edge of what they have.
    pub(super) fn average_pool_uncounted(
        &mut self,
        x: ValueId,
        kernel: usize,
        stride: usize,
    ) -> Result<ValueId> {
        let sliding = Sliding {
            stride: [stride; 2],
            ceil: true,
            ..Sliding::default()
        };
        Ok(self.b.average_pool(x, [kernel; 2], &sliding, false)?)
    }

    /// One number of each channel: \[C, H, W\] to \[C\].
    pub(super) fn pooled(&mut self, x: ValueId) -> Result<ValueId> {
        if self.ends_as_fastai {
            return fastai::pooled(self, x);
        }
        let path = ["avgpool", "global_pool"];
        if let Some(module) = path.iter().find_map(|name| self.module(name)) {
            modules::global_pool(module)?;
        }
        let x = self.b.global_pool(Reduction::Mean, x)?;
        self.flat(x)
    }

    /// All in a row.
    pub(super) fn flat(&mut self, x: ValueId) -> Result<ValueId> {
        Ok(self.b.reshape(x, &[-1])?)
    }

    pub(super) fn add(&mut self, a: ValueId, b: ValueId) -> Result<ValueId> {
        if self.b.shape(a) != self.b.shape(b) {
            let reason = format!(
                "a shortcut of shape {:?} does not fit {:?}",
                self.b.shape(b),
                self.b.shape(a)
            );
            return Err(self.differs(reason));
        }
        Ok(self.b.binary(Binary::Add, a, b)?)
    }

    pub(super) fn concat(&mut self, parts: &[ValueId]) -> Result<ValueId> {
        Ok(self.b.concat(parts, 0)?)
    }

    /// Squeeze and excitation: x · gate(expand(act(reduce(mean of x)))), both 1×1 convolutions.
    pub(super) fn squeeze_excite(
        &mut self,
        x: ValueId,
        [reduce, expand]: [&str; 2],
        act: Act,
        gate: Act,
    ) -> Result<ValueId> {
        let mean = self.b.global_pool(Reduction::Mean, x)?;
        let narrow = self.conv(mean, reduce, 1)?;
        let narrow = self.act(narrow, act)?;
        let wide = self.conv(narrow, expand, 1)?;
        let gate = self.act(wide, gate)?;
        Ok(self.b.binary(Binary::Mul, x, gate)?)
    }

    /// What was not taken: names beside the network, and names within its layers.
    pub(super) fn left(&self) -> (Vec<String>, Vec<String>) {
        let part = |name: &str| -> Option<String> {
            let rest = name.strip_prefix(&self.prefix)?;
            Some(rest.split('.').next().unwrap_or_default().to_owned())
        };
        let used: BTreeSet<String> = self.taken.iter().filter_map(|name| part(name)).collect();
        let within = |name: &&String| part(name).is_some_and(|part| used.contains(&part));
        let (within, beside) = self.tensors.keys().partition::<Vec<_>, _>(within);
        let owned = |names: Vec<&String>| names.into_iter().cloned().collect();
        (owned(beside), owned(within))
    }

    /// Tensors beside the network, by the whole of their names.
    pub(super) fn beside(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let inside = |name: &str| !self.prefix.is_empty() && name.starts_with(&self.prefix);
        let tensors = self.tensors.iter();
        tensors
            .map(|(name, tensor)| (name.as_str(), tensor))
            .filter(move |(name, _)| !inside(name))
    }

    /// What stands at names that begin otherwise, as if the network had been called so.
    pub(super) fn elsewhere<T>(
        &mut self,
        prefix: &str,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let own = std::mem::replace(&mut self.prefix, prefix.into());
        let made = read(self);
        self.prefix = own;
        made
    }
}
