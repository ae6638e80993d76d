//! Assets.

use serde::Serialize;

use crate::{
    Id, Page, Patch, UInt64,
    operation::{connection, mutation, query},
    schema,
};

#[derive(cynic::QueryFragment, Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asset {
    pub id: Id,
    pub code: String,
    pub scale: u8,
    pub liquidity: Option<UInt64>,
    pub liquidity_threshold: Option<UInt64>,
    pub withdrawal_threshold: Option<UInt64>,
    pub version: UInt64,
}

/// The unit of amounts: an asset without its balance.
#[derive(cynic::QueryFragment, Clone, Debug, PartialEq, Eq, Serialize)]
#[cynic(graphql_type = "Asset")]
pub struct Unit {
    pub id: Id,
    pub code: String,
    pub scale: u8,
}

impl From<Asset> for Unit {
    fn from(asset: Asset) -> Self {
        Self { id: asset.id, code: asset.code, scale: asset.scale }
    }
}

connection!(AssetsConnection, AssetEdge, Asset);

/// A page of assets.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct Assets {
    pub after: Option<String>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "Assets")]
pub struct AssetsQuery {
    #[arguments(first: 100, after: $after)]
    pub assets: AssetsConnection,
}

query!(Assets => AssetsQuery, |data| Some(data.assets.into()) => Page<Asset>);

/// The asset of an id.
#[derive(cynic::QueryVariables, Clone, Debug)]
pub struct AssetById {
    pub id: Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Query", variables = "AssetById")]
pub struct AssetByIdQuery {
    #[arguments(id: $id)]
    pub asset: Option<Asset>,
}

query!(AssetById => AssetByIdQuery, |data| Some(data.asset) => Option<Asset>);

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct CreateAssetInput {
    pub code: String,
    pub scale: u8,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub liquidity_threshold: Option<UInt64>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub withdrawal_threshold: Option<UInt64>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Id>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl CreateAssetInput {
    /// Returns the input that has the required fields alone.
    pub fn new(code: String, scale: u8) -> Self {
        Self {
            code,
            scale,
            liquidity_threshold: None,
            withdrawal_threshold: None,
            tenant_id: None,
            idempotency_key: None,
        }
    }
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct UpdateAssetInput {
    pub id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub liquidity_threshold: Option<Patch<UInt64>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub withdrawal_threshold: Option<Patch<UInt64>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub version: Option<UInt64>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::InputObject, Clone, Debug)]
#[cynic(require_all_fields)]
pub struct DeleteAssetInput {
    pub id: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct AssetMutationResponse {
    pub asset: Option<Asset>,
}

#[derive(cynic::QueryFragment, Clone, Debug)]
pub struct DeleteAssetMutationResponse {
    pub success: bool,
}

mutation!(create_asset, CreateAsset.create_asset(CreateAssetInput) -> AssetMutationResponse,
    |data| data.asset => Asset);
mutation!(update_asset, UpdateAsset.update_asset(UpdateAssetInput) -> AssetMutationResponse,
    |data| data.asset => Asset);
mutation!(delete_asset, DeleteAsset.delete_asset(DeleteAssetInput) -> DeleteAssetMutationResponse,
    |data| data.success.then_some(()) => ());
