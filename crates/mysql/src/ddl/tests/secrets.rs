//! Statements without their secrets.

use super::super::{Context, masked};
use super::{mariadb, mysql};

fn check(statement: &str, expected: &str) {
    for context in [mysql(), mariadb()] {
        assert_eq!(masked(statement, &context).as_deref(), Some(expected), "{statement}");
    }
}

#[test]
fn d14_passwords_and_hashes_of_accounts_are_masked() {
    for (statement, expected) in [
        ("CREATE USER 'a'@'%' IDENTIFIED BY 'pw'", "CREATE USER 'a'@'%' IDENTIFIED BY '<secret>'"),
        (
            "CREATE USER IF NOT EXISTS a IDENTIFIED WITH 'sha' AS '$A$' REQUIRE SSL, 'b' IDENTIFIED BY \"p\"",
            "CREATE USER IF NOT EXISTS a IDENTIFIED WITH 'sha' AS '<secret>' REQUIRE SSL, 'b' IDENTIFIED BY '<secret>'",
        ),
        (
            "CREATE USER a@b IDENTIFIED VIA ed25519 USING PASSWORD('x') OR pam USING 'svc'",
            "CREATE USER a@b IDENTIFIED VIA ed25519 USING PASSWORD('<secret>') OR pam USING '<secret>'",
        ),
        (
            "ALTER USER a IDENTIFIED BY 'new' REPLACE 'old' RETAIN CURRENT PASSWORD",
            "ALTER USER a IDENTIFIED BY '<secret>' REPLACE '<secret>' RETAIN CURRENT PASSWORD",
        ),
        (
            "ALTER USER a IDENTIFIED WITH x AS 0x2441",
            "ALTER USER a IDENTIFIED WITH x AS '<secret>'",
        ),
        (
            "SET PASSWORD FOR 'a'@'b' = PASSWORD('x')",
            "SET PASSWORD FOR 'a'@'b' = PASSWORD('<secret>')",
        ),
        ("set password = '*94BD'", "set password = '<secret>'"),
        ("SET PASSWORD FOR a='x' REPLACE 'y'", "SET PASSWORD FOR a='<secret>' REPLACE '<secret>'"),
        (
            "GRANT ALL ON *.* TO 'a'@'%' IDENTIFIED BY PASSWORD '*9' WITH GRANT OPTION",
            "GRANT ALL ON *.* TO 'a'@'%' IDENTIFIED BY PASSWORD '<secret>' WITH GRANT OPTION",
        ),
        (
            "CHANGE MASTER TO MASTER_HOST='h', MASTER_PASSWORD = 'p'",
            "CHANGE MASTER TO MASTER_HOST='h', MASTER_PASSWORD = '<secret>'",
        ),
        (
            "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='p', SOURCE_PORT=1",
            "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='<secret>', SOURCE_PORT=1",
        ),
        ("START SLAVE USER='u' PASSWORD='p'", "START SLAVE USER='u' PASSWORD='<secret>'"),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD 'p')",
            "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD '<secret>')",
        ),
        (
            "CREATE TABLE t (a INT) ENGINE=FEDERATED CONNECTION='mysql://u:p@h/d/t'",
            "CREATE TABLE t (a INT) ENGINE=FEDERATED CONNECTION='<secret>'",
        ),
        (
            "CREATE TABLE t (a INT) COMMENT='wrapper \"mysql\", password \"p\"'",
            "CREATE TABLE t (a INT) COMMENT='<secret>'",
        ),
        ("CREATE USER a IDENTIFIED /* is x */ BY 'x'", "CREATE USER a IDENTIFIED BY '<secret>'"),
        ("CREATE USER a /*!99999 IDENTIFIED BY 'x' */", "CREATE USER a IDENTIFIED BY '<secret>'"),
        (
            "INSERT INTO mysql.user VALUES ('a', 'hash')",
            "INSERT INTO mysql.user VALUES ('<secret>', '<secret>')",
        ),
        (
            "CREATE PROCEDURE p() PREPARE s FROM 'CREATE USER a IDENTIFIED BY \"p\"'",
            "CREATE PROCEDURE p() PREPARE s FROM '<secret>'",
        ),
        (
            "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD 'p' 'q')",
            "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD '<secret>' '<secret>')",
        ),
        ("CREATE USER a IDENTIFIED BY 'never ends", "CREATE USER a IDENTIFIED'<secret>'"),
    ] {
        check(statement, expected);
    }
}

#[test]
fn d14_secrets_in_unusual_places_are_masked() {
    for (statement, expected) in [
        ("PREPARE s FROM \"ALTER USER x IDENTIFIED\nBY 'p'\"", "PREPARE s FROM '<secret>'"),
        (
            "EXECUTE IMMEDIATE CONCAT('CREATE USER a IDENTIFIED BY ''', 'p', '''')",
            "EXECUTE IMMEDIATE CONCAT('<secret>', '<secret>', '<secret>')",
        ),
        (
            "CREATE PROCEDURE p() SET @s = CONCAT('CREATE USER a IDENTIFIED BY ', QUOTE('p'))",
            "CREATE PROCEDURE p() SET @s = CONCAT('<secret>', QUOTE('<secret>'))",
        ),
        (
            "SET @@session.x = 1, PASSWORD FOR a = 'p'",
            "SET @@session.x = 1, PASSWORD FOR a = '<secret>'",
        ),
        ("CREATE USER a /* IDENTIFIED BY 'p' */", "CREATE USER a"),
        (
            "DROP /* password 'p' */ TABLE /* why */ t /*!99999 FUTURE */",
            "DROP TABLE /* why */ t /*!99999 FUTURE */",
        ),
        ("-- identified by 'p'\nDROP TABLE t", " DROP TABLE t"),
        (
            "CREATE TABLE t (a INT) ENGINE=CONNECT URI='mongodb://u:p@h/d'",
            "CREATE TABLE t (a INT) ENGINE=CONNECT URI='<secret>'",
        ),
        (
            "CREATE PROCEDURE p() SET @s = \"CREATE TABLE t CONNECTION='mysql://u:p@h/'\"",
            "CREATE PROCEDURE p() SET @s = '<secret>'",
        ),
        (
            "CREATE VIEW v AS SELECT 'x', AES_DECRYPT(UNHEX(a), SHA2('k', 512)), 'y' FROM t",
            "CREATE VIEW v AS SELECT 'x', AES_DECRYPT(UNHEX(a), SHA2('<secret>', 512)), 'y' FROM t",
        ),
        (
            "CREATE TABLE t (a INT) COMMENT='UID=u;PWD=p'",
            "CREATE TABLE t (a INT) COMMENT='<secret>'",
        ),
    ] {
        check(statement, expected);
    }
}

#[test]
fn what_holds_no_secret_is_left_alone() {
    for statement in [
        "CREATE TABLE t (password VARCHAR(20) DEFAULT 'x' COMMENT 'the password')",
        "ALTER TABLE users ADD secret ENUM('a','b')",
        "CREATE TABLE t (a INT COMMENT 'mysql user')",
        "DROP USER 'a'@'%'",
        "GRANT SELECT ON mysql.* TO a@'%'",
        "CREATE TABLE t (a INT COMMENT 'see https://wiki:8080/a@b, not the password')",
        "ALTER TABLE t ADD a INT, ADD password INT /* the password */, ADD b CHAR(1) DEFAULT 'x'",
    ] {
        assert_eq!(masked(statement, &mysql()), None, "{statement}");
    }
}

#[test]
fn tables_of_accounts_are_known_without_their_database() {
    let context = Context { database: "mysql", ..mysql() };
    let masked = |statement| masked(statement, &context);
    assert_eq!(
        masked("UPDATE user SET authentication_string='x'").as_deref(),
        Some("UPDATE user SET authentication_string='<secret>'")
    );
    assert_eq!(masked("UPDATE time_zone SET a='x'"), None);
}

#[test]
fn no_cut_of_a_statement_shows_a_secret() {
    for statement in [
        "CREATE USER 'a'@'%' IDENTIFIED WITH x AS 's3cr3t' REPLACE 's3cr3t'",
        "SET PASSWORD FOR 'a'@'b' = PASSWORD('s3cr3t')",
        "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (PASSWORD 's3cr3t', HOST 'h')",
    ] {
        for end in 0..=statement.len() {
            let cut = &statement[..end];
            let shown = masked(cut, &mysql()).unwrap_or_else(|| cut.to_owned());
            assert!(!shown.contains("s3"), "{shown}");
        }
    }
}
