//! Assets in the schema.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use ilp_operator::{AssetEdit, AssetView, Field, NewAsset, OperatorError};
use ilp_store::Rows;
use interledger_packet::Timestamp;

use crate::schema::{
    forms::{
        page::{self, PageInfo, Row},
        response::{MutationResponse, Status},
        scalars::{UInt8, UInt64},
    },
    node::tenant::Tenant,
};

/// A currency or other unit that peers' balances are kept in, such as USD with scale 2.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Asset {
    /// The asset's id, a UUID.
    pub(crate) id: ID,
    /// The asset's code, such as `USD`. Unique together with the scale.
    code: String,
    /// Decimal places of the smallest unit: with scale 2 an amount of 100 is 1.00.
    scale: UInt8,
    /// The node's own stock of the asset, from which it pays packets that are converted into it.
    /// In the smallest unit, without what is on hold.
    liquidity: Option<UInt64>,
    /// The least amount of a withdrawal, in the smallest unit; null for no limit.
    withdrawal_threshold: Option<UInt64>,
    /// The threshold of the event about low liquidity: the event is due when liquidity falls to
    /// this or below. In the smallest unit; null for no event.
    liquidity_threshold: Option<UInt64>,
    /// The time of creation, such as `2026-11-23T12:00:00.000Z`.
    pub(crate) created_at: String,
    /// The tenant of the asset. There is one.
    tenant: Option<Tenant>,
    /// The number of edits. An update that names a version is refused once it isn't the stored one.
    version: UInt64,
}

impl From<AssetView> for Asset {
    fn from(AssetView { record, liquidity }: AssetView) -> Self {
        Self {
            id: record.id.into(),
            code: record.code,
            scale: UInt8(record.scale),
            liquidity: Some(liquidity.into()),
            withdrawal_threshold: record.withdrawal_threshold.map(UInt64::from),
            liquidity_threshold: record.liquidity_threshold.map(UInt64::from),
            created_at: Timestamp::from_unix_ms(record.created_at_ms).to_string(),
            tenant: Some(Tenant::default()),
            version: record.version.into(),
        }
    }
}

impl Row for Asset {
    fn id(&self) -> &ID {
        &self.id
    }
}

/// A page of assets.
#[derive(SimpleObject)]
pub(crate) struct AssetsConnection {
    /// The position of the page in the list.
    page_info: PageInfo,
    /// The assets of the page.
    edges: Vec<AssetEdge>,
}

/// An asset in a list.
#[derive(SimpleObject)]
pub(crate) struct AssetEdge {
    /// The asset.
    node: Asset,
    /// The cursor of this place in the list, also after the asset is gone.
    cursor: String,
}

impl From<Rows<AssetView>> for AssetsConnection {
    fn from(rows: Rows<AssetView>) -> Self {
        let (page_info, rows) = page::page(rows);
        let edges = rows.map(|(cursor, node)| AssetEdge { node, cursor }).collect();
        Self { page_info, edges }
    }
}

/// An asset to be made, such as `{"code": "USD", "scale": 2}`.
#[derive(InputObject)]
pub(crate) struct CreateAssetInput {
    /// The asset's code, such as `USD`: 1 to 32 bytes without white space.
    code: String,
    /// Decimal places of the smallest unit.
    scale: UInt8,
    /// The least amount of a withdrawal, in the smallest unit.
    withdrawal_threshold: Option<UInt64>,
    /// An event is due when liquidity falls to this or below. In the smallest unit.
    liquidity_threshold: Option<UInt64>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
    /// The tenant that the asset is for. There is one, which `whoami` names; it may be left out.
    pub(crate) tenant_id: Option<ID>,
}

impl CreateAssetInput {
    pub(crate) fn read(self) -> Result<NewAsset, OperatorError> {
        Ok(NewAsset {
            code: self.code,
            scale: self.scale.0,
            withdrawal_threshold: UInt64::optional(
                self.withdrawal_threshold,
                Field::WithdrawalThreshold,
            )?,
            liquidity_threshold: UInt64::optional(
                self.liquidity_threshold,
                Field::LiquidityThreshold,
            )?,
        })
    }
}

/// A change of an asset. What is left out stays, and null empties a field.
#[derive(InputObject)]
pub(crate) struct UpdateAssetInput {
    /// The asset's id.
    id: String,
    /// The least amount of a withdrawal, in the smallest unit.
    withdrawal_threshold: MaybeUndefined<UInt64>,
    /// An event is due when liquidity falls to this or below. In the smallest unit.
    liquidity_threshold: MaybeUndefined<UInt64>,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
    /// The version that the change is based on, from the object's `version`. If the stored version
    /// differs, nothing is changed and the answer is `CONFLICT`. When left out, the change applies
    /// to any version.
    version: Option<UInt64>,
}

impl UpdateAssetInput {
    pub(crate) fn read(self) -> Result<AssetEdit, OperatorError> {
        Ok(AssetEdit {
            id: self.id,
            withdrawal_threshold: UInt64::edit(
                self.withdrawal_threshold,
                Field::WithdrawalThreshold,
            )?,
            liquidity_threshold: UInt64::edit(self.liquidity_threshold, Field::LiquidityThreshold)?,
            version: UInt64::optional(self.version, Field::Version)?,
        })
    }
}

/// The asset to be deleted.
#[derive(InputObject)]
pub(crate) struct DeleteAssetInput {
    /// The asset's id.
    pub(crate) id: ID,
    /// The idempotency key: a request that is repeated with it is done once.
    pub(crate) idempotency_key: Option<String>,
}

/// The result of making or changing an asset.
#[derive(SimpleObject)]
pub(crate) struct AssetMutationResponse {
    /// The asset as it is now; null when the mutation was refused.
    asset: Option<Asset>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for AssetMutationResponse {
    type Done = AssetView;

    fn new(done: Option<AssetView>, status: Status) -> Self {
        Self { asset: done.map(Asset::from), status }
    }
}

/// The result of deleting an asset.
#[derive(SimpleObject)]
pub(crate) struct DeleteAssetMutationResponse {
    /// The asset as it was; null when the mutation was refused.
    asset: Option<Asset>,
    #[graphql(flatten)]
    status: Status,
}

impl MutationResponse for DeleteAssetMutationResponse {
    type Done = AssetView;

    fn new(done: Option<AssetView>, status: Status) -> Self {
        Self { asset: done.map(Asset::from), status }
    }
}
