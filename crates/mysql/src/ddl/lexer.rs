//! Statements as tokens, with the bytes they came from.
//!
//! White space and comments are left out; what stands in an executable comment (`/*!50001 … */`,
//! `/*M!100100 … */`) is part of the statement where the server ran it. The rules are those of the
//! servers' own scanner (`sql/sql_lex.cc`), for text that was converted to UTF-8. Nothing here knows
//! what a statement means.

use std::borrow::Cow;

use super::context::{Context, sql_mode};

/// One token and where it stands in the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// The byte behind its last one.
    pub end: usize,
}

/// Kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A keyword or an identifier without quotes, or the introducer of a string (`_utf8mb4`).
    Word,
    /// An identifier in backticks, or in double quotes with `ANSI_QUOTES`.
    Quoted,
    /// A string in single or double quotes, also `N'…'`.
    String,
    /// A string of hexadecimal digits: `X'…'`, `0x…`.
    Hex,
    /// A string of bits: `b'…'`, `0b…`.
    Bits,
    /// A decimal number without sign.
    Number,
    /// Any other character.
    Symbol(char),
}

/// A quote or comment that never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what begins at byte {start} of the statement never ends")]
pub struct Unterminated {
    /// Where it begins.
    pub start: usize,
}

/// Cuts a statement into tokens.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
    ansi_quotes: bool,
    backslash_escapes: bool,
    comments: Comments,
    /// Inside an executable comment, whose end is to be skipped.
    executing: bool,
    /// The token before was a name, or a dot behind one: what follows a dot is a name even if it looks
    /// like a number.
    before: Before,
}

/// Which comments count as text.
#[derive(Debug, Clone, Copy)]
enum Comments {
    /// Those that this server runs.
    Run(super::Dialect),
    /// All that any server might run.
    All,
}

/// What stood directly before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Other,
    Name,
    NameAndDot,
}

impl Token {
    /// Its bytes in the statement, quotes and all.
    #[must_use]
    pub fn raw<'a>(&self, statement: &'a str) -> &'a str {
        statement.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether it is this keyword.
    #[must_use]
    pub fn is_word(&self, statement: &str, word: &str) -> bool {
        self.kind == Kind::Word && self.raw(statement).eq_ignore_ascii_case(word)
    }

    /// The name it stands for, if it can be one.
    #[must_use]
    pub fn name<'a>(&self, statement: &'a str) -> Option<Cow<'a, str>> {
        let raw = self.raw(statement);
        match self.kind {
            Kind::Word => Some(Cow::Borrowed(raw)),
            Kind::Quoted => {
                let quote = raw.get(..1)?;
                let inside = raw.get(1..raw.len().checked_sub(1)?)?;
                let doubled = if quote == "`" { "``" } else { "\"\"" };
                Some(match inside.contains(doubled) {
                    true => Cow::Owned(inside.replace(doubled, quote)),
                    false => Cow::Borrowed(inside),
                })
            }
            _ => None,
        }
    }

    /// The text of a string, its escapes resolved as the session's `sql_mode` says.
    #[must_use]
    pub fn string(&self, statement: &str, context: &Context<'_>) -> Option<String> {
        if self.kind != Kind::String {
            return None;
        }
        let raw = self.raw(statement).trim_start_matches(['n', 'N']);
        let quote = raw.chars().next()?;
        let inside = raw.get(1..raw.len().checked_sub(1)?)?;
        let escapes = !context.has_mode(sql_mode::NO_BACKSLASH_ESCAPES);
        let mut text = String::with_capacity(inside.len());
        let mut rest = inside.chars();
        while let Some(c) = rest.next() {
            match c {
                '\\' if escapes => match rest.next()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'b' => text.push('\u{8}'),
                    '0' => text.push('\0'),
                    'Z' => text.push('\u{1a}'),
                    // These two keep their backslash, for patterns of LIKE.
                    '%' => text.push_str("\\%"),
                    '_' => text.push_str("\\_"),
                    other => text.push(other),
                },
                c if c == quote => {
                    rest.next();
                    text.push(quote);
                }
                c => text.push(c),
            }
        }
        Some(text)
    }
}

impl<'a> Lexer<'a> {
    /// Reads a statement as the server of `context` did.
    #[must_use]
    pub fn new(text: &'a str, context: &Context<'_>) -> Self {
        Self {
            text,
            at: 0,
            ansi_quotes: context.has_mode(sql_mode::ANSI_QUOTES),
            backslash_escapes: !context.has_mode(sql_mode::NO_BACKSLASH_ESCAPES),
            comments: Comments::Run(context.dialect),
            executing: false,
            before: Before::Other,
        }
    }

    /// Takes also what stands in comments for other servers.
    #[must_use]
    pub fn with_all_comments(mut self) -> Self {
        self.comments = Comments::All;
        self
    }

    /// What is not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at.checked_add(ahead)?).copied()
    }

    /// Goes past white space and comments.
    fn skip(&mut self) -> Result<(), Unterminated> {
        loop {
            match self.byte(0) {
                Some(b) if b.is_ascii_whitespace() || matches!(b, 0 | 0x0b) => self.at += 1,
                Some(b'#') => self.skip_line(),
                Some(b'-') if self.byte(1) == Some(b'-') && self.ends_dashes() => self.skip_line(),
                Some(b'/') if self.byte(1) == Some(b'*') => self.comment()?,
                Some(b'*') if self.executing && self.byte(1) == Some(b'/') => {
                    self.executing = false;
                    self.at += 2;
                }
                _ => return Ok(()),
            }
            self.before = Before::Other;
        }
    }

    /// Whether two dashes begin a comment: white space or a control character must follow.
    fn ends_dashes(&self) -> bool {
        self.byte(2).is_none_or(|b| b.is_ascii_whitespace() || b.is_ascii_control())
    }

    fn skip_line(&mut self) {
        self.at = match self.rest().find('\n') {
            Some(length) => self.at + length + 1,
            None => self.text.len(),
        };
    }

    /// Goes past a comment, or into one whose inside is run.
    fn comment(&mut self) -> Result<(), Unterminated> {
        let rest = self.rest();
        let (mariadb, inside) = match (rest.strip_prefix("/*!"), rest.strip_prefix("/*M!")) {
            (Some(inside), _) => (false, inside),
            (_, Some(inside)) => (true, inside),
            _ => return self.skip_block(false),
        };
        let digits = inside.bytes().take(6).take_while(u8::is_ascii_digit).count();
        // Fewer than five digits are no version, but text.
        let digits = if digits < 5 { 0 } else { digits };
        let version = inside.get(..digits).and_then(|version| version.parse().ok());
        let runs = match self.comments {
            Comments::Run(dialect) => dialect.runs_comment(mariadb, version),
            Comments::All => true,
        };
        if runs {
            self.executing = true;
            self.at = self.text.len() - inside.len() + digits;
            Ok(())
        } else {
            self.skip_block(true)
        }
    }

    /// Goes past a comment; one for other servers may hold plain ones.
    fn skip_block(&mut self, nests: bool) -> Result<(), Unterminated> {
        let start = self.at;
        self.at += 2;
        let mut depth = 1_u32;
        while depth > 0 {
            let rest = self.rest().as_bytes();
            let Some(next) =
                rest.windows(2).position(|pair| pair == b"*/" || (nests && pair == b"/*"))
            else {
                return Err(Unterminated { start });
            };
            depth = if rest.get(next) == Some(&b'*') { depth - 1 } else { depth.saturating_add(1) };
            self.at += next + 2;
        }
        Ok(())
    }

    /// The length of a quoted text that begins `ahead` bytes from here.
    fn quoted(&self, ahead: usize, quote: u8, escapes: bool) -> Result<usize, Unterminated> {
        let mut length = ahead + 1;
        loop {
            match self.byte(length) {
                Some(b'\\') if escapes => length += 2,
                Some(b) if b == quote => {
                    length += 1;
                    if self.byte(length) != Some(quote) {
                        return Ok(length);
                    }
                    length += 1;
                }
                Some(_) => length += 1,
                None => return Err(Unterminated { start: self.at }),
            }
        }
    }

    /// How many bytes from here on may stand in a name without quotes.
    fn word_length(&self) -> usize {
        self.rest().bytes().take_while(|b| is_word_byte(*b)).count()
    }

    fn token(&mut self, first: u8) -> Result<(Kind, usize), Unterminated> {
        let second = self.byte(1);
        Ok(match first {
            b'`' => (Kind::Quoted, self.quoted(0, b'`', false)?),
            b'"' if self.ansi_quotes => (Kind::Quoted, self.quoted(0, b'"', false)?),
            b'\'' | b'"' => (Kind::String, self.quoted(0, first, self.backslash_escapes)?),
            b'n' | b'N' if second == Some(b'\'') => {
                (Kind::String, self.quoted(1, b'\'', self.backslash_escapes)?)
            }
            b'x' | b'X' if second == Some(b'\'') => (Kind::Hex, self.quoted(1, b'\'', false)?),
            b'b' | b'B' if second == Some(b'\'') => (Kind::Bits, self.quoted(1, b'\'', false)?),
            b'.' if self.before == Before::Other && second.is_some_and(|b| b.is_ascii_digit()) => {
                (Kind::Number, self.fraction_end(1))
            }
            b'0'..=b'9' if self.before != Before::NameAndDot => self.number(),
            b if is_word_byte(b) => (Kind::Word, self.word_length()),
            _ => {
                let c = self.rest().chars().next().unwrap_or_default();
                (Kind::Symbol(c), c.len_utf8())
            }
        })
    }

    /// What begins with a digit: a number, or a name like `1st`.
    fn number(&self) -> (Kind, usize) {
        let word = self.word_length();
        let text = self.rest().get(..word).unwrap_or_default();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let all = |prefix: &str, digit: fn(char) -> bool| {
            text.strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && rest.chars().all(digit))
        };
        if all("0x", |c| c.is_ascii_hexdigit()) {
            (Kind::Hex, word)
        } else if all("0b", |c| matches!(c, '0' | '1')) {
            (Kind::Bits, word)
        } else if digits == word {
            match self.byte(word) {
                Some(b'.') => (Kind::Number, self.fraction_end(word + 1)),
                _ => (Kind::Number, word),
            }
        } else if self.exponent_end(digits) > digits && self.exponent_end(digits) >= word {
            (Kind::Number, self.exponent_end(digits))
        } else {
            (Kind::Word, word)
        }
    }

    /// The end of a number whose digits behind the point begin `ahead` bytes from here.
    fn fraction_end(&self, ahead: usize) -> usize {
        let digits = self.digits(ahead);
        self.exponent_end(ahead + digits)
    }

    /// The end of an exponent that may begin `ahead` bytes from here.
    fn exponent_end(&self, ahead: usize) -> usize {
        if !matches!(self.byte(ahead), Some(b'e' | b'E')) {
            return ahead;
        }
        let sign = usize::from(matches!(self.byte(ahead + 1), Some(b'+' | b'-')));
        match self.digits(ahead + 1 + sign) {
            0 => ahead,
            digits => ahead + 1 + sign + digits,
        }
    }

    fn digits(&self, ahead: usize) -> usize {
        let rest = self.rest().as_bytes().get(ahead..).unwrap_or_default();
        rest.iter().take_while(|b| b.is_ascii_digit()).count()
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<Token, Unterminated>;

    fn next(&mut self) -> Option<Self::Item> {
        let before = self.at;
        let result = self.skip().and_then(|()| {
            let Some(first) = self.byte(0) else { return Ok(None) };
            if self.at != before {
                self.before = Before::Other;
            }
            let start = self.at;
            let (kind, length) = self.token(first)?;
            self.at = self.text.len().min(start + length);
            self.before = match (kind, self.before) {
                (Kind::Word | Kind::Quoted, _) => Before::Name,
                (Kind::Symbol('.'), Before::Name) => Before::NameAndDot,
                _ => Before::Other,
            };
            Ok(Some(Token { kind, start, end: self.at }))
        });
        if result.is_err() {
            self.at = self.text.len();
        }
        result.transpose()
    }
}

/// All tokens of a statement.
///
/// # Errors
/// A quote or a comment never ends.
pub fn tokens(statement: &str, context: &Context<'_>) -> Result<Vec<Token>, Unterminated> {
    Lexer::new(statement, context).collect()
}

/// So many tokens of one statement are held in memory at most. A table of 4096 columns and 8192 partitions
/// has a fifth of them.
pub(super) const TOKENS_MAX: usize = 1_000_000;

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
