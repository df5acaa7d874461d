//! TorchScript: a network with its code, as `torch.jit.save` keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A network, and the code that says what it computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Texts of the code by their paths, as in `__torch__/torchvision/models/resnet.py`.
    pub code: BTreeMap<String, String>,
    /// Every object: modules, and what they are made of.
    pub objects: Vec<Object>,
    /// The network: a place among the objects.
    pub root: usize,
    /// What the code calls `CONSTANTS.c0`, `CONSTANTS.c1` …
    pub constants: Vec<Item>,
    /// Texts that were saved beside it, by their names, as Ultralytics' `config.txt`.
    pub extra: BTreeMap<String, String>,
}

/// A module, or another object of a class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object {
    /// Its class, as in `__torch__.torch.nn.modules.conv.Conv2d`.
    pub class: String,
    /// What it holds, by name.
    pub attributes: BTreeMap<String, Item>,
}

/// What an attribute or a constant is.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Python's `None`, and whatever is of no use here.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list or a tuple.
    List(Vec<Item>),
    /// A dictionary, in its order.
    Dictionary(Vec<(Item, Item)>),
    /// A tensor.
    Array(Array),
    /// A place among [`Script::objects`].
    Object(usize),
}

/// A tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// As many as the shape holds, row by row.
    pub data: Data,
}

/// The numbers of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Floats of any width.
    Floats(Arc<[f32]>),
    /// Integers of any width.
    Integers(Arc<[i64]>),
    /// Truth values.
    Bools(Arc<[bool]>),
}
