//! A checked handler with its attribute.

use proc_macro2::{Group, Ident, Span, TokenStream};
use syn::{Attribute, Receiver, Signature, Type, Visibility};

use super::login::LoginRequirements;
use crate::choice::Choice;
use crate::loaders::Loader;

/// Whether a handler gets a new session if the request has none.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Create,
    #[default]
    Load,
}

/// A checked handler.
#[allow(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
pub(super) struct Handler {
    pub(super) mode: Mode,
    pub(super) library: Option<TokenStream>,
    pub(super) loaders: Vec<Loader>,
    pub(super) emit: Option<Choice>,
    pub(super) on_undecodable: Option<Choice>,
    /// Whether a new session is stored only if the handler uses it.
    pub(super) lazy: bool,
    pub(super) login: LoginRequirements,
    /// Whether shared caches may keep the response.
    pub(super) shared: bool,
    /// The index of the request among the arguments of an `http` handler.
    pub(super) request: Option<usize>,
    /// Whether this is an `http` handler, even if it has no request argument.
    pub(super) http: bool,
    pub(super) attrs: Attrs,
    pub(super) visibility: Visibility,
    /// The `&self` of a method in an `#[OpenApi] impl`.
    pub(super) receiver: Option<Receiver>,
    /// The user's signature, without attributes that are not for the inner function.
    pub(super) signature: Signature,
    pub(super) arguments: Vec<Argument>,
    pub(super) body: Group,
    /// Whether something about the function is reported already.
    pub(super) has_errors: bool,
}

impl Handler {
    /// The span of generated code in the outer function.
    ///
    /// It is a span of the user's, inside of the function. For the compiler, its place is relative to the start of the
    /// function, so an edit above the function changes nothing, and the function need not be checked again. The place
    /// of an attribute, and of every span of its expansion, is relative to the start of the file.
    pub(super) const fn place(&self) -> Span {
        self.signature.fn_token.span
    }
}

/// The attributes of a handler, by the item that they go to.
#[derive(Default)]
pub(super) struct Attrs {
    /// For the function that the framework sees.
    pub(super) outer: Vec<TokenStream>,
    /// For the function that the user wrote.
    pub(super) inner: Vec<Attribute>,
    /// For the items next to the handler.
    pub(super) cfgs: Vec<Attribute>,
}

pub(super) struct Argument {
    pub(super) role: Role,
    /// Its name in the outer function.
    pub(super) name: Ident,
    pub(super) ty: Type,
    /// Its attributes in the outer function.
    pub(super) attrs: Vec<Attribute>,
    pub(super) cfgs: Vec<Attribute>,
}

pub(super) enum Role {
    /// A session. The outer function takes its guard instead.
    Session,
    /// A session in a form that is not supported, which is already reported. The type is that of
    /// the session itself.
    Invalid(Box<Type>),
    /// Anything else.
    Other,
}
