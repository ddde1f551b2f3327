//! Writes that happen once, however often they are asked for.

use std::{marker::PhantomData, ops::Deref};

use kernel::{CallContext, sha256_hex};
use sea_orm::{ActiveValue::Set, ColumnTrait};
use seam::{CallFailure, PortError, Wire};
use serde::Serialize;

use crate::{
    Store, StoreError, TenantTx, UpdateMany, engine::Sight, link::On, query::Query,
    tables::call_records, transaction::Transaction, write,
};

/// Whether the call comes for the first time.
#[must_use]
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one a call, taken apart where it is made")]
pub enum Once<T, E> {
    /// It does: do the work in this transaction, and [`finish`](OnceTx::finish) it.
    First(OnceTx<T, E>),
    /// It does not: this was its outcome.
    Recorded(Result<T, E>),
}

/// The transaction of a call that comes for the first time: a [`TenantTx`] that ends by recording
/// its outcome.
#[derive(Debug)]
pub struct OnceTx<T, E> {
    // Dropped in this order: the savepoint ends before what it is in.
    effect: TenantTx,
    record: Transaction,
    key: RecordKey,
    outcome: PhantomData<fn() -> Result<T, E>>,
}

impl Store {
    /// Starts a write that happens once per tenant, `method` and [`CallContext::key`]. The outcome,
    /// be it a result or a refusal, is recorded in the transaction of the effect, so that a
    /// repetition gets the first outcome; two that come at the same time are one after the other.
    ///
    /// ```text
    /// let tx = match self.store.once(ctx, "reserve_seat", &request).await? {
    ///     Once::First(tx) => tx,
    ///     Once::Recorded(outcome) => return outcome,
    /// };
    /// let outcome = seats::reserve(&tx, &request).await;
    /// tx.finish(outcome).await
    /// ```
    ///
    /// # Errors
    /// [`CallFailure::Incompatible`] where the key was used with another argument, or where this
    /// build cannot read the recorded outcome; [`CallFailure::Unavailable`] where the store is
    /// busy; what else the store cannot do.
    pub async fn once<A, T, E>(
        &self,
        ctx: &CallContext,
        method: &'static str,
        argument: &A,
    ) -> Result<Once<T, E>, E>
    where
        A: Serialize + Sync + ?Sized,
        T: Wire,
        E: PortError,
    {
        let digest = digest(argument).map_err(|error| self.incompatible(error))?;
        let begun = self.begin_once(ctx, method, &digest).await.map_err(CallFailure::from)?;
        let record = match begun {
            Begun::First(effect, record, key) => {
                return Ok(Once::First(OnceTx { effect, record, key, outcome: PhantomData }));
            }
            Begun::Recorded(record) => record,
        };
        if record.argument_hash != digest {
            let detail = format!("`{method}` was called under this key with another argument");
            return Err(self.incompatible(detail).into());
        }
        let outcome = record.outcome.unwrap_or_default();
        let outcome = serde_json::from_value(outcome).map_err(|error| self.incompatible(error))?;
        ctx.mark_recorded();
        Ok(Once::Recorded(outcome))
    }

    async fn begin_once(
        &self,
        ctx: &CallContext,
        method: &'static str,
        digest: &str,
    ) -> Result<Begun, StoreError> {
        let tenant = self.tenant_of(ctx)?;
        let record = Transaction::begin(self, Sight::Tenant(tenant)).await?;
        let row = call_records::ActiveModel {
            tenant_id: Set(tenant.0),
            key: Set(ctx.key().as_str().to_owned()),
            method: Set(method.to_owned()),
            argument_hash: Set(digest.to_owned()),
            outcome: Set(None),
            created_at: Set(self.clock().now().into()),
        };
        let key = RecordKey { tenant, key: ctx.key().as_str().to_owned(), method };
        // Claimed by an insert, never by a look and then an insert: on an engine with several
        // writers a second call waits here until the first has committed.
        let claimed = write::insert_new(
            &record,
            vec![row],
            &[
                call_records::Column::TenantId,
                call_records::Column::Key,
                call_records::Column::Method,
            ],
        )
        .await?;
        if claimed == 1 {
            let effect = TenantTx::new(record.savepoint().await?, tenant, ctx.clone());
            return Ok(Begun::First(effect, record, key));
        }
        let found = Query::<call_records::Entity>::new(
            On::Transaction(&record),
            sea_orm::EntityTrait::find(),
        )
        .filter(key.filter())
        .one()
        .await?;
        let table = "call_records";
        found.map(Begun::Recorded).ok_or(StoreError::NotFound { module: self.module(), table })
    }

    fn incompatible(&self, detail: impl std::fmt::Display) -> CallFailure {
        CallFailure::incompatible(self.module(), detail)
    }
}

impl<T: Wire, E: PortError> OnceTx<T, E> {
    /// Ends the call. A result is recorded and committed with the effect. A refusal is recorded,
    /// and the effect undone. A [`CallFailure`] undoes the effect and is not recorded: the call may
    /// come again.
    ///
    /// # Errors
    /// The error in `outcome`, or what the store cannot do.
    pub async fn finish(self, outcome: Result<T, E>) -> Result<T, E> {
        if outcome.as_ref().is_err_and(|error| error.call_failure().is_some()) {
            return outcome;
        }
        let Self { effect, record, key, .. } = self;
        let ctx = effect.ctx().clone();
        let ended = async {
            let module = record.store().module();
            let json = serde_json::to_value(&outcome).map_err(|source| StoreError::Json {
                module,
                what: "the outcome of a call",
                source,
            })?;
            match &outcome {
                Ok(_) => effect.into_tx().release_into(&record).await?,
                Err(_) => effect.into_tx().undo_in(&record).await?,
            }
            UpdateMany::<call_records::Entity>::of_all(&record)
                .set(call_records::Column::Outcome, Some(json))
                .filter(key.filter())
                .exec()
                .await?;
            record.commit().await
        };
        match ended.await {
            Ok(()) => {
                ctx.mark_recorded();
                outcome
            }
            Err(error) => Err(CallFailure::from(error).into()),
        }
    }
}

impl<T, E> Deref for OnceTx<T, E> {
    type Target = TenantTx;

    fn deref(&self) -> &TenantTx {
        &self.effect
    }
}

enum Begun {
    First(TenantTx, Transaction, RecordKey),
    Recorded(call_records::Model),
}

#[derive(Debug)]
struct RecordKey {
    tenant: kernel::TenantId,
    key: String,
    method: &'static str,
}

impl RecordKey {
    fn filter(&self) -> sea_orm::Condition {
        sea_orm::Condition::all()
            .add(call_records::Column::TenantId.eq(self.tenant.0))
            .add(call_records::Column::Key.eq(&*self.key))
            .add(call_records::Column::Method.eq(self.method))
    }
}

/// SHA-256 over the argument as JSON. Through [`serde_json::Value`], whose maps are ordered, so
/// that equal arguments are equal however their maps iterate.
fn digest<A: Serialize + ?Sized>(argument: &A) -> Result<String, serde_json::Error> {
    let json = serde_json::to_vec(&serde_json::to_value(argument)?)?;
    Ok(sha256_hex(json))
}
