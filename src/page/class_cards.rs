//! A card for each class: its name, its pictures, and what can be done with them.

use super::classroom::{Classroom, FEWEST_CLASSES, MOST_CLASSES};
use super::part::{Panel, Part, button, part};
use crate::words::phrase;

/// Pictures that one press on the button takes.
pub const BURST: usize = 10;

/// The cards that are on the page, so that only what has become different is touched: what someone
/// types stays where it is, and pictures are not made anew.
#[derive(Debug, Default)]
pub struct Cards {
    /// The name and the pictures' addresses of each.
    shown: Vec<(String, Vec<String>)>,
}

impl Cards {
    /// The cards of all classes as they are now; `url` is a picture's address, `made` whether there
    /// is a network that can explain one.
    pub fn panel<P>(&mut self, room: &Classroom<P>, url: impl Fn(&P) -> &str, made: bool) -> Panel {
        let classes = room.classes();
        let mut panel = Panel::new();
        if self.shown.len() > classes.len() {
            panel.keeps("teach-classes", classes.len());
            self.shown.truncate(classes.len());
        }
        for (k, class) in classes.iter().enumerate() {
            let id = |what: &str| format!("teach-{what}-{k}");
            if k == self.shown.len() {
                panel.adds("teach-classes", card(k));
                self.shown.push(Default::default());
            }
            let (name, urls) = &mut self.shown[k];
            if *name != class.name {
                panel.value(id("name"), &class.name);
                name.clone_from(&class.name);
            }
            let pairs = urls.iter().zip(&class.pictures);
            let same = pairs.take_while(|(known, picture)| *known == url(picture));
            let same = same.count();
            if same < urls.len() {
                panel.keeps(id("pictures"), same);
                urls.truncate(same);
            }
            for picture in &class.pictures[same..] {
                panel.adds(id("pictures"), thumbnail(url(picture)));
                urls.push(url(picture).to_owned());
            }
            let count = class.pictures.len();
            let words = match count {
                1 => phrase!("1 picture"),
                n => phrase!("{n} pictures", n = n),
            };
            panel
                .says(id("count"), words)
                .enable(id("explain"), count > 0 && made)
                .enable(id("clear"), count > 0)
                .enable(id("remove"), classes.len() > FEWEST_CLASSES);
        }
        panel
            .enable("teach-add", classes.len() < MOST_CLASSES)
            .show("teach-made", made);
        panel
    }
}

/// An empty card for a class.
fn card(class: usize) -> Part {
    let id = |what: &str| format!("teach-{what}-{class}");
    let actions = [
        ("files", phrase!("Add pictures…")),
        ("photograph", phrase!("Photograph {n}", n = BURST)),
        ("explain", phrase!("Explain one")),
        ("clear", phrase!("Empty")),
        ("remove", phrase!("Remove")),
    ];
    let actions = actions.map(|(what, title)| {
        let action = button().class("quiet").set("data-do", what);
        action.set("id", id(what)).says(title)
    });
    let label = phrase!("Name of class {n}", n = class + 1);
    let name = part("input")
        .set("id", id("name"))
        .set("autocomplete", "off")
        .spoken("aria-label", label);
    part("li").set("data-class", class).with([
        name,
        part("p").class("hint").set("id", id("count")),
        part("ol").set("id", id("pictures")),
        part("div").class("action").with(actions),
    ])
}

fn thumbnail(url: &str) -> Part {
    part("li").with([part("img").set("alt", "").set("src", url)])
}

#[cfg(test)]
mod tests {
    use super::super::part::Change;
    use super::*;

    fn panel(cards: &mut Cards, room: &Classroom<String>) -> Panel {
        cards.panel(room, String::as_str, false)
    }

    fn added(panel: &Panel, id: &str) -> usize {
        let own = panel.changes().filter(|(known, _)| *known == id);
        own.filter(|(_, change)| matches!(change, Change::Adds(_)))
            .count()
    }

    #[test]
    fn only_what_has_become_different_is_touched() {
        let (mut cards, mut room) = (Cards::default(), Classroom::default());
        room.add("cup");
        room.add("pen");
        room.take(0, "blob:1".to_owned());
        let first = panel(&mut cards, &room);
        assert_eq!(added(&first, "teach-classes"), 2);
        assert_eq!(added(&first, "teach-pictures-0"), 1);
        assert_eq!(first.field("teach-name-0").as_deref(), Some("cup"));
        assert_eq!(first.enables("teach-remove-0"), Some(false));
        // Another picture comes while someone types a name: the field is left alone, and so is the
        // picture before.
        room.take(0, "blob:2".to_owned());
        let second = panel(&mut cards, &room);
        assert_eq!(added(&second, "teach-classes"), 0);
        assert_eq!(added(&second, "teach-pictures-0"), 1);
        assert_eq!(second.field("teach-name-0"), None);
        assert_eq!(second.said("teach-count-0").as_deref(), Some("2 pictures"));
        room.rename(0, " mug ");
        assert_eq!(
            panel(&mut cards, &room).field("teach-name-0").as_deref(),
            Some("mug")
        );
    }

    #[test]
    fn a_class_that_is_removed_leaves_the_others_their_pictures() {
        let (mut cards, mut room) = (Cards::default(), Classroom::default());
        for (k, name) in ["cup", "pen", "key"].into_iter().enumerate() {
            room.add(name);
            room.take(k, format!("blob:{k}"));
        }
        panel(&mut cards, &room);
        room.remove(0);
        let after = panel(&mut cards, &room);
        let keeps = |id: &str| {
            let own = after.changes().filter(|(known, _)| *known == id);
            own.filter_map(|(_, change)| match change {
                Change::Keeps(first) => Some(*first),
                _ => None,
            })
            .last()
        };
        assert_eq!(keeps("teach-classes"), Some(2));
        assert_eq!(
            (keeps("teach-pictures-0"), added(&after, "teach-pictures-0")),
            (Some(0), 1)
        );
        assert_eq!(after.field("teach-name-1").as_deref(), Some("key"));
        room.clear(1);
        panel(&mut cards, &room);
        assert_eq!(
            cards.shown,
            [
                ("pen".into(), vec!["blob:1".to_owned()]),
                ("key".into(), vec![])
            ]
        );
    }
}
