//! Tests of times and retentions.

use super::*;

#[test]
fn times_in_which_no_packet_could_be_forwarded_are_refused() {
    let margin = refusal("[packet]\nexpiry_margin_ms = 30000", &[]);
    let expected = "packet.expiry_margin_ms = 30000 (from jirani.toml) is not below \
                    packet.hold_ms_max = 30000";
    assert!(margin.contains(expected), "{margin}");
    let hold = refusal("", &[("JIRANI_PACKET_HOLD_MS_MAX", "1000")]);
    assert!(hold.contains("(from environment variable JIRANI_PACKET_HOLD_MS_MAX)"), "{hold}");
    assert!(refusal("[packet]\nexpiry_margin_ms = 0\nhold_ms_max = 0", &[]).contains("all would"));
    assert!(with_file("[packet]\nexpiry_margin_ms = 999\nhold_ms_max = 1000", &[]).is_ok());
}

#[test]
fn payments_are_kept_unless_the_operator_says_for_how_long() {
    let days = |text: &str| with_file(text, &[]).map(|config| config.retention.payment_days);
    assert_eq!(days("").expect("the default"), None);
    assert_eq!(days("[retention]\npayment_days = \"all\"").expect("as the default"), None);
    assert_eq!(days("[retention]\npayment_days = 90").expect("days"), Some(90));
    let message = refusal("[retention]\npayment_days = 0", &[]);
    assert!(message.contains("a whole number of days from 1 to 36500, or all"), "{message}");
}
