//! The Kafka wire, sans-IO: frames, headers, messages and record batches, bounded in both directions.
//!
//! Bytes go in, values come out, and the other way round; there is no socket, clock or file here.
//! No length from outside is used for an allocation before it was compared with what is really
//! there, so a hostile frame costs no more memory than a small multiple of its own size.
//!
//! * [`api`] is the table of what is known and served, in which versions.
//! * [`RequestHeader`], [`Request`] and [`Response`] are the way of a frame through the server.
//! * [`messages`] holds one file per API. Each message is described once, and that one description
//!   both reads and writes it (see [`codec`]).
//! * [`batch`] builds and reads record batches of format 2; [`message_set`] makes of them what clients of
//!   Kafka 0.10 and older read.
//!
//! Sources: the Kafka protocol guide, the message definitions of Kafka 3.9 and 4.3, and the KIPs named at
//! the places where they matter. What is deliberately absent: the meaning of SASL tokens, and
//! every decision about what to answer.

pub mod api;
pub mod batch;
pub mod codec;
pub mod message_set;
pub mod messages;

mod error;
mod error_code;
mod frame;
mod fuzz;
mod header;
mod numbers;
mod request;

pub use api::ApiKey;
pub use error::Error;
pub use error_code::ErrorCode;
pub use frame::{Frame, Segment};
pub use fuzz::{fuzz_api, fuzz_batch, fuzz_message_set, fuzz_request};
pub use header::{RequestHeader, encode_request, encode_response, split_response};
pub use numbers::{ApiVersion, CorrelationId, LeaderEpoch, Offset, PartitionId, TopicId};
pub use request::{Request, Response};

/// What this crate's fallible functions return.
pub type Result<T> = std::result::Result<T, Error>;
