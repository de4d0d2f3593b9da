//! Whom a certificate was issued to, and until when (RFC 5280, 4.1).

use jiff::Timestamp;

use crate::der::{
    Der, GENERALIZED_TIME, IA5_STRING, OBJECT_ID, PRINTABLE_STRING, SEQUENCE, SET, UTC_TIME,
    UTF8_STRING, Value,
};

/// What a certificate says of its owner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The common name of its subject. A subject that has several, or one in another alphabet than UTF-8
    /// can hold, has none.
    pub common_name: Option<String>,
    /// The second after which it is valid no more.
    pub not_after: Option<Timestamp>,
}

/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// The explicit version in front of a certificate's other fields.
const VERSION: u8 = 0xa0;

impl Identity {
    /// Reads a certificate. What is not one says nothing.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self::read(certificate).unwrap_or_default()
    }

    fn read(certificate: &[u8]) -> Option<Self> {
        let mut signed = Der::new(certificate).inside(SEQUENCE)?.inside(SEQUENCE)?;
        // The version is left out of version 1, so the serial number may be first.
        if signed.next()?.tag == VERSION {
            signed.next()?;
        }
        let _algorithm = signed.inside(SEQUENCE)?;
        let _issuer = signed.inside(SEQUENCE)?;
        let mut validity = signed.inside(SEQUENCE)?;
        let _not_before = validity.next()?;
        let not_after = time(validity.next()?);
        let common_name = common_name(signed.inside(SEQUENCE)?);
        Some(Self { common_name, not_after })
    }
}

/// The one common name of a subject.
fn common_name(mut subject: Der<'_>) -> Option<String> {
    let mut found = None;
    while let Some(set) = subject.next() {
        if set.tag != SET {
            return None;
        }
        let mut attributes = Der::new(set.content);
        while let Some(mut attribute) = attributes.inside(SEQUENCE) {
            let kind = attribute.next()?;
            if kind.tag == OBJECT_ID && kind.content == COMMON_NAME {
                let is_first = found.replace(text(attribute.next()?)?).is_none();
                if !is_first {
                    return None;
                }
            }
        }
    }
    found
}

fn text(value: Value<'_>) -> Option<String> {
    let is_text = matches!(value.tag, UTF8_STRING | PRINTABLE_STRING | IA5_STRING);
    let text = std::str::from_utf8(value.content).ok()?;
    (is_text && !text.is_empty()).then(|| text.to_owned())
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`; two digits stand for 1950 to 2049.
fn time(value: Value<'_>) -> Option<Timestamp> {
    let text = std::str::from_utf8(value.content).ok()?;
    let digits = text.strip_suffix('Z')?;
    let text = match value.tag {
        UTC_TIME => {
            let century = if digits < "50" { "20" } else { "19" };
            format!("{century}{digits}")
        }
        GENERALIZED_TIME => digits.to_owned(),
        _ => return None,
    };
    let is_whole = text.len() == "YYYYMMDDHHMMSS".len() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_whole {
        return None;
    }
    let (date, clock) = text.split_at_checked(8)?;
    format!("{date}T{clock}Z").parse().ok()
}
