//! The tokens that peers show us, one at a time: a peer changes over from one to the next without an
//! outage, and nobody has to send the others again, which only the peer still knows.

use data_encoding::HEXLOWER;
use ilp_connector::token::{Secret, TokenDigest};
use ilp_store::{IncomingToken, PeerRecord, Snapshot, shown};
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::{
    changes::{changing::Changing, outcome::Outcome, subject::known_by},
    node::operator::Operator,
    peers::{PeerChanges, error::PeerError, view::PeerView},
    vocabulary::{
        check,
        error::{Inconsistency, OperatorError},
    },
};

/// How much chance is in a token that the node makes: beyond guessing, whatever the attempts.
const TOKEN_BYTES: usize = 32;

/// How much of a digest names a token among those of its peer.
const ID_BYTES: usize = 8;

/// A token that a peer may show from now on.
#[derive(Clone, Debug)]
pub struct AddedToken {
    /// The peer as it is now.
    pub peer: PeerView,
    /// The stored form of the token.
    pub token: IncomingToken,
    /// The token itself where the node made it. It is kept nowhere, so this is the only time that
    /// anybody sees it: a client that asks again under its idempotency key finds `None`.
    pub made: Option<Secret>,
}

/// Which of a peer's tokens is meant.
#[derive(Clone, Debug)]
pub enum TokenName {
    /// The one with this id, as [`token_id`] has it.
    Id(String),
    /// The token itself.
    Token(Secret),
}

/// Returns a token's name where the token can't be shown: the first bytes of its digest, in
/// hexadecimal.
#[must_use]
pub fn token_id(digest: &TokenDigest) -> String {
    HEXLOWER.encode(&digest.as_bytes()[..ID_BYTES])
}

impl PeerChanges<'_> {
    /// Lets a peer show one more token, or makes one for it. Those that it has stay good.
    ///
    /// # Errors
    /// Not found; bad input for what is no token, or one more than a peer may have; a duplicate of
    /// any peer's token.
    pub async fn add_token(
        self,
        peer_id: &str,
        token: Option<Secret>,
    ) -> Result<AddedToken, OperatorError> {
        self.on.given(&shown! { "peerId": peer_id, "authToken": token });
        let id = known_form(peer_id)?;
        let (token, is_made) = match token {
            Some(token) => (token, false),
            None => (random_token()?, true),
        };
        let digests = check::incoming_tokens(std::slice::from_ref(&token))?;
        self.on
            .change(move |changing| async move {
                let mut record = changing.stored_peer(id).await?;
                let now_ms = changing.now().unix_ms();
                let new = digests
                    .into_iter()
                    .map(|digest| IncomingToken { digest, created_at_ms: now_ms });
                record.terms.incoming_tokens.extend(new);
                check::incoming_token_count(record.terms.incoming_tokens.len())?;
                let added = record.terms.incoming_tokens.last().copied();
                let added = added.ok_or(Inconsistency::NoTokenAdded)?;
                let made = is_made.then_some(token);
                changing.save_peer_as(record, |peer| AddedToken { peer, token: added, made }).await
            })
            .await
    }

    /// Lets a peer show a token no more. It may be the last one: a token that has leaked must go,
    /// and the peer then sends nothing until it is given another.
    ///
    /// # Errors
    /// Not found, for the peer and for the token.
    pub async fn revoke_token(
        self,
        peer_id: &str,
        which: TokenName,
    ) -> Result<PeerView, OperatorError> {
        self.on.given(&shown! { "peerId": peer_id, "token": which });
        let id = known_form(peer_id)?;
        self.on
            .change(move |changing| async move {
                let mut record = changing.stored_peer(id).await?;
                let position = record
                    .terms
                    .incoming_tokens
                    .iter()
                    .position(|token| which.names(&token.digest))
                    .ok_or(PeerError::UnknownIncomingToken)?;
                record.terms.incoming_tokens.remove(position);
                changing.save_peer(record).await
            })
            .await
    }
}

impl Changing {
    pub(crate) async fn stored_peer(&self, id: Uuid) -> Result<PeerRecord, OperatorError> {
        Ok(self.store(move |store| store.peer(id)).await?.ok_or(PeerError::Unknown)?)
    }
}

impl TokenName {
    fn names(&self, digest: &TokenDigest) -> bool {
        match self {
            Self::Id(id) => id.eq_ignore_ascii_case(&token_id(digest)),
            Self::Token(token) => TokenDigest::of(token.reveal().as_bytes()) == *digest,
        }
    }
}

impl Outcome for AddedToken {
    /// Without the token, which is shown once.
    fn keep(&self) -> Snapshot {
        self.peer.keep()
    }

    /// The token that was added is the last one of the peer as it was then.
    fn recall(kept: &Snapshot, operator: &Operator) -> Option<Self> {
        let peer = PeerView::recall(kept, operator)?;
        let token = peer.record.terms.incoming_tokens.last().copied()?;
        Some(Self { peer, token, made: None })
    }
}

/// Returns a random token in characters that any header takes.
///
/// # Errors
/// When the system gives no random numbers.
pub fn random_token() -> Result<Secret, OperatorError> {
    let mut bytes = [0; TOKEN_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Inconsistency::NoRandomNumbers)?;
    Ok(Secret::new(HEXLOWER.encode(&bytes)))
}

fn known_form(peer_id: &str) -> Result<Uuid, PeerError> {
    check::id(peer_id).ok_or(PeerError::Unknown)
}

known_by!(AddedToken => peer.record.id;);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_named_by_its_id_or_by_itself() {
        let digest = TokenDigest::of(b"mytoken");
        let id = token_id(&digest);
        assert_eq!(id.len(), 16);
        assert!(TokenName::Id(id.to_uppercase()).names(&digest));
        assert!(!TokenName::Id(id[..15].to_owned()).names(&digest));
        assert!(TokenName::Token(Secret::new("mytoken".to_owned())).names(&digest));
        assert!(!TokenName::Token(Secret::new("mytoken ".to_owned())).names(&digest));
    }

    #[test]
    fn tokens_that_the_node_makes_are_good_ones_and_never_the_same() {
        let (one, other) = (random_token().unwrap(), random_token().unwrap());
        assert_ne!(one, other);
        assert!(check::incoming_tokens(&[one, other]).is_ok());
    }
}
