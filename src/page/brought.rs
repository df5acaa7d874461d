//! Files that someone brought as one network: which belong together, what they are called, and what is wished of them.

use super::dropped::Kind;
use crate::model::Wishes;

/// A file that can be told from others.
pub trait Named {
    /// Its name, after those of the folders that it is in.
    fn path(&self) -> &str;
    /// How long it is.
    fn bytes(&self) -> u64;
}

/// Files that are read as one network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Brought<F> {
    /// What people call it: its file, or its folder.
    pub title: String,
    /// All of them.
    pub files: Vec<F>,
    /// What is wished of it.
    pub wishes: Wishes,
}

/// Files of a network that lacks one still.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaiting<F> {
    /// The name of the file that it lacks.
    pub missing: String,
    /// Those that are here.
    pub brought: Brought<F>,
}

impl<F: Named> Brought<F> {
    /// Files that came together.
    pub fn of(dropped: Vec<(F, Kind)>) -> Self {
        let wishes = Wishes {
            labels: labels_among(&dropped),
            ..Wishes::default()
        };
        Self {
            title: title_of(&dropped),
            files: dropped.into_iter().map(|(file, _)| file).collect(),
            wishes,
        }
    }

    /// The same files with others that name the classes, the first of which does.
    #[must_use]
    pub fn with_labels(mut self, labels: Vec<F>) -> Self {
        let before = self.wishes.labels.take();
        self.wishes.labels = labels.first().map(|label| label.path().to_owned());
        let goes = |file: &F| {
            let path = file.path();
            before.as_deref() == Some(path) || labels.iter().any(|label| label.path() == path)
        };
        self.files.retain(|file| !goes(file));
        self.files.extend(labels);
        self
    }

    /// Whether its files, but for what names the classes, are as long as another one's.
    pub fn is_like(&self, other: &Self) -> bool {
        let of = |brought: &Self| -> Vec<_> {
            let labels = brought.wishes.labels.as_deref();
            let files = brought.files.iter();
            let files = files.filter(|file| Some(file.path()) != labels);
            files
                .map(|file| (file.path().to_owned(), file.bytes()))
                .collect()
        };
        of(self) == of(other)
    }

    /// What the network is called that someone at `producer` wrote: its file, without its ending.
    pub fn stem(&self, producer: &str) -> &str {
        // Every one of its exports is called model.json.
        const MACHINE: &str = "Teachable Machine";
        let title = &*self.title;
        match title.rsplit_once('.').map_or(title, |(stem, _)| stem) {
            "model" if producer.starts_with(MACHINE) => MACHINE,
            stem => stem,
        }
    }
}

impl<F: Named> Awaiting<F> {
    /// Whether what it lacks is among these.
    pub fn is_answered_by(&self, files: &[F]) -> bool {
        let missing = base_name(&self.missing);
        let mut names = files.iter().map(|file| base_name(file.path()));
        names.any(|name| name.eq_ignore_ascii_case(missing))
    }

    /// All of it.
    pub fn with(mut self, files: Vec<F>) -> Brought<F> {
        self.brought.files.extend(files);
        self.brought
    }
}

/// A name and a title that no other network has but the same one; `known` says of a name whether it is taken, and
/// then whether by the same one.
pub fn numbered(name: &str, title: &str, known: impl Fn(&str) -> Option<bool>) -> [String; 2] {
    let mut both = [name.to_owned(), title.to_owned()];
    let mut number = 1;
    while known(&both[0]) == Some(false) {
        number += 1;
        both = [name, title].map(|plain| format!("{plain} ({number})"));
    }
    both
}

/// What people call files that came together: their folder, or the network's file.
fn title_of<F: Named>(files: &[(F, Kind)]) -> String {
    let folder = files.iter().find_map(|(file, _)| folder(file.path()));
    let network = files.iter().find(|(_, kind)| *kind == Kind::Network);
    let first = network.or(files.first());
    let first = first.map(|(file, _)| base_name(file.path()));
    folder.or(first).unwrap_or_default().into()
}

/// The text that names the classes, where people brought one beside the network: its name says so, or it is the
/// only one. What a folder or an archive holds may be anything.
fn labels_among<F: Named>(files: &[(F, Kind)]) -> Option<String> {
    let texts = files.iter().filter(|(_, kind)| *kind == Kind::Text);
    let names = texts.map(|(file, _)| file.path());
    let names: Vec<&str> = names.filter(|path| folder(path).is_none()).collect();
    let says_so = |name: &&&str| {
        let name = name.to_lowercase();
        name.contains("label") || name.contains("class")
    };
    let only = |name: &&&str| names.len() == 1 && name.to_lowercase().ends_with(".txt");
    let said = names.iter().find(says_so);
    said.or_else(|| names.iter().find(only))
        .map(|name| (*name).into())
}

/// The outermost folder that a file is in.
fn folder(path: &str) -> Option<&str> {
    path.split_once('/').map(|(folder, _)| folder)
}

fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tried = (&'static str, u64);

    impl Named for Tried {
        fn path(&self) -> &str {
            self.0
        }
        fn bytes(&self) -> u64 {
            self.1
        }
    }

    fn dropped(files: &[(&'static str, Kind)]) -> Brought<Tried> {
        let files = files.iter().map(|&(path, kind)| ((path, 9), kind));
        Brought::of(files.collect())
    }

    #[test]
    fn files_are_called_as_their_folder_or_as_the_network() {
        use Kind::{Network, Other, Text};
        let alone = dropped(&[("labels.txt", Text), ("cats.onnx", Network)]);
        assert_eq!(alone.title, "cats.onnx");
        assert_eq!(alone.wishes.labels.as_deref(), Some("labels.txt"));
        assert_eq!(alone.stem("pytorch"), "cats");
        let folder = dropped(&[("mine/metadata.json", Text), ("mine/model.json", Network)]);
        assert_eq!(folder.title, "mine");
        assert_eq!(
            folder.wishes.labels, None,
            "what a folder holds may be anything"
        );
        let machine = dropped(&[("model.json", Network), ("weights.bin", Other)]);
        assert_eq!(machine.stem("Teachable Machine 2"), "Teachable Machine");
        assert_eq!(machine.stem("keras"), "model");
        let some = [("a.txt", Text), ("b.txt", Text), ("n.pth", Network)];
        assert_eq!(
            dropped(&some).wishes.labels,
            None,
            "neither says that it is"
        );
        assert_eq!(dropped(&some[1..]).wishes.labels.as_deref(), Some("b.txt"));
        assert_eq!(dropped(&[]).title, "");
    }

    #[test]
    fn labels_that_come_later_take_the_place_of_those_before() {
        let brought = dropped(&[("cats.onnx", Kind::Network), ("labels.txt", Kind::Text)]);
        let relabelled = brought.clone().with_labels(vec![("names.txt", 3)]);
        let paths: Vec<&str> = relabelled.files.iter().map(|file| file.0).collect();
        assert_eq!(paths, ["cats.onnx", "names.txt"]);
        assert_eq!(relabelled.wishes.labels.as_deref(), Some("names.txt"));
        assert!(relabelled.is_like(&brought), "the network is the same");
        let other = Brought {
            files: vec![("cats.onnx", 10)],
            ..brought.clone()
        };
        assert!(!other.is_like(&brought));
    }

    #[test]
    fn what_is_missing_is_known_by_its_name_wherever_it_lies() {
        let awaiting = Awaiting {
            missing: "parts\\Cats.onnx.data".into(),
            brought: dropped(&[("cats.onnx", Kind::Network)]),
        };
        assert!(awaiting.is_answered_by(&[("x/cats.onnx.DATA", 4)]));
        assert!(!awaiting.is_answered_by(&[("dogs.onnx.data", 4)]));
        assert_eq!(awaiting.with(vec![("cats.onnx.data", 4)]).files.len(), 2);
    }

    #[test]
    fn another_network_by_the_same_name_gets_a_number() {
        let known = |name: &str| match name {
            "own:a.onnx" | "own:a.onnx (2)" => Some(false),
            "own:b.onnx" => Some(true),
            _ => None,
        };
        let third = numbered("own:a.onnx", "a (ONNX)", known);
        assert_eq!(third, ["own:a.onnx (3)", "a (ONNX) (3)"]);
        assert_eq!(
            numbered("own:b.onnx", "b", known)[0],
            "own:b.onnx",
            "the same one"
        );
        assert_eq!(numbered("own:c.onnx", "c", known)[1], "c");
    }
}
