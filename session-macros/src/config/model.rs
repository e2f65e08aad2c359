//! A checked config.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Expr, Type, Visibility};

use crate::choice::Choice;
use crate::loaders::Loader;
use crate::quantity::Quantity;
use crate::text::Text;

/// A checked config. An absent option was not given or is invalid; it has its default.
pub(crate) struct Config {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) library: Option<TokenStream>,
    pub(crate) data: Option<Type>,
    pub(crate) store: Option<Type>,
    pub(crate) store_value: Option<Expr>,
    pub(crate) adopt: Option<Expr>,
    pub(crate) loaders: Vec<Loader>,
    /// Options that were given but are invalid. Checks that depend on them are skipped.
    pub(crate) invalid: Vec<Ident>,
    pub(crate) emit: Option<Choice>,
    pub(crate) idle_timeout: Option<Amount>,
    pub(crate) absolute_timeout: Option<Amount>,
    pub(crate) first_use_timeout: Option<Amount>,
    pub(crate) touch_every: Option<Amount>,
    pub(crate) renew_every: Option<Amount>,
    pub(crate) renew_grace: Option<Amount>,
    pub(crate) max_size: Option<Amount>,
    pub(crate) max_fields: Option<Amount>,
    pub(crate) max_sessions: Option<Amount>,
    pub(crate) on_reuse: Option<Choice>,
    pub(crate) on_max_sessions: Option<Choice>,
    pub(crate) data_version: Option<Amount>,
    pub(crate) write_version: Option<Amount>,
    pub(crate) migrate: Option<(Ident, Expr)>,
    pub(crate) merge: Vec<Rule>,
    pub(crate) on_conflict: Option<Choice>,
    pub(crate) on_ended: Option<Choice>,
    pub(crate) on_store_error: Option<Choice>,
    pub(crate) on_undecodable: Option<Choice>,
    pub(crate) commit: Option<Choice>,
    pub(crate) trusted_proxy: Option<Choice>,
    pub(crate) namespace: Option<(Ident, Text)>,
    pub(crate) on_event: Option<(Ident, Expr)>,
}

impl Config {
    /// Whether an option was given but is invalid.
    pub(crate) fn is_invalid(&self, option: &str) -> bool {
        self.invalid.iter().any(|invalid| invalid == option)
    }
}

/// An amount, and the option that it was given to.
pub(crate) struct Amount {
    pub(crate) key: Ident,
    pub(crate) quantity: Quantity,
}

/// How the changes of a field merge.
pub(crate) struct Rule {
    pub(crate) field: Ident,
    pub(crate) rule: Ident,
}
