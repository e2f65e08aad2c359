//! Checks the types of `data` and `store`, as far as their tokens allow.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::{PathArguments, Type, TypePath};

use crate::errors::Errors;
use crate::tokens::mentions;

/// Types that do not encode as an object.
const NO_OBJECT: &[&str] = &[
    "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize", "f32", "f64", "String", "Vec", "VecDeque", "HashSet", "BTreeSet", "Option",
];

/// Checks the type of the data. If the type is impossible, returns the type that was probably
/// intended, or `None`.
pub(super) fn data(ty: Type, config: &Ident, errors: &mut Errors) -> Option<Type> {
    match &ty {
        Type::Reference(reference) => {
            errors.spanning(
                &ty,
                "a session owns its data, which outlives the request; write the type without `&`",
            );
            return Some((*reference.elem).clone()).filter(is_sized);
        }
        Type::Path(path) if path.path.is_ident(config) => {
            errors.spanning(
                &ty,
                format!(
                    "`{config}` is the config itself; write the type of the data here, and give \
                     the two different names"
                ),
            );
            return None;
        }
        Type::Path(path) if is_value(path) => {
            errors.spanning(&ty, "the data is untyped by default; leave `data` out");
        }
        Type::Path(path) if is_no_object(path) => errors.spanning(&ty, object(&ty)),
        Type::Tuple(_) | Type::Array(_) => errors.spanning(&ty, object(&ty)),
        other if !is_sized(other) => {
            errors.spanning(
                &ty,
                "the data of a session must be a sized type; write a struct: `data: Cart`",
            );
            return None;
        }
        _ => {}
    }
    Some(ty)
}

fn object(ty: &Type) -> String {
    let ty = ty.to_token_stream().to_string().replace(' ', "");
    format!(
        "the data of a session must have named fields, which are stored and merged one by one; wrap \
         this in a struct: `struct Cart {{ items: {ty} }}`"
    )
}

fn is_no_object(path: &TypePath) -> bool {
    let mut segments = path.path.segments.iter();
    match (segments.next(), segments.next()) {
        (Some(only), None) => NO_OBJECT.contains(&only.ident.to_string().as_str()),
        // A full path, such as `std::vec::Vec`.
        (Some(first), Some(_)) if first.ident == "std" => path
            .path
            .segments
            .last()
            .is_some_and(|last| NO_OBJECT.contains(&last.ident.to_string().as_str())),
        _ => false,
    }
}

/// `serde_json::Value`.
fn is_value(path: &TypePath) -> bool {
    let words: Vec<_> = path.path.segments.iter().collect();
    matches!(words.as_slice(), [crate_, value] if crate_.ident == "serde_json"
        && value.ident == "Value" && matches!(value.arguments, PathArguments::None))
}

fn is_sized(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => !path.path.is_ident("str"),
        Type::Slice(_) | Type::TraitObject(_) | Type::ImplTrait(_) => false,
        _ => true,
    }
}

/// Checks the type of the store. A store that is chosen at run time has the type `AnyStore`.
pub(super) fn store(ty: Type, errors: &mut Errors) -> Option<Type> {
    let hidden = mentions(&ty.to_token_stream(), |word| {
        word == "dyn" || word == "impl"
    });
    if hidden || matches!(ty, Type::Infer(_)) {
        errors.spanning(
            &ty,
            "a store needs a named type; for one that is chosen at run time, write \
             `store: AnyStore<Cart> = AnyStore::new(…)`",
        );
        return None;
    }
    Some(ty)
}
