//! What statements make of tables.

use change::{ColumnType, TableSchema};

use super::super::{Context, Definition, Effect, Model, Table, TableChange, sql_mode};
use super::{mariadb, mysql};

/// The columns, primary key and unique keys as one line.
fn shown(schema: &TableSchema) -> String {
    let kind = |kind: &ColumnType| match kind {
        ColumnType::Char { charset } => format!("char {charset}"),
        ColumnType::VarChar { charset } => format!("varchar {charset}"),
        ColumnType::Text { size, charset } => format!("text{size} {charset}"),
        ColumnType::Blob { size } => format!("blob{size}"),
        ColumnType::Enum { labels } => format!("enum {}", labels.join("|")),
        ColumnType::Set { labels } => format!("set {}", labels.join("|")),
        ColumnType::TinyInt { unsigned: true }
        | ColumnType::SmallInt { unsigned: true }
        | ColumnType::MediumInt { unsigned: true }
        | ColumnType::Int { unsigned: true }
        | ColumnType::BigInt { unsigned: true } => {
            let debug = format!("{kind:?}");
            format!("{} unsigned", debug.split(' ').next().unwrap_or_default().to_lowercase())
        }
        ColumnType::Decimal { precision, scale } => format!("decimal {precision},{scale}"),
        other => {
            let debug = format!("{other:?}");
            let digits: String = debug.chars().filter(char::is_ascii_digit).collect();
            let name = debug.split(' ').next().unwrap_or_default().to_lowercase();
            format!("{name} {digits}").trim_end().to_owned()
        }
    };
    let name = |index: &usize| schema.columns[*index].name.clone();
    let names = |indexes: &[usize]| indexes.iter().map(name).collect::<Vec<_>>().join(" ");
    let mut text: Vec<String> =
        schema.columns.iter().map(|c| format!("{} {}", c.name, kind(&c.kind))).collect();
    if !schema.primary_key.is_empty() {
        text.push(format!("PK {}", names(&schema.primary_key)));
    }
    for key in &schema.unique_keys {
        text.push(format!("{}({})", key.name, names(&key.columns)));
    }
    text.join(", ")
}

fn shop() -> Model {
    let mut model = Model::default();
    model.set_database("shop", Some("latin1".into()));
    model
}

/// `shop.t` after the statements.
fn after(statements: &[&str], context: &Context<'_>) -> String {
    let mut model = shop();
    for statement in statements {
        model.apply(statement, context);
    }
    match model.table("shop", "t") {
        Some(Table::Known(definition)) => shown(&definition.schema("shop", "t")),
        Some(Table::Stale(reason)) => format!("stale: {reason}"),
        None => "none".to_owned(),
    }
}

fn check(columns: &str, expected: &str) {
    for context in [mysql(), mariadb()] {
        assert_eq!(
            after(&[&format!("CREATE TABLE t ({columns})")], &context),
            expected,
            "{columns}"
        );
    }
}

fn check_alter(columns: &str, alter: &str, expected: &str) {
    for context in [mysql(), mariadb()] {
        let statements = [format!("CREATE TABLE t ({columns})"), format!("ALTER TABLE t {alter}")];
        let statements = statements.each_ref().map(String::as_str);
        assert_eq!(after(&statements, &context), expected, "{alter}");
    }
}

#[test]
fn b01_integers_by_all_their_names() {
    check(
        "a INT1, b INT2, c INT3, d INT4, e INT8",
        "a tinyint, b smallint, c mediumint, d int, e bigint",
    );
    check("a MIDDLEINT UNSIGNED, b INTEGER(3) ZEROFILL", "a mediumint unsigned, b int unsigned");
    check("a BIGINT SIGNED, b INT UNSIGNED SIGNED", "a bigint, b int unsigned");
    check("a BOOL, b BOOLEAN, c BIT, d BIT(9)", "a tinyint, b tinyint, c bit 1, d bit 9");
    check("id SERIAL", "id bigint unsigned, id(id)");
    check("a INT SERIAL DEFAULT VALUE", "a int, a(a)");
}

#[test]
fn b04_floats_by_precision_and_mode() {
    check(
        "a FLOAT, b FLOAT(24), c FLOAT(25), d FLOAT(7,3), e REAL",
        "a float, b float, c double, d float, e double",
    );
    check("a FLOAT4, b FLOAT8, c DOUBLE PRECISION(5,2)", "a float, b double, c double");
    check(
        "a DEC, b NUMERIC(5), c FIXED(6,2), d DECIMAL(0)",
        "a decimal 10,0, b decimal 5,0, c decimal 6,2, d decimal 10,0",
    );
    let context = Context { sql_mode: sql_mode::REAL_AS_FLOAT, ..mysql() };
    assert_eq!(after(&["CREATE TABLE t (a REAL)"], &context), "a float");
}

#[test]
fn b14_texts_take_the_size_they_need() {
    check(
        "a TEXT(255), b TEXT(256), c TEXT(64) CHARSET utf8mb4",
        "a text1 latin1, b text2 latin1, c text2 utf8mb4",
    );
    check("a VARCHAR(70000), b VARBINARY(70000)", "a text3 latin1, b blob3");
    check("a LONG, b LONG VARCHAR, c LONG VARBINARY", "a text3 latin1, b text3 latin1, c blob3");
    check(
        "a NCHAR(2), b NATIONAL VARCHAR(3), c NVARCHAR(1)",
        "a char utf8mb3, b varchar utf8mb3, c varchar utf8mb3",
    );
    check("a CHAR(2) BYTE, b TEXT BYTE, c CHAR BINARY", "a binary 2, b blob2, c char latin1");
    check(
        "a CHAR ASCII, b CHAR UNICODE, c CHAR COLLATE utf8mb4_bin",
        "a char latin1, b char ucs2, c char utf8mb4",
    );
}

#[test]
fn b12_labels_are_read_as_the_catalog_shows_them() {
    check("a ENUM('it''s','a\\nb','x  ',0x41)", "a enum it's|a\nb|x|A");
    check("a SET('a,b',\"c\"\"d\") CHARSET utf8mb4", "a set a,b|c\"d");
    check("a ENUM('ü')", "a enum ü");
    check("a ENUM('日')", "stale: a label may not be text of latin1");
}

#[test]
fn d04_columns_are_placed_as_the_server_places_them() {
    check_alter("a INT, b INT", "ADD c INT FIRST, ADD d INT AFTER c", "c int, d int, a int, b int");
    check_alter("a INT, b INT", "RENAME COLUMN a TO b, RENAME COLUMN b TO a", "b int, a int");
    check_alter("a INT, b TEXT", "CHANGE a b INT, CHANGE b a TEXT", "b int, a text2 latin1");
    check_alter(
        "a INT, b INT",
        "CHANGE a x INT, ADD y INT AFTER x, ADD UNIQUE (x)",
        "x int, y int, b int, x(x)",
    );
    check_alter(
        "a INT, b INT, c INT",
        "MODIFY a INT AFTER c, MODIFY c BIGINT FIRST",
        "c bigint, b int, a int",
    );
    check_alter("a INT, b INT", "DROP a, ADD a TEXT", "b int, a text2 latin1");
    check_alter("a INT, b INT", "ADD c INT, ALGORITHM=INSTANT, LOCK=NONE", "a int, b int, c int");
    check_alter(
        "a INT",
        "ADD b INT DEFAULT (1 + (2 * f(3, ')'))) NOT NULL UNIQUE",
        "a int, b int, b(b)",
    );
}

#[test]
fn d16_keys_follow_their_columns() {
    check("a INT PRIMARY KEY, b INT UNIQUE, UNIQUE (b)", "a int, b int, PK a, b(b), b_2(b)");
    check_alter("a INT PRIMARY KEY", "CHANGE a id BIGINT", "id bigint, PK id");
    check_alter(
        "a INT, b INT, PRIMARY KEY (a, b)",
        "DROP PRIMARY KEY, ADD PRIMARY KEY (b)",
        "a int, b int, PK b",
    );
    check_alter("a INT, b INT, UNIQUE u (a, b)", "DROP a", "b int, u(b)");
    check_alter("a INT UNIQUE", "RENAME INDEX a TO z", "a int, z(a)");
    check_alter("a INT UNIQUE", "DROP INDEX a, ADD UNIQUE (a)", "a int, a(a)");
    check("a INT, UNIQUE ((a + 1)), UNIQUE (a)", "a int, a(a)");
}

#[test]
fn d09_what_a_strict_session_would_have_refused_is_not_guessed() {
    let strict = Context { sql_mode: sql_mode::STRICT_TRANS_TABLES, ..mysql() };
    let reason = "stale: VARCHAR(20000) utf8mb4 is too long";
    let create = "CREATE TABLE t (a VARCHAR(20000)) CHARSET utf8mb4";
    assert_eq!(after(&[create], &mysql()), "a text3 utf8mb4");
    assert_eq!(after(&[create], &strict), reason);
    let create = "CREATE TABLE t (a VARBINARY(70000))";
    assert!(after(&[create], &strict).starts_with("stale: "));
    let create = "CREATE TABLE t (a VARCHAR(20000))";
    let convert = "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4";
    assert_eq!(after(&[create], &strict), "a varchar latin1");
    assert_eq!(after(&[create, convert], &mysql()), "a text3 utf8mb4");
    assert_eq!(after(&[create, convert], &strict), reason);
    let modify = "ALTER TABLE t MODIFY a VARCHAR(20000) CHARSET utf8mb4";
    assert_eq!(after(&[create, modify], &strict), reason);
}

#[test]
fn d13_a_varchar_is_shorter_in_mariadb() {
    let create = "CREATE TABLE t (a VARBINARY(65532), b VARBINARY(65533), c VARCHAR(65533))";
    assert_eq!(after(&[create], &mysql()), "a varbinary, b varbinary, c varchar latin1");
    assert_eq!(after(&[create], &mariadb()), "a varbinary, b blob2, c text2 latin1");
}

#[test]
fn d09_a_timestamp_of_maxdb_is_a_datetime_on_both() {
    let create = "CREATE TABLE t (a TIMESTAMP(3))";
    for session in [mysql(), mariadb()] {
        assert_eq!(after(&[create], &session), "a timestamp 3");
        let maxdb = Context { sql_mode: sql_mode::MAXDB, ..session };
        assert_eq!(after(&[create], &maxdb), "a datetime 3");
    }
}

#[test]
fn d10_labels_that_may_be_another_text_are_not_guessed() {
    let create = "CREATE TABLE t (a INT, e ENUM('é') CHARSET latin1)";
    assert_eq!(after(&[create], &mysql()), "a int, e enum é");
    let uncertain = Context { strings_are_certain: false, ..mysql() };
    let stale = "stale: it is not known which text its labels are";
    assert_eq!(after(&[create], &uncertain), stale);
    let add = "ALTER TABLE t ADD s SET('a')";
    assert_eq!(after(&["CREATE TABLE t (a INT)", add], &uncertain), stale);
}

#[test]
fn d10_charsets_come_from_the_nearest_default() {
    check_alter(
        "a TEXT, b TINYTEXT",
        "CONVERT TO CHARACTER SET utf8mb4",
        "a text3 utf8mb4, b text2 utf8mb4",
    );
    check_alter("a CHAR(3)", "CHARSET utf8mb4, ADD b CHAR(3)", "a char latin1, b char utf8mb4");
    check_alter("a CHAR(3), b TEXT", "CONVERT TO CHARACTER SET binary", "a binary 3, b blob2");
    let server = Context { server_collation: Some(255), ..mysql() };
    let statements = ["DROP DATABASE shop", "CREATE DATABASE shop", "CREATE TABLE t (a CHAR)"];
    assert_eq!(after(&statements, &server), "a char utf8mb4");
    let statements = ["ALTER DATABASE CHARACTER SET gbk", "CREATE TABLE t (a CHAR)"];
    assert_eq!(after(&statements, &server), "a char gbk");
    let old = Context { dialect: super::super::Dialect::MySql { version: 50_744 }, ..mysql() };
    assert_eq!(after(&["CREATE TABLE t (a CHAR CHARSET utf8mb3)"], &old), "a char utf8");
    let statement = "CREATE TABLE t (a CHAR CHARSET utf8, b CHAR COLLATE utf8_bin, c NCHAR)";
    assert_eq!(after(&[statement], &mariadb()), "a char utf8mb3, b char utf8mb3, c char utf8mb3");
    let modern = Context { utf8_is_utf8mb4: true, ..mariadb() };
    assert_eq!(after(&[statement], &modern), "a char utf8mb4, b char utf8mb4, c char utf8mb3");
    let mut unknown = Model::default();
    unknown.apply("CREATE TABLE t (a CHAR)", &mysql());
    assert!(matches!(unknown.table("shop", "t"), Some(Table::Stale(_))));
}

#[test]
fn d05_tables_swap_their_names() {
    let mut model = shop();
    model.apply("CREATE TABLE t (a INT)", &mysql());
    model.apply("CREATE TABLE t_new (a INT, b INT)", &mysql());
    let effect = model.apply("RENAME TABLE t TO t_old, t_new TO t", &mysql());
    let last = |name: &str| {
        effect.tables.iter().rev().find(|((_, table), _)| table == name).map(|(_, change)| change)
    };
    assert_eq!(last("t"), Some(&TableChange::Defined));
    assert_eq!(last("t_old"), Some(&TableChange::Defined));
    assert_eq!(last("t_new"), Some(&TableChange::Dropped));
    let Some(Table::Known(t)) = model.table("shop", "t") else { panic!("t is not known") };
    assert_eq!(t.columns.len(), 2);
}

#[test]
fn d06_like_and_if_not_exists() {
    let create = "CREATE TABLE u (a INT PRIMARY KEY)";
    assert_eq!(after(&[create, "CREATE TABLE t LIKE u"], &mysql()), "a int, PK a");
    let statements = [create, "CREATE TABLE t (b INT)", "CREATE TABLE IF NOT EXISTS t LIKE u"];
    assert_eq!(after(&statements, &mysql()), "b int");
    let statements = ["CREATE TABLE t (b INT)", "CREATE OR REPLACE TABLE t (c INT)"];
    assert_eq!(after(&statements, &mariadb()), "c int");
    for stale in
        ["CREATE TABLE t LIKE x.y", "CREATE TABLE t SELECT 1", "CREATE TABLE t (a INT) AS SELECT 1"]
    {
        assert!(after(&[stale], &mysql()).starts_with("stale"), "{stale}");
    }
}

#[test]
fn d07_dropped_and_made_again() {
    let statements = ["CREATE TABLE t (a INT)", "DROP TABLE t", "CREATE TABLE t (b TEXT)"];
    assert_eq!(after(&statements, &mysql()), "b text2 latin1");
    assert_eq!(after(&["CREATE TABLE t (a INT)", "DROP DATABASE shop"], &mysql()), "none");
    assert_eq!(after(&["CREATE TABLE t (a INT)", "TRUNCATE t"], &mysql()), "a int");
}

#[test]
fn d09_sql_mode_of_the_session_decides() {
    let context = Context { sql_mode: sql_mode::ANSI_QUOTES, ..mysql() };
    assert_eq!(after(&["CREATE TABLE \"t\" (\"a\"\"b\" INT)"], &context), "a\"b int");
    let context = Context { sql_mode: sql_mode::NO_BACKSLASH_ESCAPES, ..mysql() };
    assert_eq!(after(&["CREATE TABLE t (a ENUM('\\','b'))"], &context), "a enum \\|b");
    let context = Context { sql_mode: sql_mode::ORACLE, ..mariadb() };
    assert_eq!(
        after(&["CREATE TABLE t (a NUMBER(5), b VARCHAR2(3), c DATE)"], &context),
        "a decimal 5,0, b varchar latin1, c datetime 0"
    );
}

#[test]
fn d11_comments_and_a_trailing_zero_byte() {
    let text = "/* x */ CREATE /*!50001 TABLE */ t (a INT /*!80000 , b INT */ /*M!100100 , c INT */) -- x\n;\0";
    assert_eq!(after(&[text], &mysql()), "a int, b int");
    assert_eq!(after(&[text], &mariadb()), "a int, c int");
}

#[test]
fn d13_mariadb_alone() {
    let check = |statements: &[&str], expected: &str| {
        assert_eq!(after(statements, &mariadb()), expected, "{statements:?}");
    };
    let versioned = "CREATE TABLE t (a INT PRIMARY KEY) WITH SYSTEM VERSIONING";
    check(
        &[versioned, "ALTER TABLE t WAIT 3 ADD b INT"],
        "a int, b int, row_start timestamp 6, row_end timestamp 6, PK a",
    );
    check(&[versioned, "ALTER TABLE t DROP SYSTEM VERSIONING"], "a int, PK a");
    check(
        &[
            "CREATE TABLE t (a INT UNIQUE, s TIMESTAMP(6) AS ROW START, e TIMESTAMP(6) AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING",
        ],
        "a int, s timestamp 6, e timestamp 6, a(a e)",
    );
    check(
        &["CREATE TABLE t (a JSON, b UUID, c INET4, d INET6)"],
        "a text4 utf8mb4, b uuid, c inet4 4, d inet6 6",
    );
    check(
        &[
            "SET STATEMENT a=1 FOR CREATE TABLE t (a INT)",
            "ALTER TABLE t ADD IF NOT EXISTS a TEXT, DROP IF EXISTS b",
        ],
        "a int",
    );
    check(
        &[
            "CREATE TABLE t (s DATE, e DATE, id INT, PERIOD FOR p (s, e), UNIQUE (id, p WITHOUT OVERLAPS))",
        ],
        "s date, e date, id int, id(id e s)",
    );
    check(
        &["CREATE SEQUENCE t"],
        "next_not_cached_value bigint, minimum_value bigint, maximum_value bigint, start_value bigint, increment bigint, cache_size bigint unsigned, cycle_option tinyint unsigned, cycle_count bigint",
    );
}

#[test]
fn b24_the_primary_key_that_mysql_adds() {
    let context = Context { adds_invisible_primary_key: true, ..mysql() };
    let create = "CREATE TABLE t (a INT)";
    assert_eq!(after(&[create], &context), "my_row_id bigint unsigned, a int, PK my_row_id");
    assert!(after(&[create, "ALTER TABLE t ADD b INT FIRST"], &context).starts_with("stale"));
}

#[test]
fn d02_what_is_not_understood_is_stale_and_nothing_else() {
    let mut model = shop();
    for table in ["t", "u"] {
        model.apply(&format!("CREATE TABLE {table} (a INT)"), &mysql());
    }
    for statement in [
        "ALTER TABLE t FROBNICATE (a)",
        "ALTER TABLE t ADD b HOLOGRAM(3)",
        "ALTER TABLE t DROP nothing",
        "ALTER TABLE t FROBNICATE b, ADD c INT )",
        "CREATE TABLE t (a INT) 5",
        "MERGE INTO t USING v ON a = b",
        "ALTER TABLE t ADD b INT COMMENT 'never ends",
    ] {
        let effect: Effect = model.apply(statement, &mysql());
        assert!(matches!(model.table("shop", "t"), Some(Table::Stale(_))), "{statement}");
        assert!(matches!(model.table("shop", "u"), Some(Table::Known(_))), "{statement}");
        assert!(effect.tables.iter().any(|((_, table), _)| table == "t"), "{statement}");
        model.apply("DROP TABLE t", &mysql());
        model.apply("CREATE TABLE t (a INT)", &mysql());
    }
}

#[test]
fn d14_other_statements_change_nothing() {
    let mut model = shop();
    model.apply("CREATE TABLE t (a INT)", &mysql());
    for statement in [
        "CREATE DEFINER=`t`@`%` PROCEDURE p() BEGIN DROP TABLE t; ALTER TABLE t ADD b INT; END",
        "CREATE OR REPLACE ALGORITHM=MERGE DEFINER=CURRENT_USER() SQL SECURITY DEFINER VIEW v AS SELECT * FROM t",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DROP TABLE t",
        "CREATE USER t IDENTIFIED BY 't'",
        "GRANT ALL ON t TO t",
        "FLUSH TABLES t",
        "OPTIMIZE TABLE t",
        "DROP TEMPORARY TABLE t",
        "CREATE TEMPORARY TABLE t (b INT)",
        "INSERT INTO t VALUES (1)",
        "# nothing",
        "",
        "BEGIN",
    ] {
        let effect = model.apply(statement, &mysql());
        assert!(effect.is_nothing() && effect.not_understood.is_none(), "{statement}: {effect:?}");
    }
}

#[test]
fn d15_names_in_lower_case_are_one_name() {
    let context = Context { lower_case_table_names: 1, ..mysql() };
    assert_eq!(
        after(&["CREATE TABLE Shop.T (a INT)", "ALTER TABLE SHOP.t ADD b INT"], &context),
        "a int, b int"
    );
    assert_eq!(after(&["CREATE TABLE T (a INT)", "CREATE TABLE t (b INT)"], &mysql()), "b int");
}

#[test]
fn d12_partitions_leave_the_columns_alone() {
    check_alter(
        "a INT) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (1) COMMENT ')', PARTITION q VALUES LESS THAN MAXVALUE",
        "ADD b INT PARTITION BY HASH (a) PARTITIONS 2",
        "a int, b int",
    );
    check_alter("a INT", "ENGINE=InnoDB, ADD b INT REMOVE PARTITIONING", "a int, b int");
    let statements = ["CREATE TABLE p (a INT)", "ALTER TABLE p CONVERT PARTITION x TO TABLE t"];
    assert_eq!(after(&statements, &mariadb()), "a int");
}

#[test]
fn what_no_server_takes_is_refused_before_it_costs_anything() {
    let columns: Vec<String> = (0..4_100).map(|n| format!("c{n} INT")).collect();
    let create = format!("CREATE TABLE t ({})", columns.join(", "));
    assert!(after(&[&create], &mysql()).starts_with("stale"));
    let steps: Vec<String> = (0..20_000).map(|n| format!("ADD c{n} INT")).collect();
    let alter = format!("ALTER TABLE t {}", steps.join(", "));
    assert!(after(&["CREATE TABLE t (a INT)", &alter], &mysql()).starts_with("stale"));
    let keys = "ADD KEY (a), ".repeat(2_000);
    let alter = format!("ALTER TABLE t {keys}ADD KEY (a)");
    assert!(after(&["CREATE TABLE t (a INT)", &alter], &mysql()).starts_with("stale"));
}

#[test]
fn equal_definitions_share_their_memory() {
    let mut model = shop();
    for table in ["a", "b"] {
        model.apply(&format!("CREATE TABLE {table} (id INT)"), &mysql());
    }
    let known = |table: &str| match model.table("shop", table) {
        Some(Table::Known(definition)) => std::sync::Arc::clone(definition),
        other => panic!("{other:?}"),
    };
    assert!(std::sync::Arc::ptr_eq(&known("a"), &known("b")));
}

#[test]
fn a_definition_is_read_from_the_text_of_the_server() {
    let text = "CREATE TABLE `t` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `v` varchar(9) CHARACTER SET latin1 DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `v` (`v`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci";
    let definition = Definition::parse_create(text, &mysql()).unwrap();
    assert_eq!(shown(&definition.schema("shop", "t")), "id int, v varchar latin1, PK id, v(v)");
    let json = serde_json::to_string(&definition).unwrap();
    assert_eq!(serde_json::from_str::<Definition>(&json).unwrap(), definition);
    for text in ["CREATE TABLE t LIKE u", "CREATE VIEW v AS SELECT 1", "DROP TABLE t", ""] {
        assert!(Definition::parse_create(text, &mysql()).is_err(), "{text}");
    }
}
