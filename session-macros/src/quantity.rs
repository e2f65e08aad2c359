//! Durations and sizes: `30m`, `64KiB`, or a constant expression.

use proc_macro2::{Span, TokenStream, TokenTree};
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
    /// What to do for none at all.
    pub(crate) endless: &'static str,
}

/// What is written for an amount that shall not be limited, or not be.
const NOTHING: &[&str] = &[
    "never",
    "none",
    "off",
    "unlimited",
    "infinite",
    "infinity",
    "forever",
    "disabled",
    "auto",
    "default",
];

/// Whether anything in an expression has a name that the compiler could look up.
fn has_words(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Group(group) => has_words(group.stream()),
        TokenTree::Literal(_) | TokenTree::Punct(_) => false,
    })
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
        if let Expr::Path(path) = peel(expr)
            && let Some(word) = path.path.get_ident()
            // `NEVER` may be a constant of the user's.
            && word.to_string().chars().any(char::is_lowercase)
            && NOTHING.contains(&word.to_string().to_lowercase().as_str())
        {
            errors.at(
                word.span(),
                format!("there is no {} `{word}`; {}", self.what, self.endless),
            );
            return None;
        }
        let mut found = Vec::new();
        literals(expr.to_token_stream(), &mut found);
        if self.of_type != "u64" && !found.is_empty() && !has_words(expr.to_token_stream()) {
            errors.over(
                expr,
                format!(
                    "a {} is a number with a unit, such as `{}`, or a constant of type `{}`",
                    self.what, self.example, self.of_type
                ),
            );
            return None;
        }
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
                self.likely(text)
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

    /// The unit that was meant by a number without one: many libraries count in seconds.
    fn likely(&self, number: &str) -> &'static str {
        let units = self.units;
        let many = number
            .replace('_', "")
            .parse::<u64>()
            .is_ok_and(|number| number >= 120);
        units
            .get(if many { 1 } else { units.len() / 2 })
            .map_or("", |(unit, _)| *unit)
    }

    fn unknown_unit(&self, digits: &str, unit: &str, units: &[&str]) -> String {
        if let Some(right) = self.unit(unit) {
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

    /// The unit that a word means.
    pub(crate) fn unit(&self, word: &str) -> Option<&'static str> {
        let known = self.units.iter().find(|(unit, _)| *unit == word);
        known.map(|(unit, _)| *unit).or_else(|| {
            let same = |wrong: &str| wrong == word || wrong == word.to_lowercase();
            let other = self.others.iter().find(|(wrong, _)| same(wrong));
            other.map(|(_, right)| *right)
        })
    }
}

#[cfg(test)]
mod tests;
