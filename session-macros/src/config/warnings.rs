//! What is allowed and yet unwise: a warning.
//!
//! A macro cannot warn on stable Rust, but the compiler does where something deprecated is used:
//! here a constant with the name of the option, in the user's place.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Amount, Config};

const THIRTY_DAYS: u64 = 30 * 24 * 60 * 60 * 1000;
const LONG: &str = "a session of more than 30 days is advised against (NIST SP 800-63B-4, AAL1, \
    2.1.3); shorten it, or write `#[allow(deprecated)]` above the struct";

/// Items that make the compiler warn. `#[allow(deprecated)]` on the struct holds for them too.
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
            // An editor would explain it beside the option.
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
