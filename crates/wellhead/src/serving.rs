//! The threads that serve Kafka clients: a runtime of their own, behind the capture.
//!
//! A consumer never slows the capture down (invariant 7 of the architecture), and twenty that read as fast
//! as they can would: what they cost is copying, of which there is as much as there are readers. So the
//! threads that serve them yield to those that capture where a machine is full; on one that is not, they
//! notice nothing. A thread hands its priority on to those that it starts and cannot raise it again: that
//! is why these threads are apart, and nothing else may be started on them.

use std::pin::pin;

use tokio::runtime::{Builder, Runtime};

/// The runtime for Kafka clients.
#[derive(Debug)]
pub(crate) struct Serving {
    /// Always there until it is dropped.
    runtime: Option<Runtime>,
}

/// How much later it is the turn of those that serve: a fifteenth of the share of a processor
/// (`sched(7)`, "The nice value").
const NICER: i32 = 12;

impl Serving {
    /// Starts the threads.
    ///
    /// # Errors
    /// There can be no more threads.
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("kafka")
            .on_thread_start(|| {
                if let Err(error) = rustix::process::nice(NICER) {
                    tracing::debug!(%error, "kafka clients are served at the priority of all else");
                }
            })
            .enable_all()
            .build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Runs a future to its end where it is called, but so that whatever it spawns, and whatever socket or
    /// timer it makes, belongs to the threads that serve.
    pub(crate) async fn enter<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            let _entered = self.runtime.as_ref().map(Runtime::enter);
            future.as_mut().poll(context)
        })
        .await
    }
}

impl Drop for Serving {
    /// By then nothing is left on it that anybody waits for.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
