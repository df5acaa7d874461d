//! Parts of a value by their places: `x[..., ::-1]`, as a preprocessing that turns colours round is
//! written.
//!
//! Keras 3 writes a slice as `{"class_name": "__slice__", "config": {start, stop, step}}`, Keras 2
//! as `{start, stop, step}` alone; both write `...` as `{"class_name": "__ellipsis__"}`.

use serde_json::Value;

use super::lowering::damaged;
use crate::arranged::{Arranged, Arranger};
use crate::error::Result;

/// What is taken of one axis.
enum Part {
    /// One element; the axis goes.
    One(i64),
    /// From a place to another, which is left out, in steps. Where none is named, all of it.
    Range {
        start: Option<i64>,
        stop: Option<i64>,
        step: i64,
    },
    /// As many whole axes as there are left.
    Rest,
}

/// What Python's `x[parts]` is; the first axis is the batch, of which there is one image.
pub(super) fn parts_of(
    arranger: &mut Arranger,
    x: &Arranged,
    parts: &[Value],
    name: &str,
) -> Result<Arranged> {
    let parts: Option<Vec<Part>> = parts.iter().map(part).collect();
    let parts = parts.ok_or_else(|| damaged(format!("“{name}” takes parts that are none")))?;
    let rank = arranger.shape(x).len();
    let rest = rank.saturating_sub(
        parts
            .iter()
            .filter(|part| !matches!(part, Part::Rest))
            .count(),
    );
    let mut axis = 0;
    let (mut starts, mut ends, mut axes, mut steps) = (vec![], vec![], vec![], vec![]);
    let mut gone = Vec::new();
    for part in parts {
        let (start, end, step) = match part {
            Part::Rest => {
                axis += rest as i64;
                continue;
            }
            Part::One(place) => {
                gone.push(axis);
                // After the last comes the end, not the first.
                let end = if place == -1 {
                    i64::MAX
                } else {
                    place.saturating_add(1)
                };
                (place, end, 1)
            }
            Part::Range { start, stop, step } => {
                let whole = if step < 0 {
                    [i64::MAX, i64::MIN]
                } else {
                    [0, i64::MAX]
                };
                (start.unwrap_or(whole[0]), stop.unwrap_or(whole[1]), step)
            }
        };
        starts.push(start);
        ends.push(end);
        axes.push(axis);
        steps.push(step);
        axis += 1;
    }
    let taken = arranger.slice(x, &starts, &ends, &axes, &steps)?;
    if gone.is_empty() {
        return Ok(taken);
    }
    arranger.squeeze(&taken, &gone)
}

fn part(value: &Value) -> Option<Part> {
    if let Some(place) = value.as_i64() {
        return Some(Part::One(place));
    }
    let fields = match value["class_name"].as_str() {
        Some("__ellipsis__") => return Some(Part::Rest),
        Some("__slice__") => &value["config"],
        Some(_) => return None,
        None => value,
    };
    let place = |name: &str| match &fields.as_object()?.get(name)? {
        Value::Null => Some(None),
        value => value.as_i64().map(Some),
    };
    Some(Part::Range {
        start: place("start")?,
        stop: place("stop")?,
        step: place("step")?.unwrap_or(1),
    })
}
