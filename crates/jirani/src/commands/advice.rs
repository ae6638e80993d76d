//! Advice on what to do after the node refused an operation.

use ilp_admin_client::{ApiError, Code, Reason};

const ASSET_EXISTS: &str = "jirani asset list shows it";
const ASSET_IN_USE: &str = "remove its peers and wallet addresses first";
const PEER_EXISTS: &str = "jirani peer update changes the one that is there";
const TOKEN_EXISTS: &str = "leave --incoming-token out to have a fresh one made";
const PEER_OR_TOKEN_EXISTS: &str = "jirani peer update changes a peer that is there; leave \
    --incoming-token out to have a fresh token made";
const BALANCE: &str = "jirani peer list, asset list and wallet list show what there is";
const TRANSFER_EXISTS: &str = "it was booked before; leave --id out to book another";
const WALLET_EXISTS: &str = "jirani wallet list shows it";
const OTHER_VERSION: &str = "is the node of another version than this command?";

/// Returns the advice, where there is one: by the reason of the refusal, or by the operation and
/// the kind of refusal where the node gives no reason.
pub(super) fn advice(refusal: &ApiError) -> Option<&'static str> {
    match refusal.reason {
        Some(reason) => by_reason(reason),
        None => by_code(refusal.code, refusal.operation.as_deref()),
    }
}

/// Returns whether a transfer was refused since another one is booked under its id.
pub(super) fn is_booked_already(refusal: &ApiError) -> bool {
    match refusal.reason {
        Some(reason) => reason == Reason::TransferExists,
        None => advice(refusal) == Some(TRANSFER_EXISTS),
    }
}

fn by_reason(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::AssetExists => ASSET_EXISTS,
        Reason::AssetInUse => ASSET_IN_USE,
        Reason::DuplicatePeer => PEER_EXISTS,
        Reason::DuplicateIncomingToken => TOKEN_EXISTS,
        Reason::InsufficientBalance => BALANCE,
        Reason::TransferExists => TRANSFER_EXISTS,
        Reason::WalletAddressExists => WALLET_EXISTS,
        Reason::Other => return None,
    })
}

/// `operation` is a field of the schema's `Query` or `Mutation`, not a text for people.
fn by_code(code: Code, operation: Option<&str>) -> Option<&'static str> {
    Some(match (code, operation) {
        (Code::GraphqlValidationFailed, _) => OTHER_VERSION,
        (Code::Duplicate, Some("createAsset")) => ASSET_EXISTS,
        (Code::Duplicate, Some("createPeer" | "updatePeer")) => PEER_OR_TOKEN_EXISTS,
        (Code::Duplicate, Some("createWalletAddress")) => WALLET_EXISTS,
        (
            Code::Duplicate,
            Some(
                "depositPeerLiquidity"
                | "depositAssetLiquidity"
                | "createPeerLiquidityWithdrawal"
                | "createAssetLiquidityWithdrawal",
            ),
        ) => TRANSFER_EXISTS,
        (Code::Forbidden, Some("deleteAsset")) => ASSET_IN_USE,
        (
            Code::Forbidden,
            Some(
                "createPeerLiquidityWithdrawal"
                | "createAssetLiquidityWithdrawal"
                | "createWalletAddressWithdrawal",
            ),
        ) => BALANCE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::json;

    use super::*;
    use crate::commands::Failure;

    fn words(operation: &str, extensions: serde_json::Value) -> String {
        let error = json!({ "message": "no", "path": [operation], "extensions": extensions });
        let refusal = ApiError::first_in(&json!({ "errors": [error] })).unwrap();
        Failure::Node(refusal).to_string()
    }

    #[test]
    fn the_reason_of_a_refusal_says_what_to_do_next() {
        let extensions = json!({ "code": "DUPLICATE", "reason": "DUPLICATE_INCOMING_TOKEN" });
        assert_eq!(words("createPeer", extensions), format!("no; {TOKEN_EXISTS}"));
        let unknown = json!({ "code": "DUPLICATE", "reason": "SOMETHING_NEW" });
        assert_eq!(words("createAsset", unknown), "no");
    }

    #[test]
    fn each_reason_that_advice_goes_by_is_one_that_a_node_sends() {
        let sent = ilp_operator::Reason::all().map(|reason| {
            Reason::deserialize(serde_json::json!(reason.name())).expect("an unknown one is taken")
        });
        let advised = sent.filter(|reason| by_reason(*reason).is_some()).count();
        // One for each arm of `by_reason` but the last.
        assert_eq!(advised, 7);
    }

    #[test]
    fn without_a_reason_the_operation_and_the_code_do() {
        let duplicate = json!({ "code": "DUPLICATE" });
        assert_eq!(words("createAsset", duplicate.clone()), format!("no; {ASSET_EXISTS}"));
        assert_eq!(words("setRate", duplicate), "no");
        assert_eq!(words("createAsset", json!({ "code": "NOT_FOUND" })), "no");
        let invalid = json!({ "code": "GRAPHQL_VALIDATION_FAILED" });
        assert_eq!(words("x", invalid), format!("no; {OTHER_VERSION}"));
    }

    #[test]
    fn no_message_steers_the_terminal() {
        let error = json!({ "message": "a\u{1b}[2Jb" });
        let refusal = ApiError::first_in(&json!({ "errors": [error] })).unwrap();
        assert_eq!(Failure::Node(refusal).to_string(), "a\u{fffd}[2Jb");
    }
}
