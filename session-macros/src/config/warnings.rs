//! Warnings for values that are allowed but not recommended.
//!
//! A macro cannot warn on stable Rust, but the compiler does so for deprecated items: here for a
//! constant with the name and the span of the option.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Amount, Config};

const THIRTY_DAYS: u64 = 30 * 24 * 60 * 60 * 1000;
const LONG: &str = "a session should not last longer than 30 days (NIST SP 800-63B-4, AAL1, \
    2.1.3); shorten it, or write `#[allow(deprecated)]` above the struct";

/// Items for which the compiler warns. `#[allow(deprecated)]` on the struct applies to them too.
pub(super) fn expand(config: &Config) -> Option<TokenStream> {
    let Amount { key, quantity } = config.absolute_timeout.as_ref()?;
    if quantity.known()? <= THIRTY_DAYS {
        return None;
    }
    let levels = config.attrs.iter().filter(|attr| {
        ["allow", "warn", "deny", "forbid"]
            .iter()
            .any(|level| attr.path().is_ident(level))
    });
    Some(quote! {
        #(#levels)*
        #[allow(unexpected_cfgs)]
        const _: () = {
            // An editor would show the constant in addition to the option.
            #[cfg(not(rust_analyzer))]
            {
                #[allow(non_upper_case_globals)]
                #[deprecated(note = #LONG)]
                const #key: () = ();
                #key
            }
        };
    })
}
