//! MySQL's charsets as UTF-8, for people who look at a record.
//!
//! Only the charsets that the WHATWG encoding standard also has, and MySQL's three fixed Unicode forms;
//! the rest stays bytes. MySQL's `latin1` is Windows-1252.

use encoding_rs::Encoding;

/// `bytes` as text, if the charset is known and they are valid in it.
pub(crate) fn to_utf8(charset: &str, bytes: &[u8]) -> Option<String> {
    if charset.eq_ignore_ascii_case("utf32") {
        return utf32(bytes);
    }
    let encoding = encoding(&charset.to_ascii_lowercase())?;
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(std::borrow::Cow::into_owned)
}

fn encoding(charset: &str) -> Option<&'static Encoding> {
    Some(match charset {
        "utf8mb4" | "utf8" | "utf8mb3" | "ascii" | "utf-8" => encoding_rs::UTF_8,
        "latin1" => encoding_rs::WINDOWS_1252,
        "latin2" => encoding_rs::ISO_8859_2,
        "latin5" => encoding_rs::WINDOWS_1254,
        "latin7" => encoding_rs::ISO_8859_13,
        "greek" => encoding_rs::ISO_8859_7,
        "hebrew" => encoding_rs::ISO_8859_8,
        "cp1250" => encoding_rs::WINDOWS_1250,
        "cp1251" => encoding_rs::WINDOWS_1251,
        "cp1256" => encoding_rs::WINDOWS_1256,
        "cp1257" => encoding_rs::WINDOWS_1257,
        "cp866" => encoding_rs::IBM866,
        "koi8r" => encoding_rs::KOI8_R,
        "koi8u" => encoding_rs::KOI8_U,
        "macroman" => encoding_rs::MACINTOSH,
        "tis620" => encoding_rs::WINDOWS_874,
        "gbk" | "gb2312" => encoding_rs::GBK,
        "gb18030" => encoding_rs::GB18030,
        "big5" => encoding_rs::BIG5,
        "sjis" | "cp932" => encoding_rs::SHIFT_JIS,
        "ujis" | "eucjpms" => encoding_rs::EUC_JP,
        "euckr" => encoding_rs::EUC_KR,
        "utf16" | "ucs2" => encoding_rs::UTF_16BE,
        "utf16le" => encoding_rs::UTF_16LE,
        _ => return None,
    })
}

fn utf32(bytes: &[u8]) -> Option<String> {
    let (units, []) = bytes.as_chunks::<4>() else {
        return None;
    };
    units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_mysqls_charsets_becomes_utf8() {
        let cases: [(&str, &[u8], &str); 15] = [
            ("utf8mb4", "é🙂".as_bytes(), "é🙂"),
            ("utf8", "日本".as_bytes(), "日本"),
            ("latin1", &[0xe9, 0x80], "é€"),
            ("latin2", &[0xb3], "ł"),
            ("latin5", &[0xfe], "ş"),
            ("cp1251", &[0xcf], "П"),
            ("koi8r", &[0xf0], "П"),
            ("gbk", &[0xd6, 0xd0], "中"),
            ("gb18030", &[0xd6, 0xd0], "中"),
            ("big5", &[0xa4, 0xa4], "中"),
            ("sjis", &[0x82, 0xa0], "あ"),
            ("ujis", &[0xa4, 0xa2], "あ"),
            ("euckr", &[0xb0, 0xa1], "가"),
            ("ucs2", &[0x4e, 0x2d], "中"),
            ("utf32", &[0, 1, 0xf6, 0x42], "🙂"),
        ];
        for (charset, bytes, text) in cases {
            assert_eq!(to_utf8(charset, bytes).as_deref(), Some(text), "{charset}");
        }
    }

    #[test]
    fn unknown_charsets_and_broken_text_stay_bytes() {
        assert_eq!(to_utf8("geostd8", b"a"), None);
        assert_eq!(to_utf8("binary", b"a"), None);
        assert_eq!(to_utf8("utf8mb4", &[0xff]), None);
        assert_eq!(to_utf8("utf32", &[0, 0, 0]), None);
        assert_eq!(to_utf8("utf32", &[0, 0x11, 0, 0]), None);
    }
}
