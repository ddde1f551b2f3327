//! Numbers as people read them: three figures, and a unit that keeps them short. A line does not
//! break between the two.

/// A time given in microseconds.
#[must_use]
pub fn micros(value: f64) -> String {
    match value.abs() {
        small if small < 999.5 => format!("{}\u{a0}µs", number(value)),
        middle if middle < 999_500.0 => format!("{}\u{a0}ms", number(value / 1e3)),
        _ => format!("{}\u{a0}s", number(value / 1e6)),
    }
}

/// An amount of memory or traffic.
#[must_use]
pub fn bytes(value: f64) -> String {
    match value.abs() {
        small if small < 1_024.0 => format!("{}\u{a0}B", number(value)),
        middle if middle < 1_048_576.0 => format!("{}\u{a0}KiB", number(value / 1_024.0)),
        large if large < 1_073_741_824.0 => format!("{}\u{a0}MiB", number(value / 1_048_576.0)),
        _ => format!("{}\u{a0}GiB", number(value / 1_073_741_824.0)),
    }
}

/// Requests a second.
#[must_use]
pub fn rate(value: f64) -> String {
    format!("{}/s", number(value))
}

/// A duration given in seconds.
#[must_use]
pub fn minutes(seconds: f64) -> String {
    match seconds {
        short if short < 120.0 => format!("{}\u{a0}s", number(short)),
        long => format!("{}\u{a0}min", number(long / 60.0)),
    }
}

/// A share of one, as a percentage.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{}\u{a0}%", number(share * 100.0))
}

/// With the sign that says which way a difference goes.
#[must_use]
pub fn signed(value: f64, text: impl Fn(f64) -> String) -> String {
    let size = text(value.abs());
    match value {
        _ if !size.contains(|digit: char| ('1'..='9').contains(&digit)) => size,
        less if less < 0.0 => format!("−{size}"),
        _ => format!("+{size}"),
    }
}

/// Three figures, or all digits of a whole number, in groups of three.
#[must_use]
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "—".to_owned();
    }
    let text = match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        size if size >= 0.0995 => format!("{value:.3}"),
        size if size >= 0.00095 => format!("{value:.4}"),
        size if size >= 0.000_000_5 => format!("{value:.7}"),
        _ => return "0".to_owned(),
    };
    let trimmed = match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
        None => &text,
    };
    grouped(&trimmed.replace('-', "−"))
}

/// A whole number in groups of three.
#[must_use]
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// Digits before the point in groups of three, from five digits on.
fn grouped(digits: &str) -> String {
    let whole = digits.split('.').next().unwrap_or(digits);
    let length = whole.chars().filter(char::is_ascii_digit).count();
    if length < 5 {
        return digits.to_owned();
    }
    let mut left = length;
    let mut text = String::new();
    let mut is_whole = true;
    for sign in digits.chars() {
        is_whole &= sign != '.';
        if is_whole && sign.is_ascii_digit() {
            if left < length && left.is_multiple_of(3) {
                text.push(NARROW_NO_BREAK_SPACE);
            }
            left -= 1;
        }
        text.push(sign);
    }
    text
}

const NARROW_NO_BREAK_SPACE: char = '\u{202f}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_figures() {
        let texts =
            [0.0, 0.012_34, 0.5, 1.0, 1.234_5, 12.34, 123.4, 9_999.0, 12_345.6, -1_234_567.0]
                .map(number);
        let expected = [
            "0",
            "0.0123",
            "0.5",
            "1",
            "1.23",
            "12.3",
            "123",
            "9999",
            "12\u{202f}346",
            "−1\u{202f}234\u{202f}567",
        ];
        assert_eq!(texts, expected);
        assert_eq!(number(f64::NAN), "—");
    }

    #[test]
    fn units_change_where_figures_would_be_long() {
        assert_eq!(
            [1.0, 999.4, 999.6, 1_500.0, 2e6].map(micros),
            ["1\u{a0}µs", "999\u{a0}µs", "1\u{a0}ms", "1.5\u{a0}ms", "2\u{a0}s"]
        );
        assert_eq!(
            [12.0, 2_048.0, 3_145_728.0, 2.5e9].map(bytes),
            ["12\u{a0}B", "2\u{a0}KiB", "3\u{a0}MiB", "2.33\u{a0}GiB"]
        );
        assert_eq!(
            (percent(0.123), rate(1_500.0)),
            ("12.3\u{a0}%".to_owned(), "1500/s".to_owned())
        );
    }

    #[test]
    fn a_difference_has_a_sign_unless_it_is_none() {
        let texts = [-5.0, 0.0, 5.0].map(|value| signed(value, number));
        assert_eq!(texts, ["−5", "0", "+5"]);
    }
}
