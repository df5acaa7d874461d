//! Python's pickles, as far as PyTorch's files use them, and nothing of them executed.
//!
//! A pickle is a program for a small stack machine. Its calls are answered here for the three or four
//! functions that make tensors and dictionaries; every other call gives an opaque object that keeps
//! its state, which is data too. Lists and dictionaries live in one vector and are named by their
//! place in it, so that no nesting, however deep or circular, can exhaust the stack.
//!
//! # Source
//!
//! Python's `pickletools.py` for the opcodes, `torch/_utils.py` for the arguments of the calls.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Dtype, Whole};
use crate::{Result, damaged};

/// Name of a state that is a tuple.
const STATE: &str = "state";
/// Entries that become the state of objects, at most: an object takes its entries once.
const MOST_COPIED: usize = 1 << 20;

/// A value on the stack.
#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// The name of a function or class.
    Global(Rc<str>),
    /// A place among [`Pickle::sequences`]: a list or tuple.
    Sequence(usize),
    /// A place among [`Pickle::dictionaries`].
    Dictionary(usize),
    Storage(Rc<Storage>),
    Tensor(Rc<Tensor>),
    /// What some other call made; its state is at this place among the dictionaries, its class among
    /// [`Pickle::classes`].
    Object(usize),
    Mark,
}

/// Values in the file that tensors share.
#[derive(Debug)]
pub(super) struct Storage {
    pub key: String,
    /// Nothing, if the type is none that weights have.
    pub dtype: Option<Dtype>,
    /// The same of indices and masks.
    pub whole: Option<Whole>,
    /// Bytes of one element.
    pub size: usize,
}

/// A tensor as a window into a storage; offset, shape and strides count elements.
#[derive(Debug)]
pub(super) struct Tensor {
    pub storage: Rc<Storage>,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// What a pickle made.
#[derive(Debug)]
pub(super) struct Pickle {
    pub root: Value,
    /// Every storage that the pickle names.
    pub storages: Vec<Rc<Storage>>,
    sequences: Vec<Vec<Value>>,
    dictionaries: Vec<Vec<(Value, Value)>>,
    /// What made each object, by its place.
    classes: HashMap<usize, Rc<str>>,
    /// Whether a call of NumPy's was left out.
    pub numpy: bool,
    /// Whether a tensor is quantised.
    pub quantised: bool,
}

impl Pickle {
    /// Runs the pickle at the start of `bytes`, which moves on behind it.
    pub(super) fn read(bytes: &mut &[u8]) -> Result<Self> {
        Machine::new(bytes).run()
    }

    /// The class of an object; of anything else, nothing.
    pub(super) fn class(&self, value: &Value) -> Option<&str> {
        match value {
            Value::Object(place) => self.classes.get(place).map(|class| &**class),
            _ => None,
        }
    }

    /// Every object of a class, in the order in which they were made.
    pub(super) fn made_by(&self, class: &str) -> impl Iterator<Item = Value> {
        let of_class = self.classes.iter().filter(|(_, found)| &***found == class);
        let mut places: Vec<usize> = of_class.map(|(&place, _)| place).collect();
        places.sort_unstable();
        places.into_iter().map(Value::Object)
    }

    /// The items of a list or tuple; of anything else, none.
    pub(super) fn items(&self, value: &Value) -> &[Value] {
        match value {
            Value::Sequence(place) => &self.sequences[*place],
            _ => &[],
        }
    }

    /// The entries of a dictionary whose keys are whole numbers from 0 on; of anything else, none.
    pub(super) fn numbered(&self, value: &Value) -> impl Iterator<Item = (usize, &Value)> {
        let entries: &[(Value, Value)] = match value {
            Value::Dictionary(place) => &self.dictionaries[*place],
            _ => &[],
        };
        entries.iter().filter_map(|(key, value)| match key {
            Value::Int(key) => Some((usize::try_from(*key).ok()?, value)),
            _ => None,
        })
    }

    /// All entries of a dictionary; of anything else, none.
    pub(super) fn pairs(&self, value: &Value) -> &[(Value, Value)] {
        match value {
            Value::Dictionary(place) => &self.dictionaries[*place],
            _ => &[],
        }
    }

    /// The entries of a dictionary, or of an object's state; of anything else, none. Keys that are
    /// no text are left out.
    pub(super) fn entries(&self, value: &Value) -> impl Iterator<Item = (&str, &Value)> {
        let entries: &[(Value, Value)] = match value {
            Value::Dictionary(place) | Value::Object(place) => &self.dictionaries[*place],
            _ => &[],
        };
        entries.iter().filter_map(|(key, value)| match key {
            Value::Text(key) => Some((&**key, value)),
            _ => None,
        })
    }
}

struct Machine<'a, 'b> {
    bytes: &'a mut &'b [u8],
    stack: Vec<Value>,
    memo: Vec<Value>,
    storages: Vec<Rc<Storage>>,
    sequences: Vec<Vec<Value>>,
    dictionaries: Vec<Vec<(Value, Value)>>,
    classes: HashMap<usize, Rc<str>>,
    numpy: bool,
    quantised: bool,
    /// Values that were copied from one place to another.
    copied: usize,
}

impl<'a, 'b> Machine<'a, 'b> {
    fn new(bytes: &'a mut &'b [u8]) -> Self {
        Self {
            bytes,
            stack: Vec::new(),
            memo: Vec::new(),
            storages: Vec::new(),
            sequences: Vec::new(),
            dictionaries: Vec::new(),
            classes: HashMap::new(),
            numpy: false,
            quantised: false,
            copied: 0,
        }
    }

    fn run(mut self) -> Result<Pickle> {
        loop {
            let [opcode] = self.take()?;
            match opcode {
                b'.' => break,
                0x80 => drop(self.take::<1>()?), // PROTO
                0x95 => drop(self.take::<8>()?), // FRAME
                b'(' => self.stack.push(Value::Mark),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_to_mark()?),
                b'2' => {
                    let top = self.top()?.clone();
                    self.stack.push(top);
                }
                b'N' => self.stack.push(Value::None),
                0x88 | 0x89 => self.stack.push(Value::Bool(opcode == 0x88)),
                b'K' => {
                    let [value] = self.take()?;
                    self.stack.push(Value::Int(value.into()));
                }
                b'M' => {
                    let value = u16::from_le_bytes(self.take()?);
                    self.stack.push(Value::Int(value.into()));
                }
                b'J' => {
                    let value = i32::from_le_bytes(self.take()?);
                    self.stack.push(Value::Int(value.into()));
                }
                0x8a => {
                    let [length] = self.take()?;
                    let value = self.integer(length.into())?;
                    self.stack.push(value);
                }
                0x8b => {
                    let length = self.length()?;
                    let value = self.integer(length)?;
                    self.stack.push(value);
                }
                b'I' | b'L' => {
                    let line = self.line()?;
                    let digits = line.trim_end_matches('L');
                    let value = digits.parse().map_or(Value::None, Value::Int);
                    self.stack.push(value);
                }
                b'G' => {
                    let value = f64::from_be_bytes(self.take()?);
                    self.stack.push(Value::Float(value));
                }
                b'F' => {
                    let value = self.line()?.parse().map_or(Value::None, Value::Float);
                    self.stack.push(value);
                }
                b'X' | b'T' | b'B' => {
                    let length = self.length()?;
                    self.text(length)?;
                }
                0x8c | b'U' | b'C' => {
                    let [length] = self.take()?;
                    self.text(length.into())?;
                }
                0x8d | 0x8e => {
                    let length = u64::from_le_bytes(self.take()?);
                    self.text(usize::try_from(length).unwrap_or(usize::MAX))?;
                }
                b'V' | b'S' => {
                    let line = self.line()?;
                    let text = line.trim_matches(['\'', '"']);
                    self.stack.push(Value::Text(text.into()));
                }
                b'c' => {
                    let name = format!("{}.{}", self.line()?, self.line()?);
                    self.stack.push(Value::Global(name.into()));
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let (Value::Text(module), Value::Text(name)) = (module, name) else {
                        return Err(damaged("a name is no text"));
                    };
                    let name = format!("{module}.{name}");
                    self.stack.push(Value::Global(name.into()));
                }
                b'q' => {
                    let [place] = self.take()?;
                    self.remember(place.into())?;
                }
                b'r' => {
                    let place = self.length()?;
                    self.remember(place)?;
                }
                0x94 => self.remember(self.memo.len())?,
                b'h' => {
                    let [place] = self.take()?;
                    self.recall(place.into())?;
                }
                b'j' => {
                    let place = self.length()?;
                    self.recall(place)?;
                }
                b'p' | b'g' => {
                    let place = self.line()?.parse();
                    let place = place.map_err(|_no_number| damaged("a place is no number"))?;
                    if opcode == b'p' {
                        self.remember(place)?;
                    } else {
                        self.recall(place)?;
                    }
                }
                b'}' => self.push_dictionary(Vec::new()),
                b'd' => {
                    let items = self.pop_to_mark()?;
                    self.push_dictionary(pairs(items));
                }
                b')' | b']' | 0x8f => self.push_sequence(Vec::new()),
                b't' | b'l' | 0x91 => {
                    let items = self.pop_to_mark()?;
                    self.push_sequence(items);
                }
                0x85..=0x87 => {
                    let count = usize::from(opcode) - 0x84;
                    let from = self.stack.len().checked_sub(count);
                    let from = from.ok_or_else(|| damaged("the stack is empty"))?;
                    let items = self.stack.split_off(from);
                    self.push_sequence(items);
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_to_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(vec![(key, value)])?;
                }
                b'u' => {
                    let items = self.pop_to_mark()?;
                    self.set(pairs(items))?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    let storage = Rc::new(self.storage(&id)?);
                    self.storages.push(Rc::clone(&storage));
                    self.stack.push(Value::Storage(storage));
                }
                b'R' | 0x81 => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    let made = self.call(&function, &arguments)?;
                    self.stack.push(made);
                }
                0x92 => {
                    let (_named, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                    let made = self.call(&class, &arguments)?;
                    self.stack.push(made);
                }
                b'b' => {
                    let state = self.pop()?;
                    self.build(&state)?;
                }
                other => return Err(damaged(&format!("an unknown instruction, {other:#04x}"))),
            }
        }
        let root = self.pop()?;
        Ok(Pickle {
            root,
            storages: self.storages,
            sequences: self.sequences,
            dictionaries: self.dictionaries,
            classes: self.classes,
            numpy: self.numpy,
            quantised: self.quantised,
        })
    }

    // ---- Bytes ------------------------------------------------------------------------------

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk().ok_or_else(ends)?;
        *self.bytes = rest;
        Ok(*head)
    }

    fn take_many(&mut self, count: usize) -> Result<&'b [u8]> {
        let (head, rest) = self.bytes.split_at_checked(count).ok_or_else(ends)?;
        *self.bytes = rest;
        Ok(head)
    }

    fn length(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.take()?) as usize)
    }

    fn line(&mut self) -> Result<String> {
        let end = self.bytes.iter().position(|&byte| byte == b'\n');
        let line = self.take_many(end.ok_or_else(ends)?)?;
        self.take::<1>()?;
        Ok(String::from_utf8_lossy(line).into_owned())
    }

    fn text(&mut self, length: usize) -> Result<()> {
        let bytes = self.take_many(length)?;
        let text = String::from_utf8_lossy(bytes);
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    /// A little-endian integer of any length; those that do not fit into 64 bits mean nothing here.
    fn integer(&mut self, length: usize) -> Result<Value> {
        let bytes = self.take_many(length)?;
        if bytes.len() > 8 {
            return Ok(Value::None);
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(wide)))
    }

    // ---- Stack ------------------------------------------------------------------------------

    fn top(&self) -> Result<&Value> {
        self.stack
            .last()
            .ok_or_else(|| damaged("the stack is empty"))
    }

    fn pop(&mut self) -> Result<Value> {
        self.stack
            .pop()
            .ok_or_else(|| damaged("the stack is empty"))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>> {
        let mark = self
            .stack
            .iter()
            .rposition(|value| matches!(value, Value::Mark));
        let mark = mark.ok_or_else(|| damaged("a mark is missing"))?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn remember(&mut self, place: usize) -> Result<()> {
        // Picklers number what they remember one by one.
        if place > self.memo.len() {
            return Err(damaged("a value is remembered out of turn"));
        }
        let top = self.top()?.clone();
        if place < self.memo.len() {
            self.memo[place] = top;
        } else {
            self.memo.push(top);
        }
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<()> {
        let value = self.memo.get(place).cloned();
        self.stack
            .push(value.ok_or_else(|| damaged("a value was never remembered"))?);
        Ok(())
    }

    fn push_sequence(&mut self, items: Vec<Value>) {
        self.stack.push(Value::Sequence(self.sequences.len()));
        self.sequences.push(items);
    }

    fn push_dictionary(&mut self, entries: Vec<(Value, Value)>) {
        self.stack.push(Value::Dictionary(self.dictionaries.len()));
        self.dictionaries.push(entries);
    }

    fn append(&mut self, items: Vec<Value>) -> Result<()> {
        match *self.top()? {
            Value::Sequence(place) => self.sequences[place].extend(items),
            Value::Object(_) => {}
            _ => return Err(damaged("an item is added to what is no list")),
        }
        Ok(())
    }

    fn set(&mut self, entries: Vec<(Value, Value)>) -> Result<()> {
        match *self.top()? {
            Value::Dictionary(place) | Value::Object(place) => {
                self.dictionaries[place].extend(entries);
                Ok(())
            }
            _ => Err(damaged("an entry is set in what is no dictionary")),
        }
    }

    // ---- What PyTorch calls -----------------------------------------------------------------

    /// `('storage', torch.FloatStorage, key, location, count)`.
    fn storage(&self, id: &Value) -> Result<Storage> {
        let items = match id {
            Value::Sequence(place) => self.sequences[*place].as_slice(),
            _ => &[],
        };
        let [_, Value::Global(class), Value::Text(key), ..] = items else {
            return Err(damaged("a storage is not described as PyTorch does"));
        };
        Ok(Storage {
            key: key.to_string(),
            dtype: Dtype::of_storage(class),
            whole: Whole::of_storage(class),
            size: element_size(class)?,
        })
    }

    fn call(&mut self, function: &Value, arguments: &Value) -> Result<Value> {
        let Value::Global(name) = function else {
            return Ok(self.object("".into()));
        };
        let arguments = match arguments {
            Value::Sequence(place) => *place,
            _ => return Ok(self.object(name.clone())),
        };
        match &**name {
            "collections.OrderedDict" => {
                self.dictionaries.push(Vec::new());
                Ok(Value::Dictionary(self.dictionaries.len() - 1))
            }
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => self
                .tensor(&self.sequences[arguments])
                .map(|tensor| Value::Tensor(tensor.into())),
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                match self.sequences[arguments].first() {
                    Some(data) => Ok(data.clone()),
                    None => Err(damaged("a parameter has no data")),
                }
            }
            // TorchScript's lists, whose items are all of one type.
            "torch.jit._pickle.build_intlist"
            | "torch.jit._pickle.build_doublelist"
            | "torch.jit._pickle.build_boollist"
            | "torch.jit._pickle.build_tensorlist"
            | "torch.jit._pickle.restore_type_tag" => {
                let list = self.sequences[arguments].first();
                Ok(list.cloned().unwrap_or(Value::None))
            }
            // A tuple by another name.
            "fastcore.basics.fastuple" => match self.sequences[arguments].as_slice() {
                [tuple @ Value::Sequence(_)] => Ok(tuple.clone()),
                _ => Ok(self.object(name.clone())),
            },
            // A subclass of tensor: what makes it, its class, that one's arguments.
            "torch._tensor._rebuild_from_type_v2" | "torch._tensor._rebuild_from_type" => {
                match self.sequences[arguments].as_slice() {
                    [Value::Global(inner), _, Value::Sequence(place), ..]
                        if inner.starts_with("torch._utils._rebuild_tensor") =>
                    {
                        let tensor = self.tensor(&self.sequences[*place])?;
                        Ok(Value::Tensor(tensor.into()))
                    }
                    _ => Ok(self.object(name.clone())),
                }
            }
            name => {
                self.numpy |= name.starts_with("numpy.") || name.ends_with("_from_numpy");
                self.quantised |= name == "torch._utils._rebuild_qtensor";
                Ok(self.object(name.into()))
            }
        }
    }

    fn object(&mut self, class: Rc<str>) -> Value {
        let place = self.dictionaries.len();
        self.dictionaries.push(Vec::new());
        self.classes.insert(place, class);
        Value::Object(place)
    }

    /// `(storage, offset, shape, strides, …)`.
    fn tensor(&self, arguments: &[Value]) -> Result<Tensor> {
        let [
            Value::Storage(storage),
            Value::Int(offset),
            shape,
            strides,
            ..,
        ] = arguments
        else {
            return Err(damaged("a tensor is not described as PyTorch does"));
        };
        let count = |value: &i64| {
            usize::try_from(*value).map_err(|_negative| damaged("a tensor has a negative size"))
        };
        let numbers = |value: &Value| -> Result<Vec<usize>> {
            let items = match value {
                Value::Sequence(place) => self.sequences[*place].as_slice(),
                _ => &[],
            };
            let number = |item: &Value| match item {
                Value::Int(value) => count(value),
                _ => Err(damaged("a tensor's shape is no number")),
            };
            items.iter().map(number).collect()
        };
        Ok(Tensor {
            storage: Rc::clone(storage),
            offset: count(offset)?,
            shape: numbers(shape)?,
            strides: numbers(strides)?,
        })
    }

    /// Gives an object its state; what a dictionary or tensor gets besides is of no use here.
    fn build(&mut self, state: &Value) -> Result<()> {
        if let (&Value::Object(object), &Value::Dictionary(state)) = (self.top()?, state)
            && object != state
        {
            self.copied += self.dictionaries[state].len();
            if self.copied > MOST_COPIED {
                return Err(damaged("it copies its entries without end"));
            }
            let entries = self.dictionaries[state].clone();
            self.dictionaries[object].extend(entries);
        }
        // What TorchScript's packed weights are set to is no dictionary.
        if let (&Value::Object(object), Value::Sequence(_)) = (self.top()?, state) {
            let named = (Value::Text(STATE.into()), state.clone());
            self.dictionaries[object].push(named);
        }
        Ok(())
    }
}

/// Bytes of one element of a storage of that class.
fn element_size(class: &str) -> Result<usize> {
    match class.rsplit('.').next().unwrap_or_default() {
        "ByteStorage" | "CharStorage" | "BoolStorage" | "UntypedStorage" => Ok(1),
        "HalfStorage" | "BFloat16Storage" | "ShortStorage" => Ok(2),
        "FloatStorage" | "IntStorage" => Ok(4),
        "DoubleStorage" | "LongStorage" => Ok(8),
        other => Err(damaged(&format!(
            "its numbers are of an unknown type, {other}"
        ))),
    }
}

fn pairs(items: Vec<Value>) -> Vec<(Value, Value)> {
    let mut items = items.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

fn ends() -> crate::Error {
    damaged("it ends too early")
}
