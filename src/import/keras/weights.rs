//! Which array of a file belongs to which layer.
//!
//! Files name arrays after layers, but not always as the configuration does: a nested model's
//! arrays stand in one list, names repeat in nested models, and Keras 3 numbers layers by their
//! class. Each form is brought to one map from a layer's path to its arrays, before anything is
//! built.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::config::{Layer, Model};
use crate::error::{Error, Result};

/// A layer's name after the names of the models that it is in.
pub(crate) type Path = Vec<String>;

/// Where a file keeps the arrays of each layer, in the order of [`roles`].
#[derive(Debug, Default)]
pub(crate) struct Locations(BTreeMap<Path, Vec<String>>);

impl Locations {
    /// Where the arrays of a layer are.
    pub(crate) fn of(&self, path: &[String]) -> &[String] {
        self.0.get(path).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What an array is to its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    /// Its names in Keras 2 and 3 (and in TensorFlow.js).
    pub(crate) names: &'static [&'static str],
    /// Whether it is learnt; means and variances are not.
    learnt: bool,
    /// What Keras 3 calls the layer within its layer that has it; “” if it is its own.
    within: &'static str,
}

impl Role {
    const fn within(mut self, layer: &'static str) -> Self {
        self.within = layer;
        self
    }
}

const fn learnt(names: &'static [&'static str]) -> Role {
    Role {
        names,
        learnt: true,
        within: "",
    }
}

const fn counted(names: &'static [&'static str]) -> Role {
    Role {
        names,
        learnt: false,
        within: "",
    }
}

/// The layers within one that attends, in the order in which Keras keeps them.
type Within = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);
const ATTENTION: [Within; 4] = [
    (&["query/kernel"], &["query/bias"], "query_dense"),
    (&["key/kernel"], &["key/bias"], "key_dense"),
    (&["value/kernel"], &["value/bias"], "value_dense"),
    (
        &["attention_output/kernel"],
        &["attention_output/bias"],
        "output_dense",
    ),
];

/// The arrays of a layer of this class, in the order in which Keras keeps them.
pub(crate) fn roles(class: &str, config: &Map<String, Value>) -> Vec<Role> {
    let flag = |name: &str| config.get(name).and_then(Value::as_bool).unwrap_or(true);
    let mut roles = Vec::new();
    let with_bias = |roles: &mut Vec<Role>| {
        if flag("use_bias") {
            roles.push(learnt(&["bias"]));
        }
    };
    let scaled = |roles: &mut Vec<Role>| {
        if flag("scale") {
            roles.push(learnt(&["gamma"]));
        }
        if flag("center") {
            roles.push(learnt(&["beta"]));
        }
    };
    match class {
        "Conv2D" | "Convolution2D" | "Conv2DTranspose" | "Convolution2DTranspose" | "Dense" => {
            roles.push(learnt(&["kernel"]));
            with_bias(&mut roles);
        }
        "DepthwiseConv2D" => {
            roles.push(learnt(&["depthwise_kernel", "kernel"]));
            with_bias(&mut roles);
        }
        "SeparableConv2D" | "SeparableConvolution2D" => {
            roles.push(learnt(&["depthwise_kernel"]));
            roles.push(learnt(&["pointwise_kernel"]));
            with_bias(&mut roles);
        }
        "BatchNormalization" | "SyncBatchNormalization" => {
            scaled(&mut roles);
            roles.push(counted(&["moving_mean"]));
            roles.push(counted(&["moving_variance"]));
        }
        "LayerNormalization" | "GroupNormalization" => scaled(&mut roles),
        "LayerScale" => roles.push(learnt(&["gamma", "variable", "Variable"])),
        "PReLU" => roles.push(learnt(&["alpha"])),
        "RMSNormalization" => roles.push(learnt(&["scale"])),
        "Attention" if config.get("use_scale") == Some(&Value::Bool(true)) => {
            roles.push(learnt(&["scale"]));
        }
        "MultiHeadAttention" => {
            for (kernel, bias, layer) in ATTENTION {
                roles.push(learnt(kernel).within(layer));
                if flag("use_bias") {
                    roles.push(learnt(bias).within(layer));
                }
            }
        }
        "PatchEncoder" => {
            roles.push(learnt(&["projection/kernel"]).within("projection"));
            roles.push(learnt(&["projection/bias"]).within("projection"));
            let embeddings = learnt(&["position_embedding/embeddings", "embeddings"]);
            roles.push(embeddings.within("position_embedding"));
        }
        "Normalization" if config.get("mean").is_none_or(Value::is_null) => {
            roles.push(counted(&["mean"]));
            roles.push(counted(&["variance"]));
        }
        _ => {}
    }
    roles
}

/// An array that the configuration asks for.
struct Wanted {
    path: Path,
    role: Role,
}

/// What `model` wants, in the order in which Keras lists a model's arrays: what is learnt, then
/// what is not; a frozen layer counts as not learnt.
fn wanted(model: &Model, path: &[String]) -> [Vec<Wanted>; 2] {
    let mut all = [Vec::new(), Vec::new()];
    for layer in &model.layers {
        for (all, of_layer) in all.iter_mut().zip(wanted_by(layer, path)) {
            all.extend(of_layer);
        }
    }
    freeze(all, model.trainable)
}

fn wanted_by(layer: &Layer, path: &[String]) -> [Vec<Wanted>; 2] {
    let path: Path = path.iter().chain([&layer.name]).cloned().collect();
    if let Some(model) = &layer.model {
        return wanted(model, &path);
    }
    let mut all = [Vec::new(), Vec::new()];
    for role in roles(&layer.class, &layer.config) {
        let path = path.clone();
        all[usize::from(!role.learnt)].push(Wanted { path, role });
    }
    freeze(all, layer.trainable)
}

fn freeze([mut learnt, counted]: [Vec<Wanted>; 2], trainable: bool) -> [Vec<Wanted>; 2] {
    if trainable {
        return [learnt, counted];
    }
    learnt.extend(counted);
    [Vec::new(), learnt]
}

/// A list of arrays for a whole model, each by a name such as `conv/kernel:0`, as TensorFlow.js
/// keeps them.
///
/// # Errors
///
/// [`Error::MissingWeights`] if a layer has none.
pub(crate) fn by_name(model: &Model, names: &[String]) -> Result<Locations> {
    let [learnt, counted] = wanted(model, &[]);
    let wanted: Vec<Wanted> = learnt.into_iter().chain(counted).collect();
    let found = match_names(&wanted, names, 0).map_err(missing)?;
    Ok(collect(wanted, found.into_iter().map(|k| names[k].clone())))
}

/// A list of arrays for each of a model's own layers, as Keras' HDF5 files keep them: `group` gives
/// the names of one layer's, and whatever stands before them in the file.
///
/// # Errors
///
/// [`Error::MissingWeights`] if a layer has none; whatever `group` says.
pub(crate) fn by_layer(
    model: &Model,
    mut group: impl FnMut(&str) -> Result<(String, Vec<String>)>,
) -> Result<Locations> {
    let mut locations = Locations::default();
    for layer in &model.layers {
        let [learnt, counted] = wanted_by(layer, &[]);
        let wanted: Vec<Wanted> = learnt.into_iter().chain(counted).collect();
        if wanted.is_empty() {
            continue;
        }
        let (prefix, names) = group(&layer.name)?;
        // Names first; where they do not tell, the order, which Keras itself goes by.
        let found = match match_names(&wanted, &names, 1) {
            Ok(found) => found,
            Err(_) if names.len() == wanted.len() => (0..names.len()).collect(),
            Err(first) => return Err(missing(first)),
        };
        let found = found.into_iter().map(|k| format!("{prefix}{}", names[k]));
        locations.0.extend(collect(wanted, found).0);
    }
    Ok(locations)
}

fn missing(wanted: &Wanted) -> Error {
    Error::MissingWeights {
        layer: wanted.path.join("/"),
        weights: wanted.role.names[0],
    }
}

fn collect(wanted: Vec<Wanted>, found: impl Iterator<Item = String>) -> Locations {
    let mut locations = Locations::default();
    for (wanted, found) in wanted.into_iter().zip(found) {
        locations.0.entry(wanted.path).or_default().push(found);
    }
    locations
}

/// For each wanted array, the one name that means it; or the first for which there is none, or more
/// than one. The first `skip` names of each path need not be in the file's names.
fn match_names<'a>(
    wanted: &'a [Wanted],
    names: &[String],
    skip: usize,
) -> std::result::Result<Vec<usize>, &'a Wanted> {
    let parts: Vec<Vec<&str>> = names.iter().map(|name| parts(name)).collect();
    // By layer and array, as in `conv/kernel`.
    let mut candidates: HashMap<(&str, String), Vec<usize>> = HashMap::new();
    for (k, parts) in parts.iter().enumerate() {
        // The array's own name, or after that of a layer within the layer.
        for length in 1..=2.min(parts.len()) {
            let (layers, array) = parts.split_at(parts.len() - length);
            for layer in layers {
                let entry = candidates.entry((layer, array.join("/"))).or_default();
                if entry.last() != Some(&k) {
                    entry.push(k);
                }
            }
        }
    }
    let mut taken = vec![false; names.len()];
    let mut found = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let layer = wanted.path.last().map(String::as_str).unwrap_or_default();
        let fits = wanted
            .role
            .names
            .iter()
            .filter_map(|array| candidates.get(&(layer, (*array).to_owned())))
            .flatten();
        // The more of the path stands in the name, the better.
        let outer = &wanted.path[skip.min(wanted.path.len() - 1)..wanted.path.len() - 1];
        let mut best: Option<(usize, usize)> = None;
        let mut ambiguous = false;
        for &k in fits {
            let inside = outer
                .iter()
                .filter(|outer| parts[k].contains(&outer.as_str()));
            // The layer's own part stands last but one, or before a cell's.
            let near = parts[k]
                .iter()
                .rev()
                .skip(1)
                .take(2)
                .any(|part| *part == layer);
            let score = 2 * inside.count() + usize::from(near);
            match best {
                Some((other, _)) if other == score => ambiguous = true,
                Some((other, _)) if other > score => {}
                _ => {
                    best = Some((score, k));
                    ambiguous = false;
                }
            }
        }
        match best {
            Some((_, k)) if !ambiguous && !taken[k] => {
                taken[k] = true;
                found.push(k);
            }
            _ => return Err(wanted),
        }
    }
    Ok(found)
}

/// The parts of a name such as `model/conv/kernel:0`, without what stands behind the colon; the
/// last sixteen of them, which is deeper than any model.
fn parts(name: &str) -> Vec<&str> {
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let mut parts: Vec<&str> = name.rsplit('/').take(16).collect();
    parts.reverse();
    parts
}

/// Arrays in groups that are nested as layers are, as Keras 3 keeps them: `layers/conv2d_1/vars/0`.
/// `children` gives the groups in a group, `arrays` how many arrays a layer's group has, and
/// `name` what it says that its layer is called.
///
/// # Errors
///
/// [`Error::MissingWeights`] if a layer has none; whatever the functions say.
pub(crate) fn by_group(
    model: &Model,
    mut children: impl FnMut(&str) -> Result<Vec<String>>,
    mut arrays: impl FnMut(&str) -> Result<usize>,
    mut name: impl FnMut(&str) -> Result<Option<String>>,
) -> Result<Locations> {
    let mut locations = Locations::default();
    let mut pending = vec![(model, Path::new(), String::new())];
    while let Some((model, path, group)) = pending.pop() {
        // Keras 2.12 lists the same layers under another name first.
        let mut container = String::new();
        let mut groups = Vec::new();
        for candidate in ["layers", "_layer_checkpoint_dependencies"] {
            container = format!("{group}/{candidate}");
            groups = children(&container)?;
            if !groups.is_empty() {
                break;
            }
        }
        let mut of_class: BTreeMap<String, Vec<&Layer>> = BTreeMap::new();
        for layer in &model.layers {
            let wants = layer.model.is_some() || !roles(&layer.class, &layer.config).is_empty();
            if wants {
                of_class
                    .entry(snake_case(&layer.class))
                    .or_default()
                    .push(layer);
            }
        }
        for (class, layers) in of_class {
            let mut numbered: Vec<(usize, &String)> = groups
                .iter()
                .filter_map(|group| Some((number(group, &class)?, group)))
                .collect();
            numbered.sort_unstable();
            let mut names = Vec::new();
            for (_, group) in &numbered {
                names.push(name(&format!("{container}/{group}/vars"))?);
            }
            for (k, layer) in layers.iter().enumerate() {
                let by_name = names
                    .iter()
                    .position(|name| name.as_ref() == Some(&layer.name));
                let path: Path = path.iter().chain([&layer.name]).cloned().collect();
                let roles = roles(&layer.class, &layer.config);
                let Some((_, group)) = numbered.get(by_name.unwrap_or(k)) else {
                    let weights = roles.first().map_or("weights", |role| role.names[0]);
                    let layer = path.join("/");
                    return Err(Error::MissingWeights { layer, weights });
                };
                let group = format!("{container}/{group}");
                if let Some(model) = &layer.model {
                    pending.push((model, path, group));
                    continue;
                }
                let mut found = Vec::with_capacity(roles.len());
                for (k, role) in roles.iter().enumerate() {
                    let number = roles[..k].iter().filter(|r| r.within == role.within);
                    let number = number.count();
                    // Keras 2 has a mark before what is within.
                    let inner = match role.within {
                        "" => vec![format!("{group}/vars")],
                        within => ["", "_"]
                            .map(|mark| format!("{group}/{mark}{within}/vars"))
                            .into(),
                    };
                    let mut there = None;
                    for inner in inner {
                        if there.is_none() && number < arrays(&inner)? {
                            there = Some(format!("{inner}/{number}"));
                        }
                    }
                    found.push(there.ok_or_else(|| Error::MissingWeights {
                        layer: path.join("/"),
                        weights: role.names[0],
                    })?);
                }
                locations.0.insert(path, found);
            }
        }
    }
    Ok(locations)
}

/// 0 of `conv2d`, 3 of `conv2d_3`; nothing of another class's.
fn number(group: &str, class: &str) -> Option<usize> {
    match group.strip_prefix(class)? {
        "" => Some(0),
        rest => rest.strip_prefix('_')?.parse().ok(),
    }
}

/// `DepthwiseConv2D` → `depthwise_conv2d`, as Keras names a layer's group (`to_snake_case` in
/// `keras/src/utils/naming.py`).
fn snake_case(class: &str) -> String {
    let characters: Vec<char> = class
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let mut name = String::new();
    for (k, &c) in characters.iter().enumerate() {
        let before = k.checked_sub(1).map(|k| characters[k]);
        let after = characters.get(k + 1);
        // A capital begins a word after a small letter, and before one.
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if begins {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn model() -> Model {
        let dense = |name: &str| {
            let config = json!({"name": name, "units": 2, "use_bias": false});
            json!({"class_name": "Dense", "config": config})
        };
        let norm = json!({"class_name": "BatchNormalization", "config": {"name": "norm"}});
        let inner = |name: &str| {
            json!({"class_name": "Sequential", "config": {"name": name,
                "layers": [dense("dense"), norm, dense("last")]}})
        };
        Model::read(
            &json!({"class_name": "Sequential", "config": {"name": "all",
            "layers": [inner("a"), inner("b")]}}),
        )
        .unwrap()
    }

    fn path(names: &[&str]) -> Path {
        names.iter().map(|name| name.to_string()).collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        path(names)
    }

    const NORM: [&str; 4] = ["gamma", "beta", "moving_mean", "moving_variance"];

    #[test]
    fn names_that_repeat_in_nested_models_are_told_apart() {
        let mut all = Vec::new();
        for outer in ["b", "a"] {
            all.push(format!("{outer}/dense/kernel:0"));
            all.push(format!("{outer}/last/kernel:0"));
            all.extend(NORM.map(|array| format!("{outer}/norm/{array}:0")));
        }
        let locations = by_name(&model(), &all).unwrap();
        assert_eq!(locations.of(&path(&["a", "dense"])), ["a/dense/kernel:0"]);
        let norm = NORM.map(|array| format!("b/norm/{array}:0"));
        assert_eq!(locations.of(&path(&["b", "norm"])), norm);
        let without = names(&["dense/kernel", "last/kernel"]);
        assert!(matches!(
            by_name(&model(), &without),
            Err(Error::MissingWeights { .. })
        ));
    }

    #[test]
    fn where_names_do_not_tell_order_does() {
        // What is learnt first, then what is not, as Keras writes them.
        let list = names(&["w", "w_1", "w_2", "w_3", "w_4", "w_5"]);
        let group = |layer: &str| Ok((format!("{layer}:"), list.clone()));
        let locations = by_layer(&model(), group).unwrap();
        assert_eq!(locations.of(&path(&["a", "dense"])), ["a:w"]);
        assert_eq!(
            locations.of(&path(&["b", "norm"])),
            ["b:w_1", "b:w_2", "b:w_4", "b:w_5"]
        );
        assert_eq!(locations.of(&path(&["b", "last"])), ["b:w_3"]);
    }

    #[test]
    fn groups_are_numbered_by_class_or_named() {
        let tree: BTreeMap<&str, Vec<&str>> = [
            ("/layers", vec!["sequential", "sequential_1"]),
            (
                "/layers/sequential/layers",
                vec!["dense", "dense_1", "batch_normalization"],
            ),
            (
                "/layers/sequential_1/layers",
                vec!["dense_2", "dense_10", "batch_normalization"],
            ),
        ]
        .into();
        let children = |group: &str| Ok(names(tree.get(group).map_or(&[][..], |c| &c[..])));
        let locations = by_group(&model(), children, |_| Ok(4), |_| Ok(None)).unwrap();
        assert_eq!(
            locations.of(&path(&["b", "last"])),
            ["/layers/sequential_1/layers/dense_10/vars/0"]
        );
        let named = |group: &str| {
            let name = group.contains("sequential/").then(|| match () {
                () if group.contains("dense_1") => "dense",
                () if group.contains("dense") => "last",
                () => "norm",
            });
            Ok(name.map(str::to_owned))
        };
        let locations = by_group(&model(), children, |_| Ok(4), named).unwrap();
        assert_eq!(
            locations.of(&path(&["a", "last"])),
            ["/layers/sequential/layers/dense/vars/0"]
        );
        let few = by_group(&model(), children, |_| Ok(3), |_| Ok(None));
        assert!(matches!(few, Err(Error::MissingWeights { .. })));
    }

    #[test]
    fn classes_in_snake_case() {
        for (class, name) in [
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("BatchNormalization", "batch_normalization"),
            ("PReLU", "p_re_lu"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("SeparableConv2D", "separable_conv2d"),
            ("Dense", "dense"),
            ("Functional", "functional"),
        ] {
            assert_eq!(snake_case(class), name);
        }
    }
}
