//! Every message in every served version.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey as OracleApi, RequestHeader as OracleHeader, RequestKind, ResponseHeader, ResponseKind,
};
use kafka_protocol::protocol::Decodable;
use proptest::prelude::*;

use super::{
    ApiVersionsRequest, ApiVersionsResponse, FetchResponse, FetchedPartition, FetchedTopic,
    MetadataRequest, MetadataRequestTopic, Records, Sampler,
};
use crate::{
    ApiKey, ApiVersion, CorrelationId, Error, ErrorCode, Frame, Request, RequestHeader, Response,
    Segment, codec::ELEMENTS_MAX, encode_request, encode_response, fuzz_request, split_response,
};

const CORRELATION: CorrelationId = CorrelationId(0x0102_0304);

fn every_version() -> impl Iterator<Item = (ApiKey, ApiVersion)> {
    ApiKey::ALL.into_iter().flat_map(|api| {
        let versions = api.versions();
        (versions.min..=versions.max).map(move |version| (api, ApiVersion(version)))
    })
}

fn sample_request(api: ApiKey, version: ApiVersion, seed: u64) -> (Request<'static>, Frame) {
    let request = Request::sample(api, &mut Sampler::new(api, version, seed));
    let frame = request.clone().encode(version, CORRELATION, Some("client")).unwrap();
    (request, frame)
}

fn sample_response(api: ApiKey, version: ApiVersion, seed: u64) -> (Response<'static>, Frame) {
    let response = Response::sample(api, &mut Sampler::new(api, version, seed));
    let frame = response.clone().encode(version, CORRELATION).unwrap();
    (response, frame)
}

/// Every version that the oracle knows: it ends with Kafka 3.9. For newer ones see the golden bytes.
fn every_version_of_the_oracle() -> impl Iterator<Item = (ApiKey, ApiVersion)> {
    every_version().filter(|(api, version)| version.0 <= oracle_api(*api).valid_versions().max)
}

fn oracle_api(api: ApiKey) -> OracleApi {
    OracleApi::try_from(api.number()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_request_reads_as_it_was_written(seed: u64) {
        for (api, version) in every_version() {
            let (request, frame) = sample_request(api, version, seed);
            let (header, read) = Request::decode_whole(frame.payload()).unwrap();
            let client_id = Some("client");
            let expected = RequestHeader { api, version, correlation: CORRELATION, client_id };
            prop_assert_eq!(header, expected);
            prop_assert_eq!(read, request);
        }
    }

    #[test]
    fn every_response_reads_as_it_was_written(seed: u64) {
        for (api, version) in every_version() {
            let (response, frame) = sample_response(api, version, seed);
            let (correlation, body) = split_response(api, version, frame.payload()).unwrap();
            prop_assert_eq!(correlation, CORRELATION);
            prop_assert_eq!(Response::decode(api, version, body).unwrap(), response);
        }
    }

    #[test]
    fn the_oracle_reads_every_request_and_writes_the_same_bytes(seed: u64) {
        for (api, version) in every_version_of_the_oracle() {
            let (_, frame) = sample_request(api, version, seed);
            let mut bytes = Bytes::copy_from_slice(frame.payload());
            let header_version = oracle_api(api).request_header_version(version.0);
            let header = OracleHeader::decode(&mut bytes, header_version).unwrap();
            prop_assert_eq!(header.correlation_id, CORRELATION.0);
            prop_assert_eq!(header.client_id.as_deref(), Some("client"));
            let body = bytes.clone();
            let request = RequestKind::decode(oracle_api(api), &mut bytes, version.0)
                .unwrap_or_else(|error| panic!("{api:?} {version}: {error}"));
            prop_assert!(bytes.is_empty(), "{api:?} {version} has bytes left");
            let mut again = BytesMut::new();
            request.encode(&mut again, version.0).unwrap();
            prop_assert_eq!(again.freeze(), body, "{:?} {}", api, version);
        }
    }

    #[test]
    fn the_oracle_reads_every_response_and_writes_the_same_bytes(seed: u64) {
        for (api, version) in every_version_of_the_oracle() {
            let (_, frame) = sample_response(api, version, seed);
            let mut bytes = Bytes::copy_from_slice(frame.payload());
            let header_version = oracle_api(api).response_header_version(version.0);
            let header = ResponseHeader::decode(&mut bytes, header_version).unwrap();
            prop_assert_eq!(header.correlation_id, CORRELATION.0);
            let body = bytes.clone();
            let response = ResponseKind::decode(oracle_api(api), &mut bytes, version.0)
                .unwrap_or_else(|error| panic!("{api:?} {version}: {error}"));
            prop_assert!(bytes.is_empty(), "{api:?} {version} has bytes left");
            let mut again = BytesMut::new();
            response.encode(&mut again, version.0).unwrap();
            prop_assert_eq!(again.freeze(), body, "{:?} {}", api, version);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz_request(&bytes);
    }

    #[test]
    fn a_random_body_behind_a_good_header_never_panics(
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        for (api, version) in every_version() {
            let mut request = api.number().to_be_bytes().to_vec();
            request.extend_from_slice(&version.0.to_be_bytes());
            request.extend_from_slice(&[0, 0, 0, 1, 0xff, 0xff]);
            if api.is_flexible(version) {
                request.push(0);
            }
            request.extend_from_slice(&body);
            fuzz_request(&request);
        }
    }

    #[test]
    fn a_mutated_request_never_panics(seed: u64, at: prop::sample::Index, bytes: [u8; 4]) {
        for (api, version) in every_version() {
            let (_, frame) = sample_request(api, version, seed);
            let mut mutated = frame.payload().to_vec();
            let at = at.index(mutated.len());
            mutated.iter_mut().skip(at).zip(bytes).for_each(|(place, byte)| *place = byte);
            fuzz_request(&mutated);
        }
    }

    #[test]
    fn records_elsewhere_stitch_to_the_same_bytes(
        blobs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5),
        version in 0i16..=18,
    ) {
        let response = |records: &dyn Fn(&'static [u8]) -> Records<'static>| {
            let leaked = blobs.iter().map(|blob| &*blob.clone().leak());
            let partition = |blob| FetchedPartition { records: records(blob), ..Default::default() };
            let partitions = leaked.map(partition).collect();
            let topics = vec![FetchedTopic { partitions, ..Default::default() }];
            encode_response(
                ApiVersion(version),
                CORRELATION,
                FetchResponse { topics, ..Default::default() },
            ).unwrap()
        };
        let whole = response(&Records::Here);
        let parts = response(&|blob| Records::Elsewhere(blob.len()));
        let mut elsewhere = blobs.iter().filter(|blob| !blob.is_empty());
        let mut stitched = Vec::new();
        for segment in parts.segments() {
            match segment {
                Segment::Bytes(bytes) => stitched.extend_from_slice(bytes),
                Segment::Records(length) => {
                    let blob = elsewhere.next().unwrap();
                    prop_assert_eq!(blob.len(), length);
                    stitched.extend_from_slice(blob);
                }
            }
        }
        prop_assert_eq!(&stitched, whole.bytes());
        prop_assert_eq!(parts.sent_len(), whole.bytes().len());
    }
}

#[test]
fn every_truncation_of_a_request_is_an_error() {
    for (api, version) in every_version() {
        for seed in [3, 77, 1 << 40] {
            let (_, frame) = sample_request(api, version, seed);
            let request = frame.payload();
            for length in 0..request.len() {
                let cut = Request::decode_whole(&request[..length]);
                assert!(cut.is_err(), "{api:?} {version} cut to {length} of {}", request.len());
            }
        }
    }
}

#[test]
fn every_truncation_of_a_response_is_an_error() {
    for (api, version) in every_version() {
        let (_, frame) = sample_response(api, version, 77);
        let response = frame.payload();
        for length in 0..response.len() {
            let cut = split_response(api, version, &response[..length])
                .and_then(|(_, body)| Response::decode(api, version, body));
            assert!(cut.is_err(), "{api:?} {version} cut to {length} of {}", response.len());
        }
    }
}

#[test]
fn a_length_of_2_gib_is_an_error_at_once() {
    let malformed: [(&str, ApiKey, i16, &[u8]); 6] = [
        ("array", ApiKey::Metadata, 1, b"\x7f\xff\xff\xff"),
        ("compact array", ApiKey::Metadata, 9, b"\xff\xff\xff\xff\x0f"),
        ("string", ApiKey::FindCoordinator, 0, b"\x7f\xffx"),
        ("compact string", ApiKey::FindCoordinator, 3, b"\xff\xff\xff\xff\x0fx"),
        ("bytes", ApiKey::SaslAuthenticate, 0, b"\x7f\xff\xff\xffx"),
        ("tagged field", ApiKey::ApiVersions, 3, b"\x01\x01\x01\x00\xff\xff\xff\xff\x0f"),
    ];
    for (what, api, version, body) in malformed {
        let read = Request::decode(api, ApiVersion(version), body);
        assert!(matches!(read, Err(Error::Truncated { .. })), "{what}: {read:?}");
    }
}

#[test]
fn a_length_below_minus_one_is_malformed() {
    let read = Request::decode(ApiKey::Metadata, ApiVersion(1), b"\xff\xff\xff\xfe");
    assert!(matches!(read, Err(Error::Malformed { at: 0, .. })), "{read:?}");
}

#[test]
fn null_where_a_string_must_stand_is_malformed() {
    let read = Request::decode(ApiKey::SaslHandshake, ApiVersion(0), b"\xff\xff");
    assert!(matches!(read, Err(Error::Malformed { at: 0, .. })), "{read:?}");
}

#[test]
fn a_string_that_is_not_utf_8_is_malformed() {
    let read = Request::decode(ApiKey::SaslHandshake, ApiVersion(0), b"\x00\x01\xff");
    assert!(matches!(read, Err(Error::Malformed { at: 2, .. })), "{read:?}");
}

#[test]
fn more_array_elements_than_any_honest_message_has_are_refused() {
    let topics = |count| {
        let topics = Some(vec![MetadataRequestTopic::default(); count]);
        let request = MetadataRequest { topics, ..Default::default() };
        encode_request(ApiVersion(1), CORRELATION, None, request).unwrap()
    };
    assert!(Request::decode_whole(topics(ELEMENTS_MAX).payload()).is_ok());
    let read = Request::decode_whole(topics(ELEMENTS_MAX + 1).payload()).map(|_| ());
    assert!(matches!(read, Err(Error::TooManyElements { .. })), "{read:?}");
}

#[test]
fn unknown_tagged_fields_are_skipped() {
    // Version 3 of ApiVersions: name "a", version "1", then tag 5 with the bytes "xy".
    let body = b"\x02a\x021\x01\x05\x02xy";
    let read = Request::decode(ApiKey::ApiVersions, ApiVersion(3), body).unwrap();
    let expected = ApiVersionsRequest { client_software_name: "a", client_software_version: "1" };
    assert_eq!(read, Request::ApiVersions(expected));
}

#[test]
fn a_version_that_is_not_served_is_told_from_malformed_bytes() {
    let read = Request::decode_whole(b"\x00\x12\x00\x05\x00\x00\x00\x07\xff\xff\x00");
    assert!(
        matches!(
            read,
            Err(Error::UnsupportedVersion { api: ApiKey::ApiVersions, version: ApiVersion(5) })
        ),
        "{read:?}"
    );
    let (header, _) =
        RequestHeader::split(b"\x00\x12\x00\x05\x00\x00\x00\x07\xff\xff\x00").unwrap();
    assert_eq!(header.correlation, CorrelationId(7));
}

#[test]
fn an_api_that_is_not_served_is_an_error() {
    let read = RequestHeader::split(b"\x00\x18\x00\x00\x00\x00\x00\x07\xff\xff");
    assert!(matches!(read, Err(Error::UnknownApi(24))), "{read:?}");
}

#[test]
fn several_groups_do_not_fit_a_version_that_carries_one() {
    let request = super::FindCoordinatorRequest { key_type: 0, keys: vec!["a", "b"] };
    let written = encode_request(ApiVersion(3), CORRELATION, None, request.clone());
    assert!(matches!(written, Err(Error::Unwritable { .. })));
    assert!(encode_request(ApiVersion(4), CORRELATION, None, request).is_ok());
}

#[test]
fn the_table_agrees_with_the_oracle() {
    for (api, version) in every_version_of_the_oracle() {
        let oracle = oracle_api(api);
        assert!(oracle.valid_versions().min <= version.0, "{api:?} {version}");
        let header = if api.is_flexible(version) { 2 } else { 1 };
        assert_eq!(oracle.request_header_version(version.0), header, "{api:?} {version}");
    }
}

#[test]
fn numbers_lead_back_to_their_api() {
    for api in ApiKey::ALL {
        assert_eq!(ApiKey::from_number(api.number()), Some(api));
    }
    assert_eq!(ApiKey::from_number(24), None);
}

// The golden bytes below were written by hand, field by field, from the protocol guide
// (kafka.apache.org/protocol, "Protocol Primitive Types" and the tables of each API).

#[test]
fn golden_api_versions_request_of_version_0() {
    let bytes: &[u8] = b"\x00\x00\x00\x0d\x00\x12\x00\x00\x01\x02\x03\x04\x00\x03abc";
    let frame =
        encode_request(ApiVersion(0), CORRELATION, Some("abc"), ApiVersionsRequest::default());
    assert_eq!(frame.unwrap().bytes(), bytes);
}

#[test]
fn golden_api_versions_request_of_version_3() {
    // Length 20; key 18; version 3; correlation; client id "abc" (not compact); no tags; compact
    // strings "kp" and "3"; no tags.
    let bytes: &[u8] =
        b"\x00\x00\x00\x14\x00\x12\x00\x03\x01\x02\x03\x04\x00\x03abc\x00\x03kp\x023\x00";
    let request = ApiVersionsRequest { client_software_name: "kp", client_software_version: "3" };
    let frame = encode_request(ApiVersion(3), CORRELATION, Some("abc"), request).unwrap();
    assert_eq!(frame.bytes(), bytes);
    assert_eq!(
        Request::decode_whole(&bytes[4..]).unwrap().1,
        Request::ApiVersions(request_again())
    );
}

fn request_again() -> ApiVersionsRequest<'static> {
    ApiVersionsRequest { client_software_name: "kp", client_software_version: "3" }
}

#[test]
fn golden_answer_to_an_unsupported_version() {
    // Length 16; correlation; error 35; one API: key 18, versions 0 to 4. No throttle time, no tags.
    let bytes: &[u8] =
        b"\x00\x00\x00\x10\x01\x02\x03\x04\x00\x23\x00\x00\x00\x01\x00\x12\x00\x00\x00\x04";
    let response = ApiVersionsResponse::unsupported_version();
    assert_eq!(encode_response(ApiVersion(0), CORRELATION, response).unwrap().bytes(), bytes);
}

#[test]
fn golden_api_versions_response_of_version_3_has_a_header_without_tags() {
    // Length 12; correlation, and no tags behind it; error 0; compact array of none; throttle time
    // 0; no tags.
    let bytes: &[u8] = b"\x00\x00\x00\x0c\x01\x02\x03\x04\x00\x00\x01\x00\x00\x00\x00\x00";
    let frame = encode_response(ApiVersion(3), CORRELATION, ApiVersionsResponse::default());
    assert_eq!(frame.unwrap().bytes(), bytes);
}

#[test]
fn golden_metadata_request_of_version_0_asks_for_all_topics_with_an_empty_list() {
    let all = Request::Metadata(MetadataRequest::default());
    let read = Request::decode(ApiKey::Metadata, ApiVersion(0), b"\x00\x00\x00\x00").unwrap();
    assert_eq!(read, all);
    let frame = all.clone().encode(ApiVersion(0), CORRELATION, None).unwrap();
    assert_eq!(&frame.payload()[10..], b"\x00\x00\x00\x00");
    let read = Request::decode(ApiKey::Metadata, ApiVersion(4), b"\xff\xff\xff\xff\x01").unwrap();
    assert_eq!(read, all);
}

#[test]
fn golden_fetch_response_of_version_12() {
    let partition = FetchedPartition {
        partition: crate::PartitionId(0),
        error: ErrorCode::OffsetOutOfRange,
        high_watermark: crate::Offset(9),
        last_stable_offset: crate::Offset(9),
        log_start_offset: crate::Offset(4),
        records: Records::Elsewhere(300),
        ..Default::default()
    };
    let topic = FetchedTopic { name: "t", partitions: vec![partition], ..Default::default() };
    let response = FetchResponse { topics: vec![topic], ..Default::default() };
    let frame = encode_response(ApiVersion(12), CORRELATION, response).unwrap();
    let mut before = Vec::new();
    before.extend_from_slice(&(5u32 + 10 + 4 + 6 + 16 + 8 + 5 + 2 + 300 + 3).to_be_bytes());
    before.extend_from_slice(b"\x01\x02\x03\x04\x00"); // correlation, no tags
    before.extend_from_slice(b"\0\0\0\0\0\0\0\0\0\0"); // throttle time, error, session id
    before.extend_from_slice(b"\x02\x02t\x02"); // one topic "t", one partition
    before.extend_from_slice(b"\0\0\0\0\0\x01"); // partition 0, error 1
    before.extend_from_slice(b"\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x09"); // high watermark, stable
    before.extend_from_slice(b"\0\0\0\0\0\0\0\x04"); // log start
    before.extend_from_slice(b"\0\xff\xff\xff\xff"); // null transactions, replica −1
    before.extend_from_slice(b"\xad\x02"); // 301 = 300 + 1 bytes of records
    let segments: Vec<_> = frame.segments().collect();
    let after: &[u8] = b"\0\0\0"; // no tags of partition, topic and response
    assert_eq!(segments, [Segment::Bytes(&before), Segment::Records(300), Segment::Bytes(after),]);
}
