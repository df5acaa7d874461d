//! Pictures of two to six classes, from which a last layer is taught.

use super::part::{Panel, part};
use crate::words::{Phrase, decimal, percent, phrase};

/// Classes that a layer is taught, at least and at most.
pub const FEWEST_CLASSES: usize = 2;
/// See [`FEWEST_CLASSES`].
pub const MOST_CLASSES: usize = 6;
/// Pictures that a class needs: one is held out.
pub const FEWEST_PICTURES: usize = 5;
/// Pictures that a class takes.
pub const MOST_PICTURES: usize = 60;
/// Characters of a class' name.
const LONGEST_NAME: usize = 40;

/// A class, and pictures of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class<P> {
    /// What people call it.
    pub name: String,
    /// Its pictures, the oldest first.
    pub pictures: Vec<P>,
}

/// See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classroom<P> {
    classes: Vec<Class<P>>,
}

impl<P> Default for Classroom<P> {
    fn default() -> Self {
        Self {
            classes: Vec::new(),
        }
    }
}

impl<P> Classroom<P> {
    /// The classes.
    pub fn classes(&self) -> &[Class<P>] {
        &self.classes
    }

    /// Another class. Its number; nothing, if there are as many as can be.
    pub fn add(&mut self, name: &str) -> Option<usize> {
        (self.classes.len() < MOST_CLASSES).then(|| {
            self.classes.push(Class {
                name: String::new(),
                pictures: Vec::new(),
            });
            let number = self.classes.len() - 1;
            self.rename(number, name);
            number
        })
    }

    /// Takes a class away, unless too few would be left.
    pub fn remove(&mut self, class: usize) -> bool {
        let removed = self.classes.len() > FEWEST_CLASSES && class < self.classes.len();
        if removed {
            self.classes.remove(class);
        }
        removed
    }

    /// Calls a class something else: what is too long is cut.
    pub fn rename(&mut self, class: usize, name: &str) {
        if let Some(class) = self.classes.get_mut(class) {
            let letters = name.trim().chars().filter(|c| !c.is_control());
            class.name = letters.take(LONGEST_NAME).collect();
        }
    }

    /// How many more pictures a class takes.
    pub fn room(&self, class: usize) -> usize {
        let class = self.classes.get(class);
        class.map_or(0, |class| {
            MOST_PICTURES.saturating_sub(class.pictures.len())
        })
    }

    /// Another picture of a class; whether there was room for it.
    pub fn take(&mut self, class: usize, picture: P) -> bool {
        let taken = self.room(class) > 0;
        if taken {
            self.classes[class].pictures.push(picture);
        }
        taken
    }

    /// A class without its pictures.
    pub fn clear(&mut self, class: usize) {
        if let Some(class) = self.classes.get_mut(class) {
            class.pictures.clear();
        }
    }

    /// All pictures, class by class, each with the number of its class.
    pub fn pictures(&self) -> impl Iterator<Item = (usize, &P)> {
        let classes = self.classes.iter().enumerate();
        classes.flat_map(|(k, class)| class.pictures.iter().map(move |picture| (k, picture)))
    }

    /// Why there is nothing to be taught yet: the first class that has too few pictures.
    pub fn lack(&self) -> Option<Phrase> {
        let mut classes = self.classes.iter().zip(self.labels());
        let lacks = |of: &Class<P>| of.pictures.len() < FEWEST_PICTURES;
        let (class, label) = classes.find(|(class, _)| lacks(class))?;
        Some(phrase!(
            "“{class}” has {n} of the {least} pictures that it needs at least; thirty do well.",
            class = label,
            n = class.pictures.len(),
            least = FEWEST_PICTURES,
        ))
    }

    /// Files of folders, by their paths, each to the class that is called like its folder; classes
    /// without pictures are taken for new ones. The places of the files of each class; what is in
    /// no folder, or too many, is left out.
    pub fn sorted(&mut self, paths: &[String]) -> Vec<(usize, Vec<usize>)> {
        let mut sorted: Vec<(usize, Vec<usize>)> = Vec::new();
        for (folder, places) in by_folder(paths) {
            let mut classes = self.classes.iter();
            let same = classes.position(|class| class.name == folder);
            let taken = |class: usize| sorted.iter().any(|(other, _)| *other == class);
            let mut empty = self.classes.iter().enumerate();
            let empty = empty.find(|(k, class)| class.pictures.is_empty() && !taken(*k));
            let empty = empty.map(|(k, _)| k);
            let class = same.or(empty).or_else(|| self.add(&folder));
            if let Some(class) = class {
                self.rename(class, &folder);
                sorted.push((class, places));
            }
        }
        sorted
    }

    /// What the network's classes are called: as people say, numbered where they say nothing or the
    /// same twice.
    pub fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = Vec::new();
        for (k, class) in self.classes.iter().enumerate() {
            let name = match &*class.name {
                "" => format!("class {}", k + 1),
                name => name.to_owned(),
            };
            let numbered = (2..).map(|number| format!("{name} ({number})"));
            let mut names = std::iter::once(name.clone()).chain(numbered);
            labels.extend(names.find(|name| !labels.contains(name)));
        }
        labels
    }

    /// What a file of the network is called.
    pub fn file_name(&self) -> String {
        let plain = |c: char| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        };
        let labels = self.labels().join("-");
        let name: String = labels.chars().map(plain).take(60).collect();
        format!("{name}.safetensors")
    }
}

/// Files of folders, one folder a class: the name of each file's own folder, with the places of its
/// files, in the order in which folders come; files that are in none are left out.
fn by_folder(paths: &[String]) -> Vec<(String, Vec<usize>)> {
    let mut folders: Vec<(String, Vec<usize>)> = Vec::new();
    for (place, path) in paths.iter().enumerate() {
        let parent = path.rsplit_once('/').map(|(parent, _)| parent);
        let Some(folder) = parent.and_then(|parent| parent.rsplit('/').next()) else {
            continue;
        };
        match folders.iter_mut().find(|(name, _)| name == folder) {
            Some((_, places)) => places.push(place),
            None => folders.push((folder.to_owned(), vec![place])),
        }
    }
    folders
}

/// How a taught layer does on pictures that it was not taught with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// How many of each class, and how many of them are named right.
    pub classes: Vec<(usize, usize)>,
    /// Pictures that are named wrong, by their places, and the class that is named.
    pub wrong: Vec<(usize, usize)>,
}

impl Marks {
    /// Of the class of each picture, by its place, and of those that were held out with the class
    /// that is named.
    pub fn of(classes: &[usize], count: usize, held_out: &[(usize, usize)]) -> Self {
        let mut marks = Self {
            classes: vec![(0, 0); count],
            wrong: Vec::new(),
        };
        for &(place, named) in held_out {
            let Some(&class) = classes.get(place) else {
                continue;
            };
            let (all, right) = &mut marks.classes[class];
            *all += 1;
            if named == class {
                *right += 1;
            } else {
                marks.wrong.push((place, named));
            }
        }
        marks
    }

    /// What is said of them, class by class, after so many seconds.
    pub fn panel(&self, labels: &[String], seconds: f64) -> Panel {
        let (right, all) = (self.right(), self.all());
        let verdict = phrase!(
            "Of {all} pictures that were held out, {right} are named right: {share}%. It took {seconds} s.",
            all = all,
            right = right,
            share = percent(right as f64 / all.max(1) as f64, 0),
            seconds = decimal(seconds, 1),
        );
        let classes = labels.iter().zip(&self.classes);
        let classes = classes.map(|(label, &(all, right))| {
            part("li").says(phrase!(
                "{class}: {right} of {all}",
                class = label.as_str(),
                right = right,
                all = all,
            ))
        });
        let mut panel = Panel::new();
        panel
            .says("teach-verdict", verdict)
            .holds("teach-marks", classes);
        panel
    }

    /// How many were held out.
    pub fn all(&self) -> usize {
        self.classes.iter().map(|(all, _)| all).sum()
    }

    /// How many are named right.
    pub fn right(&self) -> usize {
        self.classes.iter().map(|(_, right)| right).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::tests::english;
    use super::*;

    fn room(counts: &[usize]) -> Classroom<usize> {
        let mut room = Classroom::default();
        for (k, &count) in counts.iter().enumerate() {
            assert_eq!(room.add("cup"), Some(k));
            (0..count).for_each(|picture| assert!(room.take(k, picture)));
        }
        room
    }

    #[test]
    fn two_to_six_classes_have_room_for_so_many_pictures() {
        let mut full = room(&[MOST_PICTURES, 1, 0, 0, 0, 0]);
        assert_eq!(full.add("a seventh"), None);
        assert!(!full.take(0, 99) && full.room(0) == 0 && full.room(9) == 0);
        assert!(full.remove(0) && full.classes()[0].pictures == [0]);
        (0..3).for_each(|_| assert!(full.remove(1)));
        assert!(!full.remove(1), "two are left");
        full.clear(0);
        assert_eq!(full.pictures().count(), 0);
    }

    #[test]
    fn what_lacks_pictures_is_told() {
        assert_eq!(room(&[5, 30]).lack(), None);
        let lack = english(&room(&[5, 3, 0]).lack().unwrap());
        assert!(
            lack.starts_with("“cup (2)” has 3 of the 5 pictures"),
            "{lack}"
        );
    }

    #[test]
    fn every_class_has_a_name_of_its_own() {
        let mut room = room(&[0; 4]);
        room.rename(0, " a\u{7} mug ");
        room.rename(2, "");
        assert_eq!(room.labels(), ["a mug", "cup", "class 3", "cup (2)"]);
        assert_eq!(room.file_name(), "a_mug-cup-class_3-cup__2_.safetensors");
        room.rename(0, &"é".repeat(500));
        assert_eq!(room.labels()[0].chars().count(), LONGEST_NAME);
    }

    #[test]
    fn a_folder_of_folders_is_a_class_for_each() {
        let paths = [
            "all/cup/1.jpg",
            "all/pen/1.jpg",
            "all/cup/2.jpg",
            "alone.jpg",
        ];
        let found = by_folder(&paths.map(String::from));
        let expected = [("cup".into(), vec![0, 2]), ("pen".into(), vec![1])];
        assert_eq!(found, expected);
    }

    #[test]
    fn folders_go_to_the_classes_that_are_called_like_them_then_to_empty_ones_then_to_new_ones() {
        let mut room: Classroom<usize> = Classroom::default();
        room.add("pen");
        room.add("Class 2");
        room.take(0, 1);
        let paths: Vec<String> = ["cup", "pen", "key", "cup"]
            .iter()
            .map(|folder| format!("all/{folder}/1.jpg"))
            .collect();
        assert_eq!(
            room.sorted(&paths),
            [(1, vec![0, 3]), (0, vec![1]), (2, vec![2])]
        );
        assert_eq!(room.labels(), ["pen", "cup", "key"]);
        // More folders than there can be classes.
        let many: Vec<String> = (0..9).map(|k| format!("{k}/1.jpg")).collect();
        let sorted = room.sorted(&many);
        // The two without pictures, and three more.
        assert_eq!((sorted.len(), room.classes().len()), (5, MOST_CLASSES));
        assert!(room.sorted(&["alone.jpg".to_owned()]).is_empty());
    }

    #[test]
    fn marks_say_which_class_is_taken_for_which() {
        let marks = Marks::of(&[0, 0, 1, 1, 2], 3, &[(0, 0), (2, 0), (4, 2), (99, 1)]);
        assert_eq!(marks.classes, [(1, 1), (1, 0), (1, 1)]);
        assert_eq!((marks.all(), marks.right()), (3, 2));
        assert_eq!(marks.wrong, [(2, 0)]);
        let labels = ["cup", "pen", "key"].map(String::from);
        let panel = marks.panel(&labels, 3.25);
        let verdict = panel.said("teach-verdict").unwrap();
        assert!(
            verdict.starts_with("Of 3 pictures that were held out, 2 are named right: 67%"),
            "{verdict}"
        );
        let rows = panel.held("teach-marks").unwrap();
        assert_eq!(rows[1].text(), "pen: 0 of 1");
    }
}
