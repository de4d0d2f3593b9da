//! Statements without the secrets they hold.
//!
//! Errs on the side of masking: a user name or a comment masked without need is a blemish, a password
//! passed on is a leak. Passwords inside functions of the application's own (`f('secret')`) cannot be
//! recognised.

use super::context::Context;
use super::lexer::{Kind, Lexer, TOKENS_MAX, Token};

/// The statement with every password, hash and key in it replaced by `'<secret>'`; `None` if it holds
/// none.
///
/// Where the statement cannot be cut into tokens, or into too many, everything behind the first word that announces a
/// secret is masked.
#[must_use]
pub fn masked(statement: &str, context: &Context<'_>) -> Option<String> {
    let inside_mysql = context.database.eq_ignore_ascii_case("mysql");
    let first = first_hint(statement).or(inside_mysql.then_some(0))?;
    let lexer = Lexer::new(statement, context).with_all_comments().take(TOKENS_MAX + 1);
    let tokens = lexer.collect::<Result<Vec<Token>, _>>().unwrap_or_default();
    if tokens.is_empty() || tokens.len() > TOKENS_MAX {
        let head = statement.get(..first).unwrap_or_default();
        return Some(format!("{head}{MASK}"));
    }
    let secrets = Scan { statement, context, tokens: &tokens }.secrets();
    let is_clean = secrets.is_empty() && !comments_announce_secret(statement, &tokens);
    (!is_clean).then(|| rewritten(statement, &tokens, &secrets))
}

const MASK: &str = "'<secret>'";

/// Words without which nothing is to be masked, in lower case.
const HINTS: [&str; 12] = [
    "identified",
    "password",
    "secret",
    "connection",
    "option_list",
    "mysql",
    "passwd",
    "access_key",
    "pwd",
    "://",
    "encrypt",
    "decrypt",
];

/// Functions that take a key.
const CIPHERS: [&str; 5] = ["AES_ENCRYPT", "AES_DECRYPT", "DES_ENCRYPT", "DES_DECRYPT", "ENCRYPT"];

/// For each first letter of a hint, a bit for each second one; of both only the lowest five bits count, which
/// are the same for capitals.
#[allow(clippy::indexing_slicing, reason = "five bits are below 32, and the compiler computes it")]
const PAIRS: [u32; 32] = {
    let mut pairs = [0; 32];
    let mut hints: &[&str] = &HINTS;
    while let [hint, rest @ ..] = hints {
        if let [first, second, ..] = hint.as_bytes() {
            pairs[(*first & LOW) as usize] |= 1 << (*second & LOW);
        }
        hints = rest;
    }
    pairs
};
const LOW: u8 = 0x1f;

/// Where the first of the words ends that may announce a secret. Asked of every statement, so it looks at
/// pairs of letters first: most are not those that a word begins with.
fn first_hint(statement: &str) -> Option<usize> {
    let bytes = statement.as_bytes();
    let mut first: Option<usize> = None;
    for (at, pair) in bytes.windows(2).enumerate() {
        let [one, two] = pair else { continue };
        let seconds = PAIRS.get(usize::from(one & LOW)).copied().unwrap_or(u32::MAX);
        if seconds >> (two & LOW) & 1 == 0 {
            continue;
        }
        if first.is_some_and(|end| at >= end) {
            break;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let is_here = |hint: &&str| {
            let word = rest.get(..hint.len());
            word.is_some_and(|word| word.eq_ignore_ascii_case(hint.as_bytes()))
        };
        let end = HINTS.iter().filter(|hint| is_here(hint)).map(|hint| at + hint.len()).min();
        first = first.into_iter().chain(end).min();
    }
    first
}

/// Whether what stands between the tokens speaks of a secret and has a quote behind it.
fn comments_announce_secret(statement: &str, tokens: &[Token]) -> bool {
    let ends = std::iter::once(0).chain(tokens.iter().map(|token| token.end));
    let starts = tokens.iter().map(|token| token.start).chain([statement.len()]);
    ends.zip(starts).any(|(end, start)| holds_secret(statement.get(end..start).unwrap_or_default()))
}

/// Whether a text holds a statement with a secret, a list of options with one, or an address with a
/// password in it.
fn holds_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let names_secret = ["identified", "password", "passwd", "pwd"];
    let announced = names_secret.iter().any(|word| text.contains(word));
    (announced && text.contains(['\'', '"', '='])) || holds_address_with_password(&text)
}

/// Whether a text holds something like `mysql://user:password@host`.
fn holds_address_with_password(text: &str) -> bool {
    text.split("://").skip(1).any(|behind| {
        let end = behind.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(behind.len());
        let authority = behind.get(..end).unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

/// The statement with `secrets`, indexes of tokens, masked. Comments are left out, because they may hold
/// what was masked; where nothing was, only those that speak of a secret themselves.
fn rewritten(statement: &str, tokens: &[Token], secrets: &[usize]) -> String {
    let mut text = String::with_capacity(statement.len());
    let mut end = 0;
    let is_harmless = |between: &str| {
        between.chars().all(char::is_whitespace) || (secrets.is_empty() && !holds_secret(between))
    };
    for (index, token) in tokens.iter().enumerate() {
        let between = statement.get(end..token.start).unwrap_or_default();
        text.push_str(if is_harmless(between) { between } else { " " });
        let is_secret = secrets.binary_search(&index).is_ok();
        text.push_str(if is_secret { MASK } else { token.raw(statement) });
        end = token.end;
    }
    text.push_str(statement.get(end..).filter(|rest| is_harmless(rest)).unwrap_or_default());
    text
}

struct Scan<'a> {
    statement: &'a str,
    context: &'a Context<'a>,
    tokens: &'a [Token],
}

impl Scan<'_> {
    /// Indexes of the tokens to be masked, in order.
    fn secrets(&self) -> Vec<usize> {
        let of_accounts = self.changes_account_tables();
        // From a word about logging in to the end of the statement, strings are secrets unless they are
        // known to be something else.
        let mut login = false;
        // For each open parenthesis, whether it is within a cipher's.
        let mut ciphers = Vec::new();
        let mut secrets = Vec::new();
        for (index, token) in self.tokens.iter().enumerate() {
            login |= token.is_word(self.statement, "IDENTIFIED")
                || (token.is_word(self.statement, "PASSWORD") && self.sets_password(index))
                || (token.kind == Kind::String && self.begins_login(token));
            match token.kind {
                Kind::Symbol('(') => {
                    let name = self.word(index.checked_sub(1));
                    let opens = CIPHERS.iter().any(|cipher| name.eq_ignore_ascii_case(cipher));
                    ciphers.push(opens || ciphers.last() == Some(&true));
                }
                Kind::Symbol(')') => drop(ciphers.pop()),
                _ => {}
            }
            let literal = match token.kind {
                Kind::String | Kind::Hex | Kind::Bits => true,
                Kind::Quoted => token.raw(self.statement).starts_with('"'),
                _ => false,
            };
            if literal
                && (of_accounts
                    || ciphers.last() == Some(&true)
                    || self.follows_secret_word(index)
                    || (login && !self.is_account_part(index))
                    // Strings side by side are one.
                    || index.checked_sub(1).is_some_and(|before| secrets.last() == Some(&before))
                    || self.quotes_secret(token))
            {
                secrets.push(index);
            }
        }
        secrets
    }

    fn word(&self, index: Option<usize>) -> &str {
        let token = index.and_then(|index| self.tokens.get(index));
        token.filter(|token| token.kind == Kind::Word).map_or("", |token| token.raw(self.statement))
    }

    fn is_symbol(&self, index: Option<usize>, symbol: char) -> bool {
        let token = index.and_then(|index| self.tokens.get(index));
        token.is_some_and(|token| token.kind == Kind::Symbol(symbol))
    }

    /// `SET PASSWORD`, also inside a routine or behind another variable: `SET x = 1, PASSWORD FOR u = 'p'`.
    fn sets_password(&self, password: usize) -> bool {
        let before = password.checked_sub(1);
        self.word(before).eq_ignore_ascii_case("SET")
            || (self.is_symbol(before, ',')
                && self.word(Some(password + 1)).eq_ignore_ascii_case("FOR"))
    }

    /// A string that is put together with others to a statement about logging in.
    fn begins_login(&self, token: &Token) -> bool {
        let text = token.raw(self.statement).to_ascii_lowercase();
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
        words.any(|word| word == "identified") || text.contains("set password")
    }

    /// A statement about the server's own tables of accounts, whose columns hold hashes.
    fn changes_account_tables(&self) -> bool {
        const TABLES: [&str; 8] = [
            "user",
            "global_priv",
            "servers",
            "slave_master_info",
            "password_history",
            "db",
            "host",
            "proxies_priv",
        ];
        let name = |index: usize| {
            let token = self.tokens.get(index)?;
            Some(token.name(self.statement)?.to_ascii_lowercase())
        };
        let is_account_table =
            |index: usize| name(index).is_some_and(|name| TABLES.contains(&name.as_str()));
        let qualified = |index: usize| {
            name(index).is_some_and(|name| name == "mysql")
                && self.is_symbol(Some(index + 1), '.')
                && is_account_table(index + 2)
        };
        let writes = ["INSERT", "REPLACE", "UPDATE", "LOAD", "DELETE"]
            .iter()
            .any(|word| self.word(Some(0)).eq_ignore_ascii_case(word));
        let inside_mysql = writes && self.context.database.eq_ignore_ascii_case("mysql");
        (0..self.tokens.len())
            .any(|index| qualified(index) || (inside_mysql && is_account_table(index)))
    }

    /// A literal right behind a word like `PASSWORD`, `MASTER_PASSWORD` or `CONNECTION`, with nothing
    /// but `=`, `(`, `BY` or `TO` in between.
    fn follows_secret_word(&self, literal: usize) -> bool {
        let mut before = literal.checked_sub(1);
        while self.is_symbol(before, '=')
            || self.is_symbol(before, '(')
            || self.is_symbol(before, ':')
            || ["BY", "TO", "AS"].iter().any(|word| self.word(before).eq_ignore_ascii_case(word))
        {
            before = before.and_then(|index| index.checked_sub(1));
        }
        let token = before.and_then(|index| self.tokens.get(index));
        let Some(name) = token.and_then(|token| token.name(self.statement)) else { return false };
        let name = name.to_ascii_lowercase();
        ["password", "passwd", "secret", "access_key"].iter().any(|part| name.contains(part))
            || ["connection", "option_list"].contains(&name.as_str())
    }

    /// A string in a statement about accounts that is no secret: part of a user's name, a plugin, a
    /// certificate's name.
    fn is_account_part(&self, literal: usize) -> bool {
        const BEFORE_NAME: [&str; 9] =
            ["USER", "FOR", "EXISTS", "ROLE", "VIA", "OR", "SUBJECT", "ISSUER", "CIPHER"];
        let before = literal.checked_sub(1);
        let at_sign = self.is_symbol(before, '@') || self.is_symbol(Some(literal + 1), '@');
        let follows =
            |words: &[&str]| words.iter().any(|word| self.word(before).eq_ignore_ascii_case(word));
        let plugin = follows(&["WITH"])
            && self.word(literal.checked_sub(2)).eq_ignore_ascii_case("IDENTIFIED");
        let next_user = self.is_symbol(before, ',')
            && self.word(Some(literal + 1)).eq_ignore_ascii_case("IDENTIFIED");
        at_sign || plugin || next_user || follows(&BEFORE_NAME)
    }

    fn quotes_secret(&self, token: &Token) -> bool {
        let text = token.raw(self.statement);
        holds_secret(text.get(1..text.len().saturating_sub(1)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, by a search for each word.
    fn searched(statement: &str) -> Option<usize> {
        let lower = statement.to_ascii_lowercase();
        HINTS.iter().filter_map(|hint| Some(lower.find(hint)? + hint.len())).min()
    }

    /// A hint or its beginning, or something else.
    fn piece() -> impl Strategy<Value = String> {
        let word = (prop::sample::select(HINTS.to_vec()), 0..12_usize, any::<bool>());
        let word = word.prop_map(|(hint, length, is_upper)| {
            let word = hint.get(..length).unwrap_or(hint);
            if is_upper { word.to_ascii_uppercase() } else { word.to_owned() }
        });
        prop_oneof![word, "[ -~]{0,3}", any::<char>().prop_map(String::from)]
    }

    proptest! {
        #[test]
        fn d14_the_first_hint_is_where_a_search_for_each_finds_it(
            pieces in prop::collection::vec(piece(), 0..8)
        ) {
            let statement = pieces.concat();
            prop_assert_eq!(first_hint(&statement), searched(&statement));
        }
    }
}
