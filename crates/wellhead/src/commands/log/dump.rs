//! `wellhead log dump`: records as they lie in the files, decoded as `wellhead tail` does.

use std::io::{BufWriter, ErrorKind, StdoutLock, Write};
use std::ops::ControlFlow;

use anyhow::{Result, bail};
use change::{Clock, SystemClock};
use kafka::batch::Record as LogRecord;
use log::inspect::{BatchFacts, Bound, Span, dump};
use record::Record;
use serde_json::{Map, Value, json};
use task::POSITION_HEADER;

use super::place::{Found, find};
use super::{file_name, time, told};
use crate::cli::{Global, LogDump};
use crate::commands::form::Form;
use crate::exit::Failure;
use crate::output::visible;

/// Prints the records; whoever reads them may go away.
pub(crate) fn run(global: &Global, args: &LogDump) -> Result<()> {
    let form = Form::of(global.output)?;
    let span = Span { from: bound(args.from.as_deref())?, to: bound(args.to.as_deref())? };
    let mut found = find(global, Some(&args.place))?;
    let Some(Found { folder, .. }) = found.pop().filter(|_| found.is_empty()) else {
        bail!(Failure::usage(format!(
            "{} is more than one log; give one of them: log/TASK/0",
            args.place.display()
        )));
    };
    let folder = folder.map_err(told)?;
    let mut printer = Printer {
        out: BufWriter::new(std::io::stdout().lock()),
        form,
        args,
        printed: 0,
        batch: None,
        positions: args.positions,
    };
    let ended = if args.limit == Some(0) {
        Ok(())
    } else {
        dump(&folder, &span, |batch, record| printer.print(batch, record))
    };
    match ended.and_then(|()| printer.out.flush().map_err(Stop::Write)) {
        Ok(()) => Ok(()),
        Err(Stop::Write(error)) if error.kind() == ErrorKind::BrokenPipe => {
            // What is still buffered has no reader either.
            let _unwritten = printer.out.into_parts();
            Ok(())
        }
        Err(Stop::Write(error)) => {
            bail!(Failure::environment(format!("standard output cannot be written: {error}")))
        }
        Err(Stop::Log(error)) => {
            printer.out.flush().ok();
            Err(told(error))
        }
    }
}

/// What ends a dump early.
#[derive(Debug)]
enum Stop {
    Log(log::Error),
    Write(std::io::Error),
}

struct Printer<'a> {
    out: BufWriter<StdoutLock<'static>>,
    form: Form,
    args: &'a LogDump,
    printed: u64,
    /// The batch whose line was printed last.
    batch: Option<log::Offset>,
    positions: bool,
}

impl From<log::Error> for Stop {
    fn from(error: log::Error) -> Self {
        Self::Log(error)
    }
}

impl Printer<'_> {
    fn print(
        &mut self,
        batch: &BatchFacts,
        record: &LogRecord<'_>,
    ) -> Result<ControlFlow<()>, Stop> {
        let text = match self.form {
            Form::Json => self.json(batch, record),
            Form::Pretty | Form::Hex => self.text(batch, record),
        };
        self.out.write_all(text.as_bytes()).map_err(Stop::Write)?;
        self.printed = self.printed.saturating_add(1);
        let enough = self.args.limit.is_some_and(|limit| self.printed >= limit);
        Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn text(&mut self, batch: &BatchFacts, record: &LogRecord<'_>) -> String {
        let mut text = String::new();
        if self.batch != Some(batch.base_offset) {
            self.batch = Some(batch.base_offset);
            text.push_str(&batch_line(batch));
        }
        let value = record.value.unwrap_or_default();
        let content = match self.form {
            Form::Hex => hex(value),
            _ => match Record::decode(value) {
                Ok(decoded) => visible(&decoded.to_text_line()),
                Err(error) => format!("the record cannot be decoded: {error}"),
            },
        };
        text.push_str(&format!("{} {} {content}\n", record.offset, time(record.timestamp_ms)));
        for (name, value) in record.headers.clone() {
            let wanted = self.args.headers || self.positions && name == POSITION_HEADER;
            if wanted {
                let value = value.map_or_else(|| "null".into(), header_text);
                text.push_str(&format!("   {}: {}\n", visible(name), visible(&value)));
            }
        }
        text
    }

    fn json(&self, batch: &BatchFacts, record: &LogRecord<'_>) -> String {
        let mut object = Map::new();
        object.insert("offset".into(), record.offset.0.into());
        object.insert("timestamp_ms".into(), record.timestamp_ms.into());
        match Record::decode(record.value.unwrap_or_default()) {
            Ok(decoded) => {
                if let Value::Object(fields) = decoded.to_json() {
                    object.extend(fields);
                }
            }
            Err(error) => {
                let told = format!("the record cannot be decoded: {error}");
                object.insert("error".into(), told.into());
            }
        }
        object.insert("batch".into(), batch_json(batch));
        if self.args.headers {
            let headers = record
                .headers
                .clone()
                .map(|(name, value)| json!({ "name": name, "value": value.map(header_text) }));
            object.insert("headers".into(), headers.collect());
        }
        if self.positions {
            let mut positions = record.headers.clone().filter(|(name, _)| *name == POSITION_HEADER);
            let position = positions.next().and_then(|(_, value)| value).map(header_text);
            object.insert("source_position".into(), position.into());
        }
        format!("{}\n", Value::Object(object))
    }
}

fn batch_line(batch: &BatchFacts) -> String {
    format!(
        "-- batch {}..{} at byte {} of {}: {} bytes, {:?}, epoch {}, crc {:#010x}\n",
        batch.base_offset,
        batch.last_offset,
        batch.position,
        file_name(&batch.path),
        batch.bytes,
        batch.compression,
        batch.leader_epoch.0,
        batch.crc
    )
}

fn batch_json(batch: &BatchFacts) -> Value {
    json!({
        "file": file_name(&batch.path),
        "position": batch.position,
        "bytes": batch.bytes,
        "base_offset": batch.base_offset.0,
        "last_offset": batch.last_offset.0,
        "compression": format!("{:?}", batch.compression).to_lowercase(),
        "leader_epoch": batch.leader_epoch.0,
        "crc": batch.crc,
    })
}

/// An offset, or `@` and a moment.
fn bound(text: Option<&str>) -> Result<Option<Bound>> {
    let Some(text) = text else { return Ok(None) };
    let bound = match text.strip_prefix('@') {
        Some(time) => {
            catalog::moment(time, SystemClock.now()).map(|time| Bound::TimeMs(time.millis()))
        }
        None => text.parse().ok().map(|offset| Bound::Offset(log::Offset(offset))),
    };
    match bound {
        Some(bound) => Ok(Some(bound)),
        None => bail!(Failure::usage(format!(
            "{text:?} is no place in a log; it is an offset, @1712905965, @2026-11-21T04:00:00Z or @-1h"
        ))),
    }
}

/// Text as it is, other bytes in hex.
fn header_text(value: &[u8]) -> String {
    std::str::from_utf8(value).map_or_else(|_| hex(value), str::to_owned)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing into a text does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_an_offset_or_a_time() {
        assert_eq!(bound(None).unwrap(), None);
        assert_eq!(bound(Some("17")).unwrap(), Some(Bound::Offset(log::Offset(17))));
        let time = Bound::TimeMs(1_712_905_965_000);
        assert_eq!(bound(Some("@1712905965")).unwrap(), Some(time));
        for wrong in ["", "@", "@soon", "start", "-5x"] {
            let error = bound(Some(wrong)).unwrap_err();
            assert!(error.to_string().contains("no place in a log"), "{error}");
        }
    }

    #[test]
    fn headers_are_text_where_they_can_be() {
        assert_eq!(header_text(b"file=a offset=4"), "file=a offset=4");
        assert_eq!(header_text(&[0xff, 0x00]), "ff00");
    }
}
