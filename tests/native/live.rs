//! Pictures explained one after the other from one baseline that is kept.

use violet::attribution::{Baseline, Rule};
use violet::explain::Explainer;
use violet::image::Photo;
use violet::mask::reduce_absolute;
use violet::model::{Architecture, ModelSpec, Target};
use violet::shapes::{Scene, Tag};
use violet::{Error, Result};

use crate::common;

fn explainers() -> Vec<(&'static str, Explainer)> {
    let names = ["shapesnet", "efficientnet-lite0", "resnet18"];
    let explainer = |name: &'static str| {
        let spec = ModelSpec::from_name(name).unwrap();
        let checkpoint = match spec.architecture {
            Architecture::ResNet18 => common::random_resnet18().unwrap(),
            other => common::random_checkpoint(other).unwrap(),
        };
        (name, common::explainer(spec, checkpoint).unwrap())
    };
    names.into_iter().map(explainer).collect()
}

fn pictures() -> impl Iterator<Item = Photo> {
    (0..3).map(|seed| Photo::from(&Scene::draw(seed, Tag::None)))
}

#[test]
fn the_sum_is_exact_in_every_picture_and_the_map_is_the_walks() -> Result<()> {
    for (name, explainer) in explainers() {
        let standing = pollster::block_on(explainer.stand(Baseline::White))?;
        assert_eq!(standing.baseline(), Baseline::White);
        for (k, photo) in pictures().enumerate() {
            let prepared = pollster::block_on(explainer.prepare(&photo, Baseline::White))?;
            for secants in [1, 4] {
                let glance =
                    pollster::block_on(explainer.glance(&standing, &photo, secants, None))?;
                let likeliest = violet::model::top_predictions(&prepared.logits_input, 1)[0].target;
                assert_eq!(glance.output, likeliest);
                assert_eq!(glance.logits.len(), prepared.logits_input.len());
                let change = f64::from(glance.ends[1]) - f64::from(glance.ends[0]);
                let off = (glance.sum - change).abs() / change.abs();
                println!("{name}, picture {k}, {secants}: {off:.1e} off {change:.2}");
                assert!(
                    off < 2e-4,
                    "{name}, {secants}: {} is not {change}",
                    glance.sum
                );
                // The same secants, walked from a baseline that was not kept.
                let target = Target::output(likeliest);
                let mut walk = explainer.walk(&prepared.input, &prepared.baseline, target)?;
                let quadrature = Rule::Secant.quadrature(secants)?;
                let sum = pollster::block_on(
                    walk.integrate(&quadrature, 1, |_| std::ops::ControlFlow::Continue(())),
                )?
                .unwrap();
                let attributions = sum.attributions(&prepared.input, &prepared.baseline)?;
                let map = reduce_absolute(&attributions.values);
                let error = common::relative_error(&glance.map, &map);
                assert!(error < 1e-4, "{name}, {secants}: {error}");
            }
        }
    }
    Ok(())
}

#[test]
fn an_output_that_is_held_stays_and_one_that_is_none_is_refused() -> Result<()> {
    let (_, explainer) = explainers().swap_remove(0);
    // A blurred photo is no baseline for pictures to come.
    let standing = pollster::block_on(explainer.stand(Baseline::Blurred))?;
    let black = pollster::block_on(explainer.stand(Baseline::Black))?;
    let photo = pictures().next().unwrap();
    let held =
        |standing, output| pollster::block_on(explainer.glance(standing, &photo, 1, Some(output)));
    assert_eq!(held(&standing, 3)?, held(&black, 3)?);
    assert_eq!(held(&standing, 3)?.output, 3);
    assert!(matches!(
        held(&standing, 8),
        Err(Error::UnknownTarget { .. })
    ));
    Ok(())
}
