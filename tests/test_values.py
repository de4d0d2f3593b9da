"""Every value of both families, as the server itself says it: streamed and selected text are the same.

One Wellhead run for each kind of server follows everything that the tests of this file change; the tests then hold what
came against what the server answered. Each case runs in every configuration of `CONFIGURATIONS`.
"""

import dataclasses
import json

import pytest

from harness import database, oracle, wellhead
from harness.oracle import column
from values import charsets, documents, images, odd, types

CASES = [*types.CASES, *documents.CASES, *charsets.CASES, *odd.CASES, *images.CASES]


@dataclasses.dataclass(frozen=True)
class Configuration:
    """How the server logs: global variables, then those of the session that writes."""

    server: dict
    session: dict = dataclasses.field(default_factory=dict)


CONFIGURATIONS = {
    "mariadb": {
        "full": Configuration({"binlog_row_metadata": "FULL", "binlog_checksum": "CRC32", "log_bin_compress": 0}),
        "minimal": Configuration({"binlog_row_metadata": "MINIMAL", "binlog_checksum": "NONE"}),
        "packed": Configuration(
            {"binlog_row_metadata": "NO_LOG", "log_bin_compress": 1, "log_bin_compress_min_len": 10}
        ),
    },
    "mysql": {
        "full": Configuration({"binlog_row_metadata": "FULL", "binlog_checksum": "CRC32"}),
        "minimal": Configuration({"binlog_row_metadata": "MINIMAL", "binlog_checksum": "NONE"}),
        "packed": Configuration({"binlog_row_metadata": "FULL"}, {"binlog_transaction_compression": 1}),
    },
}


class Played:
    """What the cases of one kind of server did, and what came of it."""

    def __init__(self, server, tapped):
        self.server, self.tapped = server, tapped
        self.watched = {}  # by configuration and case
        self.failed = {}
        self.stream = None

    def play(self):
        """Goes through all cases in all configurations."""
        for name, configuration in CONFIGURATIONS[self.server.kind].items():
            for variable, value in configuration.server.items():
                self.server.sql(f"SET GLOBAL {variable} = {value}")
            session = oracle.Session(self.server)
            session.execute(f"USE {self.database(name)}")
            for variable, value in configuration.session.items():
                session.execute(f"SET SESSION {variable} = {value}")
            for case in (case for case in CASES if case.only in ("", self.server.kind)):
                try:
                    self.watched[name, case.name] = case.play(session, self.database(name))
                except Exception as wrong:  # the test of this case fails, and no other
                    self.failed[name, case.name] = wrong
            session.close()

    def follow(self):
        """Reads what came of it."""
        self.server.sql(f"CREATE TABLE {self.database('full')}.the_end (id INT PRIMARY KEY)",
                        f"INSERT INTO {self.database('full')}.the_end VALUES (1)")
        self.stream = oracle.Stream(self.tapped.kafka, "values", self.tapped.new_login("values"))
        self.stream.read_to(f"{self.database('full')}.the_end", 240, self.is_well)
        self.stream.close()
        print(json.dumps(self.tapped.task("values"), indent=1))

    def is_well(self):
        return self.tapped.task("values")["state"] in ("normal", "initial")

    @staticmethod
    def database(configuration):
        return f"values_{configuration}"

    def hold(self, *cases, configurations=("full", "minimal", "packed")):
        """Holds what came against what the server said."""
        compared = 0
        for configuration in configurations:
            for name in cases:
                case = next(case for case in CASES if case.name == name)
                if case.only not in ("", self.server.kind):
                    continue
                if (configuration, name) in self.failed:
                    raise self.failed[configuration, name]
                for table in self.watched[configuration, name]:
                    compared += table.check(self.stream.of(table.database, table.name))
        return compared

    def rows(self, table, configuration="full"):
        """The records of a table."""
        return self.stream.of(self.database(configuration), table)


@pytest.fixture(scope="module", params=list(database.EVERY_KIND))
def values(request, templates, session_folder):
    """All cases, played on a server of each kind whose own zone is not UTC and has a gap."""
    kind = request.param
    folder = session_folder / f"values-{kind}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        options = {"gtid-mode": "ON", "enforce-gtid-consistency": "ON"} if kind == "mysql" else {}
        server = database.EVERY_KIND[kind](folder, options, templates[kind]).start()
    tapped = wellhead.Wellhead.serve(session_folder / f"values-{kind}-wellhead")
    try:
        server.create_user()
        names = [Played.database(configuration) for configuration in CONFIGURATIONS[server.kind]]
        server.sql(*(f"CREATE DATABASE {name} CHARACTER SET utf8mb4" for name in names))
        tapped.start()
        tapped.track("values", server, names[0], objects={name: {"all": True} for name in names}, auto_start=True)
        tapped.wait_for_state("values", "normal")
        played = Played(server, tapped)
        played.play()
        played.follow()
        yield played
    except Exception:
        print(tapped.log_tail())
        raise
    finally:
        tapped.kill()
        server.stop()


def test_the_oracle_compares_many_values(values):
    """Were the comparison to see nothing, all other tests would pass."""
    assert values.hold(*(case.name for case in types.CASES if case.name.startswith("b0"))) > 10_000


def test_a09_compressed_columns(values):
    values.hold("a09")


def test_b01_integers_of_every_width_and_sign(values):
    values.hold("b01", "b01_serial")


def test_b02_booleans_are_integers(values):
    values.hold("b02")


def test_b03_decimals_are_exact(values):
    values.hold("b03")


def test_b04_floats_have_the_shortest_digits_that_read_back(values):
    values.hold("b04")


def test_b05_bits(values):
    values.hold("b05")


def test_b06_years(values):
    values.hold("b06")


def test_b07_zero_and_partial_dates(values):
    values.hold("b07", "b07_key")


def test_b08_dates_at_the_ends_of_the_calendar(values):
    values.hold("b08")


def test_b09_times_with_sign_and_fractions(values):
    values.hold("b09")


def test_b10_datetimes_with_fractions_and_in_old_forms(values):
    values.hold("b10", "b10_old_forms")


def test_b11_timestamps_are_instants_in_every_zone(values):
    values.hold("b11")


def test_b12_labels(values):
    values.hold("b12", "b12_lists", "b12_emoji")


def test_b13_character_sets(values):
    values.hold("b13", "b13_convert", "b13_broken")


def test_b13_statements_are_in_utf8_whatever_their_client_spoke(values):
    values.hold("b13_statements")
    delivered = [entry["afterImages"] for entry in values.stream.others if entry["operation"] == "DDL"]
    for (_, case), tables in values.watched.items():
        if case == "b13_statements":
            assert not [table.statement for table in tables if table.statement not in delivered]


def test_b14_text_of_every_length(values):
    values.hold("b14", "b14_padding")


def test_b15_bytes_keep_their_zeros(values):
    values.hold("b15", "b15_key")


def test_b16_text_with_a_binary_collation_is_text(values):
    values.hold("b16")


def test_b17_documents_read_as_the_server_casts_them(values):
    values.hold("b17", "b17_opaque", "b17_empty")


def test_b18_partial_updates_arrive_as_whole_documents(values):
    values.hold("b18", "b18_partial")


def test_b19_an_alias_is_the_same_type_everywhere(values):
    values.hold("b19")


def test_b20_addresses_and_identifiers_have_their_own_text(values):
    values.hold("b20", "b20_key")


def test_b21_vectors(values):
    values.hold("b21", "b21_mariadb")


def test_b22_geometries(values):
    values.hold("b22")


def test_b23_generated_and_hidden_columns_shift_nothing(values):
    values.hold("b23")


def test_b24_invisible_columns_are_shown(values):
    values.hold("b24")


def test_b25_no_default_stops_anything(values):
    values.hold("b25")


def test_b26_names_that_need_quotes(values):
    values.hold("b26", "b26_columns", "b26_case")


def test_b27_wide_tables(values):
    values.hold("b27")


def test_c01_what_was_not_logged_is_not_null(values):
    values.hold("c01")
    images = [entry["afterImages"] or [] for entry in values.rows("c01")]
    absent = [image for image in images if any(value and value[1] == oracle.ABSENT for value in image)]
    assert any(None in image for image in absent), "NULL and absent in one image"


def test_c02_tables_without_a_primary_key(values):
    values.hold("c02")
    keys = {table: values.rows(table)[0]["tags"].get("pk_uk_info") for table in ("c02_unique", "c02_bare", "c02_same")}
    # The first unique key without NULL is the primary one to the server where there is no other.
    unique = json.loads(keys["c02_unique"])
    assert unique.pop("PRIMARY", ["a"]) == ["a"] and unique == {"only_a": ["a"], "both_": ["b", "a"]}
    assert keys["c02_bare"] is None and keys["c02_same"] is None


def test_c03_keys_that_change(values):
    values.hold("c03")


def test_c06_updates_that_change_nothing(values):
    values.hold("c06")


@pytest.fixture(scope="module")
def shown(values):
    """The inserted rows as `wellhead tail` shows them, by table and key."""
    where = ("--url", f"http://{values.tapped.http}", "--token-file", values.tapped.data / "admin.token")
    done = wellhead.run(
        "tail", "values", "-s", "start", "-o", "json", "--op", "insert", "--table", "values_full.b*", *where
    )
    assert done.returncode == 0, done.stderr
    rows = {}
    for line in map(json.loads, done.stdout.rstrip("\n").split("\n")):
        rows.setdefault(line["table"], {})[line["after"].get("id")] = line["after"]
    return rows


def test_tail_shows_exact_values(values, shown):
    """Numbers, times, labels and documents read as the server's own text does."""
    def moment(text):
        text = text.replace("T", " ").rstrip("Z")
        return text.rstrip("0").rstrip(".") if "." in text else text

    same = {
        "Integer": lambda value, text: value == int(text),
        "Float": lambda value, text: value == float(text),
        "Decimal": lambda value, text: value == text,
        "DateTime": lambda value, text: moment(value) == moment(text),
        "Timestamp": lambda value, text: moment(value) == moment(text),
        "TextObject": lambda value, text: value == bytes.fromhex(text).decode(),
    }
    compared = 0
    for case in ("b01", "b02", "b03", "b04", "b05", "b06", "b07", "b08", "b09", "b10", "b12", "b17"):
        [table] = values.watched["full", case]
        for change in table.expected[0]:
            row = shown[case][int(change.after["id"])]
            for field in (field for field in change.fields if field.kind.branch in same):
                text, value = change.after[field.name], row[field.name]
                is_same = value is None if text is None else same[field.kind.branch](value, text)
                assert is_same, f"{case} {field.name} {field.type}: wanted {text}, shown {value}"
                compared += 1
    assert compared > 1_500


def test_b13_tail_shows_text_in_every_character_set(values, shown):
    """Text reads as the server converts it to UTF-8; bytes that are none say so."""
    broken = shown["b13_broken"]
    assert broken[1]["v"] == {"charset": "cp1250", "base64": "gWGDkA=="} and broken[2]["v"] == "whole"
    tables = [table.name for table in values.watched["full", "b13"]]
    assert len(tables) > 35
    for table in tables:
        rows = shown[table]
        texts = f"SELECT id, CONVERT(c USING utf8mb4), CONVERT(e USING utf8mb4) FROM values_full.{table} WHERE id > 1"
        for id_, text, label in values.server.sql("SET sql_mode = ''", texts):
            assert rows[id_]["c"] == text, f"{table} {id_}"
            assert rows[id_]["e"] == label, f"{table} {id_}"
