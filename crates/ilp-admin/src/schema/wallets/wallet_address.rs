//! Wallet addresses in the schema: what is read. What is written is in `wallet_address_input`.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use ilp_operator::{OutgoingPaymentFilter, WalletAddressView};
use ilp_store::{AdditionalProperty as Property, TextFilter};
use interledger_packet::Timestamp;
use uuid::Uuid;

use crate::schema::{
    assets::asset::Asset,
    forms::context::{operator, or_error},
    forms::{
        lists::{Connection, Listed},
        page::{self, Row, SortOrder},
        scalars::UInt64,
    },
    node::tenant::Tenant,
    wallets::{
        incoming_payment::{IncomingPayment, IncomingPaymentFilter},
        outgoing_payment::OutgoingPayment,
        quote::Quote,
    },
};

/// A URL on this node that money is sent to and from.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct WalletAddress {
    /// The wallet address's id, a UUID.
    pub(crate) id: ID,
    /// The asset of its balance.
    asset: Asset,
    /// The amount that was paid to it outside of any incoming payment and not withdrawn, in the
    /// asset's smallest unit.
    liquidity: Option<UInt64>,
    /// The URL, such as `https://wallet.example/alice`.
    address: String,
    /// The name that payers see.
    public_name: Option<String>,
    /// The time of creation, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// The tenant of the wallet address. There is one.
    tenant: Option<Tenant>,
    /// Whether it takes new payments.
    status: WalletAddressStatus,
    /// Properties that the operator defines.
    additional_properties: Option<Vec<Option<AdditionalProperty>>>,
    /// The number of edits. An update that names a version is refused once it isn't the stored one.
    version: UInt64,
    #[graphql(skip)]
    uuid: Uuid,
}

/// Whether a wallet address takes new payments.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum WalletAddressStatus {
    /// The wallet address takes no new payments, makes none, and is found by no payer. Its incoming
    /// payments take money until they expire.
    Inactive,
    /// The wallet address takes and makes payments.
    Active,
}

/// A property of a wallet address, which the operator defines.
#[derive(SimpleObject)]
pub(crate) struct AdditionalProperty {
    /// The name of the property.
    key: String,
    /// The value of the property.
    value: String,
    /// Whether clients that ask for the wallet address may see the property.
    visible_in_open_payments: bool,
}

impl From<Property> for AdditionalProperty {
    fn from(property: Property) -> Self {
        let Property { key, value, visible_in_open_payments } = property;
        Self { key, value, visible_in_open_payments }
    }
}

impl From<WalletAddressView> for WalletAddress {
    fn from(WalletAddressView { record, asset, liquidity }: WalletAddressView) -> Self {
        let status = if record.is_active() {
            WalletAddressStatus::Active
        } else {
            WalletAddressStatus::Inactive
        };
        let properties = record.additional_properties.into_iter();
        Self {
            id: record.id.into(),
            asset: asset.into(),
            liquidity: Some(liquidity.into()),
            address: record.url,
            public_name: record.public_name,
            created_at: Timestamp::from_unix_ms(record.created_at_ms).to_string(),
            tenant: Some(Tenant::default()),
            status,
            additional_properties: Some(properties.map(|property| Some(property.into())).collect()),
            version: record.version.into(),
            uuid: record.id,
        }
    }
}

impl Listed for WalletAddress {
    const CONNECTION: &str = "WalletAddressesConnection";
    const EDGE: &str = "WalletAddressEdge";
}

impl Row for WalletAddress {
    fn id(&self) -> &ID {
        &self.id
    }
}

#[ComplexObject]
impl WalletAddress {
    /// Its incoming payments: the `first` rows `after` a cursor, or the `last` ones `before` it; 20
    /// by default, 100 at most.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments are the schema's")]
    async fn incoming_payments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only payments after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only payments before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
        #[graphql(desc = "Which of them; all when left out.")] filter: Option<
            IncomingPaymentFilter,
        >,
    ) -> Option<Result<Connection<IncomingPayment>>> {
        let page = page::arguments(after, before, first, last, sort_order);
        let filter = IncomingPaymentFilter::read(filter);
        let rows = operator(context).payments().list_incoming(Some(self.uuid), &page, filter).await;
        Some(or_error(rows).map(Connection::from))
    }

    /// Its quotes, as long as they are kept: the `first` rows `after` a cursor, or the `last` ones
    /// `before` it; 20 by default, 100 at most.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    async fn quotes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only quotes after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only quotes before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
    ) -> Option<Result<Connection<Quote>>> {
        let page = page::arguments(after, before, first, last, sort_order);
        let rows = operator(context).payments().quotes(self.uuid, &page).await;
        Some(or_error(rows).map(Connection::from))
    }

    /// Its outgoing payments: the `first` rows `after` a cursor, or the `last` ones `before` it; 20
    /// by default, 100 at most.
    #[graphql(complexity = "page::complexity(first, last, child_complexity)")]
    async fn outgoing_payments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only payments after the one of this cursor.")] after: Option<String>,
        #[graphql(desc = "Only payments before the one of this cursor.")] before: Option<String>,
        #[graphql(desc = "The first so many of them.")] first: Option<i32>,
        #[graphql(desc = "The last so many of them.")] last: Option<i32>,
        #[graphql(desc = "Newest first (DESC) unless told.")] sort_order: Option<SortOrder>,
    ) -> Option<Result<Connection<OutgoingPayment>>> {
        let page = page::arguments(after, before, first, last, sort_order);
        let of_this = TextFilter { only: Some(vec![self.uuid.to_string()]), except: Vec::new() };
        let filter = OutgoingPaymentFilter { wallet_address_id: of_this, ..Default::default() };
        let rows = operator(context).payments().list_outgoing(&page, filter).await;
        Some(or_error(rows).map(Connection::from))
    }
}
