//! Finds the session among the arguments of a handler.

use proc_macro2::{Ident, Span};
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::{
    Attribute, FnArg, GenericArgument, Pat, PatType, PathArguments, PathSegment, Signature, Type,
};

use super::model::{Argument, Role};
use crate::errors::Errors;

/// Types that a session argument cannot be wrapped in.
const WRAPPERS: &[&str] = &[
    "Vec", "Result", "Arc", "Rc", "Box", "Cow", "Mutex", "RwLock", "RefCell", "Cell", "Pin",
];

/// Returns the arguments with their roles, and removes from the signature the attributes that are
/// not for the inner function.
pub(super) fn arguments(signature: &mut Signature, errors: &mut Errors) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let place = signature.fn_token.span;
    for (index, input) in signature.inputs.iter_mut().enumerate() {
        let FnArg::Typed(written) = input else {
            continue;
        };
        let marked = take_mark(&mut written.attrs);
        let role = role(written, marked, errors);
        if let (Role::Session, Pat::Reference(pattern)) = (&role, &*written.pat) {
            // Already reported. The body uses what the pattern binds.
            let inside = (*pattern.pat).clone();
            *written.pat = inside;
        }
        arguments.push(Argument {
            name: outer_name(&written.pat, &role, index, place),
            ty: (*written.ty).clone(),
            cfgs: with_name(&written.attrs, "cfg"),
            attrs: written.attrs.clone(),
            role,
        });
        // Other attributes are for the framework, which sees only the outer function.
        written.attrs = ["cfg", "allow", "expect"]
            .iter()
            .flat_map(|name| with_name(&written.attrs, name))
            .collect();
    }
    if !arguments
        .iter()
        .any(|argument| !matches!(argument.role, Role::Other))
    {
        missing(signature, &mut arguments, errors);
    }
    twice(&arguments, errors);
    arguments
}

/// Removes `#[session]` from an argument, and returns whether it was there.
fn take_mark(attrs: &mut Vec<Attribute>) -> bool {
    let before = attrs.len();
    attrs.retain(|attr| {
        attr.path()
            .segments
            .last()
            .is_none_or(|segment| segment.ident != "session")
    });
    attrs.len() != before
}

fn with_name(attrs: &[Attribute], name: &str) -> Vec<Attribute> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident(name))
        .cloned()
        .collect()
}

fn role(written: &PatType, marked: bool, errors: &mut Errors) -> Role {
    if let Some((invalid, message)) = invalid(&written.ty) {
        errors.spanning(&*written.ty, message);
        return Role::Invalid(Box::new(invalid));
    }
    if !marked && !is_session_or_option(&written.ty) {
        return Role::Other;
    }
    match &*written.pat {
        Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => {}
        Pat::Wild(_) => {}
        Pat::Reference(pattern) => errors.spanning(
            pattern,
            "a session is taken by value: `session: Session`, or `mut session: Session` to change it",
        ),
        pattern => errors.spanning(
            pattern,
            "a session cannot be destructured; write `session: Session`, and access the data \
             through it",
        ),
    }
    if let Some(cfg) = with_name(&written.attrs, "cfg").first() {
        errors.spanning(
            cfg,
            "a session argument cannot be conditional; write `cfg` on the function",
        );
    }
    Role::Session
}

/// Removes parentheses and invisible groups.
fn peel(mut ty: &Type) -> &Type {
    loop {
        match ty {
            Type::Group(group) => ty = &group.elem,
            Type::Paren(paren) => ty = &paren.elem,
            _ => return ty,
        }
    }
}

pub(super) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peel(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn generic_types(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments
        .into_iter()
        .flatten()
        .filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
}

/// How a session is written. Aliases are not recognized.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Session,
    OptionalSession,
    LoggedIn,
    OptionalLoggedIn,
}

/// How the type is written, if it is a session.
pub(super) fn written(ty: &Type) -> Option<Written> {
    let segment = last_segment(ty)?;
    if segment.ident == "Session" {
        return Some(Written::Session);
    }
    if segment.ident == "LoggedIn" {
        return Some(Written::LoggedIn);
    }
    let inside = generic_types(segment).next();
    match written(inside.filter(|_| segment.ident == "Option")?)? {
        Written::Session => Some(Written::OptionalSession),
        Written::LoggedIn => Some(Written::OptionalLoggedIn),
        Written::OptionalSession | Written::OptionalLoggedIn => None,
    }
}

/// The `Option` around a session.
pub(super) fn optional(ty: &Type) -> Option<&Ident> {
    let is_optional = matches!(
        written(ty)?,
        Written::OptionalSession | Written::OptionalLoggedIn
    );
    Some(&last_segment(ty)?.ident).filter(|_| is_optional)
}

/// Whether a type is written as `Session`, `LoggedIn` or an `Option` of either.
pub(super) fn is_session_or_option(ty: &Type) -> bool {
    written(ty).is_some()
}

/// The session inside a type that it cannot be wrapped in, and the error message.
fn invalid(ty: &Type) -> Option<(Type, String)> {
    let found = |ty: &Type| {
        is_session_or_option(ty)
            .then(|| ty.clone())
            .or_else(|| invalid(ty).map(|(inside, _)| inside))
    };
    match peel(ty) {
        Type::Reference(reference) => Some((
            found(&reference.elem)?,
            "a session is taken by value, because the handler owns it; write `session: Session`, \
             or `mut session: Session` to change it"
                .to_owned(),
        )),
        Type::Tuple(tuple) => Some((
            tuple.elems.iter().find_map(found)?,
            "a session cannot be part of a tuple; write a separate argument: `session: Session`"
                .to_owned(),
        )),
        _ => {
            let segment = last_segment(ty)?;
            let name = segment.ident.to_string();
            let inside = if name == "Option" {
                generic_types(segment)
                    .find_map(invalid)
                    .map(|(inside, _)| inside)?
            } else if WRAPPERS.contains(&name.as_str()) {
                generic_types(segment).find_map(found)?
            } else {
                return None;
            };
            let reason = match name.as_str() {
                "Result" => {
                    "a session cannot be wrapped in `Result`, because a failed load is answered \
                     before the handler runs"
                        .to_owned()
                }
                "Option" => "an `Option` can contain only the `Session` itself".to_owned(),
                _ => {
                    format!("a session cannot be wrapped in `{name}`, because the handler owns it")
                }
            };
            let message = format!(
                "{reason}; write `Session`, or `Option<Session>` for a handler that runs without \
                 one"
            );
            Some((inside, message))
        }
    }
}

/// Reports that no argument is a session. The error points at an argument that looks like one: by
/// the name of its type, by a session inside its type, or by its own name.
fn missing(signature: &Signature, arguments: &mut [Argument], errors: &mut Errors) {
    if let Some((place, message, role)) = arguments.iter().enumerate().find_map(guess_session) {
        if let Some(argument) = arguments.get_mut(place) {
            errors.spanning(&argument.ty, message);
            argument.role = role;
        }
        return;
    }
    errors.at(
        signature.ident.span(),
        "the handler has no session argument; add `session: Session`, or mark the argument whose \
         type is an alias of `Session`: `#[session] session: …`",
    );
}

/// The error for an argument that was probably written as the session, and its role in the expansion.
fn guess_session((place, argument): (usize, &Argument)) -> Option<(usize, String, Role)> {
    let segment = last_segment(&argument.ty)?;
    let name = &segment.ident;
    if let Some(inside) = generic_types(segment).find_map(nested) {
        let message = format!(
            "a session cannot be wrapped in `{name}`; write a separate argument: `session: Session`"
        );
        return Some((place, message, Role::Invalid(Box::new(inside))));
    }
    if name == "SessionView" {
        let message = "a `SessionView` needs no attribute; leave `#[session]` out, or take \
                       `Session<…>` to change the session";
        return Some((place, message.to_owned(), Role::Other));
    }
    if name.to_string().ends_with("Session") && segment.arguments.is_none() {
        let message = "if this is an alias of `Session<…>`, mark the argument: `#[session] \
                       session: …`; otherwise add `session: Session`";
        return Some((place, message.to_owned(), Role::Session));
    }
    if argument.name == "session" && segment.arguments.is_none() {
        let message = format!(
            "this is not a session; write `Session<{name}>` if `{name}` is a config, or mark \
             the argument if `{name}` is an alias of `Session`: `#[session] session: {name}`"
        );
        return Some((place, message, Role::Other));
    }
    None
}

/// A session anywhere in a type.
fn nested(ty: &Type) -> Option<Type> {
    if is_session_or_option(ty) {
        return Some(ty.clone());
    }
    generic_types(last_segment(ty)?).find_map(nested)
}

fn twice(arguments: &[Argument], errors: &mut Errors) {
    let mut sessions = arguments
        .iter()
        .filter(|argument| !matches!(argument.role, Role::Other));
    sessions.next();
    for second in sessions {
        errors.spanning(
            &second.ty,
            "a handler can have only one `Session`; to read the session of another config, write \
             `SessionView<…>`",
        );
    }
}

/// The name of an argument in the outer function. Names are kept, because frameworks bind some
/// arguments by name.
fn outer_name(pattern: &Pat, role: &Role, index: usize, place: Span) -> Ident {
    match pattern {
        Pat::Ident(name) if name.subpat.is_none() => match role {
            Role::Other => name.ident.clone(),
            // At the user's span, an editor would show the type of the guard. The outer function uses even a `_name`.
            Role::Session | Role::Invalid(_) if is_unused(&name.ident) => {
                format_ident!("_{}", name.ident, span = place)
            }
            Role::Session | Role::Invalid(_) => placed(&name.ident, place),
        },
        _ => format_ident!("__arg{index}", span = place),
    }
}

/// Whether the name says that the argument is not used.
pub(super) fn is_unused(name: &Ident) -> bool {
    let name = name.to_string();
    name.starts_with('_') && !name.starts_with("__")
}

/// The same name with another span.
pub(super) fn placed(name: &Ident, place: Span) -> Ident {
    let plain = name.unraw();
    let mut moved = if plain == *name { plain } else { name.clone() };
    moved.set_span(place);
    moved
}
