//! Whether a handler can pass its request on, as middleware does.
//!
//! Only then can another guard open in the request. Such a handler's guard puts a scope into the
//! request, which costs a little; most handlers do not pay for it.

use syn::{GenericArgument, PathArguments, Type};

use super::model::{Handler, Role};

/// Types that hold at most a part of a request, which cannot be passed on. Any other type may hold the
/// whole request.
const WITHOUT_REQUEST: &[&str] = &[
    // The parts of a request that frameworks extract.
    "Bytes",
    "ConnectInfo",
    "Cookies",
    "CookieJar",
    "Form",
    "HeaderMap",
    "Host",
    "Json",
    "MatchedPath",
    "Method",
    "Multipart",
    "OriginalUri",
    "Path",
    "PrivateCookieJar",
    "Query",
    "SignedCookieJar",
    "TypedHeader",
    "Uri",
    "Version",
    "WebSocketUpgrade",
    // Shared state of an application.
    "Data",
    "Extension",
    "State",
    // Values.
    "String",
    "Uuid",
    "bool",
    "char",
    "str",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
];

/// Whether another guard may open inside this handler.
pub(super) fn may_forward(handler: &Handler) -> bool {
    handler
        .arguments
        .iter()
        .any(|argument| matches!(argument.role, Role::Other) && may_hold_request(&argument.ty))
}

fn may_hold_request(ty: &Type) -> bool {
    // A loop instead of recursion, because types may be nested deeply.
    let mut pending = vec![ty];
    while let Some(ty) = pending.pop() {
        match ty {
            Type::Group(group) => pending.push(&group.elem),
            Type::Paren(paren) => pending.push(&paren.elem),
            Type::Reference(reference) => pending.push(&reference.elem),
            Type::Tuple(tuple) => pending.extend(&tuple.elems),
            Type::Path(path) => match path.path.segments.last() {
                Some(segment) if segment.ident == "Option" || segment.ident == "Result" => {
                    if let PathArguments::AngleBracketed(arguments) = &segment.arguments {
                        let first = arguments.args.iter().find_map(|argument| match argument {
                            GenericArgument::Type(ty) => Some(ty),
                            _ => None,
                        });
                        pending.extend(first);
                    }
                }
                Some(segment) if WITHOUT_REQUEST.iter().any(|name| segment.ident == name) => {}
                _ => return true,
            },
            _ => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::may_hold_request;

    fn may_hold(ty: &str) -> bool {
        may_hold_request(&syn::parse_str(ty).expect("a type"))
    }

    #[test]
    fn extracted_parts_cannot_be_passed_on() {
        for ty in [
            "Json<Cart>",
            "axum::extract::Path<(u64, String)>",
            "Option<Query<Page>>",
            "Result<Json<Cart>, JsonRejection>",
            "State<Arc<App>>",
            "&str",
            "(HeaderMap, Method)",
            "()",
        ] {
            assert!(!may_hold(ty), "{ty}");
        }
    }

    #[test]
    fn any_other_type_may_hold_the_request() {
        for ty in [
            "Request",
            "http::Request<Body>",
            "&mut Request",
            "Option<Request>",
            "(Method, Request)",
            "Parts",
            "Next",
            "&mut FlowCtrl",
            "impl Service<Request>",
            "MyExtractor",
        ] {
            assert!(may_hold(ty), "{ty}");
        }
    }
}
