use std::sync::Arc;

use bytes::Bytes;
use kernel::CallContext;
use reqwest::{
    Method, Request, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use seam::{CallFailure, MethodDescriptor, OutgoingCall, WireContext};
use tokens::HopSigner;

/// A call as it is sent, however often and to whichever replica.
pub(crate) struct Message<'a> {
    service: &'a str,
    context: &'a CallContext,
    token: Arc<str>,
    body: Bytes,
}

impl<'a> Message<'a> {
    /// Puts `call` into a message to `service`.
    pub(crate) fn new(
        signer: &HopSigner,
        service: &'a str,
        call: &OutgoingCall<'a>,
    ) -> Result<Self, CallFailure> {
        let token = signer.token_for(call.context.principal(), service).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                peer.service = service,
                "no token could be signed for a call"
            );
            CallFailure::unavailable(service)
        })?;
        let body = Bytes::copy_from_slice(call.argument);
        Ok(Self { service, context: call.context, token, body })
    }

    /// The request to `url`, with the time that is left now.
    pub(crate) fn request(&self, url: Url) -> Result<Request, CallFailure> {
        let mut request = Request::new(Method::POST, url);
        *request.headers_mut() = self.headers()?;
        *request.body_mut() = Some(self.body.clone().into());
        Ok(request)
    }

    fn headers(&self) -> Result<HeaderMap, CallFailure> {
        let value = |text: String| {
            HeaderValue::try_from(text)
                .map_err(|error| CallFailure::incompatible(self.service, error))
        };
        // For these, and for the three that reqwest and hyper add.
        let mut headers = HeaderMap::with_capacity(10);
        for (name, text) in WireContext::from(self.context).to_headers() {
            headers.insert(HeaderName::from_static(name), value(text)?);
        }
        let mut bearer = value(format!("Bearer {}", self.token))?;
        bearer.set_sensitive(KEPT_OUT_OF_LOGS);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(headers)
    }
}

const KEPT_OUT_OF_LOGS: bool = true;

/// Where `method` of `service` is found behind `base`.
pub(crate) fn url(base: &Url, service: &str, method: &MethodDescriptor) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty();
        path.extend(["internal", service, method.port]);
        path.extend([&format!("v{}", method.version), method.name]);
    }
    url
}
