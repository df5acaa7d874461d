//! The operations of a program as lines of TorchScript: `a = torch.conv2d(x, w, b, [2, 2], )`.

use std::fmt::Write;

use serde_json::Value as Json;

use super::damaged;
use super::weights::whole;
use crate::error::{Error, Result};

/// The file of the code, and the class in it.
pub(super) const FILE: &str = "__torch__.py";
pub(super) const CLASS: &str = "__torch__.Program";
/// What operations of PyTorch's own are called.
const ATEN: &str = "torch.ops.aten.";
/// Calls that are given a shape, whose first length may be how many pictures there are.
const SHAPED: [&str; 10] = [
    "view",
    "reshape",
    "_unsafe_view",
    "expand",
    "zeros",
    "ones",
    "full",
    "new_zeros",
    "new_ones",
    "new_full",
];
/// Lists in lists.
const DEEPEST: usize = 8;

/// What a program is made of.
pub(super) struct Program {
    pub(super) code: String,
    /// Attributes that the code asks for, and whose numbers they are.
    pub(super) weights: Vec<(String, String)>,
    /// Height and width of the picture.
    pub(super) size: Option<[usize; 2]>,
    /// Whether it takes no other.
    pub(super) fixed: bool,
    /// How many pictures it takes at once, if that is fixed.
    pub(super) pictures: usize,
}

fn lacks(what: &str) -> Error {
    damaged(format!("its list of operations has no {what}"))
}

fn part<'j>(json: &'j Json, name: &str) -> Result<&'j Json> {
    json.get(name).ok_or_else(|| lacks(name))
}

fn list<'j>(json: &'j Json, name: &str) -> Result<&'j Vec<Json>> {
    part(json, name)?.as_array().ok_or_else(|| lacks(name))
}

impl Program {
    pub(super) fn read(model: &Json) -> Result<Self> {
        let module = part(model, "graph_module")?;
        let (graph, signature) = (part(module, "graph")?, part(module, "signature")?);
        let mut program = Self {
            code: String::new(),
            weights: Vec::new(),
            size: None,
            fixed: true,
            pictures: 1,
        };
        let mut given = Vec::new();
        let mut body = String::new();
        for input in list(signature, "input_specs")? {
            let Some((kind, input)) = only(input) else {
                return Err(lacks("input"));
            };
            let argument = part(input, "arg")?;
            if kind == "user_input" {
                let name = tensor(argument);
                let shape = name.and_then(|name| shape(graph, name));
                if let (Some([batch, _, height, width]), 1) = (shape, program.pictures) {
                    program.size = height.length.zip(width.length).map(|(h, w)| [h, w]);
                    program.fixed = height.fixed && width.fixed;
                    program.pictures = batch.length.filter(|_| batch.fixed).unwrap_or(1).max(1);
                }
                given.push(name.map_or_else(|| Ok(format!("_{}", given.len())), variable)?);
                continue;
            }
            let Some(weight) = input.get(format!("{kind}_name")).and_then(Json::as_str) else {
                return Err(lacks("name of an input"));
            };
            let Some(name) = argument.get("name").and_then(Json::as_str) else {
                return Err(lacks("name of an input"));
            };
            let name = variable(name)?;
            writeln!(body, "    {name} = self.{name}").unwrap_or_default();
            program.weights.push((name, weight.into()));
        }
        for node in list(graph, "nodes")? {
            line(node, program.pictures, &mut body)?;
        }
        let outputs = list(signature, "output_specs")?.iter();
        let outputs = outputs.filter_map(|output| part(output, "user_output").ok()?.get("arg"));
        let outputs = outputs.map(|output| value(output, 0));
        let outputs = outputs.collect::<Result<Vec<String>>>()?;
        let returned = match &outputs[..] {
            [output] => output.clone(),
            outputs => format!("({}, )", outputs.join(", ")),
        };
        program.code = format!(
            "class Program(Module):\n  def forward(self: {CLASS}, {}) -> Tensor:\n{body}    return {returned}\n",
            given
                .iter()
                .map(|name| format!("{name}: Tensor"))
                .collect::<Vec<_>>()
                .join(", ")
        );
        Ok(program)
    }
}

/// The one thing that is said.
fn only(json: &Json) -> Option<(&str, &Json)> {
    let said = json.as_object()?;
    let mut said = said.iter().filter(|(_, value)| !value.is_null());
    let (kind, value) = said.next()?;
    Some((kind, value))
}

fn tensor(argument: &Json) -> Option<&str> {
    argument.get("as_tensor")?.get("name")?.as_str()
}

/// A name of the code that is none of its words.
fn variable(name: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match !name.is_empty() && name.chars().all(plain) {
        true => Ok(format!("v_{name}")),
        false => Err(damaged(format!("“{name}” is no name"))),
    }
}

struct Length {
    length: Option<usize>,
    fixed: bool,
}

/// The shape of pictures, if a tensor has one.
fn shape(graph: &Json, name: &str) -> Option<[Length; 4]> {
    let sizes = graph.get("tensor_values")?.get(name)?.get("sizes")?;
    let lengths = sizes.as_array()?.iter().map(|length| {
        let hint = length
            .get("as_expr")
            .and_then(|formula| formula.get("hint"));
        Length {
            length: hint.and_then(whole).or_else(|| whole(length)),
            fixed: length.get("as_int").is_some(),
        }
    });
    lengths.collect::<Vec<_>>().try_into().ok()
}

/// An operation.
fn line(node: &Json, pictures: usize, code: &mut String) -> Result<()> {
    let target = part(node, "target")?.as_str().unwrap_or_default();
    let (operation, name) = match target.strip_prefix(ATEN) {
        Some(own) => {
            let name = own.split('.').next().unwrap_or_default();
            (format!("torch.{name}"), name)
        }
        None => {
            let mut parts = target.trim_start_matches("torch.ops.").split('.');
            let (library, name) = (parts.next().unwrap_or_default(), parts.next());
            let name = name.unwrap_or_default();
            variable(library)?;
            match library {
                "_operator" => (format!("torch.{name}"), name),
                _ => (format!("ops.{library}.{name}"), name),
            }
        }
    };
    variable(name)?;
    let mut arguments = Vec::new();
    let mut named = false;
    for input in list(node, "inputs")? {
        let argument = part(input, "arg")?;
        let mut said = value(argument, 0)?;
        if pictures > 1 && SHAPED.contains(&name) {
            said = of_one_picture(argument, pictures).unwrap_or(said);
        }
        // 2: it has to be given by its name.
        named |= input.get("kind").and_then(Json::as_u64) == Some(2);
        match input.get("name").and_then(Json::as_str) {
            Some(name) if named => {
                variable(name)?;
                arguments.push(format!("{name}={said}"));
            }
            _ => arguments.push(said),
        }
    }
    let call = format!("{operation}({})", arguments.join(", "));
    let outputs = list(node, "outputs")?.iter().map(made);
    let outputs = outputs.collect::<Result<Vec<_>>>()?;
    let line = match &outputs[..] {
        [] => format!("    _0 = {call}"),
        [Made::One(name)] => format!("    {name} = {call}"),
        [Made::List(names)] if names.is_empty() => format!("    _0 = {call}"),
        [Made::List(names)] => format!("    {}, = {call}", names.join(", ")),
        several => {
            let names = several.iter().map(|made| match made {
                Made::One(name) => Ok(name.as_str()),
                Made::List(_) => Err(lacks("name of what an operation makes")),
            });
            format!(
                "    {}, = {call}",
                names.collect::<Result<Vec<_>>>()?.join(", ")
            )
        }
    };
    writeln!(code, "{line}").unwrap_or_default();
    Ok(())
}

/// A shape of so many pictures as that of one.
fn of_one_picture(argument: &Json, pictures: usize) -> Option<String> {
    let (kind, said) = only(argument)?;
    let lengths = said.as_array()?;
    if lengths.first().and_then(whole) != Some(pictures) {
        return None;
    }
    let mut one = lengths.clone();
    one[0] = match kind {
        "as_ints" => 1.into(),
        _ => serde_json::json!({ "as_int": 1 }),
    };
    value(&serde_json::json!({ kind: one }), 0).ok()
}

/// What an operation makes.
enum Made {
    One(String),
    List(Vec<String>),
}

fn made(output: &Json) -> Result<Made> {
    let Some((kind, said)) = only(output) else {
        return Err(lacks("name of what an operation makes"));
    };
    let named = |said: &Json| {
        let name = said.get("name").or_else(|| said.get("as_name"));
        let name = name.and_then(Json::as_str);
        name.map_or_else(|| Ok("_0".into()), variable)
    };
    Ok(match (kind, said.as_array()) {
        ("as_tensors", Some(tensors)) => {
            Made::List(tensors.iter().map(named).collect::<Result<_>>()?)
        }
        _ => Made::One(named(said)?),
    })
}

/// An argument.
fn value(argument: &Json, depth: usize) -> Result<String> {
    let Some((kind, said)) = only(argument) else {
        return Ok("None".into());
    };
    if depth > DEEPEST {
        return Err(lacks("end of a list"));
    }
    let all = |each: &dyn Fn(&Json) -> Result<String>| -> Result<String> {
        let items = said.as_array().ok_or_else(|| lacks("list"))?.iter();
        Ok(format!(
            "[{}]",
            items.map(each).collect::<Result<Vec<_>>>()?.join(", ")
        ))
    };
    let name = |said: &Json| match said.get("name").and_then(Json::as_str) {
        Some(name) => variable(name),
        None => Err(lacks("name of a tensor")),
    };
    match kind {
        "as_tensor" => name(said),
        "as_tensors" => all(&name),
        "as_int" | "as_float" | "as_bool" => number(said),
        "as_ints" | "as_floats" | "as_bools" => all(&number),
        "as_sym_int" | "as_sym_float" | "as_sym_bool" => formula(said),
        "as_sym_ints" | "as_sym_floats" | "as_sym_bools" => all(&formula),
        "as_optional_tensor" => value(said, depth + 1),
        "as_optional_tensors" => all(&|item| value(item, depth + 1)),
        // The code numbers types from 0, but for bfloat16 and truth values.
        "as_scalar_type" => Ok(match said.as_u64() {
            Some(kind @ 1..=12) => (kind - 1).to_string(),
            Some(13) => "15".into(),
            _ => "None".into(),
        }),
        "as_string" => Ok(said.to_string()),
        "as_none" | "as_memory_format" | "as_layout" | "as_device" => Ok("None".into()),
        // Programs within programs, and what else has no word here: whoever takes it says so.
        other => Ok(Json::from(other).to_string()),
    }
}

fn number(said: &Json) -> Result<String> {
    Ok(match said {
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => match text.as_str() {
            "Infinity" => "inf".into(),
            "-Infinity" => "-inf".into(),
            _ => "nan".into(),
        },
        _ => return Err(lacks("number")),
    })
}

/// A number, or the name of one.
fn formula(said: &Json) -> Result<String> {
    match only(said) {
        Some(("as_name", Json::String(name))) => variable(name),
        Some((_, said)) => number(said),
        None => Err(lacks("number")),
    }
}
