//! Numbers that mean something, each with a type of its own.

use std::fmt;

use crate::{
    Result,
    codec::{Coder, Wire},
};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty) as $wire:ident, unknown is $default:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        /// What a field reads as in a version that does not have it.
        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl<'a> Wire<'a> for $name {
            fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
                coder.$wire(&mut self.0)
            }
        }
    };
}

number! {
    /// The place of a record in its partition; the first is 0.
    Offset(i64) as int64, unknown is -1
}

number! {
    /// The number of a partition in its topic; the first is 0.
    PartitionId(i32) as int32, unknown is 0
}

number! {
    /// Which writer of a partition wrote a batch. Grows with every new writer.
    LeaderEpoch(i32) as int32, unknown is -1
}

number! {
    /// Ties a response to its request on one connection.
    CorrelationId(i32) as int32, unknown is 0
}

number! {
    /// The version of one API.
    ApiVersion(i16) as int16, unknown is 0
}

/// The identity of a topic, independent of its name (KIP-516). A UUID in network order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TopicId(pub [u8; 16]);

impl Offset {
    /// "No such offset", and what an unknown offset reads as.
    pub const NONE: Self = Self(-1);
}

impl LeaderEpoch {
    /// "The epoch is not known, do not compare".
    pub const NONE: Self = Self(-1);
}

impl TopicId {
    /// All zeros: "no topic id".
    pub const NONE: Self = Self([0; 16]);
}

impl<'a> Wire<'a> for TopicId {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.uuid(&mut self.0)
    }
}
