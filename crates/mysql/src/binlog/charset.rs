//! Character sets: which one a collation belongs to, and text in them as UTF-8.
//!
//! The table holds the ids of `information_schema.COLLATIONS` of MySQL 5.7 to 9.7 and MariaDB 10.11.
//! Names are MySQL's, with one exception: `utf8mb3` is called `utf8`, as it was before 8.0.

use encoding_rs::Encoding;

/// The character set of a collation, by the collation's id. `binary` is none.
#[must_use]
pub fn charset_of_collation(id: u64) -> Option<&'static str> {
    let id = u16::try_from(id).ok()?;
    let index = COLLATIONS.partition_point(|(_, last, _)| *last < id);
    COLLATIONS.get(index).filter(|(first, _, _)| *first <= id).map(|(_, _, charset)| *charset)
}

/// Appends `text` to `out` as UTF-8. `charset` is one of MySQL's names.
///
/// Bytes without meaning in the character set become U+FFFD. Answers `false`, and appends nothing,
/// where the text is not ASCII and the character set is not one we can read.
#[must_use]
pub fn decode_text(charset: &str, text: &[u8], out: &mut String) -> bool {
    match charset {
        "ucs2" | "utf16" => utf16(text, u16::from_be_bytes, out),
        "utf16le" => utf16(text, u16::from_le_bytes, out),
        "utf32" => utf32(text, out),
        "utf8" | "utf8mb3" | "utf8mb4" | "binary" => out.push_str(&String::from_utf8_lossy(text)),
        _ => {
            if let Ok(ascii) = std::str::from_utf8(text)
                && text.is_ascii()
            {
                out.push_str(ascii);
            } else if let Some(encoding) = encoding(charset) {
                out.push_str(&encoding.decode_without_bom_handling(text).0);
            } else {
                return false;
            }
        }
    }
    true
}

fn encoding(charset: &str) -> Option<&'static Encoding> {
    Some(match charset {
        "latin1" | "ascii" => encoding_rs::WINDOWS_1252,
        "latin2" => encoding_rs::ISO_8859_2,
        "latin5" => encoding_rs::WINDOWS_1254,
        "latin7" => encoding_rs::ISO_8859_13,
        "cp1250" => encoding_rs::WINDOWS_1250,
        "cp1251" => encoding_rs::WINDOWS_1251,
        "cp1256" => encoding_rs::WINDOWS_1256,
        "cp1257" => encoding_rs::WINDOWS_1257,
        "cp866" => encoding_rs::IBM866,
        "greek" => encoding_rs::ISO_8859_7,
        "hebrew" => encoding_rs::ISO_8859_8,
        "koi8r" => encoding_rs::KOI8_R,
        "koi8u" => encoding_rs::KOI8_U,
        "macroman" => encoding_rs::MACINTOSH,
        "tis620" => encoding_rs::WINDOWS_874,
        "big5" => encoding_rs::BIG5,
        "gb2312" | "gbk" => encoding_rs::GBK,
        "gb18030" => encoding_rs::GB18030,
        "sjis" | "cp932" => encoding_rs::SHIFT_JIS,
        "ujis" | "eucjpms" => encoding_rs::EUC_JP,
        "euckr" => encoding_rs::EUC_KR,
        _ => return None,
    })
}

fn utf16(text: &[u8], unit: fn([u8; 2]) -> u16, out: &mut String) {
    let (units, rest) = text.as_chunks::<2>();
    let decoded = char::decode_utf16(units.iter().map(|bytes| unit(*bytes)));
    out.extend(decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    out.extend(rest.iter().map(|_| char::REPLACEMENT_CHARACTER));
}

fn utf32(text: &[u8], out: &mut String) {
    let (units, rest) = text.as_chunks::<4>();
    let decoded = units.iter().map(|bytes| char::from_u32(u32::from_be_bytes(*bytes)));
    out.extend(decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    out.extend(rest.iter().take(1).map(|_| char::REPLACEMENT_CHARACTER));
}

/// First id, last id, character set; in order.
#[rustfmt::skip]
const COLLATIONS: &[(u16, u16, &str)] = &[
    (1, 1, "big5"),
    (2, 2, "latin2"),
    (3, 3, "dec8"),
    (4, 4, "cp850"),
    (5, 5, "latin1"),
    (6, 6, "hp8"),
    (7, 7, "koi8r"),
    (8, 8, "latin1"),
    (9, 9, "latin2"),
    (10, 10, "swe7"),
    (11, 11, "ascii"),
    (12, 12, "ujis"),
    (13, 13, "sjis"),
    (14, 14, "cp1251"),
    (15, 15, "latin1"),
    (16, 16, "hebrew"),
    (18, 18, "tis620"),
    (19, 19, "euckr"),
    (20, 20, "latin7"),
    (21, 21, "latin2"),
    (22, 22, "koi8u"),
    (23, 23, "cp1251"),
    (24, 24, "gb2312"),
    (25, 25, "greek"),
    (26, 26, "cp1250"),
    (27, 27, "latin2"),
    (28, 28, "gbk"),
    (29, 29, "cp1257"),
    (30, 30, "latin5"),
    (31, 31, "latin1"),
    (32, 32, "armscii8"),
    (33, 33, "utf8"),
    (34, 34, "cp1250"),
    (35, 35, "ucs2"),
    (36, 36, "cp866"),
    (37, 37, "keybcs2"),
    (38, 38, "macce"),
    (39, 39, "macroman"),
    (40, 40, "cp852"),
    (41, 42, "latin7"),
    (43, 43, "macce"),
    (44, 44, "cp1250"),
    (45, 46, "utf8mb4"),
    (47, 49, "latin1"),
    (50, 52, "cp1251"),
    (53, 53, "macroman"),
    (54, 55, "utf16"),
    (56, 56, "utf16le"),
    (57, 57, "cp1256"),
    (58, 59, "cp1257"),
    (60, 61, "utf32"),
    (62, 62, "utf16le"),
    (63, 63, "binary"),
    (64, 64, "armscii8"),
    (65, 65, "ascii"),
    (66, 66, "cp1250"),
    (67, 67, "cp1256"),
    (68, 68, "cp866"),
    (69, 69, "dec8"),
    (70, 70, "greek"),
    (71, 71, "hebrew"),
    (72, 72, "hp8"),
    (73, 73, "keybcs2"),
    (74, 74, "koi8r"),
    (75, 75, "koi8u"),
    (76, 76, "utf8"),
    (77, 77, "latin2"),
    (78, 78, "latin5"),
    (79, 79, "latin7"),
    (80, 80, "cp850"),
    (81, 81, "cp852"),
    (82, 82, "swe7"),
    (83, 83, "utf8"),
    (84, 84, "big5"),
    (85, 85, "euckr"),
    (86, 86, "gb2312"),
    (87, 87, "gbk"),
    (88, 88, "sjis"),
    (89, 89, "tis620"),
    (90, 90, "ucs2"),
    (91, 91, "ujis"),
    (92, 93, "geostd8"),
    (94, 94, "latin1"),
    (95, 96, "cp932"),
    (97, 98, "eucjpms"),
    (99, 99, "cp1250"),
    (101, 124, "utf16"),
    (128, 151, "ucs2"),
    (159, 159, "ucs2"),
    (160, 183, "utf32"),
    (192, 223, "utf8"),
    (224, 247, "utf8mb4"),
    (248, 250, "gb18030"),
    (255, 323, "utf8mb4"),
    (576, 578, "utf8"),
    (608, 610, "utf8mb4"),
    (640, 642, "ucs2"),
    (672, 674, "utf16"),
    (736, 738, "utf32"),
    (1025, 1025, "big5"),
    (1027, 1027, "dec8"),
    (1028, 1028, "cp850"),
    (1030, 1030, "hp8"),
    (1031, 1031, "koi8r"),
    (1032, 1032, "latin1"),
    (1033, 1033, "latin2"),
    (1034, 1034, "swe7"),
    (1035, 1035, "ascii"),
    (1036, 1036, "ujis"),
    (1037, 1037, "sjis"),
    (1040, 1040, "hebrew"),
    (1042, 1042, "tis620"),
    (1043, 1043, "euckr"),
    (1046, 1046, "koi8u"),
    (1048, 1048, "gb2312"),
    (1049, 1049, "greek"),
    (1050, 1050, "cp1250"),
    (1052, 1052, "gbk"),
    (1054, 1054, "latin5"),
    (1056, 1056, "armscii8"),
    (1057, 1057, "utf8"),
    (1059, 1059, "ucs2"),
    (1060, 1060, "cp866"),
    (1061, 1061, "keybcs2"),
    (1062, 1062, "macce"),
    (1063, 1063, "macroman"),
    (1064, 1064, "cp852"),
    (1065, 1065, "latin7"),
    (1067, 1067, "macce"),
    (1069, 1070, "utf8mb4"),
    (1071, 1071, "latin1"),
    (1074, 1075, "cp1251"),
    (1077, 1077, "macroman"),
    (1078, 1079, "utf16"),
    (1080, 1080, "utf16le"),
    (1081, 1081, "cp1256"),
    (1082, 1083, "cp1257"),
    (1084, 1085, "utf32"),
    (1086, 1086, "utf16le"),
    (1088, 1088, "armscii8"),
    (1089, 1089, "ascii"),
    (1090, 1090, "cp1250"),
    (1091, 1091, "cp1256"),
    (1092, 1092, "cp866"),
    (1093, 1093, "dec8"),
    (1094, 1094, "greek"),
    (1095, 1095, "hebrew"),
    (1096, 1096, "hp8"),
    (1097, 1097, "keybcs2"),
    (1098, 1098, "koi8r"),
    (1099, 1099, "koi8u"),
    (1101, 1101, "latin2"),
    (1102, 1102, "latin5"),
    (1103, 1103, "latin7"),
    (1104, 1104, "cp850"),
    (1105, 1105, "cp852"),
    (1106, 1106, "swe7"),
    (1107, 1107, "utf8"),
    (1108, 1108, "big5"),
    (1109, 1109, "euckr"),
    (1110, 1110, "gb2312"),
    (1111, 1111, "gbk"),
    (1112, 1112, "sjis"),
    (1113, 1113, "tis620"),
    (1114, 1114, "ucs2"),
    (1115, 1115, "ujis"),
    (1116, 1117, "geostd8"),
    (1119, 1120, "cp932"),
    (1121, 1122, "eucjpms"),
    (1125, 1125, "utf16"),
    (1147, 1147, "utf16"),
    (1152, 1152, "ucs2"),
    (1174, 1174, "ucs2"),
    (1184, 1184, "utf32"),
    (1206, 1206, "utf32"),
    (1216, 1216, "utf8"),
    (1238, 1238, "utf8"),
    (1248, 1248, "utf8mb4"),
    (1270, 1270, "utf8mb4"),
    (2048, 2247, "utf8"),
    (2304, 2503, "utf8mb4"),
    (2560, 2759, "ucs2"),
    (2816, 3015, "utf16"),
    (3072, 3271, "utf32"),
];
