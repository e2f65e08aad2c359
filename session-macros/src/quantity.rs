//! Durations, sizes and numbers: `30m`, `64KiB`, `1_000`, or a constant expression.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, ExprLit, Lit, spanned::Spanned as _};

use crate::errors::Errors;
use crate::suggest::one_of;
use crate::tokens::{RUNTIME_VALUE, is_runtime_value, literals, peel};

/// A kind of quantity: its units, its type and the texts of its errors.
pub(crate) struct Measure {
    pub(crate) what: &'static str,
    pub(crate) example: &'static str,
    /// From the smallest to the largest, each with its factor; none for a plain number.
    pub(crate) units: &'static [(&'static str, u64)],
    /// Units that are not accepted, each with the unit to write instead.
    pub(crate) foreign_units: &'static [(&'static str, &'static str)],
    pub(crate) constant: fn(u64) -> TokenStream,
    pub(crate) type_name: &'static str,
    /// The suggested fix for a value that means no limit.
    pub(crate) if_unlimited: &'static str,
}

/// Words that users write for "no limit" or "none".
const UNLIMITED_WORDS: &[&str] = &[
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

/// Whether an expression contains a name that the compiler could look up.
fn has_words(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Group(group) => has_words(group.stream()),
        TokenTree::Literal(_) | TokenTree::Punct(_) => false,
    })
}

/// A duration or a size.
#[derive(Clone)]
pub(crate) enum Quantity {
    /// In milliseconds, or bytes, or as it is written.
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
    /// Reads and checks an expression.
    pub(crate) fn read(&self, expr: &Expr, errors: &mut Errors) -> Option<Quantity> {
        let Expr::Lit(ExprLit { lit, .. }) = peel(expr) else {
            return self.constant(expr, errors);
        };
        if self.units.is_empty() {
            return self.count(lit, errors);
        }
        let text = match lit {
            Lit::Int(number) => number.token().to_string(),
            Lit::Str(text) => {
                errors.at(text.span(), self.quoted(&text.value()));
                return None;
            }
            Lit::Float(number) => {
                let fix = self.fix(&number.to_string()).map_or_else(
                    || format!("`{}`; take a smaller unit", self.example),
                    |fix| format!("`{fix}`"),
                );
                errors.at(
                    number.span(),
                    format!("a {} is a whole number with a unit: {fix}", self.what),
                );
                return None;
            }
            other => {
                errors.at(
                    other.span(),
                    format!("this is not a {}; write `{}`", self.what, self.example),
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

    /// Reads a number without a unit.
    fn count(&self, lit: &Lit, errors: &mut Errors) -> Option<Quantity> {
        let number = match lit {
            Lit::Int(number) if ["", self.type_name].contains(&number.suffix()) => number,
            other => {
                errors.at(
                    other.span(),
                    format!(
                        "a whole number without a unit or quotes is needed: write `{}`",
                        self.example
                    ),
                );
                return None;
            }
        };
        let written = number.token().to_string();
        let Ok(amount) = number.base10_parse() else {
            errors.at(number.span(), format!("`{written}` is too large a number"));
            return None;
        };
        Some(Quantity::Known {
            amount,
            tokens: (self.constant)(amount),
            written,
            span: number.span(),
        })
    }

    /// Reads an expression that the compiler evaluates. Reports literals with a unit inside it, which
    /// the compiler would not understand.
    fn constant(&self, expr: &Expr, errors: &mut Errors) -> Option<Quantity> {
        if let Expr::Path(path) = peel(expr)
            && let Some(word) = path.path.get_ident()
            // `NEVER` may be a constant of the user's.
            && word.to_string().chars().any(char::is_lowercase)
            && UNLIMITED_WORDS.contains(&word.to_string().to_lowercase().as_str())
        {
            errors.at(
                word.span(),
                format!("there is no {} `{word}`; {}", self.what, self.if_unlimited),
            );
            return None;
        }
        if is_runtime_value(expr.to_token_stream()) {
            errors.spanning(expr, RUNTIME_VALUE);
            return None;
        }
        let mut found = Vec::new();
        literals(expr.to_token_stream(), &mut found);
        let counts = self.units.is_empty() || self.type_name == "u64";
        if !counts && !found.is_empty() && !has_words(expr.to_token_stream()) {
            errors.spanning(
                expr,
                format!(
                    "a {} is a number with a unit, such as `{}`, or a constant of type `{}`",
                    self.what, self.example, self.type_name
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
                        "a {} such as `{text}` cannot be part of an expression; write a constant \
                         of type `{}` instead",
                        self.what, self.type_name
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
                "a {} needs a unit, {}: `{}`",
                self.what,
                one_of(&units),
                self.with_likely_unit(text)
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
            .ok_or_else(|| format!("`{text}` is too large for a {}", self.what))
    }

    /// Adds the probable unit to a number without one: many libraries count in bytes or in seconds.
    fn with_likely_unit(&self, number: &str) -> String {
        let amount = number.replace('_', "").parse().unwrap_or(u64::MAX);
        let bytes = self.units.first().is_some_and(|(unit, _)| *unit == "B");
        match (bytes, amount) {
            (true, ..120) => format!("{number}MiB"),
            (true, amount) if !self.write(amount).is_empty() => self.write(amount),
            (true, _) => format!("{number}B"),
            (false, 120..) => format!("{number}s"),
            (false, _) => format!("{number}m"),
        }
    }

    /// What to write for an amount that is not one whole number with one unit: `90m` for `1h30m`,
    /// `30m` for `0.5h`.
    pub(crate) fn fix(&self, text: &str) -> Option<String> {
        let mut rest = text.trim();
        let mut amount = 0_u64;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '_' && c != '.')?;
            let (number, after) = rest.split_at(end);
            let after = after.trim_start();
            let end = after
                .find(|c: char| !c.is_alphabetic())
                .unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            let unit = self.unit(unit)?;
            let (_, factor) = self.units.iter().find(|(known, _)| *known == unit)?;
            amount = amount.checked_add(scaled(&number.replace('_', ""), *factor)?)?;
            rest = after.trim_start();
        }
        Some(self.write(amount)).filter(|fix| !fix.is_empty())
    }

    fn unknown_unit(&self, digits: &str, unit: &str, units: &[&str]) -> String {
        if let Some(right) = self.unit(unit) {
            return format!(
                "`{unit}` is not a unit of a {}; write `{digits}{right}`",
                self.what
            );
        }
        if let (true, Some(fix)) = (
            unit.contains(|c: char| c.is_ascii_digit()),
            self.fix(&format!("{digits}{unit}")),
        ) {
            return format!("a {} has one number and one unit: `{fix}`", self.what);
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
            "`{unit}` is not a unit of a {}; write a decimal number with {}, such as `{}`",
            self.what,
            one_of(units),
            self.example
        )
    }

    /// The message for a value in quotes.
    fn quoted(&self, value: &str) -> String {
        let compact = value.replace(' ', "");
        if self.parse(&compact).is_ok() {
            return format!("a {} is written without quotes: `{compact}`", self.what);
        }
        let digits = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit());
        if let Some(fix) = self
            .fix(value)
            .or_else(|| digits.then(|| self.with_likely_unit(value)))
        {
            return format!(
                "a {} is written as a number with a unit, without quotes: `{fix}`",
                self.what
            );
        }
        format!(
            "a {} is written as a number with a unit, without quotes: `{}`",
            self.what, self.example
        )
    }

    /// Formats an amount in the largest unit of which it is a multiple above one: `24h`, not `1d`.
    /// Empty if there is no such unit.
    pub(crate) fn write(&self, amount: u64) -> String {
        self.units
            .iter()
            .rev()
            .find(|(_, factor)| amount.is_multiple_of(*factor) && amount > *factor)
            .map_or_else(String::new, |(unit, factor)| {
                format!("{}{unit}", amount / factor)
            })
    }

    /// The unit that a word stands for.
    pub(crate) fn unit(&self, word: &str) -> Option<&'static str> {
        let known = self.units.iter().find(|(unit, _)| *unit == word);
        known.map(|(unit, _)| *unit).or_else(|| {
            let same = |wrong: &str| wrong == word || wrong == word.to_lowercase();
            let other = self.foreign_units.iter().find(|(wrong, _)| same(wrong));
            other.map(|(_, right)| *right)
        })
    }
}

/// A decimal number times a factor, if the result is whole.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    if fraction.is_empty() {
        return Some(whole);
    }
    let tenth = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let parts = fraction.parse::<u64>().ok()?.checked_mul(factor)?;
    (parts % tenth == 0).then(|| whole.checked_add(parts / tenth))?
}

#[cfg(test)]
mod tests;
