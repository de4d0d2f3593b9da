use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use catalog::{OnTableError, Operations, Secret, StartAt, StatementScope, TlsMode};
use change::Position;
use kafka::batch::Compression;
use tempfile::TempDir;

use broker::Mechanism;

use super::section::{Capture, Keep, MinFree, Storage};
use super::*;

const PASSWORD: &str = "s3cret-Passw0rd";

/// Everything that an object needs, on known lines.
const OBJECTS: &str = r#"[[source]]
name = "shop-db"
kind = "mysql"
url = "mysql://wh@db.internal:3306"
password = "s3cret-Passw0rd"
[[task]]
name = "shop"
source = "shop-db"
tables = ["shop.*"]
[[group]]
task = "shop"
name = "billing"
user = "billing"
password = "s3cret-Passw0rd"
"#;

struct Setup {
    folder: TempDir,
    inputs: Inputs,
}

fn setup(text: &str) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wellhead.toml");
    std::fs::write(&file, text).unwrap();
    Setup { folder, inputs: Inputs { file: Some(file), ..Inputs::default() } }
}

impl Setup {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.inputs.environment.insert(name.into(), value.into());
        self
    }

    fn flag(mut self, name: &'static str, key: &'static str, value: &str) -> Self {
        self.inputs.flags.push(Flag { name, key, value: value.into() });
        self
    }

    fn more(self, name: &str, text: &str) -> Self {
        let folder = self.folder.path().join("conf.d");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
        self
    }

    fn loaded(&self) -> Loaded {
        load(&self.inputs).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn config(&self) -> Config {
        self.loaded().config
    }

    /// The faults, without the folder of the test.
    fn faults(&self) -> String {
        let text = load(&self.inputs).expect_err("must be refused").to_string();
        self.strip(&text)
    }

    fn strip(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

/// The whole of what is said about a text.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(setup(text).faults(), expected.join("\n"));
}

#[test]
fn without_any_file_the_defaults_hold() {
    let config = load(&Inputs::default()).unwrap().config;
    assert_eq!(config.server.data_dir, Path::new("/var/lib/wellhead"));
    assert_eq!(config.server.log, Log { level: LogLevel::Info, format: LogFormat::Auto });
    assert_eq!(config.server.shutdown_grace, Duration::from_secs(30));
    assert_eq!(config.kafka.listener.listen, SocketAddr::from(([127, 0, 0, 1], 9092)));
    assert_eq!(config.kafka.listener.advertised, Advertised::Auto);
    assert_eq!(config.kafka.listener.sasl, Mechanism::ALL);
    assert_eq!((config.kafka.more, config.kafka.listener.tls), (Vec::new(), None));
    assert_eq!((config.kafka.max_connections, config.kafka.max_fetch_bytes), (2000, 50 << 20));
    assert_eq!(config.http.listen, SocketAddr::from(([127, 0, 0, 1], 8090)));
    assert_eq!(
        config.storage,
        Storage {
            sync_interval: Duration::from_millis(5),
            segment_bytes: 256 << 20,
            compression: Compression::Lz4,
            min_free: MinFree::Percent(5),
        }
    );
    assert_eq!(config.keep, Keep { retention: Duration::from_secs(86_400), max_bytes: None });
    assert_eq!(config.memory, MemoryBudget::Auto);
    assert_eq!(
        config.capture,
        Capture {
            queue_bytes: 64 << 20,
            heartbeat: Duration::from_secs(5),
            retry_for: Duration::from_secs(7 * 86_400),
            retry_max_interval: Duration::from_secs(60),
        }
    );
    assert_eq!((config.sources.len(), config.tasks.len(), config.groups.len()), (0, 0, 0));
}

#[test]
fn sections_may_be_tables_inline_tables_or_dotted_keys() {
    let text = r#"
        kafka.limits = { connections = 10, fetch_bytes = 1048576 }
        [server]
        log = { level = "debug" }
        log.format = "json"
        [storage]
        min_free = "10GiB"
        sync_interval = 0
        [defaults.keep]
        max_bytes = "1TB"
    "#
    .replace("log = { level = \"debug\" }", "log.level = \"debug\"");
    let config = setup(&text).config();
    assert_eq!((config.kafka.max_connections, config.kafka.max_fetch_bytes), (10, 1 << 20));
    assert_eq!(config.server.log, Log { level: LogLevel::Debug, format: LogFormat::Json });
    assert_eq!(config.storage.min_free, MinFree::Bytes(10 << 30));
    assert_eq!(config.storage.sync_interval, Duration::ZERO);
    assert_eq!(config.keep.max_bytes, Some(1_000_000_000_000));
}

#[test]
fn objects_become_what_the_catalog_keeps_and_know_their_owner() {
    let text = r#"
[[source]]
name = "shop-db"
kind = "mariadb"
url = "mysql://wh:p%40ss-w0rd@db.internal:3306?ca=/etc/ca.pem"
tls = "verify-full"
server_id = 77
[[task]]
name = "shop"
source = "shop-db"
topic = "shop-topic"
tables = ["shop.*"]
exclude = ["shop.tmp_*"]
ops = ["dml"]
start = "mysql-bin.000042:1187"
title = "Web shop"
ddl_scope = "tracked"
on_table_error = "stop"
keep = { retention = "7d", max_bytes = "10GiB" }
"#;
    let setup = setup(text);
    let config = setup.config();
    let source = &config.sources[0];
    assert_eq!(source.url, "mysql://wh@db.internal:3306");
    assert_eq!(source.password, Some(Secret::new("p@ss-w0rd")));
    assert_eq!((source.kind.as_str(), source.tls), ("mariadb", TlsMode::VerifyFull));
    assert_eq!(
        (source.server_id, source.ca.as_deref()),
        (Some(77), Some(Path::new("/etc/ca.pem")))
    );
    assert_eq!(setup.strip(source.owner.as_ref().unwrap()), "wellhead.toml:2");
    let task = &config.tasks[0];
    assert_eq!((task.topic.as_str(), task.operations), ("shop-topic", Operations::Dml));
    assert_eq!(task.start, StartAt::At(Position::parse(b"mysql-bin.000042:1187").unwrap()));
    assert_eq!(task.title, "Web shop");
    let scopes = (task.statements, task.on_table_error);
    assert_eq!(scopes, (StatementScope::Tracked, OnTableError::Stop));
    assert_eq!(task.retention, Some(Duration::from_secs(7 * 86_400)));
    assert_eq!((task.max_bytes, task.exclude.len()), (Some(10 << 30), 1));
    assert_eq!(setup.strip(task.owner.as_ref().unwrap()), "wellhead.toml:8");
}

#[test]
fn objects_need_little() {
    let config = setup(OBJECTS).config();
    let (source, task, group) = (&config.sources[0], &config.tasks[0], &config.groups[0]);
    assert_eq!((source.tls, source.server_id), (TlsMode::Prefer, None));
    assert_eq!((task.topic.as_str(), task.operations), ("shop", Operations::All));
    assert_eq!((task.start.clone(), task.retention), (StartAt::Now, None));
    assert_eq!((group.account.as_str(), &group.password), ("billing", &Secret::new(PASSWORD)));
}

#[test]
fn later_layers_win_over_earlier_ones() {
    let base = setup("[kafka]\nlisten = \"127.0.0.1:1\"\n[http]\nlisten = \"127.0.0.1:1\"");
    let ports = |setup: &Setup| {
        let config = setup.config();
        (config.kafka.listener.listen.port(), config.http.listen.port())
    };
    assert_eq!(ports(&base), (1, 1));
    let base = base.more("20.toml", "kafka.listen = \"127.0.0.1:3\"");
    let base = base.more("10.toml", "kafka.listen = \"127.0.0.1:2\"").more("ignored.txt", "x = 1");
    assert_eq!(ports(&base), (3, 1));
    let base = base.env("WELLHEAD_KAFKA__LISTEN", "127.0.0.1:4").env("WELLHEAD_LOG", "debug");
    assert_eq!(ports(&base), (4, 1));
    let base = base.flag("--listen", "kafka.listen", "127.0.0.1:5");
    assert_eq!(ports(&base), (5, 1));
}

#[test]
fn numbers_and_lists_can_come_from_the_environment() {
    let setup = setup("")
        .env("WELLHEAD_KAFKA__LIMITS__CONNECTIONS", "7")
        .env("WELLHEAD_KAFKA__SASL", "")
        .env("WELLHEAD_SERVER__LOG__LEVEL", "warn");
    let config = setup.config();
    assert_eq!((config.kafka.max_connections, config.kafka.listener.sasl.len()), (7, 0));
    assert_eq!(config.server.log.level, LogLevel::Warn);
}

#[test]
fn objects_of_other_files_are_merged_by_name() {
    let setup = setup(OBJECTS).more(
        "more.toml",
        "[[task]]\nname = \"shop\"\ntables = [\"shop.orders\"]\n\
         [[source]]\nname = \"other\"\nkind = \"mysql\"\nurl = \"mysql://a@b\"",
    );
    let config = setup.config();
    assert_eq!((config.sources.len(), config.tasks.len()), (2, 1));
    assert_eq!(config.tasks[0].include, ["shop.orders"]);
    assert_eq!(config.tasks[0].source.as_str(), "shop-db");
}

#[test]
fn k08_unknown_keys_are_faults_with_a_guess() {
    check(
        "\n[[task]]\nname = \"a\"\nsource = \"s\"\ntables = [\"a.*\"]\nkeep = { retentoin = \"7d\" }\n[[source]]\nname = \"s\"\nkind = \"mysql\"\nurl = \"mysql://a@b\"",
        &[
            "wellhead.toml:6: unknown key \"retentoin\" in [[task]].keep; did you mean \"retention\"?",
        ],
    );
    check(
        "[kafka]\nlistn = \"127.0.0.1:1\"",
        &["wellhead.toml:2: unknown key \"listn\" in [kafka]; did you mean \"listen\"?"],
    );
    check(
        "[server]\nlog = { lvel = \"info\" }",
        &["wellhead.toml:2: unknown key \"lvel\" in [server].log; did you mean \"level\"?"],
    );
    check(
        "[[taks]]\nname = \"a\"",
        &["wellhead.toml:1: unknown key \"taks\"; did you mean \"task\"?"],
    );
    check("xyzzy = 1", &["wellhead.toml:1: unknown key \"xyzzy\""]);
}

#[test]
fn keys_of_which_nothing_comes_yet_are_unknown() {
    check(
        "[http]\noidc = { issuer = \"a\" }\n[alerts]\nwebhook = []",
        &[
            "wellhead.toml:2: unknown key \"oidc\" in [http]",
            "wellhead.toml:3: unknown key \"alerts\"",
        ],
    );
    check(
        "[kafka]\nsasl = [\"GSSAPI\"]",
        &[
            "wellhead.toml:2: kafka.sasl = [\"GSSAPI\"] is not allowed: it is PLAIN or SCRAM-SHA-256 or SCRAM-SHA-512",
        ],
    );
}

#[test]
fn all_faults_are_told_at_once_in_order() {
    let text = "[server]\nlog = { level = \"loud\" }\nshutdown_grace = \"30\"\n[storage]\n\
                compression = \"zstd\"\nsegment_bytes = \"1kB\"\nmin_free = \"100%\"\n[http]\nlisten = 80\n";
    check(
        text,
        &[
            "wellhead.toml:2: server.log.level = \"loud\" is not allowed: it is error or warn or info or debug or trace",
            "wellhead.toml:3: server.shutdown_grace = \"30\" is not allowed: a duration is a number with a unit (ms, s, m, h, d), like 30s or 7d",
            "wellhead.toml:5: storage.compression = \"zstd\" is not allowed: it is none or lz4",
            "wellhead.toml:6: storage.segment_bytes = \"1kB\" is not allowed: it is from 1048576 to 1073741824 bytes",
            "wellhead.toml:7: storage.min_free = \"100%\" is not allowed: a part is from 0% to 99%",
            "wellhead.toml:9: http.listen must be a string, not integer",
        ],
    );
}

#[test]
fn a_text_that_is_not_toml_is_told_with_its_line() {
    let faults = setup("[server]\ndata_dir = \n").faults();
    assert!(faults.starts_with("wellhead.toml:2: not TOML: "), "{faults}");
}

#[test]
fn a_missing_file_is_told() {
    let setup = setup("");
    std::fs::remove_file(setup.inputs.file.as_ref().unwrap()).unwrap();
    assert_eq!(setup.faults(), "wellhead.toml: cannot be read: no such file");
}

#[test]
fn values_of_the_wrong_form_are_told() {
    check("server = 1", &["wellhead.toml:1: server must be a table"]);
    check(
        "[server.log.level]\na = 1",
        &["wellhead.toml:1: server.log.level must be a string, not table"],
    );
    check(
        "[task]\nname = \"a\"",
        &["wellhead.toml:1: task must be an array of tables; write [[task]]"],
    );
    check(
        "[kafka]\nsasl = \"PLAIN\"",
        &["wellhead.toml:2: kafka.sasl must be an array of strings, not string"],
    );
    check(
        "[kafka]\nlimits.connections = 0",
        &["wellhead.toml:2: kafka.limits.connections = 0 is not allowed: it is from 1 to 1000000"],
    );
    check(
        "[kafka]\nlisten = \"localhost\"\nadvertised = \"host\"",
        &[
            "wellhead.toml:2: kafka.listen = \"localhost\" is not allowed: it is an address and a port, like 127.0.0.1:9092 or [::]:9092",
            "wellhead.toml:3: kafka.advertised = \"host\" is not allowed: it is auto, or a host and a port, like wellhead.internal:9092",
        ],
    );
}

#[test]
fn unknown_variables_and_bad_values_in_them_are_told() {
    let setup = setup("")
        .env("WELLHEAD_KAFKA__LISTN", "x")
        .env("WELLHEAD_KAFKA__LIMITS__CONNECTIONS", "many");
    assert_eq!(
        setup.faults(),
        "env WELLHEAD_KAFKA__LIMITS__CONNECTIONS: kafka.limits.connections must be an integer\n\
         env WELLHEAD_KAFKA__LISTN: there is no such key; did you mean \"WELLHEAD_KAFKA__LISTEN\"?"
    );
}

#[test]
fn more_doors_are_as_the_first_unless_they_say_otherwise() {
    let text = r#"
        [kafka]
        sasl = ["SCRAM-SHA-512"]
        tls = { cert_file = "a.crt", key_file = "a.key" }
        [[kafka.listener]]
        name = "vpc"
        listen = "0.0.0.0:18003"
        advertised = "wh.internal:18003"
        [[kafka.listener]]
        name = "machines"
        listen = "0.0.0.0:18004"
        sasl = []
        tls = { cert_file = "b.crt", key_file = "b.key", client_ca_file = "ca.crt" }
        [[kafka.listener]]
        name = "plain"
        listen = "[::1]:18005"
        tls.cert_file = ""
    "#;
    let kafka = setup(text).config().kafka;
    let files = |name: &str, client_ca: Option<&str>| tls::Files {
        certificate: format!("{name}.crt").into(),
        key: format!("{name}.key").into(),
        client_ca: client_ca.map(Into::into),
    };
    let scram: Mechanism = "SCRAM-SHA-512".parse().unwrap();
    assert_eq!((&kafka.listener.name, &kafka.listener.tls), (&None, &Some(files("a", None))));
    let listener = |name: &str, listen: &str| Listener {
        name: Some(name.into()),
        listen: listen.parse().unwrap(),
        advertised: Advertised::Auto,
        sasl: vec![scram],
        tls: None,
    };
    let advertised = Advertised::Address { host: "wh.internal".into(), port: 18003 };
    let tls = Some(files("a", None));
    let vpc = Listener { advertised, tls, ..listener("vpc", "0.0.0.0:18003") };
    let tls = Some(files("b", Some("ca.crt")));
    let machines = Listener { sasl: Vec::new(), tls, ..listener("machines", "0.0.0.0:18004") };
    assert_eq!(kafka.more, [vpc, machines, listener("plain", "[::1]:18005")]);
}

#[test]
fn what_is_wrong_with_a_door_is_told_by_its_line() {
    check(
        "[[kafka.listener]]\nname = \"vpc\"\nlistn = \"127.0.0.1:1\"\n[kafka]\nlistner = 1",
        &[
            "wellhead.toml:1: [[kafka.listener]] needs the key \"listen\"",
            "wellhead.toml:3: unknown key \"listn\" in [[kafka.listener]]; did you mean \"listen\"?",
            "wellhead.toml:5: unknown key \"listner\" in [kafka]; did you mean \"listener\"?",
        ],
    );
    check(
        "[[kafka.listener]]\nlisten = \"127.0.0.1:1\"",
        &["wellhead.toml:1: [[kafka.listener]] needs the key \"name\""],
    );
    check(
        "[[kafka.listener]]\nname = \"vpc\"\nlisten = \"0.0.0.0:1\"\nsasl = []",
        &["wellhead.toml:3: [[kafka.listener]].listen = \"0.0.0.0:1\" is not allowed: it can be \
             reached from other machines, so clients must log in; set sasl = [\"PLAIN\"], or ask \
             for certificates with tls.client_ca_file, or listen on 127.0.0.1"],
    );
    check(
        "[kafka.tls]\ncert_file = \"a\"\n[http.tls]\nkey_file = \"b\"",
        &[
            "wellhead.toml:2: kafka.tls.cert_file needs kafka.tls.key_file too",
            "wellhead.toml:4: http.tls.key_file needs http.tls.cert_file too",
        ],
    );
    check(
        "[kafka.tls]\nclient_ca_file = \"a\"",
        &["wellhead.toml:2: kafka.tls.client_ca_file needs kafka.tls.cert_file too"],
    );
}

#[test]
fn what_changed_between_two_readings_is_named_by_its_keys() {
    let before = format!("{OBJECTS}[[kafka.listener]]\nname = \"vpc\"\nlisten = \"[::1]:1\"\n");
    let after = before
        .replace("tables = [\"shop.*\"]", "tables = [\"shop.*\", \"crm.*\"]")
        .replace("listen = \"[::1]:1\"", "listen = \"[::1]:1\"\ntls.cert_file = \"\"")
        .replace("name = \"billing\"", "name = \"lake\"");
    let after = format!("server.log.level = \"debug\"\n{after}");
    let (before, after) = (setup(&before).loaded(), setup(&after).loaded());
    let changed = before.changed(&after);
    let expected = [
        "server.log.level",
        "[[task]] shop.tables",
        "[[group]] shop/billing",
        "[[kafka.listener]] vpc.tls.cert_file",
        "[[group]] shop/lake",
    ];
    assert_eq!(changed, expected);
    assert!(before.changed(&before).is_empty());
    assert_eq!(before.config.locks(), after.config.locks());
}

#[test]
fn a_door_to_the_network_needs_a_lock() {
    let open = "[kafka]\nlisten = \"0.0.0.0:9092\"\nsasl = []";
    check(
        open,
        &[
            "wellhead.toml:2: kafka.listen = \"0.0.0.0:9092\" is not allowed: it can be reached from other \
         machines, so clients must log in; set kafka.sasl = [\"PLAIN\"], or ask for certificates with \
         kafka.tls.client_ca_file, or listen on 127.0.0.1",
        ],
    );
    for text in [
        "[kafka]\nlisten = \"0.0.0.0:9092\"",
        "[kafka]\nlisten = \"[::1]:9092\"\nsasl = []",
        "[kafka]\nsasl = []",
    ] {
        setup(text).config();
    }
}

#[test]
fn references_are_replaced_after_parsing() {
    let setup = setup(
        "# ${env:NOT_LOOKED_AT}\n[server]\ndata_dir = \"${env:BASE}/data\"\n\
         log.level = \"${env:LEVEL:-warn}\"\n[kafka]\nadvertised = \"${file:HOST}:${env:PORT:-1}\"",
    );
    let host = setup.folder.path().join("host");
    std::fs::write(&host, "wh.internal\r\n").unwrap();
    let file = setup.inputs.file.clone().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("HOST", &host.display().to_string())).unwrap();
    let config = setup.env("BASE", "/srv/\"${x}\"\n").env("LEVEL", "").config();
    assert_eq!(config.server.data_dir, Path::new("/srv/\"${x}\"\n/data"));
    assert_eq!(config.server.log.level, LogLevel::Warn);
    let advertised = Advertised::Address { host: "wh.internal".into(), port: 1 };
    assert_eq!(config.kafka.listener.advertised, advertised);
}

#[test]
fn all_missing_references_are_told_at_once() {
    check(
        "[server]\ndata_dir = \"${env:NONE}/${file:/nonexistent/x}\"\n[kafka]\nadvertised = \"${vault:x}\"\n[http]\nlisten = \"${env:X\"",
        &[
            "wellhead.toml:2: ${env:NONE} is not set. Set it, or give a default: ${env:NONE:-value}.",
            "wellhead.toml:2: ${file:/nonexistent/x} cannot be read: no such file. Mount it, or use ${env:NAME}.",
            "wellhead.toml:4: \"${vault:x}\" is not a reference: write ${env:NAME}, ${env:NAME:-default} or ${file:/path}, and $${ for a literal ${",
            "wellhead.toml:6: a \"${\" is never closed; write $${ for a literal one",
        ],
    );
    let overridden =
        setup("[server]\ndata_dir = \"${env:NONE}\"").flag("--data-dir", "server.data_dir", "/d");
    assert_eq!(overridden.config().server.data_dir, Path::new("/d"));
}

#[test]
fn a_dollar_can_be_doubled() {
    let config = setup("[server]\ndata_dir = \"/a$/$${env:X}\"").config();
    assert_eq!(config.server.data_dir, Path::new("/a$/${env:X}"));
}

#[test]
fn objects_say_what_they_lack() {
    check(
        "[[source]]\nname = \"s\"\n[[task]]\n[[group]]\ntask = \"t\"\nname = \"g\"",
        &[
            "wellhead.toml:1: [[source]] needs the key \"kind\"",
            "wellhead.toml:1: [[source]] needs the key \"url\"",
            "wellhead.toml:3: [[task]] needs the key \"name\"",
            "wellhead.toml:4: [[group]] needs the key \"user\"",
            "wellhead.toml:4: [[group]] needs the key \"password_file\" or \"password\"",
            "wellhead.toml:5: [[group]].task = \"t\" names no [[task]] of the configuration",
        ],
    );
}

/// Each replacement breaks one line of [`OBJECTS`], of which the one fault must speak.
#[test]
fn broken_objects_are_told_by_line() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "kind = \"mysql\"",
            "kind = \"oracle\"",
            "wellhead.toml:3: [[source]].kind = \"oracle\" is not allowed: it is mysql or mariadb",
        ),
        (
            "url = \"mysql://wh@db.internal:3306\"",
            "url = \"http://a:geheim@b\"",
            "wellhead.toml:4: [[source]].url is not allowed: the source URL does not start with mysql:// or mariadb://; it must look like mysql://user:password@host:3306/database",
        ),
        (
            "wh@db",
            "wh:geheim@db",
            "wellhead.toml:4: [[source]].url holds password too; give it once",
        ),
        (
            "kind = \"mysql\"",
            "kind = \"mysql\"\ntls = \"maybe\"",
            "wellhead.toml:4: [[source]].tls = \"maybe\" is not allowed: it is disable or prefer or require or verify-ca or verify-full",
        ),
        (
            "kind = \"mysql\"",
            "kind = \"mysql\"\nserver_id = 0",
            "wellhead.toml:4: [[source]].server_id = \"0\" is not allowed: it is \"auto\", or a number from 1 to 4294967295",
        ),
        (
            "source = \"shop-db\"",
            "source = \"shopdb\"",
            "wellhead.toml:8: [[task]].source = \"shopdb\" names no [[source]] of the configuration; did you mean \"shop-db\"?",
        ),
        (
            "tables = [\"shop.*\"]",
            "tables = [\"shop\"]",
            "wellhead.toml:9: [[task]].tables: table pattern \"shop\" must be database.table, like shop.* or shop.order_*",
        ),
        (
            "tables = [\"shop.*\"]",
            "tables = []",
            "wellhead.toml:9: [[task]] needs the key \"tables\", like [\"shop.*\"]",
        ),
        (
            "tables = ",
            "ops = [\"select\"]\ntables = ",
            "wellhead.toml:9: [[task]].ops = [\"select\"] is not allowed: it holds \"dml\", \"ddl\", or both",
        ),
        (
            "tables = ",
            "start = \"@soon\"\ntables = ",
            "wellhead.toml:9: [[task]].start = \"@soon\" is not allowed: it is now, earliest, @1712905965, @2026-11-21T04:00:00Z, @-1h, or a position of the source's log, like FILE:OFFSET or gtid=SET",
        ),
        (
            "tables = ",
            "topic = \"a b\"\ntables = ",
            "wellhead.toml:9: [[task]].topic = \"a b\" is not allowed: 1 to 249 letters, digits, underscores, dashes and dots, neither \".\" nor \"..\"",
        ),
        (
            "user = \"billing\"\npassword = \"s3cret-Passw0rd\"",
            "user = \"billing\"\npassword = \"short1\"",
            "wellhead.toml:10: [[group]] \"billing\": password is not allowed: it has 8 to 32 characters",
        ),
        (
            "user = \"billing\"\npassword = \"s3cret-Passw0rd\"",
            "user = \"billing\"\npassword_file = \"/nonexistent/p\"",
            "wellhead.toml:14: password_file /nonexistent/p cannot be read: no such file. Mount it, or use password = \"${env:NAME}\".",
        ),
        (
            "user = \"billing\"",
            "user = \"billing\"\npassword_file = \"/nonexistent/p\"",
            "wellhead.toml:14: [[group]] has password and password_file; give one",
        ),
        (
            "[[task]]",
            "[[source]]\nname = \"shop-db\"\n[[task]]",
            "wellhead.toml:6: source \"shop-db\" is defined twice; first at wellhead.toml:1",
        ),
        (
            "[[group]]",
            "[[task]]\nname = \"b\"\nsource = \"shop-db\"\ntables = [\"a.b\"]\ntopic = \"shop\"\n[[group]]",
            "wellhead.toml:14: topic \"shop\" is that of task \"shop\" already",
        ),
    ];
    for (whole, broken, expected) in cases {
        let text = OBJECTS.replacen(whole, broken, 1);
        assert_ne!(text, OBJECTS, "{whole}");
        assert_eq!(setup(&text).faults(), *expected, "{broken}");
    }
}

#[test]
fn passwords_can_come_from_files() {
    let setup = setup("");
    let secret = setup.folder.path().join("secret");
    std::fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
    let line = format!("password_file = \"{}\"", secret.display());
    let text = OBJECTS.replace("password = \"s3cret-Passw0rd\"", &line);
    std::fs::write(setup.inputs.file.as_ref().unwrap(), text).unwrap();
    let config = setup.config();
    assert_eq!(config.sources[0].password, Some(Secret::new(PASSWORD)));
    assert_eq!(config.groups[0].password, Secret::new(PASSWORD));
}

#[test]
fn show_tells_every_key_with_its_origin() {
    let text = format!("[server]\ndata_dir = \"${{env:BASE}}/d\"\n{OBJECTS}");
    let setup = setup(&text).env("BASE", "/srv").env("WELLHEAD_HTTP__LISTEN", "127.0.0.1:1").flag(
        "--log-level",
        "server.log.level",
        "debug",
    );
    let shown = setup.strip(&setup.loaded().show());
    let lines: Vec<String> =
        shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        "data_dir = \"${env:BASE}/d\" # wellhead.toml:2",
        "log.level = \"debug\" # --log-level",
        "log.format = \"auto\" # default",
        "listen = \"127.0.0.1:1\" # env WELLHEAD_HTTP__LISTEN",
        "limits.connections = 2000 # default",
        "sasl = [\"PLAIN\", \"SCRAM-SHA-256\", \"SCRAM-SHA-512\"] # default",
        "[[source]] # wellhead.toml:3",
        "url = \"mysql://wh@db.internal:3306\" # wellhead.toml:6",
        "password = \"***\" # wellhead.toml:7",
        "tables = [\"shop.*\"] # wellhead.toml:11",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}\n{shown}");
    }
    toml::from_str::<toml::Table>(&shown).expect("what is shown is TOML");
}

#[test]
fn k06_secrets_are_not_shown() {
    let url = "url = \"mysql://wh:ge:he@im@db.internal:3306?tls=require\"";
    let text = OBJECTS.replace("url = \"mysql://wh@db.internal:3306\"", url).replacen(
        "password = \"s3cret-Passw0rd\"\n",
        "",
        1,
    );
    let setup = setup(&text);
    let loaded = setup.loaded();
    assert_eq!(loaded.config.sources[0].password, Some(Secret::new("ge:he@im")));
    for text in [loaded.show(), format!("{loaded:?}")] {
        for secret in ["he@im", PASSWORD] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn durations_and_sizes_are_read_as_people_write_them() {
    let duration = |text| quantity::duration(text).map(|value| value.as_millis());
    assert_eq!(duration("1h30m"), Ok(5_400_000));
    assert_eq!((duration("5 ms"), duration("2d"), duration("0")), (Ok(5), Ok(172_800_000), Ok(0)));
    for text in
        ["", "5", "s", "5y", "-5s", "5s5", "1.5s", "99999999999999999999s", "9999999999999999d"]
    {
        assert!(duration(text).is_err(), "{text:?}");
    }
    assert_eq!(quantity::bytes("256MiB"), Ok(256 << 20));
    assert_eq!((quantity::bytes("12"), quantity::bytes("3 kB")), (Ok(12), Ok(3000)));
    for text in ["", "MiB", "-1", "1mb", "1.5GiB", "99999999TiB", "9223372036854775808"] {
        assert!(quantity::bytes(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_part_of_a_file_system_is_its_bytes() {
    assert_eq!(MinFree::Percent(5).bytes(u64::MAX), u64::MAX / 100 * 5);
    assert_eq!(MinFree::Bytes(7).bytes(1), 7);
}

#[test]
fn without_its_secrets_a_configuration_is_judged_by_the_rest() {
    let text = format!(
        "{OBJECTS}\n[http]\nlisten = \"${{env:NOT_SET}}\"\n[[group]]\ntask = \"shop\"\nname = \"b\"\n\
         user = \"u\"\npassword_file = \"/nowhere/secret\"\n"
    );
    let mut setup = setup(&text);
    assert_eq!(setup.faults().lines().count(), 2);
    setup.inputs.without_secrets = true;
    assert!(super::check(&setup.inputs).unwrap().is_none(), "what listens is not known");
    let wrong = text.replace("shop.*", "nonsense");
    let mut setup = self::setup(&wrong);
    setup.inputs.without_secrets = true;
    let faults = super::check(&setup.inputs).unwrap_err();
    assert_eq!(faults.iter().count(), 1);
}
