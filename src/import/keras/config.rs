//! A Keras model's configuration, as every version and TensorFlow.js write it, in one form.
//!
//! A model is layers and calls of them. Sequential models are a chain; functional ones name, for
//! each call of each layer, the values it takes. A layer may be a model itself.

use serde_json::{Map, Value};

use super::layers::EXAMPLES;
use crate::error::{Error, Result};

/// How many layers a file may describe, nested ones included.
const MAX_LAYERS: usize = 20_000;

/// A model: layers, and how they are called.
#[derive(Debug)]
pub(crate) struct Model {
    /// Its layers, in the file's order.
    pub(crate) layers: Vec<Layer>,
    /// How they are connected.
    pub(crate) wiring: Wiring,
    /// False if it was frozen while the others were trained.
    pub(crate) trainable: bool,
    /// Shape of what it was built with, if that stands beside its layers.
    pub(crate) input_shape: Option<Vec<Value>>,
}

/// How a model's layers are connected.
#[derive(Debug)]
pub(crate) enum Wiring {
    /// Each takes what the one before it makes.
    Chain,
    /// Each says what its calls take.
    Graph {
        /// What the model takes.
        inputs: Vec<Port>,
        /// What the model makes.
        outputs: Vec<Port>,
    },
}

/// One layer.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Unique within its model.
    pub(crate) name: String,
    /// As in “Conv2D”.
    pub(crate) class: String,
    /// The Python module that the class is from, where the file says so; or “”.
    pub(crate) module: String,
    /// Everything it was made with.
    pub(crate) config: Map<String, Value>,
    /// What each call of it takes; of no use in a chain.
    pub(crate) calls: Vec<Call>,
    /// The model that it is, if it is one.
    pub(crate) model: Option<Model>,
    /// False if it was frozen while the others were trained.
    pub(crate) trainable: bool,
}

/// One call of a layer.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// Arguments by position; a list of values counts as so many arguments.
    pub(crate) arguments: Vec<Argument>,
    /// Arguments by name.
    pub(crate) named: Vec<(String, Argument)>,
}

/// An argument of a call.
#[derive(Debug, Clone)]
pub(crate) enum Argument {
    /// What a call of a layer makes.
    Value(Port),
    /// A constant of the configuration.
    Constant(Value),
}

/// What one call of a layer makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Port {
    /// The layer's name.
    pub(crate) layer: String,
    /// Which call of it.
    pub(crate) call: usize,
    /// Which of its results.
    pub(crate) result: usize,
}

impl Model {
    /// Reads `{"class_name": …, "config": …}`.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if it is none, or has more layers than any network.
    pub(crate) fn read(value: &Value) -> Result<Self> {
        let mut left = MAX_LAYERS;
        read_model(value, &mut left)
    }
}

/// Whether a class is a model made of layers.
fn is_model(class: &str, config: &Map<String, Value>) -> bool {
    matches!(class, "Sequential" | "Functional" | "Model")
        || (config.contains_key("layers") && config.contains_key("output_layers"))
}

fn read_model(value: &Value, left: &mut usize) -> Result<Model> {
    let config = &value["config"];
    // Until 2018 the configuration of a Sequential was the list of its layers.
    let layers = match config {
        Value::Array(layers) => layers,
        _ => config["layers"].as_array().ok_or(Error::Another {
            format: "Keras model made of layers",
            found: "a model whose layers are called by Python code (a subclass of Model)",
            advice: "The file does not hold that code: build the model with Sequential or the \
                         functional API, or export it to ONNX with tf2onnx.",
        })?,
    };
    let layers = layers
        .iter()
        .map(|layer| read_layer(layer, left))
        .collect::<Result<Vec<_>>>()?;
    let wiring = if config["output_layers"].is_null() {
        Wiring::Chain
    } else {
        Wiring::Graph {
            inputs: ports(&config["input_layers"])?,
            outputs: ports(&config["output_layers"])?,
        }
    };
    Ok(Model {
        layers,
        wiring,
        trainable: config["trainable"].as_bool().unwrap_or(true),
        input_shape: [
            &config["build_input_shape"],
            &value["build_config"]["input_shape"],
        ]
        .into_iter()
        .find_map(|shape| shape.as_array().cloned()),
    })
}

/// A layer's class; where it is none of Keras' own, whatever it is called, with the package before it that its author
/// registered it in, or `Custom`, as Keras writes it.
fn class_of(class: &str, value: &Value) -> String {
    let (package, bare) = class.rsplit_once('>').unwrap_or(("", class));
    // Only archives of Keras 3 and of 2.12 on say where a class comes from.
    let registered = value["registered_name"].as_str();
    let own = match value["module"].as_str() {
        None => registered.is_some_and(|name| name.contains('>')),
        Some(module) => {
            let package = module.split('.').next().unwrap_or_default();
            registered.is_some() && !["keras", "tf_keras", "tensorflow"].contains(&package)
        }
    };
    match (EXAMPLES.contains(&bare), package) {
        (true, _) => bare.into(),
        (false, "") if own => format!("Custom>{bare}"),
        _ => class.into(),
    }
}

fn read_layer(value: &Value, left: &mut usize) -> Result<Layer> {
    *left = left
        .checked_sub(1)
        .ok_or_else(|| damaged(format!("it describes more than {MAX_LAYERS} layers")))?;
    let class = value["class_name"]
        .as_str()
        .ok_or_else(|| damaged("a layer has no class".into()))?;
    let config = match &value["config"] {
        Value::Object(config) => config.clone(),
        Value::Array(_) | Value::Null => Map::new(),
        _ => return Err(damaged(format!("the configuration of a {class} is none"))),
    };
    let model = (is_model(class, &config) || class == "Sequential")
        .then(|| read_model(value, left))
        .transpose()?;
    let name = config
        .get("name")
        .or_else(|| value.get("name"))
        .and_then(Value::as_str)
        .unwrap_or(class)
        .to_owned();
    let calls = match &value["inbound_nodes"] {
        Value::Array(calls) => calls.iter().map(read_call).collect::<Result<_>>()?,
        _ => Vec::new(),
    };
    let mut config = config;
    if model.is_some() {
        config.remove("layers");
    }
    Ok(Layer {
        name,
        class: class_of(class, value),
        module: value["module"].as_str().unwrap_or_default().into(),
        trainable: config
            .get("trainable")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        config,
        calls,
        model,
    })
}

/// A call in one of three forms: Keras 3 writes an object with `args` and `kwargs`, where values
/// are objects with a `keras_history`; Keras 2 and TensorFlow.js a list of `[layer, call, result,
/// {named}]`; Keras 2 one of those by itself for an operation that is called like a layer.
fn read_call(value: &Value) -> Result<Call> {
    let mut call = Call::default();
    match value {
        Value::Object(fields) => {
            for argument in fields
                .get("args")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                push_argument(argument, &mut call.arguments)?;
            }
            let named = fields.get("kwargs").and_then(Value::as_object);
            for (name, argument) in named.into_iter().flatten() {
                let argument = match history(argument)? {
                    Some(port) => Argument::Value(port),
                    None => Argument::Constant(argument.clone()),
                };
                call.named.push((name.clone(), argument));
            }
        }
        Value::Array(items) => {
            let items: Vec<&Value> = match items.first() {
                Some(Value::String(_)) => vec![value],
                _ => items.iter().collect(),
            };
            for item in items {
                call.arguments.push(Argument::Value(port(item)?));
                for (name, argument) in item[3].as_object().into_iter().flatten() {
                    let argument = match port(argument) {
                        Ok(port) => Argument::Value(port),
                        Err(_) => Argument::Constant(argument.clone()),
                    };
                    call.named.push((name.clone(), argument));
                }
            }
        }
        _ => {
            return Err(damaged(
                "a call of a layer is neither a list nor an object".into(),
            ));
        }
    }
    Ok(call)
}

fn push_argument(argument: &Value, arguments: &mut Vec<Argument>) -> Result<()> {
    if let Some(port) = history(argument)? {
        arguments.push(Argument::Value(port));
        return Ok(());
    }
    match argument {
        Value::Array(items) if items.iter().any(|item| item.is_object()) => {
            for item in items {
                push_argument(item, arguments)?;
            }
        }
        _ => arguments.push(Argument::Constant(argument.clone())),
    }
    Ok(())
}

/// The port of `{"class_name": "__keras_tensor__", "config": {"keras_history": [layer, call,
/// result]}}`.
fn history(value: &Value) -> Result<Option<Port>> {
    match &value["config"]["keras_history"] {
        Value::Null => Ok(None),
        history => port(history).map(Some),
    }
}

fn port(value: &Value) -> Result<Port> {
    let index = |k: usize| value[k].as_u64().and_then(|k| usize::try_from(k).ok());
    match (value[0].as_str(), index(1), index(2)) {
        (Some(layer), Some(call), Some(result)) => Ok(Port {
            layer: layer.into(),
            call,
            result,
        }),
        _ => Err(damaged(
            "a connection between layers is no [name, call, result]".into(),
        )),
    }
}

/// One port, a list of them, or (of models that take their inputs by name) an object of them.
fn ports(value: &Value) -> Result<Vec<Port>> {
    match value {
        Value::Array(items) if items.first().is_some_and(Value::is_string) => {
            Ok(vec![port(value)?])
        }
        Value::Array(items) => items.iter().map(port).collect(),
        Value::Object(items) => items.values().map(port).collect(),
        _ => Err(damaged(
            "a model does not say what it takes and makes".into(),
        )),
    }
}

fn damaged(detail: String) -> Error {
    Error::Damaged {
        format: "Keras",
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn port_of(layer: &str) -> Port {
        Port {
            layer: layer.into(),
            call: 0,
            result: 0,
        }
    }

    #[test]
    fn calls_of_every_version_are_read_alike() {
        let keras_2 = json!([["a", 0, 0, {}], ["b", 0, 0, {}]]);
        let tensor = |name| {
            json!({"class_name": "__keras_tensor__",
                "config": {"shape": [null, 4], "keras_history": [name, 0, 0]}})
        };
        let keras_3 = json!({"args": [[tensor("a"), tensor("b")]], "kwargs": {}});
        for call in [keras_2, keras_3] {
            let call = read_call(&call).unwrap();
            let ports: Vec<_> = call
                .arguments
                .iter()
                .map(|argument| match argument {
                    Argument::Value(port) => port.clone(),
                    Argument::Constant(_) => panic!("a constant"),
                })
                .collect();
            assert_eq!(ports, [port_of("a"), port_of("b")]);
        }
    }

    #[test]
    fn an_operation_keeps_its_constants() {
        let by_itself = json!(["a", 0, 0, {"y": 127.5, "name": null}]);
        let call = read_call(&by_itself).unwrap();
        assert_eq!(call.arguments.len(), 1);
        let Argument::Constant(y) = &call.named.iter().find(|(name, _)| name == "y").unwrap().1
        else {
            panic!("a value");
        };
        assert_eq!(y, 127.5);
        let other = json!([["a", 0, 0, {"y": ["b", 0, 0]}]]);
        let call = read_call(&other).unwrap();
        assert!(matches!(&call.named[0].1, Argument::Value(port) if *port == port_of("b")));
    }

    #[test]
    fn models_within_models_and_lists_of_layers() {
        let inner = json!({"class_name": "Sequential", "config": {"name": "head", "layers": [
            {"class_name": "Dense",
                "config": {"name": "dense", "units": 2, "trainable": false}}]}});
        let model = json!({"class_name": "Sequential", "config": [
            {"class_name": "Flatten", "config": {"name": "flat"}}, inner]});
        let model = Model::read(&model).unwrap();
        let head = &model.layers[1];
        assert_eq!(head.name, "head");
        let dense = &head.model.as_ref().unwrap().layers[0];
        assert_eq!((dense.class.as_str(), dense.trainable), ("Dense", false));
        assert!(!head.config.contains_key("layers"));
    }

    #[test]
    fn what_is_no_model_is_refused() {
        for model in [
            json!(null),
            json!([]),
            json!({"class_name": "Sequential", "config": {}}),
            json!({"class_name": "Model", "config": {"layers": [{}]}}),
            json!({"class_name": "Model", "config": {"layers": [], "output_layers": 3}}),
        ] {
            assert!(Model::read(&model).is_err(), "{model}");
        }
        let layer = json!({"class_name": "Dropout", "config": {}});
        let many = json!({"class_name": "Sequential", "config": vec![layer; MAX_LAYERS + 1]});
        assert!(Model::read(&many).is_err());
    }

    /// A layer that someone wrote and called as one of Keras' is none of Keras'.
    #[test]
    fn classes_of_ones_own_are_told_from_keras() {
        let class = |class: &str, module: Value, registered: Value| {
            let layer =
                json!({"class_name": class, "module": module, "registered_name": registered});
            class_of(class, &layer)
        };
        let keras = json!("keras.layers");
        assert_eq!(
            class("LayerNormalization", keras, Value::Null),
            "LayerNormalization"
        );
        let within = json!("keras.src.applications.convnext");
        assert_eq!(
            class("LayerScale", within, json!("LayerScale")),
            "LayerScale"
        );
        for (module, registered) in [
            (Value::Null, json!("Custom>LayerNormalization")),
            (json!("__main__"), json!("LayerNormalization")),
        ] {
            let own = class("LayerNormalization", module, registered);
            assert_eq!(own, "Custom>LayerNormalization");
        }
        assert_eq!(class_of("Custom>Patches", &json!({})), "Patches");
    }
}
