//! A signature header and a body: the first line of the bytes and the rest. A made-up header must be
//! refused, a right one accepted whatever is appended to it, and a changed one refused.

#![no_main]

use std::{env, process, sync::OnceLock};

use ilp_operator::access::fuzzing::SignatureCheck;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static CHECK: OnceLock<SignatureCheck> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (header, body) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(body) = serde_json::from_str::<Value>(body) else { return };
    let check = CHECK.get_or_init(|| {
        let name = format!("jirani-fuzz-signature-{}", process::id());
        SignatureCheck::new(&env::temp_dir().join(name))
    });
    let right = check.sign(&body);
    // A digest of 256 bits isn't guessed: only the right one passes.
    let digest = right.split_once("v1=").expect("a digest").1;
    if check.verify(header, body.clone()).is_some() {
        assert!(header.to_ascii_lowercase().contains(digest), "a made-up signature passed");
    }
    assert_eq!(check.verify(&right, body.clone()), Some(body.clone()), "a right signature");
    // Further parts of the header mean nothing, unless they come first.
    let appended = format!("{right},{header}");
    assert_eq!(check.verify(&appended, body.clone()), Some(body.clone()), "a part was appended");
    let changed = if right.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{}{changed}", &right[..right.len() - 1]);
    assert_eq!(check.verify(&wrong, body), None, "a changed digest passed");
});
