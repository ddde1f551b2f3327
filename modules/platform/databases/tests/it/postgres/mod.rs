mod server;
mod templates;
