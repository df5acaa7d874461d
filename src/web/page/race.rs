//! The GPU is tried beside the CPU, and takes over where it is faster.

use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};
use wasm_bindgen_futures::spawn_local;

use super::Page;
use crate::page::{PATIENCE_MS, Race, computes};
use crate::protocol::Failure;
use crate::web::dom::{document, sleep};
use crate::web::parts::put;
use crate::web::pool::Pool;
use crate::web::words::Phrase;

impl Page {
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
            self.work.borrow_mut().hold(None);
            self.say_device(&gpu, self.devices.borrow().why());
            self.pool.replace(Some(gpu));
            return;
        }
        let adapter = self.devices.borrow_mut().try_gpu(mask, busy);
        if let Some(adapter) = adapter {
            self.say_device(&cpu, self.devices.borrow().why());
            let page = Rc::clone(self);
            spawn_local(async move { page.try_gpu(&cpu, adapter).await });
        }
    }

    async fn try_gpu(self: Rc<Self>, cpu: &Rc<Pool>, adapter: String) {
        let gpu = self.start_on_gpu(adapter, |_, _| ()).await;
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
            Ok(Ok((race, gpu))) => devices.measured(&race, Rc::new(gpu)),
            Ok(Err(_)) => devices.wait(),
            Err(failure) => devices.refuse(&failure),
        }
        drop(devices);
        self.say_device(cpu, self.devices.borrow().why());
        self.settle_device();
    }

    /// Takes a gradient on either, of the network that the CPU holds; it fails where the CPU cannot.
    async fn measure(&self, cpu: &Pool, gpu: Pool) -> Result<(Race, Pool), Failure> {
        let slopes = self.latest().method().slopes();
        let lent = || Failure::internal("the workers hold no network");
        let weights = cpu.model().ok_or_else(lent)?;
        let cpu_ms = cpu.time_gradient(slopes).await?;
        let on_gpu = async {
            gpu.load(&weights).await?;
            gpu.time_gradient(slopes).await
        };
        let gpu_ms = match select(pin!(on_gpu), pin!(sleep(PATIENCE_MS as i32))).await {
            Either::Left((measured, _)) => measured.ok(),
            Either::Right(_) => None,
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
