//! The command line, as a person or a script uses it.

use std::path::{Path, PathBuf};

use crate::command::{folder, violet};
use crate::common;

/// Whether scripts/weights.sh has run; the tests that need them say that they are skipped.
fn weights_are_there() -> bool {
    let there = common::weights("efficientnet-lite0").is_some();
    if !there {
        common::skip("scripts/weights.sh fetches the weights");
    }
    there
}

fn report(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap()
}

#[test]
fn explain_writes_attributions_pictures_and_report() {
    if !weights_are_there() {
        return;
    }
    let out = folder("explain");
    let run = violet(&[
        "explain",
        "www/samples/cat.jpg",
        "--steps",
        "4",
        "--target",
        "Egyptian cat",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );

    let report = report(&out);
    let number = |key: &str| {
        report[key]
            .as_f64()
            .unwrap_or_else(|| panic!("{key}: {report}"))
    };
    assert_eq!(report["model"], "efficientnet-lite0");
    assert_eq!(
        (&report["target"], &report["label"]),
        (&285.into(), &"Egyptian cat".into())
    );
    assert_eq!(
        (number("n_steps"), number("gradient_evaluations")),
        (4.0, 4.0)
    );
    // A number of steps without a rule is one of secants; each thread's stretch of them begins with a pass.
    assert_eq!(
        (&report["rule"], &report["device"]),
        (&"secant".into(), &"cpu".into())
    );
    let starts = number("forward_evaluations") - 2.0;
    assert!(
        starts >= 1.0 && starts <= number("threads") + 2.0,
        "{starts}"
    );
    assert!(report["map_error_estimate"].is_null());
    assert!(number("elapsed_ms") > 0.0);
    let change = number("output_input") - number("output_baseline");
    let delta = number("attribution_sum") - change;
    assert!((delta - number("convergence_delta")).abs() < 1e-4);
    let weights: f64 = report["step_sizes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w.as_f64().unwrap())
        .sum();
    assert!((weights - 1.0).abs() < 1e-12);

    let npy = std::fs::read(out.join("attributions.npy")).unwrap();
    let header = String::from_utf8_lossy(&npy[..128]).into_owned();
    assert!(
        header.contains("<f4") && header.contains("(3, 224, 224"),
        "{header}"
    );
    assert!(header.contains("'fortran_order': False"), "{header}");
    let (values, _) = npy[npy.len() - 3 * 224 * 224 * 4..].as_chunks::<4>();
    let sum: f64 = values
        .iter()
        .map(|&v| f64::from(f32::from_le_bytes(v)))
        .sum();
    assert!((sum - number("attribution_sum")).abs() < 1e-3, "{sum}");

    let mask = image::open(out.join("mask.png")).unwrap();
    assert!(mask.color().has_alpha());
    assert_eq!((mask.width(), mask.height()), (224, 224));
    assert_eq!(image::open(out.join("overlay.png")).unwrap().width(), 224);
}

/// What is converted is entered in the manifest, and a manifest that cannot be read is left alone.
#[test]
fn convert_checks_what_it_writes_and_overwrites_no_manifest_that_it_cannot_read() {
    let out = folder("convert");
    let convert = || {
        violet(&[
            "convert",
            "--model",
            "shapesnet",
            "--unpublished",
            "--out",
            out.to_str().unwrap(),
            "weights/shapesnet.safetensors",
        ])
    };
    let run = convert();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    let list = out.join("manifest.json");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&list).unwrap()).unwrap();
    let bytes = std::fs::read(out.join("shapesnet.safetensors")).unwrap();
    let entry = &manifest["models"][0];
    assert_eq!(entry["name"], "shapesnet");
    assert_eq!(entry["sha256"], violet::model::checkpoint::sha256(&bytes));
    let [before, after] = [
        "weights/shapesnet.safetensors".into(),
        out.join("shapesnet.safetensors"),
    ]
    .map(|path: PathBuf| {
        let bytes = std::fs::read(common::root().join(path)).unwrap();
        violet::model::Checkpoint::from_safetensors(&bytes).unwrap()
    });
    let off = before.farthest(&after).unwrap();
    assert!(off > 0.0 && off < 1.01 / 65_534.0, "{off}");

    for broken in ["{\"models\": [", "no JSON"] {
        std::fs::write(&list, broken).unwrap();
        std::fs::write(out.join("shapesnet.safetensors"), "as it was").unwrap();
        let run = convert();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(
            !run.status.success() && said.contains("manifest.json"),
            "{said}"
        );
        assert_eq!(std::fs::read_to_string(&list).unwrap(), broken);
        let kept = std::fs::read_to_string(out.join("shapesnet.safetensors"));
        assert_eq!(kept.unwrap(), "as it was");
    }
}

#[test]
fn a_broken_photo_does_not_stop_the_others() {
    if !weights_are_there() {
        return;
    }
    let out = folder("several");
    let broken = folder("broken.jpg");
    std::fs::write(&broken, b"no photo").unwrap();
    let run = violet(&[
        "explain",
        "www/samples/cat.jpg",
        broken.to_str().unwrap(),
        "www/samples/coffee.jpg",
        "--steps",
        "1",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(!run.status.success());
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        said.contains("not a photo") && said.contains("1 of 3"),
        "{said}"
    );
    for name in ["cat", "coffee"] {
        assert!(report(&out.join(name))["attribution_sum"].is_number());
    }
}

#[test]
fn masks_settle_and_add_up_exactly() {
    if !weights_are_there() {
        return;
    }
    // 50 uniform steps leave a quarter of the change unexplained on the second of these.
    for photo in ["cat", "astronaut"] {
        let out = folder(&format!("settled-{photo}"));
        let file = format!("www/samples/{photo}.jpg");
        let run = violet(&["explain", &file, "--out", out.to_str().unwrap()]);
        assert!(run.status.success());
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(said.contains("the mask is settled to"), "{said}");
        let report = report(&out);
        let number = |key: &str| report[key].as_f64().unwrap();
        let change = number("output_input") - number("output_baseline");
        let delta = number("convergence_delta") / change;
        assert!(delta.abs() <= 1e-4, "{photo}: {delta}");
        assert_eq!(report["rule"], "auto");
        let estimate = number("map_error_estimate");
        assert!(estimate > 0.005 && estimate <= 0.05, "{photo}: {estimate}");
        let sizes = report["step_sizes"].as_array().unwrap();
        // What was split counts no more: the first two intervals, of which each left three, and one more at least,
        // which left two or more.
        let (gradients, intervals) = (number("gradient_evaluations"), sizes.len() as f64);
        assert!(
            gradients >= intervals + 3.0 && gradients <= 2.0 * intervals - 4.0,
            "{photo}: {gradients} for {intervals}"
        );
        assert_eq!(number("n_steps"), sizes.len() as f64);
        assert!(number("forward_evaluations") > 2.0);
        let sum: f64 = sizes.iter().map(|size| size.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{photo}: {sum}");
    }
}

#[test]
fn a_budget_that_ends_too_early_is_said() {
    let out = folder("budget");
    let fixed = [
        "explain",
        "www/samples/coffee.jpg",
        "--model=shapesnet",
        "--budget=12",
    ];
    let run = violet(
        &[
            &fixed[..],
            &["--tolerance=0.0001", "--out", out.to_str().unwrap()],
        ]
        .concat(),
    );
    assert!(run.status.success());
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(said.contains("12 gradients, which is the budget"), "{said}");
    let report = report(&out);
    assert_eq!(report["gradient_evaluations"], 12);
    assert!(report["map_error_estimate"].as_f64().unwrap() > 0.0001);
}

/// A sum that is nothing is not said to add up.
#[test]
fn a_photo_that_is_its_baseline_gets_a_sentence() {
    let out = folder("black");
    std::fs::create_dir_all(&out).unwrap();
    let photo = out.join("black.png");
    image::RgbImage::new(96, 96).save(&photo).unwrap();
    for rule in ["auto", "trapezoid"] {
        let run = violet(&[
            "explain",
            photo.to_str().unwrap(),
            "--model=shapesnet",
            "--rule",
            rule,
            "--out",
            out.to_str().unwrap(),
        ]);
        assert!(run.status.success());
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(said.contains("photo and baseline are one image"), "{said}");
        assert!(!said.contains("settled") && !said.contains("Σ"), "{said}");
        assert_eq!(report(&out)["attribution_sum"], 0.0);
    }
}

#[test]
fn wrong_arguments_get_a_sentence() {
    let out = folder("wrong");
    let out = out.to_str().unwrap();
    for (arguments, sentence) in [
        (
            ["--model", "vgg"],
            "known models: efficientnet-lite0, resnet18",
        ),
        (["--steps", "0"], "choose from 1 to"),
        (
            ["--rule", "simpson"],
            "choose one of: auto, secant, trapezoid",
        ),
        (["--tolerance", "0"], "above 0 and up to 1"),
        (["--budget", "3"], "choose from 8 to"),
        (["--target", "unicorn"], "no class “unicorn”"),
        (
            ["--weights-dir", "nowhere"],
            "./scripts/weights.sh efficientnet-lite0",
        ),
        (["--weights", "README.md"], "looks like no network"),
        (["--box", "0"], "--box needs a detector"),
        (["--labels", "README.md"], "--weights"),
        (["--against", "unicorn"], "no class “unicorn”"),
        (["--size", "96"], "--weights"),
        (["--framing", "pad"], "--weights"),
    ] {
        let photo = "www/samples/cat.jpg";
        let run = violet(&[&["explain", photo, "--out", out], &arguments[..]].concat());
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(
            !run.status.success() && said.contains(sentence),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn why_this_class_and_not_that_one_is_the_difference_of_two_logits() {
    let attributions_of = |name: &str, arguments: &[&str]| {
        let out = folder(name);
        let fixed = [
            "explain",
            "www/samples/coffee.jpg",
            "--model=shapesnet",
            "--steps=300",
            "--out",
            out.to_str().unwrap(),
        ];
        let run = violet(&[&fixed, arguments].concat());
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        report(&out)
    };
    let [disc, ring, both] = [
        attributions_of("disc", &["--target", "disc"]),
        attributions_of("ring", &["--target", "ring"]),
        attributions_of("disc-ring", &["--target", "disc", "--against", "ring"]),
    ];
    assert_eq!(both["against"], "ring");
    for key in ["output_input", "output_baseline", "attribution_sum"] {
        let value = |report: &serde_json::Value| report[key].as_f64().unwrap();
        let difference = value(&disc) - value(&ring);
        assert!((value(&both) - difference).abs() < 1e-3, "{key}");
    }
}

#[test]
fn someones_own_weights_are_explained_with_their_labels_and_normalisation() {
    let Some(file) = common::checkpoint("own_checkpoints/resnet18.safetensors") else {
        return;
    };
    let out = folder("own");
    std::fs::create_dir_all(&out).unwrap();
    let labels = out.join("labels.json");
    std::fs::write(&labels, r#"["lynx", "cat", "sofa"]"#).unwrap();
    let fixed = [
        "explain",
        "www/samples/cat.jpg",
        "--steps=2",
        "--weights",
        file.to_str().unwrap(),
        "--labels",
        labels.to_str().unwrap(),
        "--target=cat",
        "--out",
        out.to_str().unwrap(),
    ];
    let output = |arguments: &[&str]| {
        let run = violet(&[&fixed, arguments].concat());
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        report(&out)["output_input"].as_f64().unwrap()
    };
    let usual = output(&[]);
    // torchvision's own values change nothing; others do.
    let same = output(&["--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"]);
    assert!((usual - same).abs() < 1e-4, "{usual} and {same}");
    assert!((usual - output(&["--mean", "0.5,0.5,0.5"])).abs() > 1e-3);
    let refused = violet(&[&fixed[..], &["--std", "0,1,1"]].concat());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("other than 0"));
    // One number is one for each channel, and light and dark may change places.
    assert!((output(&["--mean", "0.5"]) - output(&["--mean", "0.5,0.5,0.5"])).abs() < 1e-6);
    let inverted = output(&["--mean", "1", "--std", "-1"]);
    assert!((inverted - output(&["--mean", "0", "--std", "1"])).abs() > 1e-3);
    // Two names for three classes do not fit, but for the first two classes they do.
    std::fs::write(&labels, r#"["lynx", "cat"]"#).unwrap();
    let refused = violet(&fixed);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the labels name 2 classes"));
    assert!(
        (usual - output(&["--classes", "2"])).abs() < 1e-4,
        "a logit is its own"
    );
    let refused = violet(&[&fixed[..], &["--classes", "4"]].concat());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("4 of them cannot be kept"));
}

#[test]
fn a_box_is_detected_explained_and_adds_up() {
    if common::weights("ssd-mobilenet-v2").is_none() {
        common::skip("scripts/weights.sh fetches the weights");
        return;
    }
    let photo = "www/samples/coffee.jpg";
    let found = violet(&["detect", photo, "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(
        (&found[0]["label"], &found[1]["label"]),
        (&"cup".into(), &"dining table".into())
    );
    let nothing = violet(&["detect", "www/samples/rocket.jpg"]);
    let said = String::from_utf8_lossy(&nothing.stdout).into_owned();
    assert!(
        said.contains("nothing that scores 0.50") && said.contains("best candidate"),
        "{said}"
    );

    let out = folder("box");
    let fixed = [
        "explain",
        photo,
        "--model=ssd-mobilenet-v2",
        "--out",
        out.to_str().unwrap(),
    ];
    let run = violet(&[&fixed[..], &["--target", "cup"]].concat());
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let report = report(&out);
    let number = |key: &str| report[key].as_f64().unwrap();
    let change = number("output_input") - number("output_baseline");
    assert!((number("attribution_sum") - change).abs() < 1e-3 * change.abs());
    // The box covers a quarter of the photo and gets more than its share.
    assert!(report["box"]["mass_inside"].as_f64().unwrap() > 0.4);
    assert_eq!(report["label"], "cup");

    for (arguments, sentence) in [
        (["--box", "999"], "numbered from 0 to"),
        (["--target", "toilet"], "nothing of that kind was found"),
    ] {
        let run = violet(&[&fixed[..], &arguments[..]].concat());
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(!run.status.success() && said.contains(sentence), "{said}");
    }
    // One that is no photo does not stop the others.
    let run = violet(&["detect", "README.md", photo, "--json"]);
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        !run.status.success() && said.contains("1 of 2 photos") && said.contains("README.md"),
        "{said}"
    );
    let others: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(others, found);
    let run = violet(&["detect", photo, "--model", "shapesnet"]);
    assert!(String::from_utf8_lossy(&run.stderr).contains("is no detector"));
}

#[test]
fn masks_are_scored_where_the_truth_is_known() {
    let scores = |model: &str, tag: &str| {
        let arguments = [
            "evaluate",
            "--model",
            model,
            "--tag",
            tag,
            "--scenes=8",
            "--steps=8",
        ];
        let run = violet(&arguments);
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        let table = String::from_utf8_lossy(&run.stdout).into_owned();
        let rows = table.lines().filter(|line| line.starts_with("| "));
        assert_eq!(rows.count(), 1 + 5 * 8, "{table}");
        let row = table
            .lines()
            .find(|line| line.starts_with("| trapezoid | black"));
        let cells = row.unwrap().split('|').map(str::trim);
        cells
            .filter_map(|cell| cell.parse::<f64>().ok())
            .collect::<Vec<_>>()
    };
    // Mass inside, pointing game, overlap, mass on the tag.
    let honest = scores("shapesnet", "telling");
    let cheat = scores("shapesnet-shortcut", "telling");
    assert!(
        honest[0] > 0.2 && honest[0] > 2.0 * cheat[0],
        "{honest:?} {cheat:?}"
    );
    assert!(
        cheat[3] > 0.2 && cheat[3] > 5.0 * honest[3],
        "{honest:?} {cheat:?}"
    );
}

#[test]
fn help_teaches() {
    let help = violet(&["explain", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for word in [
        "--steps",
        "--rule",
        "--baseline",
        "--target",
        "--tolerance",
        "--budget",
        "gauss-legendre",
    ] {
        assert!(help.contains(word), "{word}");
    }
    let help = violet(&["--help"]);
    assert!(String::from_utf8_lossy(&help.stdout).contains("Examples:"));
}
