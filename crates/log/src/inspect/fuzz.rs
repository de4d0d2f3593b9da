//! The fuzz entry: looking at a segment of arbitrary bytes.

use std::ops::ControlFlow;
use std::path::Path;

use super::{Folder, Severity, Span, dump, info, verify};
use crate::{Error, Offset};

/// Looks at a folder whose only segment is `bytes` in every way there is.
///
/// # Panics
/// If the looks contradict each other, or the file changes.
pub fn fuzz_inspect(folder: &Path, bytes: &[u8]) {
    let path = folder.join("00000000000000000000.log");
    std::fs::write(&path, bytes).expect("the folder can be written");
    let listed = Folder::of_segment(&path).expect("the name is that of a segment");
    let known = info(&listed).expect("the file can be read");
    let read = verify(&listed, |_, _| {}).expect("the file can be read");
    let segment = known.segments.first().expect("it is listed");
    assert_eq!(read.bytes, bytes.len() as u64);
    let (_, end) = read.offsets.expect("there is a segment");
    assert!(segment.next <= end, "what ends a quick look is behind what a full one found");
    if read.is_sound() {
        assert_eq!(segment.next, end);
        let unfinished = read.findings.count(Severity::Unfinished) > 0;
        assert_eq!(unfinished, segment.unfinished_bytes > 0);
        let mut next = Offset(0);
        dump::<Error>(&listed, &Span::default(), |_, record| {
            assert_eq!(record.offset, next);
            next = Offset(next.0 + 1);
            Ok(ControlFlow::Continue(()))
        })
        .expect("a sound segment can be read");
        assert_eq!(next, end);
    }
    assert!(std::fs::read(&path).expect("it is still there") == bytes, "a look changed a file");
}
