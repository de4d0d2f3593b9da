//! The broker's end, as everything that was spawned learns of it.

use tokio::sync::watch;

/// Raised once when the broker stops. Cheap to clone; each waiter has its own.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens to a channel that turns true once.
    pub(crate) fn new(receiver: watch::Receiver<bool>) -> Self {
        Self(receiver)
    }

    /// Whether the broker is stopping.
    pub(crate) fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for it. A broker that was dropped has stopped too.
    pub(crate) async fn raised(&mut self) {
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}
