//! Whether a record follows from the one before it of the same row: found without asking the source.

use super::ledger::Entry;
use super::report::DifferenceKind;

/// What a record does to one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A row appears.
    Appears,
    /// A row changes or goes away, and was as this image says.
    Follows(Image),
}

/// An image as far as it can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Image {
    /// Digest of its values; `None` if not all of them were logged.
    pub(super) values: Option<u64>,
    /// Digest of its columns.
    pub(super) shape: u64,
}

/// What a table's statements mean for its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Past {
    /// The log shows the whole life of the rows, so that a row without a record was never there.
    pub(super) covered: bool,
    /// Offset of the last statement that may have converted values; −1 for none.
    pub(super) altered_at: i64,
}

/// What is wrong with a step, if anything.
pub(super) fn check(previous: Option<&Entry>, past: Past, step: Step) -> Option<DifferenceKind> {
    match (step, previous) {
        (Step::Appears, Some(Entry { lives: true, .. })) => Some(DifferenceKind::AppearsTwice),
        (Step::Appears, _) => None,
        (Step::Follows(_), None) => past.covered.then_some(DifferenceKind::NeverAppeared),
        (Step::Follows(_), Some(Entry { lives: false, .. })) => Some(DifferenceKind::NeverAppeared),
        (Step::Follows(now), Some(then)) => {
            let differs = past.altered_at < then.offset
                && then.shape == now.shape
                && then.image.zip(now.values).is_some_and(|(then, now)| then != now);
            differs.then_some(DifferenceKind::BrokenChain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Past = Past { covered: true, altered_at: -1 };
    const PART: Past = Past { covered: false, altered_at: -1 };

    fn left(image: Option<u64>, lives: bool) -> Entry {
        Entry { offset: 1, tail: -1, image, shape: 7, lives }
    }

    fn follows(values: Option<u64>, shape: u64) -> Step {
        Step::Follows(Image { values, shape })
    }

    #[test]
    fn a_row_is_left_as_it_is_found_again() {
        let then = left(Some(1), true);
        assert_eq!(check(Some(&then), WHOLE, follows(Some(1), 7)), None);
        let broken = Some(DifferenceKind::BrokenChain);
        assert_eq!(check(Some(&then), WHOLE, follows(Some(2), 7)), broken);
    }

    #[test]
    fn what_was_not_logged_whole_is_not_compared() {
        let then = left(Some(1), true);
        assert_eq!(check(Some(&then), WHOLE, follows(None, 7)), None, "a partial image");
        assert_eq!(check(Some(&then), WHOLE, follows(Some(2), 8)), None, "other columns");
        assert_eq!(check(Some(&left(None, true)), WHOLE, follows(Some(2), 7)), None);
        let altered = Past { altered_at: 2, ..WHOLE };
        assert_eq!(check(Some(&then), altered, follows(Some(2), 7)), None, "altered in between");
    }

    #[test]
    fn a_row_appears_once_and_before_it_changes() {
        let twice = Some(DifferenceKind::AppearsTwice);
        assert_eq!(check(Some(&left(Some(1), true)), WHOLE, Step::Appears), twice);
        assert_eq!(check(Some(&left(Some(1), false)), WHOLE, Step::Appears), None);
        assert_eq!(check(None, WHOLE, Step::Appears), None);
        let never = Some(DifferenceKind::NeverAppeared);
        assert_eq!(check(None, WHOLE, follows(Some(1), 7)), never);
        assert_eq!(check(Some(&left(Some(1), false)), PART, follows(Some(1), 7)), never);
        assert_eq!(check(None, PART, follows(Some(1), 7)), None, "older than the log");
    }
}
