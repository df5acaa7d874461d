//! Dependencies point one way: a room, a folder or file of `src`, names only those that stand
//! before it here.
//!
//! Packages of their own (graphs, readers, kernels of the CPU) say by themselves what they depend
//! on.

use std::path::Path;
use std::{collections::BTreeSet, fs};

/// Every room, each after those that it may name.
const ROOMS: [&str; 20] = [
    "error",
    "floats",
    "random",
    "kernel",
    "preprocessing",
    "shapes",
    "attribution",
    "mask",
    "regions",
    "teaching",
    "image",
    "engine",
    "model",
    "device",
    "report",
    "protocol",
    "explain",
    "words",
    "page",
    "web",
];
/// The other end of the page's wire: no room names it, and it computes nothing either.
const WORKER: &str = "worker";

/// What a file of a room names.
struct Source {
    room: String,
    name: String,
    /// Without comments, and without the tests at its end.
    text: String,
}

/// Every file that is part of the library, and not of a package within its folder.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let within = path.strip_prefix(&root).unwrap();
            let room = within.iter().next().unwrap().to_str().unwrap();
            let room = room.trim_end_matches(".rs").to_string();
            let of_tests = path.file_stem().is_some_and(|name| name == "tests");
            if of_tests || ["bin", "training", "lib"].contains(&&*room) {
                continue;
            }
            if path.is_dir() && !path.join("Cargo.toml").exists() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
                let lines = text.lines().map(|line| line.split("//").next().unwrap());
                found.push(Source {
                    room,
                    name: within.display().to_string(),
                    text: lines.collect::<Vec<_>>().join("\n"),
                });
            }
        }
    }
    found
}

/// The rooms that a text names: `crate::model::…`, or one by one in `crate::{…}`.
fn named(text: &str) -> BTreeSet<&str> {
    let word = |text: &'_ str| {
        text.find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(text.len())
    };
    let mut names = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(list) => {
                // Of `{a::{b, c}, d}` a and d.
                let (mut depth, mut begins) = (0, true);
                for (at, sign) in list.char_indices() {
                    match sign {
                        '}' if depth == 0 => break,
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' => begins = depth == 0,
                        _ if begins && !sign.is_whitespace() => {
                            names.insert(&list[at..at + word(&list[at..])]);
                            begins = false;
                        }
                        _ => {}
                    }
                }
            }
            None => {
                names.insert(&after[..word(after)]);
            }
        }
    }
    names
}

#[test]
fn names_are_found_in_lists_within_lists() {
    let text = "use crate::{model::{Card, Rect}, page::Plot,\n words};\ncrate::mask::edges()";
    assert!(
        named(text)
            .into_iter()
            .eq(["mask", "model", "page", "words"])
    );
}

/// Where a room stands.
fn place_of(room: &str) -> Option<usize> {
    ROOMS.iter().position(|&other| other == room)
}

#[test]
fn every_room_names_only_those_before_it() {
    let place = |room: &str| match room {
        // It knows what is computed, and nothing of the page.
        WORKER => place_of("explain"),
        _ => place_of(room),
    };
    let sources = sources();
    let mut wrong = Vec::new();
    for Source { room, name, text } in &sources {
        assert!(place(room).is_some(), "src/{name}: which room is that?");
        for other in named(text) {
            if place(other) > place(room) || other == WORKER && room != WORKER {
                wrong.push(format!("src/{name} names {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let rooms: BTreeSet<_> = sources.iter().map(|source| &*source.room).collect();
    assert_eq!(
        rooms.len(),
        ROOMS.len() + 1,
        "rooms without a file: {rooms:?}"
    );
}

#[test]
fn the_browser_is_met_in_two_rooms_which_compute_nothing() {
    for Source { room, name, text } in sources() {
        let of_the_browser = ["web", WORKER].contains(&&*room);
        for browser in ["web_sys", "js_sys", "wasm_bindgen"] {
            assert!(
                of_the_browser || !text.contains(browser),
                "src/{name} knows the browser"
            );
        }
        for computing in ["burn::", "crate::engine", "crate::kernel"] {
            let stays_out = of_the_browser || ["page", "words"].contains(&&*room);
            assert!(
                !stays_out || !text.contains(computing),
                "src/{name} computes"
            );
        }
    }
}
