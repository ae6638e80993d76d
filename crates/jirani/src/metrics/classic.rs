//! The metrics in the classic text format of Prometheus (0.0.4), for programs that don't read
//! OpenMetrics, such as `promtool check metrics`.
//!
//! Samples are the same in both formats. The lines that describe them differ: in the classic format
//! a counter and a text have the names of their samples, with `_total` and `_info`, a text is a
//! gauge that is always 1, a quote in a description is not escaped, and no line marks the end.

/// Returns the classic form of a text in OpenMetrics' form.
pub(super) fn classic(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            // The help line is kept until the type is known, on which its name depends.
            help = described.split_once(' ').map(|(_, words)| words);
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').unwrap_or((typed, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            if let Some(words) = help.take() {
                let words = words.replace("\\\"", "\"");
                text.push_str(&format!("# HELP {name}{suffix} {words}\n"));
            }
            text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_describe_differ_and_the_samples_stay() {
        let open = "# HELP a How \\\"often\\\".\n# TYPE a counter\na_total{x=\"# HELP \\\"\"} 1\n\
                    # HELP b Who.\n# TYPE b info\nb_info{y=\"z\"} 1\n\
                    # HELP c_seconds When.\n# TYPE c_seconds histogram\n# UNIT c_seconds seconds\n\
                    c_seconds_bucket{le=\"+Inf\"} 0\nc_seconds_sum 0.0\nc_seconds_count 0\n\
                    # TYPE d unknown\nd 1.5\n# EOF\n";
        let expected = "# HELP a_total How \"often\".\n# TYPE a_total counter\n\
                        a_total{x=\"# HELP \\\"\"} 1\n\
                        # HELP b_info Who.\n# TYPE b_info gauge\nb_info{y=\"z\"} 1\n\
                        # HELP c_seconds When.\n# TYPE c_seconds histogram\n\
                        c_seconds_bucket{le=\"+Inf\"} 0\nc_seconds_sum 0.0\nc_seconds_count 0\n\
                        # TYPE d untyped\nd 1.5\n";
        assert_eq!(classic(open), expected);
    }
}
