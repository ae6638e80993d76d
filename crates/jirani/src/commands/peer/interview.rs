//! The dialogue that asks for the terms of a peering, one line each.

use std::io::{BufRead, Write};

use ilp_admin_client::asset::Unit;
use ilp_connector::amount::parse_amount;
use ilp_net::Endpoint;
use interledger_packet::Address;

use crate::commands::{
    Failure,
    admin_client::{AdminArgs, plain},
    asset,
    lookup::{all_assets, find_asset, is_named},
    terminal::Dialogue,
};

/// The questions. Terms that an option gives are not asked for.
pub(super) struct Interview<'a, Input, Output> {
    pub(super) dialogue: Dialogue<Input, Output>,
    pub(super) admin: &'a AdminArgs,
}

impl<Input: BufRead, Output: Write> Interview<'_, Input, Output> {
    /// Returns the asset of the peering. A new asset is added to the node.
    pub(super) fn asset(&mut self, said: Option<&str>) -> Result<Unit, Failure> {
        if let Some(name) = said {
            return find_asset(self.admin, name).map(Unit::from);
        }
        let assets = all_assets(self.admin)?;
        let known: Vec<String> = assets.iter().map(|asset| plain(&asset.code)).collect();
        let question = match known.as_slice() {
            [] => "the asset that both sides count in, such as USD: ".to_owned(),
            known => format!("the asset that both sides count in ({}): ", known.join(", ")),
        };
        let only = known.first().filter(|_| known.len() == 1).cloned().unwrap_or_default();
        let name = self.dialogue.ask_until(&question, |answer| match (answer, only.as_str()) {
            ("", "") => Err("name an asset by its code".to_owned()),
            ("", only) => Ok(only.to_owned()),
            (answer, _) => Ok(answer.to_owned()),
        })?;
        if assets.iter().any(|asset| is_named(asset, &name)) {
            return find_asset(self.admin, &name).map(Unit::from);
        }
        let question =
            format!("{name} is new here; decimal places of its smallest unit, such as 2: ");
        let scale = self.dialogue.ask_until(&question, |answer| {
            answer.parse().map_err(|_| "a whole number from 0 to 255 is expected".to_owned())
        })?;
        asset::create(self.admin, &name, scale).map(Unit::from)
    }

    pub(super) fn address(&mut self, said: Option<&str>) -> Result<String, Failure> {
        self.text("their ILP address, such as g.othergreatwallet: ", said, |answer| {
            Address::try_from(answer).map(drop).map_err(|error| error.to_string())
        })
    }

    pub(super) fn endpoint(&mut self, said: Option<&str>) -> Result<String, Failure> {
        self.text("where they take packets, such as ilp.othergreatwallet.com: ", said, is_endpoint)
    }

    /// Returns the peer's name; `None` for an empty answer.
    pub(super) fn name(&mut self, said: Option<&str>) -> Result<Option<String>, Failure> {
        let name = self.text("what you call them (may be empty): ", said, |_| Ok(()))?;
        Ok(Some(name).filter(|name| !name.is_empty()))
    }

    /// Returns an amount in the asset; `None`, for the default, for an empty answer.
    pub(super) fn amount(
        &mut self,
        question: &str,
        said: Option<&str>,
        scale: u8,
    ) -> Result<Option<String>, Failure> {
        let amount = self.text(question, said, |answer| match answer {
            "" => Ok(()),
            answer => parse_amount(answer, scale).map(drop).map_err(|error| error.to_string()),
        })?;
        Ok(Some(amount).filter(|amount| !amount.is_empty()))
    }

    /// Returns the URL at which the peer reaches this node, which only this operator knows.
    pub(super) fn our_endpoint(&mut self, said: Option<&str>) -> Result<Option<String>, Failure> {
        let question = "where they reach this node, such as https://ilp.mywallet.com: ";
        self.text(question, said, is_endpoint).map(Some)
    }

    fn text(
        &mut self,
        question: &str,
        said: Option<&str>,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        match said {
            Some(said) => Ok(said.to_owned()),
            None => self
                .dialogue
                .ask_until(question, |answer| check(answer).map(|()| answer.to_owned())),
        }
    }
}

fn is_endpoint(answer: &str) -> Result<(), String> {
    Endpoint::parse(answer).map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_held_to_their_form_and_options_not_asked_again() {
        let admin = AdminArgs::at("http://127.0.0.1:1".to_owned());
        let answers = b"nonsense\ng.bob\nftp://x\n127.0.0.1:4002\n\n12.345\n12.34\n\n";
        let mut told = Vec::new();
        let dialogue = Dialogue { input: &answers[..], output: &mut told };
        let mut interview = Interview { dialogue, admin: &admin };
        assert_eq!(interview.address(None).unwrap(), "g.bob");
        assert_eq!(interview.endpoint(None).unwrap(), "127.0.0.1:4002");
        assert_eq!(interview.name(None).unwrap(), None);
        assert_eq!(interview.name(Some("Bob")).unwrap().as_deref(), Some("Bob"));
        assert_eq!(interview.amount("how much? ", None, 2).unwrap().as_deref(), Some("12.34"));
        assert_eq!(interview.amount("how much? ", None, 2).unwrap(), None);
        assert!(interview.our_endpoint(None).is_err(), "the answers have ended");
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains("decimal places") && told.contains("only http://"), "{told}");
    }
}
