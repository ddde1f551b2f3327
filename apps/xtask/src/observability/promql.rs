//! As much of PromQL as it takes to say which series an expression is about. Whether it is PromQL at
//! all, `promtool` says.

use std::collections::BTreeSet;

/// What gives an answer although there is no series, or hides one.
const MAKE_UP: [&str; 8] =
    ["absent", "absent_over_time", "clamp", "clamp_max", "clamp_min", "or", "scalar", "vector"];

/// Followed by labels in parentheses.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

const COMPARISONS: [&str; 6] = ["==", "!=", ">", "<", ">=", "<="];
const SETS: [&str; 3] = ["and", "or", "unless"];
const NO_METRICS: [&str; 4] = ["bool", "offset", "inf", "nan"];

/// The names of the metrics that `expr` asks for.
#[must_use]
pub fn metrics(expr: &str) -> BTreeSet<&str> {
    let tokens = bare(tokens(expr));
    let mut names = BTreeSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1).map_or("", |next| next.text);
        let is_function = next == "(" || ["by", "without"].contains(&next);
        let is_known = [&SETS[..], &NO_METRICS, &BEFORE_LABELS].concat().contains(&token.text);
        if is_name(token.text) && !is_function && !is_known {
            names.insert(token.text);
        }
    }
    names
}

/// The labels that `expr` keeps apart, without `le`, which a quantile takes away.
#[must_use]
pub fn kept_apart(expr: &str) -> BTreeSet<&str> {
    let tokens = tokens(expr);
    let mut labels = BTreeSet::new();
    for (index, _) in tokens.iter().enumerate().filter(|(_, token)| token.text == "by") {
        let list = tokens[index + 1..].iter().map(|token| token.text);
        labels.extend(list.take_while(|text| *text != ")").filter(|text| is_name(text)));
    }
    labels.remove("le");
    labels
}

/// What in `expr` makes up an answer where there is none, so that nobody would see that nothing is
/// there.
#[must_use]
pub fn made_up(expr: &str) -> Vec<&str> {
    let words = bare(tokens(expr)).into_iter().map(|token| token.text);
    words.filter(|word| MAKE_UP.contains(word)).collect()
}

/// What a condition compares and joins, without the bounds: each of these has an answer whether or not
/// the condition holds.
#[must_use]
pub fn operands(expr: &str) -> Vec<&str> {
    let (mut found, mut depth, mut begin) = (Vec::new(), 0_usize, 0);
    let tokens = tokens(expr);
    let mut rest = tokens.iter().peekable();
    while let Some(token) = rest.next() {
        match token.text {
            "(" | "{" | "[" => depth += 1,
            ")" | "}" | "]" => depth = depth.saturating_sub(1),
            text if depth == 0 && (COMPARISONS.contains(&text) || SETS.contains(&text)) => {
                found.push(&expr[begin..token.at]);
                begin = token.end();
                // What says how both sides are matched belongs to neither.
                while let Some(word) = rest.next_if(|word| is_matching(word.text)) {
                    begin = word.end();
                    if BEFORE_LABELS.contains(&word.text) {
                        begin = rest.find(|it| it.text == ")").map_or(begin, |it| it.end());
                    }
                }
            }
            _ => {}
        }
    }
    found.push(&expr[begin..]);
    found.into_iter().map(str::trim).filter(|part| !metrics(part).is_empty()).collect()
}

fn is_matching(word: &str) -> bool {
    word == "bool" || BEFORE_LABELS.contains(&word)
}

#[derive(Clone, Copy, Debug)]
struct Token<'e> {
    at: usize,
    text: &'e str,
}

impl Token<'_> {
    const fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// `tokens` without labels and ranges.
fn bare(tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let mut left = Vec::new();
    let mut rest = tokens.into_iter();
    while let Some(token) = rest.next() {
        left.push(token);
        let end = match token.text {
            "{" => "}",
            "[" => "]",
            text if BEFORE_LABELS.contains(&text) => ")",
            _ => continue,
        };
        rest.find(|token| token.text == end);
    }
    left
}

fn tokens(expr: &str) -> Vec<Token<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(first) = expr[at..].chars().next() {
        let rest = &expr[at..];
        let length = match first {
            '"' | '\'' | '`' => quoted(rest, first),
            _ if is_part_of_word(first) => {
                rest.find(|it| !is_part_of_word(it)).unwrap_or(rest.len())
            }
            '=' | '!' | '<' | '>' if rest[1..].starts_with(['=', '~']) => 2,
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() {
            found.push(Token { at, text: &rest[..length] });
        }
        at += length;
    }
    found
}

/// How long the string is that `text` begins with.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if character == '\\' && quote != '`' {
            escaped = true;
        } else if character == quote {
            return at + 1;
        }
    }
    text.len()
}

fn is_part_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || ['_', ':', '.'].contains(&character)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_metrics<const N: usize>(expr: &str, expected: [&str; N]) {
        assert_eq!(metrics(expr), expected.into(), "{expr}");
    }

    #[test]
    fn metrics_are_told_from_functions_labels_and_numbers() {
        check_metrics("up", ["up"]);
        check_metrics(
            "1 - sum by (le, job) (rate(a_bucket{le=\"x)\",m!~\"5..\"}[5m])) / 1.5e3",
            ["a_bucket"],
        );
        check_metrics("sum(rate(a:b{x=~\"(c|d)[.]\"}[30s])) without (e) > bool 2", ["a:b"]);
        check_metrics("a == 1 unless on (instance) b offset 5m", ["a", "b"]);
        check_metrics("a * on (x) group_left (version) target_info", ["a", "target_info"]);
    }

    #[test]
    fn a_condition_is_taken_apart() {
        let burns = "a:r1h > 14.4 * 0.001\nand a:r5m{x=\"> and\"} > 14.4 * 0.001";
        assert_eq!(operands(burns), ["a:r1h", "a:r5m{x=\"> and\"}"]);
        assert_eq!(operands("up{job=\"a\"} == 1 unless on (instance) b"), ["up{job=\"a\"}", "b"]);
        assert_eq!(operands("sum(a > 1) > bool sum by (x) (b)"), ["sum(a > 1)", "sum by (x) (b)"]);
        assert_eq!(operands("rate(a[5m]) / 2"), ["rate(a[5m]) / 2"]);
    }

    #[test]
    fn labels_are_found_that_are_kept_apart() {
        let quantile = "histogram_quantile(0.5, sum by (le, job) (a{by=\"x\"})) / sum(b) by (c)";
        assert_eq!(kept_apart(quantile), ["c", "job"].into());
        assert!(kept_apart("sum without (a) (b) / on (c) d").is_empty());
    }

    #[test]
    fn what_hides_absence_is_found() {
        assert_eq!(made_up("sum(a) or vector(0)"), ["or", "vector"]);
        assert_eq!(made_up("absent(up{job=\"vector\"})"), ["absent"]);
        assert!(made_up("sum by (or) (a{vector=\"or\"})").is_empty());
    }
}
