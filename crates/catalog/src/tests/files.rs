//! The files of a catalog: formats, permissions, damage, and files that do not belong together.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::{
    Catalog, Error, OnTableError, SchemaEntry, Secret, SourceSpec, StatementScope, TlsMode,
};
use change::SourceName;
use rusqlite::Connection;
use tempfile::TempDir;

fn folder_with_catalog() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path()).unwrap();
    catalog.put_source(&source("one")).unwrap();
    folder
}

fn source(name: &str) -> SourceSpec {
    SourceSpec {
        name: SourceName::new(name).unwrap(),
        kind: "mariadb".into(),
        url: "mysql://cdc@127.0.0.1:3306".into(),
        password: Some(Secret::new("cdc")),
        tls: TlsMode::Prefer,
        ca: None,
        server_id: None,
        owner: None,
    }
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("catalog.db")).unwrap()
}

fn refusal(folder: &Path) -> Error {
    Catalog::open(folder).unwrap_err()
}

#[test]
fn only_the_owner_can_read_the_files() {
    let folder = folder_with_catalog();
    let catalog = Catalog::open(folder.path()).unwrap();
    catalog.put_source(&source("two")).unwrap();
    let mut names = Vec::new();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["catalog.db", "catalog.db-shm", "catalog.db-wal", "catalog.key"]);
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let folder = folder_with_catalog();
    let key = folder.path().join("catalog.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let key = key.display();
    assert_eq!(
        refusal(folder.path()).to_string(),
        format!("{key} may be read by others (mode 0640); run: chmod 600 {key}")
    );
}

#[test]
fn the_key_of_another_catalog_is_refused() {
    let (folder, other) = (folder_with_catalog(), folder_with_catalog());
    fs::copy(other.path().join("catalog.key"), folder.path().join("catalog.key")).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, Error::KeyWrong { .. }), "{error}");
}

#[test]
fn a_missing_key_is_not_replaced() {
    let folder = folder_with_catalog();
    let key = folder.path().join("catalog.key");
    fs::remove_file(&key).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, Error::KeyMissing { .. }), "{error}");
    assert!(!key.exists());
}

#[test]
fn a_key_file_without_a_key_is_refused() {
    let folder = folder_with_catalog();
    let key = folder.path().join("catalog.key");
    for text in [
        "",
        "wellhead-key-1:",
        "wellhead-key-1:zz",
        "wellhead-key-0:00",
        "wellhead-key-x:",
        "\u{ff}",
    ] {
        fs::write(&key, text).unwrap();
        let error = refusal(folder.path());
        assert!(matches!(error, Error::KeyMalformed { .. }), "{text:?}: {error}");
    }
}

#[test]
fn k08_a_key_file_of_a_newer_format_is_refused_with_what_to_do() {
    let folder = folder_with_catalog();
    fs::write(folder.path().join("catalog.key"), "wellhead-key-2:00").unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, Error::Newer { found: 2, known: 1, .. }), "{error}");
    assert!(error.to_string().contains("written by a newer version; run that one"), "{error}");
}

#[test]
fn a_sealed_password_cannot_stand_in_for_another() {
    let folder = folder_with_catalog();
    let catalog = Catalog::open(folder.path()).unwrap();
    catalog.put_source(&source("two")).unwrap();
    let swap = "UPDATE sources SET password_sealed =
        (SELECT password_sealed FROM sources WHERE name = 'one') WHERE name = 'two'";
    database(folder.path()).execute(swap, []).unwrap();
    assert!(catalog.source(&source("one").name).is_ok());
    assert!(matches!(catalog.source(&source("two").name), Err(Error::KeyWrong { .. })));
}

#[test]
fn every_truncation_of_a_sealed_password_is_refused() {
    let folder = folder_with_catalog();
    let catalog = Catalog::open(folder.path()).unwrap();
    let other = database(folder.path());
    for length in (0..1 + 12 + 3 + 16).rev() {
        other
            .execute(
                "UPDATE sources SET password_sealed = substr(password_sealed, 1, ?1)",
                [length],
            )
            .unwrap();
        assert!(catalog.sources().is_err(), "{length} bytes");
    }
}

#[test]
fn k08_a_newer_format_is_refused() {
    let folder = folder_with_catalog();
    database(folder.path()).pragma_update(None, "user_version", 999).unwrap();
    let error = refusal(folder.path()).to_string();
    assert!(error.contains("catalog.db has format 999, and this wellhead knows formats up to "));
    assert!(error.contains("written by a newer version"), "{error}");
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    database(folder.path()).execute("CREATE TABLE t (a)", []).unwrap();
    let before = fs::read(folder.path().join("catalog.db")).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, Error::NotACatalog { .. }), "{error}");
    assert_eq!(fs::read(folder.path().join("catalog.db")).unwrap(), before);
    assert!(!folder.path().join("catalog.key").exists());
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("catalog.db"), "not a database, ".repeat(100)).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("restore the file from a backup"));
}

#[test]
fn a_damaged_page_is_found_at_the_start() {
    let folder = folder_with_catalog();
    let path = folder.path().join("catalog.db");
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len().min(3 * 4096);
    bytes[4096..end].fill(0xaa);
    fs::write(&path, bytes).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[test]
fn a_value_that_makes_no_sense_is_an_error() {
    let folder = folder_with_catalog();
    let catalog = Catalog::open(folder.path()).unwrap();
    database(folder.path()).execute("UPDATE sources SET tls = 'perhaps'", []).unwrap();
    let error = catalog.sources().unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[test]
fn a_missing_folder_is_named() {
    let error = refusal(Path::new("/nonexistent/data"));
    assert!(
        error.to_string().starts_with("/nonexistent/data/catalog.db cannot be used"),
        "{error}"
    );
}

/// The files were written by the first release of this format, with one source whose password is
/// `old-password`.
#[test]
fn a_catalog_of_format_1_can_still_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/format-1");
    for name in ["catalog.db", "catalog.key"] {
        let copy = folder.path().join(name);
        fs::copy(old.join(name), &copy).unwrap();
        fs::set_permissions(copy, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let catalog = Catalog::open(folder.path()).unwrap();
    let source = catalog.sources().unwrap().remove(0).spec;
    assert_eq!((source.name.as_str(), source.tls), ("old", TlsMode::VerifyCa));
    assert_eq!(source.password, Some(Secret::new("old-password")));
    assert_eq!(catalog.tasks().unwrap().len(), 1);
    let task = change::TaskName::new("old").unwrap();
    let spec = catalog.task(&task).unwrap().unwrap().spec;
    let as_before = (StatementScope::Instance, OnTableError::Quarantine);
    assert_eq!((spec.statements, spec.on_table_error), as_before);
    assert_eq!(
        (catalog.gaps(&task).unwrap(), catalog.pending_start(&task).unwrap()),
        (vec![], None)
    );
    assert_eq!(
        (catalog.held_tables(&task).unwrap(), catalog.bad_event(&task).unwrap()),
        (vec![], None)
    );
    let group = catalog.group(&task, "old").unwrap().unwrap();
    let password = Secret::new("0ld-group-password");
    assert_eq!(catalog.verify_password(&group.user(), &password).unwrap(), Some(group.clone()));
    assert_eq!(catalog.committed_offsets(&group.id).unwrap().len(), 1);
    let step = catalog.schema_history(&task).unwrap().remove(0);
    assert!(step.schema.is_some() && step.definition.is_none(), "{step:?}");
    catalog
        .append_schemas(&task, &[SchemaEntry { definition: Some("{}".into()), ..step }])
        .unwrap();
    assert!(catalog.schema_history(&task).unwrap().remove(0).definition.is_some());
}
