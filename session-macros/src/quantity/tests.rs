use super::*;
use crate::units::{DURATION, SIZE};
use syn::parse_str;

fn read(measure: &Measure, text: &str) -> Result<Option<u64>, String> {
    let mut errors = Errors::default();
    let quantity = measure.read(&parse_str(text).expect("an expression"), &mut errors);
    match quantity {
        Some(quantity) => Ok(quantity.known()),
        None => Err(errors.messages().join("\n")),
    }
}

#[test]
fn amounts_with_a_unit_are_known() {
    for (text, milliseconds) in [
        ("1ms", 1),
        ("30s", 30_000),
        ("30m", 1_800_000),
        ("12h", 43_200_000),
        ("1_0d", 864_000_000),
    ] {
        assert_eq!(read(&DURATION, text), Ok(Some(milliseconds)));
    }
    assert_eq!(read(&SIZE, "64KiB"), Ok(Some(65536)));
    assert_eq!(read(&SIZE, "7B"), Ok(Some(7)));
}

#[test]
fn constants_are_left_to_the_compiler() {
    for text in [
        "IDLE",
        "Duration::from_secs(60 * 5)",
        "crate::idle(1u64, 2)",
    ] {
        assert_eq!(read(&DURATION, text), Ok(None));
    }
}

#[test]
fn mistakes_get_a_suggested_fix() {
    for (text, part) in [
        ("30min", "write `30m`"),
        ("5w", "`35d`"),
        ("5y", "`ms`, `s`, `m`, `h` or `d`"),
        ("\"30m\"", "without quotes: `30m`"),
        ("\"30 m\"", "without quotes: `30m`"),
        ("\"soon\"", "`30m`"),
        ("30", "`30m`"),
        ("1.5h", "whole number with a unit: `90m`"),
        ("0.3ms", "take a smaller unit"),
        ("1h30m", "one number and one unit: `90m`"),
        ("\"1 hour 30 minutes\"", "without quotes: `90m`"),
        ("\"1800\"", "without quotes: `1800s`"),
        ("env::var(\"A\")?.parse()?", "only at run time"),
        ("std::env::var(NAME)", "only at run time"),
        ("open().await", "only at run time"),
        ("0x10s", "is not a unit"),
        ("true", "not a duration"),
        ("30m + 1s", "number with a unit"),
        ("-5m", "number with a unit"),
        ("IDLE + 1s", "part of an expression"),
        ("60 * 60", "number with a unit"),
        ("never", "every session ends"),
        ("1800", "`1800s`"),
        ("5Min", "write `5m`"),
        ("99999999999999999999d", "too large"),
        ("9999999999999999d", "too large"),
    ] {
        let message = read(&DURATION, text).expect_err(text);
        assert!(message.contains(part), "{text}: {message}");
    }
    for (text, part) in [
        ("64KB", "write `64KiB`"),
        ("65536", "`64KiB`"),
        ("1000", "`1000B`"),
        ("\"64 KB\"", "without quotes: `64KiB`"),
    ] {
        let message = read(&SIZE, text).expect_err(text);
        assert!(message.contains(part), "{text}: {message}");
    }
}
