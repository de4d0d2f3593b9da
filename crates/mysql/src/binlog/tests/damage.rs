//! Damaged bytes: errors, never panics, and memory that does not follow what they claim.

use proptest::prelude::*;

use super::options::readable;
use super::{ALL, MYSQL_COMPRESSED, cut, format_of, raw};
use crate::binlog::{
    Checksum, DecodeError, Event, EventHeader, FormatDescription, PayloadReader, RawEvent,
    TableBinding, fuzz_events,
};

/// Every golden file.
fn every_file() -> Vec<&'static [u8]> {
    ALL.into_iter().chain(readable().map(|(_, file)| file)).collect()
}

#[test]
fn a32_every_truncation_of_every_event_is_refused() {
    for file in every_file() {
        let format = format_of(file);
        for event in cut(file) {
            // Long events hold long values: every cut at both ends, and some between.
            let cuts = (0..event.len()).filter(|at| *at < 600 || at % 997 == 0);
            for at in cuts {
                assert!(RawEvent::parse(&event[..at], format.checksum).is_err());
            }
        }
    }
}

/// The event cut off at `at`, with a length that fits and no checksum.
fn shortened(event: &[u8], at: usize) -> Vec<u8> {
    let mut short = event[..at].to_vec();
    short[9..13].copy_from_slice(&u32::try_from(at).unwrap().to_le_bytes());
    short
}

#[test]
fn a32_events_that_end_too_early_inside_never_decode_to_the_same() {
    for file in every_file() {
        let format = format_of(file);
        for event in cut(file) {
            let whole = raw(event, &format);
            let whole_text = format!("{:?}", Event::decode(&whole, &format));
            let end = EventHeader::LENGTH + whole.body.len();
            for at in (EventHeader::LENGTH..end).filter(|at| *at < 400) {
                let short = shortened(event, at);
                let Ok(raw) = RawEvent::parse(&short, Checksum::None) else { continue };
                if let Ok(decoded) = Event::decode(&raw, &format) {
                    let same = format!("{decoded:?}") == whole_text;
                    let empty = matches!(decoded, Event::Stop | Event::Skipped);
                    assert!(!same || empty, "{decoded:?} survives at {at}");
                }
            }
        }
    }
}

#[test]
fn a32_a_file_cut_off_anywhere_is_read_up_to_there() {
    for file in every_file() {
        // Each cut through the head and the tail, and some through what repeats itself between.
        let cuts = (0..file.len()).filter(|at| *at < 400 || file.len() - at < 40 || at % 1009 == 0);
        for at in cuts {
            fuzz_events(&file[..at]);
        }
    }
}

#[test]
fn a32_rows_cut_off_inside_of_a_row_are_refused() {
    assert!(refused_cuts(super::MYSQL_FULL) > 1000);
}

#[test]
fn b18_partial_rows_cut_off_inside_of_a_row_are_refused() {
    assert!(refused_cuts(super::MYSQL_PARTIAL) > 1000);
}

/// How many cuts through the rows events of a file are refused; the others must leave fewer rows.
fn refused_cuts(file: &[u8]) -> usize {
    let format = format_of(file);
    let mut binding = None;
    let mut refused = 0;
    for event in cut(file) {
        let raw = raw(event, &format);
        match Event::decode(&raw, &format) {
            Ok(Event::TableMap(map)) => binding = TableBinding::from_metadata(&map).ok(),
            Ok(Event::Rows(whole)) => {
                let binding = binding.as_ref().unwrap();
                let count = count_rows(&whole, binding).unwrap();
                for at in (EventHeader::LENGTH..event.len() - 4).filter(|at| *at < 2000) {
                    let short = shortened(event, at);
                    let raw = RawEvent::parse(&short, Checksum::None).unwrap();
                    if let Ok(Event::Rows(short)) = Event::decode(&raw, &format) {
                        match count_rows(&short, binding) {
                            Ok(fewer) => assert!(fewer < count, "a cut at {at} goes unnoticed"),
                            Err(_) => refused += 1,
                        }
                    }
                }
            }
            _ => {}
        }
    }
    refused
}

fn count_rows(
    event: &crate::binlog::RowsEvent<'_>,
    binding: &TableBinding,
) -> Result<usize, DecodeError> {
    let mut rows = event.rows(binding)?;
    let mut count = 0;
    while rows.next_row()?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn a_flipped_bit_breaks_the_checksum() {
    let events = cut(MYSQL_COMPRESSED);
    let mut event = events[2].to_vec();
    event[25] ^= 1;
    let error = RawEvent::parse(&event, Checksum::Crc32).unwrap_err();
    assert!(matches!(error, DecodeError::Checksum { event_type: 33, .. }), "{error}");
}

#[test]
fn a_payload_cut_off_or_over_the_limit_is_refused() {
    let format = format_of(MYSQL_COMPRESSED);
    let event = cut(MYSQL_COMPRESSED)
        .into_iter()
        .find(|event| {
            matches!(Event::decode(&raw(event, &format), &format), Ok(Event::TransactionPayload(_)))
        })
        .unwrap();
    let body = raw(event, &format).body;
    let drain = |body: &[u8], limit| -> Result<usize, DecodeError> {
        let event = super::transactions::made(40, 0, body);
        let raw = RawEvent::parse(&event, Checksum::None)?;
        let Event::TransactionPayload(payload) =
            Event::decode(&raw, &FormatDescription::assumed())?
        else {
            panic!("no payload");
        };
        let mut reader = PayloadReader::new(limit)?;
        let mut events = reader.open(&payload)?;
        let mut count = 0;
        while events.next_event()?.is_some() {
            count += 1;
        }
        Ok(count)
    };
    let whole = drain(body, 1 << 20).unwrap();
    assert!(whole >= 4);
    for at in 0..body.len() {
        // The length in front of the payload refuses most; with a fitting one zstd does.
        assert!(drain(&body[..at], 1 << 20).is_err(), "a cut at {at} goes unnoticed");
    }
    assert!(matches!(drain(body, 40), Err(DecodeError::TooLarge { limit: 40, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a32_mutated_binlogs_never_panic(
        file in 0..every_file().len(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut bytes = every_file()[file].to_vec();
        bytes.truncate(24_000);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        fuzz_events(&bytes);
    }

    #[test]
    fn a32_one_mutated_event_never_panics(
        file in 0..every_file().len(),
        which in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = Vec::new();
        let events = cut(every_file()[file]);
        let which = which.index(events.len());
        for (index, event) in events.into_iter().enumerate() {
            let mut event = event.to_vec();
            if index == which && event.len() > EventHeader::LENGTH {
                for (at, value) in &flips {
                    let at = EventHeader::LENGTH + at.index(event.len() - EventHeader::LENGTH);
                    event[at] = *value;
                }
            }
            if event.len() < 20_000 {
                bytes.extend_from_slice(&event);
            }
        }
        fuzz_events(&bytes);
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        fuzz_events(&bytes);
    }
}
