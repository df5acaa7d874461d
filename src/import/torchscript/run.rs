//! Runs the code of a network: what it does to the picture becomes a graph.
//!
//! Everything but the picture is known while it runs, shapes as well, so that conditions and loops are followed as they
//! come. What is not supported does not end this: it is remembered, what depends on it is left out, and at the end all
//! of it is said at once.

mod objects;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use violet_graph::{Builder, Constant};
use violet_weights::Script;

use super::call::{Answer, Call, Refusal, unsupported};
use super::operations;
use super::syntax::{Argument, Definitions, Expression, Statement};
use super::value::{Tensor, Value};
use crate::error::{Error, Result, Unsupported};

/// Calls, blocks and expressions in one another.
const DEEPEST: usize = 160;
/// Statements that run, at most, whatever pictures are tried.
const MOST_STEPS: usize = 1 << 22;

/// What a file of code defines, once it was read.
type Files = HashMap<String, Rc<Definitions>>;

/// Code that runs.
pub(super) struct Run<'s> {
    pub(super) builder: Builder,
    script: &'s Script,
    /// Names of the objects, as people call their layers.
    names: Vec<String>,
    code: &'s mut Code,
    /// Attributes that were asked for or set, by their object.
    attributes: HashMap<(usize, Rc<str>), Value>,
    constants: HashMap<usize, Value>,
    /// How often which operation makes something of the picture.
    pub(super) counts: BTreeMap<String, usize>,
    pub(super) failures: Vec<Unsupported>,
    /// Where it is.
    layer: String,
    depth: usize,
    steps: usize,
}

/// Files of code that are read once, however often the code runs.
#[derive(Default)]
pub(super) struct Code {
    files: Files,
    /// Statements that have run.
    steps: usize,
}

/// Names of one function while it runs.
type Names = HashMap<Rc<str>, Value>;

/// What a block comes to: nothing, or what its function returns.
type Flow = Option<Value>;

impl<'s> Run<'s> {
    pub(super) fn new(builder: Builder, script: &'s Script, code: &'s mut Code) -> Self {
        Self {
            builder,
            script,
            names: objects::names(script),
            code,
            attributes: HashMap::new(),
            constants: HashMap::new(),
            counts: BTreeMap::new(),
            failures: Vec::new(),
            layer: String::new(),
            depth: 0,
            steps: 0,
        }
    }

    /// What the network makes of the picture.
    pub(super) fn forward(&mut self) -> Result<Value> {
        let picture = Tensor::new(self.builder.input());
        let root = self.script.root;
        let forward = self.method(root, "forward");
        let answer = forward.and_then(|forward| {
            let mut given = vec![Value::Object(root), Value::Tensor(picture)];
            // What else it takes it can do without, or it says so.
            let others = forward.parameters.iter().skip(2);
            given.extend(
                others
                    .filter(|(_, usual)| usual.is_none())
                    .map(|_| Value::None),
            );
            self.function(&forward, given, Vec::new())
        });
        answer.map_err(|refusal| match refusal {
            Refusal::Fatal(error) => error,
            Refusal::Unsupported(reason) => {
                if !reason.is_empty() || self.failures.is_empty() {
                    self.remember("its code".into(), reason);
                }
                Error::Unsupported {
                    operations: self.failures.clone(),
                }
            }
        })
    }

    /// How many statements have run.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    fn remember(&mut self, operation: String, reason: String) {
        let known = |other: &&mut Unsupported| other.operation == operation;
        match self.failures.iter_mut().find(known) {
            Some(known) => known.count += 1,
            None => self.failures.push(Unsupported {
                operation,
                count: 1,
                node: self.layer.clone(),
                reason,
                advice: "",
            }),
        }
    }

    fn deeper<T>(&mut self, go: impl FnOnce(&mut Self) -> Answer<T>) -> Answer<T> {
        if self.depth >= DEEPEST {
            return Err(Refusal::Fatal(super::damaged(
                "its code calls itself without end",
            )));
        }
        self.depth += 1;
        let answer = go(self);
        self.depth -= 1;
        answer
    }

    // ---- Statements -------------------------------------------------------------------------

    fn step(&mut self) -> Answer<()> {
        self.steps += 1;
        self.code.steps += 1;
        match self.code.steps > MOST_STEPS {
            true => Err(Refusal::Fatal(super::damaged("its code runs without end"))),
            false => Ok(()),
        }
    }

    fn block(&mut self, statements: &[Statement], names: &mut Names) -> Answer<Flow> {
        for statement in statements {
            self.step()?;
            if let Some(returned) = self.statement(statement, names)? {
                return Ok(Some(returned));
            }
        }
        Ok(None)
    }

    fn statement(&mut self, statement: &Statement, names: &mut Names) -> Answer<Flow> {
        match statement {
            Statement::Evaluate(expression) => {
                self.evaluate(expression, names)?;
            }
            Statement::Assign(targets, expression) => {
                let value = self.evaluate(expression, names)?;
                if let [target] = &targets[..] {
                    self.assign(target, value, names)?;
                    return Ok(None);
                }
                let values = match &value {
                    Value::Failed => vec![Value::Failed; targets.len()],
                    value => value.items().unwrap_or_default(),
                };
                if values.len() != targets.len() {
                    return unsupported(format!("its code takes {} apart", value.kind()));
                }
                for (target, value) in targets.iter().zip(values) {
                    self.assign(target, value, names)?;
                }
            }
            Statement::If(condition, holds, fails) => {
                let condition = self.evaluate(condition, names)?;
                let chosen = match self.truth(&condition)? {
                    true => holds,
                    false => fails,
                };
                return self.deeper(|run| run.block(chosen, names));
            }
            Statement::While(condition, body) => loop {
                let condition = self.evaluate(condition, names)?;
                if !self.truth(&condition)? {
                    break;
                }
                self.step()?;
                let flow = self.deeper(|run| run.block(body, names))?;
                if flow.is_some() {
                    return Ok(flow);
                }
            },
            Statement::For(name, items, body) => {
                let items = self.evaluate(items, names)?;
                let Some(items) = items.items() else {
                    return unsupported(format!("its code goes through {}", items.kind()));
                };
                for item in items {
                    names.insert(name.clone(), item);
                    let flow = self.deeper(|run| run.block(body, names))?;
                    if flow.is_some() {
                        return Ok(flow);
                    }
                }
            }
            Statement::Within(body) => return self.deeper(|run| run.block(body, names)),
            Statement::Return(value) => return self.evaluate(value, names).map(Some),
        }
        Ok(None)
    }

    fn assign(&mut self, target: &Expression, value: Value, names: &mut Names) -> Answer<()> {
        match target {
            Expression::Name(name) => {
                names.insert(name.clone(), value);
                Ok(())
            }
            Expression::Attribute(object, name) => match self.evaluate(object, names)? {
                Value::Object(object) => {
                    self.attributes.insert((object, name.clone()), value);
                    Ok(())
                }
                other => unsupported(format!("its code sets a part of {}", other.kind())),
            },
            _ => unsupported("its code sets what is no name"),
        }
    }

    fn truth(&mut self, value: &Value) -> Answer<bool> {
        match value {
            Value::Bool(truth) => Ok(*truth),
            Value::Int(number) => Ok(*number != 0),
            Value::Tensor(tensor) => {
                let id = tensor.read(&mut self.builder)?;
                match self.builder.known(id).map(Constant::to_f64).as_deref() {
                    Some(&[number]) => Ok(number != 0.0),
                    Some(_) => unsupported("a condition of its code is no single number"),
                    None => unsupported("a condition of its code depends on the picture"),
                }
            }
            Value::Failed => {
                unsupported("a condition of its code depends on what is not supported")
            }
            other => unsupported(format!("a condition of its code is {}", other.kind())),
        }
    }

    // ---- Expressions ------------------------------------------------------------------------

    fn evaluate(&mut self, expression: &Expression, names: &mut Names) -> Answer<Value> {
        self.deeper(|run| run.evaluated(expression, names))
    }

    fn evaluated(&mut self, expression: &Expression, names: &mut Names) -> Answer<Value> {
        Ok(match expression {
            Expression::None => Value::None,
            Expression::Bool(truth) => Value::Bool(*truth),
            Expression::Int(number) => Value::Int(*number),
            Expression::Float(number) => Value::Float(*number),
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Name(name) => match (names.get(name), &**name) {
                (Some(value), _) => value.clone(),
                (None, "inf") => Value::Float(f64::INFINITY),
                (None, "nan") => Value::Float(f64::NAN),
                (None, _) => return unsupported(format!("“{name}” is nowhere")),
            },
            Expression::Minus(value) => match self.evaluate(value, names)? {
                Value::Int(number) => Value::Int(number.saturating_neg()),
                Value::Float(number) => Value::Float(-number),
                other => {
                    return unsupported(format!("its code has a minus before {}", other.kind()));
                }
            },
            Expression::List(items) | Expression::Tuple(items) => {
                let items = items.iter().map(|item| self.evaluate(item, names));
                Value::list(items.collect::<Answer<Vec<_>>>()?)
            }
            Expression::Dictionary(pairs) => {
                let mut made = Vec::new();
                for (key, value) in pairs {
                    made.push((self.evaluate(key, names)?, self.evaluate(value, names)?));
                }
                Value::dictionary(made)
            }
            Expression::Choice(choice) => {
                let [condition, value, other] = &**choice;
                let condition = self.evaluate(condition, names)?;
                let chosen = match self.truth(&condition)? {
                    true => value,
                    false => other,
                };
                self.evaluate(chosen, names)?
            }
            Expression::Attribute(object, name) => match path(expression, names) {
                Some(path) => match path.split_once('.') {
                    Some(("CONSTANTS", name)) => self.constant(name)?,
                    Some(("math" | "torch", "inf")) => Value::Float(f64::INFINITY),
                    Some(("__torch__", _)) => self.named(&path)?,
                    _ => return unsupported(format!("“{path}” is nowhere")),
                },
                None => match self.evaluate(object, names)? {
                    Value::Object(object) => self.attribute(object, name)?,
                    Value::Record(names, items) => {
                        let place = names.iter().position(|known| known == name);
                        match place.and_then(|place| items.get(place)) {
                            Some(item) => item,
                            None => return unsupported(format!("a tuple has no “{name}”")),
                        }
                    }
                    Value::Failed => Value::Failed,
                    other => {
                        return unsupported(format!("its code takes “{name}” of {}", other.kind()));
                    }
                },
            },
            Expression::Index(of, index) => {
                let (of, index) = (self.evaluate(of, names)?, self.evaluate(index, names)?);
                if of.has_failed() && of.items().is_none() {
                    return Ok(Value::Failed);
                }
                operations::item(&of, &index)?
            }
            Expression::Call(callee, arguments) => self.called(callee, arguments, names)?,
        })
    }

    fn called(
        &mut self,
        callee: &Expression,
        arguments: &[Argument],
        names: &mut Names,
    ) -> Answer<Value> {
        if let Expression::Name(name) = callee
            && !names.contains_key(name)
        {
            return self.built_in(name, arguments, names);
        }
        let path = path(callee, names);
        let object = match (callee, &path) {
            (Expression::Attribute(object, method), None) => match self.evaluate(object, names)? {
                Value::Object(object) => Some((object, method)),
                other => {
                    return unsupported(format!("its code calls “{method}” of {}", other.kind()));
                }
            },
            _ => None,
        };
        let mut given = Vec::new();
        let mut named = Vec::new();
        for Argument { name, value } in arguments {
            let value = self.evaluate(value, names)?;
            match name {
                Some(name) => named.push((name.clone(), value)),
                None => given.push(value),
            }
        }
        if let Some((object, method)) = object {
            let method = self.method(object, method)?;
            given.insert(0, Value::Object(object));
            let around = std::mem::replace(&mut self.layer, self.names[object].clone());
            self.builder.at(&self.layer);
            let answer = self.function(&method, given, named);
            self.layer = around;
            self.builder.at(&self.layer);
            return answer;
        }
        match path.as_deref().map(|path| (path, path.split_once('.'))) {
            Some((_, Some(("torch", name)))) => self.operation(name, given, named),
            Some((_, Some(("ops", name)))) => {
                self.operation(name.strip_prefix("prim.").unwrap_or(name), given, named)
            }
            Some((path, Some(("__torch__", _)))) => {
                let callee = self.named(path)?;
                self.call(callee, given, named)
            }
            _ => {
                let callee = self.evaluate(callee, names)?;
                self.call(callee, given, named)
            }
        }
    }

    /// What every code knows: types as functions, and what says something of a type.
    fn built_in(&mut self, name: &str, arguments: &[Argument], names: &mut Names) -> Answer<Value> {
        let mut value = |run: &mut Self, place: usize| match arguments.get(place) {
            Some(argument) => run.evaluate(&argument.value, names),
            None => unsupported(format!("“{name}” is called with too little")),
        };
        match name {
            "annotate" | "unchecked_cast" => value(self, 1),
            "uninitialized" => Ok(Value::None),
            "getattr" => {
                let (object, attribute) = (value(self, 0)?, value(self, 1)?);
                match (object, attribute) {
                    (Value::Object(object), Value::Text(name)) => self.attribute(object, &name),
                    (other, _) => unsupported(format!("its code takes a part of {}", other.kind())),
                }
            }
            "isinstance" => {
                let types = arguments.get(1).map(|argument| &argument.value);
                let value = value(self, 0)?;
                Ok(Value::Bool(types.is_some_and(|types| is_of(&value, types))))
            }
            _ => {
                let mut given = Vec::new();
                for place in 0..arguments.len() {
                    given.push(value(self, place)?);
                }
                self.operation(name, given, Vec::new())
            }
        }
    }

    /// An operation of PyTorch's. One whose name ends in `_` writes into its first tensor.
    fn operation(
        &mut self,
        name: &str,
        given: Vec<Value>,
        named: Vec<(Rc<str>, Value)>,
    ) -> Answer<Value> {
        let (plain, in_place) = match name.strip_suffix('_') {
            Some("add") if matches!(given.first(), Some(Value::List(_))) => ("extend", true),
            Some(plain) if !name.ends_with("__") => (plain, true),
            _ => (name, false),
        };
        let target = match (in_place, given.first()) {
            (true, Some(Value::Tensor(tensor))) => Some(tensor.clone()),
            _ => None,
        };
        // Weights that are packed for phones are what they were packed of.
        let given = match name.starts_with("prepacked.") {
            true => given
                .into_iter()
                .map(|value| self.unpacked(value))
                .collect::<Answer<_>>()?,
            false => given,
        };
        // What it goes through takes its time.
        for value in &given {
            if let Value::List(list) | Value::Dictionary(list) = value {
                self.code.steps += list.len();
            }
        }
        self.step()?;
        // What changes something that is there may not fail unseen.
        let changes = in_place || operations::changes(name);
        let all = given.iter().chain(named.iter().map(|(_, value)| value));
        if !operations::keeps(plain) && all.into_iter().any(Value::has_failed) {
            return match changes {
                true => unsupported(""),
                false => Ok(Value::Failed),
            };
        }
        let answer = match operations::find(plain, &given) {
            Some(operator) => operator(&mut Call {
                b: &mut self.builder,
                arguments: given,
                named,
            }),
            None => unsupported(""),
        };
        let value = match answer {
            Ok(value) => value,
            Err(Refusal::Unsupported(reason)) => {
                self.remember(plain.replace('.', "::"), reason);
                return match changes {
                    true => unsupported(""),
                    false => Ok(Value::Failed),
                };
            }
            Err(fatal) => return Err(fatal),
        };
        let Value::Tensor(tensor) = &value else {
            return Ok(value);
        };
        let id = tensor.read(&mut self.builder)?;
        if self.builder.known(id).is_none() {
            *self.counts.entry(plain.into()).or_default() += 1;
        }
        match target {
            Some(target) => {
                target.write(&mut self.builder, id)?;
                Ok(Value::Tensor(target))
            }
            None => Ok(value),
        }
    }
}

/// The whole name that an expression is, if it begins with one of those that are everywhere.
fn path(expression: &Expression, names: &Names) -> Option<String> {
    match expression {
        Expression::Name(name) => {
            let known = matches!(
                &**name,
                "torch" | "ops" | "__torch__" | "CONSTANTS" | "math"
            );
            (known && !names.contains_key(name)).then(|| name.to_string())
        }
        Expression::Attribute(object, name) => Some(format!("{}.{name}", path(object, names)?)),
        _ => None,
    }
}

/// Whether a value is of a type, or of one of several.
fn is_of(value: &Value, of: &Expression) -> bool {
    match of {
        Expression::List(types) | Expression::Tuple(types) => {
            types.iter().any(|of| is_of(value, of))
        }
        Expression::None => matches!(value, Value::None),
        Expression::Index(of, _) => is_of(value, of),
        Expression::Name(name) => matches!(
            (&**name, value),
            ("Tensor", Value::Tensor(_))
                | ("int", Value::Int(_))
                | ("float", Value::Float(_))
                | ("number", Value::Int(_) | Value::Float(_))
                | ("bool", Value::Bool(_))
                | ("str", Value::Text(_))
                | ("NoneType", Value::None)
                | (
                    "List" | "Tuple" | "list" | "tuple",
                    Value::List(_) | Value::Record(..)
                )
                | ("Dict" | "dict", Value::Dictionary(_))
                | ("Optional", _)
        ),
        _ => false,
    }
}
