//! The leader epoch that a client believes in, held against the log's own (KIP-320).

use kafka::{ErrorCode, LeaderEpoch};

/// What a client is told whose epoch is not the present one. One that knows of none is told nothing.
pub(super) fn leader_epoch_error(believed: LeaderEpoch, present: LeaderEpoch) -> ErrorCode {
    if believed < LeaderEpoch(0) || believed == present {
        ErrorCode::None
    } else if believed < present {
        ErrorCode::FencedLeaderEpoch
    } else {
        ErrorCode::UnknownLeaderEpoch
    }
}
