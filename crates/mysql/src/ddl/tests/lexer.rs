//! Tokens, one by one.

use proptest::prelude::*;

use super::super::lexer::{Kind, Lexer, tokens};
use super::super::{Context, sql_mode};
use super::{mariadb, mysql};

/// The tokens' bytes, with a bar between them.
fn cut(text: &str, context: &Context<'_>) -> String {
    let tokens = tokens(text, context).unwrap();
    tokens.iter().map(|token| token.raw(text)).collect::<Vec<_>>().join("|")
}

#[test]
fn d11_comments_are_read_as_the_server_reads_them() {
    for (text, on_mysql, on_mariadb) in [
        ("a /* b */ c", "a|c", "a|c"),
        ("a -- b\nc", "a|c", "a|c"),
        ("a --\tb\nc", "a|c", "a|c"),
        ("a --b", "a|-|-|b", "a|-|-|b"),
        ("a --", "a", "a"),
        ("a # b\r\nc", "a|c", "a|c"),
        ("/*+ hint */ a", "a", "a"),
        ("/*!50001 a */ b", "a|b", "a|b"),
        ("/*! a */b", "a|b", "a|b"),
        ("/*!80000 a */b", "a|b", "b"),
        ("/*!100100 a */b", "b", "a|b"),
        ("/*M!100100 a */b", "b", "a|b"),
        ("/*M! a */b", "b", "a|b"),
        ("/*!999999 a /* c */ d */b", "b", "b"),
        ("/*!50001 a /* c */ d */b", "a|d|b", "a|d|b"),
        ("/*!123 a */", "123|a", "123|a"),
        ("a\0", "a", "a"),
        (" \n\t a;\0", "a|;", "a|;"),
        ("a*/b", "a|*|/|b", "a|*|/|b"),
        ("", "", ""),
    ] {
        assert_eq!(cut(text, &mysql()), on_mysql, "{text:?} on MySQL");
        assert_eq!(cut(text, &mariadb()), on_mariadb, "{text:?} on MariaDB");
    }
}

#[test]
fn names_strings_and_numbers_are_told_apart() {
    for (text, expected) in [
        ("a.b", "a|.|b"),
        ("t.1st", "t|.|1st"),
        ("t.1e5", "t|.|1e5"),
        ("1.5e-3+.5", "1.5e-3|+|.5"),
        ("1e5 1e 0x1F 0xZ 0b01 0b2", "1e5|1e|0x1F|0xZ|0b01|0b2"),
        ("`a``b`'it''s'\"x\\\"y\"", "`a``b`|'it''s'|\"x\\\"y\""),
        ("N'a' X'41' b'01' _utf8'a' _x 'b'", "N'a'|X'41'|b'01'|_utf8|'a'|_x|'b'"),
        ("größe $a a$1", "größe|$a|a$1"),
        ("'a\\'b',c", "'a\\'b'|,|c"),
    ] {
        assert_eq!(cut(text, &mysql()), expected, "{text:?}");
    }
}

#[test]
fn d09_sql_mode_decides_about_quotes_and_backslashes() {
    let ansi = Context { sql_mode: sql_mode::ANSI_QUOTES, ..mysql() };
    let plain = Context { sql_mode: sql_mode::NO_BACKSLASH_ESCAPES, ..mysql() };
    let kinds = |text: &str, context: &Context<'_>| -> Vec<Kind> {
        tokens(text, context).unwrap().iter().map(|token| token.kind).collect()
    };
    assert_eq!(kinds("\"a\"", &mysql()), [Kind::String]);
    assert_eq!(kinds("\"a\"\"b\"", &ansi), [Kind::Quoted]);
    assert_eq!(tokens("\"a\"\"b\"", &ansi).unwrap()[0].name("\"a\"\"b\"").unwrap(), "a\"b");
    assert_eq!(cut("'a\\' b", &plain), "'a\\'|b");
    assert!(tokens("'a\\' b", &mysql()).is_err());
    let text = r"'a\n\%\'b''c'";
    assert_eq!(tokens(text, &mysql()).unwrap()[0].string(text, &mysql()).unwrap(), "a\n\\%'b'c");
    let text = r"'a\n'";
    assert_eq!(tokens(text, &plain).unwrap()[0].string(text, &plain).unwrap(), r"a\n");
}

#[test]
fn what_never_ends_is_an_error_and_the_end() {
    for text in ["a 'b", "a `b", "a /* b", "a \"b\\\"", "/*!999999 x", "x 'a\\"] {
        let mut lexer = Lexer::new(text, &mysql());
        assert!(lexer.by_ref().any(|token| token.is_err()), "{text:?}");
        assert!(lexer.next().is_none());
    }
}

proptest! {
    #[test]
    fn any_text_is_cut_without_a_gap(text in "[-a1.'\"`\\\\/*!#; \n\0ü0xbN()]{0,40}", modes in 0_u64..4) {
        let modes = (modes & 1) * sql_mode::ANSI_QUOTES + (modes >> 1) * sql_mode::NO_BACKSLASH_ESCAPES;
        let context = Context { sql_mode: modes, ..mariadb() };
        let mut end = 0;
        for token in Lexer::new(&text, &context).flatten() {
            prop_assert!(token.start >= end && token.end > token.start);
            prop_assert!(text.get(token.start..token.end).is_some());
            let _ = token.name(&text);
            let _ = token.string(&text, &context);
            end = token.end;
        }
    }
}
