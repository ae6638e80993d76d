//! Any bytes as a receiver's SPSP answer. No message may repeat the answer, whose secret would then
//! be in the log.

#![no_main]

use ilp_http::spsp::{SpspError, read_details, read_shared_secret};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    match read_details(bytes) {
        Ok(details) => {
            let credentials = details.credentials;
            // Members that aren't read may hold bytes that are no text.
            let answer = String::from_utf8_lossy(bytes);
            let answer: Value = serde_json::from_str(&answer).expect("the answer is JSON");
            let text = answer["shared_secret"].as_str().expect("the secret is a text");
            assert_eq!(read_shared_secret(text), Some(credentials.shared_secret));
            // The other side may put the secret into the address.
            let shown = format!("{credentials:?}");
            let is_in_address = credentials.destination.to_string().contains(text);
            assert!(is_in_address || !shown.contains(text), "a secret in debug output");
        }
        // The texts of this error are constants.
        Err(SpspError::Answer(_)) => {}
        Err(error) => panic!("an answer that was read caused {error}"),
    }
});
