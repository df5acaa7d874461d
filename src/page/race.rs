//! Which device computes: the one that was faster.

use crate::device::DeviceKind;

/// How long a GPU is waited for, in milliseconds, before the page goes on without it: longer than a card takes to compile
/// all kernels, shorter than people wait.
pub const PATIENCE_MS: f64 = 15_000.0;

/// How long one gradient took on both devices, in milliseconds, of the network that was to be loaded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Race {
    /// One worker's.
    pub cpu_ms: f64,
    /// How many workers share the gradients of a mask.
    pub workers: usize,
    /// Once its kernels were compiled; nothing, if it failed or was not done in time.
    pub gpu_ms: Option<f64>,
}

impl Race {
    /// Milliseconds a gradient on the CPU, where every worker takes gradients of its own.
    pub fn shared_ms(&self) -> f64 {
        self.cpu_ms / self.workers.max(1) as f64
    }

    /// The faster one. A GPU that is only as fast leaves the CPU to everything else, and takes several gradients at once
    /// later, which makes it no slower.
    pub fn winner(&self) -> DeviceKind {
        match self.gpu_ms {
            Some(gpu_ms) if gpu_ms <= self.shared_ms() => DeviceKind::Gpu,
            _ => DeviceKind::Cpu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(cpu_ms: f64, workers: usize, gpu_ms: Option<f64>) -> DeviceKind {
        Race {
            cpu_ms,
            workers,
            gpu_ms,
        }
        .winner()
    }

    #[test]
    fn the_faster_device_computes() {
        assert_eq!(winner(60.0, 1, Some(20.0)), DeviceKind::Gpu);
        assert_eq!(winner(60.0, 1, Some(900.0)), DeviceKind::Cpu);
        // Four workers take four gradients in the time of one.
        assert_eq!(winner(60.0, 4, Some(20.0)), DeviceKind::Cpu);
        assert_eq!(winner(60.0, 4, Some(15.0)), DeviceKind::Gpu);
    }

    #[test]
    fn a_gpu_that_fails_or_is_late_is_not_waited_for() {
        assert_eq!(winner(60.0, 1, None), DeviceKind::Cpu);
        assert_eq!(winner(60.0, 1, Some(f64::NAN)), DeviceKind::Cpu);
        // A clock that stands still says nothing against a GPU.
        assert_eq!(winner(0.0, 0, Some(0.0)), DeviceKind::Gpu);
    }
}
