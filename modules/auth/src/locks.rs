//! The order in which auth's transactions take rows.
//!
//! On an engine with several writers, two transactions that want the same two rows in opposite
//! orders wait for each other until the database breaks one off. So every transaction of this
//! module takes what it needs of these in this order, and nothing further up once it has
//! something further down:
//!
//! 1. the inbox row of an event whose effect this is
//! 2. an idempotency key
//! 3. an invitation
//! 4. a user
//! 5. verification tokens of that user
//! 6. a session
//! 7. refresh tokens of that session
//! 8. tenants, memberships, what is scheduled, and rows that are only added: the audit log, the
//!    outbox, attempts to log in
//!
//! A row that leads to one further up (a verification token to its user, a refresh token to its
//! session) is read without a lock first, and read again once that one is held: only who holds the
//! user changes their verification tokens, and only who holds the session its refresh tokens. The
//! sweep, which deletes what has expired, takes one table at a time.
