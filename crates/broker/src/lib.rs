//! The Kafka-protocol server.

mod coordinator;
