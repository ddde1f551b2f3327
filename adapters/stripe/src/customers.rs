//! Customers: <https://docs.stripe.com/api/customers/create>.

use billing_api::{Customer, CustomerRequest, GatewayError};
use serde::Deserialize;

use crate::{
    StripeGateway,
    api::Deadline,
    form::{Form, TENANT},
};

#[derive(Deserialize)]
struct StripeCustomer {
    id: String,
}

impl StripeGateway {
    /// A customer whose answer was lost and is asked for after Stripe has forgotten the key is made
    /// a second time. It costs nothing, and nobody pays through the first.
    pub(crate) async fn make_customer(
        &self,
        request: CustomerRequest,
    ) -> Result<Customer, GatewayError> {
        let CustomerRequest { key, tenant, allowed } = request;
        let form = Form::default()
            .with("description", format!("Tenant {tenant}"))
            .with_metadata(TENANT, tenant.to_string());
        let made = self.api.post("/v1/customers", &key, &form, Deadline::after(allowed)).await;
        let StripeCustomer { id } = made?;
        Ok(Customer { reference: id })
    }
}
