//! Doubles as MySQL writes them: the shortest digits that read back to the same number.
//!
//! `my_gcvt` of `strings/dtoa.cc`: plain digits while the point is within fifteen places of the first
//! digit, an exponent beyond. JSON text adds `.0` where nothing else says that it is a double.

use std::fmt::Write as _;

use super::text::Text;

/// Appends the number.
pub(super) fn write_double(number: f64, out: &mut Text) -> Result<(), &'static str> {
    if !number.is_finite() {
        return Err("its JSON has a number that is not finite");
    }
    if number == 0.0 {
        out.push_str(if number.is_sign_negative() { "-0.0" } else { "0.0" });
        return Ok(());
    }
    // `d.ddde-nn`: at most 17 digits, a sign, a point, and an exponent of up to four characters.
    let mut shortest = Stack { bytes: [0; 32], length: 0 };
    let _ = write!(shortest, "{number:e}");
    let text = shortest.as_str();
    let (mantissa, exponent) = text.split_once('e').ok_or("its JSON has a damaged number")?;
    let exponent: i32 = exponent.parse().map_err(|_| "its JSON has a damaged number")?;
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    if unsigned.len() < mantissa.len() {
        out.push(b'-');
    }
    let (first, more) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if !(-15..=14).contains(&exponent) {
        let point = if more.is_empty() { "" } else { "." };
        let _ = write!(out, "{first}{point}{more}e{exponent}");
        return Ok(());
    }
    match usize::try_from(exponent) {
        Ok(whole) => {
            out.push_str(first);
            let (integer, fraction) = more.split_at_checked(whole).unwrap_or((more, ""));
            out.push_str(integer);
            (integer.len()..whole).for_each(|_| out.push(b'0'));
            out.push(b'.');
            out.push_str(if fraction.is_empty() { "0" } else { fraction });
        }
        Err(_) => {
            out.push_str("0.");
            (exponent..-1).for_each(|_| out.push(b'0'));
            out.push_str(first);
            out.push_str(more);
        }
    }
    Ok(())
}

/// Text on the stack.
struct Stack {
    bytes: [u8; 32],
    length: usize,
}

impl Stack {
    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl std::fmt::Write for Stack {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let free = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        free.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
