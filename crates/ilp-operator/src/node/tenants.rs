//! The one tenant, which is the node's operator. Rafiki serves several from one backend, and its
//! clients ask who they are and what is theirs; here that has one answer.

use interledger_packet::Timestamp;
use uuid::Uuid;

use ilp_store::{Order, Reader, Rows};

use crate::{
    changes::writes::Duty,
    node::{
        error::TenantError,
        operator::{Inner, Operator},
        tenant_profile::TenantProfile,
    },
    vocabulary::{check, error::OperatorError, page::PageArguments},
};

/// The text in place of a secret. It says that there is one, and nothing of it.
pub const HIDDEN: &str = "(hidden)";

/// When the node's store was first opened by a version that asks: eight bytes, milliseconds since
/// 1970, big-endian.
const CREATED_AT: &str = "tenant_created_at";

/// The tenant as it is now.
#[derive(Clone, Debug)]
pub struct TenantView {
    /// Its id, a UUID.
    pub id: String,
    /// The configuration of the tenant.
    pub profile: TenantProfile,
    /// Since when there is one.
    pub created_at: Timestamp,
}

impl Operator {
    /// Returns the node's name, in titles and towards other nodes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.parts.tenant.public_name
    }

    /// Returns the one tenant.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own_tenant(&self) -> Result<TenantView, OperatorError> {
        self.read(|inner| {
            Ok(TenantView {
                id: inner.parts.tenant_id.clone(),
                profile: inner.parts.tenant.clone(),
                created_at: created_at(&inner.store)?.unwrap_or(inner.started_at),
            })
        })
        .await
    }

    /// Returns the tenant of this id.
    ///
    /// # Errors
    /// Not found, for every other id than the one tenant's.
    pub async fn tenant(&self, id: &str) -> Result<TenantView, OperatorError> {
        self.check_tenant(Some(id))?;
        self.own_tenant().await
    }

    /// Returns a page of the tenants, of which there is one.
    ///
    /// # Errors
    /// Bad input.
    pub async fn tenants(&self, page: &PageArguments) -> Result<Rows<TenantView>, OperatorError> {
        let page = page.check()?;
        let tenant = self.own_tenant().await?;
        let id = check::id(&tenant.id).unwrap_or_default();
        let comes_before = |one: Uuid, other: Uuid| match page.order {
            Order::NewestFirst => one > other,
            Order::OldestFirst => one < other,
        };
        let has_previous = page.after.is_some_and(|after| !comes_before(after, id));
        let has_next = page.before.is_some_and(|before| !comes_before(id, before));
        let is_within = page.limit > 0 && !has_previous && !has_next;
        Ok(Rows { rows: is_within.then_some(tenant).into_iter().collect(), has_previous, has_next })
    }

    /// Lets an id through that names the one tenant, or none at all.
    ///
    /// # Errors
    /// Not found.
    pub fn check_tenant(&self, id: Option<&str>) -> Result<(), TenantError> {
        match id {
            Some(id) if !id.eq_ignore_ascii_case(self.tenant_id()) => Err(TenantError::Unknown),
            _ => Ok(()),
        }
    }
}

/// Notes when the tenant came to be, at the first start.
pub(crate) fn note_creation(inner: &Inner, now: Timestamp) -> Result<(), OperatorError> {
    if created_at(&inner.store)?.is_none() {
        let at_ms = now.unix_ms().to_be_bytes();
        inner.writes.as_node(Duty::Start, |tx| tx.set_setting(CREATED_AT, &at_ms))?;
    }
    Ok(())
}

fn created_at(store: &Reader) -> Result<Option<Timestamp>, OperatorError> {
    let bytes: Option<[u8; 8]> = store.setting(CREATED_AT)?.and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.map(|bytes| Timestamp::from_unix_ms(u64::from_be_bytes(bytes))))
}
