//! What the chapter “Fragile” stands on, with real networks: steps that turn an answer, steps that
//! move a mask, a constant that a network absorbs.

use burn::tensor::{Tensor, TensorData};
use violet::Result;
use violet::attribution::{
    Accumulator, Baseline, Bisection, PixelRange, Pull, Quadrature, Rule, Walk, relative_change,
    shifted,
};
use violet::explain::{Explainer, Prepared};
use violet::image::Photo;
use violet::mask::reduce_absolute;
use violet::model::{Checkpoint, ModelSpec, Target};
use violet::page::{Answer, pixel_range, weakest_quarter};
use violet::shapes::{Scene, Tag};

use crate::common::{Plain, explainer, weights};

/// Steps towards the weakest quarter.
const ROUNDS: usize = 4;

/// A network and a photo that it looks at.
struct Looking {
    explainer: Explainer,
    prepared: Prepared,
    range: PixelRange,
    width: usize,
}

impl Looking {
    fn at(model: &str, photo: &Photo) -> Result<Self> {
        let spec = ModelSpec::from_name(model)?;
        let checkpoint = Checkpoint::from_safetensors(&weights(model).unwrap())?;
        let explainer = explainer(spec, checkpoint)?;
        let prepared = pollster::block_on(explainer.prepare(photo, Baseline::Black))?;
        Ok(Self {
            explainer,
            prepared,
            range: pixel_range(&spec.preprocessing),
            width: spec.preprocessing.width as usize,
        })
    }

    fn answer(&self) -> Answer {
        Answer::of(&self.prepared.logits_input, false, 0)
    }

    fn logits(&self, input: &[f32]) -> Result<Vec<f32>> {
        pollster::block_on(self.explainer.logits(&[input]))
    }

    fn sum(&self, ends: [&[f32]; 2], target: Target, nodes: &Quadrature) -> Result<Vec<f64>> {
        let mut walk = self.explainer.walk(ends[0], ends[1], target)?;
        let sum = pollster::block_on(walk.sum(nodes))?;
        Ok(sum.gradient_sum.into_iter().map(f64::from).collect())
    }

    /// By twelve secants, as the chapter does.
    fn attributions(&self, ends: [&[f32]; 2], target: Target) -> Result<Vec<f32>> {
        let quadrature = Rule::Secant.quadrature(12)?;
        let mut walk = self.explainer.walk(ends[0], ends[1], target)?;
        let mut sum = Accumulator::new(ends[0].len());
        sum.add(&pollster::block_on(walk.sum(&quadrature))?)?;
        Ok(sum.attributions(ends[0], ends[1])?.values)
    }
}

fn scene(seed: u64) -> Photo {
    Photo::from(&Scene::draw(seed, Tag::None))
}

#[test]
fn the_step_that_is_found_turns_the_answer_and_one_that_is_a_little_smaller_does_not() -> Result<()>
{
    let mut turned = 0;
    for seed in [5, 6, 7, 8] {
        let here = Looking::at("shapesnet", &scene(seed))?;
        let (answer, x) = (here.answer(), &here.prepared.input);
        assert!(answer.holds(&here.prepared.logits_input));
        let end = Quadrature::points(&[1.0]);
        let uphill = here.sum([x, &here.prepared.baseline], answer.lead(), &end)?;
        let downhill: Vec<f32> = uphill.iter().map(|&g| -g as f32).collect();
        let holds = |levels: f64| -> Result<bool> {
            let logits = here.logits(&here.range.step(x, &downhill, levels))?;
            Ok(answer.holds(&logits))
        };
        let mut search = Bisection::new();
        while let Some(levels) = search.next() {
            search.take(levels, !holds(levels)?);
        }
        match search.smallest() {
            Some(found) => {
                println!("scene {seed}: {found:.2} levels");
                turned += 1;
                assert!(!holds(found)?);
                assert!(holds(found * (1.0 - 1.05 * Bisection::WIDTH))?);
            }
            None => assert!(holds(Bisection::MOST)?),
        }
    }
    assert!(turned >= 3, "{turned} of 4 scenes");
    Ok(())
}

#[test]
fn first_order_gradients_move_a_mask_to_another_quarter_while_the_answer_stays() -> Result<()> {
    let nodes = Rule::Midpoint.quadrature(8)?;
    for seed in [5, 6, 7, 8] {
        let here = Looking::at("shapesnet", &scene(seed))?;
        let (answer, baseline) = (here.answer(), &here.prepared.baseline);
        let start = &here.prepared.input;
        let target = Target::output(answer.output);
        let before = here.attributions([start, baseline], target)?;
        let (inside, _) = weakest_quarter(&reduce_absolute(&before), here.width);
        let share =
            |map: &[f32]| Pull::new(map, &inside, [start, baseline], &here.range, 1.0).share;
        let mut x = start.clone();
        for _ in 0..ROUNDS {
            let on = here.sum([&x, baseline], target, &nodes)?;
            let ends = x.iter().zip(baseline).zip(&on);
            let now = ends.map(|((x, x0), g)| (f64::from(x - x0) * g) as f32);
            let now: Vec<f32> = now.collect();
            let pull = Pull::new(&now, &inside, [&x, baseline], &here.range, 4.0);
            let mut beside = Vec::new();
            for ahead in [true, false] {
                let ends = [pull.beside(&x, ahead), pull.beside(baseline, ahead)];
                beside.push(here.sum([&ends[0], &ends[1]], target, &Pull::nodes(&nodes))?);
            }
            let way = pull.gradient(&on, &beside[0], &beside[1]);
            let next = here.range.near(&here.range.step(&x, &way, 2.0), start, 8.0);
            if !answer.holds(&here.logits(&next)?) {
                break;
            }
            x = next;
        }
        assert!(answer.holds(&here.logits(&x)?));
        let after = here.attributions([&x, baseline], target)?;
        let [from, to] = [share(&before), share(&after)];
        println!("scene {seed}: {from:.3} to {to:.3}");
        assert!(to > 2.0 * from, "scene {seed}: {from:.3} to {to:.3}");
    }
    Ok(())
}

/// A network that takes other numbers for the same photo, and takes the constant off them first,
/// says the same; its map from a baseline of the same numbers does not, and from the baseline of
/// the same colour it does.
#[test]
fn a_constant_that_the_network_absorbs_moves_the_map_with_the_baseline() -> Result<()> {
    let here = Looking::at("shapesnet", &scene(5))?;
    let (input, black) = (&here.prepared.input, &here.prepared.baseline);
    let target = Target::output(here.answer().output);
    let constant = here.range.constant();
    let absorbed = |values: &[f32]| shifted(values, constant.map(|c| -c));
    let network = here.explainer.network();
    let side = here.width;
    let tensor = |values: &[f32]| {
        let data = TensorData::new(values.to_vec(), [1, 3, side, side]);
        Tensor::<4>::from_data(data, network.device())
    };
    // The other network itself, whose first operation takes the constant off.
    let offset = tensor(&shifted(&vec![0.0; input.len()], constant));
    let other = |images: Tensor<4>| network.output(images - offset.clone(), target);
    let nodes = Rule::Midpoint.quadrature(20)?;
    let map = |input: &[f32], baseline: &[f32]| -> Result<Vec<f32>> {
        let mut walk = Walk::new(Plain(other), tensor(input), tensor(baseline));
        let mut sum = Accumulator::new(input.len());
        sum.add(&pollster::block_on(walk.sum(&nodes))?)?;
        Ok(sum.attributions(input, baseline)?.values)
    };
    let own = |input: &[f32], baseline: &[f32]| -> Result<Vec<f32>> {
        let on = here.sum([input, baseline], target, &nodes)?;
        let ends = input.iter().zip(baseline).zip(on);
        Ok(ends
            .map(|((x, x0), g)| (f64::from(x - x0) * g) as f32)
            .collect())
    };
    let moved = shifted(input, constant);
    let at = |values: &[f32]| -> Result<f32> {
        let output = violet::attribution::read(other(tensor(values)).inner());
        Ok(pollster::block_on(output)?[0])
    };
    assert!((at(&moved)? - target.of(&here.prepared.logits_input, false)).abs() < 1e-3);

    let first = own(input, black)?;
    // The same zero: what is black to one is white to the other.
    let zero = map(&moved, black)?;
    let colour = map(&moved, &shifted(black, constant))?;
    println!(
        "zero {:.3}, colour {:.1e}",
        relative_change(&first, &zero),
        relative_change(&first, &colour)
    );
    assert!(relative_change(&first, &colour) < 1e-3);
    assert!(relative_change(&first, &zero) > 0.3);
    // As the page has it: the constant is taken off the ends of the path in the network's place.
    assert!(relative_change(&zero, &own(&absorbed(&moved), &absorbed(black))?) < 1e-3);
    Ok(())
}
