//! Elements of pages: amounts, times, states, bars, tabs and pagers.

use std::sync::Arc;

use ilp_connector::{Reachability, amount::format_amount, peer::Asset};
use ilp_operator::{AccountAsset, AssetView};
use interledger_packet::Timestamp;
use maud::{Markup, html};

/// The asset that an amount is in.
pub(crate) trait Unit {
    /// Returns the asset's code and its decimal places.
    fn unit(&self) -> (&str, u8);
}

impl Unit for AssetView {
    fn unit(&self) -> (&str, u8) {
        (&self.record.code, self.record.scale)
    }
}

impl Unit for AccountAsset {
    fn unit(&self) -> (&str, u8) {
        (&self.code, self.scale)
    }
}

impl Unit for Arc<Asset> {
    fn unit(&self) -> (&str, u8) {
        (&self.code, self.scale)
    }
}

/// The code and scale of another node's asset.
impl Unit for (&str, u8) {
    fn unit(&self) -> (&str, u8) {
        *self
    }
}

/// Shows an amount in standard units with the asset's code; the exact integer on hover.
pub(crate) fn amount(amount: impl Into<u128>, asset: &impl Unit) -> Markup {
    let amount = amount.into();
    let (code, scale) = asset.unit();
    html! {
        span title={ (amount) " in the smallest unit, scale " (scale) } {
            (grouped(&format_amount(amount, scale))) " " (code)
        }
    }
}

/// Returns tenths as a number with one decimal, without a final `.0`.
pub(crate) fn tenths(tenths: u64) -> String {
    let whole = grouped(&(tenths / 10).to_string());
    if tenths >= 1_000 || tenths.is_multiple_of(10) {
        whole
    } else {
        format!("{whole}.{}", tenths % 10)
    }
}

/// Returns thousandths as a percentage; a dash where the whole is zero.
pub(crate) fn per_mille(thousandths: Option<u64>) -> String {
    thousandths.map_or("-".to_owned(), |it| format!("{}.{} %", it / 10, it % 10))
}

/// Returns the time that a packet took, from nanoseconds; a dash where there was no packet.
pub(crate) fn latency(ns: Option<u64>) -> String {
    let scaled =
        |ns: u64, unit_ns: u64, unit: &str| format!("{} {unit}", tenths(ns * 10 / unit_ns));
    match ns {
        None => "-".to_owned(),
        Some(ns @ 0..1_000_000) => scaled(ns, 1_000, "us"),
        Some(ns @ 1_000_000..1_000_000_000) => scaled(ns, 1_000_000, "ms"),
        Some(ns) => format!("{} s", tenths(ns / 100_000_000)),
    }
}

/// Returns an amount as the initial value of a form's field.
pub(crate) fn typed_amount(amount: u64, scale: u8) -> String {
    format_amount(amount.into(), scale)
}

/// Shows how long ago or how soon a moment is; the exact time on hover.
pub(crate) fn moment(at: Timestamp, now: Timestamp) -> Markup {
    let exact = at.to_string();
    html! { time datetime=(exact) title=(exact) { (relative(at.unix_ms(), now.unix_ms())) } }
}

/// Shows a moment given in milliseconds since 1970.
pub(crate) fn moment_ms(at_ms: u64, now: Timestamp) -> Markup {
    moment(Timestamp::from_unix_ms(at_ms), now)
}

/// Shows a time as books write it: the date and the time of day in UTC, with its age on hover.
pub(crate) fn date_ms(at_ms: u64, now: Timestamp) -> Markup {
    let exact = Timestamp::from_unix_ms(at_ms).to_string();
    let (date, time) = exact.split_once('T').unwrap_or((&exact, ""));
    let seconds = time.split(['.', 'Z']).next().unwrap_or_default();
    html! { time datetime=(exact) title=(relative(at_ms, now.unix_ms())) { (date) " " (seconds) " UTC" } }
}

/// Returns a text that came from outside the node, with control characters and those that change
/// the direction of writing replaced by their numbers: they could hide a part of the line or turn
/// it around.
pub(crate) fn plain(text: &str) -> String {
    let hides = |sign: char| {
        matches!(sign, '\u{ad}' | '\u{61c}' | '\u{feff}' | '\u{200b}'..='\u{200f}')
            || matches!(sign, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || (sign.is_control() && sign != '\n')
    };
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars() {
        if hides(sign) {
            shown.extend(sign.escape_unicode());
        } else {
            shown.push(sign);
        }
    }
    shown
}

/// Shows a state as a word with a colour: `good`, `warn`, `bad`, or none.
pub(crate) fn state(class: &str, word: &str) -> Markup {
    html! { span class={ "state " (class) } { (word) } }
}

/// Shows the links between the pages of a section. The first of each pair is a path.
pub(crate) fn tabs(pages: &[(&str, &str)], here: &str) -> Markup {
    html! {
        nav.tabs aria-label="Within this section" { ul {
            @for (path, name) in pages {
                li { a href=(path) aria-current=[(*path == here).then_some("page")] { (name) } }
            }
        } }
    }
}

/// Shows what an empty list says: the rows that it would have, the button that makes one, and the
/// command that does so on the command line.
pub(crate) fn empty(what: &str, button: Option<(&str, &str)>, command: &str) -> Markup {
    html! {
        div.card.empty {
            p { (what) }
            @if let Some((path, words)) = button { p { a.button href=(path) { (words) } } }
            @if !command.is_empty() { p.small { "On the command line: " code { (command) } } }
        }
    }
}

/// Shows whether packets reach a peer.
pub(crate) fn reachability(state: Reachability) -> Markup {
    let (class, words) = match state {
        Reachability::Reachable => ("state good", "Reachable"),
        Reachability::Unreachable => ("state bad", "Unreachable"),
        Reachability::Unknown => ("state", "Not tried yet"),
    };
    html! { span class=(class) { (words) } }
}

/// Shows liquidity as a bar, with a mark at the threshold of the event about low liquidity.
pub(crate) fn liquidity_bar(liquidity: u128, threshold: Option<u64>) -> Markup {
    let Some(threshold) = threshold.filter(|threshold| *threshold > 0).map(u128::from) else {
        return html! {};
    };
    let whole = liquidity.max(threshold.saturating_mul(4));
    // Thousandths of the bar: a length and no longer money.
    let part = |of: u128| of.saturating_mul(1_000).checked_div(whole).unwrap_or(0).min(1_000);
    let is_low = liquidity <= threshold;
    let words = if is_low { "at or below its threshold" } else { "above its threshold" };
    html! {
        svg class={ "bar" @if is_low { " low" } } viewBox="0 0 1000 8" preserveAspectRatio="none"
            role="img" aria-label=(words) {
            rect.fill width=(part(liquidity)) height="8" {}
            rect.mark x=(part(threshold)) width="6" height="8" {}
        }
    }
}

/// Shows a notice above a page.
pub(crate) fn notice(class: &str, words: &str) -> Markup {
    html! { div class={ "notice " (class) } role="status" { p { (words) } } }
}

/// Shows the links to the pages before and after this one.
pub(crate) fn pager(newer: Option<&str>, older: Option<&str>) -> Markup {
    html! {
        @if newer.is_some() || older.is_some() {
            nav.pager aria-label="Pages of the list" {
                @if let Some(path) = newer { a href=(path) rel="prev" { "Newer" } } @else { span {} }
                @if let Some(path) = older { a href=(path) rel="next" { "Older" } }
            }
        }
    }
}

fn grouped(amount: &str) -> String {
    let (whole, fraction) = amount.split_at(amount.find('.').unwrap_or(amount.len()));
    let mut grouped = String::with_capacity(amount.len() * 4 / 3 + 1);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped.push_str(fraction);
    grouped
}

fn relative(at_ms: u64, now_ms: u64) -> String {
    let seconds = at_ms.abs_diff(now_ms) / 1_000;
    let (count, unit) = match seconds {
        // The age grows in steps, so that a followed page is not sent again each second.
        0..10 => return "just now".to_owned(),
        10..60 => (seconds / 10 * 10, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if at_ms > now_ms {
        format!("in {count} {unit}{plural}")
    } else {
        format!("{count} {unit}{plural} ago")
    }
}

/// Returns a length of time in its two largest units.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_are_written_for_people() {
        for (plain, shown) in
            [("0", "0"), ("999.50", "999.50"), ("1000", "1,000"), ("1234567.89", "1,234,567.89")]
        {
            assert_eq!(grouped(plain), shown);
        }
        let date = date_ms(1_700_000_000_123, Timestamp::from_unix_ms(1_700_000_060_123));
        let date = date.into_string();
        assert!(
            date.contains(">2023-11-14 22:13:20 UTC<") && date.contains("1 minute ago"),
            "{date}"
        );
        assert_eq!(relative(1_000, 1_500), "just now");
        assert_eq!(relative(0, 61_000), "1 minute ago");
        assert_eq!(relative(7_200_000, 0), "in 2 hours");
        assert_eq!(duration(90_000_000), "1 d 1 h");
        assert_eq!(duration(61_000), "1 min 1 s");
    }

    #[test]
    fn rates_and_times_are_short() {
        let rates = [0, 5, 10, 123, 1_004, 1_234_567].map(tenths);
        assert_eq!(rates, ["0", "0.5", "1", "12.3", "100", "123,456"]);
        let times = [1_536, 1_500_000, 34_359_738_368, u64::MAX].map(|ns| latency(Some(ns)));
        assert_eq!(times, ["1.5 us", "1.5 ms", "34.3 s", "18,446,744,073 s"]);
        assert_eq!((latency(None), per_mille(Some(999))), ("-".to_owned(), "99.9 %".to_owned()));
    }

    #[test]
    fn a_text_hides_nothing() {
        assert_eq!(plain("caf\u{e9} \u{202e}dlog\n"), "caf\u{e9} \\u{202e}dlog\n");
        assert_eq!(plain("\u{0}\u{200b}<b>"), "\\u{0}\\u{200b}<b>");
    }

    #[test]
    fn a_bar_stays_within_its_frame() {
        for (liquidity, threshold) in [(0, 1), (u128::MAX, u64::MAX), (5, 5), (u128::MAX, 1)] {
            let bar = liquidity_bar(liquidity, Some(threshold)).into_string();
            let is_low = liquidity <= u128::from(threshold);
            assert_eq!(bar.contains("bar low"), is_low, "{bar}");
        }
        assert!(liquidity_bar(1, None).into_string().is_empty());
    }
}
