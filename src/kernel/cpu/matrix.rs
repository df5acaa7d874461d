//! Products of two matrices that are both made while a network runs, read as they lie: nothing is
//! packed for later.

use crate::bottleneck::Groups;
use crate::linear::multiply;
use crate::spare;
use crate::strided::{Strided, gather};

/// So many products of matrices \[m, k\] × \[k, n\] → \[count, m, n\].
pub fn matrix_products<'a>(
    count: usize,
    factors: impl Fn(usize) -> [Strided<'a>; 2],
    [m, k, n]: [usize; 3],
) -> Vec<f32> {
    assert!(m > 0 && k > 0 && n > 0);
    let mut made = spare::values(count * m * n);
    let targets = Groups::new(n);
    let mut packed = spare::values(targets.padded() * k);
    for (index, made) in made.chunks_exact_mut(m * n).enumerate() {
        let [first, second] = factors(index);
        let columns = second.turned();
        for group in 0..targets.count() {
            let (start, width) = (targets.start(group), targets.width(group));
            let sizes = [targets.real(group), k];
            let packed = &mut packed[start * k..][..width * k];
            gather(columns.starting_at(start), sizes, width, packed);
        }
        multiply(targets, k, &packed, None, (first, m), made);
    }
    spare::give_back(packed);
    made
}
