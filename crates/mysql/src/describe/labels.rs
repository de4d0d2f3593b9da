//! The labels of an ENUM or SET, out of its type's text.

/// Takes `enum('a','it''s')` or `set(...)` apart. Both servers write labels between single quotes,
/// double a quote inside, and escape backslash, newline, carriage return and zero with a backslash
/// (`append_unescaped` in their sources). `None` if the text is not of this form.
pub(super) fn parse(column_type: &str) -> Option<Vec<String>> {
    let (_, list) = column_type.split_once('(')?;
    let mut labels = Vec::new();
    let mut rest = list.chars().peekable();
    loop {
        if rest.next()? != '\'' {
            return None;
        }
        let mut label = String::new();
        loop {
            match rest.next()? {
                '\'' if rest.peek() == Some(&'\'') => {
                    rest.next();
                    label.push('\'');
                }
                '\'' => break,
                '\\' => label.push(match rest.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    '0' => '\0',
                    other => other,
                }),
                other => label.push(other),
            }
        }
        labels.push(label);
        match rest.next()? {
            ',' => {}
            ')' => return Some(labels),
            _ => return None,
        }
    }
}
