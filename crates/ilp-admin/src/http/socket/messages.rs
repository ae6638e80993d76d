//! The messages of `graphql-transport-ws`.

use async_graphql::{Response, ServerError};
use axum::extract::ws::Message;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::request::{Query, read_query};

/// A message from the client.
pub(super) enum ClientMessage {
    /// The client opens the session, and may authenticate itself in the payload.
    ConnectionInit { payload: Map<String, Value> },
    /// The client asks whether the node is there.
    Ping { payload: Option<Map<String, Value>> },
    /// The client answers a ping.
    Pong,
    /// A request, which may be a subscription.
    Subscribe { id: String, query: Query },
    /// A request whose answers aren't wanted any more.
    Complete { id: String },
}

impl ClientMessage {
    /// Reads a message. Members that the protocol doesn't know are ignored.
    ///
    /// # Errors
    /// The fault in the message, in words.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let message: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Value::Object(mut members) = message else {
            return Err("a JSON object is expected".to_owned());
        };
        let Some(Value::String(kind)) = members.remove("type") else {
            return Err("the member type is expected, a string".to_owned());
        };
        match kind.as_str() {
            "connection_init" => {
                Ok(Self::ConnectionInit { payload: payload(members)?.unwrap_or_default() })
            }
            "ping" => Ok(Self::Ping { payload: payload(members)? }),
            "pong" => payload(members).map(|_| Self::Pong),
            "complete" => Ok(Self::Complete { id: id(&mut members)? }),
            "subscribe" => {
                let id = id(&mut members)?;
                let request = payload(members)?.ok_or("the member payload is expected")?;
                match read_query(Value::Object(request)) {
                    Ok(query) => Ok(Self::Subscribe { id, query }),
                    Err(refused) => Err(refused.message.into_owned()),
                }
            }
            other => Err(format!("{other} is not a type of message")),
        }
    }
}

fn payload(mut members: Map<String, Value>) -> Result<Option<Map<String, Value>>, String> {
    match members.remove("payload") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(payload)) => Ok(Some(payload)),
        Some(_) => Err("the member payload must be an object".to_owned()),
    }
}

fn id(members: &mut Map<String, Value>) -> Result<String, String> {
    match members.remove("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(id),
        _ => Err("the member id is expected, a string that is not empty".to_owned()),
    }
}

/// A message from the node.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    /// The client is known, and may ask.
    ConnectionAck,
    /// The node answers a ping.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'a Map<String, Value>>,
    },
    /// An answer to a request that was executed.
    Next { id: &'a str, payload: &'a Response },
    /// The errors for which a request was not executed, which end it.
    Error { id: &'a str, payload: &'a [ServerError] },
    /// The end of a request.
    Complete { id: &'a str },
}

impl ServerMessage<'_> {
    pub(super) fn text(&self) -> Message {
        // All members are serialized with texts as keys, and without numbers that JSON lacks.
        let text = serde_json::to_string(self).expect("messages are JSON");
        Message::Text(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_message_is_named() {
        for (text, fault) in [
            ("", "EOF"),
            ("[]", "object"),
            ("{}", "type"),
            (r#"{"type":1}"#, "type"),
            (r#"{"type":"start","id":"a","payload":{"query":"{a}"}}"#, "start is not a type"),
            (r#"{"type":"connection_init","payload":"secret"}"#, "payload must be an object"),
            (r#"{"type":"ping","payload":[]}"#, "payload must be an object"),
            (r#"{"type":"complete"}"#, "id is expected"),
            (r#"{"type":"complete","id":""}"#, "id is expected"),
            (r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#, "id is expected"),
            (r#"{"type":"subscribe","id":"a"}"#, "payload is expected"),
            (r#"{"type":"subscribe","id":"a","payload":{}}"#, "query is expected"),
            (
                r#"{"type":"subscribe","id":"a","payload":{"query":"{a}","variables":1}}"#,
                "variables",
            ),
        ] {
            let told = ClientMessage::read(text).err().unwrap_or_default();
            assert!(told.contains(fault), "{text}: {told}");
        }
        for text in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null,"more":1}"#,
            r#"{"type":"pong","payload":{}}"#,
            r#"{"type":"subscribe","id":"a","payload":{"query":"{a}","extensions":{}}}"#,
        ] {
            assert!(ClientMessage::read(text).is_ok(), "{text}");
        }
    }
}
