//! Tenant-scoped storage on two engines
