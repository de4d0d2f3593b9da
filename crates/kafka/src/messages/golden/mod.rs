//! Golden bytes of every version of every message, written by Apache Kafka's own classes (3.9.1, and 4.3.1 for what
//! came later; `Golden.java` says how). Every value in them is made from Kafka's name of its field, so that it can be
//! told whether it has arrived under that name here.

use std::fmt::Debug;
use std::path::Path;

use crate::{
    ApiKey, ApiVersion, CorrelationId, ErrorCode, Request, Response, fuzz_api, split_response,
};

/// One line of a golden file.
#[derive(Debug)]
struct Golden {
    is_request: bool,
    version: ApiVersion,
    variant: String,
    bytes: Vec<u8>,
}

const CORRELATION: CorrelationId = CorrelationId(7);

fn golden(api: ApiKey) -> Vec<Golden> {
    let file = format!("src/messages/golden/{api:?}.txt");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let line = |line: &str| {
        let [direction, version, variant, hex] =
            line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        Golden {
            is_request: direction == "request",
            version: ApiVersion(version.parse().unwrap()),
            variant: variant.to_owned(),
            bytes: if hex == "-" { Vec::new() } else { bytes(hex) },
        }
    };
    text.lines().map(line).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Reads a message and writes it again: its fields as text, and its bytes.
fn again(api: ApiKey, golden: &Golden) -> (String, Vec<u8>) {
    let (version, bytes) = (golden.version, golden.bytes.as_slice());
    if golden.is_request {
        let read =
            Request::decode(api, version, bytes).unwrap_or_else(|error| fail(api, golden, &error));
        let frame = read.clone().encode(version, CORRELATION, None).unwrap();
        let (_, body) = crate::RequestHeader::split(frame.payload()).unwrap();
        (format!("{read:?}"), body.to_vec())
    } else {
        let read =
            Response::decode(api, version, bytes).unwrap_or_else(|error| fail(api, golden, &error));
        let frame = read.clone().encode(version, CORRELATION).unwrap();
        let (_, body) = split_response(api, version, frame.payload()).unwrap();
        (format!("{read:?}"), body.to_vec())
    }
}

fn fail<T>(api: ApiKey, golden: &Golden, why: &dyn Debug) -> T {
    panic!("{api:?} {}, request: {}: {why:?}", golden.version, golden.is_request)
}

#[test]
fn every_version_that_is_served_has_golden_bytes() {
    for api in ApiKey::ALL {
        let golden = golden(api);
        let versions = api.versions();
        for version in versions.min..=versions.max {
            for is_request in [true, false] {
                let there = golden.iter().any(|one| {
                    (one.is_request, one.version, one.variant.as_str())
                        == (is_request, ApiVersion(version), "full")
                });
                assert!(there, "{api:?} {version}, request: {is_request}");
            }
        }
    }
}

#[test]
fn every_golden_message_is_written_as_it_was_read() {
    for api in ApiKey::ALL {
        let golden = golden(api);
        for one in golden.iter().filter(|one| api.serves(one.version)) {
            let same = |other: &&Golden| {
                (other.is_request, other.version) == (one.is_request, one.version)
                    && other.variant == "full"
            };
            let expected = match one.variant.as_str() {
                // Tagged fields that are not known here are skipped, and not written.
                "tagged" if (api, one.is_request) != (ApiKey::Fetch, false) => {
                    &golden.iter().find(same).unwrap().bytes
                }
                "tagged" => continue,
                _ => &one.bytes,
            };
            let (_, written) = again(api, one);
            assert_eq!(&written, expected, "{api:?} {}, request: {}", one.version, one.is_request);
        }
    }
}

#[test]
fn every_field_has_the_value_that_kafka_wrote_under_its_name() {
    for api in ApiKey::ALL {
        for one in
            golden(api).iter().filter(|one| api.serves(one.version) && one.variant != "empty")
        {
            let (text, _) = again(api, one);
            for (field, value) in fields(&text) {
                let names = theirs(&field);
                let meant = names.iter().any(|name| values(name).contains(&value));
                assert!(meant, "{api:?} {}: {field} is {value} in {text}", one.version);
            }
        }
    }
}

#[test]
fn a_golden_message_with_one_wrong_byte_never_panics() {
    for api in ApiKey::ALL {
        for one in golden(api).iter().filter(|one| api.serves(one.version)) {
            let choice = u8::try_from(one.version.0).unwrap() * 2 + u8::from(!one.is_request);
            let mut input = [&[choice], one.bytes.as_slice()].concat();
            for at in 1..input.len() {
                for wrong in [0, 1, 0x7f, 0x80, 0xff] {
                    let right = std::mem::replace(&mut input[at], wrong);
                    fuzz_api(api, &input);
                    input[at] = right;
                }
            }
        }
    }
}

/// Kafka's names for a field.
fn theirs(field: &str) -> Vec<&str> {
    let other: &[&str] = match field {
        "api" => &["api_key"],
        "error" => &["error_code"],
        "message" => &["batch_index_error_message"],
        "generation_id" => &["generation_id_or_member_epoch"],
        "host" => &["host_filter"],
        "in_sync_replicas" => &["isr_nodes"],
        "keys" => &["key", "coordinator_keys"],
        "leader_epoch" => &["committed_leader_epoch"],
        "max" => &["max_version"],
        "max_bytes" => &["partition_max_bytes", "max_bytes"],
        "metadata" => &["committed_metadata"],
        "min" => &["min_version"],
        "name" => &["topic"],
        "offset" => &["committed_offset"],
        "partition" => &["partition_index", "index"],
        "partitions" => &["partition_indexes", "partition_index"],
        "pattern_type" => &["pattern_type_filter", "resource_pattern_type"],
        "principal" => &["principal_filter"],
        "replicas" => &["replica_nodes"],
        "resource_name" => &["resource_name_filter"],
        "resource_type" => &["resource_type_filter"],
        "topics" => &["topic_names"],
        _ => &[],
    };
    [field].iter().chain(other).copied().collect()
}

/// What `Golden.java` may have written under a name, as text: the ways of the types.
fn values(name: &str) -> Vec<String> {
    let mut crc = flate2::Crc::new();
    crc.update(name.as_bytes());
    let number = crc.sum();
    let [.., third, fourth] = number.to_be_bytes();
    let errors = [1, 3, 5, 6, 7, 25, 27, 29, 30, 31];
    let error = ErrorCode::from_number(errors[number as usize % errors.len()]);
    let mut uuid = u64::from(number).to_be_bytes().to_vec();
    uuid.extend_from_slice(&(u64::from(number) + 1).to_be_bytes());
    vec![
        format!("{name:?}"),
        (fourth & 0x7f).to_string(),
        i16::from_be_bytes([third, fourth]).to_string(),
        number.cast_signed().to_string(),
        (i64::from(number) * 0x1_0001).to_string(),
        format!("{error:?}"),
        format!("{:?}", name.as_bytes()),
        format!("{uuid:?}"),
        "true".to_owned(),
    ]
}

/// Fields with their values, out of what `Debug` says of a message. Fields that hold structures are left out; fields
/// that the version does not have too, because they are at their defaults.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut field = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let end = match next {
            '"' => rest[1..].find('"').unwrap() + 2,
            '[' if rest[1..].starts_with(|c: char| c.is_ascii_digit())
                && rest[..rest.find(']').unwrap()].contains(',') =>
            {
                rest.find(']').unwrap() + 1
            }
            _ if next.is_alphanumeric() || next == '-' => rest
                .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
                .unwrap_or(rest.len()),
            _ => next.len_utf8(),
        };
        let (token, behind) = rest.split_at(end);
        let is_value =
            next == '"' || next == '-' || next.is_ascii_digit() || token.len() > 1 && next == '[';
        if behind.starts_with(": ") && !is_value {
            field = token.to_owned();
        } else if is_value || token == "true" || field == "error" && next.is_alphabetic() {
            found.push((field.clone(), token.to_owned()));
        }
        rest = behind;
    }
    found.retain(|(_, value)| !DEFAULTS.contains(&value.as_str()));
    found
}

/// How fields read in versions that do not have them. No golden value is one of these.
const DEFAULTS: [&str; 14] = [
    "\"\"",
    "-2",
    "-1",
    "0",
    "1",
    "3",
    "2000",
    "60000",
    "2147483647",
    "-2147483648",
    "None",
    "false",
    "[]",
    "[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]",
];
