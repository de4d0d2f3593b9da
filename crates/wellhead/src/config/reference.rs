//! Replaces `${env:NAME}`, `${env:NAME:-default}` and `${file:/path}` in a string. `$${` stands for
//! a literal `${`.
//!
//! What is put in is not looked at again, so a password may hold anything.

use std::collections::BTreeMap;
use std::path::Path;

use super::read_text;

/// The string with all references replaced, or one message for each that cannot be.
pub(super) fn resolve(
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<String, Vec<String>> {
    let mut resolved = String::with_capacity(text.len());
    let mut messages = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            resolved.push_str(before);
            resolved.push_str("${");
            rest = after;
            continue;
        }
        resolved.push_str(before);
        let Some((reference, behind)) = after.split_once('}') else {
            messages.push("a \"${\" is never closed; write $${ for a literal one".into());
            return Err(messages);
        };
        match replace(reference, environment) {
            Ok(value) => resolved.push_str(&value),
            Err(message) => messages.push(message),
        }
        rest = behind;
    }
    resolved.push_str(rest);
    if messages.is_empty() { Ok(resolved) } else { Err(messages) }
}

fn replace(reference: &str, environment: &BTreeMap<String, String>) -> Result<String, String> {
    match reference.split_once(':') {
        Some(("env", name)) => {
            let (name, default) = match name.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (name, None),
            };
            let value = environment.get(name).map(String::as_str);
            // As in a shell, the default of `:-` also stands in for an empty value.
            let value = if default.is_some() { value.filter(|v| !v.is_empty()) } else { value };
            value.or(default).map(str::to_owned).ok_or_else(|| {
                format!(
                    "${{env:{name}}} is not set. Set it, or give a default: ${{env:{name}:-value}}."
                )
            })
        }
        Some(("file", path)) => read_text(Path::new(path))
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|reason| {
                format!(
                    "${{file:{path}}} cannot be read: {reason}. Mount it, or use ${{env:NAME}}."
                )
            }),
        _ => Err(format!(
            "\"${{{reference}}}\" is not a reference: write ${{env:NAME}}, ${{env:NAME:-default}} or \
             ${{file:/path}}, and $${{ for a literal ${{"
        )),
    }
}
