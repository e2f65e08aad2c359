//! Durations and sizes: `30m`, `64KiB`, or a constant expression.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Expr, ExprLit, Lit, spanned::Spanned as _};

use crate::errors::Errors;
use crate::suggest::one_of;
use crate::tokens::{literals, peel};

/// What is measured.
pub(crate) struct Measure {
    pub(crate) what: &'static str,
    pub(crate) example: &'static str,
    /// From the smallest to the largest, with what each is worth.
    pub(crate) units: &'static [(&'static str, u64)],
    /// Units that people write, and the one to write instead.
    pub(crate) others: &'static [(&'static str, &'static str)],
    pub(crate) constant: fn(u64) -> TokenStream,
    pub(crate) of_type: &'static str,
}

/// An amount of what is measured.
#[derive(Clone)]
pub(crate) enum Quantity {
    /// In milliseconds, or bytes.
    Known {
        amount: u64,
        written: String,
        span: Span,
        tokens: TokenStream,
    },
    Constant(Expr),
}

impl Quantity {
    pub(crate) fn known(&self) -> Option<u64> {
        match self {
            Self::Known { amount, .. } => Some(*amount),
            Self::Constant(_) => None,
        }
    }

    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Known { span, .. } => *span,
            Self::Constant(expr) => expr.span(),
        }
    }
}

impl ToTokens for Quantity {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Known { tokens: known, .. } => known.to_tokens(tokens),
            Self::Constant(expr) => expr.to_tokens(tokens),
        }
    }
}

impl Measure {
    /// Judges what was written.
    pub(crate) fn read(&self, expr: &Expr, errors: &mut Errors) -> Option<Quantity> {
        let Expr::Lit(ExprLit { lit, .. }) = peel(expr) else {
            return self.constant(expr, errors);
        };
        let text = match lit {
            Lit::Int(number) => number.token().to_string(),
            Lit::Str(text) => {
                errors.at(text.span(), self.quoted(&text.value()));
                return None;
            }
            Lit::Float(number) => {
                errors.at(
                    number.span(),
                    format!(
                        "a {} is a whole number with a unit: `{}`; take a smaller unit",
                        self.what, self.example
                    ),
                );
                return None;
            }
            other => {
                errors.at(
                    other.span(),
                    format!("this is no {}; write `{}`", self.what, self.example),
                );
                return None;
            }
        };
        match self.parse(&text) {
            Ok(amount) => Some(Quantity::Known {
                amount,
                tokens: (self.constant)(amount),
                written: text,
                span: lit.span(),
            }),
            Err(message) => {
                errors.at(lit.span(), message);
                None
            }
        }
    }

    /// An expression that the compiler evaluates. A literal with one of our units inside it is one
    /// that the compiler would not understand.
    fn constant(&self, expr: &Expr, errors: &mut Errors) -> Option<Quantity> {
        let mut found = Vec::new();
        literals(expr.to_token_stream(), &mut found);
        for literal in found {
            let text = literal.to_string();
            let unit = text.trim_start_matches(|character: char| character.is_ascii_digit());
            if text.len() != unit.len() && self.units.iter().any(|(known, _)| *known == unit) {
                errors.at(
                    literal.span(),
                    format!(
                        "a {} such as `{text}` stands alone, with a positive number; in a larger \
                         expression write constants of type `{}`",
                        self.what, self.of_type
                    ),
                );
                return None;
            }
        }
        Some(Quantity::Constant(expr.clone()))
    }

    fn parse(&self, text: &str) -> Result<u64, String> {
        let end = text
            .find(|character: char| !character.is_ascii_digit() && character != '_')
            .unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        let units: Vec<_> = self.units.iter().map(|(unit, _)| *unit).collect();
        if unit.is_empty() {
            return Err(format!(
                "a {} has a unit, {}: `{text}{}`",
                self.what,
                one_of(&units),
                units[units.len() / 2]
            ));
        }
        let Some((_, factor)) = self.units.iter().find(|(known, _)| *known == unit) else {
            return Err(self.unknown_unit(digits, unit, &units));
        };
        digits
            .replace('_', "")
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*factor))
            .ok_or_else(|| format!("`{text}` is too large a {}", self.what))
    }

    fn unknown_unit(&self, digits: &str, unit: &str, units: &[&str]) -> String {
        if let Some((_, right)) = self.others.iter().find(|(wrong, _)| *wrong == unit) {
            return format!(
                "`{unit}` is no unit of a {}; write `{digits}{right}`",
                self.what
            );
        }
        if unit == "w"
            && self.what == "duration"
            && let Some(days) = digits
                .parse::<u64>()
                .ok()
                .and_then(|weeks| weeks.checked_mul(7))
        {
            return format!("weeks are written in days: `{days}d`");
        }
        format!(
            "`{unit}` is no unit of a {}; write a decimal number and {}, such as `{}`",
            self.what,
            one_of(units),
            self.example
        )
    }

    /// The value was written between quotes.
    fn quoted(&self, value: &str) -> String {
        let compact = value.replace(' ', "");
        if self.parse(&compact).is_ok() {
            return format!("a {} is written without quotes: `{compact}`", self.what);
        }
        format!(
            "a {} is written as a number with a unit, without quotes: `{}`",
            self.what, self.example
        )
    }

    /// An amount in the largest unit that it is a whole number of, above one: `24h`.
    pub(crate) fn write(&self, amount: u64) -> String {
        self.units
            .iter()
            .rev()
            .find(|(_, factor)| amount.is_multiple_of(*factor) && amount > *factor)
            .map_or_else(String::new, |(unit, factor)| {
                format!("{}{unit}", amount / factor)
            })
    }

    /// Whether a word is one of the units, after a number that has none.
    pub(crate) fn has_unit(&self, word: &str) -> bool {
        self.units.iter().any(|(unit, _)| *unit == word)
            || self.others.iter().any(|(unit, _)| *unit == word)
    }
}

#[cfg(test)]
mod tests {
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
    fn mistakes_are_mended() {
        for (text, part) in [
            ("30min", "write `30m`"),
            ("5w", "`35d`"),
            ("5y", "`ms`, `s`, `m`, `h` or `d`"),
            ("\"30m\"", "without quotes: `30m`"),
            ("\"30 m\"", "without quotes: `30m`"),
            ("\"soon\"", "`30m`"),
            ("30", "`30m`"),
            ("1.5h", "whole number"),
            ("0x10s", "is no unit"),
            ("true", "no duration"),
            ("30m + 1s", "stands alone"),
            ("-5m", "stands alone"),
            ("99999999999999999999d", "too large"),
            ("9999999999999999d", "too large"),
        ] {
            let message = read(&DURATION, text).expect_err(text);
            assert!(message.contains(part), "{text}: {message}");
        }
        let message = read(&SIZE, "64KB").expect_err("no unit");
        assert!(message.contains("write `64KiB`"), "{message}");
    }
}
