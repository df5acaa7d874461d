//! Amounts as they are printed: so that whoever adds them up by hand comes to what is printed as
//! their sum.

/// How far amounts and their total may be apart, in units of the last digit, for the difference to be
/// one of rounding: half a unit for each of the two ends of a change, and for what floats lose.
const ROUNDING: f64 = 1.5;

/// What an output changes by, in printed numbers: the rounded end less the rounded beginning, as
/// someone takes the one from the other who has no other numbers.
pub fn printed_change([start, end]: [f32; 2], digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    let rounded = |v: f32| (f64::from(v) * unit).round();
    (rounded(end) - rounded(start)) / unit
}

/// Amounts rounded to so many digits, up or down, such that they add up to the total, if they come to
/// it but for what rounding takes; otherwise to their own sum, rounded. Those with the largest
/// remainders are rounded up.
///
/// # Source
///
/// The method of largest remainders, by which seats are shared out (Hare; Niemeyer).
///
/// # Example
///
/// ```
/// use violet::page::adding_up;
///
/// // By themselves they would be 0.33, 0.33 and 0.33.
/// assert_eq!(adding_up(&[1.0 / 3.0; 3], 1.0, 2), [0.34, 0.33, 0.33]);
/// // Off by more than rounding: nothing is made up.
/// assert_eq!(adding_up(&[1.0, 2.0], 9.0, 2), [1.0, 2.0]);
/// ```
pub fn adding_up(amounts: &[f64], total: f64, digits: i32) -> Vec<f64> {
    let unit = 10f64.powi(digits);
    let scaled: Vec<f64> = amounts.iter().map(|amount| amount * unit).collect();
    let own: f64 = scaled.iter().sum();
    let wanted = (total * unit).round();
    let goal = if (own - wanted).abs() <= ROUNDING {
        wanted
    } else {
        own.round()
    };
    let mut rounded: Vec<f64> = scaled.iter().map(|v| v.floor()).collect();
    let lacks = goal - rounded.iter().sum::<f64>();
    if !lacks.is_finite() || amounts.is_empty() {
        return amounts.to_vec();
    }
    let mut order: Vec<usize> = (0..amounts.len()).collect();
    let remainder = |k: usize| scaled[k] - rounded[k];
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    let step = lacks.signum();
    if step < 0.0 {
        order.reverse();
    }
    for &k in order.iter().cycle().take(lacks.abs() as usize) {
        rounded[k] += step;
    }
    rounded.into_iter().map(|v| v / unit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    /// In units of the last digit, which floats hold exactly.
    fn units(amounts: &[f64]) -> i64 {
        amounts.iter().map(|v| (v * 100.0).round() as i64).sum()
    }

    #[test]
    fn printed_amounts_add_up_to_the_printed_change_and_each_is_near_its_own() {
        for seed in 0..200 {
            let count = 1 + seed % 16;
            let amounts: Vec<f64> = (0..count).map(|k| random::normal(seed, k)).collect();
            let start = random::normal(seed, 99) as f32;
            let sum: f64 = amounts.iter().sum();
            let end = (f64::from(start) + sum) as f32;
            let change = printed_change([start, end], 2);
            let printed = adding_up(&amounts, change, 2);
            assert_eq!(units(&printed), units(&[change]), "{amounts:?}");
            for (printed, amount) in printed.iter().zip(&amounts) {
                let most = if count == 1 { 0.02 } else { 0.0151 };
                assert!((printed - amount).abs() < most, "{printed} {amount}");
            }
        }
    }

    #[test]
    fn what_does_not_add_up_is_not_made_to() {
        let amounts = [1.004, 2.004, -0.5];
        let printed = adding_up(&amounts, 3.0, 2);
        assert_eq!((units(&printed), units(&[2.508])), (251, 251));
        assert!(adding_up(&[], 1.0, 2).is_empty());
        assert!(adding_up(&[f64::NAN], 1.0, 2)[0].is_nan());
    }
}
