//! The networks that can be chosen: ours, of which some are served, and those that people brought.

use std::collections::HashMap;

use super::brought::{Awaiting, Brought, Named, numbered};
use super::dropped::Kind;
use super::lesson::LACKS_NETWORK;
use super::part::{Panel, option};
use super::pool::Weights;
use crate::model::catalog::{CATALOG, Manifest, ManifestEntry};
use crate::model::{Card, ModelSpec, Wishes};
use crate::protocol::{Failure, FailureCode, Source};
use crate::words::{Phrase, decimal, name as named, phrase};

/// The list that they are chosen from.
const LIST: &str = "model";
/// What the names of networks that someone brought begin with.
pub(super) const OWN: &str = "own:";

/// A network that someone brought, of files `F`, its weights in bytes `B`.
#[derive(Debug, Clone)]
pub struct OwnModel<F, B> {
    /// Its files are on the disk: they are read again when something else is wished for.
    pub brought: Brought<F>,
    /// For people.
    pub card: Card,
    /// For workers.
    pub weights: Weights<B>,
    /// What it is called, and how it is run.
    pub spec: ModelSpec,
    /// How long a gradient takes in one worker, once that was measured.
    pub gradient_ms: Option<f64>,
}

impl<F: Named, B> OwnModel<F, B> {
    /// What was read of files.
    ///
    /// # Errors
    ///
    /// Those of [`Card::spec`].
    pub fn new(brought: Brought<F>, card: Card, source: Source, bytes: B) -> Result<Self, Failure> {
        let mut spec = card.spec(brought.stem(&card.producer))?;
        // Its name in the list is the file's, so that none of ours can be meant.
        spec.name = format!("{OWN}{}", brought.title).into();
        Ok(Self {
            brought,
            weights: Weights {
                source,
                bytes,
                memory: card.memory,
                randomised: None,
            },
            card,
            spec,
            gradient_ms: None,
        })
    }
}

/// Where a network's weights are.
#[derive(Debug, Clone)]
pub enum Place<B> {
    /// In the page's memory.
    Here(Weights<B>),
    /// Beside the page.
    Served(ManifestEntry),
}

/// See the [module](self).
#[derive(Debug)]
pub struct Networks<F, B> {
    manifest: Manifest,
    /// Weights of ours that were fetched, by name.
    fetched: HashMap<String, Weights<B>>,
    /// The newest last.
    own: Vec<OwnModel<F, B>>,
    /// Files of one that lacks another still.
    awaiting: Option<Awaiting<F>>,
}

impl<F, B> Default for Networks<F, B> {
    fn default() -> Self {
        Self {
            manifest: Manifest::default(),
            fetched: HashMap::new(),
            own: Vec::new(),
            awaiting: None,
        }
    }
}

impl<F: Named + Clone, B: Clone> Networks<F, B> {
    /// The site serves these of ours: the list of all, and which of them is chosen where one is
    /// `wanted`, or none: that one if it is served, or else the first that is.
    pub fn serve(&mut self, manifest: Manifest, wanted: &str) -> (Panel, String) {
        self.manifest = manifest;
        let mut panel = Panel::new();
        for spec in &CATALOG {
            let entry = self.manifest.entry(&spec.name);
            let network = || named(&*spec.title);
            let title = match (entry, spec.source_file) {
                (Some(entry), _) => phrase!(
                    "{network}, {size} MB",
                    network = network(),
                    size = decimal(entry.bytes as f64 / 1e6, 1),
                ),
                // One sentence from here to the network: which file, and what to do with it.
                (None, Some(file)) => phrase!(
                    "{network} (drop {file} here)",
                    network = network(),
                    file = file,
                ),
                (None, None) => phrase!("{network} (weights not fetched)", network = network()),
            };
            panel.adds(LIST, option(&spec.name, title, entry.is_some()));
        }
        panel.enable(LIST, true);
        let served = |spec: &&ModelSpec| self.manifest.entry(&spec.name).is_some();
        let mut served = CATALOG.iter().filter(served);
        let first = served.clone().next();
        let chosen = served.find(|spec| spec.name == wanted).or(first);
        (
            panel,
            chosen.map_or_else(String::new, |spec| spec.name.to_string()),
        )
    }

    /// The network of that name.
    pub fn spec(&self, name: &str) -> Option<ModelSpec> {
        let own = self.own.iter().map(|own| &own.spec);
        let mut all = CATALOG.iter().chain(own);
        all.find(|spec| spec.name == name).cloned()
    }

    /// The one of that name, if someone brought it.
    pub fn own(&self, name: &str) -> Option<&OwnModel<F, B>> {
        self.own.iter().find(|own| own.spec.name == name)
    }

    /// Whether someone has brought one.
    pub fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// Where a network's weights are.
    ///
    /// # Errors
    ///
    /// See [`missing_weights`].
    pub fn weights(&self, name: &str) -> Result<Place<B>, Failure> {
        let own = self.own(name).map(|own| &own.weights);
        if let Some(weights) = own.or_else(|| self.fetched.get(name)) {
            return Ok(Place::Here(weights.clone()));
        }
        let entry = self.manifest.entry(name).cloned();
        let entry = entry.ok_or_else(|| missing_weights(name))?;
        Ok(Place::Served(entry))
    }

    /// The weights of one of ours have come.
    pub fn fetched(&mut self, spec: &ModelSpec, entry: ManifestEntry, bytes: B) -> Weights<B> {
        let weights = Weights::published(spec, &entry, bytes);
        self.fetched.insert(entry.name, weights.clone());
        weights
    }

    /// The name of the file that a network lacks still.
    pub fn awaited(&self) -> Option<&str> {
        self.awaiting.as_ref().map(|awaiting| &*awaiting.missing)
    }

    /// What is to be read where these files have come: they may be what a network lacked that came
    /// before, or name the classes of one that is here, which is the one that is set, or was
    /// brought last.
    ///
    /// # Errors
    ///
    /// [`FailureCode::LabelsDoNotFit`], where no network is here that they could name the classes
    /// of.
    pub fn together(&mut self, files: Vec<(F, Kind)>, set: &str) -> Result<Brought<F>, Failure> {
        let texts = files.iter().all(|&(_, kind)| kind == Kind::Text);
        let brought = Brought::of(files);
        let answered = |awaiting: &Awaiting<F>| awaiting.is_answered_by(&brought.files);
        if let Some(awaiting) = self.awaiting.take().filter(answered) {
            return Ok(awaiting.with(brought.files));
        }
        if !texts {
            return Ok(brought);
        }
        let own = self.own(set).or(self.own.last());
        let own = own.ok_or_else(|| Failure {
            code: FailureCode::LabelsDoNotFit,
            detail: "these labels belong to no network of yours; drop its weights with them".into(),
        })?;
        Ok(own.brought.clone().with_labels(brought.files))
    }

    /// What was brought could not be read. Where a file is missing, whoever drops that next need
    /// not drop the others again.
    pub fn refused(&mut self, brought: Brought<F>, failure: &Failure) {
        if failure.code == FailureCode::FileMissing {
            self.awaiting = Some(Awaiting {
                missing: failure.detail.clone(),
                brought,
            });
        }
    }

    /// Adds a network, in place of the same one, beside another one that is called alike. Its name,
    /// and what becomes of the list.
    pub fn add(&mut self, mut own: OwnModel<F, B>) -> (String, Panel) {
        let taken = |name: &str| Some(self.own(name)?.brought.is_like(&own.brought));
        let [name, title] = numbered(&own.spec.name, &own.spec.title, taken);
        own.spec.name = name.clone().into();
        own.spec.title = title.into();
        let mut panel = Panel::new();
        panel.show(LACKS_NETWORK, false);
        match self.own.iter_mut().find(|other| other.spec.name == name) {
            Some(same) => *same = own,
            None => {
                let title = Phrase::of(&*own.spec.title);
                panel.adds(LIST, option(&name, title, true));
                self.own.push(own);
            }
        }
        (name, panel)
    }

    /// The same network was read with something else wished of it. Whether its outputs are others
    /// now; nothing, where it is none that was brought.
    pub fn wished(&mut self, name: &str, mut read: OwnModel<F, B>) -> Option<bool> {
        let own = self.own.iter_mut().find(|own| own.spec.name == name)?;
        let others = read.card.output != own.card.output || read.card.classes != own.card.classes;
        read.spec.name = own.spec.name.clone();
        read.spec.title = own.spec.title.clone();
        *own = read;
        Some(others)
    }

    /// What is to be read where something else is wished of a network.
    pub fn with_wishes(&self, name: &str, wishes: Wishes) -> Option<Brought<F>> {
        let brought = self.own(name)?.brought.clone();
        Some(Brought { wishes, ..brought })
    }

    /// How long a gradient takes in one worker, of a network that was brought.
    pub fn timed(&mut self, name: &str, gradient_ms: f64) {
        if let Some(own) = self.own.iter_mut().find(|own| own.spec.name == name) {
            own.gradient_ms = Some(gradient_ms);
        }
    }
}

/// A network of ours whose weights are not served.
pub fn missing_weights(name: &str) -> Failure {
    let spec = ModelSpec::from_name(name).ok();
    match spec.and_then(|spec| spec.source_file) {
        Some(file) => Failure {
            code: FailureCode::WeightsElsewhere,
            detail: file.into(),
        },
        None => Failure {
            code: FailureCode::WeightsMissing,
            detail: format!("{name} is not in weights/manifest.json"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::card::tests::card;
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct File(&'static str);

    impl Named for File {
        fn path(&self) -> &str {
            self.0
        }
        fn bytes(&self) -> u64 {
            self.0.len() as u64
        }
    }

    type All = Networks<File, &'static str>;

    fn read(brought: Brought<File>) -> OwnModel<File, &'static str> {
        let source = Source::Own {
            definition: Vec::new(),
        };
        OwnModel::new(brought, card(), source, "weights").expect("a network")
    }

    fn brought(files: &[(&'static str, Kind)]) -> Brought<File> {
        let files = files.iter().map(|&(path, kind)| (File(path), kind));
        Brought::of(files.collect())
    }

    fn paths(brought: &Brought<File>) -> Vec<&'static str> {
        brought.files.iter().map(|file| file.0).collect()
    }

    fn manifest(names: &[&str]) -> Manifest {
        let entry = |name: &&str| ManifestEntry {
            name: (*name).into(),
            file: format!("{name}.safetensors"),
            bytes: 12_000_000,
            sha256: "abc".into(),
        };
        Manifest {
            models: names.iter().map(entry).collect(),
        }
    }

    #[test]
    fn who_asks_for_a_network_that_is_not_served_gets_the_first_that_is() {
        let chosen = |served: &[&str], wanted| All::default().serve(manifest(served), wanted).1;
        let two = ["efficientnet-lite0", "shapesnet"];
        assert_eq!(chosen(&two, "shapesnet"), "shapesnet");
        assert_eq!(chosen(&two, "resnet18"), "efficientnet-lite0");
        assert_eq!(chosen(&two, ""), "efficientnet-lite0");
        assert_eq!(chosen(&[], "shapesnet"), "");
    }

    #[test]
    fn weights_are_fetched_once_and_what_is_not_served_is_told() {
        let mut networks = All::default();
        networks.serve(manifest(&["shapesnet"]), "");
        let spec = networks.spec("shapesnet").expect("one of ours");
        let Ok(Place::Served(entry)) = networks.weights("shapesnet") else {
            panic!("it is served");
        };
        networks.fetched(&spec, entry, "bytes");
        let here = networks.weights("shapesnet");
        assert!(matches!(
            here,
            Ok(Place::Here(Weights { bytes: "bytes", .. }))
        ));
        let code = |name| networks.weights(name).expect_err("not served").code;
        assert_eq!(code("efficientnet-lite0"), FailureCode::WeightsMissing);
        assert_eq!(code("resnet18"), FailureCode::WeightsElsewhere);
    }

    #[test]
    fn labels_alone_belong_to_the_network_that_is_set_or_came_last() {
        use Kind::{Network, Text};
        let mut networks = All::default();
        let labels = || vec![(File("names.txt"), Text)];
        let refused = networks.together(labels(), "").expect_err("of what?");
        assert_eq!(refused.code, FailureCode::LabelsDoNotFit);
        networks.add(read(brought(&[("a.onnx", Network)])));
        networks.add(read(brought(&[("b.onnx", Network)])));
        let with =
            |networks: &mut All, set| paths(&networks.together(labels(), set).expect("both"));
        assert_eq!(with(&mut networks, "own:a.onnx"), ["a.onnx", "names.txt"]);
        assert_eq!(with(&mut networks, "resnet18"), ["b.onnx", "names.txt"]);
    }

    #[test]
    fn what_a_network_lacked_is_read_with_it_when_it_comes() {
        let first = || brought(&[("a.onnx", Kind::Network)]);
        let missing = Failure {
            code: FailureCode::FileMissing,
            detail: "a.data".into(),
        };
        let mut networks = All::default();
        networks.refused(first(), &missing);
        assert_eq!(networks.awaited(), Some("a.data"));
        let rest = vec![(File("a.data"), Kind::Other)];
        let together = networks.together(rest.clone(), "").expect("both");
        assert_eq!(paths(&together), ["a.onnx", "a.data"]);
        // Another network came instead: that is the one.
        networks.refused(first(), &missing);
        let other = vec![(File("b.onnx"), Kind::Network)];
        let together = networks.together(other, "").expect("the other");
        assert_eq!(
            (paths(&together), networks.awaited()),
            (vec!["b.onnx"], None)
        );
        networks.refused(first(), &Failure::internal("damaged"));
        assert_eq!(networks.awaited(), None);
    }

    #[test]
    fn the_same_network_takes_its_own_place_and_another_one_gets_a_number() {
        let mut networks = All::default();
        let add = |networks: &mut All, path| {
            let files = [(path, Kind::Network)];
            networks.add(read(brought(&files))).0
        };
        assert_eq!(add(&mut networks, "a.onnx"), "own:a.onnx");
        networks.timed("own:a.onnx", 12.0);
        assert_eq!(
            networks.own("own:a.onnx").and_then(|own| own.gradient_ms),
            Some(12.0)
        );
        assert_eq!(add(&mut networks, "a.onnx"), "own:a.onnx");
        let mut other = read(brought(&[
            ("a.onnx", Kind::Network),
            ("a.data", Kind::Other),
        ]));
        other.card.classes = 2;
        let (name, _) = networks.add(other.clone());
        assert_eq!(name, "own:a.onnx (2)");
        assert!(matches!(networks.weights(&name), Ok(Place::Here(_))));
        // Wished otherwise, it keeps its name; its outputs may be others.
        assert_eq!(networks.wished(&name, other), Some(false));
        let wished = read(brought(&[("a.onnx", Kind::Network)]));
        assert_eq!(networks.wished(&name, wished), Some(true));
        assert!(
            networks
                .spec("own:a.onnx (2)")
                .is_some_and(|spec| spec.title.ends_with("(2)"))
        );
    }
}
