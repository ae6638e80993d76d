//! Values that a node makes at its first start and then keeps in its store.

use ilp_store::{Companions, Store};
use ilp_stream::SharedSecret;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::{
    commands::Failure,
    config::{Config, ConfigError},
    run::store_failure,
};

/// Returns the operator's tenant id. It is made once and kept, since clients send it with each
/// request.
pub(crate) fn tenant_id(config: &Config, store: &Store) -> Result<Uuid, Failure> {
    const SETTING: &str = "tenant_id";
    if let Some(id) = config.admin.tenant_id {
        return Ok(id);
    }
    if let Some(id) = store
        .setting(SETTING)
        .map_err(store_failure)?
        .and_then(|bytes| Uuid::from_slice(&bytes).ok())
    {
        return Ok(id);
    }
    let id = Uuid::new_v4();
    store
        .transact(Companions::none(), |tx| tx.set_setting(SETTING, id.as_bytes()))
        .map_err(|error| Failure::Store(error.to_string()))?;
    Ok(id)
}

/// The permission for books to continue under another ILP address than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressChange {
    /// The operator has confirmed the change, or a parent gives the address.
    Confirmed,
    Refused,
}

/// Stores the node's ILP address beside its books at the first start, and compares it at every
/// later one: under another address, packets from peers come from addresses that the node doesn't
/// know, and its own payments fail.
///
/// # Errors
/// [`ConfigError::OtherAddress`] for another address that is not confirmed.
pub(crate) fn keep_address(
    config: &Config,
    store: &Store,
    change: AddressChange,
) -> Result<(), Failure> {
    const SETTING: &str = "ilp_address";
    let given = config.node.ilp_address.as_str();
    let kept = store.setting(SETTING).map_err(store_failure)?;
    match kept.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(kept) if kept == given => return Ok(()),
        Some(kept) if change == AddressChange::Refused => {
            return Err(Failure::Config(ConfigError::OtherAddress {
                given: given.to_owned(),
                kept,
                data_dir: config.node.data_dir.display().to_string(),
            }));
        }
        Some(kept) => tracing::warn!(kept, given, "these books go on under another ILP address"),
        None => {}
    }
    store
        .transact(Companions::none(), |tx| tx.set_setting(SETTING, given.as_bytes()))
        .map_err(|error| Failure::Store(error.to_string()))
}

/// Returns the secret from which payment addresses are derived. It is made once and kept, since
/// payers hold addresses.
pub(crate) fn stream_secret(config: &Config, store: &Store) -> Result<SharedSecret, Failure> {
    const SETTING: &str = "stream_secret";
    if let Some(secret) = &config.node.stream_secret {
        return Ok(secret.clone());
    }
    let kept = store.setting(SETTING).map_err(store_failure)?;
    if let Some(secret) = kept.and_then(|bytes| bytes.try_into().ok()) {
        return Ok(SharedSecret::new(secret));
    }
    let mut secret = [0; 32];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| Failure::Refused("the system gives no random numbers".to_owned()))?;
    store
        .transact(Companions::none(), |tx| tx.set_setting(SETTING, &secret))
        .map_err(|error| Failure::Store(error.to_string()))?;
    Ok(SharedSecret::new(secret))
}
