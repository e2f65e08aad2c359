//! Warnings for values that are allowed but not recommended.
//!
//! A macro cannot warn on stable Rust, but the compiler does so for deprecated items: here for a
//! constant with the name and the span of the option.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Amount, Config};

const SECOND: u64 = 1000;
const THIRTY_DAYS: u64 = 30 * 24 * 60 * 60 * SECOND;
const LONG: &str = "a session should not last longer than 30 days (NIST SP 800-63B-4, AAL1, \
    2.1.3); shorten it, or write `#[allow(deprecated)]` above the struct";
const SHORT: &str = "a session that ends within a second is of use only in tests (`ms` are milliseconds, `m` \
    are minutes); lengthen it, or write `#[allow(deprecated)]` above the struct";

/// Items for which the compiler warns. `#[allow(deprecated)]` on the struct applies to them too.
pub(super) fn expand(config: &Config) -> Vec<TokenStream> {
    let levels: Vec<_> = (config.attrs.iter())
        .filter(|attr| {
            ["allow", "warn", "deny", "forbid"]
                .iter()
                .any(|level| attr.path().is_ident(level))
        })
        .collect();
    let long = (config.absolute_timeout.iter())
        .filter(|amount| known(amount).is_some_and(|length| length > THIRTY_DAYS))
        .map(|amount| (amount, LONG));
    let short = [
        &config.idle_timeout,
        &config.absolute_timeout,
        &config.first_use_timeout,
    ];
    let short = (short.into_iter().flatten())
        .filter(|amount| known(amount).is_some_and(|length| length < SECOND))
        .map(|amount| (amount, SHORT));
    long.chain(short)
        .map(|(Amount { key, .. }, note)| {
            quote! {
                #(#levels)*
                #[allow(unexpected_cfgs)]
                const _: () = {
                    // An editor would show the constant in addition to the option.
                    #[cfg(not(rust_analyzer))]
                    {
                        #[allow(non_upper_case_globals)]
                        #[deprecated(note = #note)]
                        const #key: () = ();
                        #key
                    }
                };
            }
        })
        .collect()
}

/// The length of a literal.
fn known(amount: &Amount) -> Option<u64> {
    amount.quantity.known()
}
