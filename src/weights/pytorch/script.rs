//! TorchScript's archives: the entries of `code/`, and the objects and constants that it works with.
//!
//! # Source
//!
//! `torch/csrc/jit/docs/serialization.md` of PyTorch.

use std::collections::{BTreeMap, HashMap};

use super::pickle::{Pickle, Tensor, Value};
use super::{Archive, Whole, floats, is_old, values};
use crate::{Array, Data, Item, MOST_VALUES, Object, Result, Script, damaged};

/// What only archives with code have.
pub(super) const CONSTANTS: &str = "constants.pkl";
/// Lists in lists, objects in objects.
const DEEPEST: usize = 64;
/// Items of all objects and constants, at most.
const MOST_ITEMS: usize = 1 << 20;
/// Bytes of a text that was saved beside a network, at most.
const LONGEST_EXTRA: usize = 1 << 20;

/// See [`crate::holds_code`].
pub(crate) fn holds_code(bytes: &[u8]) -> bool {
    let archive = match is_old(bytes) {
        true => return false,
        false => Archive::open(bytes),
    };
    archive.is_ok_and(|archive| archive.has(CONSTANTS))
}

/// See [`crate::script`].
pub(crate) fn read(bytes: &[u8]) -> Result<Option<Script>> {
    if is_old(bytes) {
        return Ok(None);
    }
    let mut archive = Archive::open(bytes)?;
    if !archive.has(CONSTANTS) {
        return Ok(None);
    }
    let code = texts(&mut archive, "code", ".py", usize::MAX)?;
    if code.is_empty() {
        return Ok(None);
    }
    let extra = texts(&mut archive, "extra", "", LONGEST_EXTRA)?;
    let described = archive.described()?;
    let mut reader = Reader {
        objects: Vec::new(),
        places: HashMap::new(),
        total: 0,
        items: 0,
    };
    let root = reader.all(&described, &mut archive, "data")?;
    let Item::Object(root) = root else {
        return Ok(None);
    };
    reader.places.clear();
    let constants = archive.entry(CONSTANTS)?;
    let constants = match reader.all(&constants, &mut archive, "constants")? {
        Item::List(constants) => constants,
        _ => Vec::new(),
    };
    Ok(Some(Script {
        code,
        objects: reader.objects,
        root,
        constants,
        extra,
    }))
}

/// The texts of a folder whose names end so; longer ones are left out.
fn texts(
    archive: &mut Archive<'_>,
    folder: &str,
    end: &str,
    longest: usize,
) -> Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    let names = archive.within(folder);
    for name in names.into_iter().filter(|name| name.ends_with(end)) {
        let bytes = archive.entry(&format!("{folder}/{name}"))?;
        if bytes.len() > longest {
            continue;
        }
        if let Ok(text) = String::from_utf8(bytes) {
            texts.insert(name, text);
        }
    }
    Ok(texts)
}

struct Reader {
    objects: Vec<Object>,
    /// Which object each of the pickle's is.
    places: HashMap<usize, usize>,
    /// Numbers of all tensors.
    total: usize,
    items: usize,
}

impl Reader {
    /// What a pickle made, with tensors whose numbers lie in a folder.
    fn all(&mut self, described: &[u8], archive: &mut Archive<'_>, folder: &str) -> Result<Item> {
        let pickle = Pickle::read(&mut &*described)?;
        let root = pickle.root.clone();
        self.item(&pickle, &root, archive, folder, 0)
    }

    fn item(
        &mut self,
        pickle: &Pickle,
        value: &Value,
        archive: &mut Archive<'_>,
        folder: &str,
        depth: usize,
    ) -> Result<Item> {
        self.items += 1;
        if self.items > MOST_ITEMS || depth > DEEPEST {
            return Err(damaged("what it holds refers to itself without end"));
        }
        Ok(match value {
            Value::Bool(truth) => Item::Bool(*truth),
            Value::Int(number) => Item::Int(*number),
            Value::Float(number) => Item::Float(*number),
            Value::Text(text) => Item::Text(text.to_string()),
            Value::Sequence(_) => {
                let items = pickle.items(value).iter();
                let items = items.map(|item| self.item(pickle, item, archive, folder, depth + 1));
                Item::List(items.collect::<Result<_>>()?)
            }
            Value::Dictionary(_) => {
                let mut pairs = Vec::new();
                for (key, value) in pickle.pairs(value) {
                    let key = self.item(pickle, key, archive, folder, depth + 1)?;
                    let value = self.item(pickle, value, archive, folder, depth + 1)?;
                    pairs.push((key, value));
                }
                Item::Dictionary(pairs)
            }
            Value::Tensor(tensor) => Item::Array(self.array(tensor, archive, folder)?),
            Value::Object(place) => {
                if let Some(&known) = self.places.get(place) {
                    return Ok(Item::Object(known));
                }
                let known = self.objects.len();
                self.places.insert(*place, known);
                self.objects.push(Object {
                    class: pickle.class(value).unwrap_or_default().into(),
                    ..Object::default()
                });
                for (name, value) in pickle.entries(value) {
                    let item = self.item(pickle, value, archive, folder, depth + 1)?;
                    self.objects[known].attributes.insert(name.into(), item);
                }
                Item::Object(known)
            }
            Value::None | Value::Global(_) | Value::Storage(_) | Value::Mark => Item::None,
        })
    }

    /// A tensor's numbers.
    fn array(&mut self, tensor: &Tensor, archive: &mut Archive<'_>, folder: &str) -> Result<Array> {
        let storage = &tensor.storage;
        if storage.dtype.is_none() && storage.whole.is_none() {
            return Err(damaged("its numbers are of a type that is not read"));
        }
        self.total = self.total.saturating_add(tensor.shape.iter().product());
        if self.total > MOST_VALUES {
            return Err(damaged("it holds more than a gigabyte of weights"));
        }
        let bytes = archive.entry(&format!("{folder}/{}", storage.key))?;
        let name = &storage.key;
        let data = match storage.whole {
            None => Data::Floats(floats(name, tensor, &bytes)?.into()),
            Some(whole @ Whole::Bool) => {
                let truth = |bytes: &[u8]| whole.read(bytes) != 0;
                Data::Bools(values(name, tensor, &bytes, truth)?.into())
            }
            Some(whole) => {
                let number = |bytes: &[u8]| whole.read(bytes);
                Data::Integers(values(name, tensor, &bytes, number)?.into())
            }
        };
        let shape = tensor.shape.clone();
        Ok(Array { shape, data })
    }
}
