//! The quiz's questions, put to the networks themselves: each can be told by looking, and the truth
//! is the truth.

use std::collections::HashMap;

use violet::Result;
use violet::attribution::{Accumulator, Rule};
use violet::explain::Explainer;
use violet::image::{Photo, View};
use violet::model::{Checkpoint, ModelSpec, Target};
use violet::page::{Asked, Asking, FIRST_SCENE, Fit, Question, fit, paste};
use violet::shapes::{Scene, Shape, Tag};

use crate::common::{explainer, weights};

/// The two networks.
struct Networks(HashMap<&'static str, Explainer>);

impl Networks {
    fn load() -> Result<Self> {
        let mut all = HashMap::new();
        for model in ["shapesnet", "shapesnet-shortcut"] {
            let checkpoint = Checkpoint::from_safetensors(&weights(model).unwrap())?;
            all.insert(model, explainer(ModelSpec::from_name(model)?, checkpoint)?);
        }
        Ok(Self(all))
    }

    /// Attributions as the page makes them.
    fn mask(&self, asked: &Asked, scene: &Scene) -> Result<Vec<f32>> {
        let preprocessing = &ModelSpec::from_name(asked.model)?.preprocessing;
        let (rgb, _) = scene.rgb.as_chunks::<3>();
        let input = preprocessing.planes(rgb.iter().map(|rgb| rgb.map(f32::from)));
        let colour = asked.baseline.colour().unwrap().map(f32::from);
        let baseline = preprocessing.planes(vec![colour; rgb.len()].into_iter());
        let target = Target::output(asked.class.target());
        let mut walk = self.0[asked.model].walk(&input, &baseline, target)?;
        let mut sum = Accumulator::new(input.len());
        sum.add(&pollster::block_on(
            walk.sum(&Rule::Secant.quadrature(24)?),
        )?)?;
        Ok(sum.attributions(&input, &baseline)?.values)
    }

    /// How clearly the question is answered by its masks, the more the better; below 1 it is not fit to
    /// be asked. With the second scene's pixels, of a pair.
    fn clearness(&self, question: &Question) -> Result<f64> {
        let mut scene = Scene::draw(question.scene, question.tag);
        let beside = question.beside.map(|seed| Scene::draw(seed, question.tag));
        if let Some(beside) = &beside {
            let mut own = scene.inside.iter().zip(&beside.inside);
            if own.any(|(&own, &other)| own && other) {
                return Ok(0.0);
            }
            paste(&mut scene.rgb, &beside.rgb, &beside.inside);
        }
        let values = [
            self.mask(&question.masks[0], &scene)?,
            self.mask(&question.masks[1], &scene)?,
        ];
        let share = |k: usize, inside: &[bool]| Question::share(&values[k], inside);
        Ok(match question.kind {
            Asking::Cheat => {
                let (cheat, honest) = (question.truth, 1 - question.truth);
                let on_tag = share(cheat, &scene.tagged) / 0.25;
                let off_tag = 0.03 / share(honest, &scene.tagged);
                let on_shape = share(honest, &scene.inside) / 0.35;
                on_tag.min(off_tag).min(on_shape)
            }
            Asking::Class => {
                let other = &beside.expect("a pair").inside;
                let first = usize::from(question.masks[0].class != scene.shape);
                let own = share(first, &scene.inside) / share(first, other);
                let others = share(1 - first, other) / share(1 - first, &scene.inside);
                own.min(others) / 1.5
            }
            Asking::Baseline => {
                let [black, white] = [0, 1].map(|k| share(k, &scene.inside));
                let (rgb, _) = scene.rgb.as_chunks::<3>();
                let bright = |inside: bool| {
                    let pixels = rgb.iter().zip(&scene.inside).filter(|(_, i)| **i == inside);
                    let values: Vec<f64> = pixels.flat_map(|(rgb, _)| rgb.map(f64::from)).collect();
                    values.iter().sum::<f64>() / values.len() as f64
                };
                // A dark shape on a bright ground comes out from white, a bright one on a dark
                // ground from black.
                let contrast = (bright(true) - bright(false)) / 80.0;
                let ratio = if contrast > 0.0 {
                    black / white
                } else {
                    white / black
                };
                contrast.abs().min(ratio / 1.8)
            }
        })
    }
}

#[test]
fn every_question_of_the_quiz_can_be_told_by_looking() -> Result<()> {
    let networks = Networks::load()?;
    if std::env::var("VIOLET_QUIZ").is_ok_and(|what| what == "find") {
        find(&networks)?;
    }
    for kind in [Asking::Cheat, Asking::Class, Asking::Baseline] {
        assert!(fit(kind).len() >= 8);
        for scene in fit(kind) {
            for swap in [false, true] {
                let question = Question::of(kind, scene, [swap, swap]);
                for (number, shape) in std::iter::once(scene.scene).chain(scene.beside) {
                    assert_eq!(Scene::draw(FIRST_SCENE + number, Tag::None).shape, shape);
                }
                let clearness = networks.clearness(&question)?;
                assert!(clearness >= 1.0, "{kind:?} {scene:?}: {clearness:.2}");
            }
        }
    }
    Ok(())
}

/// What the page makes of a scene's pixels is what a worker makes of them.
#[test]
fn a_scene_is_what_shapesnet_sees() -> Result<()> {
    let spec = ModelSpec::from_name("shapesnet")?;
    let scene = Scene::draw(FIRST_SCENE, Tag::Telling);
    let (rgb, _) = scene.rgb.as_chunks::<3>();
    let planes = spec
        .preprocessing
        .planes(rgb.iter().map(|rgb| rgb.map(f32::from)));
    let view = View::of(&Photo::from(&scene), &spec.preprocessing);
    assert_eq!(view.input(&spec.preprocessing), planes);
    Ok(())
}

/// Lists scenes that are fit to be asked about:
/// `VIOLET_QUIZ=find cargo test --release --test native quiz:: -- --nocapture`.
fn find(networks: &Networks) -> Result<()> {
    for kind in [Asking::Cheat, Asking::Class, Asking::Baseline] {
        let mut found = 0;
        for number in 0..600 {
            let numbered =
                |number: u64| (number, Scene::draw(FIRST_SCENE + number, Tag::None).shape);
            let beside: Vec<Option<(u64, Shape)>> = match kind {
                Asking::Class => (0..40).map(|other| Some(numbered(other))).collect(),
                Asking::Cheat | Asking::Baseline => vec![None],
            };
            let scene = numbered(number);
            for beside in beside {
                if beside.is_some_and(|(_, shape)| shape == scene.1) {
                    continue;
                }
                let fit = Fit { scene, beside };
                let clearness = networks.clearness(&Question::of(kind, fit, [false, false]))?;
                if clearness >= 1.05 && found < 16 {
                    found += 1;
                    println!("{kind:?}: {scene:?} {beside:?} {clearness:.2}");
                    break;
                }
            }
            if found == 16 {
                break;
            }
        }
    }
    Ok(())
}
