use super::fill::{Login, PASSWORD, Place};
use super::shelf::{EXAMPLES, Example, example};

fn place(user: Option<&str>, tls: bool) -> Place {
    Place {
        broker: "wh.internal:19092".into(),
        topic: "crm".into(),
        login: Login { group: "dtsk3v9x2m7q1b4c8d".into(), user: user.map(Into::into) },
        tls,
    }
}

fn program(example: &Example, place: &Place) -> String {
    place.fill(&example.files[0]).text
}

#[test]
fn every_program_is_filled_in_and_can_be_started() {
    let place = place(Some("billing-dtsk3v9x2m7q1b4c8d"), false);
    for example in EXAMPLES {
        let text = program(example, &place);
        let mut wanted = vec!["wh.internal:19092", "crm", "billing-dtsk3v9x2m7q1b4c8d", PASSWORD];
        // rskafka knows no groups.
        if example.client != "rust" {
            wanted.push("dtsk3v9x2m7q1b4c8d\"");
        }
        for value in wanted {
            let text = text.replace(['\'', '}'], "\"");
            assert!(text.contains(value), "{}: {value} is missing", example.client);
        }
        for default in
            ["127.0.0.1:9092", "reader-dtsgroupid", "dtsgroupid", "Secret_123", "\"shop\""]
        {
            assert!(!text.contains(default), "{}: {default} is left", example.client);
        }
        assert!(!example.run().is_empty(), "{}: its page starts nothing", example.client);
    }
}

#[test]
fn where_nobody_asks_for_a_login_there_is_none() {
    let text = program(example("python").unwrap(), &place(None, false));
    assert!(text.contains("USER = os.environ.get(\"WELLHEAD_USER\", \"\")"), "{text}");
    let text = program(example("java").unwrap(), &place(None, false));
    assert!(text.contains("\"security.protocol\", \"PLAINTEXT\""), "{text}");
}

#[test]
fn a_listener_with_a_certificate_is_spoken_to_by_tls() {
    for (user, protocol) in [(Some("b-dts1"), "\"SASL_SSL\""), (None, "\"SSL\"")] {
        let text = program(example("java").unwrap(), &place(user, true));
        assert!(text.contains(protocol), "{protocol}: {text}");
    }
}

#[test]
fn only_the_program_is_changed() {
    let place = place(None, true);
    for file in EXAMPLES.iter().flat_map(|example| &example.files[1..]) {
        assert_eq!(place.fill(file).text, file.text, "{}", file.path);
    }
}
