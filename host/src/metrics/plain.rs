//! OpenMetrics as the text form before it (Prometheus's 0.0.4): counters and infos are named as their samples are, and
//! there are neither units nor an end.

/// What is told of a family.
const TOLD: [&str; 2] = ["HELP", "TYPE"];

pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let types: std::collections::HashMap<&str, &str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    for line in text.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            plain.push_str(line);
            plain.push('\n');
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        let (Some(word), Some(family), Some(rest)) = (words.next(), words.next(), words.next()) else { continue };
        if !TOLD.contains(&word) {
            continue;
        }
        let (suffix, kind) = match types.get(family) {
            Some(&"counter") => ("_total", "counter"),
            Some(&"info") => ("_info", "gauge"),
            Some(&"unknown") => ("", "untyped"),
            Some(kind) => ("", *kind),
            None => ("", "untyped"),
        };
        let rest = if word == "TYPE" { kind } else { rest };
        plain.push_str(&format!("# {word} {family}{suffix} {rest}\n"));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn counters_and_infos_are_named_as_their_samples_and_units_and_the_end_are_left_out() {
        let text = "# HELP a_seconds Took.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\na_seconds_sum 1.0\n\
                    # HELP b What.\n# TYPE b counter\nb_total{x=\"# TYPE\"} 2\n# HELP c Which.\n# TYPE c info\n\
                    c_info{version=\"1\"} 1\n# EOF\n";
        let expected = "# HELP a_seconds Took.\n# TYPE a_seconds histogram\na_seconds_sum 1.0\n\
                        # HELP b_total What.\n# TYPE b_total counter\nb_total{x=\"# TYPE\"} 2\n\
                        # HELP c_info Which.\n# TYPE c_info gauge\nc_info{version=\"1\"} 1\n";
        assert_eq!(plain(text), expected);
    }
}
