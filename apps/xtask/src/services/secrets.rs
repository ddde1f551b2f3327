//! Passwords for private instances.

use std::{fs::File, io::Read as _};

use anyhow::{Context as _, Result};
use kernel::Secret;

/// 128 bits from the system, in hexadecimal digits.
pub(super) fn password() -> Result<Secret> {
    let mut bytes = [0_u8; 16];
    let source = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    source.context("reading /dev/urandom")?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}
