//! The page for users says what the code does. With `WRITE_PAGES=1` it is written instead.

use std::fmt::Write as _;
use std::path::Path;

use kafka::ApiKey;
use kafka::api::Standing;

const BEGIN: &str = "<!-- written by crates/kafka/tests/page.rs -->\n";
const END: &str = "<!-- end -->";

#[test]
fn the_page_has_the_table_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kafka.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page says where its table begins");
    let (_, after) = rest.split_once(END).expect("the page says where its table ends");
    let written = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("WRITE_PAGES").is_some() {
        std::fs::write(&path, &written).unwrap();
        return;
    }
    assert!(
        page == written,
        "docs/kafka.md is old: run WRITE_PAGES=1 cargo test -p kafka --test page"
    );
}

fn table() -> String {
    let mut table =
        "\n| API | number | versions | is for | here |\n|---|---|---|---|---|\n".to_owned();
    for api in ApiKey::ALL {
        let here = match api.standing() {
            Standing::Answered => "answered",
            Standing::Refused => "refused",
        };
        let versions = api.versions();
        let range = match (versions.min, versions.max) {
            (min, max) if min == max => min.to_string(),
            (min, max) => format!("{min}–{max}"),
        };
        let purpose = api.purpose().trim_end_matches('.');
        let number = api.number();
        writeln!(table, "| {api:?} | {number} | {range} | {purpose} | {here} |")
            .expect("a string takes any text");
    }
    table.push('\n');
    table
}
