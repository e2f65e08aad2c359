//! What a handler and its attribute say, judged.

use proc_macro2::{Group, Ident, TokenStream};
use syn::{Attribute, Signature, Type, Visibility};

use crate::choice::Choice;
use crate::loaders::Loader;

/// Whether a handler begins sessions or finds them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Create,
    #[default]
    Load,
}

/// A handler, ready to be put out.
pub(super) struct Handler {
    pub(super) mode: Mode,
    /// The word that said so.
    pub(super) mode_word: Option<Ident>,
    pub(super) library: Option<TokenStream>,
    pub(super) loaders: Vec<Loader>,
    pub(super) emit: Option<Choice>,
    /// The place of the request among the arguments, if the handler belongs to no framework.
    pub(super) request: Option<usize>,
    /// The handler asked for that, even if it has no request.
    pub(super) http: bool,
    pub(super) attrs: Attrs,
    pub(super) visibility: Visibility,
    /// The user's signature, without what only we understand.
    pub(super) signature: Signature,
    pub(super) arguments: Vec<Argument>,
    pub(super) body: Group,
}

/// The attributes of a handler, shared out.
#[derive(Default)]
pub(super) struct Attrs {
    /// For the function that a framework sees.
    pub(super) outer: Vec<TokenStream>,
    /// For the function that the user wrote.
    pub(super) inner: Vec<Attribute>,
    /// For everything that stands beside the handler.
    pub(super) cfgs: Vec<Attribute>,
}

pub(super) struct Argument {
    pub(super) role: Role,
    /// What the outer function calls it.
    pub(super) name: Ident,
    pub(super) ty: Type,
    /// What the outer function keeps of its attributes.
    pub(super) attrs: Vec<Attribute>,
    pub(super) cfgs: Vec<Attribute>,
}

pub(super) enum Role {
    /// A session, whose guard takes its place.
    Session,
    /// A session that cannot be had in this form, which is reported; the type is the session's.
    Invalid(Box<Type>),
    /// Anything else.
    Other,
}
