//! Attributes of nodes: decoded as what the operator expects, when it asks.

use super::model::{Graph, Tensor};
use super::protobuf::{Field, Fields, WireError};

/// Numbers or strings in an attribute. Weights in `value_floats` are as many.
const MAX_ATTRIBUTE_VALUES: usize = 1 << 24;

type Result<T> = std::result::Result<T, WireError>;

/// `AttributeProto`: a name, and a message that is decoded as what the operator expects.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'a str,
    /// In a function: the caller's attribute that stands here.
    pub(crate) reference: &'a str,
    message: &'a [u8],
}

impl<'a> Attribute<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Result<Self> {
        let mut attribute = Self {
            message,
            ..Self::default()
        };
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => attribute.name = field.text()?,
                21 => attribute.reference = field.text()?,
                _ => {}
            }
        }
        Ok(attribute)
    }

    /// The last field of this number: so Protocol Buffers resolve doubles.
    fn last(&self, number: u32) -> Result<Option<Field<'a>>> {
        let mut last = None;
        for field in Fields::new(self.message) {
            let field = field?;
            if field.number == number {
                last = Some(field);
            }
        }
        Ok(last)
    }

    pub(crate) fn float(&self) -> Result<f32> {
        self.last(2)?.map_or(Ok(0.0), Field::float)
    }

    pub(crate) fn int(&self) -> Result<i64> {
        self.last(3)?.map_or(Ok(0), Field::int)
    }

    pub(crate) fn text(&self) -> Result<&'a str> {
        self.last(4)?.map_or(Ok(""), Field::text)
    }

    /// The tensor, if there is one.
    pub(crate) fn tensor(&self) -> Result<Option<Tensor<'a>>> {
        self.last(5)?
            .map(|field| Tensor::read(field.bytes()?))
            .transpose()
    }

    /// The graph, if there is one: the branch of an `If`.
    pub(crate) fn graph(&self) -> Result<Option<Graph<'a>>> {
        self.last(6)?
            .map(|field| Graph::read_alone(field.bytes()?))
            .transpose()
    }

    pub(crate) fn floats(&self) -> Result<Vec<f32>> {
        let mut list = Vec::new();
        for field in Fields::new(self.message) {
            let field = field?;
            if field.number == 7 {
                for value in field.floats()? {
                    bounded_push(&mut list, value)?;
                }
            }
        }
        Ok(list)
    }

    pub(crate) fn ints(&self) -> Result<Vec<i64>> {
        let mut list = Vec::new();
        for field in Fields::new(self.message) {
            let field = field?;
            if field.number == 8 {
                for value in field.ints()? {
                    bounded_push(&mut list, value?)?;
                }
            }
        }
        Ok(list)
    }
}

fn bounded_push<T>(list: &mut Vec<T>, value: T) -> Result<()> {
    if list.len() == MAX_ATTRIBUTE_VALUES {
        return Err(WireError::TooMany {
            limit: MAX_ATTRIBUTE_VALUES,
            what: "numbers in an attribute",
        });
    }
    list.push(value);
    Ok(())
}
