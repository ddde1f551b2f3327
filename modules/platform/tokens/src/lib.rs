//! Signing keys, signed tokens and sealed secrets
