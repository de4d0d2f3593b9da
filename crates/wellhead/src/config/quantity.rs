//! Durations and sizes as people write them.

use std::time::Duration;

/// A sequence of numbers with units, largest first or not: `5ms`, `30s`, `1h30m`, `7d`; or `0`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const RULE: &str = "a duration is a number with a unit (ms, s, m, h, d), like 30s or 7d";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, behind) = leading_number(rest).ok_or(RULE)?;
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let millis = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(RULE.into()),
        };
        let part = number.checked_mul(millis).ok_or("the duration is too long")?;
        total = total.saturating_add(Duration::from_millis(part));
        rest = behind;
    }
    if text.is_empty() { Err(RULE.into()) } else { Ok(total) }
}

/// A number of bytes, with a unit of 1024 (`KiB`, `MiB`, `GiB`, `TiB`), of 1000 (`kB`, `MB`, `GB`,
/// `TB`), `B`, or none.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    const RULE: &str =
        "a size is a number with a unit (B, KiB, MiB, GiB, TiB, kB, MB, GB, TB), like 256MiB";
    let (number, unit) = leading_number(text).ok_or(RULE)?;
    let factor: u64 = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return Err(RULE.into()),
    };
    let bytes = number.checked_mul(factor).filter(|bytes| i64::try_from(*bytes).is_ok());
    bytes.ok_or_else(|| "the size is too large".into())
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    digits.parse().ok().map(|number| (number, rest))
}
