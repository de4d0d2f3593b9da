//! Text in MySQL's character sets as UTF-8: what `CONVERT(text USING utf8mb4)` answers on the server.
//!
//! Values travel as the bytes that the source stored. This is for the places where text has to be text:
//! labels of ENUM and SET, statements, and people who look at a record. It only reads; nothing is
//! written in another character set than UTF-8. Bytes that mean nothing are never passed over: they are
//! refused, or shown as what they are.

mod multi_byte;
mod single_byte;

use std::borrow::Cow;
use std::fmt::Write;

use self::multi_byte::MultiByte;

/// `bytes` as text. `None` if they are no text in this character set, or if there is no such one.
///
/// `charset` is MySQL's name, in lower case; `utf8` is `utf8mb3`. `binary` is no character set.
#[must_use]
pub fn decode<'a>(charset: &str, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    let decoder = Decoder::of(charset)?;
    if decoder.is_utf8() {
        return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
    }
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (decoded, behind) = decoder.next_char(rest);
        text.push(decoded?);
        rest = behind;
    }
    Some(Cow::Owned(text))
}

/// Appends `bytes` as text, and each byte that means nothing as `\x` and two digits. Answers whether
/// all of them meant something.
pub fn decode_marked(charset: &str, bytes: &[u8], out: &mut String) -> bool {
    let decoder = Decoder::of(charset).unwrap_or(Decoder::Ascii);
    if decoder.is_utf8() {
        return utf8_marked(bytes, out);
    }
    let mut whole = true;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (decoded, behind) = decoder.next_char(rest);
        if let Some(char) = decoded {
            out.push(char);
            rest = behind;
        } else {
            whole = false;
            let (meaningless, more) = rest.split_at(decoder.unit_bytes().min(rest.len()));
            meaningless.iter().for_each(|byte| mark(*byte, out));
            rest = more;
        }
    }
    whole
}

fn utf8_marked(bytes: &[u8], out: &mut String) -> bool {
    let mut whole = true;
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| mark(*byte, out));
        whole &= chunk.invalid().is_empty();
    }
    whole
}

fn mark(byte: u8, out: &mut String) {
    let _infallible = write!(out, "\\x{byte:02X}");
}

/// How a character set is read.
#[derive(Debug, Clone, Copy)]
enum Decoder {
    Utf8,
    Ascii,
    Swe7,
    SingleByte(&'static single_byte::UpperHalf),
    MultiByte(MultiByte),
    /// `ucs2`, which has no surrogates.
    Ucs2,
    Utf16 {
        unit: fn([u8; 2]) -> u16,
    },
    Utf32,
}

impl Decoder {
    fn of(charset: &str) -> Option<Self> {
        Some(match charset {
            "utf8mb4" | "utf8mb3" | "utf8" => Self::Utf8,
            "ascii" => Self::Ascii,
            "swe7" => Self::Swe7,
            "ucs2" => Self::Ucs2,
            "utf16" => Self::Utf16 { unit: u16::from_be_bytes },
            "utf16le" => Self::Utf16 { unit: u16::from_le_bytes },
            "utf32" => Self::Utf32,
            _ => match single_byte::upper_half(charset) {
                Some(upper) => Self::SingleByte(upper),
                None => Self::MultiByte(MultiByte::of(charset)?),
            },
        })
    }

    const fn is_utf8(self) -> bool {
        matches!(self, Self::Utf8)
    }

    /// Bytes that a damaged text is passed over by.
    const fn unit_bytes(self) -> usize {
        match self {
            Self::Ucs2 | Self::Utf16 { .. } => 2,
            Self::Utf32 => 4,
            _ => 1,
        }
    }

    /// The character at the start of `bytes`, if there is one, and what follows it.
    fn next_char(self, bytes: &[u8]) -> (Option<char>, &[u8]) {
        match self {
            Self::Utf8 | Self::Ascii => one(bytes, |byte| byte.is_ascii().then(|| byte.into())),
            Self::Swe7 => one(bytes, single_byte::swe7),
            Self::SingleByte(upper) => one(bytes, |byte| upper_char(upper, byte)),
            Self::MultiByte(charset) => charset.next_char(bytes),
            Self::Ucs2 => match bytes.split_first_chunk() {
                Some((unit, rest)) => (char::from_u32(u16::from_be_bytes(*unit).into()), rest),
                None => (None, &[]),
            },
            Self::Utf16 { unit } => utf16(bytes, unit),
            Self::Utf32 => match bytes.split_first_chunk() {
                Some((unit, rest)) => (char::from_u32(u32::from_be_bytes(*unit)), rest),
                None => (None, &[]),
            },
        }
    }
}

fn one(bytes: &[u8], char: impl Fn(u8) -> Option<char>) -> (Option<char>, &[u8]) {
    bytes.split_first().map_or((None, &[]), |(byte, rest)| (char(*byte), rest))
}

fn upper_char(upper: &single_byte::UpperHalf, byte: u8) -> Option<char> {
    let Some(index) = byte.checked_sub(0x80) else { return Some(byte.into()) };
    let point = upper.get(usize::from(index)).copied().filter(|point| *point != 0)?;
    char::from_u32(point.into())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (Option<char>, &[u8]) {
    let Some((first, rest)) = bytes.split_first_chunk() else { return (None, &[]) };
    let first = unit(*first);
    let second = rest.first_chunk().map(|second| unit(*second));
    let decoded = char::decode_utf16([first].into_iter().chain(second)).next();
    let char = decoded.and_then(Result::ok);
    let is_pair = char.is_some_and(|char| char.len_utf16() == 2);
    (char, if is_pair { rest.get(2..).unwrap_or_default() } else { rest })
}

#[cfg(test)]
mod tests;
