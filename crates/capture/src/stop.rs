//! How a capture is told to end, also while it waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Raised once to end a [`Source::run`](crate::Source::run). Cheap to look at; a source looks at least four
/// times a second, or has itself woken by [`Stop::on_raise`].
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Raised>);

#[derive(Default)]
struct Raised {
    is_raised: AtomicBool,
    wakes: Mutex<Wakes>,
}

/// What is called when the stop is raised.
#[derive(Default)]
struct Wakes {
    calls: BTreeMap<u64, Box<dyn FnOnce() + Send>>,
    next: u64,
}

/// As long as this lives, something is called when a stop is raised.
#[derive(Debug)]
#[must_use = "dropped, it calls nothing"]
pub struct OnRaise {
    stop: Stop,
    number: u64,
}

impl Stop {
    /// Ends the run that was given this.
    pub fn raise(&self) {
        self.0.is_raised.store(true, Ordering::Release);
        let calls = std::mem::take(&mut self.wakes().calls);
        for call in calls.into_values() {
            call();
        }
    }

    /// Whether the run should end.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.is_raised.load(Ordering::Acquire)
    }

    /// Has `call` called once when this is raised, by whoever raises it, or now if it has been.
    pub fn on_raise(&self, call: impl FnOnce() + Send + 'static) -> OnRaise {
        let mut wakes = self.wakes();
        let number = wakes.next;
        wakes.next += 1;
        if self.is_raised() {
            drop(wakes);
            call();
        } else {
            wakes.calls.insert(number, Box::new(call));
        }
        OnRaise { stop: self.clone(), number }
    }

    fn wakes(&self) -> MutexGuard<'_, Wakes> {
        self.0.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnRaise {
    fn drop(&mut self) {
        let call = self.stop.wakes().calls.remove(&self.number);
        drop(call);
    }
}

impl std::fmt::Debug for Raised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Raised").field(&self.is_raised).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn who_waits_is_called_once_and_who_has_gone_is_not() {
        let (stop, calls) = (Stop::default(), Arc::new(AtomicUsize::new(0)));
        let count = || {
            let calls = Arc::clone(&calls);
            move || _ = calls.fetch_add(1, Ordering::SeqCst)
        };
        let _waits = stop.on_raise(count());
        drop(stop.on_raise(count()));
        assert!(!stop.is_raised());
        stop.clone().raise();
        stop.raise();
        assert!(stop.is_raised());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        let _late = stop.on_raise(count());
        assert_eq!(calls.load(Ordering::SeqCst), 2, "who comes late is called at once");
    }

    #[test]
    fn a_call_may_use_the_stop_itself() {
        let stop = Stop::default();
        let inner = stop.clone();
        let _waits = stop.on_raise(move || {
            assert!(inner.is_raised());
            drop(inner.on_raise(|| {}));
        });
        stop.raise();
    }
}
