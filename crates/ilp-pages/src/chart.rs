//! Charts as inline SVG. Each has a description in words, for readers who don't see the drawing.

use std::fmt::Write as _;

use maud::{Markup, html};

/// The height of a drawing, in its own units.
const HEIGHT: u64 = 100;
/// The width of one step, in the drawing's units.
const STEP: usize = 10;

/// The labels around a drawing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    /// The label of the left end, such as `an hour ago`.
    pub(crate) since: &'a str,
    /// The description of the drawing.
    pub(crate) words: &'a str,
    /// The label of the upper end.
    pub(crate) top: &'a str,
    /// The legend: the name of each series, with its class.
    pub(crate) keys: &'a [(&'a str, &'a str)],
}

/// One series of a drawing: a value for each step, the newest last, and the series' class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Series<'a> {
    pub(crate) class: &'a str,
    pub(crate) values: &'a [u64],
}

/// Draws stacked bars for up to `steps` steps, the newest at the right end.
pub(crate) fn bars(frame: Frame<'_>, steps: usize, most: u64, series: &[Series<'_>]) -> Markup {
    let length = series.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let mut below = vec![0_u64; length];
    let mut paths = Vec::with_capacity(series.len());
    for Series { class, values } in series {
        let mut path = String::new();
        for (index, value) in values.iter().enumerate() {
            let (from, to) = (below[index], below[index].saturating_add(*value));
            below[index] = to;
            let (low, high) = (height(from, most), height(to, most));
            if *value == 0 {
                continue;
            }
            // A bar is at least one unit tall, so that the smallest value is visible.
            let tall = high.saturating_sub(low).max(1);
            let x = (steps.saturating_sub(values.len()) + index) * STEP + 1;
            // Writing to a String can't fail.
            let _ = write!(path, "M{x} {}v-{tall}h8v{tall}z", HEIGHT.saturating_sub(low));
        }
        paths.push((*class, path));
    }
    let drawn = html! { @for (class, path) in &paths { @if !path.is_empty() { path class=(class) d=(path) {} } } };
    framed(frame, steps, &drawn)
}

/// Draws lines through up to `steps` values. A missing value breaks its line.
pub(crate) fn lines(
    frame: Frame<'_>,
    steps: usize,
    most: u64,
    series: &[(&str, Vec<Option<u64>>)],
) -> Markup {
    let path = |values: &[Option<u64>]| {
        let (mut path, mut is_down) = (String::new(), false);
        for (index, value) in values.iter().enumerate() {
            let Some(value) = value else {
                is_down = false;
                continue;
            };
            let x = (steps.saturating_sub(values.len()) + index) * STEP + STEP / 2;
            let y = HEIGHT.saturating_sub(height(*value, most));
            // A line of no length is a dot, so that a single value is visible.
            let _ = match is_down {
                true => write!(path, "L{x} {y}"),
                false => write!(path, "M{x} {y}h0"),
            };
            is_down = true;
        }
        path
    };
    let drawn = html! { @for (class, values) in series { path class={ "line " (class) } d=(path(values)) {} } };
    framed(frame, steps, &drawn)
}

/// Returns a round number that is not below any of the values.
pub(crate) fn top(values: impl Iterator<Item = u64>) -> u64 {
    let most = values.max().unwrap_or(0);
    let mut unit: u64 = 1;
    loop {
        for step in [1, 2, 5] {
            let round = unit.saturating_mul(step);
            if round >= most {
                return round;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn height(value: u64, most: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(HEIGHT);
    let height = scaled.checked_div(most.into()).unwrap_or(0);
    u64::try_from(height).unwrap_or(HEIGHT).min(HEIGHT)
}

fn framed(frame: Frame<'_>, steps: usize, drawn: &Markup) -> Markup {
    let Frame { title, since, words, top, keys } = frame;
    let width = steps * STEP;
    html! {
        figure.chart {
            figcaption {
                strong { (title) }
                @for (name, class) in keys { span class={ "key " (class) } { (name) } }
            }
            div.drawing {
                span.top-end aria-hidden="true" { (top) }
                svg viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                    aria-label={ (title) ": " (words) } { (drawn) }
            }
            div.axis aria-hidden="true" { span { (since) } span { "now" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame<'_> =
        Frame { title: "Packets", since: "a minute ago", words: "none", top: "10", keys: &[] };

    #[test]
    fn the_upper_end_is_round_and_never_below() {
        for (most, expected) in [(0, 1), (1, 1), (3, 5), (10, 10), (11, 20), (501, 1_000)] {
            assert_eq!(top([0, most].into_iter()), expected);
        }
        assert_eq!(top([u64::MAX].into_iter()), u64::MAX);
    }

    #[test]
    fn bars_stand_on_each_other_and_end_at_the_right() {
        let series = |values| [Series { class: "a", values }, Series { class: "b", values: &[1] }];
        let drawn = bars(FRAME, 3, 10, &series(&[9])).into_string();
        assert!(drawn.contains("M21 100v-90h8v90z"), "{drawn}");
        assert!(drawn.contains("M21 10v-10h8v10z"), "{drawn}");
        assert!(drawn.contains("aria-label=\"Packets: none\""), "{drawn}");
        let full = bars(FRAME, 1, 1, &series(&[u64::MAX])).into_string();
        assert!(full.contains("v-100h8v100z"), "{full}");
    }

    #[test]
    fn a_line_breaks_where_nothing_is_known() {
        let values = vec![Some(5), None, Some(10), Some(0)];
        let drawn = lines(FRAME, 4, 10, &[("p50", values)]).into_string();
        assert!(drawn.contains("d=\"M5 50h0M25 0h0L35 100\""), "{drawn}");
    }
}
