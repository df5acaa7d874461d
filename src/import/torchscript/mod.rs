//! TorchScript: networks whose code is in the file, as `torch.jit.save` keeps them.
//!
//! `token` and `syntax` read the code, `run` follows it, and `operations` has a function for each of PyTorch's operations.
//! Neither the size of the pictures nor their colours are in the file: the usual ones are tried, until the code runs.

mod call;
mod list;
mod operations;
mod run;
mod syntax;
mod token;
mod value;

use violet_graph::Builder;
use violet_weights::Script;

use self::run::{Code, Run};
use self::value::Value;
use crate::detector;
use crate::error::{Error, Result};
use crate::files::File;
use crate::imported::{Imported, InputKind, Layout, Note, OperationCount, Options};
use crate::labels;
use crate::metadata::Metadata;
use crate::normalised;

/// Sides of square pictures in pixels, the likeliest first.
const SIDES: [usize; 36] = [
    224, 32, 28, 64, 96, 128, 256, 299, 384, 48, 160, 192, 240, 288, 300, 320, 331, 336, 380, 416,
    448, 480, 512, 600, 640, 100, 150, 200, 112, 120, 80, 50, 180, 250, 400, 800,
];
/// Channels, the likelier first.
const CHANNELS: [usize; 2] = [3, 1];
/// Pictures for which the code may lack something here, until no other is tried.
const MOST_UNSUPPORTED: usize = 4;
/// Outputs that are kept.
const MOST_OUTPUTS: usize = 64;
/// Where Ultralytics and YOLOv5 say what they know of a network.
const CONFIG: &str = "config.txt";

fn damaged(detail: &str) -> Error {
    Error::Damaged {
        format: "TorchScript",
        detail: detail.into(),
    }
}

/// Reads a network with its code.
///
/// # Errors
///
/// [`Error::Unsupported`], [`Error::NoSize`] if it runs with no usual picture; else any [`Error`].
pub(crate) fn import(script: &Script, beside: &[File], options: &Options) -> Result<Imported> {
    let config = script.extra.get(CONFIG).map(String::as_str);
    let mut metadata = Metadata::of_dictionary(config.unwrap_or_default());
    let said = options.size.or(metadata.size);
    let sizes = match said {
        Some(size) => vec![size],
        None => SIDES.map(|side| [side; 2]).into(),
    };
    let mut code = Code::default();
    let mut refused = Refused::default();
    for channels in CHANNELS {
        for &size in &sizes {
            let mut imported = match attempt(script, &mut code, [channels, size[0], size[1]]) {
                Ok(imported) => imported,
                Err(refusal) => {
                    refused.note(refusal)?;
                    continue;
                }
            };
            metadata.apply(&mut imported.input);
            imported.input.fixed_size = false;
            imported.notes.append(&mut metadata.notes);
            if said.is_none() {
                imported.notes.push(Note::AssumedSize(size));
            }
            imported.labels = labels::beside(beside).unwrap_or(metadata.labels);
            return Ok(imported);
        }
    }
    Err(refused.why(said))
}

/// Why the code does not run, with the pictures that were tried.
#[derive(Default)]
struct Refused {
    /// The first that lacks something here.
    unsupported: Option<Error>,
    /// How many such.
    count: usize,
    /// The one that came furthest, by its statements.
    furthest: Option<(usize, Error)>,
}

impl Refused {
    /// Keeps what is to be told in the end.
    ///
    /// # Errors
    ///
    /// What pictures of another size change nothing about.
    fn note(&mut self, (steps, error): (usize, Error)) -> Result<()> {
        match error {
            Error::Unsupported { .. } => {
                self.count += 1;
                let first = self.unsupported.get_or_insert(error);
                match self.count < MOST_UNSUPPORTED {
                    true => Ok(()),
                    false => Err(first.clone()),
                }
            }
            Error::Graph(_) | Error::Stopped { .. } => {
                if self.furthest.as_ref().is_none_or(|&(most, _)| steps > most) {
                    self.furthest = Some((steps, error));
                }
                Ok(())
            }
            error => Err(error),
        }
    }

    fn why(self, said: Option<[usize; 2]>) -> Error {
        match (self.unsupported, self.furthest) {
            (Some(error), _) => error,
            (None, Some((_, error))) => Error::NoSize {
                tried: match said {
                    Some([height, width]) => format!("{width} × {height} pixels"),
                    None => "a usual size".into(),
                },
                reason: error.to_string(),
            },
            (None, None) => damaged("there is no picture that it takes"),
        }
    }
}

/// The network that the code is for such a picture; else how many statements ran, and why no more.
fn attempt(
    script: &Script,
    code: &mut Code,
    shape: [usize; 3],
) -> std::result::Result<Imported, (usize, Error)> {
    let [channels, height, width] = shape;
    let builder = Builder::new(&[1, channels, height, width]).map_err(|error| (0, error.into()))?;
    let mut run = Run::new(builder, script, code);
    let made = run.forward().map_err(|error| (run.steps(), error))?;
    let steps = run.steps();
    finish(run, &made, shape).map_err(|error| (steps, error))
}

/// The network of what its code made of a picture.
fn finish(
    mut run: Run<'_>,
    made: &Value,
    [channels, height, width]: [usize; 3],
) -> Result<Imported> {
    let mut named = Vec::new();
    outputs(made, "output", &mut named);
    let mut notes = Vec::new();
    let mut found = Vec::new();
    let mut left_out = Vec::new();
    for (name, value) in named {
        let Value::Tensor(tensor) = value else {
            left_out.push(name);
            continue;
        };
        let id = tensor.read(&mut run.builder)?;
        match run.builder.known(id) {
            Some(_) => notes.push(Note::ConstantOutput { output: name }),
            None => found.push((name, id)),
        }
    }
    if found.is_empty() && !run.failures.is_empty() {
        return Err(Error::Unsupported {
            operations: run.failures,
        });
    }
    // Where the largest was is no output that anybody misses.
    if !left_out.is_empty() && !run.failures.is_empty() {
        let failures = run.failures.iter().map(|failure| OperationCount {
            name: failure.operation.clone(),
            count: failure.count,
        });
        notes.push(Note::LeftOut {
            operations: failures.collect(),
            outputs: left_out,
        });
    }
    let detector = detector::find(&mut run.builder, &found, &[])?;
    if detector.is_none() {
        for (name, id) in &found {
            run.builder.output(name, *id);
        }
    }
    let operations = OperationCount::sorted(run.counts);
    let graph = run.builder.finish()?;
    let mut input = InputKind::new("image", Layout::Planes, [channels, height, width]);
    input.normalised_inside = normalised::inside(&graph, &input);
    Ok(Imported {
        detector,
        labels: Vec::new(),
        input,
        notes,
        operations,
        producer: "TorchScript".into(),
        graph,
    })
}

/// Tensors by the names that the code gives them, or by their number where there are several; and what is not supported.
fn outputs(value: &Value, name: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Tensor(_) | Value::Failed => found.push((name.to_owned(), value.clone())),
        _ if found.len() >= MOST_OUTPUTS => {}
        Value::Record(names, items) => {
            for (name, value) in names.iter().zip(items.all()) {
                outputs(&value, name, found);
            }
        }
        Value::Dictionary(_) => {
            for (key, value) in value.pairs().unwrap_or_default() {
                match key {
                    Value::Text(name) => outputs(&value, &name, found),
                    _ => outputs(&value, name, found),
                }
            }
        }
        Value::List(items) => {
            let several = items.len() != 1;
            for (k, value) in items.all().into_iter().enumerate().take(MOST_OUTPUTS) {
                match several {
                    true => outputs(&value, &format!("{name}{k}"), found),
                    false => outputs(&value, name, found),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use violet_weights::{Array, Data, Item, Object};

    use super::*;

    /// A network of that code, with a weight [2, 12] and a list.
    fn read(body: &str) -> Result<Imported> {
        let code = format!(
            "class Net(Module):\n  def forward(self: Net,\n    x: Tensor) -> Tensor:\n{body}"
        );
        let weight = Array {
            shape: vec![2, 12],
            data: Data::Floats(vec![0.5; 24].into()),
        };
        let attributes = [
            ("weight", Item::Array(weight)),
            ("sizes", Item::List(vec![Item::Int(2), Item::Int(3)])),
        ];
        let script = Script {
            code: BTreeMap::from([("__torch__.py".into(), code)]),
            objects: vec![Object {
                class: "__torch__.Net".into(),
                attributes: attributes.map(|(name, item)| (name.into(), item)).into(),
            }],
            root: 0,
            constants: Vec::new(),
            extra: BTreeMap::new(),
        };
        import(&script, &[], &Options::default().with_size([2, 2]))
    }

    fn refused(body: &str) -> String {
        read(body).expect_err("it is refused").to_string()
    }

    const FLAT: &str = "    w = self.weight\n    f = torch.flatten(x, 1)\n";

    #[test]
    fn code_makes_a_graph() {
        let made = read(&format!("{FLAT}    return torch.linear(f, w)\n")).expect("a network");
        assert_eq!(made.graph.outputs()[0].name, "output");
        let operations: Vec<&str> = made.operations.iter().map(|o| o.name.as_str()).collect();
        assert_eq!(operations, ["flatten", "linear"]);
    }

    #[test]
    fn what_is_not_supported_is_said_at_once_and_the_rest_is_read() {
        let two = format!(
            "{FLAT}    a = torch.linear(f, torch.mystery(w))\n    b = ops.torchvision.nms(f, f)\n    return (a, b, torch.relu(f))\n"
        );
        let made = read(&two).expect("its third output");
        assert_eq!(made.graph.outputs()[0].name, "output2");
        let Note::LeftOut {
            operations,
            outputs,
        } = &made.notes[0]
        else {
            panic!("{:?}", made.notes);
        };
        let names: Vec<&str> = operations.iter().map(|o| o.name.as_str()).collect();
        assert_eq!(names, ["mystery", "torchvision::nms"]);
        assert_eq!(outputs, &["output0", "output1"]);
        let only = refused(&format!(
            "{FLAT}    return torch.linear(f, torch.mystery(w))\n"
        ));
        assert!(only.contains("mystery"), "{only}");
        // What is written where it cannot be may not be lost.
        let written = refused(&format!(
            "{FLAT}    _0 = torch.mystery_(f)\n    return torch.relu(f)\n"
        ));
        assert!(written.contains("mystery"), "{written}");
        let written = refused(&format!(
            "{FLAT}    _0 = torch.add_(f, torch.mystery(f))\n    return torch.relu(f)\n"
        ));
        assert!(written.contains("mystery"), "{written}");
    }

    #[test]
    fn code_that_stops_or_asks_the_picture_says_so() {
        let stops =
            "    ops.prim.RaiseException(\"AssertionError: Wrong image height\")\n    return x\n";
        let said = refused(stops);
        assert!(said.contains("Wrong image height"), "{said}");
        let asks = refused(
            "    if bool(torch.gt(torch.sum(x), 0)):\n      y = x\n    else:\n      y = torch.neg(x)\n    return y\n",
        );
        assert!(
            asks.contains("picture") || asks.contains("no slope"),
            "{asks}"
        );
    }

    #[test]
    fn what_is_not_understood_is_never_left_out() {
        for (body, said) in [
            ("    return torch.relu(x) + x\n", "goes on"),
            ("    y = x - torch.relu(x)\n    return y\n", "goes on"),
            ("    return torch.add(x, elsewhere)\n", "nowhere"),
            ("    return torch.add(x, torch.elsewhere)\n", "nowhere"),
            // Where the largest is depends on the picture.
            (
                "    a, b, = torch.max(x, 1)\n    return torch.index(x, [b])\n",
                "no output",
            ),
            (
                "    ops.prim.RaiseException(torch.format(\"{}\", x))\n    return x\n",
                "refuses the picture",
            ),
        ] {
            let found = refused(body);
            assert!(found.contains(said), "{body}: {found}");
        }
    }

    #[test]
    fn texts_are_names_and_numbers_are_truths() {
        let body = "    made = annotate(Dict[str, Tensor], {})\n    for i in range(2):\n      \
                    torch._set_item(made, torch.format(\"out{}\", i), torch.mul(x, torch.add(i, 2)))\n    \
                    if bool(0.5):\n      return made\n    else:\n      return x\n";
        let made = read(body).expect("a network");
        let names: Vec<&str> = made
            .graph
            .outputs()
            .iter()
            .map(|o| o.name.as_str())
            .collect();
        assert_eq!(names, ["out0", "out1"]);
    }

    #[test]
    fn hostile_code_ends_soon() {
        let deep = format!(
            "    return {}x{}\n",
            "(".repeat(100_000),
            ")".repeat(100_000)
        );
        let blocks: String = (0..2000)
            .map(|k| format!("{}if True:\n", " ".repeat(4 + k)))
            .collect();
        let hostile = [
            "    while True:\n      pass\n    return x\n".to_owned(),
            "    for i in range(-9223372036854775807, 9223372036854775807, 3):\n      pass\n    return x\n".to_owned(),
            "    for i in range(100000000000):\n      pass\n    return x\n".to_owned(),
            "    return (self).forward(x, )\n".to_owned(),
            "    a = self.sizes\n    while True:\n      a = torch.add(a, a)\n    return x\n".to_owned(),
            "    a = [x]\n    while True:\n      _0 = torch.extend(a, a)\n    return x\n".to_owned(),
            "    a = \"abc\"\n    while True:\n      a = torch.add(a, a)\n    return x\n".to_owned(),
            "    a = [x]\n    while True:\n      _0 = torch.append(a, a)\n    return a\n".to_owned(),
            "    a = [x]\n    while True:\n      a = [a, a]\n    return a\n".to_owned(),
            "    a = torch.zeros([1000000, 1000000])\n    return torch.add(a, x)\n".to_owned(),
            "    a = x\n    while True:\n      a = torch.cat([a, a], 1)\n    return a\n".to_owned(),
            "    return \"never ends\n".to_owned(),
            "    return x[\n".to_owned(),
            "    return torch.view(x, [9223372036854775807, -9223372036854775807])\n".to_owned(),
            "    return torch.slice(x, 1, -9223372036854775807, 9223372036854775807, 9223372036854775807)\n".to_owned(),
            "    return torch.repeat_interleave(x, 9223372036854775807, 1)\n".to_owned(),
            "    return torch.split(x, -9223372036854775807)\n".to_owned(),
            "    return torch.chunk(x, 9223372036854775807)\n".to_owned(),
            "    return torch.roll(x, [-9223372036854775808], [1])\n".to_owned(),
            "    return torch.select(x, 0, -9223372036854775808)\n".to_owned(),
            "    return torch.narrow(x, 0, 9223372036854775807, 9223372036854775807)\n".to_owned(),
            "    return torch.relu(__derive_index(9223372036854775807, 1, 9223372036854775807))\n".to_owned(),
            deep,
            format!("{blocks}    return x\n"),
        ];
        for body in hostile {
            let begun = std::time::Instant::now();
            let answer = read(&body);
            let shown: String = body.chars().take(60).collect();
            // Numbers beyond all sizes may mean something all the same.
            assert!(answer.is_err() || body.contains("92233720"), "{shown}");
            assert!(begun.elapsed().as_secs() < 20, "{shown}");
        }
    }
}
