use apache_avro::Schema;
use apache_avro::types::Value as Avro;
use change::{Body, ColumnType, ImageError, SourceInfo, SourceKind, UniqueKey, Value, Visitor};

use super::*;
use crate::testing::{Cells, NOW, Surroundings, TIME, column, delete, insert, table, update};
use crate::{RECORD_SCHEMA, Record};

/// Decodes with apache-avro and the schema that clients have.
pub(super) fn decode(mut bytes: &[u8]) -> Avro {
    let types: Vec<serde_json::Value> = serde_json::from_str(RECORD_SCHEMA).unwrap();
    let types: Vec<String> = types.iter().map(ToString::to_string).collect();
    let schemas = Schema::parse_list(types.iter().map(String::as_str)).unwrap();
    let record = schemas.last().unwrap();
    let value =
        apache_avro::from_avro_datum_schemata(record, schemas.iter().collect(), &mut bytes, None)
            .unwrap();
    assert!(bytes.is_empty(), "bytes follow the record");
    value
}

fn member<'a>(value: &'a Avro, name: &str) -> &'a Avro {
    let Avro::Record(members) = value else { panic!("{name} is asked of {value:?}") };
    &members.iter().find(|(member, _)| member == name).unwrap_or_else(|| panic!("no {name}")).1
}

fn branch(value: &Avro) -> (u32, &Avro) {
    let Avro::Union(branch, value) = value else { panic!("not a union: {value:?}") };
    (*branch, value)
}

fn items(value: &Avro) -> &[Avro] {
    let (2, Avro::Array(items)) = branch(value) else { panic!("not an array: {value:?}") };
    items
}

fn int(value: &Avro) -> i32 {
    let Avro::Int(number) = value else { panic!("not an int: {value:?}") };
    *number
}

fn tags(record: &Avro) -> Vec<String> {
    let Avro::Map(tags) = member(record, "tags") else { panic!("tags are no map") };
    let mut tags: Vec<_> = tags
        .iter()
        .map(|(key, value)| match value {
            Avro::String(text) => format!("{key}={text}"),
            other => panic!("tag {key} is {other:?}"),
        })
        .collect();
    tags.sort();
    tags
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encode(encoder: &mut DtsEncoder, body: Body<'_>) -> Vec<u8> {
    let surroundings = Surroundings::new();
    let mut out = Vec::new();
    encoder.encode(&surroundings.change(body), 1, NOW, &mut out).unwrap();
    out
}

fn header<'a>(source: &'a [u8], operation: Operation, object: Object<'a>) -> Header<'a> {
    let (position, safe_position) = ("72469@78", "72347@78");
    let place = Place { id: 1, time: TIME, position, safe_position };
    Header { place, source, operation, object }
}

fn source() -> SourceInfo {
    SourceInfo { kind: SourceKind::MySql, version: "8.0.28".into() }
}

const HEAD: &str = "0002b0b5afd20c1037323436394037381037323334374037380230000c382e302e3238";

#[test]
fn records_without_rows_have_the_bytes_of_the_test_vectors() {
    let source = encode_source(&source());
    for (operation, symbol) in [(Operation::Heartbeat, "10"), (Operation::Commit, "0a")] {
        let mut out = Vec::new();
        let header = header(&source, operation, Object::None);
        write_record(&mut out, &header, |_| {}, write_nothing).unwrap();
        assert_eq!(hex(&out), format!("{HEAD}{symbol}000000000000b0b5afd20c"));
        assert_eq!(out.len(), 47);
        decode(&out);
    }

    let mut out = Vec::new();
    let tags = |tags: &mut Tags<'_>| {
        tags.number("thread_id", 9_u32);
        tags.text("GTID", "x");
        tags.number("readerThroughoutTime", NOW.millis());
    };
    write_record(&mut out, &header(&source, Operation::Begin, Object::None), tags, write_nothing)
        .unwrap();
    assert_eq!(
        hex(&out),
        format!(
            "{HEAD}08000006127468726561645f6964023908475449440278287265616465725468726f\
             7567686f757454696d651a3136393639383434303831323300000000b0b5afd20c"
        )
    );

    let mut out = Vec::new();
    let ddl = Ddl { database: "db1", statement: "alter table t1 add c int" };
    let header = header(&source, Operation::Ddl, Object::Name(ddl.database));
    write_record(&mut out, &header, |_| {}, |out| write_ddl(out, &ddl)).unwrap();
    assert_eq!(
        hex(&out),
        format!(
            "{HEAD}060206646231000000000230616c746572207461626c6520743120616464206320696e74\
             b0b5afd20c"
        )
    );
}

#[test]
fn records_of_rows_have_the_bytes_of_the_test_vectors() {
    let schema = table(
        "t1",
        vec![
            column("id", ColumnType::BigInt { unsigned: false }),
            column("v", ColumnType::VarChar { charset: "utf8mb4".into() }),
        ],
        vec![0],
    );
    let plan = TablePlan::new(&schema);
    let source = encode_source(&source());
    let a = Cells(vec![Value::Signed(1), Value::Text(b"a")]);
    let b = Cells(vec![Value::Signed(1), Value::Text(b"b")]);
    let cases = [
        (
            update(&schema, &a, &b),
            "02020c6462312e743100000404046964100276fa0300040402100231040e757466386d62340261000404\
             02100231040e757466386d6234026200b0b5afd20c",
        ),
        (
            delete(&schema, &b),
            "04020c6462312e743100000404046964100276fa0300040402100231040e757466386d62340262000\
             0b0b5afd20c",
        ),
    ];
    for (row, rest) in cases {
        let mut out = Vec::new();
        let header = header(&source, row.operation.into(), Object::Encoded(&plan.object));
        write_record(&mut out, &header, |_| {}, |out| write_row(out, &plan, &row)).unwrap();
        assert_eq!(hex(&out), format!("{HEAD}{rest}"));
        decode(&out);
    }
}

#[test]
fn a28_a_transaction_tells_when_it_was_committed_to_the_microsecond() {
    let mut surroundings = Surroundings::new();
    surroundings.transaction.commit_time = Some(UnixTime::from_micros(1_696_984_408_123_457));
    let mut out = Vec::new();
    DtsEncoder::new().encode(&surroundings.change(Body::Begin), 5, NOW, &mut out).unwrap();
    assert!(tags(&decode(&out)).contains(&"commitTimestamp=1696984408123457".to_owned()));
}

#[test]
fn each_kind_of_record_has_its_tags_and_is_read_by_apache_avro() {
    let mut encoder = DtsEncoder::new();
    encoder.set_source(&source());
    let mut surroundings = Surroundings::new();
    surroundings.transaction = Transaction {
        gtid: "u:7".into(),
        sql_mode: Some(1_436_549_152),
        charset: Some([33, 45, 8]),
        flags2: Some(0),
        statement: "insert into t".into(),
        ..surroundings.transaction
    };
    let committed = format!("commitTimestamp={}", TIME.micros());
    let schema = table("t", vec![column("id", ColumnType::Int { unsigned: true })], vec![0]);
    let meta_version = format!("metaVersion={}", schema.version.0);
    let row = Cells(vec![Value::Unsigned(1)]);
    let seen = "readerThroughoutTime=1696984408123";
    let session = ["Q_CHARSET_CODE=33,45,8", "Q_FLAGS2_CODE=0", "Q_SQL_MODE_CODE=1436549152"];
    let keys = "pk_uk_info={\"PRIMARY\":[\"id\"]}";
    let ddl = Ddl { database: "", statement: "create user x" };
    let cases = [
        (
            Body::Begin,
            Operation::Begin,
            [&["GTID=u:7"], &session[..], &[&*committed, seen, "server_id=11", "thread_id=9"]]
                .concat(),
        ),
        (
            Body::Row(insert(&schema, &row)),
            Operation::Insert,
            vec![&*meta_version, keys, seen, "server_id=11", "sql=insert into t", "thread_id=9"],
        ),
        (Body::Ddl(ddl), Operation::Ddl, session.to_vec()),
        (Body::Heartbeat, Operation::Heartbeat, vec![seen]),
        (Body::Commit, Operation::Commit, vec![seen]),
        (Body::Rollback, Operation::Rollback, vec![seen]),
    ];
    for (body, operation, expected) in cases {
        let mut out = b"before".to_vec();
        encoder.encode(&surroundings.change(body), 5, NOW, &mut out).unwrap();
        let bytes = out.strip_prefix(b"before").unwrap();
        assert!(bytes.len() > 48, "{operation} would be taken for a filler");
        let record = decode(bytes);
        assert_eq!(tags(&record), expected, "{operation}");
        assert_eq!(member(&record, "id"), &Avro::Long(5));
        assert_eq!(member(&record, "version"), &Avro::Int(0));
        assert_eq!(member(&record, "sourceTxid"), &Avro::String("0".into()));
        assert_eq!(member(&record, "sourceTimestamp"), &Avro::Long(TIME.seconds()));
        assert_eq!(member(&record, "bornTimestamp"), &Avro::Long(TIME.seconds()));
        let Avro::Enum(_, symbol) = member(&record, "operation") else { panic!() };
        assert_eq!(symbol, operation.name());
        assert_eq!(Record::decode(bytes).unwrap().operation, operation);
    }
}

#[test]
fn a_statement_is_the_text_branch_of_the_after_images_and_has_a_name() {
    let mut encoder = DtsEncoder::new();
    for (database, name) in [("", ""), ("shop", "shop"), ("my.db.", "my\\u002Edb\\u002E")] {
        let statement = "alter table t add c int";
        let record = decode(&encode(&mut encoder, Body::Ddl(Ddl { database, statement })));
        assert_eq!(branch(member(&record, "objectName")), (1, &Avro::String(name.into())));
        assert_eq!(branch(member(&record, "fields")).0, 0);
        assert_eq!(branch(member(&record, "beforeImages")).0, 0);
        let after = branch(member(&record, "afterImages"));
        assert_eq!(after, (1, &Avro::String(statement.into())));
    }
}

#[test]
fn dots_inside_names_are_escaped() {
    let schema = TableSchema::new("my.db".into(), "t.".into(), vec![], vec![], vec![]);
    let record =
        decode(&encode(&mut DtsEncoder::new(), Body::Row(insert(&schema, &Cells(vec![])))));
    let name = branch(member(&record, "objectName"));
    assert_eq!(name, (1, &Avro::String("my\\u002Edb.t\\u002E".into())));
    assert!(items(member(&record, "afterImages")).is_empty());
}

#[test]
fn keys_name_only_columns_that_are_fields() {
    let int = || ColumnType::Int { unsigned: false };
    let columns = vec![column("a\"\\\n", int()), column("é", int())];
    let key =
        |name: &str, columns: &[usize]| UniqueKey { name: name.into(), columns: columns.into() };
    let keys = vec![
        key("u", &[1, 0]),
        key("beyond", &[0, 2]),
        key("none", &[]),
        key(crate::plan::PRIMARY, &[1]),
    ];
    let schema = TableSchema::new("d".into(), "t".into(), columns, vec![0], keys);
    let row = Cells(vec![Value::Null, Value::Null]);
    let bytes = encode(&mut DtsEncoder::new(), Body::Row(insert(&schema, &row)));
    decode(&bytes);
    let record = Record::decode(&bytes).unwrap();
    let keys: serde_json::Value = serde_json::from_str(record.tag("pk_uk_info").unwrap()).unwrap();
    assert_eq!(keys, serde_json::json!({"PRIMARY": ["a\"\\\n"], "u": ["é", "a\"\\\n"]}));
    assert_eq!(keys.as_object().unwrap().keys().next().unwrap(), "PRIMARY");
}

#[test]
fn a_table_without_keys_has_no_key_tag() {
    let schema = table("t", vec![column("a", ColumnType::Json)], vec![]);
    let bytes =
        encode(&mut DtsEncoder::new(), Body::Row(insert(&schema, &Cells(vec![Value::Null]))));
    assert_eq!(Record::decode(&bytes).unwrap().tag("pk_uk_info"), None);
}

#[test]
fn null_is_the_null_branch_and_absent_is_none() {
    let int = || ColumnType::Int { unsigned: false };
    let schema = table("t", vec![column("a", int()), column("b", int())], vec![]);
    let row = Cells(vec![Value::Null, Value::Absent]);
    let record = decode(&encode(&mut DtsEncoder::new(), Body::Row(delete(&schema, &row))));
    assert_eq!(branch(member(&record, "afterImages")).0, 0);
    let [null, absent] = items(member(&record, "beforeImages")) else { panic!("not two values") };
    assert_eq!(branch(null), (0, &Avro::Null));
    assert_eq!(branch(absent), (12, &Avro::Enum(1, "NONE".into())));
}

#[test]
fn errors_name_the_table_and_leave_the_buffer_as_it_was() {
    #[derive(Debug)]
    struct Broken;
    impl Image for Broken {
        fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError> {
            visitor.column(0, Value::Signed(1));
            Err(ImageError { column: 1, reason: "cut".into() })
        }
    }
    let int = || ColumnType::Int { unsigned: false };
    let schema = table("t", vec![column("a", int()), column("b", int())], vec![]);
    let table = || "db1.t".to_owned();
    let short = Cells(vec![Value::Null]);
    let long = Cells(vec![Value::Null; 3]);
    let wrong = Cells(vec![Value::Null, Value::Text(b"1")]);
    let error = ImageError { column: 1, reason: "cut".into() };
    let cases: [(Row<'_>, EncodeError); 5] = [
        (insert(&schema, &Broken), EncodeError::Image { table: table(), error }),
        (
            insert(&schema, &short),
            EncodeError::WrongColumns { table: table(), expected: 1, found: 2 },
        ),
        (
            insert(&schema, &long),
            EncodeError::WrongColumns { table: table(), expected: 2, found: 2 },
        ),
        (insert(&schema, &wrong), EncodeError::WrongValue { table: table(), column: "b".into() }),
        (
            Row { operation: RowOperation::Update, ..insert(&schema, &short) },
            EncodeError::MissingImage { table: table(), image: "before" },
        ),
    ];
    let surroundings = Surroundings::new();
    let mut encoder = DtsEncoder::new();
    for (row, expected) in cases {
        let mut out = b"kept".to_vec();
        let result = encoder.encode(&surroundings.change(Body::Row(row)), 1, NOW, &mut out);
        assert_eq!(result, Err(expected));
        assert_eq!(out, b"kept");
    }
}

mod columns;

#[test]
fn what_rows_have_in_common_never_outlives_a_difference() {
    let columns = || vec![column("id", ColumnType::BigInt { unsigned: false })];
    let tables = [table("t1", columns(), vec![0]), table("t2", columns(), vec![])];
    let cells = Cells(vec![Value::Signed(7)]);
    let other = SourceInfo { kind: SourceKind::PostgreSql, version: "17".into() };
    let mut shared = DtsEncoder::new();
    for case in 0..512_u32 {
        // Neighbours in this order differ in one thing, the same ones in any number.
        let gray = case ^ (case >> 1);
        let has = |bit: u32| gray >> bit & 1 == 1;
        let schema = if has(0) { &tables[0] } else { &tables[1] };
        let row = if has(1) { insert(schema, &cells) } else { delete(schema, &cells) };
        let now = if has(2) { NOW } else { UnixTime::from_millis(NOW.millis() + 1) };
        let mut surroundings = Surroundings::new();
        surroundings.transaction.server_id = has(3).then_some(1);
        surroundings.transaction.thread_id = if has(4) { Some(2) } else { Some(3) };
        surroundings.transaction.statement = match (has(5), has(6)) {
            (false, _) => String::new(),
            (true, false) => "insert".into(),
            (true, true) => "delete".into(),
        };
        let source = if has(7) { source() } else { other.clone() };
        if case == 0 || (gray ^ (case - 1) ^ ((case - 1) >> 1)) >> 7 & 1 == 1 {
            shared.set_source(&source);
        }
        let mut fresh = DtsEncoder::new();
        fresh.set_source(&source);
        let encoded = [&mut shared, &mut fresh].map(|encoder| {
            let mut out = Vec::new();
            let change = surroundings.change(Body::Row(row));
            encoder.encode(&change, 1, now, &mut out).unwrap();
            out
        });
        assert_eq!(encoded[0], encoded[1], "case {case}");
        decode(&encoded[0]);
    }
}
