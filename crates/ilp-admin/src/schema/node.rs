//! The node itself: its state, tenant, audit log and events.

pub(crate) mod audit;
pub(crate) mod event;
pub(crate) mod node_info;
pub(crate) mod tenant;
