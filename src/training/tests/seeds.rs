//! What follows from a seed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::Command;

/// Scenes, first weights and sums: all follow from the seed, whatever the threads do.
#[test]
fn the_same_seed_trains_the_same_weights() {
    let train = |name: &str, seed: &str| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let trained = Command::new(env!("CARGO_BIN_EXE_train-shapes"))
            .args(["--looks", "320", "--held-out", "8", "--seed", seed, "--out"])
            .arg(&out)
            .output()
            .unwrap();
        assert!(trained.status.success(), "{trained:?}");
        ["shapesnet", "shapesnet-shortcut"]
            .map(|model| std::fs::read(out.join(format!("{model}.safetensors"))).unwrap())
    };
    let first = train("trained-once", "1");
    assert_eq!(first, train("trained-twice", "1"));
    let other = train("trained-otherwise", "2");
    assert!(first[0] != other[0] && first[1] != other[1]);
    assert_ne!(first[0], first[1]);
}
