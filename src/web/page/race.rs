//! Both devices load the network and take one gradient; the faster one stays.

use std::pin::pin;
use std::rc::Rc;

use futures_util::future::{Either, select};

use super::Page;
use super::job::PageJob;
use crate::attribution::Slopes;
use crate::device::DeviceKind;
use crate::page::{PATIENCE_MS, Race};
use crate::protocol::Failure;
use crate::web::dom::{document, sleep};
use crate::web::pool::{Pool, Weights};
use crate::web::words::{Phrase, decimal, phrase, say};

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

impl Page {
    /// Loads a network into the pool; while it is not settled which device computes, into those of both devices, one of
    /// which stays. The pool that has it.
    pub(super) async fn load_where_faster(
        &self,
        job: &PageJob,
        pool: &Rc<Pool>,
        weights: &Weights,
        slopes: Slopes,
    ) -> Result<Rc<Pool>, Failure> {
        let Some(cpu) = self.rival.borrow().clone() else {
            pool.load(weights).await?;
            return Ok(Rc::clone(pool));
        };
        job.wait(phrase!("Measuring which is faster, the GPU or the CPU…"));
        cpu.load(weights).await?;
        let cpu_ms = cpu.time_gradient(slopes).await?;
        let on_gpu = async {
            pool.load(weights).await?;
            pool.time_gradient(slopes).await
        };
        let (on_gpu, patience) = (pin!(on_gpu), pin!(sleep(PATIENCE_MS as i32)));
        let gpu_ms = match select(on_gpu, patience).await {
            Either::Left((measured, _)) => measured.ok(),
            Either::Right(_) => None,
        };
        if !job.is_current() {
            return Ok(Rc::clone(pool));
        }
        let race = Race {
            cpu_ms,
            workers: cpu.size(),
            gpu_ms,
        };
        // The other one's workers end with it.
        self.rival.take();
        let winner = match race.winner() {
            DeviceKind::Gpu => Rc::clone(pool),
            DeviceKind::Cpu => cpu,
        };
        self.say_device(&winner, said(&race, &pool.adapter));
        self.pool.replace(Some(Rc::clone(&winner)));
        Ok(winner)
    }

    /// Says which device computes, and why.
    pub(super) fn say_device(&self, pool: &Pool, why: Phrase) {
        let device = match (pool.device, pool.size()) {
            (DeviceKind::Gpu, _) => phrase!(
                "Now on the GPU ({adapter}).",
                adapter = pool.adapter.as_str()
            ),
            (DeviceKind::Cpu, 1) => phrase!("Now on the CPU, one worker."),
            (DeviceKind::Cpu, n) => phrase!("Now on the CPU, {n} workers.", n = n),
        };
        say(
            "engine",
            phrase!("{workers} {why}", workers = device, why = why),
        );
        document()
            .document_element()
            .map_or(Ok(()), |root| {
                root.set_attribute("data-device", pool.device.name())
            })
            .unwrap_or(());
    }
}

fn said(race: &Race, adapter: &str) -> Phrase {
    let cpu = decimal(race.shared_ms() / SECOND, 3);
    match race.gpu_ms {
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
