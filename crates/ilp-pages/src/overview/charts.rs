//! Charts of packets by second and by minute, and of the time that packets took.

use maud::{Markup, html};

use crate::{
    Pages,
    chart::{Frame, Series, bars, lines, top},
    parts::{latency, tenths},
    pulse::Window,
};

const SECONDS: usize = 120;
const MINUTES: usize = 60;
const MINUTE_S: usize = 60;

pub(super) fn show(pages: &Pages) -> Markup {
    let seconds = pages.pulse.steps(1, SECONDS);
    let minutes = pages.pulse.steps(MINUTE_S, MINUTES);
    html! {
        section.card {
            h2 { "What passes" }
            div.charts {
                (packets("Packets a second, two minutes", "two minutes ago", SECONDS, &seconds))
                (packets("Packets a second, one hour", "an hour ago", MINUTES, &minutes))
                (times(&minutes))
            }
        }
    }
}

fn packets(title: &str, since: &str, steps: usize, windows: &[Window]) -> Markup {
    let failed: Vec<_> = windows.iter().map(|window| rate(window.failed, window)).collect();
    let all: Vec<_> = windows.iter().map(Window::tenths_per_second).collect();
    let fulfilled: Vec<_> =
        all.iter().zip(&failed).map(|(all, failed)| all.saturating_sub(*failed)).collect();
    // The scale is at least one packet a second, so that silence is flat.
    let most = top(all.iter().copied()).max(10);
    let words = match (all.last(), all.iter().max()) {
        (Some(last), Some(most)) => {
            let with_failures = windows.iter().filter(|window| window.failed > 0).count();
            format!(
                "now {}, at most {}; failures in {with_failures} of {} steps",
                tenths(*last),
                tenths(*most),
                windows.len()
            )
        }
        _ => "nothing is known yet".to_owned(),
    };
    let frame = Frame {
        title,
        since,
        words: &words,
        top: &tenths(most),
        keys: &[("fulfilled", "good"), ("failed", "bad")],
    };
    let good = Series { class: "good", values: &fulfilled };
    bars(frame, steps, most, &[good, Series { class: "bad", values: &failed }])
}

fn times(minutes: &[Window]) -> Markup {
    let quantile = |thousandths: u64| -> Vec<_> {
        minutes.iter().map(|minute| minute.times.quantile_ns(thousandths)).collect()
    };
    let (half, most) = (quantile(500), quantile(990));
    let upper = top(half.iter().chain(&most).flatten().copied());
    let last = |values: &[Option<u64>]| latency(values.last().copied().flatten());
    let words = match most.iter().flatten().max() {
        Some(slowest) => format!(
            "in the last minute half of them within {}, 99 % within {}; the slowest minute {}",
            last(&half),
            last(&most),
            latency(Some(*slowest))
        ),
        None => "nothing is known yet".to_owned(),
    };
    let frame = Frame {
        title: "Time of a packet, one hour",
        since: "an hour ago",
        words: &words,
        top: &latency(most.iter().any(Option::is_some).then_some(upper)),
        keys: &[("half of them", "half"), ("99 %", "most")],
    };
    lines(frame, MINUTES, upper, &[("half", half), ("most", most)])
}

/// Returns the rate of a count in a window, in tenths per second.
fn rate(count: u64, window: &Window) -> u64 {
    count.saturating_mul(10).checked_div(window.seconds).unwrap_or(0)
}
