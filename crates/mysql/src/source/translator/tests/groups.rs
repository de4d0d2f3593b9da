//! What comes of each kind of group.

use super::{FILE, MARIADB, MYSQL, Recorder, cut, dump, kind, run};

fn all(file: &[u8]) -> Recorder {
    run(&format!("file={FILE} offset=4"), &dump(file, 4))
}

fn from(recorder: &Recorder, first: &str) -> Vec<String> {
    let texts = recorder.texts();
    let start = texts.iter().position(|text| text.starts_with(first));
    texts[start.unwrap_or_else(|| panic!("no {first}"))..].iter().map(|t| (*t).into()).collect()
}

#[test]
fn a_transaction_begins_with_its_first_tracked_row_and_ends_behind_the_last() {
    for file in [MYSQL, MARIADB] {
        let recorder = all(file);
        let wanted = [
            "BEGIN",
            r#"INSERT items id,name=["1", "a"]"#,
            r#"INSERT items id,name=["2", "b"]"#,
            r#"INSERT items id,name=["3", "c"]"#,
            r#"UPDATE items id,name=["1", "ax"]"#,
            r#"UPDATE items id,name=["2", "bx"]"#,
            r#"UPDATE items id,name=["3", "cx"]"#,
            r#"DELETE items id,name=["2", "bx"]"#,
            "COMMIT",
            "BEGIN",
            r#"INSERT plain id=["1"]"#,
            r#"INSERT plain id=["2"]"#,
            "COMMIT",
        ];
        assert_eq!(from(&recorder, "BEGIN")[..wanted.len()], wanted);
        assert!(!recorder.texts().iter().any(|text| text.contains("INSERT hidden")));
    }
}

#[test]
fn each_begin_has_its_end() {
    for file in [MYSQL, MARIADB] {
        let mut open = false;
        for text in all(file).texts() {
            match text {
                "BEGIN" => assert!(!std::mem::replace(&mut open, true)),
                "COMMIT" | "ROLLBACK" => assert!(std::mem::replace(&mut open, false)),
                text if text.starts_with("DDL") => assert!(!open),
                _ => assert!(open),
            }
        }
        assert!(!open);
    }
}

#[test]
fn e11_transactions_of_untracked_tables_move_the_position_and_nothing_else() {
    let recorder = all(MYSQL);
    let ends: Vec<u64> = cut(MYSQL)
        .iter()
        .filter(|(_, event)| kind(event) == 16)
        .map(|(start, event)| start + u64::try_from(event.len()).unwrap())
        .collect();
    let second = format!("offset={} ", ends[1]);
    assert!(recorder.progress.iter().any(|position| position.contains(&second)));
    let start = format!("offset={} ", ends[0]);
    let within = recorder.changes.iter().filter(|(_, position)| position.contains(&start));
    assert_eq!(within.map(|(text, _)| text.as_str()).collect::<Vec<_>>(), ["COMMIT"]);
}

#[test]
fn c05_rows_of_create_select_follow_their_statement() {
    for file in [MYSQL, MARIADB] {
        let texts = from(&all(file), "DDL CREATE TABLE `copied`");
        let rows = [
            "BEGIN",
            r#"INSERT copied id,name=["1", "ax"]"#,
            r#"INSERT copied id,name=["3", "cx"]"#,
            "COMMIT",
        ];
        assert_eq!(texts[1..5], rows);
    }
}

#[test]
fn d14_statements_about_accounts_are_delivered_without_their_secrets() {
    for file in [MYSQL, MARIADB] {
        let recorder = all(file);
        let texts: Vec<_> =
            recorder.texts().into_iter().filter(|text| text.contains("golden")).collect();
        let [create, drop] = &texts[..] else { panic!("{texts:?}") };
        assert!(
            create.starts_with("DDL CREATE USER") && create.ends_with("'<secret>'"),
            "{create}"
        );
        assert!(drop.starts_with("DDL DROP USER"), "{drop}");
    }
}

fn check_group(first: &str, rows: &[&str]) {
    for file in [MYSQL, MARIADB] {
        let texts = all(file).texts().join("\n");
        let group = format!("BEGIN\n{first}\n{}COMMIT\n", rows.concat());
        assert!(texts.contains(&group), "{texts}");
    }
}

#[test]
fn a25_an_xa_transaction_is_one_group() {
    check_group(r#"INSERT items id,name,n=["8", "Null", "3"]"#, &[]);
}

#[test]
fn a26_only_rows_that_survive_a_savepoint_come() {
    let last = "INSERT items id,name,n=[\"7\", \"Null\", \"3\"]\n";
    check_group(r#"INSERT items id,name,n=["5", "Null", "3"]"#, &[last]);
}

#[test]
fn a27_temporary_tables_leave_no_trace() {
    for file in [MYSQL, MARIADB] {
        assert!(!all(file).texts().iter().any(|text| text.contains("passing")));
    }
}
