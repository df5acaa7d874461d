//! The GPU's convolutions, by its kernels for every kind of adapter: against the definition, and against the CPU.

use violet::Result;
use violet::device::{DeviceKind, open};
use violet::kernel::{Activation, Adapter, Geometry, with_kernels_for};

use crate::common::{self, networks, relative_error};
use crate::kernels::Case;

/// Whatever the GPU is here, its kernels for every kind are tested.
const ADAPTERS: [Adapter; 3] = [Adapter::Card, Adapter::CardWithoutTiles, Adapter::Software];

#[test]
fn the_gpu_computes_what_the_definition_says() -> Result<()> {
    let Some(device) = common::gpu() else {
        return Ok(());
    };
    for adapter in ADAPTERS {
        with_kernels_for(adapter, || {
            (0..60).for_each(|seed| Case::draw(seed).check(&device))
        });
    }
    Ok(())
}

/// Every layer of every shipped network at its real size, in both directions.
#[test]
fn the_gpu_agrees_with_the_cpu_on_every_layer_shape() -> Result<()> {
    let Some(gpu) = common::gpu() else {
        return Ok(());
    };
    let cpu = pollster::block_on(open(DeviceKind::Cpu))?;
    let mut differ = false;
    for (name, network) in networks(&cpu, None)? {
        let mut geometries: Vec<Geometry> = Vec::new();
        for geometry in network.geometries() {
            if !geometries.contains(&geometry) {
                geometries.push(geometry);
            }
        }
        println!("{name}: {} shapes", geometries.len());
        let expected = match name {
            "resnet18" => 12,
            "resnet50" => 24,
            "efficientnet-lite0" => 33,
            "shapesnet" => 7,
            _ => 59,
        };
        assert_eq!(geometries.len(), expected, "{name}");
        for (seed, geometry) in geometries.into_iter().enumerate() {
            // No activation: where an output is next to a kink, rounding decides its gradient.
            let case = Case::fill(seed, geometry, 1, Activation::Identity, false);
            let here = case.by_kernel(&cpu);
            // Cards without tiles compute as they do above, whatever the size: one network's layers are enough.
            let adapters = ADAPTERS
                .iter()
                .filter(|&&adapter| adapter != Adapter::CardWithoutTiles || name == "resnet18");
            let there: Vec<_> = adapters
                .map(|&adapter| {
                    let found = with_kernels_for(adapter, || case.by_kernel(&gpu));
                    (adapter, found)
                })
                .collect();
            for (adapter, found) in &there {
                for (what, k) in [("output", 0), ("input gradient", 1)] {
                    let error = relative_error(&found[k], &here[k]);
                    assert!(
                        error < 1e-5,
                        "{name}, {what}, {adapter:?}: {error:e}\n{geometry:?}"
                    );
                }
            }
            let of = |wanted| {
                there
                    .iter()
                    .find(|(adapter, _)| *adapter == wanted)
                    .map(|(_, found)| found)
            };
            differ |= of(Adapter::Card) != of(Adapter::Software);
        }
    }
    assert!(
        differ,
        "kernels for cards and for software round alike: are there two kinds?"
    );
    Ok(())
}
