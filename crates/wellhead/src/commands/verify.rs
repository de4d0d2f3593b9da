//! `wellhead verify`: a proof that a task's log says what its source says, by the API.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;
use service::{Operation, VerifiedTable, VerifyDifference, VerifyReport, VerifyRequest};

use super::task::path;
use crate::cli::{Global, VerifyArgs};
use crate::client::Client;
use crate::exit::Failure;
use crate::output::{Answer, Verdict, table, to_stderr, visible};

pub(super) async fn run(global: &Global, args: &VerifyArgs) -> Result<Answer> {
    let client = Client::new(global)?;
    let request = VerifyRequest {
        tables: args.table.clone(),
        sample_percent: args.sample,
        values: args.values,
        limit: Some(args.limit),
    };
    let started: Result<Operation> =
        client.post_json(&format!("{}/verify", path(&args.task)), &request).await;
    let operation = started.map_err(|error| Failure::with_list(error, "wellhead task list"))?;
    let place = format!("/api/v1/operations/{}", operation.id);
    let ended = tokio::select! {
        ended = follow(&client, global, &place, operation) => ended?,
        _ = tokio::signal::ctrl_c() => {
            client.delete(&place).await?;
            bail!(Failure::usage("the verification was cancelled"));
        }
    };
    answered(&ended)
}

/// Asks how far it is until it has ended.
async fn follow(
    client: &Client,
    global: &Global,
    place: &str,
    mut operation: Operation,
) -> Result<Operation> {
    let mut pause = PAUSE_MIN;
    let mut said = String::new();
    while operation.state == "running" {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
        operation = client.get(place).await?;
        let progress = &operation.progress;
        let phase = progress.phase.as_str();
        if global.verbose && said != phase {
            to_stderr(&format!("{phase}: {} records read\n", progress.records_read));
            phase.clone_into(&mut said);
        }
    }
    Ok(operation)
}

fn answered(operation: &Operation) -> Result<Answer> {
    if let Some(error) = &operation.error {
        let fixes = error.remedy.iter().map(|fix| format!("\n  fix: {}", visible(fix)));
        let message = format!("{}{}", error.message, fixes.collect::<String>());
        bail!(if error.by_source {
            Failure::environment(message)
        } else {
            Failure::bad_answer(message)
        });
    }
    let Some(report) = &operation.result else {
        bail!(Failure::usage("the verification was cancelled"));
    };
    let mut answer = Answer::data(shown(report), json!(report));
    answer.summary = summary(report);
    // No difference between nothing and nothing proves nothing.
    if report.equal && report.tables.is_empty() {
        bail!(Failure::bad_answer(format!(
            "nothing was compared: no table matches; look at the patterns with: wellhead task show {}",
            operation.task
        )));
    }
    if !report.equal {
        answer.verdict = Verdict::Bad;
    }
    Ok(answer)
}

fn shown(report: &VerifyReport) -> String {
    let head =
        ["TABLE", "ROWS", "EQUAL", "DIFFERENT", "BROKEN", "CHANGED", "NOT IN LOG", "TIME", ""];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(report.tables.iter().map(row));
    let mut text = table(&rows);
    if !report.differences.is_empty() {
        text.push('\n');
    }
    for difference in &report.differences {
        text.push_str(&line(difference));
    }
    let unlisted = report.difference_count.saturating_sub(report.differences.len() as u64);
    if unlisted > 0 {
        text.push_str(&format!("and {unlisted} more; list them with --limit\n"));
    }
    for fault in &report.log_faults {
        text.push_str(&format!("the log itself: {}\n", visible(fault)));
    }
    for remark in &report.remarks {
        text.push_str(&format!("note: {}\n", visible(remark)));
    }
    text.push_str(&format!("{}\n", summary(report)));
    text
}

fn row(found: &VerifiedTable) -> Vec<String> {
    let remark = match (&found.skipped, found.altered) {
        (Some(why), _) => format!("not compared: {why}; {} records", found.records),
        (None, 0) => String::new(),
        (None, altered) => format!("{altered} differ since the table was altered"),
    };
    vec![
        format!("{}.{}", found.database, found.table),
        found.rows.to_string(),
        found.equal.to_string(),
        found.different.to_string(),
        found.broken.to_string(),
        found.changed_meanwhile.to_string(),
        found.not_in_log.to_string(),
        format!("{:.1} s", found.duration_seconds),
        remark,
    ]
}

fn line(difference: &VerifyDifference) -> String {
    let key: Vec<_> =
        difference.key.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut text = format!(
        "{}.{} {}: {}",
        difference.database,
        difference.table,
        key.join(" "),
        what(difference)
    );
    if !difference.columns.is_empty() {
        text.push_str(&format!(" in {}", difference.columns.join(", ")));
    }
    for (name, [one, other]) in &difference.values {
        text.push_str(&format!("; {name}: {one} | {other}"));
    }
    format!("{}\n", visible(&text))
}

/// A difference in words.
fn what(difference: &VerifyDifference) -> String {
    let at = |offset: Option<i64>| offset.map_or_else(|| "?".into(), |offset| offset.to_string());
    let (now, before) = (at(difference.offset), at(difference.previous_offset));
    match difference.kind.as_str() {
        "value" => format!("the source differs from the log's newest record (offset {now})"),
        "missing_in_source" => format!("in the log (offset {now}), not in the source"),
        "not_deleted" => format!("deleted in the log (offset {now}), still in the source"),
        "missing_in_log" => "in the source, never in the log".into(),
        "broken_chain" => {
            format!("the record at offset {now} does not follow from the one at offset {before}")
        }
        "appears_twice" => {
            format!("inserted at offset {now}, although it is there since offset {before}")
        }
        "never_appeared" => {
            format!("changed or deleted at offset {now}, although the log does not have it")
        }
        other => format!("{other} (offset {now})"),
    }
}

fn summary(report: &VerifyReport) -> String {
    let rows: u64 = report.tables.iter().map(|table| table.rows).sum();
    let sample = match report.sample_percent {
        percent if percent < 100.0 => format!(" (a sample of {percent} %)"),
        _ => String::new(),
    };
    let verdict = match (report.difference_count, report.log_faults.len()) {
        (0, 0) => "no difference".to_owned(),
        (differences, 0) => plural(differences, "difference"),
        (differences, faults) => {
            format!(
                "{}, {} of the log itself",
                plural(differences, "difference"),
                plural(faults as u64, "fault")
            )
        }
    };
    let altered: u64 = report.tables.iter().map(|table| table.altered).sum();
    let verdict = match altered {
        0 => verdict,
        altered => {
            format!("{verdict}, but {} of altered tables cannot be judged", plural(altered, "row"))
        }
    };
    format!(
        "{} compared{sample}, {} checked, in {:.1} s: {verdict}",
        plural(rows, "row"),
        plural(report.records, "record"),
        report.duration_seconds
    )
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> VerifyReport {
        let table = VerifiedTable {
            database: "shop".into(),
            table: "orders".into(),
            records: 12,
            rows: 5,
            equal: 4,
            different: 1,
            altered: 0,
            changed_meanwhile: 2,
            broken: 0,
            not_in_log: 3,
            values_left_out: 0,
            skipped: None,
            duration_seconds: 0.25,
        };
        let difference = VerifyDifference {
            kind: "value".into(),
            database: "shop".into(),
            table: "orders".into(),
            key: [("id".to_owned(), "7".to_owned())].into(),
            columns: vec!["total".into()],
            values: [].into(),
            offset: Some(41),
            previous_offset: None,
        };
        VerifyReport {
            equal: false,
            first_offset: 0,
            end_offset: 42,
            records: 42,
            passes: 1,
            sample_percent: 100.0,
            duration_seconds: 0.5,
            tables: vec![table],
            differences: vec![difference],
            difference_count: 2,
            log_faults: vec![],
            remarks: vec![],
        }
    }

    fn operation(result: &VerifyReport) -> Operation {
        let progress = json!({"phase": "comparing", "records_read": 84, "records": 84,
            "rows_compared": 5, "differences": 1});
        let operation = json!({"id": "1", "kind": "verify", "task": "shop", "state": "done",
            "started": "", "started_unix": 0, "ended": null, "ended_unix": null,
            "progress": progress, "result": result, "error": null});
        serde_json::from_value(operation).unwrap()
    }

    #[test]
    fn a_difference_names_table_key_and_column() {
        let answer = answered(&operation(&report())).unwrap();
        assert_eq!(answer.verdict, Verdict::Bad);
        assert_eq!(
            answer.text,
            "TABLE        ROWS  EQUAL  DIFFERENT  BROKEN  CHANGED  NOT IN LOG  TIME\n\
             shop.orders  5     4      1          0       2        3           0.2 s\n\
             \n\
             shop.orders id=7: the source differs from the log's newest record (offset 41) in total\n\
             and 1 more; list them with --limit\n\
             5 rows compared, 42 records checked, in 0.5 s: 2 differences\n"
        );
    }

    #[test]
    fn a_proof_is_a_good_answer() {
        let good = VerifyReport {
            equal: true,
            differences: vec![],
            difference_count: 0,
            sample_percent: 2.5,
            ..report()
        };
        let answer = answered(&operation(&good)).unwrap();
        assert_eq!(answer.verdict, Verdict::Good);
        assert!(
            answer
                .text
                .ends_with("(a sample of 2.5 %), 42 records checked, in 0.5 s: no difference\n")
        );
    }

    #[test]
    fn nothing_compared_is_no_proof() {
        let nothing = VerifyReport {
            equal: true,
            tables: vec![],
            differences: vec![],
            difference_count: 0,
            ..report()
        };
        let error = answered(&operation(&nothing)).unwrap_err().to_string();
        assert!(error.starts_with("nothing was compared"), "{error}");
        assert!(error.ends_with("wellhead task show shop"), "{error}");
    }

    #[test]
    fn values_cannot_move_the_terminal() {
        let mut difference = report().differences.remove(0);
        difference.values.insert("total".into(), ["1\u{1b}[2J".into(), "2".into()]);
        assert!(!line(&difference).contains('\u{1b}'));
    }
}
