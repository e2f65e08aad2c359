//! What stands beside an option and does not belong there.

use proc_macro2::TokenTree;
use quote::ToTokens as _;
use syn::parse::ParseStream;
use syn::{Attribute, Token, Visibility, token};

use super::entry::{Entry, Value, measure};
use super::hints;
use crate::errors::Errors;
use crate::tokens::{at_word, separator, word};

/// What may stand before the fields of a struct has no meaning before an option. Says whether there
/// was something.
pub(super) fn decoration(input: ParseStream<'_>, errors: &mut Errors) -> bool {
    let mut decorated = false;
    if input.peek(Token![#]) && input.peek2(Token![!]) {
        errors.add(input.error("an option has no attributes"));
        for _ in 0..3 {
            let _ = input.parse::<TokenTree>();
        }
    }
    if let Some(attrs) = errors.take(input.call(Attribute::parse_outer)) {
        for attr in attrs.iter().filter(|attr| !attr.path().is_ident("doc")) {
            let mend = if attr.path().is_ident("cfg") {
                "; write `cfg` on a constant that the option names, or on the whole struct"
            } else {
                ""
            };
            errors.over(attr, format!("an option has no attributes{mend}"));
            decorated = true;
        }
    }
    if let (true, Ok(visibility)) = (input.peek(Token![pub]), input.parse::<Visibility>()) {
        errors.over(visibility, "an option is no field; leave `pub` out");
    }
    decorated
}

/// What may follow a value is a comma; often a unit follows instead, or the next option. The next
/// option may stand right behind what is reported.
pub(super) fn unexpected(input: ParseStream<'_>, last: &mut [Entry]) -> (syn::Error, bool) {
    let [.., Entry { key, value }] = last else {
        return separator(input, "options");
    };
    if let (Ok(unit), Value::Expr(number)) = (word(&input.fork()), &*value)
        && let Some(unit) = measure(&key.to_string()).and_then(|one| one.unit(&unit.to_string()))
    {
        let number = number.to_token_stream();
        let error = input.error(format!(
            "the unit follows its number without a space: `{number}{unit}`"
        ));
        *value = Value::Broken;
        return (error, false);
    }
    if let (Some(measure), Value::Expr(first), Ok(second)) = (
        measure(&key.to_string()),
        &*value,
        input.fork().parse::<syn::Lit>(),
    ) {
        let text = format!("{} {}", first.to_token_stream(), second.to_token_stream());
        if let Some(mend) = measure.mend(&text) {
            *value = Value::Broken;
            let what = measure.what;
            let error = input.error(format!("a {what} has one number and one unit: `{mend}`"));
            return (error, false);
        }
    }
    if let (Value::Words(words), true) = (&*value, input.peek(token::Paren)) {
        let word = words.first().map(ToString::to_string).unwrap_or_default();
        let error = input.error(format!("`{word}` stands alone, without parentheses"));
        return (error, false);
    }
    if let (Value::Store(..), false) = (&*value, at_word(input) || input.peek(Token![;])) {
        *value = Value::Broken;
        let error = input.error(
            "`store` takes a type first, then perhaps its value: `store: RedisStore = \
             RedisStore::connect(…).await?`",
        );
        return (error, false);
    }
    if let (Value::Type(_), true) = (&*value, input.peek(token::Brace)) {
        *value = Value::Broken;
        let error = input.error("`data` takes the name of a type; declare the type outside");
        return (error, false);
    }
    let (error, continues) = separator(input, "options");
    // The comma alone is missing where a known option follows.
    let next = word(&input.fork()).is_ok_and(|word| hints::begins(&word.to_string()));
    (error, continues || next)
}
