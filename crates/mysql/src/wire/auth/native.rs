//! `mysql_native_password`: SHA-1 of the password, hidden by a SHA-1 over the nonce.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// `SHA1(password) XOR SHA1(nonce + SHA1(SHA1(password)))`.
pub(super) fn scramble(password: &[u8], nonce: &[u8]) -> [u8; 20] {
    let stage1 = sha1(&[password]);
    let stage2 = sha1(&[&stage1]);
    let mask = sha1(&[nonce, &stage2]);
    let mut answer = stage1;
    answer.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    answer
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().expect("SHA-1 gives 20 bytes")
}
