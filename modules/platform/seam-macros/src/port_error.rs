use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(item)?;
    let name = &input.ident;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(
            name,
            "make it an enum: a variant for each refusal of the domain, and `Call(CallFailure)` for \
             calls that brought no answer",
        ));
    };
    let call = data.variants.iter().find(|variant| {
        variant.ident == "Call"
            && matches!(&variant.fields, Fields::Unnamed(fields) if fields.unnamed.len() == 1)
    });
    let Some(call) = call else {
        return Err(Error::new_spanned(
            name,
            "add the variant `#[error(transparent)] #[serde(skip)] Call(#[from] CallFailure)` for \
             calls that brought no answer",
        ));
    };
    if !call.attrs.iter().any(is_serde_skip) {
        return Err(Error::new_spanned(
            call,
            "add `#[serde(skip)]`: a refusal crosses the wire, the failure of a call does not",
        ));
    }
    // With `Call` alone the wildcard arm would be unreachable.
    let otherwise = (data.variants.len() > 1).then(|| quote!(_ => ::core::option::Option::None,));
    Ok(quote! {
        impl ::seam::PortError for #name {
            fn call_failure(&self) -> ::core::option::Option<&::seam::CallFailure> {
                match self {
                    Self::Call(failure) => ::core::option::Option::Some(failure),
                    #otherwise
                }
            }
        }
    })
}

fn is_serde_skip(attribute: &syn::Attribute) -> bool {
    let mut skips = false;
    if attribute.path().is_ident("serde") {
        // What else stands there is serde's to judge.
        let _ = attribute.parse_nested_meta(|meta| {
            skips |= meta.path.is_ident("skip");
            Ok(())
        });
    }
    skips
}
