//! What an ONNX file says: model, graph, nodes, tensors. Strings and weights stay in the file.
//!
//! Only the fields that matter here are kept. Everything that is counted out into memory is taken
//! from one [`Budget`], so that a small file cannot ask for much; lists of numbers are decoded when
//! asked for, at most as many as the asker allows.
//!
//! Source: `onnx/onnx.proto` of ONNX 1.20 (ir_version 13).

use super::attribute::Attribute;
use super::protobuf::{Fields, WireError};

/// Nodes, tensors, names and so on in a file, all together. Networks of a thousand layers have some
/// ten thousand.
const MAX_ENTRIES: usize = 1_000_000;
/// Axes of a tensor. Beyond eight nobody goes.
const MAX_RANK: usize = 16;

type Result<T> = std::result::Result<T, WireError>;

/// How many entries may still be taken into memory.
#[derive(Debug)]
struct Budget(usize);

impl Budget {
    fn take(&mut self) -> Result<()> {
        const TOO_MANY: WireError = WireError::TooMany {
            limit: MAX_ENTRIES,
            what: "entries",
        };
        self.0 = self.0.checked_sub(1).ok_or(TOO_MANY)?;
        Ok(())
    }

    fn push<T>(&mut self, list: &mut Vec<T>, entry: T) -> Result<()> {
        self.take()?;
        list.push(entry);
        Ok(())
    }
}

/// `ModelProto`: a whole file.
#[derive(Debug, Default)]
pub(crate) struct Model<'a> {
    pub(crate) ir_version: i64,
    pub(crate) producer_name: &'a str,
    pub(crate) producer_version: &'a str,
    pub(crate) opsets: Vec<Opset<'a>>,
    pub(crate) graph: Option<Graph<'a>>,
    pub(crate) metadata: Vec<(&'a str, &'a str)>,
    pub(crate) functions: Vec<Function<'a>>,
}

/// `OperatorSetIdProto`: which version of a domain's operators is meant.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Opset<'a> {
    pub(crate) domain: &'a str,
    pub(crate) version: i64,
}

/// `GraphProto`.
#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) initializers: Vec<Tensor<'a>>,
    pub(crate) inputs: Vec<ValueInfo<'a>>,
    pub(crate) outputs: Vec<ValueInfo<'a>>,
    /// Sparse weights are not read; their number is for the message.
    pub(crate) sparse_initializers: usize,
}

/// `FunctionProto`: an operator written as a graph of others.
#[derive(Debug, Default)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) overload: &'a str,
    pub(crate) inputs: Vec<&'a str>,
    pub(crate) outputs: Vec<&'a str>,
    /// Attributes with a value for those who call without.
    pub(crate) defaults: Vec<Attribute<'a>>,
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) opsets: Vec<Opset<'a>>,
}

/// `NodeProto`: one call of an operator. An input without a name is one left out.
#[derive(Debug, Default, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) name: &'a str,
    pub(crate) op_type: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) overload: &'a str,
    pub(crate) inputs: Vec<&'a str>,
    pub(crate) outputs: Vec<&'a str>,
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// `TensorProto`: dimensions, and a message whose numbers are decoded when asked for.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tensor<'a> {
    pub(crate) name: &'a str,
    pub(crate) dims: Vec<i64>,
    pub(crate) data_type: i64,
    /// The numbers, little-endian, if they lie in `raw_data`.
    pub(crate) raw: Option<&'a [u8]>,
    /// Where the numbers lie in another file, if they do.
    pub(crate) external: Option<External<'a>>,
    pub(super) message: &'a [u8],
}

/// Where a tensor's numbers lie in another file. An absent length means: what the shape takes.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct External<'a> {
    pub(crate) location: &'a str,
    pub(crate) offset: u64,
    pub(crate) length: Option<u64>,
}

/// `ValueInfoProto`: an input or output.
#[derive(Debug, Default, Clone)]
pub(crate) struct ValueInfo<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind<'a>,
}

/// `TypeProto`: what an input or output is.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) enum Kind<'a> {
    /// A tensor of this data type; without a shape, even its rank is open.
    Tensor {
        data_type: i64,
        shape: Option<Vec<Dim<'a>>>,
    },
    /// Something else: a sequence, a map, an optional.
    Other(&'static str),
    /// Not said.
    #[default]
    Unknown,
}

/// `TensorShapeProto.Dimension`. A negative number is, as its writers mean it, open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Dim<'a> {
    Fixed(u64),
    Named(&'a str),
    Open,
}

impl<'a> Model<'a> {
    /// Reads a whole file.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        let budget = &mut Budget(MAX_ENTRIES);
        let mut model = Self::default();
        for field in Fields::new(bytes) {
            let field = field?;
            match field.number {
                1 => model.ir_version = field.int()?,
                2 => model.producer_name = field.text()?,
                3 => model.producer_version = field.text()?,
                7 => model.graph = Some(Graph::read(field.bytes()?, budget)?),
                8 => budget.push(&mut model.opsets, Opset::read(field.bytes()?)?)?,
                14 => budget.push(&mut model.metadata, entry(field.bytes()?)?)?,
                25 => {
                    let function = Function::read(field.bytes()?, budget)?;
                    budget.push(&mut model.functions, function)?;
                }
                _ => {}
            }
        }
        Ok(model)
    }
}

impl<'a> Opset<'a> {
    fn read(message: &'a [u8]) -> Result<Self> {
        let mut opset = Self::default();
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => opset.domain = field.text()?,
                2 => opset.version = field.int()?,
                _ => {}
            }
        }
        Ok(opset)
    }
}

/// `StringStringEntryProto`: a key and a value.
fn entry(message: &[u8]) -> Result<(&str, &str)> {
    let (mut key, mut value) = ("", "");
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}

impl<'a> Graph<'a> {
    /// Reads the graph of an attribute.
    pub(crate) fn read_alone(message: &'a [u8]) -> Result<Self> {
        Self::read(message, &mut Budget(MAX_ENTRIES))
    }

    fn read(message: &'a [u8], budget: &mut Budget) -> Result<Self> {
        let mut graph = Self::default();
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => {
                    let node = Node::read(field.bytes()?, budget)?;
                    budget.push(&mut graph.nodes, node)?;
                }
                5 => budget.push(&mut graph.initializers, Tensor::read(field.bytes()?)?)?,
                11 => budget.push(&mut graph.inputs, ValueInfo::read(field.bytes()?)?)?,
                12 => budget.push(&mut graph.outputs, ValueInfo::read(field.bytes()?)?)?,
                15 => graph.sparse_initializers += 1,
                _ => {}
            }
        }
        Ok(graph)
    }
}

impl<'a> Function<'a> {
    fn read(message: &'a [u8], budget: &mut Budget) -> Result<Self> {
        let mut function = Self::default();
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => function.name = field.text()?,
                4 => budget.push(&mut function.inputs, field.text()?)?,
                5 => budget.push(&mut function.outputs, field.text()?)?,
                7 => {
                    let node = Node::read(field.bytes()?, budget)?;
                    budget.push(&mut function.nodes, node)?;
                }
                9 => budget.push(&mut function.opsets, Opset::read(field.bytes()?)?)?,
                10 => function.domain = field.text()?,
                11 => budget.push(&mut function.defaults, Attribute::read(field.bytes()?)?)?,
                13 => function.overload = field.text()?,
                _ => {}
            }
        }
        Ok(function)
    }
}

impl<'a> Node<'a> {
    fn read(message: &'a [u8], budget: &mut Budget) -> Result<Self> {
        let mut node = Self::default();
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => budget.push(&mut node.inputs, field.text()?)?,
                2 => budget.push(&mut node.outputs, field.text()?)?,
                3 => node.name = field.text()?,
                4 => node.op_type = field.text()?,
                5 => budget.push(&mut node.attributes, Attribute::read(field.bytes()?)?)?,
                7 => node.domain = field.text()?,
                8 => node.overload = field.text()?,
                _ => {}
            }
        }
        Ok(node)
    }
}

impl<'a> Tensor<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Result<Self> {
        let mut tensor = Self {
            message,
            ..Self::default()
        };
        let mut external = External::default();
        let mut is_external = false;
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => {
                    for dim in field.ints()? {
                        if tensor.dims.len() == MAX_RANK {
                            return Err(WireError::TooMany {
                                limit: MAX_RANK,
                                what: "axes",
                            });
                        }
                        tensor.dims.push(dim?);
                    }
                }
                2 => tensor.data_type = field.int()?,
                8 => tensor.name = field.text()?,
                9 => tensor.raw = Some(field.bytes()?),
                13 => {
                    let (key, value) = entry(field.bytes()?)?;
                    match key {
                        "location" => external.location = value,
                        "offset" => external.offset = value.parse().unwrap_or(u64::MAX),
                        "length" => external.length = Some(value.parse().unwrap_or(u64::MAX)),
                        _ => {}
                    }
                }
                14 => is_external = field.int()? == 1,
                _ => {}
            }
        }
        tensor.external = is_external.then_some(external);
        Ok(tensor)
    }

    /// Its place in memory, which no other tensor shares.
    pub(crate) fn key(&self) -> usize {
        self.message.as_ptr() as usize
    }

    /// Calls `each` with every entry of `int32_data`, `int64_data` or `uint64_data`: the field that
    /// holds small integers, booleans and 16-bit floats, and those for long ones.
    pub(crate) fn for_each_int(&self, mut each: impl FnMut(i64)) -> Result<()> {
        for field in Fields::new(self.message) {
            let field = field?;
            if matches!(field.number, 5 | 7 | 11) {
                for value in field.ints()? {
                    each(value?);
                }
            }
        }
        Ok(())
    }

    /// Calls `each` with every entry of `float_data` or `double_data`.
    pub(crate) fn for_each_float(&self, mut each: impl FnMut(f64)) -> Result<()> {
        for field in Fields::new(self.message) {
            let field = field?;
            match field.number {
                4 => field.floats()?.for_each(|value| each(value.into())),
                10 => field.doubles()?.for_each(&mut each),
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> ValueInfo<'a> {
    fn read(message: &'a [u8]) -> Result<Self> {
        let mut info = Self::default();
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => info.name = field.text()?,
                2 => info.kind = Kind::read(field.bytes()?)?,
                _ => {}
            }
        }
        Ok(info)
    }
}

impl<'a> Kind<'a> {
    fn read(message: &'a [u8]) -> Result<Self> {
        let mut kind = Self::Unknown;
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => kind = Self::read_tensor(field.bytes()?)?,
                4 => kind = Self::Other("a sequence"),
                5 => kind = Self::Other("a map"),
                8 => kind = Self::Other("a sparse tensor"),
                9 => kind = Self::Other("an optional value"),
                _ => {}
            }
        }
        Ok(kind)
    }

    fn read_tensor(message: &'a [u8]) -> Result<Self> {
        let (mut data_type, mut shape) = (0, None);
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => data_type = field.int()?,
                2 => {
                    let mut dims = Vec::new();
                    for dim in Fields::new(field.bytes()?) {
                        let dim = dim?;
                        if dims.len() == MAX_RANK {
                            return Err(WireError::TooMany {
                                limit: MAX_RANK,
                                what: "axes",
                            });
                        }
                        if dim.number == 1 {
                            dims.push(Dim::read(dim.bytes()?)?);
                        }
                    }
                    shape = Some(dims);
                }
                _ => {}
            }
        }
        Ok(Self::Tensor { data_type, shape })
    }
}

impl<'a> Dim<'a> {
    fn read(message: &'a [u8]) -> Result<Self> {
        let mut dim = Self::Open;
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => dim = u64::try_from(field.int()?).map_or(Self::Open, Self::Fixed),
                2 => dim = Self::Named(field.text()?),
                _ => {}
            }
        }
        Ok(dim)
    }
}
