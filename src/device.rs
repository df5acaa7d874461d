//! What computes: the CPU by Burn's flex backend, or a GPU by Burn's wgpu backend.

use serde::{Deserialize, Serialize};

/// Which kind of device computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// Burn flex: SIMD on one thread.
    Cpu,
    /// Burn wgpu: WebGPU in the browser; Vulkan, Metal or DirectX natively.
    Gpu,
}

impl DeviceKind {
    /// The name on the command line, in addresses and in reports.
    pub fn name(self) -> &'static str {
        match self {
            DeviceKind::Cpu => "cpu",
            DeviceKind::Gpu => "gpu",
        }
    }

    /// The kind of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        [DeviceKind::Cpu, DeviceKind::Gpu]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// The largest buffer that a kernel is given, in bytes, an activation of all images of a pass: what every device of
/// WebGPU's grants.
pub const LARGEST_BUFFER: usize = 128 * 1024 * 1024;

/// Opens a device. A GPU must pass the [self-test](crate::model::self_test) before it is used
/// for anything that is shown.
///
/// # Errors
///
/// [`Error::NoDevice`] if there is no such device or it cannot be initialised.
#[cfg(feature = "engine")]
pub async fn open(kind: DeviceKind) -> crate::Result<burn::tensor::Device> {
    use burn::tensor::Device;

    match kind {
        DeviceKind::Cpu => Ok(Device::flex()),
        #[cfg(not(feature = "gpu"))]
        DeviceKind::Gpu => Err(crate::Error::NoDevice {
            device: "GPU",
            reason: "it was built for the CPU alone".into(),
        }),
        #[cfg(feature = "gpu")]
        DeviceKind::Gpu => {
            Device::wgpu_options()
                .init_async()
                .await
                .map_err(|error| crate::Error::NoDevice {
                    device: "GPU",
                    reason: error.to_string(),
                })
        }
    }
}
