//! The part of a Fetch that touches neither socket nor clock, to be measured by itself: a frame comes in,
//! and the message goes out with the places of its records.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kafka::{Request, RequestHeader};
use tokio::sync::watch;

use crate::api::{Call, Endpoint, fetch};
use crate::cursors::Cursors;
use crate::principal::Principal;
use crate::stop::Stop;
use crate::topics::TopicDirectory;

/// A consumer that reads on and on, without a connection.
#[derive(Debug)]
pub struct FetchPlanner {
    topics: Arc<TopicDirectory>,
    cursors: Cursors,
    endpoint: Endpoint,
    stop: Stop,
}

/// How much would be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Bytes of the message without its records.
    pub message_bytes: usize,
    /// Bytes of records, which stand in files.
    pub record_bytes: u64,
}

impl FetchPlanner {
    /// A consumer of these topics.
    #[must_use]
    pub fn new(topics: Arc<TopicDirectory>) -> Self {
        let (_, stopped) = watch::channel(false);
        let endpoint = Endpoint { host: String::new(), port: 0 };
        Self { topics, cursors: Cursors::default(), endpoint, stop: Stop::new(stopped) }
    }

    /// Answers a Fetch, a frame without its length; `None` if it is none.
    pub fn plan(&mut self, frame: &[u8]) -> Option<Planned> {
        let (header, body) = RequestHeader::split(frame).ok()?;
        let Request::Fetch(request) = Request::decode(header.api, header.version, body).ok()?
        else {
            return None;
        };
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let call = Call::new(&header, &Principal::Anyone, &self.endpoint, peer, &self.stop);
        let answer = fetch::plan(&self.topics, &call, &request, &mut self.cursors).ok()?;
        let record_bytes = answer.records.iter().map(log::FileRange::length).sum();
        Some(Planned { message_bytes: answer.frame.bytes().len(), record_bytes })
    }
}
