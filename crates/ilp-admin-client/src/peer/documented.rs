//! The creation of a peer as the documentation for operators has it, where a refusal is data.

use super::CreatePeerInput;
use crate::{Id, schema};

#[derive(Clone, Debug)]
pub struct Creation(pub CreatePeerInput);

#[derive(cynic::QueryVariables, Debug)]
pub struct Variables {
    pub input: CreatePeerInput,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "Variables")]
pub struct CreatePeer {
    #[arguments(input: $input)]
    pub create_peer: Response,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "CreatePeerMutationResponse")]
pub struct Response {
    pub code: String,
    pub success: bool,
    pub message: String,
    pub peer: Option<Peer>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Peer {
    pub id: Id,
    pub asset: Asset,
    pub static_ilp_address: String,
    pub name: Option<String>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Asset {
    pub code: String,
    pub scale: u8,
}

impl crate::Request for Creation {
    type Data = CreatePeer;
    type Answer = Response;

    fn body(self) -> Result<serde_json::Value, serde_json::Error> {
        let variables = Variables { input: self.0 };
        serde_json::to_value(<CreatePeer as cynic::MutationBuilder<_>>::build(variables))
    }

    fn answer(data: CreatePeer) -> Option<Response> {
        Some(data.create_peer)
    }
}
