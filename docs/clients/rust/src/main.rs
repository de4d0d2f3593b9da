//! Prints the row changes of a topic as lines of JSON, from its beginning.

use std::error::Error;
use std::{env, fs};

use apache_avro::types::Value;
use apache_avro::{Schema, from_avro_datum_schemata};
use rskafka::client::partition::{OffsetAt, UnknownTopicHandling};
use rskafka::client::{ClientBuilder, Credentials, SaslConfig};
use serde_json::{Map, Value as Json, json};

fn setting(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or_else(|_| otherwise.into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let broker = setting("WELLHEAD_BROKER", "127.0.0.1:9092");
    let topic = setting("WELLHEAD_TOPIC", "shop");
    let user = setting("WELLHEAD_USER", "reader-dtsgroupid");
    let password = setting("WELLHEAD_PASSWORD", "Secret_123");

    // The file is a list of named types; the last one is the record.
    let types: Vec<Json> = serde_json::from_str(&fs::read_to_string("../record.avsc")?)?;
    let texts: Vec<String> = types.iter().map(Json::to_string).collect();
    let schemata = Schema::parse_list(&texts)?;
    let schema = schemata.last().ok_or("the schema is empty")?;

    let mut client = ClientBuilder::new(vec![broker]);
    if !user.is_empty() {
        // `wellhead tap` asks for no login.
        client = client.sasl_config(SaslConfig::Plain(Credentials::new(user, password)));
    }
    let client = client.build().await?;
    let partition = client.partition_client(topic, 0, UnknownTopicHandling::Error).await?;

    // This library has no consumer groups: keep `next` beside what you have done, and begin there.
    let mut next = partition.get_offset(OffsetAt::Earliest).await?;
    loop {
        let (messages, _) = partition.fetch_records(next, 1..1_000_000, 500).await?;
        for message in messages {
            next = message.offset + 1;
            let value = message.record.value.unwrap_or_default();
            let all = schemata.iter().collect();
            let record = from_avro_datum_schemata(schema, all, &mut value.as_slice(), None)?;
            let Value::Record(fields) = record else { continue };
            let field = |name| fields.iter().find(|field| field.0 == name).map(|field| &field.1);
            // No BEGIN, COMMIT, DDL, HEARTBEAT.
            if let Some(Value::Enum(_, operation)) = field("operation")
                && ["INSERT", "UPDATE", "DELETE"].contains(&operation.as_str())
            {
                let image = |side| image(field("fields"), field(side));
                println!(
                    "{}",
                    json!({"offset": message.offset, "operation": operation,
                           "table": field("objectName").map(text),
                           "before": image("beforeImages"), "after": image("afterImages")})
                );
            }
        }
    }
}

/// One side of a row as `{column: text}`; null where there is none.
fn image(fields: Option<&Value>, side: Option<&Value>) -> Json {
    let (Some(Value::Array(fields)), Some(Value::Array(values))) =
        (fields.map(inside), side.map(inside))
    else {
        return Json::Null;
    };
    let row = fields.iter().zip(values).filter_map(|(field, value)| match field {
        Value::Record(field) => Some((text(&field.first()?.1).as_str()?.to_owned(), text(value))),
        _ => None,
    });
    Json::Object(row.collect::<Map<_, _>>())
}

/// What a union holds.
fn inside(value: &Value) -> &Value {
    match value {
        Value::Union(_, inner) => inner,
        other => other,
    }
}

/// Numbers come as digits, text as bytes with the name of its charset; null is SQL `NULL`.
fn text(value: &Value) -> Json {
    match inside(value) {
        Value::Record(parts) => match parts.iter().find(|part| part.0 == "value") {
            Some((_, value)) => text(value),
            None => parts.iter().map(|(name, part)| (name.clone(), text(part))).collect(),
        },
        // utf8 and utf8mb4; the crate `encoding_rs` knows the others.
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into(),
        Value::String(text) => text.as_str().into(),
        Value::Int(number) => (*number).into(),
        Value::Long(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        _ => Json::Null,
    }
}
