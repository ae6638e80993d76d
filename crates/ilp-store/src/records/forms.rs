//! The forms of records: the types of assets and peers, the form of records on disk, the keys they
//! lie under, and the pages and filters of their lists.

pub(crate) mod event_record;
pub(crate) mod keys;
pub(crate) mod page;
pub(crate) mod peer_forms;
pub(crate) mod peer_records;
pub(crate) mod stored_form;
pub(crate) mod text_filter;
