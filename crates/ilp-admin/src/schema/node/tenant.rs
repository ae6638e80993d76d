//! The tenant in the schema. There is one, so the type has no data: the node answers every field.

use std::sync::OnceLock;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use ilp_operator::{HIDDEN, TenantSettingName, TenantView};
use ilp_store::Rows;

use crate::schema::{
    forms::context::{operator, or_error},
    forms::page::PageInfo,
};

/// The owner of the node's records. A value is made without reading the node, so that every row may
/// have one.
#[derive(Default)]
pub(crate) struct Tenant {
    /// Filled when somebody asks: what implements an interface gives references away.
    id: OnceLock<ID>,
}

/// The owner of the node's records. There is one tenant, the operator.
#[Object]
impl Tenant {
    /// The tenant's id, a UUID; it goes into the `tenant-id` header of signed requests.
    pub(crate) async fn id(&self, context: &Context<'_>) -> &ID {
        self.id.get_or_init(|| operator(context).tenant_id().into())
    }

    /// Always null: the node keeps no address of its operator.
    async fn email(&self) -> Option<&str> {
        None
    }

    /// `(hidden)` where there is a secret and empty where there is none. The secret itself is never
    /// given out; whoever needs it has configured it.
    async fn api_secret(&self, context: &Context<'_>) -> Result<&'static str> {
        let tenant = or_error(operator(context).own_tenant().await)?;
        Ok(if tenant.profile.has_secret { HIDDEN } else { "" })
    }

    /// Always null: the node asks nobody for consent.
    async fn idp_consent_url(&self) -> Option<&str> {
        None
    }

    /// Always null: the node asks nobody for consent.
    async fn idp_secret(&self) -> Option<&str> {
        None
    }

    /// The node's name for itself.
    async fn public_name(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(Some(or_error(operator(context).own_tenant().await)?.profile.public_name))
    }

    /// The time of the node's first start, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) async fn created_at(&self, context: &Context<'_>) -> Result<String> {
        Ok(or_error(operator(context).own_tenant().await)?.created_at.to_string())
    }

    /// Always null: the operator can't be deleted.
    async fn deleted_at(&self) -> Option<&str> {
        None
    }

    /// The configuration, as far as Rafiki has a name for it. Of URLs that may hold a secret only
    /// the host is shown. Changes are made in the configuration file.
    async fn settings(&self, context: &Context<'_>) -> Result<Vec<TenantSetting>> {
        let profile = or_error(operator(context).own_tenant().await)?.profile;
        let setting = |(name, value)| TenantSetting { key: TenantSettingKey::from(name), value };
        Ok(profile.settings.into_iter().map(setting).collect())
    }
}

/// A setting of the configuration.
#[derive(SimpleObject)]
pub(crate) struct TenantSetting {
    /// The name of the setting.
    key: TenantSettingKey,
    /// The value of the setting.
    value: String,
}

/// The names of settings.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TenantSettingKey {
    /// The rates service.
    ExchangeRatesUrl,
    /// The receiver of events.
    WebhookUrl,
    /// The time that the receiver of an event may take, in milliseconds.
    WebhookTimeout,
    /// The number of attempts to deliver an event before it is given up.
    WebhookMaxRetry,
    /// The URL below which wallet addresses are.
    WalletAddressUrl,
    /// The node's ILP address.
    IlpAddress,
}

impl From<TenantSettingName> for TenantSettingKey {
    fn from(name: TenantSettingName) -> Self {
        match name {
            TenantSettingName::ExchangeRatesUrl => Self::ExchangeRatesUrl,
            TenantSettingName::WebhookUrl => Self::WebhookUrl,
            TenantSettingName::WebhookTimeout => Self::WebhookTimeout,
            TenantSettingName::WebhookMaxRetry => Self::WebhookMaxRetry,
            TenantSettingName::WalletAddressUrl => Self::WalletAddressUrl,
            TenantSettingName::IlpAddress => Self::IlpAddress,
        }
    }
}

/// A page of tenants.
#[derive(SimpleObject)]
pub(crate) struct TenantsConnection {
    /// The position of the page in the list.
    page_info: PageInfo,
    /// The tenants of the page.
    edges: Vec<TenantEdge>,
}

/// A tenant in a list.
#[derive(SimpleObject)]
pub(crate) struct TenantEdge {
    /// The tenant.
    node: Tenant,
    /// The cursor of this place in the list.
    cursor: String,
}

impl From<Rows<TenantView>> for TenantsConnection {
    fn from(rows: Rows<TenantView>) -> Self {
        let Rows { rows, has_previous, has_next } = rows;
        let cursors = rows.into_iter().map(|tenant| tenant.id);
        let edges: Vec<_> =
            cursors.map(|cursor| TenantEdge { node: Tenant::default(), cursor }).collect();
        let cursor = |edge: &TenantEdge| edge.cursor.clone();
        let (start, end) = (edges.first().map(cursor), edges.last().map(cursor));
        let page_info = PageInfo::new(start, end, has_previous, has_next);
        Self { page_info, edges }
    }
}
