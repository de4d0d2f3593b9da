use proptest::prelude::*;

use super::*;

/// Every character set that MySQL and MariaDB have, `binary` aside.
const ALL: [&str; 41] = [
    "armscii8", "ascii", "big5", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866",
    "cp932", "dec8", "eucjpms", "euckr", "gb18030", "gb2312", "gbk", "geostd8", "greek", "hebrew",
    "hp8", "keybcs2", "koi8r", "koi8u", "latin1", "latin2", "latin5", "latin7", "macce",
    "macroman", "sjis", "swe7", "tis620", "ucs2", "ujis", "utf16", "utf16le", "utf32", "utf8",
    "utf8mb3", "utf8mb4",
];

#[test]
fn b13_text_reads_as_the_server_converts_it() {
    let cases: [(&str, &[u8], &str); 44] = [
        ("utf8mb4", "é🙂".as_bytes(), "é🙂"),
        ("utf8", "日本".as_bytes(), "日本"),
        ("ascii", b"a~", "a~"),
        ("latin1", &[0xe9, 0x80, 0x81, 0x9f], "é€\u{81}Ÿ"),
        ("latin2", &[0xb3], "ł"),
        ("latin5", &[0xfe, 0x80], "ş\u{80}"),
        ("latin7", &[0xe0], "ą"),
        ("cp1250", &[0x9e], "ž"),
        ("cp1251", &[0xcf], "П"),
        ("cp1256", &[0xc8], "ب"),
        ("cp1257", &[0xe0], "ą"),
        ("cp850", &[0x80, 0xd5], "Çı"),
        ("cp852", &[0x88], "ł"),
        ("cp866", &[0x8f, 0xfd], "П²"),
        ("dec8", &[0xd7], "Œ"),
        ("hp8", &[0xc5], "é"),
        ("geostd8", &[0xc0], "ა"),
        ("armscii8", &[0xb3], "ա"),
        ("keybcs2", &[0x88], "ě"),
        ("macce", &[0x82], "ā"),
        ("macroman", &[0xdb], "€"),
        ("swe7", b"{|}", "äöå"),
        ("greek", &[0xe1], "α"),
        ("hebrew", &[0xe0], "א"),
        ("tis620", &[0xa1], "ก"),
        ("koi8r", &[0xf0], "П"),
        ("koi8u", &[0xa4], "є"),
        ("gbk", &[0xd6, 0xd0, 0x81, 0x5c], "中乗"),
        ("gb2312", &[0xd6, 0xd0, 0xa1, 0xaa], "中―"),
        ("gb18030", &[0xd6, 0xd0, 0x94, 0x39, 0xda, 0x33], "中💩"),
        ("big5", &[0xa4, 0xa4, 0xa5, 0x5c, 0xc6, 0xe7], "中功ゃ"),
        ("big5", &[0xc7, 0xfc, 0xa2, 0x44], "⑽¥"),
        ("sjis", &[0x82, 0xa0, 0x5c, 0x81, 0x5f, 0xb1], "あ\\\\ｱ"),
        ("sjis", &[0x81, 0x60], "〜"),
        ("cp932", &[0x81, 0x60, 0x87, 0x40], "～①"),
        ("ujis", &[0xa4, 0xa2, 0xa1, 0xc1, 0x8e, 0xb1], "あ〜ｱ"),
        ("ujis", &[0x8f, 0xb0, 0xa1, 0xf5, 0xa1, 0x8f, 0xf5, 0xa1], "丂\u{e000}\u{e3ac}"),
        ("eucjpms", &[0xa1, 0xc1, 0x8f, 0xf3, 0xf3, 0x8f, 0xf4, 0xfe], "～ⅰ黑"),
        ("euckr", &[0xb0, 0xa1], "가"),
        ("ucs2", &[0x4e, 0x2d], "中"),
        ("utf16", &[0x4e, 0x2d, 0xd8, 0x3d, 0xde, 0x42], "中🙂"),
        ("utf16le", &[0x3d, 0xd8, 0x42, 0xde], "🙂"),
        ("utf32", &[0, 1, 0xf6, 0x42], "🙂"),
        ("utf32", &[], ""),
    ];
    for (charset, bytes, text) in cases {
        assert_eq!(decode(charset, bytes).as_deref(), Some(text), "{charset}");
        let mut marked = String::new();
        assert!(decode_marked(charset, bytes, &mut marked));
        assert_eq!(marked, text, "{charset}");
    }
}

#[test]
fn b13_bytes_that_mean_nothing_are_refused_or_marked() {
    let cases: [(&str, &[u8], &str); 12] = [
        ("utf8mb4", b"a\xffb", "a\\xFFb"),
        ("ascii", b"a\x80", "a\\x80"),
        ("cp1250", b"\x81a", "\\x81a"),
        ("swe7", b"a\x7f", "a\\x7F"),
        ("sjis", b"a\x82", "a\\x82"),
        ("gbk", b"\xd6\x20a", "\\xD6 a"),
        ("ujis", b"\x8f\xb0", "\\x8F\\xB0"),
        ("gb18030", b"\x94\x39\xda", "\\x949\\xDA"),
        ("ucs2", &[0xd8, 0x3d], "\\xD8\\x3D"),
        ("utf16", &[0xd8, 0x3d, 0, b'a'], "\\xD8\\x3Da"),
        ("utf32", &[0, 0x11, 0, 0], "\\x00\\x11\\x00\\x00"),
        ("klingon", b"k\xe9", "k\\xE9"),
    ];
    for (charset, bytes, marked) in cases {
        assert_eq!(decode(charset, bytes), None, "{charset}");
        let mut text = String::new();
        assert!(!decode_marked(charset, bytes, &mut text), "{charset}");
        assert_eq!(text, marked, "{charset}");
    }
    assert_eq!(decode("binary", b"a"), None);
}

proptest! {
    #[test]
    fn noise_is_text_or_refused(
        charset in prop::sample::select(&ALL[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut marked = String::new();
        let whole = decode_marked(charset, &bytes, &mut marked);
        let decoded = decode(charset, &bytes);
        prop_assert_eq!(decoded.is_some(), whole);
        if let Some(text) = decoded {
            prop_assert_eq!(&*text, &*marked);
        }
    }

    #[test]
    fn ascii_is_ascii(text in "[ -Z_a-z]{0,40}") {
        for charset in ALL {
            let ascii = !(charset.starts_with("utf16") || matches!(charset, "ucs2" | "utf32" | "swe7"));
            if ascii {
                let decoded = decode(charset, text.as_bytes());
                prop_assert_eq!(decoded.as_deref(), Some(&*text), "{}", charset);
            }
        }
    }
}
