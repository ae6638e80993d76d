//! Key figures: at present, and over the last hour.

use maud::{Markup, html};

use crate::{
    Pages,
    parts::{amount, latency, per_mille, tenths},
    pulse::Survey,
};

/// The window of "now" in seconds, long enough that a number can be read before it changes.
const NOW_S: usize = 10;
const MINUTE_S: usize = 60;
const HOUR_S: usize = 3_600;
/// The number of assets whose amounts in flight are shown.
const ASSETS_SHOWN: usize = 6;

pub(super) fn show(pages: &Pages, survey: &Survey) -> Markup {
    let pulse = &pages.pulse;
    let (now, minute, hour) = (pulse.over(NOW_S), pulse.over(MINUTE_S), pulse.over(HOUR_S));
    let of_times = |thousandths| latency(minute.times.quantile_ns(thousandths));
    let of_hour = |thousandths| latency(hour.times.quantile_ns(thousandths));
    html! {
        div.grid.figures {
            section.card {
                h2 { "Packets a second" }
                div.figure #packets-now { (tenths(now.tenths_per_second())) }
                p.quiet.small { "Last hour: " (tenths(hour.tenths_per_second())) ", " (hour.answered) " in all" }
            }
            section.card {
                h2 { "Fulfilled" }
                div.figure { (per_mille(minute.fulfilled_per_mille())) }
                p.quiet.small { "Last minute. Last hour: " (per_mille(hour.fulfilled_per_mille())) }
            }
            section.card {
                h2 { "Time of a packet" }
                div.figure { (of_times(500)) }
                p.quiet.small { "Half took no longer, 99 % no longer than " (of_times(990)) ". Last hour: " (of_hour(500)) ", " (of_hour(990)) }
            }
            section.card {
                h2 { "Under way" }
                div.figure { (survey.under_way.values().map(|count| count.packets).sum::<u64>()) " packets" }
                p.quiet.small {
                    @if survey.under_way.is_empty() { "No money is on hold for packets." }
                    @for (index, ((code, scale), count)) in survey.under_way.iter().take(ASSETS_SHOWN).enumerate() {
                        @if index > 0 { ", " }
                        (amount(count.amount, &(code.as_str(), *scale)))
                    }
                    @if survey.under_way.len() > ASSETS_SHOWN { " and of other assets" }
                }
            }
        }
    }
}
