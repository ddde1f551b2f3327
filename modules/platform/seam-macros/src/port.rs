use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Error, FnArg, GenericArgument, Ident, ItemTrait, LitInt, LitStr, PatType, PathArguments,
    Result, ReturnType, Token, TraitItem, TraitItemFn, Type,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Arguments { service, version, mock } = syn::parse2(arguments)?;
    let mut port: ItemTrait = syn::parse2(item)?;
    if !port.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &port.generics,
            "a port has no generics: its types are wire types",
        ));
    }
    let methods = read_methods(&mut port)?;

    for bound in [quote!(::core::marker::Send), quote!(::core::marker::Sync), quote!('static)] {
        port.supertraits.push(syn::parse2(bound)?);
    }
    let name = &port.ident;
    let name_text = name.to_string();
    let count = methods.len();
    let descriptors = methods.iter().map(|method| {
        let (method_name, kind) = (method.name.to_string(), &method.kind);
        quote! {
            ::seam::MethodDescriptor {
                service: #service, port: #name_text, version: #version, name: #method_name, kind: #kind,
            }
        }
    });
    let direct = methods
        .iter()
        .enumerate()
        .map(|(index, method)| method.direct(&service, &name_text, index));
    let remote = methods.iter().enumerate().map(|(index, method)| method.remote(&name_text, index));
    let arms = methods.iter().enumerate().map(|(index, method)| method.arm(index));
    let schemas = methods.iter().map(Method::schema);
    let checks = methods.iter().map(Method::check);
    let automock = mock.then(|| quote!(#[cfg_attr(feature = "testing", ::mockall::automock)]));

    Ok(quote! {
        #automock
        #[::seam::async_trait]
        #port

        const _: () = {
            use ::seam::private::CallContext;

            static METHODS: [::seam::MethodDescriptor; #count] = [#(#descriptors),*];
            static PORT: ::seam::PortDescriptor = ::seam::PortDescriptor {
                service: #service, name: #name_text, version: #version, methods: &METHODS,
            };

            struct Direct(::seam::Slot<dyn #name>);
            struct Remote(::std::sync::Arc<dyn ::seam::Transport>);
            struct Server(::seam::Slot<dyn #name>);

            #(#checks)*

            #[::seam::async_trait]
            impl #name for Direct { #(#direct)* }

            #[::seam::async_trait]
            impl #name for Remote { #(#remote)* }

            #[::seam::async_trait]
            impl ::seam::Dispatch for Server {
                fn port(&self) -> &'static ::seam::PortDescriptor {
                    &PORT
                }

                async fn dispatch(
                    &self, context: &CallContext, method: &str, argument: &[u8],
                ) -> ::seam::Reply {
                    match method {
                        #(#arms)*
                        unknown => ::seam::unknown_method(&PORT, unknown),
                    }
                }
            }

            impl ::seam::Port for dyn #name {
                fn descriptor() -> &'static ::seam::PortDescriptor {
                    &PORT
                }

                fn direct(slot: ::seam::Slot<Self>) -> ::std::sync::Arc<Self> {
                    ::std::sync::Arc::new(Direct(slot))
                }

                fn remote(
                    transport: ::std::sync::Arc<dyn ::seam::Transport>,
                ) -> ::std::sync::Arc<Self> {
                    ::std::sync::Arc::new(Remote(transport))
                }

                fn server(slot: ::seam::Slot<Self>) -> ::std::sync::Arc<dyn ::seam::Dispatch> {
                    ::std::sync::Arc::new(Server(slot))
                }

                fn schema() -> ::seam::private::Value {
                    ::seam::SchemaBuilder::new(&PORT)#(#schemas)*.build()
                }
            }
        };
    })
}

/// `service = "…", version = N` and perhaps `mock`.
struct Arguments {
    service: LitStr,
    version: LitInt,
    mock: bool,
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
        let missing = |what| Error::new(input.span(), format!("`#[port]` needs `{what}`"));
        Ok(Self {
            service: service.ok_or_else(|| missing("service = \"…\""))?,
            version: version.ok_or_else(|| missing("version = 1"))?,
            mock,
        })
    }
}

/// A method that was found fit to cross a seam.
struct Method {
    name: Ident,
    kind: TokenStream,
    argument: Option<Type>,
    value: Type,
    error: Type,
}

/// Reads every method and takes the `#[call]` marks off, so that all mistakes are told at once.
fn read_methods(port: &mut ItemTrait) -> Result<Vec<Method>> {
    let mut methods = Vec::new();
    let mut mistakes: Option<Error> = None;
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
        return Err(Error::new_spanned(signature, "a port's method is `async`: it may be remote"));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &signature.generics,
            "a port's method has no generics: its types are wire types",
        ));
    }
    if let Some(body) = &method.default {
        return Err(Error::new_spanned(body, "a port's method has no default body"));
    }
    let mut inputs = signature.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver))
            if receiver.reference.is_some() && receiver.mutability.is_none() => {}
        _ => return Err(Error::new_spanned(signature, "a port's method takes `&self` first")),
    }
    match inputs.next() {
        Some(FnArg::Typed(PatType { ty, .. })) if is_context(ty) => {}
        other => {
            let span = other.map_or_else(|| signature.ident.span(), Spanned::span);
            return Err(Error::new(
                span,
                "a port's method takes `ctx: &CallContext` after `&self`: who asks, for whom and \
                 until when goes with every call",
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
            "a port's method takes at most one argument besides the context: put them in a struct, \
             which can grow without breaking the wire",
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
    let kind: Ident = attribute.parse_args()?;
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
    match ty {
        Type::Reference(_) | Type::ImplTrait(_) | Type::Ptr(_) | Type::BareFn(_) => {
            Err(Error::new_spanned(
                ty,
                "what crosses a seam is owned and serializable: no reference, closure or handle",
            ))
        }
        _ => Ok(ty.clone()),
    }
}

fn read_result(output: &ReturnType, signature: &syn::Signature) -> Result<(Type, Type)> {
    let wrong = || {
        Error::new_spanned(
            signature,
            "a port's method returns `Result<T, E>`, where `E` derives `PortError`: any call can fail",
        )
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

impl Method {
    fn argument_type(&self) -> TokenStream {
        self.argument.as_ref().map_or_else(|| quote!(()), |ty| quote!(#ty))
    }

    fn signature(&self) -> TokenStream {
        let Self { name, value, error, .. } = self;
        let argument = self.argument.as_ref().map(|ty| quote!(, argument: #ty));
        quote!(async fn #name(&self, context: &CallContext #argument) -> ::core::result::Result<#value, #error>)
    }

    fn direct(&self, service: &LitStr, port: &str, index: usize) -> TokenStream {
        let (signature, name, text) = (self.signature(), &self.name, self.name.to_string());
        let argument = self.argument.as_ref().map(|_| quote!(, argument));
        quote! {
            #signature {
                let context = context.nested(#port, #text);
                let callee = self.0.get(#service)?;
                ::seam::run(&METHODS[#index], &context, callee.#name(&context #argument)).await
            }
        }
    }

    fn remote(&self, port: &str, index: usize) -> TokenStream {
        let (signature, text) = (self.signature(), self.name.to_string());
        let argument = self.argument.as_ref().map_or_else(|| quote!(&()), |_| quote!(&argument));
        quote! {
            #signature {
                let context = context.nested(#port, #text);
                ::seam::call(&*self.0, &METHODS[#index], &context, #argument).await
            }
        }
    }

    fn arm(&self, index: usize) -> TokenStream {
        let (name, text, ty) = (&self.name, self.name.to_string(), self.argument_type());
        let argument = self.argument.as_ref().map(|_| quote!(, argument));
        let pattern = if argument.is_some() { quote!(argument) } else { quote!(_) };
        quote! {
            #text => {
                let callee = match self.0.get(PORT.service) {
                    Ok(callee) => callee,
                    Err(failure) => return ::seam::Reply::Failed(failure),
                };
                ::seam::handle(&METHODS[#index], context, argument, |#pattern: #ty| {
                    callee.#name(context #argument)
                })
                .await
            }
        }
    }

    fn schema(&self) -> TokenStream {
        let (text, argument) = (self.name.to_string(), self.argument_type());
        let Self { value, error, .. } = self;
        quote!(.method::<#argument, #value, #error>(#text))
    }

    /// A line of its own for each type, so that the compiler points at the one that does not fit.
    fn check(&self) -> TokenStream {
        let argument = self.argument_type();
        let Self { value, error, .. } = self;
        quote! {
            const _: fn() = || {
                fn wire<T: ::seam::Wire>() {}
                fn error<T: ::seam::PortError>() {}
                wire::<#argument>();
                wire::<#value>();
                error::<#error>();
            };
        }
    }
}
