//! How a command ends: the exit codes are a promise to scripts.

use std::process::ExitCode;

use service::{Code, Fault, Problem};

/// An error that knows which exit code it means. Any other error is an internal one, code 1.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    code: u8,
    message: String,
    /// What the API answered, when it was the API that refused.
    problem: Option<Box<Problem>>,
}

impl Failure {
    /// The command was given wrongly, or the configuration is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into(), problem: None }
    }

    /// Something around us: unreachable, taken, forbidden.
    pub(crate) fn environment(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into(), problem: None }
    }

    /// The question was asked, and the answer is bad.
    pub(crate) fn bad_answer(message: impl Into<String>) -> Self {
        Self { code: 4, message: message.into(), problem: None }
    }

    /// The API refused.
    pub(crate) fn refused(problem: Problem) -> Self {
        let code = match problem.code {
            Code::Malformed | Code::InvalidValue | Code::NotFound => 2,
            Code::Unauthorized | Code::SourceUnusable => 3,
            Code::WrongState | Code::Conflict | Code::GapNotAccepted | Code::PrecheckFailed => 4,
            Code::Internal => 1,
        };
        let mut message = problem.detail.clone();
        let said =
            |fault: &&Fault| problem.detail.contains(&fault.detail) && fault.remedy.is_empty();
        for fault in problem.errors.iter().filter(|fault| !said(fault)) {
            message.push_str(&format!("\n  {}: {}", fault.code, fault.detail));
            for remedy in &fault.remedy {
                let parts = [remedy.title.as_str(), remedy.sql.as_str()];
                let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                message.push_str(&format!("\n    fix: {}", parts.join(": ")));
            }
        }
        Self { code, message, problem: Some(Box::new(problem)) }
    }

    /// The error, which names the command that lists what there is, if it was about what is not there
    /// and names none itself.
    pub(crate) fn with_list(error: anyhow::Error, list: &str) -> anyhow::Error {
        match error.downcast::<Self>() {
            Ok(mut failure) => {
                let names_one = failure.message.contains(": wellhead ");
                let is_missing = failure.problem().is_some_and(|p| p.code == Code::NotFound);
                if is_missing && !names_one {
                    failure.message.push_str(&format!("; look at what there is: {list}"));
                }
                failure.into()
            }
            Err(error) => error,
        }
    }

    /// What the API answered.
    pub(crate) fn problem(&self) -> Option<&Problem> {
        self.problem.as_deref()
    }
}

/// The exit code that an error means.
pub(crate) fn code_of(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(number_of(error))
}

fn number_of(error: &anyhow::Error) -> u8 {
    let environment = || {
        error.is::<catalog::Error>()
            || error.chain().any(|cause| {
                cause.is::<broker::Error>()
                    || cause.is::<service::ServeError>()
                    || cause.is::<log::Error>()
            })
    };
    match error.downcast_ref::<task::Error>() {
        Some(task::Error::Invalid(_) | task::Error::NotFound(_)) => return 2,
        Some(task::Error::Source(_) | task::Error::Unusable(_)) => return 3,
        Some(
            task::Error::Conflict(_)
            | task::Error::WrongState { .. }
            | task::Error::GapNotAccepted { .. },
        ) => return 4,
        _ => {}
    }
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.code,
        None if error.is::<crate::config::Faults>() => 2,
        None if environment() => 3,
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use service::Remedy;

    use super::*;

    #[test]
    fn each_code_of_the_api_has_its_exit_code() {
        for (code, exit) in [
            (Code::Malformed, 2),
            (Code::NotFound, 2),
            (Code::Unauthorized, 3),
            (Code::Conflict, 4),
            (Code::Internal, 1),
        ] {
            let error = anyhow::Error::new(Failure::refused(Problem::new(code, "why")));
            assert_eq!(number_of(&error), exit, "{code:?}");
        }
        assert_eq!(number_of(&task::Error::Conflict("another topic".into()).into()), 4);
        assert_eq!(number_of(&task::Error::Invalid("a pattern".into()).into()), 2);
        assert_eq!(number_of(&anyhow::anyhow!("a bug")), 1);
        assert_eq!(number_of(&anyhow::Error::new(Failure::usage("x")).context("y")), 2);
    }

    #[test]
    fn what_is_not_there_leads_to_what_is() {
        let told = |code| {
            let error = Failure::refused(Problem::new(code, "there is no task shop"));
            Failure::with_list(error.into(), "wellhead task list").to_string()
        };
        assert_eq!(
            told(Code::NotFound),
            "there is no task shop; look at what there is: wellhead task list"
        );
        assert_eq!(told(Code::Conflict), "there is no task shop");
        let named = "nothing is held back; look at: wellhead task table shop";
        let error = Failure::refused(Problem::new(Code::NotFound, named));
        assert_eq!(Failure::with_list(error.into(), "wellhead task list").to_string(), named);
    }

    #[test]
    fn what_is_said_once_is_not_said_again() {
        let problem = Problem::invalid("/start", "it lies in the future");
        assert_eq!(Failure::refused(problem).to_string(), "it lies in the future");
    }

    #[test]
    fn a_refusal_names_every_fault_and_what_mends_it() {
        let mut problem = Problem::new(Code::PrecheckFailed, "1 of 9 checks failed");
        problem.errors.push(Fault {
            pointer: "/source/binlog_format".into(),
            code: "binlog_format".into(),
            detail: "found STATEMENT, needs ROW".into(),
            remedy: vec![Remedy {
                title: "log rows".into(),
                sql: "SET GLOBAL binlog_format = ROW;".into(),
            }],
        });
        assert_eq!(
            Failure::refused(problem).to_string(),
            "1 of 9 checks failed\n  binlog_format: found STATEMENT, needs ROW\n    \
             fix: log rows: SET GLOBAL binlog_format = ROW;"
        );
    }
}
