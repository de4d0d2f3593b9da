//! The entries of the fuzz targets. They run as property tests too, on the stable toolchain.

use crate::{
    ApiKey, ApiVersion, CorrelationId, Request, Response,
    batch::{self, BatchHeader},
};

/// How much a fuzzed batch may decompress to.
const DECOMPRESSED_MAX: usize = 1 << 20;

/// Entry of the fuzz target for messages. Reads the bytes as a request, and as a response of every
/// API; never panics.
///
/// # Panics
/// If a request that can be read does not read the same after it was written again: a bug here.
pub fn fuzz_request(bytes: &[u8]) {
    for api in ApiKey::ALL {
        let _ = Response::decode(api, ApiVersion(api.versions().max), bytes);
    }
    let Ok((header, request)) = Request::decode_whole(bytes) else { return };
    let frame = request
        .clone()
        .encode(header.version, CorrelationId(header.correlation.0), header.client_id)
        .expect("a request that was read can be written in the same version");
    let (header_again, request_again) =
        Request::decode_whole(frame.payload()).expect("a request that was written can be read");
    assert_eq!((header_again, request_again), (header, request));
}

/// Entry of the fuzz target for record batches: reads the bytes as a batch with all its records,
/// whatever its checksum says; never panics.
pub fn fuzz_batch(bytes: &[u8]) {
    if let Ok(header) = BatchHeader::parse(bytes) {
        let _ = header.verify(bytes);
    }
    let mut buffer = Vec::new();
    let Ok(records) = batch::records(bytes, DECOMPRESSED_MAX, &mut buffer) else { return };
    for record in records.flatten() {
        let _ = record.headers.count();
    }
}
