//! Which device computes. The CPU's engine is less than half as long as the GPU's, and has nothing to compile: it makes the
//! first mask of every network, unless someone chose the GPU; then, when nothing else is being done, the GPU is
//! measured beside it, with that network, and goes on where it is faster.

use std::collections::BTreeMap;

use super::part::Panel;
use crate::device::DeviceKind;
use crate::protocol::{Failure, FailureCode};
use crate::words::{Phrase, decimal, detail, phrase};

/// How long a GPU is waited for, in milliseconds, before the page goes on without it: longer than a card takes to compile
/// all kernels, shorter than people wait.
pub const PATIENCE_MS: f64 = 15_000.0;
/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

/// How long a gradient took on both devices, in milliseconds, of the network that is set, in passes as a mask's are.
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

    /// The faster one. A GPU that is only as fast leaves the CPU to everything else.
    pub fn winner(&self) -> DeviceKind {
        match self.gpu_ms {
            Some(gpu_ms) if gpu_ms <= self.shared_ms() => DeviceKind::Gpu,
            _ => DeviceKind::Cpu,
        }
    }

    /// What was measured, of a GPU of that name.
    fn said(&self, adapter: &str) -> Phrase {
        let cpu = decimal(self.shared_ms() / SECOND, 3);
        match self.gpu_ms {
            Some(gpu_ms) => phrase!(
                "Measured: {cpu} s a gradient on the CPU, {gpu} s on the GPU ({adapter}).",
                cpu = cpu,
                gpu = decimal(gpu_ms / SECOND, 3),
                adapter = adapter,
            ),
            None => phrase!(
                "Measured: {cpu} s a gradient on the CPU; the GPU ({adapter}) was not ready in time.",
                cpu = cpu,
                adapter = adapter,
            ),
        }
    }
}

/// The device that computes, and whether another one may still take its place; `P` is a device that
/// is ready to.
#[derive(Debug)]
pub struct Devices<P> {
    /// Whether someone chose the GPU, and so is told why not.
    chosen: bool,
    refused: Option<Failure>,
    /// What the GPU is called, where there is one.
    adapter: String,
    trial: Trial<P>,
    /// Why it is this device, beside its name.
    why: Phrase,
    /// Which device was faster with a network, by the network's name, and the words for it.
    faster: BTreeMap<String, (DeviceKind, Phrase)>,
}

/// The GPU beside the CPU's workers.
#[derive(Debug, Default)]
enum Trial<P> {
    /// It is settled which of them computes.
    #[default]
    Settled,
    /// The GPU comes first.
    First,
    /// It comes once there is a mask.
    Waiting,
    /// Its engine is fetched, and it is measured.
    Trying,
    /// It was faster, and takes over once nothing is being done.
    Won(P),
    /// Both were measured with the network that is set, and the faster one computes.
    Over,
}

impl<P> Default for Devices<P> {
    fn default() -> Self {
        Self::new("cpu", None)
    }
}

impl<P> Devices<P> {
    /// What is `wanted`, as the control says it, and what the GPU is called, or why there is none;
    /// which is not asked where the CPU is wanted.
    pub fn new(wanted: &str, gpu: Option<Result<String, Failure>>) -> Self {
        let (adapter, refused) = match gpu {
            Some(Ok(adapter)) => (adapter, None),
            Some(Err(failure)) => (String::new(), Some(failure)),
            None => (String::new(), None),
        };
        let chosen = wanted == "gpu";
        let mut devices = Self {
            chosen,
            refused: None,
            why: Phrase::nothing(),
            faster: BTreeMap::new(),
            trial: match (chosen, adapter.is_empty()) {
                (_, true) => Trial::Settled,
                (true, false) => Trial::First,
                (false, false) => Trial::Waiting,
            },
            adapter,
        };
        if matches!(devices.trial, Trial::Waiting) {
            devices.wait();
        }
        if let Some(failure) = refused {
            devices.refuse(&failure);
        }
        devices
    }

    /// What the GPU is called, if its engine is fetched first.
    pub fn first(&self) -> Option<String> {
        matches!(self.trial, Trial::First).then(|| self.adapter.clone())
    }

    /// The GPU cannot be used: the CPU computes.
    pub fn refuse(&mut self, failure: &Failure) {
        let refused = not_on_gpu(failure, false);
        self.why = phrase!("No GPU: {why}.", why = detail(refused.detail.as_str()));
        self.refused = Some(refused);
        self.trial = Trial::Settled;
    }

    /// The GPU is tried another time: while it was, the CPU was busy with something else.
    pub fn wait(&mut self) {
        self.trial = Trial::Waiting;
        self.why = phrase!(
            "The GPU ({adapter}) is tried once there is a mask.",
            adapter = self.adapter.as_str()
        );
    }

    /// Why this device computes.
    pub fn why(&self) -> Phrase {
        self.why.clone()
    }

    /// What is told to who chose the GPU and does not get it.
    pub fn refusal(&self) -> Option<&Failure> {
        self.refused.as_ref().filter(|_| self.chosen)
    }

    /// What the GPU is called that is to be tried now: when there is a mask, and nothing is being
    /// done.
    pub fn try_gpu(&mut self, mask: bool, busy: bool) -> Option<String> {
        if busy || !mask || !matches!(self.trial, Trial::Waiting) {
            return None;
        }
        self.trial = Trial::Trying;
        self.why = phrase!(
            "Trying the GPU ({adapter})…",
            adapter = self.adapter.as_str()
        );
        Some(self.adapter.clone())
    }

    /// Both were measured with a network; the GPU waits with `P`.
    pub fn measured(&mut self, race: &Race, network: &str, gpu: P) {
        self.why = race.said(&self.adapter);
        let winner = race.winner();
        self.faster
            .insert(network.into(), (winner, self.why.clone()));
        self.trial = match winner {
            DeviceKind::Gpu => Trial::Won(gpu),
            DeviceKind::Cpu => Trial::Over,
        };
    }

    /// Whether a network that is set leaves the device that computes, which is the GPU then: where it was slower with
    /// that network, or was not measured with it and would compile while someone waits.
    pub fn leaves(&self, network: &str, device: DeviceKind) -> bool {
        let known = self.faster.get(network).map(|(winner, _)| *winner);
        device == DeviceKind::Gpu
            && matches!(self.trial, Trial::Over)
            && known != Some(DeviceKind::Gpu)
    }

    /// A network is set, and that device makes its first mask: the GPU is tried afterwards, unless it was slower with it.
    pub fn meet(&mut self, network: &str, device: DeviceKind) {
        let known = self.faster.get(network).cloned();
        match (&self.trial, known) {
            (Trial::Won(_), Some((DeviceKind::Gpu, _))) => {}
            (Trial::Over | Trial::Won(_), Some((winner, why))) if winner == device => {
                self.trial = Trial::Over;
                self.why = why;
            }
            (Trial::Over | Trial::Won(_), _) => self.wait(),
            _ => {}
        }
    }

    /// The GPU that takes over now: it was faster, and nothing is being done.
    pub fn take_over(&mut self, busy: bool) -> Option<P> {
        if busy || !matches!(self.trial, Trial::Won(_)) {
            return None;
        }
        match std::mem::replace(&mut self.trial, Trial::Over) {
            Trial::Won(gpu) => Some(gpu),
            _ => None,
        }
    }
}

/// That the GPU does not compute, in words that are not the engine's own; `at_work`: it did before.
pub fn not_on_gpu(failure: &Failure, at_work: bool) -> Failure {
    let detail = match failure.code {
        // A sentence already.
        FailureCode::NoGpu => failure.detail.clone(),
        FailureCode::EngineMissing | FailureCode::OtherBuild => {
            "its engine could not be loaded".into()
        }
        _ if at_work => "it stopped while it computed".into(),
        _ => "it could not be started".into(),
    };
    Failure {
        code: FailureCode::NoGpu,
        detail,
    }
}

/// Which device computes, by how many workers, and why.
pub fn computes(device: DeviceKind, workers: usize, adapter: &str, why: Phrase) -> Panel {
    let device = match (device, workers) {
        (DeviceKind::Gpu, _) => phrase!("Now on the GPU ({adapter}).", adapter = adapter),
        (DeviceKind::Cpu, 1) => phrase!("Now on the CPU, one worker."),
        (DeviceKind::Cpu, n) => phrase!("Now on the CPU, {n} workers.", n = n),
    };
    let mut panel = Panel::new();
    panel.says(
        "engine",
        phrase!("{workers} {why}", workers = device, why = why),
    );
    panel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    fn race(cpu_ms: f64, workers: usize, gpu_ms: Option<f64>) -> Race {
        Race {
            cpu_ms,
            workers,
            gpu_ms,
        }
    }

    #[test]
    fn the_faster_device_computes() {
        let winner = |cpu_ms, workers, gpu_ms| race(cpu_ms, workers, gpu_ms).winner();
        assert_eq!(winner(60.0, 1, Some(20.0)), DeviceKind::Gpu);
        assert_eq!(winner(60.0, 1, Some(900.0)), DeviceKind::Cpu);
        // Four workers take four gradients in the time of one.
        assert_eq!(winner(60.0, 4, Some(20.0)), DeviceKind::Cpu);
        assert_eq!(winner(60.0, 4, Some(15.0)), DeviceKind::Gpu);
        // One that fails or is late is not waited for.
        assert_eq!(winner(60.0, 1, None), DeviceKind::Cpu);
        assert_eq!(winner(60.0, 1, Some(f64::NAN)), DeviceKind::Cpu);
        // A clock that stands still says nothing against a GPU.
        assert_eq!(winner(0.0, 0, Some(0.0)), DeviceKind::Gpu);
    }

    fn no_gpu() -> Failure {
        Failure {
            code: FailureCode::NoGpu,
            detail: "this browser has no WebGPU".into(),
        }
    }

    fn said<P>(devices: &Devices<P>) -> String {
        devices
            .why()
            .said(Language::English, &|value, _| value.to_string())
    }

    fn card() -> Option<Result<String, Failure>> {
        Some(Ok("acme".into()))
    }

    #[test]
    fn the_cpu_makes_the_first_mask_and_the_gpu_comes_when_nothing_is_being_done() {
        let mut devices = Devices::new("auto", card());
        assert_eq!(devices.first(), None, "its engine is not waited for");
        assert_eq!(devices.try_gpu(false, false), None, "no mask yet");
        assert_eq!(devices.try_gpu(true, true), None, "another is being made");
        assert_eq!(devices.try_gpu(true, false).as_deref(), Some("acme"));
        assert_eq!(devices.try_gpu(true, false), None, "it is fetched once");
        devices.measured(&race(60.0, 2, Some(5.0)), "small", "a GPU that is ready");
        assert_eq!(devices.take_over(true), None, "someone waits for a mask");
        assert_eq!(devices.take_over(false), Some("a GPU that is ready"));
        assert_eq!(devices.take_over(false), None);
        assert!(said(&devices).starts_with("Measured: "));
    }

    #[test]
    fn every_network_has_its_first_mask_by_the_cpu_and_is_measured_once() {
        const CPU: DeviceKind = DeviceKind::Cpu;
        const GPU: DeviceKind = DeviceKind::Gpu;
        let mut devices = Devices::new("auto", card());
        devices.meet("small", CPU);
        devices.try_gpu(true, false);
        devices.measured(&race(1.0, 2, Some(5.0)), "small", "too slow");
        assert_eq!(devices.try_gpu(true, false), None, "it was slower");
        // Another network, with which it is faster,
        assert!(!devices.leaves("large", CPU));
        devices.meet("large", CPU);
        assert!(devices.try_gpu(true, false).is_some());
        devices.measured(&race(60.0, 2, Some(5.0)), "large", "a GPU with it");
        devices.meet("large", CPU);
        assert_eq!(devices.take_over(false), Some("a GPU with it"));
        let on_gpu = said(&devices);
        assert!(!devices.leaves("large", GPU));
        // and one that would have to be compiled.
        assert!(devices.leaves("brought", GPU));
        devices.meet("brought", CPU);
        assert!(devices.try_gpu(true, false).is_some());
        devices.measured(&race(60.0, 2, None), "brought", "late");
        // Back with one of which all is known: at once, or when it is ready again.
        devices.meet("small", CPU);
        assert_eq!(devices.try_gpu(true, false), None);
        assert_ne!(said(&devices), on_gpu);
        devices.meet("large", CPU);
        assert!(devices.try_gpu(true, false).is_some());
        devices.measured(&race(60.0, 2, Some(5.0)), "large", "again");
        // One that is set before it takes over is not what it holds.
        devices.meet("small", CPU);
        assert_eq!(devices.take_over(false), None);
        // Where someone chose, nothing is left.
        let mut chosen = Devices::<()>::new("gpu", card());
        assert!(!chosen.leaves("brought", GPU));
        chosen.meet("brought", GPU);
        assert_eq!(chosen.try_gpu(true, false), None);
    }

    #[test]
    fn a_gpu_that_is_slower_or_fails_leaves_the_cpu_at_work() {
        let mut devices = Devices::new("auto", card());
        devices.try_gpu(true, false);
        devices.measured(&race(60.0, 2, Some(50.0)), "small", ());
        assert_eq!(devices.take_over(false), None);
        let mut devices = Devices::<()>::new("auto", card());
        devices.try_gpu(true, false);
        devices.refuse(&Failure::internal("RuntimeError: unreachable executed"));
        assert_eq!(
            (devices.take_over(false), devices.try_gpu(true, false)),
            (None, None)
        );
        assert_eq!(said(&devices), "No GPU: it could not be started.");
    }

    #[test]
    fn who_chooses_a_device_gets_it_first_and_no_other_is_tried() {
        let mut devices = Devices::<()>::new("gpu", card());
        assert_eq!(devices.first().as_deref(), Some("acme"));
        assert_eq!(devices.try_gpu(true, false), None);
        assert_eq!(devices.refusal(), None);
        devices.refuse(&no_gpu());
        assert_eq!(devices.refusal(), Some(&no_gpu()));
        let mut devices = Devices::<()>::new("cpu", None);
        assert_eq!(
            (devices.first(), devices.try_gpu(true, false)),
            (None, None)
        );
        // Who did not ask for one is not told with a notice that there is none.
        let devices = Devices::<()>::new("auto", Some(Err(no_gpu())));
        assert_eq!((devices.first(), devices.refusal()), (None, None));
        assert_eq!(said(&devices), "No GPU: this browser has no WebGPU.");
    }

    #[test]
    fn whatever_the_engine_says_people_read_a_sentence() {
        let failure = |code| Failure {
            code,
            detail: "panicked at wgpu/src/backend.rs:12".into(),
        };
        for code in [
            FailureCode::DeviceFailed,
            FailureCode::WorkerLost,
            FailureCode::Internal,
            FailureCode::EngineMissing,
        ] {
            for at_work in [false, true] {
                let told = not_on_gpu(&failure(code), at_work);
                assert_eq!(told.code, FailureCode::NoGpu);
                assert!(!told.detail.contains("panicked"), "{}", told.detail);
            }
        }
        assert_eq!(not_on_gpu(&no_gpu(), false), no_gpu());
    }
}
