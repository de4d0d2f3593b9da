//! The entries of the fuzz targets. They run as property tests too, on the stable toolchain.

use crate::{
    ApiKey, ApiVersion, CorrelationId, Offset, Request, Response,
    batch::{self, BatchHeader},
    message_set::{Conversion, MessageFormat, messages},
    split_response,
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

/// Entry of the fuzz targets for single APIs. The first byte says which version the rest is read in, and
/// whether as a request (even) or a response (odd); never panics.
///
/// # Panics
/// If a message that can be read does not read the same after it was written again: a bug here.
pub fn fuzz_api(api: ApiKey, bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    let version = ApiVersion(i16::from(choice / 2));
    let correlation = CorrelationId(0);
    if choice % 2 == 0 {
        let Ok(request) = Request::decode(api, version, body) else { return };
        let frame = request.clone().encode(version, correlation, None);
        let frame = frame.expect("a request that was read can be written in the same version");
        let again = Request::decode_whole(frame.payload()).map(|(_, again)| again);
        assert_eq!(again.expect("a request that was written can be read"), request);
    } else {
        let Ok(response) = Response::decode(api, version, body) else { return };
        let frame = response.clone().encode(version, correlation);
        let frame = frame.expect("a response that was read can be written in the same version");
        let again = split_response(api, version, frame.payload())
            .and_then(|(_, body)| Response::decode(api, version, body));
        assert_eq!(again.expect("a response that was written can be read"), response);
    }
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

/// Entry of the fuzz target for message sets: reads the bytes as one, and converts them as a record
/// batch, whatever its checksum said; never panics.
///
/// # Panics
/// If a message set that was made here cannot be read: a bug here.
pub fn fuzz_message_set(bytes: &[u8]) {
    let _ = messages(bytes, DECOMPRESSED_MAX);
    let Ok(header) = BatchHeader::parse(bytes) else { return };
    let Some(batch) = bytes.get(..header.batch_len) else { return };
    let batch = with_checksum(batch);
    for format in [MessageFormat::V0, MessageFormat::V1] {
        let mut conversion = Conversion::new(format, Offset(0), SET_MAX, DECOMPRESSED_MAX);
        let _ = conversion.add(&batch);
        let read = messages(&conversion.finish(), 2 * DECOMPRESSED_MAX);
        assert!(read.is_ok(), "what was converted cannot be read: {read:?}");
    }
}

/// The batch with the checksum that fits.
fn with_checksum(batch: &[u8]) -> Vec<u8> {
    let mut batch = batch.to_vec();
    let crc = batch.get(CHECKED_AT..).map(crc32c::crc32c).unwrap_or_default();
    if let Some(place) = batch.get_mut(CRC_AT..CHECKED_AT) {
        place.copy_from_slice(&crc.to_be_bytes());
    }
    batch
}

/// Where a batch has its checksum, and what it covers.
const CRC_AT: usize = 17;
const CHECKED_AT: usize = 21;
/// How long a fuzzed message set may be.
const SET_MAX: usize = 64 << 10;
