//! What the fields mean, told by the oracle.
