//! A cursor over the tokens of one statement, and what all its parts have in common.

use super::context::Context;
use super::lexer::{Kind, Lexer, TOKENS_MAX, Token, Unterminated};

/// The statement, or a part of it, is not understood. What it does is not known then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// Something else is expected here.
    #[error("the statement is not understood from byte {at} on")]
    At {
        /// Where in the statement.
        at: usize,
    },
    /// What it says does not fit what was known before.
    #[error("{0}")]
    Unfit(String),
    /// The statement cannot be cut into tokens.
    #[error(transparent)]
    Unterminated(#[from] Unterminated),
}

/// Database and table as the server keeps them.
pub(super) type TableName = (String, String);

/// The cursor.
#[derive(Debug, Clone)]
pub(super) struct Parser<'a> {
    pub(super) context: &'a Context<'a>,
    statement: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Parser<'a> {
    /// Takes what a lexer has left.
    pub(super) fn new(
        statement: &'a str,
        lexer: Lexer<'a>,
        context: &'a Context<'a>,
    ) -> Result<Self, NotUnderstood> {
        let tokens: Vec<Token> = lexer.take(TOKENS_MAX + 1).collect::<Result<_, _>>()?;
        if tokens.len() > TOKENS_MAX {
            return Err(NotUnderstood::Unfit("the statement is too long".into()));
        }
        Ok(Self { context, statement, tokens, at: 0 })
    }

    pub(super) fn not_understood(&self) -> NotUnderstood {
        let at = self.peek(0).map_or(self.statement.len(), |token| token.start);
        NotUnderstood::At { at }
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<Token> {
        self.tokens.get(self.at.checked_add(ahead)?).copied()
    }

    /// Whether nothing but a semicolon is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.peek(0).is_none_or(|token| token.kind == Kind::Symbol(';'))
    }

    pub(super) fn expect_end(&self) -> Result<(), NotUnderstood> {
        if self.is_at_end() { Ok(()) } else { Err(self.not_understood()) }
    }

    pub(super) fn skip(&mut self) {
        self.at = self.tokens.len().min(self.at.saturating_add(1));
    }

    /// The keyword ahead, in upper case; empty where something else stands.
    pub(super) fn keyword(&self, ahead: usize) -> String {
        let word = self.peek(ahead).filter(|token| token.kind == Kind::Word);
        word.map(|token| token.raw(self.statement).to_ascii_uppercase()).unwrap_or_default()
    }

    pub(super) fn is_word(&self, ahead: usize, word: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.is_word(self.statement, word))
    }

    pub(super) fn is_any(&self, ahead: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(ahead, word))
    }

    pub(super) fn is_symbol(&self, ahead: usize, symbol: char) -> bool {
        self.peek(ahead).is_some_and(|token| token.kind == Kind::Symbol(symbol))
    }

    /// Whether a name could stand ahead.
    pub(super) fn is_name(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), Some(Token { kind: Kind::Word | Kind::Quoted, .. }))
    }

    pub(super) fn accept(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        if found {
            self.skip();
        }
        found
    }

    /// Accepts all of these words, or none.
    pub(super) fn accept_all(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(ahead, word)| self.is_word(ahead, word));
        if found {
            self.at += words.len();
        }
        found
    }

    pub(super) fn accept_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.accept(word))
    }

    pub(super) fn accept_symbol(&mut self, symbol: char) -> bool {
        let found = self.is_symbol(0, symbol);
        if found {
            self.skip();
        }
        found
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<(), NotUnderstood> {
        if self.accept(word) { Ok(()) } else { Err(self.not_understood()) }
    }

    pub(super) fn expect_symbol(&mut self, symbol: char) -> Result<(), NotUnderstood> {
        if self.accept_symbol(symbol) { Ok(()) } else { Err(self.not_understood()) }
    }

    pub(super) fn name(&mut self) -> Result<String, NotUnderstood> {
        let name = self.peek(0).and_then(|token| token.name(self.statement));
        let name = name.ok_or_else(|| self.not_understood())?.into_owned();
        self.skip();
        Ok(name)
    }

    /// A name, or a string in its place, as charsets may be written.
    pub(super) fn name_or_string(&mut self) -> Result<String, NotUnderstood> {
        match self.string() {
            Some(text) => Ok(text),
            None => self.name(),
        }
    }

    pub(super) fn string(&mut self) -> Option<String> {
        let text = self.peek(0)?.string(self.statement, self.context)?;
        self.skip();
        Some(text)
    }

    /// The digits or bits of a literal like `X'4D'` or `0b01`, as bytes.
    pub(super) fn bytes(&mut self) -> Option<Vec<u8>> {
        let token = self.peek(0)?;
        let bits_per_digit = match token.kind {
            Kind::Hex => 4_u32,
            Kind::Bits => 1,
            _ => return None,
        };
        let raw = token.raw(self.statement);
        let digits = raw.get(2..)?.trim_end_matches('\'');
        let mut bytes = Vec::with_capacity(digits.len() / 2 + 1);
        let per_byte = usize::try_from(8 / bits_per_digit).ok()?;
        // The first byte is the one that may be short of digits.
        let (head, rest) = digits.split_at_checked(digits.len() % per_byte)?;
        let parse = |text: &str| u8::from_str_radix(text, 1 << bits_per_digit).ok();
        if !head.is_empty() {
            bytes.push(parse(head)?);
        }
        for chunk in rest.as_bytes().chunks(per_byte) {
            bytes.push(parse(std::str::from_utf8(chunk).ok()?)?);
        }
        self.skip();
        Some(bytes)
    }

    /// A number without point and sign.
    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Result<N, NotUnderstood> {
        let token = self.peek(0).filter(|token| token.kind == Kind::Number);
        let number = token.and_then(|token| token.raw(self.statement).parse().ok());
        let number = number.ok_or_else(|| self.not_understood())?;
        self.skip();
        Ok(number)
    }

    /// A table's name with or without its database.
    pub(super) fn table_name(&mut self) -> Result<TableName, NotUnderstood> {
        let stored = |name: &str| self.context.stored_name(name);
        let current = stored(self.context.database);
        if self.accept_symbol('.') {
            let table = self.name()?;
            return Ok((current, self.context.stored_name(&table)));
        }
        let first = self.name()?;
        if self.accept_symbol('.') {
            let table = self.name()?;
            return Ok((self.context.stored_name(&first), self.context.stored_name(&table)));
        }
        Ok((current, self.context.stored_name(&first)))
    }

    /// A column's name; a table or database before it says nothing.
    pub(super) fn column_name(&mut self) -> Result<String, NotUnderstood> {
        let mut name = self.name()?;
        while self.accept_symbol('.') {
            name = self.name()?;
        }
        Ok(name)
    }

    /// Goes past `( … )`, whatever stands inside.
    pub(super) fn skip_parentheses(&mut self) -> Result<(), NotUnderstood> {
        self.expect_symbol('(')?;
        let mut depth = 1_usize;
        while depth > 0 {
            match self.peek(0).map(|token| token.kind) {
                Some(Kind::Symbol('(')) => depth += 1,
                Some(Kind::Symbol(')')) => depth -= 1,
                Some(_) => {}
                None => return Err(self.not_understood()),
            }
            self.skip();
        }
        Ok(())
    }

    /// Goes past one token, or all of `( … )`.
    pub(super) fn skip_term(&mut self) -> Result<(), NotUnderstood> {
        if self.is_symbol(0, '(') {
            return self.skip_parentheses();
        }
        self.skip();
        Ok(())
    }

    /// Goes on to the next comma or closing parenthesis, or the end.
    pub(super) fn skip_to_separator(&mut self) -> Result<(), NotUnderstood> {
        while !self.is_at_separator() {
            self.skip_term()?;
        }
        Ok(())
    }

    pub(super) fn is_at_separator(&self) -> bool {
        self.is_at_end() || self.is_symbol(0, ',') || self.is_symbol(0, ')')
    }

    /// `IF EXISTS`.
    pub(super) fn if_exists(&mut self) -> bool {
        self.accept_all(&["IF", "EXISTS"])
    }

    /// `IF NOT EXISTS`.
    pub(super) fn if_not_exists(&mut self) -> bool {
        self.accept_all(&["IF", "NOT", "EXISTS"])
    }

    /// MariaDB's `WAIT n` and `NOWAIT`.
    pub(super) fn skip_wait(&mut self) {
        if self.accept("WAIT") {
            self.skip();
        } else {
            self.accept("NOWAIT");
        }
    }
}
