//! Collations and text of all character sets.

use crate::binlog::{charset_of_collation, decode_text};

#[test]
fn collations_know_their_character_set() {
    for (id, charset) in [
        (8, "latin1"),
        (33, "utf8"),
        (45, "utf8mb4"),
        (63, "binary"),
        (83, "utf8"),
        (255, "utf8mb4"),
        (323, "utf8mb4"),
        (248, "gb18030"),
        (2048, "utf8"),
        (2304, "utf8mb4"),
    ] {
        assert_eq!(charset_of_collation(id), Some(charset), "collation {id}");
    }
    assert_eq!(charset_of_collation(0), None);
    assert_eq!(charset_of_collation(9999), None);
    assert_eq!(charset_of_collation(1 << 40), None);
}

#[test]
fn text_of_each_kind_of_character_set_becomes_utf8() {
    for (charset, bytes, wanted) in [
        ("latin1", b"\xdf\x80".as_slice(), "ß€"),
        ("utf8mb4", "ß😀".as_bytes(), "ß😀"),
        ("gbk", b"\xd6\xd0", "中"),
        ("ucs2", b"\x95\x77", "長"),
        ("utf16", b"\xd8\x3d\xde\x00", "😀"),
        ("utf16le", b"\x3d\xd8\x00\xde", "😀"),
        ("utf32", b"\x00\x01\xf6\x00", "😀"),
        ("dec8", b"plain", "plain"),
        ("utf16", b"\xd8\x3d", "\\xD8\\x3D"),
        ("dec8", b"\xd7", "Œ"),
        ("binary", b"a\xff", "a\\xFF"),
    ] {
        let mut text = String::new();
        assert!(decode_text(charset, bytes, &mut text), "{charset}");
        assert_eq!(text, wanted, "{charset}");
    }
    assert!(!decode_text("klingon", b"a", &mut String::new()));
}
