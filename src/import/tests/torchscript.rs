//! TorchScript computes what PyTorch computes: files that `tests/golden/torchscripts.py` wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/pytorch.rs"]
mod pytorch;
mod support;

use pytorch::Files;
use violet_import::{Imported, Note};

const SCRIPTS: Files = Files {
    folder: "torchscript",
    others: "VIOLET_SCRIPTS",
};

#[test]
fn code_computes_what_pytorch_computes() {
    SCRIPTS.check();
}

#[test]
fn sizes_and_colours_are_those_with_which_the_code_runs_or_that_are_said() {
    let assumed = |imported: &Imported| {
        let notes = imported.notes.iter();
        notes
            .filter(|note| matches!(note, Note::AssumedSize(_)))
            .count()
    };
    for name in ["digits-traced.pt", "digits-scripted.pt", "digits-frozen.pt"] {
        let imported = SCRIPTS.read(name, None).unwrap();
        let input = &imported.input;
        assert_eq!(
            [input.channels, input.height, input.width],
            [1, 28, 28],
            "{name}"
        );
        assert_eq!(assumed(&imported), 1);
    }
    let imported = SCRIPTS.read("branches-scripted.pt", None).unwrap();
    assert_eq!([imported.input.height, imported.input.width], [16, 16]);
    assert_eq!(imported.labels, ["bear", "cat", "owl", "dog", "fox"]);
    assert_eq!(assumed(&imported), 0);
    // With another size its last layers do not fit.
    let said = SCRIPTS
        .read("digits-traced.pt", Some(64))
        .unwrap_err()
        .to_string();
    assert!(said.contains("size"), "{said}");
}
