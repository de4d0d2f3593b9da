//! Which databases and tables a statement names.

use super::super::{Context, mentions};
use super::mariadb;

fn check(statement: &str, expected: &str) {
    let found = mentions(statement, &mariadb());
    let tables: Vec<String> = found.tables.iter().map(|(d, t)| format!("{d}.{t}")).collect();
    assert_eq!(tables.join(" "), expected, "{statement}");
}

#[test]
fn tables_of_definitions() {
    check("CREATE TABLE IF NOT EXISTS `a``b` (c INT)", "shop.a`b");
    check("CREATE TABLE x.t LIKE y.u", "x.t y.u");
    check("CREATE TABLE t (LIKE u)", "shop.t shop.u");
    check("CREATE TABLE t (a INT REFERENCES p (id) ON DELETE CASCADE)", "shop.p shop.t");
    check("CREATE TABLE t (a INT) ENGINE=MERGE UNION=(u, v)", "shop.t shop.u shop.v");
    check("CREATE TABLE t AS SELECT a, b FROM u, v", "shop.t shop.u shop.v");
    check("ALTER TABLE t ADD a INT, ADD b INT", "shop.t");
    check("ALTER TABLE t RENAME x.u", "shop.t x.u");
    check("ALTER TABLE t RENAME = u", "shop.t shop.u");
    check("ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", "shop.t shop.u");
    check("RENAME TABLE a TO b, x.c TO d", "shop.a shop.b shop.d x.c");
    check("DROP TABLE IF EXISTS a, b.c, `d`", "b.c shop.a shop.d");
    check("TRUNCATE a", "shop.a");
    check("TRUNCATE TABLE .a", "shop.a");
    check("CREATE UNIQUE INDEX i ON t (a, b)", "shop.t");
    check("DROP INDEX i ON x.t", "x.t");
    check("CREATE SEQUENCE s", "shop.s");
    check("SET STATEMENT max_statement_time=1 FOR DROP TABLE t", "shop.t");
}

#[test]
fn tables_of_rows() {
    check("INSERT INTO t (a, b) VALUES (1, 2), (3, 4)", "shop.t");
    check("INSERT IGNORE t VALUES (1) ON DUPLICATE KEY UPDATE a = b", "shop.t");
    check("REPLACE DELAYED t SET a = REPLACE(b, 'x', 'y')", "shop.t");
    check("UPDATE a, (SELECT c FROM d) e, f SET a.x = 1", "shop.a shop.d shop.f");
    check("UPDATE a LEFT JOIN (b, c) ON a.x IN (1, 2), d SET y = 1", "shop.a shop.b shop.c shop.d");
    check("DELETE a, x.b FROM a JOIN x.b WHERE 1", "shop.a x.b");
    check("DELETE QUICK FROM t", "shop.QUICK shop.t");
    check("DELETE FROM a USING a JOIN b", "shop.a shop.b");
    check("LOAD DATA INFILE 'f' REPLACE INTO TABLE x.t", "x.t");
    check("WITH w AS (SELECT 1 FROM a) UPDATE b JOIN w SET c = 1", "shop.a shop.b shop.w");
    check("DELETE FROM { OJ a LEFT JOIN b ON 1 }", "shop.a shop.b");
}

#[test]
fn other_statements_name_where_they_are() {
    check("BEGIN", "");
    check("CREATE DATABASE x", "");
    check("CREATE TRIGGER x.g BEFORE INSERT ON t FOR EACH ROW INSERT INTO u VALUES (1)", "shop.t");
    check("CREATE DEFINER=`a`@`b` PROCEDURE p() BEGIN DROP TABLE t; END", "");
    check(
        "CREATE ALGORITHM=MERGE DEFINER=a@b SQL SECURITY DEFINER VIEW v AS SELECT * FROM t",
        "shop.t shop.v",
    );
    let databases = |statement: &str| -> Vec<String> {
        mentions(statement, &mariadb()).databases.into_iter().collect()
    };
    assert_eq!(databases("ALTER DATABASE CHARACTER SET utf8"), ["CHARACTER", "shop"]);
    assert_eq!(databases("DROP SCHEMA IF EXISTS `x`"), ["shop", "x"]);
    assert_eq!(databases("CREATE FUNCTION x.f() RETURNS INT RETURN 1"), ["x"]);
    assert_eq!(databases("GRANT SELECT ON x.* TO a@b"), ["shop", "x"]);
}

#[test]
fn d02_what_is_not_understood_names_all_it_holds() {
    let found = mentions("FROBNICATE a, x.b AND `c`", &mariadb());
    for (database, table) in [("shop", "a"), ("x", "b"), ("shop", "c")] {
        assert!(found.tables.contains(&(database.into(), table.into())), "{found:?}");
    }
    let found = mentions("ALTER TABLE x.t ADD a INT COMMENT 'never ends", &mariadb());
    assert!(found.tables.contains(&("x".into(), "t".into())), "{found:?}");
}

#[test]
fn d15_names_are_as_the_server_keeps_them() {
    let folded = Context { lower_case_table_names: 1, ..mariadb() };
    let found = mentions("DROP TABLE X.T", &folded);
    assert!(found.tables.contains(&("x".into(), "t".into())));
}
