//! `PUT /tasks/{t}`: from JSON to specifications, telling all faults at once.

use std::str::FromStr;
use std::time::Duration;

use catalog::{Operations, Secret, SourceSpec, StartAt, TaskSpec};
use change::{SourceName, TaskName, TopicName, UnixTime};

use crate::model::{InlineSource, Keep, SourcePut, TaskPut};
use crate::problem::{Fault, Problem};
use crate::source_url::SourceUrl;

/// A body being read.
#[derive(Debug)]
pub(crate) struct TaskDraft<'a> {
    name: &'a TaskName,
    body: TaskPut,
    /// From when relative times are counted.
    now: UnixTime,
    faults: Vec<Fault>,
}

impl<'a> TaskDraft<'a> {
    pub(crate) fn new(name: &'a TaskName, body: TaskPut, now: UnixTime) -> Self {
        Self { name, body, now, faults: Vec::new() }
    }

    /// The source, where it is described here, and the task.
    pub(crate) fn finish(mut self) -> Result<(Option<SourceSpec>, TaskSpec), Problem> {
        let source = self.source();
        let topic = self.topic();
        let include = self.include();
        let operations = self.operations();
        let statements = self.word("/ddl_scope", |body| body.ddl_scope.as_deref());
        let on_table_error = self.word("/on_table_error", |body| body.on_table_error.as_deref());
        let start = self.start();
        let retention = self.retention();
        let (Some((source_name, source)), Some(topic), true) =
            (source, topic, self.faults.is_empty())
        else {
            return Err(Problem::invalid_all(self.faults));
        };
        let keep = self.body.keep.unwrap_or_default();
        let spec = TaskSpec {
            name: self.name.clone(),
            source: source_name,
            topic,
            title: self.body.title.unwrap_or_default(),
            include,
            exclude: self.body.exclude,
            operations,
            statements,
            on_table_error,
            start,
            retention,
            max_bytes: keep.max_bytes,
            owner: None,
        };
        Ok((source, spec))
    }

    /// The source's name; one described inline is kept under the task's own name.
    fn source(&mut self) -> Option<(SourceName, Option<SourceSpec>)> {
        match self.body.source.clone() {
            SourcePut::Named(name) => match SourceName::new(name) {
                Ok(name) => Some((name, None)),
                Err(error) => self.refuse("/source", error.to_string()),
            },
            SourcePut::Inline(inline) => {
                let name = match SourceName::new(self.name.as_str()) {
                    Ok(name) => name,
                    Err(error) => return self.refuse("/source", error.to_string()),
                };
                let spec = self.inline(name.clone(), inline)?;
                Some((name, Some(spec)))
            }
        }
    }

    fn inline(&mut self, name: SourceName, inline: InlineSource) -> Option<SourceSpec> {
        let url = match SourceUrl::parse(&inline.url) {
            Ok(url) => url,
            Err(error) => return self.refuse("/source/url", error.to_string()),
        };
        let tls = match inline.tls.as_deref().map(str::parse).transpose() {
            Ok(tls) => tls.unwrap_or_default(),
            Err(error) => {
                let error: catalog::Error = error;
                return self.refuse("/source/tls", error.to_string());
            }
        };
        Some(SourceSpec {
            name,
            kind: url.scheme,
            url: url.shown,
            password: inline.password.map(Secret::new).or(url.password),
            tls,
            ca: inline.ca.map(Into::into),
            server_id: None,
            owner: None,
        })
    }

    fn topic(&mut self) -> Option<TopicName> {
        let name = self.body.topic.clone().unwrap_or_else(|| self.name.to_string());
        match TopicName::new(name) {
            Ok(topic) => Some(topic),
            Err(error) => self.refuse("/topic", error.to_string()),
        }
    }

    fn include(&mut self) -> Vec<String> {
        let mut include = std::mem::take(&mut self.body.tables);
        for (database, objects) in std::mem::take(&mut self.body.objects) {
            if objects.all {
                include.push(format!("{database}.*"));
            }
            let tables = objects.tables.into_keys();
            include.extend(tables.map(|table| format!("{database}.{table}")));
        }
        if include.is_empty() {
            let detail =
                "nothing is tracked: give objects {\"shop\":{\"all\":true}} or tables [\"shop.*\"]";
            self.refuse::<()>("/objects", detail);
        }
        include
    }

    fn operations(&mut self) -> Operations {
        let Some(ops) = &self.body.ops else { return Operations::All };
        let has = |word: &str| ops.iter().any(|op| op == word);
        let known = ops.iter().all(|op| op == "dml" || op == "ddl");
        match (known, has("dml"), has("ddl")) {
            (true, true, true) => Operations::All,
            (true, true, false) => Operations::Dml,
            (true, false, true) => Operations::Ddl,
            _ => {
                self.refuse::<()>("/ops", "ops is a list of dml and ddl");
                Operations::All
            }
        }
    }

    fn start(&mut self) -> StartAt {
        let Some(text) = &self.body.start else { return StartAt::Now };
        StartAt::parse(text, self.now).unwrap_or_else(|error| {
            self.refuse::<()>("/start", error.to_string());
            StartAt::Now
        })
    }

    /// One of a few words; the default when not given.
    fn word<T: FromStr<Err = &'static str> + Default>(
        &mut self,
        pointer: &str,
        given: impl FnOnce(&TaskPut) -> Option<&str>,
    ) -> T {
        let Some(word) = given(&self.body) else { return T::default() };
        match word.parse() {
            Ok(value) => value,
            Err(rule) => {
                let name = pointer.trim_start_matches('/');
                let told = format!("{name} {word:?} is not allowed: {rule}");
                self.refuse::<()>(pointer, told);
                T::default()
            }
        }
    }

    /// `24h`, `7d`; a day has 24 hours.
    fn retention(&mut self) -> Option<Duration> {
        let Keep { retention, .. } = self.body.keep.as_ref()?;
        let text = retention.clone()?;
        let days = jiff::SpanRelativeTo::days_are_24_hours();
        let span = text.parse::<jiff::Span>().and_then(|span| span.to_duration(days));
        match span.and_then(Duration::try_from) {
            Ok(duration) => Some(duration),
            Err(_) => {
                self.refuse("/keep/retention", format!("{text:?} is no duration like 24h or 7d"))
            }
        }
    }

    fn refuse<T>(&mut self, pointer: &str, detail: impl Into<String>) -> Option<T> {
        self.faults.push(Fault::invalid(pointer, detail));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<(Option<SourceSpec>, TaskSpec), Problem> {
        let name = TaskName::new("shop").unwrap();
        let now = UnixTime::from_seconds(1_795_233_600);
        TaskDraft::new(&name, serde_json::from_str(body).unwrap(), now).finish()
    }

    #[test]
    fn the_shortest_form_tracks_a_whole_database_from_now() {
        let body = r#"{"source":{"url":"mysql://cdc:pw@db:3306"},"objects":{"shop":{"all":true}}}"#;
        let (source, task) = read(body).unwrap();
        let source = source.unwrap();
        assert_eq!((source.kind.as_str(), source.url.as_str()), ("mysql", "mysql://cdc@db:3306"));
        assert_eq!(source.password.unwrap().expose(), "pw");
        assert_eq!(task.include, ["shop.*"]);
        assert_eq!((task.topic.as_str(), task.start), ("shop", StartAt::Now));
        assert_eq!(task.operations, Operations::All);
    }

    #[test]
    fn single_tables_patterns_and_a_named_source_are_the_other_form() {
        let body = r#"{"source":"db","objects":{"crm":{"tables":{"people":{}}}},"tables":["shop.o*"],
            "keep":{"retention":"7d"},"ops":["dml"],"start":"start"}"#;
        let (source, task) = read(body).unwrap();
        assert!(source.is_none());
        assert_eq!(task.include, ["shop.o*", "crm.people"]);
        assert_eq!(task.retention, Some(Duration::from_secs(7 * 86_400)));
        assert_eq!((task.operations, task.start), (Operations::Dml, StartAt::Earliest));
    }

    #[test]
    fn all_faults_are_told_at_once_with_pointers() {
        let body = r#"{"source":{"url":"nonsense"},"topic":"a/b","ops":["dcl"],"start":"@soon",
            "keep":{"retention":"soon"}}"#;
        let problem = read(body).unwrap_err();
        let pointers: Vec<_> = problem.errors.iter().map(|f| f.pointer.as_str()).collect();
        let all = ["/source/url", "/topic", "/objects", "/ops", "/start", "/keep/retention"];
        assert_eq!(pointers, all);
    }
}
