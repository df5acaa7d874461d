//! Which device computes: engines are fetched and started; the GPU is tried beside the CPU, and
//! takes over where it is faster.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, join, select};

use super::job::PageJob;
use super::{Page, parameter};
use crate::device::DeviceKind;
use crate::page::{Begin, Devices, PATIENCE_MS, Race, computes};
use crate::protocol::Failure;
use crate::web::dom::{document, sleep};
use crate::web::files::{self, Program};
use crate::web::gpu;
use crate::web::parts::put;
use crate::web::pool::{self, Pool};
use crate::web::words::{Phrase, phrase};

/// The most workers that an address can ask for.
const MOST_WORKERS: usize = 16;

impl Page {
    /// Starts the pool that the device selector asks for, and goes on with it.
    pub(super) async fn change_device(self: Rc<Self>) {
        let job = self.begin_job();
        self.starting.replace(Some(job.clone()));
        self.pool.replace(None);
        self.devices.replace(Devices::default());
        self.work.borrow_mut().hold_nothing();
        let waits = self.looked.borrow().is_some() && self.stage.borrow().shown().is_empty();
        job.wait(match waits {
            true => phrase!("The photo waits for the engine…"),
            false => phrase!("Starting the engine…"),
        });
        let started = self.start_pool(&job).await;
        if !job.end() {
            return; // another device was chosen meanwhile
        }
        match started {
            Ok((pool, devices)) => {
                self.say_device(&pool, devices.why());
                self.pool.replace(Some(Rc::new(pool)));
                self.devices.replace(devices);
                self.say_status(phrase!("Ready."));
                self.begin(Begin::Model);
            }
            Err(failure) => {
                self.work.borrow_mut().stop();
                self.tell(&failure);
                self.say_status(phrase!("The engine is not running."));
                self.show_controls();
            }
        }
    }

    /// Whether there is no engine, and none on its way: it could not be started, or someone cancelled that.
    pub(super) fn lacks_engine(&self) -> bool {
        let starts = self
            .starting
            .borrow()
            .as_ref()
            .is_some_and(PageJob::is_current);
        self.pool.borrow().is_none() && !starts
    }

    /// The pool that computes first, and what is known of the other device.
    async fn start_pool(
        self: &Rc<Self>,
        job: &PageJob,
    ) -> Result<(Pool, Devices<Rc<Pool>>), Failure> {
        let wanted = self.latest().device;
        let gpu = gpu::check(parameter("adapter").as_deref() == Some("software"));
        let mut devices = match &*wanted {
            "cpu" => Devices::default(),
            "gpu" => Devices::new(&wanted, Some(gpu.await)),
            _ => {
                let (cpu, gpu) = join(self.start_on_cpu(job), gpu).await;
                return Ok((cpu?, Devices::new(&wanted, Some(gpu))));
            }
        };
        if let Some(adapter) = devices.first() {
            match self.start_on(DeviceKind::Gpu, adapter, Some(job)).await {
                Ok(pool) => return Ok((pool, devices)),
                Err(failure) => devices.refuse(&failure),
            }
        }
        if let Some(refusal) = devices.refusal() {
            self.tell(refusal);
        }
        Ok((self.start_on_cpu(job).await?, devices))
    }

    async fn start_on_cpu(self: &Rc<Self>, job: &PageJob) -> Result<Pool, Failure> {
        self.start_on(DeviceKind::Cpu, String::new(), Some(job))
            .await
    }

    /// Fetches an engine, of which a job says how much has come, and starts it. `adapter` is what the
    /// GPU is called.
    async fn start_on(
        self: &Rc<Self>,
        device: DeviceKind,
        adapter: String,
        job: Option<&PageJob>,
    ) -> Result<Pool, Failure> {
        let job = job.cloned();
        let progress = move |megabytes, all| {
            if let Some(job) = &job {
                job.engine_comes(megabytes, all);
            }
        };
        let name = files::engine(device, parameter("engine").as_deref());
        let engine = self.program(name, progress).await?;
        let workers = parameter("workers").and_then(|text| text.parse::<usize>().ok());
        let workers = workers.map(|workers| workers.clamp(1, MOST_WORKERS));
        pool::start(engine, (device, adapter), workers, self.replaced()).await
    }

    /// A module of the build by its name, fetched once.
    pub(super) async fn program(
        &self,
        name: &'static str,
        progress: impl Fn(f64, f64) + 'static,
    ) -> Result<Program, Failure> {
        let known = self.programs.borrow().get(name).cloned();
        if let Some(program) = known {
            return Ok(program);
        }
        let program = files::program(name, progress).await?;
        self.programs.borrow_mut().insert(name, program.clone());
        Ok(program)
    }

    /// Says that a worker died and was replaced.
    fn replaced(self: &Rc<Self>) -> impl Fn(&str) + 'static {
        let page = Rc::downgrade(self);
        move |epitaph| {
            if let Some(page) = page.upgrade() {
                page.note(
                    phrase!("A worker stopped and was replaced ({why}).", why = epitaph),
                    phrase!("Nothing is lost; the work goes on."),
                );
            }
        }
    }

    /// Something is over: perhaps now is the time to try the GPU, or to go on with it.
    pub(super) fn settle_device(self: &Rc<Self>) {
        let busy = self.jobs.is_busy() || self.openings.is_busy();
        let mask = self.shown().is_some_and(|shown| shown.is_finished());
        let Some(cpu) = self.pool.borrow().clone() else {
            return;
        };
        let gpu = self.devices.borrow_mut().take_over(busy);
        if let Some(gpu) = gpu {
            // The CPU's workers end with their pool.
            self.work.borrow_mut().hold_nothing();
            self.say_device(&gpu, self.devices.borrow().why());
            self.pool.replace(Some(gpu));
            return;
        }
        let adapter = self.devices.borrow_mut().try_gpu(mask, busy);
        if let Some(adapter) = adapter {
            self.say_device(&cpu, self.devices.borrow().why());
            self.start(async move |page| page.try_gpu(&cpu, adapter).await);
        }
    }

    /// The workers that a network is given to: the CPU's in place of a GPU that it leaves.
    pub(super) async fn pool_for(
        self: &Rc<Self>,
        job: &PageJob,
        mut pool: Rc<Pool>,
        network: &str,
    ) -> Result<Rc<Pool>, Failure> {
        let leaves = self.devices.borrow().leaves(network, pool.device);
        if leaves {
            pool = Rc::new(self.start_on_cpu(job).await?);
            job.wanted()?;
            self.work.borrow_mut().hold_nothing();
            self.pool.replace(Some(Rc::clone(&pool)));
        }
        self.devices.borrow_mut().meet(network, pool.device);
        self.say_device(&pool, self.devices.borrow().why());
        Ok(pool)
    }

    async fn try_gpu(self: Rc<Self>, cpu: &Rc<Pool>, adapter: String) {
        let network = self.latest().model;
        let gpu = self.start_on(DeviceKind::Gpu, adapter, None).await;
        let measured = match gpu {
            Ok(gpu) => Ok(self.measure(cpu, gpu).await),
            Err(failure) => Err(failure),
        };
        let pool = self.pool.borrow().clone();
        if !pool.is_some_and(|pool| Rc::ptr_eq(&pool, cpu)) {
            return; // another device was chosen meanwhile
        }
        let mut devices = self.devices.borrow_mut();
        match measured {
            Ok(Ok((race, gpu))) => {
                devices.measured(&race, &network, Rc::new(gpu));
                // Another may be set by now.
                devices.meet(&self.latest().model, DeviceKind::Cpu);
            }
            Ok(Err(_)) => devices.wait(),
            Err(failure) => devices.refuse(&failure),
        }
        drop(devices);
        self.say_device(cpu, self.devices.borrow().why());
        self.settle_device();
    }

    /// Takes gradients on either, of the network that the CPU holds; it fails where the CPU
    /// cannot.
    async fn measure(&self, cpu: &Pool, gpu: Pool) -> Result<(Race, Pool), Failure> {
        let slopes = self.latest().method().slopes();
        let lent = || Failure::internal("the workers hold no network");
        let weights = cpu.model().ok_or_else(lent)?;
        let cpu_ms = cpu.time_gradient(slopes, |_| {}).await?;
        let so_far = Cell::new(None);
        let on_gpu = async {
            gpu.load(&weights).await?;
            gpu.time_gradient(slopes, |ms| so_far.set(Some(ms))).await
        };
        let gpu_ms = match select(pin!(on_gpu), pin!(sleep(PATIENCE_MS as i32))).await {
            Either::Left((measured, _)) => measured.ok(),
            Either::Right(_) => so_far.get(),
        };
        let race = Race {
            cpu_ms,
            workers: cpu.size(),
            gpu_ms,
        };
        Ok((race, gpu))
    }

    /// Says which device computes, and why.
    pub(super) fn say_device(&self, pool: &Pool, why: Phrase) {
        put(&computes(pool.device, pool.size(), &pool.adapter, why));
        document()
            .document_element()
            .map_or(Ok(()), |root| {
                root.set_attribute("data-device", pool.device.name())
            })
            .unwrap_or(());
    }
}
