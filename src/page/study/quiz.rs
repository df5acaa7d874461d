//! Find the cheat: the masks that a question is about.

use super::{Desk, Studied, Study};
use crate::mask::reduce_absolute;
use crate::model::{ModelSpec, Target};
use crate::page::game::Sight;
use crate::page::quiz::{Asked, Asking, Question, paste};
use crate::words::phrase;

/// Secants of each mask: as many as the tests of its questions have taken.
const SECANTS: usize = 24;

/// The scene of a question, its masks, and what the truth is told by.
///
/// # Errors
///
/// If nobody wants it any more, or a question failed.
pub async fn masks<D: Desk>(study: &Study<D>, question: Question) -> Studied<Sight> {
    let scene = study.desk.pool().scene(question.scene, question.tag);
    let (mut rgb, truth) = study.asked(scene).await?;
    let mut beside = None;
    if let Some(seed) = question.beside {
        let scene = study.desk.pool().scene(seed, question.tag);
        let (other, of_other) = study.asked(scene).await?;
        paste(&mut rgb, &other, &of_other.inside);
        beside = Some(of_other);
    }
    let mut masks: [Vec<f32>; 2] = Default::default();
    for (mask, asked) in masks.iter_mut().zip(&question.masks) {
        *mask = attributions(study, asked, &rgb).await?;
    }
    let evidence = match (question.kind, &beside) {
        (Asking::Cheat, _) => [0, 1].map(|k| Question::share(&masks[k], &truth.tagged)),
        // Of the mask that is shown, on either shape.
        (Asking::Class, Some(beside)) => question.masks.map(|mask| {
            let own = mask.class == truth.shape;
            let inside = if own { &truth.inside } else { &beside.inside };
            Question::share(&masks[question.truth], inside)
        }),
        _ => [0, 1].map(|k| Question::share(&masks[k], &truth.inside)),
    };
    let (pixels, _) = rgb.as_chunks::<3>();
    let rgba = pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]);
    Ok(Sight {
        rgba: rgba.collect(),
        maps: masks.map(|values| reduce_absolute(&values)),
        evidence,
    })
}

/// The attributions of a mask.
async fn attributions<D: Desk>(study: &Study<D>, asked: &Asked, rgb: &[u8]) -> Studied<Vec<f32>> {
    let spec = ModelSpec::from_name(asked.model)?;
    study.load(asked.model, None).await?;
    let (pixels, _) = rgb.as_chunks::<3>();
    let input = pixels.iter().map(|rgb| rgb.map(f32::from));
    let input = spec.preprocessing.planes(input);
    let colour = asked.baseline.colour().unwrap_or_default();
    let baseline = crate::page::plain_picture(colour, &spec.preprocessing);
    let target = Target::output(asked.class.target());
    let what = phrase!("Making the masks");
    let summed = study.attributions(target, [&input, &baseline], SECANTS, &what);
    Ok(summed.await?.values)
}
