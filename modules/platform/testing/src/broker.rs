/// The RabbitMQ that tests run against: `ASHLAR_TEST_RABBITMQ`. They share it, each under a prefix
/// of its own.
///
/// # Panics
/// Where none is named.
#[must_use]
pub fn rabbitmq_url() -> String {
    std::env::var("ASHLAR_TEST_RABBITMQ").unwrap_or_else(|_| {
        panic!(
            "this test needs RabbitMQ 3.10 or newer: name it in ASHLAR_TEST_RABBITMQ, such as \
             amqp://guest:guest@127.0.0.1:5672/%2f, or run `cargo xtask test`, which starts one"
        )
    })
}
