//! What a simulated disk does wrong while it runs.

/// How often which operation goes wrong, each in 65 536 times. The default is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// A read or write is interrupted before it did anything.
    pub interrupted: u16,
    /// A read or write does only a part.
    pub short: u16,
    /// A read fails.
    pub failing_read: u16,
    /// A write fails, after any part of it.
    pub failing_write: u16,
    /// A sync of a file or folder fails.
    pub failing_sync: u16,
    /// Whether a sync that failed is followed by failing ones only, until the disk is restarted.
    pub syncs_fail_for_ever: bool,
}
