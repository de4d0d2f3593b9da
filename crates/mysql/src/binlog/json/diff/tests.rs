use proptest::prelude::*;

use super::*;
use crate::binlog::json::write_changed;

fn path_of(text: &str) -> Option<Vec<Leg<'_>>> {
    path(text.as_bytes()).ok()
}

fn member(key: &str) -> Leg<'_> {
    Leg::Member(Cow::Borrowed(key.as_bytes()))
}

#[test]
fn b18_paths_have_quoted_keys_and_cells_from_both_ends() {
    let long = r#"$.a[0]."b c".ü."x.y[1]\"\\\u0001"[last][last-2]."""#;
    let wanted = vec![
        member("a"),
        Leg::Cell(0),
        member("b c"),
        member("ü"),
        member("x.y[1]\"\\\u{1}"),
        Leg::CellFromEnd(0),
        Leg::CellFromEnd(2),
        member(""),
    ];
    assert_eq!(path_of(long), Some(wanted));
    assert_eq!(path_of("$"), Some(vec![]));
    for damaged in ["", "a", "$a", "$[", "$[x]", "$[-1]", "$[last+1]", "$.\"a", "$.\"a\\\"", "$[*]"]
    {
        assert_eq!(path_of(damaged), None, "{damaged}");
    }
}

/// One change: operation, path, and a value where there is one.
fn change(operation: u8, path: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![operation, u8::try_from(path.len()).unwrap()];
    bytes.extend_from_slice(path.as_bytes());
    if operation != REMOVE {
        bytes.push(u8::try_from(value.len()).unwrap());
        bytes.extend_from_slice(value);
    }
    bytes
}

/// `{"a": [1, 2], "bb": true}` as the server stores it.
const DOCUMENT: [u8; 32] = [
    0, 2, 0, 31, 0, 18, 0, 1, 0, 19, 0, 2, 0, 2, 21, 0, 4, 1, 0, b'a', b'b', b'b', 2, 0, 10, 0, 5,
    1, 0, 5, 2, 0,
];
const SEVEN: [u8; 3] = [5, 7, 0];

fn changed(changes: &[Vec<u8>]) -> Result<String, &'static str> {
    let mut out = String::new();
    write_changed(&DOCUMENT, &changes.concat(), &mut out).map(|()| out)
}

#[test]
fn b18_changes_apply_one_after_the_other() {
    assert_eq!(changed(&[]).unwrap(), r#"{"a": [1, 2], "bb": true}"#);
    let changes = [
        change(REPLACE, "$.a[1]", &SEVEN),
        change(INSERT, "$.a[0]", &[4, 0]),
        change(INSERT, "$.c", &DOCUMENT),
        change(INSERT, "$.a[99]", &[12, 1, b'x']),
        change(REMOVE, "$.bb", &[]),
        change(REPLACE, "$.c.a[last]", &SEVEN),
        change(REMOVE, "$.c.a[last-1]", &[]),
        change(INSERT, r#"$."""#, &SEVEN),
        change(INSERT, "$.a[last]", &[4, 2]),
    ];
    let wanted = r#"{"": 7, "a": [null, 1, 7, false, "x"], "c": {"a": [7], "bb": true}}"#;
    assert_eq!(changed(&changes).unwrap(), wanted);
}

#[test]
fn b18_changes_that_do_not_fit_are_refused() {
    for wrong in [
        change(REPLACE, "$.x", &SEVEN),
        change(REPLACE, "$.a[2]", &SEVEN),
        change(REPLACE, "$", &SEVEN),
        change(REPLACE, "$.bb.x", &SEVEN),
        change(INSERT, "$.a", &SEVEN),
        change(INSERT, "$[0]", &SEVEN),
        change(INSERT, "$.a.x", &SEVEN),
        change(REMOVE, "$.x", &[]),
        change(REMOVE, "$.a[2]", &[]),
        change(REMOVE, "$.a[last-2]", &[]),
        change(REMOVE, "$.a.x", &[]),
        change(3, "$.a", &SEVEN),
        change(REPLACE, "$.a", &[]),
    ] {
        assert!(changed(std::slice::from_ref(&wrong)).is_err(), "{wrong:?}");
    }
}

#[test]
fn b18_every_cut_of_a_change_is_refused() {
    let whole = change(REPLACE, "$.a[1]", &SEVEN);
    for end in 1..whole.len() {
        assert!(changed(&[whole[..end].to_vec()]).is_err(), "cut at {end}");
    }
}

#[test]
fn opening_the_same_bytes_again_and_again_is_refused() {
    // An array of eight elements that are all the array itself.
    let mut document = vec![2, 8, 0, 28, 0];
    document.extend([2, 0, 0].repeat(8));
    let path = format!("${}", "[0]".repeat(60));
    let mut out = String::new();
    assert!(write_changed(&document, &change(REPLACE, &path, &SEVEN), &mut out).is_err());
}

proptest! {
    #[test]
    fn noise_is_applied_or_an_error(
        document in prop::collection::vec(any::<u8>(), 0..120),
        changes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let _ = write_changed(&document, &changes, &mut String::new());
        let _ = write_changed(&DOCUMENT, &changes, &mut String::new());
    }

    #[test]
    fn damaged_documents_and_changes_end(
        at in 0..DOCUMENT.len(),
        value: u8,
        path in r"\$(\.a|\.bb|\.c|\[[0-3]\]|\[last\]){0,5}",
        operation in 0_u8..3,
    ) {
        let mut document = DOCUMENT;
        document[at] = value;
        let changes = change(operation, &path, &SEVEN).repeat(3);
        let _ = write_changed(&document, &changes, &mut String::new());
    }
}
