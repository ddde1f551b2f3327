//! What the author wrote, and what is wrong with it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Error, FnArg, GenericArgument, Ident, ItemTrait, LitInt, LitStr, PatType, PathArguments,
    Result, ReturnType, Token, TraitItem, TraitItemFn, Type,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use super::Method;

/// `service = "…", version = N` and perhaps `mock`.
pub(super) struct Arguments {
    pub(super) service: LitStr,
    pub(super) version: LitInt,
    pub(super) mock: bool,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut service, mut version, mut mock) = (None, None, false);
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            match name.to_string().as_str() {
                "service" => {
                    input.parse::<Token![=]>()?;
                    service = Some(input.parse()?);
                }
                "version" => {
                    input.parse::<Token![=]>()?;
                    version = Some(input.parse()?);
                }
                "mock" => mock = true,
                _ => {
                    return Err(Error::new(name.span(), "expected `service`, `version` or `mock`"));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let missing = |what| {
            Error::new(
                input.span(),
                format!(
                    "add `{what}`: the name and version of the contract are part of every call's address"
                ),
            )
        };
        Ok(Self {
            service: service.ok_or_else(|| missing("service = \"…\""))?,
            version: version.ok_or_else(|| missing("version = 1"))?,
            mock,
        })
    }
}

/// Reads every method and takes the `#[call]` marks off, so that all mistakes are told at once.
pub(super) fn read_methods(port: &mut ItemTrait) -> Result<Vec<Method>> {
    let mut methods = Vec::new();
    let mut mistakes = no_generics(&port.generics, "a port").err();
    for item in &mut port.items {
        let read = match item {
            TraitItem::Fn(method) => read_method(method),
            other => Err(Error::new(other.span(), "a port has methods and nothing else")),
        };
        match read {
            Ok(method) => methods.push(method),
            Err(error) => match &mut mistakes {
                Some(mistakes) => mistakes.combine(error),
                None => mistakes = Some(error),
            },
        }
    }
    match mistakes {
        Some(mistakes) => Err(mistakes),
        None => Ok(methods),
    }
}

fn read_method(method: &mut TraitItemFn) -> Result<Method> {
    let kind = read_kind(method)?;
    let signature = &method.sig;
    if signature.asyncness.is_none() {
        return Err(Error::new_spanned(
            signature.fn_token,
            "make the method an `async fn`: the callee may be in another process",
        ));
    }
    no_generics(&signature.generics, "a port's method")?;
    if let Some(body) = &method.default {
        return Err(Error::new_spanned(
            body,
            "take the body away: a port is a contract, and a default would be a part of the \
             implementation on the caller's side",
        ));
    }
    let mut inputs = signature.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver))
            if receiver.reference.is_some() && receiver.mutability.is_none() => {}
        other => {
            return Err(Error::new(
                span_of(other, signature),
                "begin with `&self`: one implementation serves all calls at once",
            ));
        }
    }
    match inputs.next() {
        Some(FnArg::Typed(PatType { ty, .. })) if is_context(ty) => {}
        other => {
            return Err(Error::new(
                span_of(other, signature),
                "add `ctx: &CallContext` after `&self`: who asks, for whom and until when goes with \
                 every call",
            ));
        }
    }
    let argument = match inputs.next() {
        None => None,
        Some(FnArg::Typed(PatType { ty, .. })) => Some(owned(ty)?),
        Some(FnArg::Receiver(receiver)) => return Err(Error::new_spanned(receiver, "unexpected")),
    };
    if let Some(second) = inputs.next() {
        return Err(Error::new_spanned(
            second,
            "put the arguments into one struct, which can grow without breaking the wire: a port's \
             method takes at most one besides the context",
        ));
    }
    let (value, error) = read_result(&signature.output, signature)?;
    Ok(Method { name: signature.ident.clone(), kind, argument, value, error })
}

fn read_kind(method: &mut TraitItemFn) -> Result<TokenStream> {
    let unmarked = "mark the method `#[call(read)]` (changes nothing) or `#[call(write)]` (changes \
                    something, once per key): callers may send it again, and must know what that does";
    let Some(position) =
        method.attrs.iter().position(|attribute| attribute.path().is_ident("call"))
    else {
        return Err(Error::new_spanned(&method.sig.ident, unmarked));
    };
    let attribute = method.attrs.remove(position);
    let kind: Ident =
        attribute.parse_args().map_err(|_| Error::new_spanned(&attribute, unmarked))?;
    match kind.to_string().as_str() {
        "read" => Ok(quote!(::seam::CallKind::Read)),
        "write" => Ok(quote!(::seam::CallKind::Write)),
        _ => Err(Error::new_spanned(kind, unmarked)),
    }
}

fn is_context(ty: &Type) -> bool {
    let Type::Reference(reference) = ty else { return false };
    let Type::Path(path) = &*reference.elem else { return false };
    reference.mutability.is_none()
        && path.path.segments.last().is_some_and(|segment| segment.ident == "CallContext")
}

fn owned(ty: &Type) -> Result<Type> {
    let instead = match ty {
        Type::Reference(_) | Type::Slice(_) | Type::Ptr(_) => {
            "take an owned value, such as `String` for `&str` or `Vec<T>` for `&[T]`: what crosses \
             a seam may go over a wire, where no reference can follow"
        }
        Type::ImplTrait(_) | Type::TraitObject(_) | Type::BareFn(_) => {
            "take a struct that derives `Serialize`, `Deserialize` and `ToSchema`: what crosses a \
             seam may go over a wire, where no closure or handle can follow"
        }
        _ => return Ok(ty.clone()),
    };
    Err(Error::new_spanned(ty, instead))
}

fn no_generics(generics: &syn::Generics, what: &str) -> Result<()> {
    if generics.params.is_empty() {
        return Ok(());
    }
    let message = format!(
        "name the types themselves: {what} has no generics, since both sides of \
                           a wire must know what is sent"
    );
    Err(Error::new_spanned(generics, message))
}

/// Where an argument is, or should be.
fn span_of(argument: Option<&FnArg>, signature: &syn::Signature) -> Span {
    argument.map_or_else(|| signature.ident.span(), Spanned::span)
}

fn read_result(output: &ReturnType, signature: &syn::Signature) -> Result<(Type, Type)> {
    let wrong = || {
        let message =
            "return `Result<T, E>`, where `E` derives `seam::PortError`: any call can fail";
        match output {
            ReturnType::Default => Error::new_spanned(&signature.ident, message),
            ReturnType::Type(_, ty) => Error::new_spanned(ty, message),
        }
    };
    let ReturnType::Type(_, ty) = output else { return Err(wrong()) };
    let Type::Path(path) = &**ty else { return Err(wrong()) };
    let segment = path.path.segments.last().filter(|segment| segment.ident == "Result");
    let Some(PathArguments::AngleBracketed(arguments)) = segment.map(|segment| &segment.arguments)
    else {
        return Err(wrong());
    };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    match (types.next(), types.next()) {
        (Some(value), Some(error)) => Ok((owned(value)?, error.clone())),
        _ => Err(wrong()),
    }
}
