//! What the file holds: functions, classes, objects and their attributes, constants.

use std::rc::Rc;

use violet_graph::{Constant, Data};
use violet_weights::{self as weights, Item, Script};

use super::super::call::{Answer, unsupported};
use super::super::list::List;
use super::super::syntax::{Class, Definitions, Function, parse};
use super::super::value::{Tensor, Value};
use super::{Names, Run};

impl Run<'_> {
    /// What the file of a name's module defines, and the name without it.
    pub(super) fn definitions<'n>(&mut self, name: &'n str) -> Answer<(Rc<Definitions>, &'n str)> {
        let Some((module, own)) = name.rsplit_once('.') else {
            return unsupported(format!("“{name}” is nowhere"));
        };
        let path = format!("{}.py", module.replace('.', "/"));
        if let Some(known) = self.code.files.get(&path) {
            return Ok((Rc::clone(known), own));
        }
        let Some(text) = self.script.code.get(&path) else {
            return unsupported(format!("the code of “{name}” is not in the file"));
        };
        let read = Rc::new(parse(text)?);
        self.code.files.insert(path, Rc::clone(&read));
        Ok((read, own))
    }

    pub(super) fn class(&mut self, name: &str) -> Answer<Class> {
        let (definitions, own) = self.definitions(name)?;
        let mut classes = definitions.classes.iter();
        match classes.find(|class| &*class.name == own) {
            Some(class) => Ok(class.clone()),
            None => unsupported(format!("the code of “{name}” is not in the file")),
        }
    }

    pub(super) fn method(&mut self, object: usize, name: &str) -> Answer<Rc<Function>> {
        let class = &self.script.objects[object].class;
        let (definitions, own) = self.definitions(class)?;
        let classes = definitions.classes.iter();
        let mut methods = classes
            .filter(|class| &*class.name == own)
            .flat_map(|class| &class.methods);
        match methods.find(|method| &*method.name == name) {
            Some(method) => Ok(Rc::clone(method)),
            None => unsupported(format!("“{class}” has no code for “{name}”")),
        }
    }

    /// A function or a class by its whole name.
    pub(super) fn named(&mut self, name: &str) -> Answer<Value> {
        let (definitions, own) = self.definitions(name)?;
        let mut functions = definitions.functions.iter();
        if let Some(function) = functions.find(|function| &*function.name == own) {
            return Ok(Value::Function(Rc::clone(function)));
        }
        Ok(Value::Class(self.class(name)?.into()))
    }

    pub(super) fn function(
        &mut self,
        function: &Rc<Function>,
        given: Vec<Value>,
        named: Vec<(Rc<str>, Value)>,
    ) -> Answer<Value> {
        let mut names = Names::new();
        let mut given = given.into_iter();
        for (name, usual) in &function.parameters {
            let by_name = named.iter().find(|(known, _)| known == name);
            let value = match (given.next(), by_name, usual) {
                (Some(value), ..) => value,
                (None, Some((_, value)), _) => value.clone(),
                (None, None, Some(usual)) => self.evaluate(usual, &mut Names::new())?,
                (None, None, None) => {
                    return unsupported(format!(
                        "“{}” is called without its {name}",
                        function.name
                    ));
                }
            };
            names.insert(name.clone(), value);
        }
        let body = Rc::clone(function);
        let flow = self.deeper(|run| run.block(&body.body, &mut names))?;
        Ok(flow.unwrap_or(Value::None))
    }

    pub(super) fn call(
        &mut self,
        callee: Value,
        given: Vec<Value>,
        named: Vec<(Rc<str>, Value)>,
    ) -> Answer<Value> {
        match callee {
            Value::Function(function) => self.function(&function, given, named),
            Value::Class(class) if class.is_tuple => {
                let mut given = given.into_iter();
                let fields = class.fields.iter();
                let names: Rc<[Rc<str>]> = fields.map(|(name, _)| name.clone()).collect();
                let items = names.iter().map(|_| given.next().unwrap_or(Value::None));
                Ok(Value::Record(Rc::clone(&names), List::new(items)))
            }
            Value::Class(class) => unsupported(format!(
                "its code makes an object of the class “{}”",
                class.name
            )),
            Value::Failed => Ok(Value::Failed),
            other => unsupported(format!("its code calls {}", other.kind())),
        }
    }

    pub(super) fn attribute(&mut self, object: usize, name: &Rc<str>) -> Answer<Value> {
        if let Some(known) = self.attributes.get(&(object, name.clone())) {
            return Ok(known.clone());
        }
        let script = self.script;
        let of = &script.objects[object];
        let value = match of.attributes.get(&**name) {
            Some(item) => self.value(item)?,
            // What never changes stands in its class.
            None => {
                let class = self.class(&of.class)?;
                let mut fields = class.fields.iter();
                match fields.find(|(field, _)| field == name) {
                    Some((_, Some(value))) => self.evaluate(value, &mut Names::new())?,
                    Some((_, None)) => Value::None,
                    None => return unsupported(format!("“{}” has no “{name}”", of.class)),
                }
            }
        };
        self.attributes
            .insert((object, name.clone()), value.clone());
        Ok(value)
    }

    pub(super) fn unpacked(&mut self, value: Value) -> Answer<Value> {
        match value {
            Value::Object(object) => self.attribute(object, &"state".into()),
            other => Ok(other),
        }
    }

    pub(super) fn value(&mut self, item: &Item) -> Answer<Value> {
        Ok(match item {
            Item::None => Value::None,
            Item::Bool(truth) => Value::Bool(*truth),
            Item::Int(number) => Value::Int(*number),
            Item::Float(number) => Value::Float(*number),
            Item::Text(text) => Value::Text(text.as_str().into()),
            Item::List(items) => {
                let items = items.iter().map(|item| self.value(item));
                Value::list(items.collect::<Answer<Vec<_>>>()?)
            }
            Item::Dictionary(pairs) => {
                let mut made = Vec::new();
                for (key, value) in pairs {
                    made.push((self.value(key)?, self.value(value)?));
                }
                Value::dictionary(made)
            }
            Item::Array(array) => {
                let data = match &array.data {
                    weights::Data::Floats(data) => Data::F32(data.clone()),
                    weights::Data::Integers(data) => Data::I64(data.clone()),
                    weights::Data::Bools(data) => Data::Bool(data.clone()),
                };
                let constant = Constant::new(&array.shape, data)?;
                Value::Tensor(Tensor::new(self.builder.constant(constant)?))
            }
            Item::Object(place) => Value::Object(*place),
        })
    }

    pub(super) fn constant(&mut self, name: &str) -> Answer<Value> {
        let place = name
            .strip_prefix('c')
            .and_then(|digits| digits.parse().ok());
        let place: usize = match place {
            Some(place) => place,
            None => return unsupported(format!("there is no constant “{name}”")),
        };
        if let Some(known) = self.constants.get(&place) {
            return Ok(known.clone());
        }
        let script = self.script;
        let Some(item) = script.constants.get(place) else {
            return unsupported(format!("there is no constant “{name}”"));
        };
        let value = self.value(item)?;
        self.constants.insert(place, value.clone());
        Ok(value)
    }
}

/// Names of objects by the attributes that lead to them.
pub(super) fn names(script: &Script) -> Vec<String> {
    let mut names = vec![String::new(); script.objects.len()];
    let mut seen = vec![false; script.objects.len()];
    let mut left = vec![script.root];
    while let Some(object) = left.pop() {
        if std::mem::replace(&mut seen[object], true) {
            continue;
        }
        let around = names[object].clone();
        for (name, item) in &script.objects[object].attributes {
            if let Item::Object(inner) = item
                && !seen[*inner]
            {
                names[*inner] = match around.as_str() {
                    "" => name.clone(),
                    _ => format!("{around}.{name}"),
                };
                left.push(*inner);
            }
        }
    }
    names
}
