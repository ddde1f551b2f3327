//! Mails by SendGrid.
