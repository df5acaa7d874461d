//! What lies side by side.

use violet_kernel_cpu::concat;

#[test]
fn rows_of_each_array_lie_side_by_side() {
    let first = [1.0, 2.0, 3.0, 4.0];
    let second = [5.0, 6.0];
    let third = [7.0, 8.0, 9.0, 10.0, 11.0, 12.0];
    let pieces = [&first[..], &second, &third];
    let made = concat(&pieces, 2);
    let expected = [
        1.0, 2.0, 5.0, 7.0, 8.0, 9.0, 3.0, 4.0, 6.0, 10.0, 11.0, 12.0,
    ];
    assert_eq!(made, expected);
}
