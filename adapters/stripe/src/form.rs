//! Parameters, as Stripe takes them: form-encoded, with brackets for what is nested
//! (<https://docs.stripe.com/api>).

/// The parameters of a request, in the order in which they were added: the same at every time of
/// asking.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

/// What our own id of an operation is stored under at Stripe, so that it can be found again, and
/// recognised in a webhook.
pub(crate) const OPERATION: &str = "ashlar_operation";

/// What the tenant's id is stored under at Stripe.
pub(crate) const TENANT: &str = "ashlar_tenant";

impl Form {
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn with_metadata(self, name: &str, value: impl Into<String>) -> Self {
        self.with(&format!("metadata[{name}]"), value)
    }

    pub(crate) fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}
