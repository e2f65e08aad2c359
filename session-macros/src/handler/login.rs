//! `fresh` and `level`: what a handler requires of the login of its session.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::args::{self, Written};
use super::expand::session_type;
use super::model::{Argument, Handler, Mode, Role};
use crate::errors::Errors;
use crate::hoist::Hoist;
use crate::loaders::{const_check, rule_named};
use crate::quantity::{Measure, Quantity};
use crate::units::{FRESH, LEVEL};
use connect_session_rules as rules;

/// An option with its value.
pub(super) struct Requirement {
    pub(super) key: Ident,
    pub(super) quantity: Quantity,
}

impl Requirement {
    /// The rule for the value. The error points at a literal, or at the option that a constant is given to.
    fn const_check(&self, private: &TokenStream, rule: &TokenStream) -> TokenStream {
        let place = match &self.quantity {
            Quantity::Known { span, .. } => *span,
            Quantity::Constant(_) => self.key.span(),
        };
        let quantity = &self.quantity;
        const_check(private, rule, &quote!(#quantity), place)
    }
}

/// What a handler requires.
#[derive(Default)]
pub(super) struct LoginRequirements {
    /// How long ago the user may have proved who they are.
    pub(super) fresh: Option<Requirement>,
    pub(super) level: Option<Requirement>,
}

impl LoginRequirements {
    /// Checks the values on their own.
    pub(super) fn read(
        fresh: Option<(Ident, Expr)>,
        level: Option<(Ident, Expr)>,
        errors: &mut Errors,
    ) -> Self {
        Self {
            fresh: read(fresh, &FRESH, rules::fresh, errors),
            level: read(level, &LEVEL, rules::level, errors),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_none() && self.level.is_none()
    }

    /// Replaces expressions that are not literals with generated constants.
    pub(super) fn hoist(&mut self, hoist: &mut Hoist) {
        let duration = quote!(::core::time::Duration);
        let level = quote!(::core::primitive::u8);
        for (requirement, of_type) in [(&mut self.fresh, duration), (&mut self.level, level)] {
            if let Some(Requirement {
                quantity: Quantity::Constant(expr),
                ..
            }) = requirement
            {
                hoist.expr(expr, &of_type);
            }
        }
    }

    /// The constants of the handler's overrides.
    pub(super) fn overrides(&self) -> TokenStream {
        let fresh = self.fresh.iter().map(|Requirement { quantity, .. }| {
            quote! {
                const FRESH: ::core::option::Option<::core::time::Duration> =
                    ::core::option::Option::Some(#quantity);
            }
        });
        let level = (self.level.iter()).map(
            |Requirement { quantity, .. }| quote!(const LEVEL: ::core::primitive::u8 = #quantity;),
        );
        fresh.chain(level).collect()
    }
}

fn read(
    option: Option<(Ident, Expr)>,
    measure: &Measure,
    rule: fn(u64) -> Option<rules::Fault>,
    errors: &mut Errors,
) -> Option<Requirement> {
    let (key, expr) = option?;
    let quantity = measure.read(&expr, errors)?;
    if let Some(fault) = quantity.known().and_then(rule) {
        errors.at(quantity.span(), fault.reason);
        return None;
    }
    Some(Requirement { key, quantity })
}

/// Reports a login that the mode or the type of the session cannot have. Returns the mode to expand to.
pub(super) fn check(
    mode: Mode,
    requirements: &mut LoginRequirements,
    arguments: &[Argument],
    errors: &mut Errors,
) -> Mode {
    let session = (arguments.iter()).find(|argument| matches!(argument.role, Role::Session));
    let Some((session, written)) =
        session.and_then(|session| Some((session, args::written(&session.ty)?)))
    else {
        return mode;
    };
    let key = (requirements.fresh.as_ref()).or(requirements.level.as_ref());
    let key = key.map(|requirement| requirement.key.clone());
    let needs_login = matches!(written, Written::LoggedIn | Written::OptionalLoggedIn);
    if mode == Mode::Create && (needs_login || key.is_some()) {
        let message = "a session that `create` has just opened belongs to no user; write `load` instead of \
                       `create`, and take `LoggedIn`";
        match &key {
            Some(key) => errors.at(key.span(), message),
            None => errors.spanning(&session.ty, message),
        }
        *requirements = LoginRequirements::default();
        return Mode::Load;
    }
    let Some(key) = key else {
        return mode;
    };
    let message = match written {
        Written::LoggedIn => return mode,
        Written::Session => format!(
            "a handler with `{key}` runs only if a user is logged in; take `LoggedIn<…>` instead of `Session<…>`"
        ),
        Written::OptionalSession | Written::OptionalLoggedIn => format!(
            "a handler with `{key}` runs only if a user is logged in; take `LoggedIn<…>`, without `Option`"
        ),
    };
    errors.spanning(&session.ty, message);
    *requirements = LoginRequirements::default();
    mode
}

/// Checks, by the compiler, what the macro cannot see: the type behind an alias, the timeouts of the config,
/// and the value of a constant. A constant cannot use the parameters of a generic function; there, a `fresh`
/// that is too long has no effect.
pub(super) fn const_checks(handler: &Handler, private: &TokenStream) -> Vec<TokenStream> {
    let LoginRequirements { fresh, level } = &handler.login;
    let mut checks = Vec::new();
    let Some(ty) = handler.arguments.iter().find_map(session_type) else {
        return checks;
    };
    let is_generic = !handler.signature.generics.params.is_empty();
    let first = fresh.as_ref().or(level.as_ref());
    if first.is_some() && args::written(ty).is_none() && !is_generic {
        let needs_login = quote_spanned!(ty.span()=> #private::must_require_login::<#ty>);
        checks.push(quote!(const _: fn() = #needs_login;));
    }
    if let Some(fresh) = fresh
        && !is_generic
    {
        checks.push(fresh.const_check(private, &quote!(fresh::<#ty>)));
    }
    if let Some(level) = level
        && level.quantity.known().is_none()
    {
        checks.push(level.const_check(private, &rule_named("level")));
    }
    checks
}
