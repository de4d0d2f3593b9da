//! The East Asian character sets: those of the WHATWG encoding standard, and where MySQL differs.
//!
//! Found by comparing each code with the server's conversion to `utf8mb4`. Codes that mean nothing to
//! the server and something in the standard are read as the standard does.

use encoding_rs::Encoding;

/// A character set of one to four bytes a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MultiByte {
    Big5,
    Gb2312,
    Gbk,
    Gb18030,
    Euckr,
    Sjis,
    Cp932,
    Ujis,
    Eucjpms,
}

impl MultiByte {
    pub(super) fn of(charset: &str) -> Option<Self> {
        Some(match charset {
            "big5" => Self::Big5,
            "gb2312" => Self::Gb2312,
            "gbk" => Self::Gbk,
            "gb18030" => Self::Gb18030,
            "euckr" => Self::Euckr,
            "sjis" => Self::Sjis,
            "cp932" => Self::Cp932,
            "ujis" => Self::Ujis,
            "eucjpms" => Self::Eucjpms,
            _ => return None,
        })
    }

    /// The character at the start of `bytes`, if there is one, and what follows it.
    pub(super) fn next_char(self, bytes: &[u8]) -> (Option<char>, &[u8]) {
        let Some((code, rest)) = bytes.split_at_checked(self.length(bytes)) else {
            return (None, &[]);
        };
        let char = match *code {
            [byte] if byte.is_ascii() => Some(byte.into()),
            [first, second] => self.own(u16::from_be_bytes([first, second])),
            [0x8f, second, third] => self.own_third_plane(u16::from_be_bytes([second, third])),
            _ => None,
        };
        (char.or_else(|| self.standard(code)), rest)
    }

    /// Bytes of the first character.
    fn length(self, bytes: &[u8]) -> usize {
        let (first, second) = (bytes.first().copied(), bytes.get(1).copied());
        match (self, first.unwrap_or_default()) {
            (_, 0..0x80) | (Self::Sjis | Self::Cp932, 0xa1..=0xdf) => 1,
            (Self::Ujis | Self::Eucjpms, 0x8f) => 3,
            (Self::Gb18030, _) if matches!(second, Some(0x30..=0x39)) => 4,
            _ => 2,
        }
    }

    fn standard(self, code: &[u8]) -> Option<char> {
        let text = self.encoding().decode_without_bom_handling_and_without_replacement(code)?;
        let mut chars = text.chars();
        chars.next().filter(|_| chars.next().is_none())
    }

    fn encoding(self) -> &'static Encoding {
        match self {
            Self::Big5 => encoding_rs::BIG5,
            Self::Gb2312 | Self::Gbk => encoding_rs::GBK,
            Self::Gb18030 => encoding_rs::GB18030,
            Self::Euckr => encoding_rs::EUC_KR,
            Self::Sjis | Self::Cp932 => encoding_rs::SHIFT_JIS,
            Self::Ujis | Self::Eucjpms => encoding_rs::EUC_JP,
        }
    }

    /// What MySQL reads in a code of two bytes, where that is not what the standard says.
    fn own(self, code: u16) -> Option<char> {
        match self {
            Self::Big5 => big5(code),
            Self::Gb2312 => found(GB2312, code),
            Self::Gb18030 => found(GB18030, code),
            Self::Sjis => found(SJIS, code),
            Self::Ujis => found(UJIS, code).or_else(|| user_defined(code, 0xe000)),
            Self::Eucjpms => user_defined(code, 0xe000),
            Self::Gbk | Self::Euckr | Self::Cp932 => None,
        }
    }

    /// The same for a code of three bytes, the first of which is 0x8F.
    fn own_third_plane(self, code: u16) -> Option<char> {
        match self {
            Self::Ujis if code == 0xa2b7 => Some('~'),
            Self::Eucjpms => eucjpms(code).or_else(|| user_defined(code, 0xe3ac)),
            _ => user_defined(code, 0xe3ac),
        }
    }
}

/// Rows 85 to 94 of the Japanese sets are the user's own, in order.
fn user_defined(code: u16, first: u16) -> Option<char> {
    let [row, cell] = code.to_be_bytes();
    let (row, cell) = (row.checked_sub(0xf5)?, cell.checked_sub(0xa1)?);
    if row > 9 || cell > 93 {
        return None;
    }
    char::from_u32((first + u16::from(row) * 94 + u16::from(cell)).into())
}

/// The pairs of a table are in the order of their codes.
fn found(table: &[(u16, char)], code: u16) -> Option<char> {
    let at = table.binary_search_by_key(&code, |(code, _)| *code).ok()?;
    table.get(at).map(|(_, char)| *char)
}

/// Big5 of Eten: its kana, Cyrillic letters and numbers, which the standard took from elsewhere.
fn big5(code: u16) -> Option<char> {
    let [lead, trail] = code.to_be_bytes();
    let cell = match trail {
        0x40..=0x7e => u16::from(trail) - 0x40,
        0xa1..=0xfe => u16::from(trail) - 0x62,
        _ => return None,
    };
    let index = match lead {
        0xc6 => cell.checked_sub(63)?,
        0xc7 => cell + 94,
        _ => return found(BIG5, code),
    };
    let run = ETEN.partition_point(|(first, _)| *first <= index).checked_sub(1)?;
    let (first, point) = ETEN.get(run)?;
    char::from_u32((point + (index - first)).into()).filter(|_| index <= ETEN_LAST)
}

/// The table from 0xF3F3 on that eucjpms has and the standard has not: numbers and NEC's characters.
fn eucjpms(code: u16) -> Option<char> {
    if code == 0xa2c3 {
        return Some('￤');
    }
    let [row, cell] = code.to_be_bytes();
    let cell = usize::from(cell.checked_sub(0xa1)?);
    let index = match row {
        0xf3 => cell.checked_sub(0x52)?,
        0xf4 => cell + 12,
        _ => return None,
    };
    EUCJPMS.chars().nth(index).filter(|_| cell < 94)
}

/// Where runs of code points begin, by the number of the character from 0xC6A1 on.
const ETEN: &[(u16, u16)] = &[
    (0, 0x30fe),
    (1, 0x309d),
    (3, 0x3005),
    (4, 0x3041),
    (87, 0x30a1),
    (173, 0x0414),
    (175, 0x0401),
    (176, 0x0416),
    (183, 0x0423),
    (202, 0x0451),
    (203, 0x0436),
    (229, 0x2460),
    (239, 0x2474),
];
const ETEN_LAST: u16 = 248;

const BIG5: &[(u16, char)] = &[
    (0xa145, '•'),
    (0xa14e, '､'),
    (0xa1c2, '‾'),
    (0xa1e3, '∼'),
    (0xa1f2, '♁'),
    (0xa1f3, '☉'),
    (0xa241, '／'),
    (0xa242, '＼'),
    (0xa244, '¥'),
    (0xa246, '¢'),
    (0xa247, '£'),
];
const GB2312: &[(u16, char)] = &[(0xa1a4, '・'), (0xa1aa, '―')];
const GB18030: &[(u16, char)] = &[
    (0xa3a0, '\u{e5e5}'),
    (0xa6d9, '\u{e78d}'),
    (0xa6da, '\u{e78e}'),
    (0xa6db, '\u{e78f}'),
    (0xa6dc, '\u{e790}'),
    (0xa6dd, '\u{e791}'),
    (0xa6de, '\u{e792}'),
    (0xa6df, '\u{e793}'),
    (0xa6ec, '\u{e794}'),
    (0xa6ed, '\u{e795}'),
    (0xa6f3, '\u{e796}'),
    (0xfe59, '\u{e81e}'),
    (0xfe61, '\u{e826}'),
    (0xfe66, '\u{e82b}'),
    (0xfe67, '\u{e82c}'),
    (0xfe6d, '\u{e832}'),
    (0xfe7e, '\u{e843}'),
    (0xfe90, '\u{e854}'),
    (0xfea0, '\u{e864}'),
];
const SJIS: &[(u16, char)] = &[
    (0x815f, '\\'),
    (0x8160, '〜'),
    (0x8161, '‖'),
    (0x817c, '−'),
    (0x8191, '¢'),
    (0x8192, '£'),
    (0x81ca, '¬'),
];
const UJIS: &[(u16, char)] = &[
    (0xa1c0, '\\'),
    (0xa1c1, '〜'),
    (0xa1c2, '‖'),
    (0xa1dd, '−'),
    (0xa1f1, '¢'),
    (0xa1f2, '£'),
    (0xa2cc, '¬'),
];
const EUCJPMS: &str = "\
    ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ＇＂㈱№℡炻仼僴凬匇匤\u{fa0e}咊坙\u{fa0f}\u{fa10}\
    增寬峵嵓\u{fa11}德悅愠敎昻晥\u{fa12}\u{f929}栁\u{fa13}\u{fa14}橫櫢淸淲瀨\u{fa15}\u{fa16}甁皂皞\u{fa17}礰\u{fa18}\u{fa19}\u{fa1a}\u{fa1b}竧\u{fa1c}\u{fa1d}綠\
    緖\u{fa1e}荢\u{fa1f}薰\u{fa20}\u{fa21}蠇\u{fa22}譿賴赶\u{fa23}\u{fa24}\u{fa25}郞\u{fa26}鄕\u{fa27}\u{fa28}閒\u{f9dc}\u{fa29}霻靍靑\u{fa2a}\u{fa2b}\u{fa2c}馞髙魲\u{fa2d}黑";
