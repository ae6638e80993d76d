//! The inputs that a refusal can be about.

use strum::IntoStaticStr;

/// An input of an operation, named as the API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
#[expect(missing_docs, reason = "each is described in the API's schema under its name")]
pub enum Field {
    AdditionalProperties,
    Address,
    After,
    Amount,
    AmountInFlightMax,
    AmountPerSecondMax,
    AssetId,
    AssetShareInFlightPercentMax,
    Base,
    BasisPoints,
    Before,
    Code,
    DataToTransmit,
    DebitAmount,
    Dir,
    Endpoint,
    ExpiresAt,
    Filter,
    First,
    Fixed,
    Id,
    IdempotencyKey,
    IncomingAmount,
    /// The tokens that a peer shows this node.
    #[strum(serialize = "authTokens")]
    IncomingTokens,
    InitialLiquidity,
    Limit,
    LiquidityThreshold,
    LiquidityToDeposit,
    MaxPacketAmount,
    Metadata,
    Name,
    /// The token that this node shows a peer.
    #[strum(serialize = "authToken")]
    OutgoingToken,
    PacketsInFlightMax,
    PacketsPerMinuteMax,
    PeerId,
    PeerUrl,
    PublicName,
    Quote,
    QuoteId,
    Rate,
    Reason,
    ReceiveAmount,
    Receiver,
    Routes,
    SenderWalletAddress,
    SpreadBasisPoints,
    StaticIlpAddress,
    TenantId,
    TimeoutSeconds,
    TokenId,
    Value,
    Version,
    WalletAddressId,
    WithdrawalThreshold,
}

impl Field {
    /// Returns the API's name of the input, such as `staticIlpAddress`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
