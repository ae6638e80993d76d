//! The values that the node makes for itself at its first start and keeps, such as its stream
//! secret.

use super::forms::keys::Kind;
use crate::{
    error::{StoreError, TransactionError},
    store::{
        reading::{Reader, Reading},
        transaction::Transaction,
    },
};

impl Reader {
    /// The setting of this name, if there is one.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.get(&Kind::Setting.key(name.as_bytes()))?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }
}

impl Transaction<'_> {
    /// Sets, or replaces, the setting of this name.
    ///
    /// # Errors
    /// [`TransactionError::TooLarge`] above [`crate::RECORD_BYTES_MAX`], or when the store can't be written.
    pub fn set_setting(&mut self, name: &str, value: &[u8]) -> Result<(), TransactionError> {
        self.put_bytes(Kind::Setting.key(name.as_bytes()), value)
    }
}
